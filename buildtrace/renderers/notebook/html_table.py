"""The tables of weights as HTML that needs no style sheet."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from buildtrace.renderers.facts import weight_columns
from buildtrace.renderers.notebook import colored
from buildtrace.renderers.terminal import summary, weights_table
from buildtrace.renderers.text.lines import Part
from buildtrace.renderers.text.tables import SpanningRow

if TYPE_CHECKING:
    from buildtrace.renderers import Options
    from buildtrace.renderers.facts import WeightColumn
    from buildtrace.traces.trace import Trace


def render(trace: Trace, options: Options) -> str:
    """The tables, and the totals below them."""
    columns = weight_columns("notebook")
    headings = "".join(f"<th{_align(c)}>{escape(c.title)}</th>" for c in columns)
    trace = summary.subject(trace, options)
    pieces = []
    for title, weights, prefix in weights_table.groups(trace, options.full):
        if prefix is None:
            pieces.append(f"<p>{escape(title)}</p>")
            continue
        pieces.append(f"<p><b>{escape(title)}</b></p><table><tr>{headings}</tr>")
        hidden = weights_table.folded(trace, weights, options.full)
        for row in weights_table.rows(trace, weights, prefix, hidden, columns):
            if isinstance(row, SpanningRow):
                text = f'<td colspan="{len(columns)}">{colored.line(row.line)}</td>'
            else:
                cells = zip(columns, row, strict=True)
                text = "".join(f"<td{_align(c)}>{colored.line(cell)}</td>" for c, cell in cells)
            pieces.append(f"<tr>{text}</tr>")
        pieces.append("</table>")
    last = summary.totals_line(trace) if trace.weights else [Part("No weight was made.")]
    return f"{''.join(pieces)}<p>{colored.line(last)}</p>"


def _align(column: WeightColumn) -> str:
    return f' style="text-align:{"right" if column.right else "left"}"'
