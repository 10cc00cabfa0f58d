"""The source text of each landmark that ran, with the calls that it served."""

from __future__ import annotations

import inspect
import textwrap
import tokenize
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


def block(file: str, line: int) -> list[str]:
    """The lines of the function that is defined at `line` of `file`; none if it is not there."""
    lines = source_files.code_of(file)[max(line - 1, 0) :]
    if not lines or not line:
        return []
    try:
        return inspect.getblock(lines)
    except (SyntaxError, tokenize.TokenError):
        return lines[:SHORT]  # what is no Python any more is shown as far as it may matter


def code_of(call: Call) -> tuple[list[str], str]:
    """The lines of the function that ran, or none and the reason, as a clause."""
    code = block(call.file, call.line)
    if not code:
        return [], "its file is not on this machine"
    if not any(call.name.rpartition(".")[2] in line for line in code):
        return [], "its file on this machine is another version"
    return code, ""


def _lines(trace: Trace, width: int, full: bool) -> Iterator[Line | RenderableType]:
    functions: dict[tuple[str, int, str], list[Call]] = {}
    for call in trace.calls:
        functions.setdefault((call.file, call.line, call.name), []).append(call)
    if not functions:
        yield [Part("No build was recorded.")]
    for number, calls in enumerate(functions.values()):
        if number:
            yield []
        yield from _function(calls, width, full)


def _function(calls: list[Call], width: int, full: bool) -> Iterator[Line | RenderableType]:
    first = calls[0]
    title = Part(wording.sanitize(first.name), f"bold {styles.STEP[first.step]}")
    address = source_files.link(first.file, first.line)
    yield [title, Part(f"  {wording.location(first.file, first.line)}", styles.QUIET, address)]
    served = dict.fromkeys(wording.sanitize(call.layer.name) for call in calls if call.layer)
    text = f"ran {wording.count(len(calls), 'time')}"
    text += f", for {wording.listed(served, 6)}" if served else ""
    yield from wrapped(text, width, [], [], styles.NOTE)
    code, missing = code_of(first)
    if missing:
        yield [Part(f"  {missing}", styles.SWALLOWED)]
    else:
        shown = code if full else code[:SHORT]
        yield _syntax("".join(shown), first.line)
        if len(shown) < len(code):
            more = wording.count(len(code) - len(shown), "more line")
            yield [Part(f"  … {more}; --full shows all", styles.QUIET)]


def _syntax(code: str, line: int) -> Syntax:
    return Syntax(
        textwrap.dedent(code).rstrip("\n"),
        "python",
        theme=code_colors.theme(),
        line_numbers=True,
        start_line=line,
        word_wrap=True,
        background_color="default",
    )
