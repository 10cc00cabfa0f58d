"""The graphs for Model Explorer, which opens and closes blocks and nested models by itself.

What it calls a layer is what can be opened: a namespace.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from buildtrace.renderers.drawing import framing
from buildtrace.renderers.drawing.caption import joined
from buildtrace.renderers.drawing.diagram import Box, Group, boxes
from buildtrace.renderers.drawing.topology import diagram_of
from buildtrace.traces import json_text, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import BoxRow, Connection, Diagram, Member
    from buildtrace.traces.schema import Node, TensorSpec
    from buildtrace.traces.trace import Trace


def render(trace: Trace, options: Options) -> bytes:
    """The file's content: a graph for each model that is not inside another one.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    diagram = diagram_of(trace, options._replace(full=True), framing.blocks)
    return json_text.encoded({"label": "buildtrace", "graphs": list(_graphs(trace, diagram))})


def _graphs(trace: Trace, diagram: Diagram) -> Iterator[dict[str, Any]]:
    rows = {box.id: box.rows[0] for box in boxes(diagram.models)}
    edges = _edges(diagram.connections, rows)
    ends = {end for c in diagram.connections for end in (c.source, c.target)}
    for group, name in zip(diagram.models, _different(diagram.models), strict=True):
        namespaces = {"": {"model": group.note}}
        nodes = []
        for member, namespace in _members_in(group.members, "", namespaces):
            arriving = edges.get(member.id, [])
            if isinstance(member, Box):
                nodes.append(_node(trace, member, namespace, arriving))
            elif member.id in ends:
                nodes.append(_inside_unknown(member, namespace, arriving))
        yield {"id": name, "nodes": nodes, "groupNodeAttributes": namespaces}


def _different(groups: Iterable[Group]) -> Iterator[str]:
    """The names of the groups with a number behind those that were there before."""
    seen: Counter[str] = Counter()
    for group in groups:
        seen[group.title] += 1
        number = seen[group.title]
        yield f"{group.title} ({number})" if number > 1 else group.title


def _members_in(
    members: Iterable[Member], namespace: str, attributes: dict[str, dict[str, str]]
) -> Iterator[tuple[Member, str]]:
    """Each box with its namespace, the names of the frames around it; each group with its own.

    `attributes` is filled with what is to be said of each namespace.
    """
    members = list(members)
    names = _different(member for member in members if isinstance(member, Group))
    for member in members:
        if isinstance(member, Box):
            yield member, namespace
            continue
        name = _shown(next(names)).replace("/", "|")  # a slash would be one level more
        inner = f"{namespace}/{name}" if namespace else name
        attributes[inner] = {"model" if member.node_ref else "block": member.note}
        yield member, inner
        yield from _members_in(member.members, inner, attributes)


def _shown(title: str) -> str:
    """The title in letters that Model Explorer's own font has."""
    return title.replace("…", "...")


def _node(trace: Trace, box: Box, namespace: str, edges: list[dict[str, str]]) -> dict[str, Any]:
    row = box.rows[0]
    node = row.node
    assert node is not None  # every layer is a box of its own
    return {
        "id": box.id,
        "label": _shown(row.title),
        "namespace": namespace,
        "attrs": [{"key": key, "value": value} for key, value in _attributes(trace, row, node)],
        "incomingEdges": edges,
        "outputsMetadata": [_output(number, spec) for number, spec in enumerate(node.outputs)],
        "style": {"backgroundColor": row.kind.fill, "borderColor": row.kind.border},
    }


def _inside_unknown(group: Group, namespace: str, edges: list[dict[str, str]]) -> dict[str, Any]:
    """A node that stands, among the parts of a layer, for the way that nobody saw through them."""
    return {
        "id": group.id,
        "label": _shown(group.title),
        "namespace": namespace,
        "attrs": [{"key": "note", "value": group.note}],
        "incomingEdges": edges,
    }


def _attributes(trace: Trace, row: BoxRow, node: Node) -> Iterator[tuple[str, str]]:
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


def _output(number: int, spec: TensorSpec) -> dict[str, Any]:
    attrs = {"shape": wording.shape(spec.shape), "dtype": wording.sanitize(spec.dtype or "?")}
    return {
        "id": str(number),
        "attrs": [{"key": key, "value": value} for key, value in attrs.items()],
    }


def _edges(
    connections: Iterable[Connection], rows: dict[str, BoxRow]
) -> dict[str, list[dict[str, str]]]:
    """The edges that come into each box; the n-th of them is its n-th input."""
    edges: dict[str, list[dict[str, str]]] = {}
    for connection in connections:
        row = rows.get(connection.source)
        node = row.node if row else None
        sent = [wording.tensor(spec) for spec in node.outputs] if node else []
        output = sent.index(connection.label) if connection.label in sent else 0
        arriving = edges.setdefault(connection.target, [])
        arriving.append(
            {
                "sourceNodeId": connection.source,
                "sourceNodeOutputId": str(output),
                "targetNodeInputId": str(len(arriving)),
            }
        )
    return edges
