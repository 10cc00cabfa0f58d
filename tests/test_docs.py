"""The pages for people say what the code does: links, options, verbs, rules, formats."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import docs_site
import pytest
from docs_pages import made, recording

from buildtrace import generations, renderers
from buildtrace.cli import VERBS, landmarks

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
ENTRY = re.compile(r"^ {2}(?:(-\w)(?:, | |$))?(--[a-z-]+)?", re.MULTILINE)


def prose(page: Path) -> str:
    """The page's text without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names that links can give to the page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_the_site_names_the_file_that_a_block_is():
    text = "<!-- file: a.py -->\n```python\na = 1\n```\n\n<!-- file: b.py\nb = 1\n-->\n```sh\n```\n"
    made = docs_site.page(text, PurePosixPath("docs/start.md"))
    assert made == '```python title="a.py"\na = 1\n```\n\n```sh\n```\n'


def test_the_site_shows_the_picture_for_its_ground_and_opens_it():
    text = "![A page](../.pictures/html.png)\n\n![A tree](../.pictures/tree.svg)\n"
    assert docs_site.page(text, PurePosixPath("docs/start.md")) == (
        "[![A page](pictures/html.png#only-light)](pictures/html.png)\n"
        "[![A page](pictures/html-dark.png#only-dark)](pictures/html-dark.png)\n\n"
        "[![A tree](pictures/tree.svg)](pictures/tree.svg)\n"
    )
    in_a_line = "See ![a tree](../.pictures/tree.svg)."
    expected = "See ![a tree](pictures/tree.svg)."
    assert docs_site.page(in_a_line, PurePosixPath("docs/start.md")) == expected


def help_of(*verb: str) -> str:
    command = [sys.executable, "-m", "buildtrace", *verb, "--help"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


@pytest.mark.parametrize(
    ("page", "verb"),
    [("command", ()), ("check", ("check",)), ("diff", ("diff",)), ("plan", ("plan",))],
)
def test_the_table_of_options_has_all_of_them_and_no_others(page, verb):
    rows = re.findall(r"^\| (`-.*?) \|", prose(ROOT / "docs" / f"{page}.md"), flags=re.MULTILINE)
    told = {option for row in rows for option in OPTION.findall(row)}
    known = {name for entry in ENTRY.findall(help_of(*verb)) for name in entry if name}
    assert told == known - {"-h", "--help", "--version"}


def test_the_page_of_the_command_has_all_verbs_views_and_formats():
    page = prose(ROOT / "docs" / "command.md")
    for verb in VERBS:
        assert f"`buildtrace {verb}" in page
    for view in renderers.VIEWS:
        assert f"`{view}`" in page
    for renderer in renderers.RENDERERS.values():
        assert re.search(rf"[` ]{re.escape(renderer.suffix or renderer.name)}[` ]", page)


@pytest.mark.parametrize(
    "pages", ["options", "rules", "landmarks", pytest.param("api", marks=pytest.mark.slow)]
)
def test_pages_that_are_made_of_the_code_are_current(pages):
    if pages == "api":
        pytest.importorskip("griffe", reason="pip install '.[docs]'")
    hint = f"run `{made.COMMAND}`"
    there = set((made.DOCS / pages).iterdir()) if pages in made.FOLDERS else set()
    for path, text in made.files(pages):
        assert path.read_text(encoding="utf-8") == text, hint
        there.discard(path)
    assert not there, hint


def test_each_landmark_is_shown_in_keras_and_in_a_call():
    recorded = recording.recorded()
    for generation in generations.GENERATIONS:
        kept = recorded[generation.name]
        for row in generation.landmarks_of(kept["version"]):
            shown = {"file", "line", "head"} | (set() if row.only_failing else {"program", "call"})
            assert kept["landmarks"][row.name].keys() == shown, row.name


@pytest.mark.slow
def test_what_is_shown_of_the_installed_keras_is_what_it_is():
    seen, recorded = 0, recording.recorded()
    for generation, info in landmarks.of_all():
        kept = recorded[generation.name]
        if info and info.version == kept["version"]:
            assert recording.installed(generation, info) == kept, f"run `{made.COMMAND} --record`"
            seen += 1
    if not seen:
        pytest.skip("another Keras is installed")


def test_pages_are_reached_from_the_readme_or_from_the_site():
    """A reader finds each page in the site's navigation, and what is written by hand in the README.

    What is made has pages for its own in folders, with an index that the README links.
    """
    docs = ROOT / "docs"
    settings = (docs / "zensical.toml").read_text(encoding="utf-8")
    nav = settings.partition("\nnav = [")[2].partition("\n]\n")[0]
    shown = set(re.findall(r'"([^"]+\.md)"', re.sub(r"#.*", "", nav)))
    found = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    assert {page for page in found if not any(fnmatch(page, one) for one in shown)} == set()
    linked = set(re.findall(r"\]\(docs/([^)#\s]+)\)", prose(ROOT / "README.md")))
    by_hand = {page for page in found if not page.startswith(("api/", "landmarks/", "rules/"))}
    assert linked == by_hand - {"index.md"}  # the site's home: the README's counterpart


NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def test_the_lessons_are_listed_by_their_titles():
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    titles = {}
    for lesson in lessons:
        first = json.loads(lesson.read_text(encoding="utf-8"))["cells"][0]["source"]
        titles[lesson.name] = "".join(first).splitlines()[0]
    page = prose(ROOT / "docs" / "notebooks.md")
    listed = re.findall(r"^(\d\. )\[(.*?)\]\(\.\./notebooks/(.*?)\)$", page, flags=re.MULTILINE)
    assert {name: f"# {number}{title}" for number, title, name in listed} == titles
    for text in (page, prose(ROOT / "README.md"), prose(ROOT / "CHANGELOG.md")):
        assert re.findall(r"(\w+) lessons", text) == [NUMBERS[len(lessons)]]


CONTRIBUTING = ROOT / "CONTRIBUTING.md"
CODE = re.compile(r"`([^`\s]+)`")


def test_contributing_names_files_that_there_are():
    """Full paths exist, and so do the modules that a section on a room names, in that room."""
    text = prose(CONTRIBUTING) + prose(ROOT / "docs" / "architecture.md")
    for section in re.split(r"^##+ ", text, flags=re.MULTILINE):
        room = re.search(r"`([a-z]+/(?:[a-z]+/)*)`$", section.partition("\n")[0])
        for name in CODE.findall(section):
            if "/" in name and name.partition("/")[0] in {
                "buildtrace",
                "tests",
                "notebooks",
                "docs",
            }:
                assert list(ROOT.glob(name)), name
            elif room and re.fullmatch(r"[\w/]+\.(py|mjs)", name):
                folder = ROOT / "buildtrace" / room[1]
                assert [*folder.rglob(name), *folder.parent.glob(f"*/{name}")], name


def test_where_to_add_what_names_tables_that_there_are():
    rows = re.findall(r"^\| (?!what|--)(.*?) \| (.*?) \|$", prose(CONTRIBUTING), flags=re.MULTILINE)
    for _, where in rows:
        names = CODE.findall(where)
        files = [path for name in names for path in ROOT.glob(name) if path.is_file()]
        text = "".join(path.read_text(encoding="utf-8") for path in files)
        for name in names:
            if name.isupper() and files:
                assert re.search(rf"^{name}\b", text, flags=re.MULTILINE), name
