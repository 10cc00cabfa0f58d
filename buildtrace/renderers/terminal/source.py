"""The source text of each landmark that ran, with the calls that it served."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import code as python
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.lines import Line, Lines, Part, wrapped
from buildtrace.traces import wording
from buildtrace.traces.unseen import no_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

SHORT = 48
"""So many lines of a function are shown, unless all are asked for."""

FEW = 3
"""A docstring of not so many more lines than its first is shown: to say so would be no shorter."""


def render(trace: Trace, options: Options) -> Lines:
    """Each function once, in the order in which they first ran."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, width, options.full))


def _lines(trace: Trace, width: int, full: bool) -> Iterator[Line]:
    functions = trace.index.calls_by_function
    if not functions:
        yield from wrapped(no_build(trace), width, [], [])
    shown: dict[tuple[str, int], str] = {}
    for number, ((file, line, name), calls) in enumerate(functions.items()):
        if number:
            yield []
        yield from _title(calls, width)
        above = shown.setdefault((file, line), name)
        if line and above != name:  # a decorator's own function has the name of what it decorates
            yield [Part(f"  its source is that of {wording.sanitize(above)}", styles.QUIET)]
        else:
            yield from _source(trace, calls[0], width, full)


def _title(calls: list[Call], width: int) -> Iterator[Line]:
    first = calls[0]
    title = Part(wording.sanitize(first.name), f"bold {styles.STEP[first.step]}")
    address = source_files.link(first.file, first.line)
    yield [title, Part(f"  {wording.location(first.file, first.line)}", styles.QUIET, address)]
    served = dict.fromkeys(wording.sanitize(call.layer.name) for call in calls if call.layer)
    text = f"ran {wording.count(len(calls), 'time')}"
    text += f", for {wording.listed(served, 6)}" if served else ""
    yield from wrapped(text, width, [], [], styles.NOTE)


def _source(trace: Trace, call: Call, width: int, full: bool) -> Iterator[Line]:
    code, missing = trace.index.source_code.function(call)
    if missing:
        yield [Part(f"  {missing}", styles.SWALLOWED)]
        return
    hidden = range(0) if full else _docstring(code)
    most = len(code) if full else SHORT + len(hidden)
    yield from python.numbered("\n".join(code[:most]), call.line, width, hidden)
    if most < len(code):
        more = wording.count(len(code) - most, "more line")
        yield [Part(f"  … {more}; --full shows all", styles.QUIET)]


def _docstring(code: list[str]) -> range:
    """The places of a docstring's lines but the first; none if it is short, or is not found."""
    try:
        (function,) = ast.parse("\n".join(code)).body
    except (SyntaxError, ValueError):  # cut somewhere, or no function alone
        return range(0)
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return range(0)
    if ast.get_docstring(function, clean=False) is None:
        return range(0)
    first = function.body[0]
    lines = range(first.lineno, first.end_lineno or first.lineno)
    return lines if len(lines) >= FEW else range(0)
