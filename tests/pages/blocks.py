"""The blocks of code on a page, and what comments before them say: see CONTRIBUTING.md, "Pages".

markdown-it reads the pages, which rich brings. Sybil, which does this for others, makes a test of
each block: those of a page share a folder and a program here, and are one test.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTE = re.compile(
    r"<!-- *(file|run|python|exit code|usage|needs|not run)(?:: *([^\n]*?))? *(?:\n(.*))?-->\s*",
    re.DOTALL,
)
SHELL = {"", "sh", "console"}
PROGRAM = {"python", "ipython"}
DATA = {"ini", "json", "toml", "yaml"}


@dataclass(frozen=True, eq=False)
class Block:
    """A block that a page shows, or one that only the test sees.

    Attributes:
        line: where it starts on the page, from 1.
        language: what stands behind its fence; a hidden one has the language that it is in.
        notes: what the comments before it say, by their names.
    """

    page: Path
    line: int
    language: str
    text: str
    notes: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def kind(self) -> str:
        """What is to be done with it."""
        for name in ("not run", "usage", "file"):
            if name in self.notes:
                return name
        if (package := self.notes.get("needs")) and not find_spec(package):
            return "not run"
        for kind, languages in {"commands": SHELL, "program": PROGRAM, "data": DATA}.items():
            if self.language in languages:
                return kind
        return {"text": "output"}.get(self.language, f"a block of {self.language}")


def blocks(page: Path) -> list[Block]:
    """All of a page's blocks, in their order."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    notes: dict[str, str] = {}
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            yield Block(page, line, token.info.strip(), token.content, notes)
            notes = {}
        elif token.type == "html_block" and (found := NOTE.fullmatch(token.content)):
            name, value, text = found.groups()
            notes = notes | {name: value or ""}
            if text is not None:
                yield Block(page, line, "python" if name == "python" else "sh", text, notes)
                notes = {}


def inline_commands(page: Path) -> list[str]:
    """The commands of buildtrace that stand in sentences and tables."""
    found = []
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        codes = [child for child in token.children or () if child.type == "code_inline"]
        found += [code.content for code in codes if code.content.startswith("buildtrace ")]
    return found


class Command(NamedTuple):
    """A command, and what a session shows that it prints."""

    text: str
    output: str | None = None

    @property
    def words(self) -> list[str] | None:
        """The words, if a shell would make nothing more of it than these."""
        if re.search(r"[|&;<>()$`*?~]", self.text):
            return None
        try:
            return shlex.split(self.text, comments=True)
        except ValueError:  # what is quoted goes on in the next line
            return None


def commands(text: str) -> list[Command]:
    """What a block of commands runs.

    Behind `$ `, one after the other, with what they print below; else line by line, or if that
    needs a shell (`export`, a loop), all of it as one script.
    """
    joined = text.replace("\\\n", " ")
    if joined.lstrip().startswith("$ "):
        return list(_session(joined))
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    found = [Command(line) for line in lines]
    if all(command.words and starts_program(command.words) for command in found):
        return found
    return [Command(text)]


def _session(text: str) -> Iterator[Command]:
    parts = re.split(r"^\$ (.*)$\n?", text, flags=re.MULTILINE)
    for command, output in zip(parts[1::2], parts[2::2], strict=True):
        yield Command(command, output)


PROGRAMS = ("buildtrace", "python", "pytest")


def starts_program(words: list[str]) -> bool:
    """Whether it is a program of Python's, but for the variables before it."""
    return next((word for word in words if not is_variable(word)), "") in PROGRAMS


def is_variable(word: str) -> bool:
    """Whether it sets one for the command behind it."""
    return re.fullmatch(r"[A-Z_]+=.*", word) is not None


def programs(found: list[Block]) -> list[list[Block]]:
    """Blocks that are one program: those with no commands between them."""
    number, numbered = 0, []
    for block in found:
        number += block.kind == "commands"
        if block.kind == "program":
            numbered.append((number, block))
    return [[block for _, block in group] for _, group in groupby(numbered, key=lambda at: at[0])]
