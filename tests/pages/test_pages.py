"""Every block of code on a page runs, and what the page shows of it is what is printed."""

from __future__ import annotations

import ast
import functools
import json
import re
import shlex
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from forked import forked_python

from buildtrace.cli import VERBS
from pages.blocks import SHELL, Block, blocks, commands, inline_commands, is_variable
from pages.running import Run

__all__ = ["forked_python"]  # a fixture
ROOT = Path(__file__).parents[2]
FOUND = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
GENERATED = {"api", "landmarks", "options.md", "rules"}
"""What `python tests/docs_pages` makes: `tests/diagnosis` runs the rules' scripts, and compares
what is said of them; the others show what the code itself says."""

PAGES = sorted(page for page in FOUND if not GENERATED & {page.name, page.parent.name})

OPTION = re.compile(
    r"^ {2}(?:(-\w)( [^\s\[]\S*)?(?:, |\s|$))?(?:(--[a-z-]+)( [^\s\[]\S*)?)?", flags=re.MULTILINE
)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


with_blocks = pytest.mark.parametrize("path", [p for p in PAGES if blocks(p)], ids=name_of)
every_page = pytest.mark.parametrize("path", PAGES, ids=name_of)


@pytest.mark.slow
@with_blocks
def test_what_a_page_shows_runs(path, tmp_path, forked_python):
    Run(path, tmp_path, forked_python)()


@every_page
def test_what_does_not_run_is_right_as_far_as_can_be_told(path):
    for block in blocks(path):
        assert "not run" not in block.notes or block.notes["not run"], f"{block}: for what reason?"
        parse(block)


@every_page
def test_options_on_a_page_exist(path):
    shown = [block for block in blocks(path) if block.language in SHELL]
    lines = [
        command.text
        for block in shown
        if "usage" not in block.notes
        for command in commands(block.text)
    ]
    for text in [*lines, *inline_commands(path)]:
        for words in buildtraces(text):
            verb = words[0] if words and words[0] in VERBS else ""
            asked = options_before_the_script(words[bool(verb) :], known(verb))
            assert set(asked) <= set(known(verb)), text


@every_page
def test_usages_on_a_page_are_those_of_the_help(path):
    for block in blocks(path):
        if "usage" in block.notes:
            words = block.text.split()
            told = help_of(words[1] if words[1] in VERBS else "")
            usage = [line.removeprefix("usage:").strip() for line in told.splitlines()]
            assert set(block.text.splitlines()) <= set(usage), str(block)


def parse(block: Block) -> None:
    """Nothing, if what the block has in its language could be read as such."""
    if block.language == "python":
        ast.parse(block.text)
    elif block.language in SHELL and "usage" not in block.notes and "file" not in block.notes:
        for command in commands(block.text):
            subprocess.run(["bash", "-n", "-c", command.text], check=True)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "toml":
        toml = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
        toml.loads(block.text)
    elif block.language == "ini":
        ConfigParser().read_string(block.text)
    elif block.language == "yaml":
        pytest.importorskip("yaml").safe_load(block.text)


def buildtraces(text: str) -> list[list[str]]:
    """The arguments of each `buildtrace` in a text of the shell."""
    found = []
    for part in re.split(r"&&|\|\||[|;\n]", text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # half of what is quoted
            continue
        words = [word for word in words if not is_variable(word)]
        if words and words[0] == "buildtrace":
            found.append(words[1:])
    return found


def options_before_the_script(words: list[str], takes: dict[str, bool]) -> list[str]:
    """The options among the arguments, as far as they are buildtrace's own."""
    asked, left = [], iter(words)
    for word in left:
        if not re.match(r"--?[a-z]", word):
            break
        option = word.partition("=")[0]
        asked.append(option)
        if option == "-m":
            break
        if takes.get(option) and "=" not in word:
            next(left, None)
    return asked


@functools.cache
def help_of(verb: str) -> str:
    command = [sys.executable, "-m", "buildtrace", *filter(None, [verb]), "--help"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


@functools.cache
def known(verb: str) -> dict[str, bool]:
    """The options of a verb, and whether a value stands behind each."""
    options: dict[str, bool] = {}
    for short, value, long, values in OPTION.findall(help_of(verb)):
        has_value = bool(value or values)
        options |= {name: has_value for name in (short, long) if name}
    return options
