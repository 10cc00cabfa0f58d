"""The tables of weights as HTML that needs no style sheet."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from buildtrace.renderers.facts import weight_columns
from buildtrace.renderers.notebook import colored
from buildtrace.renderers.terminal import summary, variables_table, weights_table
from buildtrace.renderers.text.lines import Part
from buildtrace.renderers.text.tables import SpanningRow
from buildtrace.renderers.variable_columns import VARIABLE_COLUMNS, groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from buildtrace.renderers import Options
    from buildtrace.renderers.facts import WeightColumn
    from buildtrace.renderers.text.tables import Row
    from buildtrace.renderers.variable_columns import VariableColumn
    from buildtrace.traces.trace import Trace


def render(trace: Trace, options: Options) -> str:
    """The tables, and the totals below them."""
    columns = weight_columns("notebook")
    trace = summary.subject(trace, options)
    pieces = []
    for title, weights, prefix in weights_table.groups(trace, options.full):
        if prefix is None:
            pieces.append(f"<p>{escape(title)}</p>")
            continue
        hidden = weights_table.folded(trace, weights, options.full)
        rows = weights_table.rows(trace, weights, prefix, hidden, columns)
        pieces.append(_table(title, columns, rows))
    for title, held in groups(trace):
        rows = variables_table.rows(trace, held, options.full)
        pieces.append(_table(title, VARIABLE_COLUMNS, rows))
    last = summary.totals_line(trace) if trace.weights else [Part("No weight was made.")]
    lines = [colored.line(line) for line in (last, *summary.held_lines(trace))]
    return f"{''.join(pieces)}<p>{'<br>'.join(lines)}</p>"


def _table(
    title: str,
    columns: Sequence[WeightColumn | VariableColumn],
    rows: Iterable[Row | SpanningRow],
) -> str:
    headings = "".join(f"<th{_align(c)}>{escape(c.title)}</th>" for c in columns)
    pieces = [f"<p><b>{escape(title)}</b></p><table><tr>{headings}</tr>"]
    for row in rows:
        if isinstance(row, SpanningRow):
            text = f'<td colspan="{len(columns)}">{colored.line(row.line)}</td>'
        else:
            cells = zip(columns, row, strict=True)
            text = "".join(f"<td{_align(c)}>{colored.line(cell)}</td>" for c, cell in cells)
        pieces.append(f"<tr>{text}</tr>")
    return "".join([*pieces, "</table>"])


def _align(column: WeightColumn | VariableColumn) -> str:
    return f' style="text-align:{"right" if column.right else "left"}"'
