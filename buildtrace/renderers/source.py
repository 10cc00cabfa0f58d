"""The source text of each landmark that ran, with the calls that it served."""

from __future__ import annotations

import inspect
import textwrap
import tokenize
from typing import TYPE_CHECKING

from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax

from buildtrace.renderers import format as fmt
from buildtrace.renderers import styles, summary
from buildtrace.renderers.lines import Line, Lines, Part, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from buildtrace.renderers.options import Options
    from buildtrace.trace import Call, Trace

SHORT = 48
"""So many lines of a function are shown, unless all are asked for."""

# Pygments' own themes are made for one background; these colors are the terminal's.
_COLORS = {
    ("Comment",): "dim italic",
    ("Keyword",): "magenta",
    ("Operator", "Word"): "magenta",
    ("Literal", "String"): "green",
    ("Literal", "Number"): "cyan",
    ("Name", "Function"): "bold bright_blue",
    ("Name", "Class"): "bold bright_blue",
    ("Name", "Decorator"): "yellow",
    ("Name", "Builtin"): "cyan",
    ("Name", "Exception"): "red",
}


def render(trace: Trace, options: Options) -> Lines:
    """Each function once, in the order in which they first ran."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, width, options.full))


def block(file: str, line: int) -> list[str]:
    """The lines of the function that is defined at `line` of `file`; none if it is not there."""
    lines = fmt.code_of(file)[max(line - 1, 0) :]
    if not lines or not line:
        return []
    try:
        return inspect.getblock(lines)
    except (SyntaxError, tokenize.TokenError):
        return lines[:SHORT]  # what is no Python any more is shown as far as it may matter


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
    name = first.name.rpartition(".")[2]
    title = Part(fmt.clean(first.name), f"bold {styles.STEP[first.step]}")
    address = fmt.link(first.file, first.line)
    yield [title, Part(f"  {fmt.place(first.file, first.line)}", styles.QUIET, address)]
    served = dict.fromkeys(fmt.clean(call.layer.name) for call in calls if call.layer)
    text = f"ran {fmt.count(len(calls), 'time')}"
    text += f", for {fmt.listed(served, 6)}" if served else ""
    yield from wrapped(text, width, [], [], styles.NOTE)
    code = block(first.file, first.line)
    if not code:
        yield [Part("  its file is not on this machine", styles.SWALLOWED)]
    elif not any(name in line for line in code):
        yield [Part("  its file on this machine is another version", styles.SWALLOWED)]
    else:
        shown = code if full else code[:SHORT]
        yield _syntax("".join(shown), first.line)
        if len(shown) < len(code):
            more = fmt.count(len(code) - len(shown), "more line")
            yield [Part(f"  … {more}; --full shows all", styles.QUIET)]


def _syntax(code: str, line: int) -> Syntax:
    return Syntax(
        textwrap.dedent(code).rstrip("\n"),
        "python",
        theme=ANSISyntaxTheme({token: Style.parse(style) for token, style in _COLORS.items()}),
        line_numbers=True,
        start_line=line,
        word_wrap=True,
        background_color="default",
    )
