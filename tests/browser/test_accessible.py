"""What axe-core finds wrong with the page, wherever one can be on it: nothing."""

from __future__ import annotations

from importlib.resources import files

import made_traces
import pytest

from browser.looks import STILL
from browser.test_findings import wrong

LOOKS = [
    ("light", (1280, 800)),
    ("light", (390, 844)),
    ("light", (960, 540)),
    ("dark", (1280, 800)),
]
"""What is where depends on the size alone, and colours on the scheme."""

pytestmark = pytest.mark.browser
pytest.importorskip("axe_playwright_python", reason="pip install '.[browser]'")

LOOK = """async () => {
  const {violations} = await axe.run({exclude: ["#graph svg"]}, {resultTypes: ["violations"]});
  return violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)]);
}"""
"""The picture is left out: its boxes can be chosen, which axe-core does not expect of an image."""


@pytest.fixture
def looked_at(report):
    """Opens a report that axe-core can be asked about."""

    def show(trace, **more):
        page = report(trace, **STILL, **more)
        page.js(files("axe_playwright_python").joinpath("axe.min.js").read_text() + "; 0")
        return page

    return show


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_at_every_beat_and_between(looked_at, mlp_on, scheme, size):
    page = looked_at(mlp_on("3"), size=size, color_scheme=scheme)
    assert page.js(LOOK) == []
    for _ in range(9):
        page.press("ArrowRight")
        assert page.js(LOOK) == []
    page.press("Home", *["Shift+ArrowRight"] * 20)
    assert page.js(LOOK) == []
    page.press("?")
    assert page.js(LOOK) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_all_that_can_be_opened(looked_at, mlp_on, scheme):
    page = looked_at(mlp_on("3"), size=(1280, 800), color_scheme=scheme)
    page.press(*["ArrowRight"] * 5)
    for selector in ("#drawer summary", "#now .about summary", "#source .doc button", "#calls"):
        if page.page.locator(selector).count():
            page.page.locator(selector).click()
            assert page.js(LOOK) == [], selector
    page.press("/", "d")
    assert page.page.locator("#found li").count() > 1
    assert page.js(LOOK) == []


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_where_a_build_failed(looked_at, tmp_path, scheme, size):
    page = looked_at(wrong(tmp_path), size=size, color_scheme=scheme)
    for key in ("", "Home", "ArrowRight", "End"):
        page.press(*filter(None, [key]))
        assert page.js(LOOK) == [], key
    summary = page.page.locator("#app .findings li[data-severity] > details > summary").first
    if summary.is_visible():
        summary.click()
    assert page.js(LOOK) == []


@pytest.mark.parametrize("make", [made_traces.Trace, made_traces.towers, made_traces.failing])
def test_builds_out_of_the_ordinary(looked_at, make):
    page = looked_at(make())
    assert page.js(LOOK) == []
    page.press("End")
    assert page.js(LOOK) == []
