"""The lessons run from top to bottom, and what is stored of them can be read without running."""

from __future__ import annotations

import base64
import gzip
import re
from html import unescape

import markup
import pytest

from buildtrace.renderers.page import bundle

notebooks = pytest.importorskip("notebooks", reason='pip install ".[notebook]"')

LARGEST_PAGE = 200_000
"""So many bytes a page may have."""

LESSONS = pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)


def test_each_has_a_number_and_a_page():
    numbers = [path.name.partition("_")[0] for path in notebooks.lessons()]
    assert numbers == [str(number + 1) for number in range(len(numbers))]
    assert numbers != []
    assert set(notebooks.PAGES) == {path.stem for path in notebooks.lessons()}


@LESSONS
def test_what_is_stored_is_small_and_without_noise(path):
    stored = notebooks.read(path)
    notebooks.nbformat.validate(stored)
    assert path.stat().st_size < notebooks.LARGEST
    assert notebooks.noise(stored) == []
    assert all(cell.metadata in ({}, {"tags": ["raises-exception"]}) for cell in stored.cells)


@LESSONS
def test_every_cell_was_run_in_its_order(path):
    cells = notebooks.code_cells(notebooks.read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    shown = [cell for cell in cells if shows_something(cell.source)]
    assert all(cell.outputs for cell in shown)
    assert len(shown) > len(cells) / 2


def shows_something(source):
    return bool(re.search(r"^%%?buildtrace|^ *print\(|^trace\.\w+", source, re.MULTILINE))


@LESSONS
def test_only_what_shall_fail_fails(path):
    for cell in notebooks.code_cells(notebooks.read(path)):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", []))


@LESSONS
def test_answers_are_folded_away(path):
    text = "\n".join(c.source for c in notebooks.read(path).cells if c.cell_type == "markdown")
    exercises = re.findall(r"^\*\*(\d)\.\*\* ", text, re.MULTILINE)
    assert exercises == [str(number + 1) for number in range(len(exercises))]
    answers = text.count("<details><summary>Answer</summary>")
    assert answers >= len(exercises) - 1 >= 2  # the last of a lesson may be an open question
    assert text.count("<details>") == text.count("</details>") == answers


@LESSONS
def test_what_is_stored_needs_no_script(path):
    """It can be read where scripts, frames and styles are taken away."""
    for cell in notebooks.code_cells(notebooks.read(path)):
        for output in cell.outputs:
            html = output.get("data", {}).get("text/html", "")
            assert not markup.tags(html) & {"iframe", "script", "style", "svg"}


@LESSONS
def test_a_page_beside_a_lesson_is_small_and_linked_and_names_no_machine(path):
    page = notebooks.page_beside(path)
    text = "\n".join(cell.source for cell in notebooks.read(path).cells)
    assert f"({page.name})" in text
    html = page.read_text("utf-8")
    assert 50_000 < page.stat().st_size < LARGEST_PAGE
    (data,) = re.findall(r">([A-Za-z0-9+/=]{2000,})<", html)
    shown = gzip.decompress(base64.b64decode(data)).decode()
    assert "Layer._maybe_build" in shown
    for tag in ("script", "style"):  # its policy allows these, to the last character
        (code,) = re.findall(rf"<{tag}(?: type=\"module\")?>(.*?)</{tag}>", html, re.DOTALL)
        assert bundle.digest(code) in unescape(html)
    for what, pattern in notebooks.NOISE.items():
        if what.startswith("a path"):
            assert not pattern.search(html)
            assert not pattern.search(shown), what


@pytest.mark.slow
@LESSONS
def test_a_lesson_runs_and_tells_what_is_stored(path):
    """With the versions that it was stored with, to the last character of its text."""
    stored = notebooks.read(path)
    ran, page = notebooks.run(path)
    assert notebooks.noise(ran) == []
    assert page.startswith("<!DOCTYPE html>")
    if versions(stored) == versions(ran):
        for number, (before, after) in enumerate(zip(stored.cells, ran.cells, strict=True)):
            assert told(before) == told(after), f"cell {number}: run `python tests/notebooks.py`?"


def told(cell):
    """The text of a cell's outputs; its pictures may get finer without the lesson being wrong."""
    return [
        output.get("text") or output.get("evalue") or output.data["text/plain"]
        for output in cell.get("outputs", [])
    ]


def versions(notebook):
    """The lines that name the versions, of every trace that is shown."""
    texts = [
        output.get("data", {}).get("text/plain", "")
        for cell in notebooks.code_cells(notebook)
        for output in cell.outputs
    ]
    return [line for text in texts for line in text.splitlines() if " · Python " in line]
