"""The weights: what each one is, who made it, where, and from which input shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.facts import WeightRow, weight_columns
from buildtrace.renderers.terminal import summary, variables_table
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Line, Lines, Part, wrapped
from buildtrace.renderers.text.tables import Column, Row, SpanningRow, table
from buildtrace.traces import wording
from buildtrace.traces.gaps import Gap, Limits, gaps
from buildtrace.traces.shown_models import More, shown
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.facts import Cell, WeightColumn
    from buildtrace.traces.schema import Weight
    from buildtrace.traces.trace import Trace

STYLES = {
    "": "",
    "name": styles.NAME,
    "quiet": styles.QUIET,
    "warning": styles.SWALLOWED,
    **styles.STEP,
}
"""How the styles of cells look here."""

LIMITS = Limits(few=40, many=80, most=100)
"""How many rows a table may have."""


def render(trace: Trace, options: Options) -> Lines:
    """A table for each model in the order of its `weights`, then what belongs to none.

    What optimizers and metrics hold comes after them: it is no weight.
    """
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, width, options.full))


def _lines(trace: Trace, width: int, full: bool) -> Iterator[Line]:
    columns = weight_columns("terminal")
    layout = [Column(c.title, c.right, c.least, c.rank, c.tail) for c in columns]
    left_out = 0
    for title, weights, prefix in groups(trace, full):
        if prefix is None:
            left_out += len(weights)
            parameters = wording.count(totals(weights).parameters, "parameter")
            yield from wrapped(f"{title}, {parameters}", width, [], [], styles.NOTE)
            yield []
            continue
        hidden = folded(trace, weights, full)
        left_out += sum(gap.end - gap.start for gap in hidden)
        yield from wrapped(title, width, [], [], styles.HEADING)
        yield from table(layout, list(rows(trace, weights, prefix, hidden, columns)), width)
        yield []
    yield from variables_table.lines(trace, width, full)
    none = "No weight was made." if trace.saved is None else "No weight was found in the file."
    yield [*summary.totals_line(trace)] if trace.weights else [Part(none)]
    yield from summary.held_lines(trace)
    yield from summary.folded_rows(left_out, len(trace.weights), width)


def folded(trace: Trace, weights: list[Weight], full: bool) -> list[Gap]:
    """Which of these weights are folded away."""
    return [] if full else gaps([_kind(trace, weight) for weight in weights], LIMITS)


def groups(trace: Trace, full: bool) -> Iterator[tuple[str, list[Weight], str | None]]:
    """A title for some of the weights, these, and what their paths all begin with.

    That is `None` for the weights of models that are left out.
    """
    seen: set[int] = set()
    by_id = trace.index.weight_by_id
    for graph in [*shown(trace, full), *trace.graphs]:
        graphs = graph.graphs if isinstance(graph, More) else [graph]
        own = dict.fromkeys(number for own_graph in graphs for number in own_graph.weights)
        fresh = [by_id[n] for n in own if n in by_id and n not in seen]
        if not fresh and (seen or not own):
            continue
        seen.update(weight.id for weight in fresh)
        if isinstance(graph, More):
            yield graph.text, fresh, None
        else:
            yield wording.layer_title(graph.model), fresh, f"{graph.model.name}/"
    rest = [weight for weight in trace.weights if weight.id not in seen]
    if rest:
        alone = (
            wording.sanitize(trace.saved.name) if trace.saved else "in the order of their making"
        )
        yield "outside of any model" if seen else alone, rest, ""


def _kind(trace: Trace, weight: Weight) -> Hashable:
    """Equal for weights that a reader takes for the same thing in another layer."""
    owner = trace.layers[weight.layer].class_name if weight.layer in trace.layers else None
    facts = (weight.trainable, weight.initializer, weight.dtype, weight.placement)
    return (weight.name, owner, len(weight.shape), *facts, weight.regularizer, weight.constraint)


def rows(
    trace: Trace,
    weights: list[Weight],
    prefix: str,
    hidden: list[Gap],
    columns: list[WeightColumn],
) -> Iterator[Row | SpanningRow]:
    """The rows of some weights, and one for each gap.

    Args:
        trace: which has them.
        weights: whose rows.
        prefix: what their paths all begin with.
        hidden: which of them are left out.
        columns: what to say of each.
    """
    start = 0
    for gap in [*hidden, Gap(len(weights), len(weights), "")]:
        for weight in weights[start : gap.start]:
            row = WeightRow(trace, weight, _path(trace, weight, prefix))
            yield [_cell(column.cell(row)) for column in columns]
        if left_out := weights[gap.start : gap.end]:
            paths = wording.span([_path(trace, weight, prefix) for weight in left_out])
            parameters = wording.count(totals(left_out).parameters, "parameter")
            text = f"{gap.text}, {parameters}: {paths}"
            yield SpanningRow([], [Part(text, styles.NOTE)])
        start = gap.end


def _cell(cell: Cell | None) -> Line:
    if cell is None:
        return []
    return [Part(cell.owner), Part(cell.text, STYLES[cell.style], cell.link)]


def _path(trace: Trace, weight: Weight, prefix: str) -> str:
    """The weight's path, without the model's name."""
    path = weight.path.removeprefix(prefix)
    if "/" not in path and weight.layer in trace.layers:
        path = f"{trace.layers[weight.layer].name}/{path}"
    return path
