"""The weights: what each one is, who made it, where, and from which input shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers import format as fmt
from buildtrace.renderers import styles, summary
from buildtrace.renderers.lines import Line, Lines, Part, wrapped
from buildtrace.renderers.models import build_around, outermost
from buildtrace.renderers.tables import Column, Row, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers.options import Options
    from buildtrace.trace import Call, Graph, Trace, Weight

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


def render(trace: Trace, options: Options) -> Lines:
    """A table for each model in the order of its `weights`, then what belongs to none."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, width))


def _lines(trace: Trace, width: int) -> Iterator[Line]:
    seen: set[int] = set()
    by_id = {weight.id: weight for weight in trace.weights}
    for graph in [*outermost(trace), *trace.graphs]:
        fresh = [by_id[n] for n in graph.weights if n in by_id and n not in seen]
        if not fresh and (seen or not graph.weights):
            continue
        seen.update(weight.id for weight in fresh)
        yield from _group(trace, _title(graph), fresh, width, f"{graph.model.name}/")
    rest = [weight for weight in trace.weights if weight.id not in seen]
    if rest:
        title = "outside of any model" if seen else "in the order of their making"
        yield from _group(trace, title, rest, width)
    yield [*summary.totals(trace)] if trace.weights else [Part("No weight was made.")]


def _title(graph: Graph) -> str:
    return f"{fmt.clean(graph.model.name)} {fmt.layer(graph.model)}"


def _group(
    trace: Trace, title: str, weights: Iterable[Weight], width: int, prefix: str = ""
) -> Iterator[Line]:
    rows = [[_name(trace, weight, prefix), *_row(trace, weight)] for weight in weights]
    yield from wrapped(title, width, [], [], styles.HEADING)
    yield from table(COLUMNS, rows, width)
    yield []


def _row(trace: Trace, weight: Weight) -> Row:
    maker = trace.call(weight.call) if weight.call is not None else None
    build = build_around(trace, maker) if maker else None
    by = build or maker
    caller = by.caller if by else None
    return [
        [Part(fmt.shape(weight.shape))],
        [Part(f"{weight.parameters:,}")],
        [Part("" if weight.trainable else "frozen", styles.SWALLOWED)],
        [Part(fmt.clean(weight.initializer or ""))],
        [Part(fmt.tensors(build.inputs) if build else "")],
        [Part(fmt.clean(by.name), styles.STEP[by.step], _link(by))] if by else [],
        [Part(fmt.user_line(caller), "", fmt.link(caller.file, caller.line))] if caller else [],
        [Part(fmt.place(by.file, by.line), styles.QUIET, _link(by))] if by else [],
        [Part(fmt.clean(weight.dtype), styles.QUIET)],
        [Part(fmt.clean(weight.regularizer or ""))],
        [Part(fmt.clean(weight.constraint or ""))],
        [Part(fmt.clean(weight.placement or ""), styles.QUIET)],
    ]


def _name(trace: Trace, weight: Weight, prefix: str) -> Line:
    """The weight's path, without the model's name."""
    path = weight.path.removeprefix(prefix)
    if "/" not in path and weight.layer in trace.layers:
        path = f"{trace.layers[weight.layer].name}/{path}"
    owner, slash, name = fmt.clean(path).rpartition("/")
    return [Part(owner + slash), Part(name, styles.NAME)]


def _link(call: Call) -> str:
    return fmt.link(call.file, call.line)
