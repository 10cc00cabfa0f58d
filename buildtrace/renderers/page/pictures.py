"""The pictures of a report: SVG with what its scripts need to know of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from buildtrace.errors import RenderError
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import picture
from buildtrace.renderers.drawing.diagram import boxes, count_boxes
from buildtrace.renderers.drawing.levels import diagrams
from buildtrace.traces import folding

if TYPE_CHECKING:
    from buildtrace.renderers.drawing.diagram import Diagram, NodeRef
    from buildtrace.renderers.page.moments import Moments
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

LONGEST, LONGEST_WHOLE = 30.0, 10.0
"""After so many seconds there is no picture, and none of every single layer beside it."""

MOST_BOXES = 5_000
"""A picture of every single layer has no more boxes than this."""


class Picture:
    """An SVG for the page, and what is in it."""

    def __init__(self, markup: str, diagram: Diagram) -> None:
        self.markup = markup
        self.diagram = diagram

    def parts(
        self, moments: Moments, call_numbers: dict[int, int], weight_numbers: dict[int, int]
    ) -> dict[str, Any]:
        """What a script needs to know of the picture.

        Args:
            moments: of the trace.
            call_numbers: where each call stands in the page's list of calls, by its id.
            weight_numbers: the same for the weights.
        """
        nodes: list[dict[str, Any]] = []
        numbers: dict[NodeRef, int] = {}
        nodes_of_boxes: dict[str, list[list[int]]] = {}
        for box in boxes(self.diagram.models):
            for row in box.rows:
                for node_ref in row.node_refs:
                    if node_ref not in numbers:
                        numbers[node_ref] = len(nodes)
                        nodes.append(_node(moments, node_ref, call_numbers, weight_numbers))
                row_nodes = [numbers[node_ref] for node_ref in row.node_refs]
                nodes_of_boxes.setdefault(box.id, []).append(row_nodes)
        makers = [
            [moments.connecting_call(node_ref) for node_ref in connection.node_refs]
            for connection in self.diagram.connections
        ]
        return {
            "nodes": nodes,
            "boxes": nodes_of_boxes,
            "lines": [[call_numbers[call.id] for call in calls if call] for calls in makers],
            "notes": self.diagram.notes,
        }


def _node(
    moments: Moments,
    node_ref: NodeRef,
    call_numbers: dict[int, int],
    weight_numbers: dict[int, int],
) -> dict[str, Any]:
    first = moments.first_call(node_ref)
    weights = moments.weights(node_ref)
    return {
        "layer": moments.layer(node_ref),
        "seen": call_numbers[first.id] if first else None,
        "weights": [weight_numbers[id_] for id_ in weights if id_ in weight_numbers],
    }


def pictures(trace: Trace, graph: Graph, options: Options) -> list[Picture]:
    """The picture of a model at the level that suits it, and if that is coarse, of every layer.

    Raises:
        RenderError: there could be no picture.
    """
    part = folding.part_of(trace, {graph.model.id})
    asked = Options(depth=options.depth, full=options.full)
    first = _draw(part, asked, LONGEST)
    whole = Options(full=True)
    if first.diagram.level == 0 and asked == whole:
        return [first]
    number = count_boxes(next(diagrams(part, whole)))
    if number == count_boxes(first.diagram) or number > MOST_BOXES:
        return [first]
    try:
        every = _draw(part, whole, LONGEST_WHOLE)
    except RenderError:
        return [first]
    return [first, every] if every.diagram.level == 0 else [first]


def _draw(trace: Trace, options: Options, longest: float) -> Picture:
    drawing = picture.draw(trace, options, "svg", page=False, longest=longest)
    return Picture(_for_page(picture.tidy(drawing.picture.decode())), drawing.diagram)


def _for_page(markup: str) -> str:
    """The SVG as part of a page, where another picture may use the same ids."""
    markup = markup[markup.index("<svg ") :]
    markup = re.sub(r' id="a_([^"]*-\d+)-\d+"', r' data-row="\1"', markup)
    markup = re.sub(r' id="([^"]*)"', r' data-id="\1"', markup)
    markup = re.sub(r' xml:space="preserve"| xmlns(:xlink)?="[^"]*"', "", markup)
    return re.sub(r' font-family="[^"]*"', "", markup)
