"""Texts with edits made in them, and what of these texts has changed."""

from __future__ import annotations

import difflib
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from buildtrace.traces.schema import Edit

CONTEXT = 3
"""Lines around a change in a patch, as everybody has it."""


def edited(text: str, edits: Iterable[Edit]) -> str | None:
    """A text with these changes; `None` if one of them is outside of it, or overlaps another.

    Args:
        text: the text, with line feeds alone.
        edits: the changes, all of this text.
    """
    starts = _starts(text)
    pieces, at = [], 0
    for edit in _in_order(edits):
        begin = _place(text, starts, edit.line, edit.column)
        end = _place(text, starts, edit.end_line, edit.end_column)
        if begin is None or end is None or begin < at or end < begin:
            return None
        pieces += [text[at:begin], edit.text]
        at = end
    return "".join([*pieces, text[at:]])


def _in_order(edits: Iterable[Edit]) -> list[Edit]:
    return sorted(edits, key=lambda edit: (edit.line, edit.column, edit.end_line, edit.end_column))


def _starts(text: str) -> list[int]:
    """Where each line begins."""
    starts = [0]
    for line in text.split("\n")[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _place(text: str, starts: Sequence[int], line: int, column: int) -> int | None:
    if not 1 <= line <= len(starts):
        return None
    end = starts[line] - 1 if line < len(starts) else len(text)
    place = starts[line - 1] + column
    return place if place <= end else None


def overlap(edits: Iterable[Edit]) -> bool:
    """Whether two of these changes are about the same code; two may put texts in one place."""
    spans = sorted((e.file, (e.line, e.column), (e.end_line, e.end_column)) for e in edits)
    return any(a[0] == b[0] and a[2] > b[1] for a, b in pairwise(spans))


def line_behind(edits: Iterable[Edit], line: int) -> int:
    """The number that a line has when these changes of its file are made."""
    return line + sum(
        _added_lines(edit)
        for edit in edits
        if (edit.line, edit.column) <= (line, 0) and edit.end_line <= line
    )


def _added_lines(edit: Edit) -> int:
    return edit.text.count("\n") - (edit.end_line - edit.line)


def patch(before: str, after: str, name: str) -> str:
    """What changes in a file, as `diff -u` says it, and `patch` and `git apply` take it."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, name, n=CONTEXT
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
