"""The graphs as an events file, for TensorBoard's graph tab.

Keras' own callback writes there what Sequential and functional models are, in a `fit`, and nothing
of a subclassed model. This writes any model, as TensorFlow writes a graph of operations: each layer
is a node, its class the operation, and the models and blocks around it are its scopes, which the
tab opens and closes.

TensorBoard has all that writes such a file, and needs no TensorFlow for it.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

from buildtrace.errors import RenderError
from buildtrace.renderers.drawing import framing
from buildtrace.renderers.drawing.diagram import Box, boxes
from buildtrace.renderers.drawing.topology import diagram_of
from buildtrace.renderers.export.exported_nodes import attributes, incoming

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Diagram, Member
    from buildtrace.traces.schema import TensorSpec
    from buildtrace.traces.trace import Trace

FORBIDDEN = re.compile(r"[^A-Za-z0-9_.>-]")
"""What no name in a graph of TensorFlow may have in it; a slash ends the name of a scope."""

UNSEEN = "flow_not_seen"
"""What a node is called that stands for the unknown way through a layer's parts."""


def render(trace: Trace, options: Options) -> bytes:
    """The file's content: one graph with all models that are not inside another one.

    Raises:
        RenderError: the trace has no graph, or TensorBoard is not installed.
        UsageError: the trace has no model of the name asked for.
    """
    diagram = diagram_of(trace, options._replace(full=True), framing.blocks)
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter
    except Exception as error:  # of a protobuf that does not go with it, it may be anything
        raise RenderError(f"TensorBoard cannot be imported: {error}") from None
    graph = _graph(trace, diagram).SerializeToString(deterministic=True)
    file = BytesIO()
    writer = RecordWriter(file)
    for event in (Event(file_version="brain.Event:2"), Event(graph_def=graph)):
        writer.write(event.SerializeToString(deterministic=True))
    return file.getvalue()


def _graph(trace: Trace, diagram: Diagram) -> Any:
    """The diagram as a `GraphDef`."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    ends = {end for c in diagram.connections for end in (c.source, c.target)}
    # The layers of an only model are seen at once.
    top = diagram.models[0].members if len(diagram.models) == 1 else diagram.models
    names = dict(_names(top, "", ends))
    arriving = incoming(diagram.connections, {b.id: b.rows[0] for b in boxes(diagram.models)})
    graph = GraphDef()
    for id_, (name, member) in names.items():
        node = graph.node.add(name=name, op=UNSEEN)
        sources = [edge for edge in arriving.get(id_, ()) if edge.source in names]
        node.input.extend(f"{names[edge.source][0]}:{edge.output}" for edge in sources)
        if isinstance(member, Box):
            _describe(trace, member, node)
    return graph


def _names(
    members: Iterable[Member], scope: str, ends: set[str]
) -> Iterator[tuple[str, tuple[str, Member]]]:
    """The id of each member that is a node, with its name there: that of the scopes and its own.

    A frame is a scope. There is a node for it as well if a connection ends there, as nobody knows
    where in it.
    """
    taken: set[str] = set()
    for member in members:
        own = _own_name(member, scope)
        number = 1
        while f"{own}_{number}" in taken if number > 1 else own in taken:
            number += 1
        own = f"{own}_{number}" if number > 1 else own
        taken.add(own)
        if isinstance(member, Box):
            yield member.id, (f"{scope}{own}", member)
            continue
        if member.id in ends:
            yield member.id, (f"{scope}{own}/{UNSEEN}", member)
        yield from _names(member.members, f"{scope}{own}/", ends)


def _own_name(member: Member, scope: str) -> str:
    title = member.rows[0].title if isinstance(member, Box) else member.title
    name = _allowed(title)
    # TensorFlow allows these at the beginning of a name only inside of a scope.
    return (name if scope else name.lstrip("_>-")) or "unnamed"


def _allowed(name: str) -> str:
    return FORBIDDEN.sub("_", name.replace("…", "..."))


def _describe(trace: Trace, box: Box, described: Any) -> None:
    """Put into a node what is known of a layer: TensorBoard writes the shapes on its edges."""
    row = box.rows[0]
    node = row.node
    assert node is not None  # every layer is a box of its own
    described.op = _allowed(row.class_name)
    for key, value in attributes(trace, row, node):
        described.attr[key].s = _in_ascii(value)
    shapes = described.attr["_output_shapes"].list.shape
    for spec in node.outputs:
        _add_shape(shapes.add(), spec)


def _in_ascii(text: str) -> bytes:
    """The text as the tab can show it: of other letters it shows their bytes as numbers."""
    return text.replace(" · ", ", ").encode("ascii", "backslashreplace")


def _add_shape(shape: Any, spec: TensorSpec) -> None:
    if spec.shape is None:
        shape.unknown_rank = True
        return
    for size in spec.shape:
        shape.dim.add(size=-1 if size is None else size)
