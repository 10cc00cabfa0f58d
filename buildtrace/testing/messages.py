"""What a failing assertion says: one line, and the tree with the lines that it is about."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from msgspec.structs import replace

from buildtrace import renderers
from buildtrace.traces import wording
from buildtrace.traces.folding import around, fold, limit_depth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

MOST_MARKS = 12
"""So many calls are marked; a reader looks at the first ones."""

MOST_LINES = 60
"""A tree in a message is folded until it has no more lines than this, or only one level."""

MARGIN = 6
"""What pytest writes before each line of a message."""

EMPTY = "nothing was recorded: no model was built, or the block of the trace has not ended yet"


def failure(trace: Trace, text: str, calls: Iterable[Call] = ()) -> AssertionError:
    """The error that an assertion raises.

    Args:
        trace: what it looked at.
        text: what was expected and what was, in one line.
        calls: those that it is about.
    """
    if not trace.calls:
        return AssertionError(f"{text} ({EMPTY})")
    marks = [call.id for call in calls]
    tree = _tree(trace, set(marks[:MOST_MARKS]))
    rest = len(marks) - MOST_MARKS
    note = f"\n  … and {wording.count(rest, 'more call')} like these" if rest > 0 else ""
    return AssertionError(f"{text}\n{tree}{note}")


def _tree(trace: Trace, marks: set[int]) -> str:
    part = part_with(trace, marks) if marks else trace
    columns = shutil.get_terminal_size().columns - MARGIN
    width = min(max(columns, renderers.NARROWEST), renderers.PLAIN_WIDTH)
    text = renderers.excerpt(part, folded(part, marks), marks, width).rstrip()
    gone = len(trace.roots) - len(part.roots)
    if gone:
        number = len(trace.calls) - len(part.calls)
        text += f"\n  … {wording.count(number, 'call')} elsewhere in the trace"
    return text


def folded(trace: Trace, keep: set[int]) -> Trace:
    """The trace with so many calls hidden that it fits in a message."""
    shown = fold(trace, keep=keep)
    if keep or trace.failed:
        shown = around(shown, keep)
    depth = max(depth for depth, _ in shown.walk())
    while len(shown.calls) > MOST_LINES and depth:
        shown = limit_depth(shown, depth, keep)
        depth -= 1
    return shown


def part_with(trace: Trace, ids: set[int]) -> Trace:
    """Only those of the outermost calls that have one of these calls inside them."""
    kept: set[int] = set()
    for root in trace.roots:
        inside = {call.id for _, call in trace.walk(root)}
        if inside & ids:
            kept |= inside
    return replace(trace, calls=tuple(call for call in trace.calls if call.id in kept))
