"""The weights: what each one is, who made it, where, and from which input shape."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from buildtrace.renderers.models import More, build_around, shown
from buildtrace.renderers.notebook import colored
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.gaps import Gap, Limits, gaps
from buildtrace.renderers.text.lines import Line, Lines, Part, wrapped
from buildtrace.renderers.text.tables import Column, Row, Span, table
from buildtrace.traces import wording
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Call, Graph, Weight
    from buildtrace.traces.trace import Trace

COLUMNS = [
    Column("weight", least=20, tail=True),
    Column("shape", least=12),
    Column("parameters", right=True),
    Column("", rank=1),
    Column("initializer", least=13, rank=2),
    Column("from input", least=14, rank=3),
    Column("made by", least=16, rank=4),
    Column("your line", least=14, rank=5),
    Column("Keras' line", least=16, rank=7),
    Column("dtype", rank=8),
    Column("regularizer", least=8, rank=6),
    Column("constraint", least=8, rank=6),
    Column("placement", least=8, rank=9),
]


MOST_TELLING = 5
"""Columns of a higher rank are left out of a page."""

LIMITS = Limits(few=40, many=80, most=100)
"""How many rows a table may have."""


def render(trace: Trace, options: Options) -> Lines:
    """A table for each model in the order of its `weights`, then what belongs to none."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, width, options.full))


def _lines(trace: Trace, width: int, full: bool) -> Iterator[Line]:
    hidden = 0
    for title, weights, prefix in _groups(trace, full):
        if prefix is None:
            hidden += len(weights)
            parameters = wording.count(totals(weights).parameters, "parameter")
            yield from wrapped(f"{title}, {parameters}", width, [], [], styles.NOTE)
            yield []
            continue
        found = [] if full else gaps([_kind(trace, weight) for weight in weights], LIMITS)
        hidden += sum(gap.end - gap.start for gap in found)
        yield from wrapped(title, width, [], [], styles.HEADING)
        yield from table(COLUMNS, list(_rows(trace, weights, prefix, found)), width)
        yield []
    yield [*summary.totals_line(trace)] if trace.weights else [Part("No weight was made.")]
    yield from summary.folded_rows(hidden, len(trace.weights), width)


def table_html(trace: Trace, options: Options) -> str:
    """The same tables for a page; the columns that tell the least are left out."""
    shown_columns = [(place, c) for place, c in enumerate(COLUMNS) if c.rank <= MOST_TELLING]
    trace = summary.subject(trace, options)
    pieces = []
    for title, weights, prefix in _groups(trace, options.full):
        if prefix is None:
            pieces.append(f"<p>{escape(title)}</p>")
            continue
        found = [] if options.full else gaps([_kind(trace, weight) for weight in weights], LIMITS)
        headings = "".join(f"<th{_align(c)}>{escape(c.title)}</th>" for _, c in shown_columns)
        pieces.append(f"<p><b>{escape(title)}</b></p><table><tr>{headings}</tr>")
        for row in _rows(trace, weights, prefix, found):
            if isinstance(row, Span):
                text = f'<td colspan="{len(shown_columns)}">{colored.line(row.line)}</td>'
            else:
                cells = [*row, *[[]] * (len(COLUMNS) - len(row))]
                text = "".join(
                    f"<td{_align(c)}>{colored.line(cells[place])}</td>"
                    for place, c in shown_columns
                )
            pieces.append(f"<tr>{text}</tr>")
        pieces.append("</table>")
    last = summary.totals_line(trace) if trace.weights else [Part("No weight was made.")]
    return f"{''.join(pieces)}<p>{colored.line(last)}</p>"


def _align(column: Column) -> str:
    return f' style="text-align:{"right" if column.right else "left"}"'


def _groups(trace: Trace, full: bool) -> Iterator[tuple[str, list[Weight], str | None]]:
    """A title for some of the weights, these, and what their paths all begin with.

    That is `None` for the weights of models that are left out.
    """
    seen: set[int] = set()
    by_id = {weight.id: weight for weight in trace.weights}
    for graph in [*shown(trace, full), *trace.graphs]:
        graphs = graph.graphs if isinstance(graph, More) else [graph]
        own = dict.fromkeys(number for each in graphs for number in each.weights)
        fresh = [by_id[n] for n in own if n in by_id and n not in seen]
        if not fresh and (seen or not own):
            continue
        seen.update(weight.id for weight in fresh)
        if isinstance(graph, More):
            yield graph.text, fresh, None
        else:
            yield _title(graph), fresh, f"{graph.model.name}/"
    rest = [weight for weight in trace.weights if weight.id not in seen]
    if rest:
        yield "outside of any model" if seen else "in the order of their making", rest, ""


def _title(graph: Graph) -> str:
    return wording.layer_title(graph.model)


def _kind(trace: Trace, weight: Weight) -> Hashable:
    """Equal for weights that a reader takes for the same thing in another layer."""
    owner = trace.layers[weight.layer].class_name if weight.layer in trace.layers else None
    facts = (weight.trainable, weight.initializer, weight.dtype, weight.placement)
    return (weight.name, owner, len(weight.shape), *facts, weight.regularizer, weight.constraint)


def _rows(
    trace: Trace, weights: list[Weight], prefix: str, found: list[Gap]
) -> Iterator[Row | Span]:
    place = 0
    for gap in [*found, Gap(len(weights), len(weights), "")]:
        for weight in weights[place : gap.start]:
            yield [_name(trace, weight, prefix), *_row(trace, weight)]
        hidden = weights[gap.start : gap.end]
        if hidden:
            names = ["".join(p.text for p in _name(trace, hidden[n], prefix)) for n in (0, -1)]
            parameters = wording.count(totals(hidden).parameters, "parameter")
            text = f"{gap.text}, {parameters}: {' to '.join(names)}"
            yield Span([], [Part(text, styles.NOTE)])
        place = gap.end


def _row(trace: Trace, weight: Weight) -> Row:
    maker = trace.call(weight.call) if weight.call is not None else None
    build = build_around(trace, maker) if maker else None
    by = build or maker
    caller = by.caller if by else None
    return [
        [Part(wording.shape(weight.shape))],
        [Part(f"{weight.parameters:,}")],
        [Part("" if weight.trainable else "frozen", styles.SWALLOWED)],
        [Part(wording.sanitize(weight.initializer or ""))],
        [Part(wording.tensors(build.inputs) if build else "")],
        [Part(wording.sanitize(by.name), styles.STEP[by.step], _link(by))] if by else [],
        [Part(wording.line(caller), "", source_files.link(caller.file, caller.line))]
        if caller
        else [],
        [Part(wording.location(by.file, by.line), styles.QUIET, _link(by))] if by else [],
        [Part(wording.sanitize(weight.dtype), styles.QUIET)],
        [Part(wording.sanitize(weight.regularizer or ""))],
        [Part(wording.sanitize(weight.constraint or ""))],
        [Part(wording.sanitize(weight.placement or ""), styles.QUIET)],
    ]


def _name(trace: Trace, weight: Weight, prefix: str) -> Line:
    """The weight's path, without the model's name."""
    path = weight.path.removeprefix(prefix)
    if "/" not in path and weight.layer in trace.layers:
        path = f"{trace.layers[weight.layer].name}/{path}"
    owner, slash, name = wording.sanitize(path).rpartition("/")
    return [Part(owner + slash), Part(name, styles.NAME)]


def _link(call: Call) -> str:
    return source_files.link(call.file, call.line)
