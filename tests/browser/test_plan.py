"""The page of a plan in a browser: accessible, within a phone's width, and on paper."""

from __future__ import annotations

from importlib.resources import files

import pytest
from renderers import plans

from buildtrace.renderers.page.plan_page import render

pytestmark = pytest.mark.browser
pytest.importorskip("axe_playwright_python", reason="pip install '.[browser]'")

LOOK = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  return violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)]);
}"""


@pytest.fixture
def shown(new_page, tmp_path):
    """The page in a window; it runs no script of its own."""

    def show(page, **asked):
        trace = plans.spread()
        path = tmp_path / "plan.html"
        path.write_text(render(plans.plan_of(trace, **asked), trace), encoding="utf-8")
        page.goto(path.as_uri())
        return page

    return show


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("memory", [2**30, 2**10])
def test_what_axe_finds_wrong(new_page, shown, scheme, width, memory):
    with new_page(width, 844, color_scheme=scheme, bypass_csp=True) as page:
        shown(page, batch=8, device_memory=memory)
        for summary in page.locator("details > summary").all():
            summary.click()
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text() + "; 0")
        assert page.evaluate(LOOK) == []


def test_a_phone_scrolls_tables_and_not_the_page(new_page, shown):
    with new_page(390, 844) as page:
        shown(page, batch=8, device_memory=2**30)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        regions = page.locator("[role=region]")
        assert regions.count() > 5
        assert all(region.get_attribute("tabindex") == "0" for region in regions.all())


def test_paper_shows_the_graph_and_the_verdict(new_page, shown):
    with new_page(1280, 844) as page:
        shown(page, device_memory=2**30)
        page.emulate_media(media="print")
        assert page.locator(".verdict").is_visible()
        assert page.locator(".drawing svg").is_visible()
        assert page.pdf().startswith(b"%PDF")
