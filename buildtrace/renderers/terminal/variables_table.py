"""The variables that are no weights: what each optimizer and metric holds, and for which weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.facts import kept_for
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Line, Part, wrapped
from buildtrace.renderers.text.tables import Column, Row, SpanningRow, table
from buildtrace.traces import wording
from buildtrace.traces.gaps import Gap, Limits, gaps

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.traces.schema import Variable
    from buildtrace.traces.trace import Trace

COLUMNS = (
    Column("variable", least=12),
    Column("shape", least=12),
    Column("numbers", right=True),
    Column("for the weight", least=20, rank=1, tail=True),
    Column("initializer", least=13, rank=2),
    Column("dtype", rank=3),
)

LIMITS = Limits(few=8, many=12, most=20)
"""How many rows a table may have."""


def lines(trace: Trace, width: int, full: bool) -> Iterator[Line]:
    """A table for each optimizer and metric that holds anything."""
    for holder in trace.holders:
        held = [variable for variable in trace.variables if variable.holder == holder.id]
        if held:
            title = f"{wording.sanitize(holder.name)}, {summary.held(trace, holder)}"
            yield from wrapped(title, width, [], [], styles.HEADING)
            yield from table(list(COLUMNS), list(_rows(trace, held, full)), width)
            yield []


def _rows(trace: Trace, held: list[Variable], full: bool) -> Iterator[Row | SpanningRow]:
    hidden = [] if full else gaps([_kind(variable) for variable in held], LIMITS)
    start = 0
    for gap in [*hidden, Gap(len(held), len(held), "")]:
        yield from (_row(trace, variable) for variable in held[start : gap.start])
        if left_out := held[gap.start : gap.end]:
            numbers = wording.count(sum(variable.size for variable in left_out), "number")
            yield SpanningRow([], [Part(f"{gap.text}, {numbers}", styles.NOTE)])
        start = gap.end


def _kind(variable: Variable) -> Hashable:
    """Equal for variables that a reader takes for the same thing of another weight."""
    return variable.name, variable.dtype, len(variable.shape), variable.weight is None


def _row(trace: Trace, variable: Variable) -> Row:
    return [
        [Part(wording.sanitize(variable.name), styles.NAME)],
        [Part(wording.shape(variable.shape))],
        [Part(f"{variable.size:,}")],
        [Part(kept_for(trace, variable))],
        [Part(wording.sanitize(variable.initializer or ""))],
        [Part(wording.sanitize(variable.dtype), styles.QUIET)],
    ]
