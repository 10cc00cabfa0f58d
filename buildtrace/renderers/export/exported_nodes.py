"""What the viewers of graphs are told of each layer, and of what leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing.caption import joined
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers.drawing.diagram import BoxRow, Connection
    from buildtrace.traces.schema import Node
    from buildtrace.traces.trace import Trace


class Incoming(NamedTuple):
    """A tensor that comes into a box: the id of its source, and which output of that it is."""

    source: str
    output: int


def attributes(trace: Trace, row: BoxRow, node: Node) -> Iterator[tuple[str, str]]:
    """What there is to say of a layer, as pairs of words."""
    yield "class", wording.sanitize(node.class_name)
    yield "name", wording.sanitize(node.name)
    if row.parameters:
        yield "parameters", f"{row.parameters:,}"
    for weight in trace.weights_of(node.layer) if node.layer is not None else ():
        facts = [
            wording.shape(weight.shape),
            wording.sanitize(weight.dtype),
            wording.sanitize(weight.initializer or ""),
        ]
        frozen = "" if weight.trainable else "not trainable"
        yield f"weight {wording.sanitize(weight.name)}", joined(*facts, frozen)
    yield "depth", str(node.depth)
    yield "built", "yes" if row.built else "no"
    if row.note:
        yield "note", row.note


def incoming(
    connections: Iterable[Connection], rows: dict[str, BoxRow]
) -> dict[str, list[Incoming]]:
    """What comes into each box, by its id; the n-th of them is its n-th input."""
    arriving: dict[str, list[Incoming]] = {}
    for connection in connections:
        row = rows.get(connection.source)
        node = row.node if row else None
        sent = [wording.tensor(spec) for spec in node.outputs] if node else []
        output = sent.index(connection.label) if connection.label in sent else 0
        arriving.setdefault(connection.target, []).append(Incoming(connection.source, output))
    return arriving
