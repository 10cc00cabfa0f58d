"""Two builds in lockstep: both sides, at each step, against the traces."""

from __future__ import annotations

import linecache
from pathlib import Path

import made_traces
import pytest

from browser.looks import CONTRAST, STILL

pytestmark = pytest.mark.browser

SEEN = Path(__file__).with_name("both.js").read_text().strip()
TITLES = {"keras2": "Keras 2", "keras3": "Keras 3"}
SIGNS = {"same": "", "counterpart": "≈", "differs": "≠", "left": "<", "right": ">"}


def side_at(steps, number, side):
    """The call that a side is at when a step is reached, and how: worked out step by step."""
    ids = [(step.left, step.right)[side] for step in steps]
    if ids[number] is not None:
        return ids[number], "here"
    if steps[number].elsewhere is not None:
        return steps[number].elsewhere, "elsewhere"
    before = [id_ for id_ in ids[:number] if id_ is not None]
    return (before[-1], "still") if before else (None, "none")


def check(both, steps, number, shown):
    """Everything that the page says of a step is so."""
    step = steps[number]
    assert shown["row"] == f"row-{number}"
    assert shown["inside"]
    assert shown["count"] == f"{number + 1} / {len(steps)}"
    assert shown["slider"] == number
    assert (shown["sign"] or "") == SIGNS[step.state]
    assert [fact for fact, _ in shown["differs"]] == [*step.differs]
    labels = "before", "after"  # as the fixture has them
    generations_differ = len({trace.calls[0].generation for trace in both}) > 1
    for side, trace in enumerate(both):
        id_, how = side_at(steps, number, side)
        card, cell = shown["sides"][side], shown["cells"][2 * side]
        title = TITLES[trace.calls[0].generation] if generations_differ else labels[side]
        assert card["build"] == title
        assert card["how"] == how
        if id_ is None:
            assert (card["name"], cell, shown["marked"][side]) == (None, None, [])
            continue
        call = trace.call(id_)
        assert card["name"] == call.name
        assert shown["marked"][side] == [[call.name, how]]
        layer = call.layer
        assert card["layer"] == (f"{layer.name} {layer.class_name}" if layer else None)
        if how == "still":
            assert (cell, card["says"]) == (None, None)
            continue
        assert cell == call.name if how == "here" else cell[1:] == f" {call.name}"
        assert shown["depths"][2 * side] == len(trace.ancestors(call))
        assert card["says"] == trace.landmark(call).summary.replace("`", "")
        line = linecache.getline(call.caller.file, call.caller.line)
        assert card["line"] == (line.strip() or None)


def test_every_step_of_the_mlp_on_both_generations_forwards_and_back(lockstep, both_mlps):
    steps = both_mlps[0].diff(both_mlps[1]).steps
    page = lockstep(*both_mlps)
    page.page.get_by_role("button", name="Show what is equal").click()
    forwards = [page.js(SEEN)]
    for _ in steps[1:]:
        page.press("ArrowRight")
        forwards.append(page.js(SEEN))
    for number, shown in enumerate(forwards):
        check(both_mlps, steps, number, shown)
    page.press("ArrowRight")  # the end is the end
    assert page.js(SEEN)["row"] == forwards[-1]["row"]
    for shown in reversed(forwards[:-1]):
        page.press("ArrowLeft")
        assert page.js(SEEN) == shown
    # All that only one generation has says why, and nothing else does.
    alone = {side["name"]: side["alone"] for s in forwards for side in s["sides"] if side["alone"]}
    assert "Layer._set_connectivity_metadata" in alone
    assert "Operation.__call__" in alone
    assert "Layer.symbolic_call" not in alone


def test_the_sides_that_belong_together_are_right_when_units_differ(lockstep):
    both = made_traces.mlp3((512, 64, 10)), made_traces.mlp3((512, 32, 10))
    steps = both[0].diff(both[1]).steps
    page = lockstep(*both)
    page.page.get_by_role("button", name="Show what is equal").click()
    for number in range(len(steps)):
        check(both, steps, number, page.js(SEEN))
        page.press("ArrowDown")
    page.press("Home", "Shift+ArrowRight")
    shown = page.js(SEEN)
    assert (shown["cells"][0], shown["sides"][0]["layer"]) == ("Layer.__call__", "dense_1 Dense")
    assert shown["differs"] == [["outputs", "(None, 64) ≠ (None, 32)"]]
    assert shown["means"] == "not the same"


