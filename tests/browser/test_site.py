"""The site of the docs, opened from the disk as a reader without a network would."""

from __future__ import annotations

from importlib.resources import files

import docs_site
import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("axe_playwright_python", reason="pip install '.[browser]'")
pytest.importorskip("zensical", reason="pip install '.[docs]'")

LOOKS = {"desk": ("light", 1280), "phone": ("light", 390), "dark": ("dark", 1280)}

PAGES = [
    "index.html",
    "command.html",
    "library.html",
    "api/data.html",
    "rules.html",
    "rules/BT101.html",
    "landmarks.html",
    "landmarks/Layer._maybe_build.html",
    "lessons/index.html",
    "lessons/5_reading_a_failure.html",
]

AXE = """async () => {
  const {violations} = await axe.run({exclude: ["iframe"]}, {resultTypes: ["violations"]});
  return violations.filter(({impact}) => ["serious", "critical"].includes(impact))
    .map(({id, nodes}) => [id, nodes.map(({html}) => html)]);
}"""
"""buildtrace's own page in a page of the site has tests of its own."""

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built strictly."""
    source = tmp_path_factory.mktemp("docs")
    code, told = docs_site.build(source)
    assert code == 0, told
    return source / "site"


class Reader:
    """A browser that looks at the site, and all that it asks for and complains of."""

    def __init__(self, page, site):
        self.page, self.site = page, site
        self.asked, self.told = [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("requestfailed", lambda request: self.told.append(f"not there: {request.url}"))
        page.on("console", lambda said: said.type == "error" and self.told.append(said.text))

    def open(self, name):
        self.page.goto((self.site / name).as_uri())
        self.page.wait_for_load_state()

    def found(self, words):
        """The pages that the search finds for these words, the best first."""
        self.open("index.html")
        self.page.keyboard.press("/")
        box = self.page.get_by_role("combobox")
        box.press_sequentially(words)
        results = self.page.get_by_role("option")
        results.first.wait_for(timeout=20_000)
        assert box.input_value() == words
        return [link.get_attribute("href") for link in results.all()]


@pytest.fixture(params=LOOKS)
def reader(request, new_page, site):
    scheme, width = LOOKS[request.param]
    with new_page(width=width, height=844, color_scheme=scheme) as page:
        reader = Reader(page, site)
        yield reader
        local = ("file:", "data:", "blob:", "about:")
        assert [url for url in reader.asked if not url.startswith(local)] == []
        assert reader.told == []


def test_pages_are_whole_and_fit(reader):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text()
    for name in PAGES:
        reader.open(name)
        assert reader.page.evaluate(WIDER) <= 0, name
        reader.page.evaluate(axe + "; 0")
        assert reader.page.evaluate(AXE) == [], name


def test_the_search_finds_a_rule_and_a_landmark(reader):
    assert any("rules/BT101.html" in link for link in reader.found("BT101")[:3])
    found = reader.found("_map_graph_network")
    assert any("landmarks/_map_graph_network.html" in link for link in found[:3])


def test_the_page_of_a_lesson_works_inside_of_it(reader):
    reader.open("lessons/1_a_build_step_by_step.html")
    reader.page.locator("iframe.page").scroll_into_view_if_needed()
    frame = reader.page.frame_locator("iframe.page")
    frame.locator("html[data-ready]").wait_for()
    assert frame.locator("#graph svg").count() == 1
