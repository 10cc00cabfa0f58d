"""The pictures of a report, and which call brings which part of them to life."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from buildtrace.errors import RenderError
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import picture, svg
from buildtrace.renderers.drawing.diagram import boxes
from buildtrace.renderers.models import weights_by_layer
from buildtrace.traces import folding
from buildtrace.traces.lazy import cached_property

if TYPE_CHECKING:
    from buildtrace.renderers.drawing.diagram import Diagram, Place
    from buildtrace.traces.schema import Call, Graph, Node
    from buildtrace.traces.trace import Trace

LONGEST, LONGEST_WHOLE = 30.0, 10.0
"""After so many seconds there is no picture, and none of every single layer beside it."""

MOST_BOXES = 5_000
"""A picture of every single layer has no more boxes than this."""


_CALLS = (".__call__", ".symbolic_call")
"""How the landmarks end that are calls of a layer or an operation as such."""


_Calls = dict[int | str, list["Call"]]


class Moments:
    """Which calls make a node: the first on its layer, and the one that connects it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._weights = weights_by_layer(trace)
        self._nodes = {
            (graph.model.id, node.id): node for graph in trace.graphs for node in graph.nodes
        }

    @cached_property
    def _first(self) -> dict[int, Call]:
        found: dict[int, Call] = {}
        for call in self._trace.calls:
            if call.layer and call.step != "graph":
                found.setdefault(call.layer.id, call)
        return found

    @cached_property
    def _connecting(self) -> tuple[_Calls, _Calls]:
        """The `Node`s that Keras makes, and the calls of layers as such: both connect a layer.

        They are found by the layer's id and, for an operation without one, by its name.
        """
        nodes: _Calls = {}
        calls: _Calls = {}
        for call in self._trace.calls:
            if call.layer is None or call.step != "connect":
                continue
            if call.landmark == "Node.__init__":
                found = nodes
            elif call.landmark.endswith(_CALLS) and self._outermost(call) is call:
                found = calls
            else:
                continue
            for key in (call.layer.id, call.layer.name):
                found.setdefault(key, []).append(call)
        return nodes, calls

    def _outermost(self, call: Call) -> Call:
        """The outermost call on the same layer that `call` is inside of."""
        outermost = call
        for outer in self._trace.ancestors(call):
            if call.layer and outer.layer and outer.layer.id == call.layer.id:
                outermost = outer
        return outermost

    def made(self, place: Place) -> Call | None:
        """The call that connects the node to those before it."""
        node = self._nodes[place]
        nodes, calls = (found.get(_key(node), []) for found in self._connecting)
        if node.index < len(nodes):
            return nodes[node.index]
        # Not every call makes a `Node`: the tensors of a subclassed model show its connections.
        return calls[min(node.index, len(calls) - 1)] if calls else self._seen_first(node)

    def seen(self, place: Place) -> Call | None:
        """The call in which the build comes to the node first."""
        node = self._nodes[place]
        first = self._seen_first(node) if node.index == 0 else None
        made = self.made(place)
        outer = self._outermost(made) if made else None
        return min((call for call in (first, outer) if call), key=lambda c: c.id, default=None)

    def _seen_first(self, node: Node) -> Call | None:
        return self._first.get(node.layer) if node.layer is not None else None

    def weights(self, place: Place) -> list[int]:
        """The ids of the weights that fill the node."""
        layer = self._nodes[place].layer
        return [w.id for w in self._weights.get(layer, [])] if layer is not None else []

    def layer(self, place: Place) -> int | None:
        """The id of the node's layer."""
        return self._nodes[place].layer


class Picture:
    """An SVG for the page, and what is in it."""

    def __init__(self, markup: str, diagram: Diagram) -> None:
        self.markup = markup
        self.diagram = diagram

    def parts(
        self, moments: Moments, place: dict[int, int], weight_place: dict[int, int]
    ) -> dict[str, Any]:
        """What a script needs to know of the picture.

        Args:
            moments: of the trace.
            place: where each call stands in the page's list of calls, by its id.
            weight_place: the same for the weights.
        """
        nodes: list[dict[str, Any]] = []
        numbers: dict[Place, int] = {}
        found: dict[str, list[list[int]]] = {}
        for box in boxes(self.diagram.models):
            for row in box.rows:
                for node in row.places:
                    if node not in numbers:
                        numbers[node] = len(nodes)
                        nodes.append(_node(moments, node, place, weight_place))
                found.setdefault(box.id, []).append([numbers[node] for node in row.places])
        makers = [[moments.made(node) for node in line.places] for line in self.diagram.lines]
        lines = [[place[call.id] for call in calls if call] for calls in makers]
        return {"nodes": nodes, "boxes": found, "lines": lines, "notes": self.diagram.notes}


def _key(node: Node) -> int | str:
    return node.name if node.layer is None else node.layer


def _node(
    moments: Moments, node: Place, place: dict[int, int], weight_place: dict[int, int]
) -> dict[str, Any]:
    seen = moments.seen(node)
    return {
        "layer": moments.layer(node),
        "seen": place[seen.id] if seen else None,
        "weights": [weight_place[id_] for id_ in moments.weights(node) if id_ in weight_place],
    }


def pictures(trace: Trace, graph: Graph, options: Options) -> list[Picture]:
    """The picture of a model at the level that suits it, and if that folds, that of every layer.

    Raises:
        RenderError: there could be no picture.
    """
    part = folding.part_of(trace, {graph.model.id})
    asked = Options(depth=options.depth, full=options.full)
    first = _drawn(part, asked, LONGEST)
    whole = Options(full=True)
    if first.diagram.level == 0 and asked == whole:
        return [first]
    finest = next(picture.diagrams(part, whole))
    number = sum(1 for _ in boxes(finest.models))
    if number == sum(1 for _ in boxes(first.diagram.models)) or number > MOST_BOXES:
        return [first]
    try:
        every = _drawn(part, whole, LONGEST_WHOLE)
    except RenderError:
        return [first]
    return [first, every] if every.diagram.level == 0 else [first]


def _drawn(trace: Trace, options: Options, longest: float) -> Picture:
    found = picture.drawn(trace, options, "svg", page=False, longest=longest)
    return Picture(_for_page(svg.tidy(found.picture.decode())), found.diagram)


def _for_page(markup: str) -> str:
    """The SVG as part of a page, where another picture may use the same ids."""
    markup = markup[markup.index("<svg ") :]
    markup = re.sub(r' id="a_([^"]*-\d+)-\d+"', r' data-row="\1"', markup)
    markup = re.sub(r' id="([^"]*)"', r' data-id="\1"', markup)
    markup = re.sub(r' xml:space="preserve"| xmlns(:xlink)?="[^"]*"', "", markup)
    return re.sub(r' font-family="[^"]*"', "", markup)
