"""The graphs for Model Explorer, which folds nested models and searches in them by itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from buildtrace.renderers.drawing import coarsening
from buildtrace.renderers.drawing.caption import joined
from buildtrace.renderers.drawing.diagram import Box, Group, boxes
from buildtrace.renderers.drawing.topology import diagram
from buildtrace.renderers.text import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Diagram, Line, Member, Row
    from buildtrace.traces.schema import Node, TensorSpec
    from buildtrace.traces.trace import Trace


def render(trace: Trace, options: Options) -> bytes:
    """The file's content: a graph for each model that is not inside another one.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    drawn = diagram(trace, options._replace(full=True), coarsening.nothing)
    return msgspec.json.encode({"label": "buildtrace", "graphs": list(_graphs(trace, drawn))})


def _graphs(trace: Trace, drawn: Diagram) -> Iterator[dict[str, Any]]:
    rows = {box.id: box.rows[0] for box in boxes(drawn.models)}
    edges = _edges(drawn.lines, rows)
    for group, name in zip(drawn.models, _different(drawn.models), strict=True):
        namespaces = {"": group.note}
        nodes = []
        for box, namespace in _places(group.members, "", namespaces):
            nodes.append(_node(trace, box, namespace, edges.get(box.id, [])))
        attributes = {namespace: {"model": note} for namespace, note in namespaces.items()}
        yield {"id": name, "nodes": nodes, "groupNodeAttributes": attributes}


def _different(groups: Iterable[Group]) -> Iterator[str]:
    """The names of the groups with a number behind those that were there before."""
    seen: Counter[str] = Counter()
    for group in groups:
        seen[group.title] += 1
        number = seen[group.title]
        yield f"{group.title} ({number})" if number > 1 else group.title


def _places(
    members: Iterable[Member], namespace: str, found: dict[str, str]
) -> Iterator[tuple[Box, str]]:
    """Each box with its namespace, the names of the models around it; `found` collects these."""
    members = list(members)
    names = _different(member for member in members if isinstance(member, Group))
    for member in members:
        if isinstance(member, Box):
            yield member, namespace
            continue
        # A slash in a name would be one level more.
        name = next(names).replace("/", "∕")  # noqa: RUF001 - it has to look like a slash
        inner = f"{namespace}/{name}" if namespace else name
        found[inner] = member.note
        yield from _places(member.members, inner, found)


def _node(trace: Trace, box: Box, namespace: str, edges: list[dict[str, str]]) -> dict[str, Any]:
    row = box.rows[0]
    node = row.node
    assert node is not None  # nothing was folded
    return {
        "id": box.id,
        "label": row.title,
        "namespace": namespace,
        "attrs": [{"key": key, "value": value} for key, value in _attributes(trace, row, node)],
        "incomingEdges": edges,
        "outputsMetadata": [_output(place, spec) for place, spec in enumerate(node.outputs)],
        "style": {"backgroundColor": row.kind.fill, "borderColor": row.kind.line},
    }


def _attributes(trace: Trace, row: Row, node: Node) -> Iterator[tuple[str, str]]:
    yield "class", fmt.clean(node.class_name)
    yield "name", fmt.clean(node.name)
    if row.parameters:
        yield "parameters", f"{row.parameters:,}"
    for weight in trace.weights_of(node.layer) if node.layer is not None else ():
        facts = [
            fmt.shape(weight.shape),
            fmt.clean(weight.dtype),
            fmt.clean(weight.initializer or ""),
        ]
        frozen = "" if weight.trainable else "not trainable"
        yield f"weight {fmt.clean(weight.name)}", joined(*facts, frozen)
    yield "depth", str(node.depth)
    yield "built", "yes" if row.built else "no"
    if row.note:
        yield "note", row.note


def _output(place: int, spec: TensorSpec) -> dict[str, Any]:
    attrs = {"shape": fmt.shape(spec.shape), "dtype": fmt.clean(spec.dtype or "?")}
    return {
        "id": str(place),
        "attrs": [{"key": key, "value": value} for key, value in attrs.items()],
    }


def _edges(lines: Iterable[Line], rows: dict[str, Row]) -> dict[str, list[dict[str, str]]]:
    """The edges that come into each box; the n-th of them is its n-th input."""
    found: dict[str, list[dict[str, str]]] = {}
    for line in lines:
        node = rows[line.source].node
        sent = [fmt.tensor(spec) for spec in node.outputs] if node else []
        arriving = found.setdefault(line.target, [])
        arriving.append(
            {
                "sourceNodeId": line.source,
                "sourceNodeOutputId": str(sent.index(line.label) if line.label in sent else 0),
                "targetNodeInputId": str(len(arriving)),
            }
        )
    return found