def rows_at(shown):
    """The first and the last row that the count names, from 1."""
    first, _, last = shown["count"].split(" / ")[0].partition("\N{EN DASH}")
    return int(first), int(last or first)


def test_a_fold_is_one_step_and_nothing_is_passed_over(lockstep, both_mlps):
    steps = both_mlps[0].diff(both_mlps[1]).steps
    page = lockstep(*both_mlps)
    ends, folds, seen = 0, 0, [page.js(SEEN)]
    for _ in steps:  # one press for each is more than enough
        page.press("ArrowRight")
        seen.append(page.js(SEEN))
        if seen[-1]["row"] == seen[-2]["row"]:
            break
    del seen[-1]
    for shown in seen:
        first, last = rows_at(shown)
        assert first == ends + 1
        ends = last
        if shown["fold"]:
            folds += 1
            assert {step.state for step in steps[first - 1 : last]} == {"same"}
            assert shown["fold"] == f"⋯ {last - first + 1} equal calls"
            assert shown["means"] == shown["fold"]
    assert ends == len(steps)
    assert folds == 2


def test_a_fold_opens_by_enter_and_by_a_click_and_closes(lockstep, both_mlps):
    page = lockstep(*both_mlps)
    page.press(*["ArrowRight"] * 3)
    assert page.js(SEEN)["fold"]
    first, last = rows_at(page.js(SEEN))
    hidden = page.page.locator(f"#row-{last - 1}")
    assert hidden.is_hidden()
    page.press("Enter")
    assert hidden.is_visible()
    assert rows_at(page.js(SEEN)) == (first, first)
    fold = page.page.get_by_role("button", name="equal calls").first
    assert fold.get_attribute("aria-expanded") == "true"
    fold.click()
    assert hidden.is_hidden()
    assert rows_at(page.js(SEEN)) == (first, last)


def test_each_difference_leads_to_a_row_that_shows_it(lockstep, both_mlps):
    difference = both_mlps[0].diff(both_mlps[1])
    page = lockstep(*both_mlps)
    links = 0
    for change, item in zip(
        difference.changes, page.page.locator("#changes li").all(), strict=True
    ):
        assert item.inner_text().replace("\n", " ").startswith(f"· {change.message}"[:40])
        calls = [side.call for side in (change.left, change.right) if side]
        if not any(call is not None for call in calls):
            assert item.locator("a").count() == 0
            continue
        links += 1
        item.locator("a").click()
        row = int(page.js(SEEN)["row"].removeprefix("row-"))
        step = difference.steps[row]
        shown = zip((change.left, change.right), (step.left, step.right), strict=True)
        assert any(side and side.call == there is not None for side, there in shown)
    assert links > 5


def test_a_call_in_another_place_leads_there_and_back(lockstep, both_mlps):
    page = lockstep(*both_mlps)
    link = page.page.locator("#rows td.other a").first
    assert link.inner_text() == "↓ Layer.symbolic_call"
    here = link.evaluate("link => link.closest('tr').id")
    link.click()
    shown = page.js(SEEN)
    assert shown["cells"][2] == "Layer.symbolic_call"
    assert shown["cells"][0] == "↑ Layer._functional_construction_call"
    page.page.locator("#card a").click()
    assert page.js(SEEN)["row"] == here


