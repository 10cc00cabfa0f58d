"""The source text that a report carries: Keras' functions, and the user's lines around calls."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING, Any

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Call, SourceLine
    from buildtrace.traces.trace import Trace

MOST_LINES = 400
"""So many lines of a function are carried."""

MOST_DOCSTRING = 3
"""So many lines of a docstring are carried: the page folds it anyway."""

MOST_CHARACTERS = 1_000_000
"""When the sources are longer than this in all, the rest is left out: the page has to open."""


class Sources:
    """Collects what calls need to show; everything is stored once and referred to by number."""

    def __init__(self, trace: Trace, more: Iterable[SourceLine] = ()) -> None:
        """Besides the lines that call Keras, those of `more` can be asked for."""
        self.functions: list[dict[str, Any]] = []
        self.files: list[dict[str, Any]] = []
        self._code = trace.index.source_code
        self._numbers: dict[tuple[str, int, str], int] = {}
        self._file_numbers: dict[str, int] = {}
        self._left = MOST_CHARACTERS
        self._lines: dict[str, set[int]] = {}
        for line in (*(call.caller for call in trace.calls if call.caller), *more):
            self._lines.setdefault(line.file, set()).add(line.line)

    def function(self, call: Call) -> int:
        """The number of the function that ran."""
        key = (call.file, call.line, call.name)
        if key not in self._numbers:
            self._numbers[key] = len(self.functions)
            self.functions.append(self._read(call))
        return self._numbers[key]

    def line(self, location: SourceLine | None) -> tuple[int, int] | None:
        """The number of the user's file, and the line in it."""
        if location is None:
            return None
        return self._file_number(location.file), location.line

    def _file_number(self, file: str) -> int:
        if file not in self._file_numbers:
            self._file_numbers[file] = len(self.files)
            self.files.append(self._around(file))
        return self._file_numbers[file]

    def _read(self, call: Call) -> dict[str, Any]:
        code, missing = self._code.function(call)
        text = self._fitting("\n".join(_with_short_docstring(code)[:MOST_LINES]))
        if code and not text:
            missing = "it is left out: this page carries as much source as it can"
        is_users = call.file in self._lines
        return {
            **({"file": self._file_number(call.file)} if is_users else {}),
            "name": wording.sanitize(call.name),
            "module": wording.sanitize(call.module),
            "place": wording.location(call.file, call.line),
            "line": call.line,
            "definition": call.line + _decorators(code),
            "code": text,
            "more": max(len(code) - MOST_LINES, 0) if text else 0,
            "missing": missing,
        }

    def _around(self, file: str) -> dict[str, Any]:
        """What is around the user's lines: pieces, each with the number of its first line."""
        excerpts = self._code.excerpts(file, self._lines[file])
        kept = [
            {"line": excerpt.line, "code": text}
            for excerpt in excerpts
            if (text := self._fitting(excerpt.text))
        ]
        return {"name": wording.location(file, 0).removesuffix(":0"), "pieces": kept}

    def _fitting(self, text: str) -> str:
        """The text, if there is still room for it."""
        text = text.rstrip()
        if len(text) > self._left:
            return ""
        self._left -= len(text)
        return text


def _with_short_docstring(code: list[str]) -> list[str]:
    """The function's lines; what is left out of its docstring is empty, so that all keep theirs."""
    try:
        (function,) = ast.parse(textwrap.dedent("\n".join(code))).body
    except (SyntaxError, ValueError):  # a part of a file that has changed, for instance
        return code
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return code
    if ast.get_docstring(function, clean=False) is None:
        return code
    docstring = function.body[0]
    first, last = docstring.lineno + MOST_DOCSTRING - 1, (docstring.end_lineno or 0) - 1
    if first >= last:
        return code
    line = code[docstring.lineno - 1]
    more = f"{line[: len(line) - len(line.lstrip())]}…"
    return [*code[:first], more, *[""] * (last - first - 1), *code[last:]]


def _decorators(code: list[str]) -> int:
    """How many lines stand above the one that begins with `def`."""
    starts = (n for n, line in enumerate(code) if line.lstrip().startswith(("def ", "async def ")))
    return next(starts, 0)
