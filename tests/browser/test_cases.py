"""Builds that are out of the ordinary: failed, big, several, hostile."""

from __future__ import annotations

import made_traces
import pytest
from benchmarks import rendering
from msgspec.structs import replace
from renderers import graphs
from renderers.page.test_build_page import HOSTILE, named, two_models

from browser.looks import SEEN
from buildtrace.traces.schema import Finding

pytestmark = pytest.mark.browser


def test_a_failed_build_opens_where_it_failed(report):
    trace = made_traces.failing(before=1)
    page = report(trace)
    shown = page.js(SEEN)
    failed = trace.failed
    assert (shown["verb"], shown["name"], shown["layer"]) == ("Failed:", failed.name, "bad Dense")
    assert shown["says"] == "bad fails."  # of what stands below
    message = page.page.locator("#failure .message")
    assert message.inner_text() == "ValueError: units must be positive,\ngot -1"
    assert page.page.locator("#app").inner_text().count("units must be positive") == 1
    red, green, blue = page.js(
        "getComputedStyle(document.querySelector('#failure .message')).color"
        ".match(/\\d+/g).map(Number)"
    )[:3]
    assert red > 1.5 * max(green, blue)
    assert page.page.locator("#tree .row.failed.current").count() == 1
    banner = page.page.locator("#app .banner.failed")
    assert banner.is_hidden()
    page.press("Home")
    assert message.is_hidden()
    assert "The build failed in Dense.build of bad (Dense)" in banner.inner_text()
    banner.get_by_role("button", name="Show the call").click()
    assert page.js(SEEN)["slider"] == shown["slider"]
    page.press("Shift+ArrowRight")  # the call around it: the exception only comes through
    assert page.page.locator("#now .through").inner_text() == "ValueError, out of Dense.build"
    assert page.page.locator("#app").inner_text().count("units must be positive") == 0


def test_a_swallowed_exception_is_shown_as_such(report):
    trace = named("thing")
    page = report(replace(trace, error=None))
    page.press("End")
    assert page.js(SEEN)["verb"] == "Raised, and was caught:"
    assert page.page.locator("#tree .row.swallowed .error").inner_text() == "thing, caught"
    assert page.page.locator("#tree .row.failed").count() == 0


def test_a_finding_leads_to_its_calls(report):
    finding = Finding(code="BT001", message="Odd.", why="So.", fix="Do.", calls=(5,))
    trace = replace(made_traces.mlp3(), findings=(finding,))
    page = report(trace)
    page.page.locator("#app .findings").get_by_text("BT001").click()
    page.page.locator("#app .findings").get_by_role("button", name="Dense.build").click()
    assert page.js(SEEN)["name"] == trace.calls[5].name


def test_the_switcher_changes_all_panes(report):
    trace = two_models()
    page = report(trace)
    half = len(trace.calls) // 2
    page.page.get_by_role("button", name="calls", exact=True).click()
    page.press("End")
    assert page.js(SEEN)["count"] == f"{2 * half} / {2 * half}"
    page.page.select_option("#chapter", label="second")
    shown = page.js(SEEN)
    assert shown["count"] == f"0 / {2 * half}"
    assert {box["seen"] for box in shown["boxes"].values()} == {False}
    page.page.select_option("#chapter", label="Everything")
    page.press("End")
    shown = page.js(SEEN)
    assert shown["count"] == f"{4 * half} / {4 * half}"
    assert {box["seen"] for box in shown["boxes"].values()} == {True}
    # An address of the other model's call leads to that model.
    assert page.open(f"#call-{half}").js("document.getElementById('chapter').value") == "1"


def test_repeats_start_folded_and_unfold(report):
    trace = rendering.synthetic(2_000)
    page = report(trace)
    gap = page.page.locator("#tree .gap")
    first = page.js("document.querySelector('#tree .rows').clientHeight")
    page.page.get_by_role("button", name="Unfold all").click()
    whole = page.js("document.querySelector('#tree .rows').clientHeight")
    assert whole == pytest.approx(first / len_of_rows(page, trace) * len(trace.calls), rel=0.01)
    assert page.page.locator("#tree .row").count() < 80  # only those in sight are there
    page.page.get_by_role("button", name="Fold", exact=True).click()
    page.js("document.getElementById('tree').scrollTop = 1e9")
    assert gap.count() > 0
    # What is folded away can be found all the same, and shows itself.
    last = trace.weights[-1]
    page.page.fill("#search", last.path)
    page.press("Enter")
    shown = page.js(SEEN)
    assert shown["row"]["weights"] == [f"{last.name} {last.shape}"]
    assert shown["row"]["inside"]


def len_of_rows(page, trace):
    from buildtrace.traces import folding

    rows = page.js("document.querySelector('#tree .rows').clientHeight") / 26
    assert rows == pytest.approx(len(trace.calls), abs=1)
    folded = folding.fold(trace)
    gaps = {c.parent for c in trace.calls} and sum(
        1 for c in folded.calls if c.folded and c.folded.repeats > 1
    )
    return len(folded.calls) + gaps


def test_every_layer_of_a_folded_graph(report):
    trace = graphs.trace(graphs.residual(blocks=8))
    page = report(trace)
    few = page.page.locator("#graph .node").count()
    page.page.get_by_role("button", name="Every layer").click()
    assert page.page.locator("#graph .node").count() == len(trace.graphs[0].nodes) > 3 * few
    page.page.get_by_role("button", name="Folded").click()
    assert page.page.locator("#graph .node").count() == few


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_run_nothing_and_break_nothing(report, name):
    page = report(named(name))
    page.press("Home", *["Shift+ArrowRight"] * 8)
    page.page.locator("#drawer summary").click()
    page.page.fill("#search", name[:20].strip("\x00\ud800\u202e") or "a")
    shown = page.js(SEEN)
    assert shown["slider"] == 8
    assert page.page.locator("body > *").count() == 3  # the app and two scripts
    assert page.page.locator("img").count() == 0
    assert page.page.locator(".pane:visible").count() == 3
    wide = page.js("document.documentElement.scrollWidth")
    assert wide == 1600
    if name in (HOSTILE["script"], HOSTILE["image"]):
        assert shown["name"] == f"{name}.build"


def test_inside_of_a_sandboxed_frame(report, tmp_path):
    page = report(made_traces.mlp3())
    markup = page.path.read_text()
    page.page.evaluate(
        """(markup) => {
          const frame = document.createElement("iframe");
          frame.sandbox = "allow-scripts";
          frame.srcdoc = markup;
          document.body.replaceChildren(frame);
        }""",
        markup,
    )
    frame = page.page.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for()
    frame.locator("[data-do=forward]").click()
    assert frame.locator("#count").inner_text().startswith("beat 1 ")
    page.asked = [url for url in page.asked if url != "about:srcdoc"]
