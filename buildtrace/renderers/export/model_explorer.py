"""The graphs for Model Explorer, which opens and closes blocks and nested models by itself.

What it calls a layer is what can be opened: a namespace.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from buildtrace.renderers.drawing import framing
from buildtrace.renderers.drawing.diagram import Box, Group, boxes
from buildtrace.renderers.drawing.topology import diagram_of
from buildtrace.renderers.export.exported_nodes import attributes, incoming
from buildtrace.traces import json_text, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Diagram, Member
    from buildtrace.renderers.export.exported_nodes import Incoming
    from buildtrace.traces.schema import TensorSpec
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
    arriving = incoming(diagram.connections, rows)
    ends = {end for c in diagram.connections for end in (c.source, c.target)}
    for group, name in zip(diagram.models, _different(diagram.models), strict=True):
        namespaces = {"": {"model": group.note}}
        nodes = []
        for member, namespace in _members_in(group.members, "", namespaces):
            edges = _edges(arriving.get(member.id, []))
            if isinstance(member, Box):
                nodes.append(_node(trace, member, namespace, edges))
            elif member.id in ends:
                nodes.append(_inside_unknown(member, namespace, edges))
        yield {"id": name, "nodes": nodes, "groupNodeAttributes": namespaces}


def _different(groups: Iterable[Group]) -> Iterator[str]:
    """The names of the groups with a number behind those that were there before."""
    seen: Counter[str] = Counter()
    for group in groups:
        seen[group.title] += 1
        number = seen[group.title]
        yield f"{group.title} ({number})" if number > 1 else group.title


def _members_in(
    members: Iterable[Member], namespace: str, about: dict[str, dict[str, str]]
) -> Iterator[tuple[Member, str]]:
    """Each box with its namespace, the names of the frames around it; each group with its own.

    `about` is filled with what is to be said of each namespace.
    """
    members = list(members)
    names = _different(member for member in members if isinstance(member, Group))
    for member in members:
        if isinstance(member, Box):
            yield member, namespace
            continue
        name = _shown(next(names)).replace("/", "|")  # a slash would be one level more
        inner = f"{namespace}/{name}" if namespace else name
        about[inner] = {"model" if member.node_ref else "block": member.note}
        yield member, inner
        yield from _members_in(member.members, inner, about)


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
        "attrs": [{"key": key, "value": value} for key, value in attributes(trace, row, node)],
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


def _output(number: int, spec: TensorSpec) -> dict[str, Any]:
    attrs = {"shape": wording.shape(spec.shape), "dtype": wording.sanitize(spec.dtype or "?")}
    return {
        "id": str(number),
        "attrs": [{"key": key, "value": value} for key, value in attrs.items()],
    }


def _edges(arriving: Iterable[Incoming]) -> list[dict[str, str]]:
    return [
        {
            "sourceNodeId": edge.source,
            "sourceNodeOutputId": str(edge.output),
            "targetNodeInputId": str(number),
        }
        for number, edge in enumerate(arriving)
    ]
