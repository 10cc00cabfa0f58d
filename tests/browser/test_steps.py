"""Step by step through a real build: every pane against the trace."""

from __future__ import annotations

import pytest

from browser import expected
from browser.looks import SEEN, STILL, check

pytestmark = pytest.mark.browser


def test_every_step_of_the_mlp_forwards_and_back(report, mlp):
    page = report(mlp, **STILL)
    steps = list(expected.moments(mlp))
    assert len(steps) == 2 * len(mlp.calls)
    before = page.js(SEEN)
    assert before["count"] == f"0 / {len(steps)}"
    assert {(box["seen"], box["full"]) for box in before["boxes"].values()} == {(False, 0)}
    assert set(before["edges"]) == {"todo"}
    assert set(before["rows"].values()) == {"todo"}
    forwards = []
    for number, moment in enumerate(steps, 1):
        page.press("ArrowRight")
        forwards.append(page.js(SEEN))
        check(mlp, forwards[-1], moment, number, len(steps))
    page.press("ArrowRight")  # the end is the end
    assert page.js(SEEN)["count"] == forwards[-1]["count"]
    for shown in reversed([before, *forwards[:-1]]):
        page.press("ArrowLeft")
        back = page.js(SEEN)
        # Which rows are in sight depends on where one comes from, what they show does not.
        common = back.pop("rows").items() & shown.pop("rows").items()
        assert len(common) > 5
        assert back == shown


def test_pages_of_the_mlp_are_small_enough(report, mlp):
    page = report(mlp)
    assert page.path.stat().st_size < 180_000


def test_over_and_to_the_ends_by_keys(report, mlp):
    page = report(mlp)
    last = 2 * len(mlp.calls)
    page.press("End")
    assert page.js(SEEN)["slider"] == last
    page.press("Home")
    assert page.js(SEEN)["slider"] == 0
    page.press("Shift+ArrowRight")  # over the one call that all others are inside of
    assert page.js(SEEN)["slider"] == last
    page.press("Shift+ArrowLeft")
    assert page.js(SEEN)["slider"] == 1
    page.press("ArrowRight", "Shift+ArrowRight")
    (second,) = [c for c in mlp.calls if c.id == 1]
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"]) == ("Done:", second.name)
    page.press("Shift+ArrowLeft")
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"], shown["slider"]) == ("Enter", second.name, 2)


def test_space_plays_and_any_step_stops(report, mlp):
    page = report(mlp)
    page.js("document.getElementById('pace').value = 'fast'")
    page.press(" ")
    page.until("document.getElementById('slider').value > 2")
    assert page.page.get_by_label("Pause").is_visible()
    page.press("ArrowLeft")
    position = page.js(SEEN)["slider"]
    page.page.wait_for_timeout(600)
    assert page.js(SEEN)["slider"] == position
    assert page.page.get_by_label("Play").is_visible()


def test_each_step_has_an_address(report, mlp):
    page = report(mlp)
    page.press(*["ArrowRight"] * 20)
    page.until("location.hash.startsWith('#call-')")
    page.page.wait_for_timeout(200)
    moment = list(expected.moments(mlp))[19]
    fragment = f"#call-{moment.call.id}{'-end' if moment.ended else ''}"
    assert page.js("location.hash") == fragment
    page.press("Home")
    shown = page.open(fragment).js(SEEN)
    assert shown["slider"] == 20
    page.js("location.hash = '#call-0-end'")
    page.until("document.getElementById('slider').value > 20")
    assert page.js(SEEN)["slider"] == 2 * len(mlp.calls)
    assert page.open("#call-999999").js(SEEN)["slider"] == 0  # what is not there does no harm
    assert page.open("#%3Cscript%3E").js(SEEN)["slider"] == 0
    assert page.open("#%").js(SEEN)["slider"] == 0
