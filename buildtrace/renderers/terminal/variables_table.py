"""The variables that are no weights: what each optimizer and metric holds, and for which weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Line, Part, wrapped
from buildtrace.renderers.text.tables import Column, Row, SpanningRow, table
from buildtrace.renderers.variable_columns import VARIABLE_COLUMNS, groups
from buildtrace.traces import wording
from buildtrace.traces.gaps import Gap, Limits, gaps

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.traces.schema import Variable
    from buildtrace.traces.trace import Trace

STYLES = {"": "", "shape": "", "name": styles.NAME, "quiet": styles.QUIET}
"""How the looks of cells look here."""

LIMITS = Limits(few=8, many=12, most=20)
"""How many rows a table may have."""


def lines(trace: Trace, width: int, full: bool) -> Iterator[Line]:
    """A table for each optimizer and metric that holds anything."""
    columns = [Column(c.title, c.right, c.least, c.rank, c.tail) for c in VARIABLE_COLUMNS]
    for title, held in groups(trace):
        yield from wrapped(title, width, [], [], styles.HEADING)
        yield from table(columns, list(rows(trace, held, full)), width)
        yield []


def rows(trace: Trace, held: list[Variable], full: bool) -> Iterator[Row | SpanningRow]:
    """The rows of what one of them holds, and one for each gap."""
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
    return [[Part(c.text(trace, variable), STYLES[c.look])] for c in VARIABLE_COLUMNS]
