"""Where it is read: on a phone and in a hall, in light and dark, without scripts."""

from __future__ import annotations

import made_traces
import pytest

from browser.looks import CONTRAST, SEEN, STILL

pytestmark = pytest.mark.browser

PANES = {(390, 844): ["graph"], (960, 540): ["graph"], (844, 390): ["graph"]}
"""Which panes there are on a phone, upright and lying, and in a hall; on a desk all."""


@pytest.mark.parametrize(
    "size", [(390, 844), (844, 390), (960, 540), (960, 700), (1280, 800), (1600, 950)]
)
def test_nothing_sticks_out_of_the_screen(report, mlp, size):
    page = report(mlp, size=size)
    for _ in range(3):
        wide, tall = page.js(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert (wide, tall) == size
        page.press(*["ArrowRight"] * 4)
    visible = page.js(
        "[...document.querySelectorAll('.pane')].filter((e) => e.checkVisibility())"
        ".map((e) => e.id.replace('pane-', ''))"
    )
    assert visible == PANES.get(size, ["source", "graph", "calls"])
    step = page.page.get_by_role("button", name="Step", exact=True).bounding_box()
    assert step["x"] >= 0
    assert step["x"] + step["width"] <= size[0]
    assert step["y"] + step["height"] <= size[1]
    if size == (390, 844):
        assert min(step["width"], step["height"]) >= 32  # a finger finds it
        for tab in ("Source", "Graph", "Calls"):
            page.page.get_by_role("button", name=tab, exact=True).click()
            assert page.page.locator(f"#pane-{tab.lower()}").is_visible()
            assert page.page.locator(".pane:visible").count() == 1


def boxes(page, *selectors):
    return [page.page.locator(selector).bounding_box() for selector in selectors]


@pytest.mark.parametrize("size", [(1280, 800), (1600, 950), (1920, 1080)])
def test_on_a_desk_the_graph_is_the_largest_and_one_sentence_is_large(report, mlp, size):
    page = report(mlp, size=size)
    for _ in range(9):
        page.press("ArrowRight")
        graph, *others = (
            box["width"] * box["height"]
            for box in boxes(page, "#pane-graph", "#pane-source", "#pane-calls", ".story", "#bar")
        )
        assert graph > max(others)
        large = page.js(
            "[...document.querySelectorAll('#app *')].filter((e) => e.checkVisibility()"
            " && !e.closest('svg') && [...e.childNodes].some((n) => n.data?.trim()) &&"
            " parseFloat(getComputedStyle(e).fontSize) > 18)"
            ".every((e) => e.closest('.says'))"
        )
        assert large
    assert page.js("parseFloat(getComputedStyle(document.querySelector('.says')).fontSize)") >= 20
    tree = "parseFloat(getComputedStyle(document.querySelector('#tree .row .function')).fontSize)"
    assert page.js(tree) >= 14


@pytest.mark.parametrize("size", [(960, 540), (1920, 1080)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_hall_the_sentence_the_graph_and_one_line(report, mlp, size, scheme):
    page = report(mlp, size=size, color_scheme=scheme, **STILL)
    hall = "document.documentElement.classList.contains('hall')"
    assert page.js(hall) == (size == (960, 540))  # by itself where it is wide and low
    if size == (1920, 1080):
        page.press("p")
    assert page.js(hall)
    assert page.page.get_by_role("button", name="Projector").get_attribute("aria-pressed") == "true"
    for _ in range(9):
        page.press("ArrowRight")
        shown = page.js(SEEN)
        (says,) = boxes(page, ".says")
        assert says["y"] + says["height"] < size[1] / 3
        font = "parseFloat(getComputedStyle(document.querySelector('.says')).fontSize)"
        assert page.js(font) >= 22
        (graph,) = boxes(page, "#pane-graph")
        assert graph["height"] > 0.4 * size[1]
        assert graph["width"] > 0.9 * size[0]
        line = page.page.locator("#line")
        assert line.is_visible()
        assert line.locator("code").inner_text().strip() == shown["source"][1]
        assert line.locator(".place").inner_text().endswith(f":{shown['source'][0]}")
        assert (
            page.page.locator("#pane-source, #pane-calls, .tabs").locator("visible=true").count()
            == 0
        )
        assert page.js(CONTRAST) == []
    page.page.get_by_role("button", name="Projector").click()
    assert not page.js(hall)
    assert page.page.locator(".tabs").is_hidden()  # a desk is no phone


def test_a_hall_sees_the_line_that_failed(report, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(made_traces.SCRIPT)
    page = report(made_traces.frozen(str(path)), size=(960, 540))
    assert page.page.locator("#line").inner_text().split("\n") == ["net.py:9", "y = self.hidden(x)"]


def test_the_tree_of_calls_makes_room(report, mlp):
    page = report(mlp, size=(1280, 800))
    (before,) = boxes(page, "#pane-graph")
    button = page.page.get_by_role("button", name="Calls", exact=True)
    assert button.get_attribute("aria-expanded") == "true"
    button.focus()
    page.press("Enter")
    assert page.page.locator("#tree").is_hidden()
    (after,) = boxes(page, "#pane-graph")
    assert after["width"] > before["width"] + 100
    page.press("Enter")
    assert page.page.locator("#tree .row").first.is_visible()
    narrow = report(mlp, size=(800, 700)).page
    assert narrow.locator("#tree").is_hidden()  # at first
    narrow.set_viewport_size({"width": 390, "height": 844})  # no desk any more
    narrow.get_by_role("button", name="Calls", exact=True).click()
    assert narrow.locator("#tree .row").first.is_visible()


def test_the_keys_are_told(report, mlp):
    page = report(mlp)
    page.press("?")
    dialog = page.page.locator("#keys")
    assert dialog.is_visible()
    page.press("ArrowRight")  # not meant for the page behind
    page.press("Escape")
    assert dialog.is_hidden()
    assert page.js(SEEN)["slider"] == 0
    page.page.get_by_role("button", name="Keys").click()
    assert "beat" in dialog.inner_text()
    page.page.get_by_role("button", name="Close").click()
    assert dialog.is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(report, mlp, scheme):
    page = report(mlp, color_scheme=scheme, **STILL)
    for _ in range(4):
        page.press(*["Shift+ArrowRight"] * 19)
        assert page.js(CONTRAST) == []
    page.press("Home")
    for _ in range(9):
        page.press("ArrowRight")
        assert page.js(CONTRAST) == []


def test_without_scripts(report, mlp):
    page = report(mlp, scripts=False).page
    assert page.locator("#app").is_hidden()
    assert page.locator("#plain svg").is_visible()
    assert page.locator("#plain noscript").inner_text().startswith("With JavaScript")
    names = page.locator("#plain code").all_inner_texts()
    assert names == [call.name for call in mlp.calls]
    inner = page.locator("#plain code", has_text="Dense.build").first
    assert inner.is_visible()
    page.locator("#plain summary").first.click()  # the outermost call folds
    assert inner.is_hidden()
    assert page.locator("#plain tbody tr").count() == 4
