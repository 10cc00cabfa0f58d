"""The source text of each landmark that ran, with the calls that it served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.syntax import Syntax

from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import code as code_colors
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.lines import Line, Lines, Part, wrapped
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

SHORT = 48
"""So many lines of a function are shown, unless all are asked for."""


def render(trace: Trace, options: Options) -> Lines:
    """Each function once, in the order in which they first ran."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, width, options.full))


def _lines(trace: Trace, width: int, full: bool) -> Iterator[Line | RenderableType]:
    functions = trace.index.calls_by_function
    if not functions:
        yield [Part("No build was recorded.")]
    shown: dict[tuple[str, int], str] = {}
    for number, ((file, line, name), calls) in enumerate(functions.items()):
        if number:
            yield []
        yield from _title(calls, width)
        above = shown.setdefault((file, line), name)
        if line and above != name:  # a decorator's own function has the name of what it decorates
            yield [Part(f"  its source is that of {wording.sanitize(above)}", styles.QUIET)]
        else:
            yield from _source(trace, calls[0], full)


def _title(calls: list[Call], width: int) -> Iterator[Line]:
    first = calls[0]
    title = Part(wording.sanitize(first.name), f"bold {styles.STEP[first.step]}")
    address = source_files.link(first.file, first.line)
    yield [title, Part(f"  {wording.location(first.file, first.line)}", styles.QUIET, address)]
    served = dict.fromkeys(wording.sanitize(call.layer.name) for call in calls if call.layer)
    text = f"ran {wording.count(len(calls), 'time')}"
    text += f", for {wording.listed(served, 6)}" if served else ""
    yield from wrapped(text, width, [], [], styles.NOTE)


def _source(trace: Trace, call: Call, full: bool) -> Iterator[Line | RenderableType]:
    code, missing = trace.index.source_code.function(call)
    if missing:
        yield [Part(f"  {missing}", styles.SWALLOWED)]
        return
    shown = code if full else code[:SHORT]
    yield _syntax("\n".join(shown), call.line)
    if len(shown) < len(code):
        more = wording.count(len(code) - len(shown), "more line")
        yield [Part(f"  … {more}; --full shows all", styles.QUIET)]


def _syntax(code: str, line: int) -> Syntax:
    return Syntax(
        code,
        "python",
        theme=code_colors.theme(),
        line_numbers=True,
        start_line=line,
        word_wrap=True,
        background_color="default",
    )