def test_keys_slider_and_address(lockstep, both_mlps):
    steps = both_mlps[0].diff(both_mlps[1]).steps
    page = lockstep(*both_mlps)
    page.press("End")
    assert rows_at(page.js(SEEN))[1] == len(steps)
    page.press("Home")
    assert page.js(SEEN)["slider"] == 0
    different = [n for n, step in enumerate(steps) if step.state != "same"]
    for row in different:
        page.press("Shift+ArrowRight")
        assert page.js(SEEN)["row"] == f"row-{row}"
    for row in reversed(different[:-1]):
        page.press("Shift+ArrowLeft")
        assert page.js(SEEN)["row"] == f"row-{row}"
    page.page.locator("#slider").focus()
    page.press("ArrowRight")
    assert page.js(SEEN)["row"] == f"row-{different[0] + 1}"
    page.until(f"location.hash === '#row-{different[0] + 1}'")
    inner = next(n for n in range(len(steps)) if page.page.locator(f"#row-{n}").is_hidden())
    page.open(f"#row-{inner}")  # in a fold, which opens
    assert page.js(SEEN)["row"] == f"row-{inner}"
    assert page.page.locator(f"#row-{inner}").is_visible()
    for nowhere in ("#row-99999", "#%3Cscript%3E", "#%", "#row-"):
        assert page.open(nowhere).js(SEEN)["row"] == "row-0"


@pytest.mark.parametrize("size", [(390, 844), (1600, 950)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_and_all_can_be_read(lockstep, both_mlps, size, scheme):
    page = lockstep(*both_mlps, size=size, color_scheme=scheme, **STILL)
    for _ in range(4):
        sizes = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert tuple(page.js(sizes)) == size
        box = page.page.locator("#rows")
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
        assert page.js(CONTRAST) == []
        assert page.js(SEEN)["inside"]
        page.press(*["ArrowRight"] * 11)
    button = page.page.get_by_role("button", name="Step", exact=True).bounding_box()
    assert min(button["width"], button["height"]) >= 32  # a finger finds it


REDS = """() => {
  const red = (color) => {
    const made = document.createElement("canvas").getContext("2d");
    made.fillStyle = color;
    made.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = made.getImageData(0, 0, 1, 1).data;
    return a > 0 && r > 1.04 * Math.max(g, b) && Math.abs(g - b) < 0.5 * (r - Math.max(g, b));
  };
  return [...document.querySelectorAll("#page *")].filter((element) => {
    const { color, backgroundColor } = getComputedStyle(element);
    return red(color) || red(backgroundColor);
  }).map((element) => element.closest("li, tr, p")?.textContent ?? element.outerHTML);
}"""
"""What has red in it: text, or ground."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_red_is_only_for_what_fails(lockstep, scheme):
    small, other = made_traces.mlp3(), made_traces.mlp3((256, 64, 10))
    states = set()
    for pair in ((small, other), (other, small)):
        page = lockstep(*pair, color_scheme=scheme, **STILL)
        states |= set(
            page.js("[...document.querySelectorAll('tr[data-state]')].map((r) => r.dataset.state)")
        )
        assert page.page.locator("#changes li[data-severity=error]").count()
        assert page.js(REDS) == []
        assert page.js(CONTRAST) == []
    assert {"left", "right", "differs"} <= states
    reds = lockstep(small, made_traces.failing(), color_scheme=scheme, **STILL).js(REDS)
    assert reds
    assert all("Error" in text or "fail" in text for text in reds), reds


def test_without_scripts_all_rows_are_there(lockstep, both_mlps):
    left, right = both_mlps
    page = lockstep(left, right, scripts=False).page
    for side, trace in enumerate(both_mlps):
        cells = page.locator(f"#rows tr[data-state] td:nth-child({1 + 2 * side})")
        names = cells.locator("code").all_inner_texts()
        assert names == [call.name for _, call in trace.walk()]
    assert page.locator("#rows tr:visible").count() == 1 + len(left.diff(right).steps)
    assert page.locator("#bar").is_hidden()
    page.locator("#rows td.other a").first.click()
    assert page.url.split("#")[1].startswith("row-")


def test_names_stay_names(lockstep):
    page = lockstep(made_traces.mlp3(), made_traces.evil())
    page.press(*["Shift+ArrowRight"] * 30)
    assert page.js("document.querySelectorAll('#page b img, #page script').length") == 0
    assert "[bold]x" in page.js("document.querySelector('#rows').textContent")


def test_no_calls_at_all(lockstep):
    page = lockstep(made_traces.Trace(), made_traces.Trace())
    assert page.page.get_by_text("No build was recorded on either side.").is_visible()
    page.press("ArrowRight", "End", "Enter")
