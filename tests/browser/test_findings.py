"""What went wrong, as the page shows it: findings, what was caught, and the step that failed."""

from __future__ import annotations

import made_traces
import pytest
from msgspec.structs import replace

from browser.looks import CONTRAST, SEEN, STILL
from buildtrace.traces.schema import Expected, Finding, SourceLine

pytestmark = pytest.mark.browser

FIX = "def build(self, input_shape):\n    self.hidden.build(input_shape)"


def wrong(folder, number=12):
    """A trace with everything that can go wrong, of a script that is there."""
    path = folder / "net.py"
    path.write_text(made_traces.SCRIPT)
    caught = made_traces.caught(str(path))
    failed = made_traces.frozen(str(path), expects=[Expected(min_ndim=2, axes={-1: 3})])
    shift = len(caught.calls)
    moved = [
        replace(c, id=c.id + shift, parent=None if c.parent is None else c.parent + shift)
        for c in failed.calls
    ]
    weights = [replace(w, call=w.call + shift) for w in failed.weights]
    severities = ("error", "warning", *["note"] * number)
    findings = [
        Finding(
            code=f"BT{100 + min(n, 2)}",
            severity=severity,
            message=f"'hidden' (Dense) is finding {n}.",
            why="Keras builds what is not built, and says nothing of it. " * 3,
            fix=FIX,
            calls=(2, shift),
            caller=SourceLine(file=str(path), line=9),
        )
        for n, severity in enumerate(severities)
    ]
    calls = (*caught.calls, *moved)
    return replace(failed, calls=calls, weights=tuple(weights), findings=tuple(findings))


def test_it_is_all_reached_by_keyboard(report, tmp_path):
    trace = wrong(tmp_path)
    page = report(trace)
    panel = page.page.locator("#app .findings")
    summaries = panel.locator("li[data-severity] > details > summary")
    summaries.first.focus()
    page.press("Enter")
    item = panel.locator("li[data-severity]").first
    assert item.locator("pre").is_visible()
    assert "BT100" in item.inner_text()
    page.press("Tab")
    assert page.js("document.activeElement.textContent") == "Copy"
    page.press("Enter")
    page.until("document.activeElement.textContent === 'Copied'")
    page.js("""() => {
      const area = document.body.appendChild(document.createElement("textarea"));
      area.id = "pasted"; area.focus();
    }""")
    page.press("Control+v")
    assert page.js("document.getElementById('pasted').value") == FIX
    item.get_by_role("button").nth(1).focus()
    page.press("Enter")
    shown = page.js(SEEN)
    assert shown["name"] == "compute_output_spec"
    assert shown["verb"] == "Raised, and was caught:"  # at its end, where there is the exception
    codes = ["BT100", "BT101", "BT102"]  # each code once, as badges in the tree and with its words
    assert page.page.locator("#tree .row.current .badge").all_inner_texts() == codes
    buttons = page.page.locator("#now .badge")
    assert buttons.all_inner_texts() == codes
    page.press("Tab", "Enter")
    assert page.js(SEEN)["name"] == trace.calls[trace.findings[0].calls[1]].name
    buttons.nth(1).focus()  # what is told there leads to where it is told in full
    page.press("Enter")
    assert "is finding 1." in page.js("document.activeElement.textContent")
    assert page.js("document.activeElement.parentElement.open")


def test_the_step_that_failed_shows_what_was_got_beside_what_was_built(report, tmp_path):
    trace = wrong(tmp_path)
    page = report(trace)
    assert page.js(SEEN)["verb"] == "Failed:"
    rows = page.page.locator("#failure .compare > div")
    assert [text.split("\n")[:2] for text in rows.all_inner_texts()] == [
        ["got", "(2, 5)"],
        ["expects", "size 3 on axis -1, at least 2 axes"],
        ["built for", "(2, 3) by Dense.build: kernel (3, 4), bias (4,)"],
    ]
    got, expects = (rows.nth(n).bounding_box() for n in (0, 1))
    assert got["y"] == expects["y"]  # side by side
    page.page.get_by_role("button", name="Show that build").click()
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"], shown["layer"]) == (
        "Done:",
        "Dense.build",
        "hidden Dense",
    )


def test_a_remedy_is_copied_out_of_a_sandboxed_frame(report, tmp_path):
    page = report(wrong(tmp_path))
    page.page.evaluate(
        """(markup) => {
          const frame = document.createElement("iframe");
          frame.sandbox = "allow-scripts";
          frame.style = "width: 1400px; height: 800px";
          frame.srcdoc = markup;
          document.body.replaceChildren(frame);
        }""",
        page.path.read_text(),
    )
    frame = page.page.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for()
    item = frame.locator("#app .findings li[data-severity]").first
    item.locator("summary").click()
    item.locator("[data-copy]").click()
    item.get_by_text("Copied").or_(item.get_by_text("Selected")).wait_for()
    page.asked = [url for url in page.asked if url != "about:srcdoc"]
    page.told = []  # that the frame may not have the clipboard's newer interface


@pytest.mark.parametrize("size", [(390, 844), (1600, 950)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_leaves_room(report, tmp_path, size, scheme):
    page = report(wrong(tmp_path), size=size, color_scheme=scheme, **STILL)
    summary = page.page.locator("#app .findings li[data-severity] > details > summary")
    for way in ("", "open"):
        if way:
            summary.first.click()
        for key in ("Home", "End"):
            page.press(key)
            wide, tall = page.js(
                "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            )
            assert (wide, tall) == size, (way, key)
            assert page.js(CONTRAST) == []
    page.page.locator("#app .findings > summary").click()  # all of it goes away
    assert not summary.first.is_visible()
    assert page.page.locator("#app .findings").bounding_box()["height"] < 60
    assert page.page.locator("#pane-graph").bounding_box()["height"] > 140


def test_without_scripts_all_of_it_is_open(report, tmp_path):
    page = report(wrong(tmp_path), scripts=False).page
    items = page.locator("#plain .findings li[data-severity]")
    assert items.count() == 14  # what was caught is told by the first finding about it
    for number in range(items.count()):
        assert items.nth(number).locator(".why").first.is_visible()
    assert "Keras caught this exception" in items.first.inner_text()
    assert page.locator("#plain .failed .code li[aria-current]").inner_text().strip() == (
        "y = self.hidden(x)"
    )
    assert page.locator("#plain button").count() == 0
