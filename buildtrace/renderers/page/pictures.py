"""The pictures of a report: SVG with what its scripts need to know of it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from buildtrace.errors import RenderError
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import opening, picture
from buildtrace.renderers.drawing.diagram import boxes, count_boxes, frames
from buildtrace.renderers.drawing.levels import diagrams
from buildtrace.traces import folding, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.drawing.diagram import Diagram, NodeRef
    from buildtrace.renderers.drawing.opening import FoldedBlock
    from buildtrace.renderers.drawing.picture import Drawing
    from buildtrace.renderers.page.moments import Moments
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

LONGEST, LONGEST_WHOLE = 30.0, 10.0
"""After so many seconds there is no picture, and none of every single layer beside it."""

MOST_BOXES = 5_000
"""A picture of every single layer has no more boxes than this."""

MOST_OPENED, LONGEST_OPENED = 8, 3.0
"""So many blocks can be opened, if the layout of each takes no more seconds than this.

Each open block is a picture of the whole model: 34 kB of the page of ResNet50, which has four, and
74 kB of that of EfficientNetV2S, with five. Of a model with many more of them, a page would be well
over 1 MB; there, "Every layer" shows all of them at once.
"""

AT_ONCE = 4
"""So many layouts run at the same time."""

MOST_SAID = 6
"""So many things of a kind are named of a layer."""


class Picture:
    """An SVG for the page, and what is in it."""

    def __init__(self, drawing: Drawing) -> None:
        self.markup = _for_page(picture.tidy(drawing.picture.decode()))
        self.diagram = drawing.diagram
        self.opened: dict[FoldedBlock, Picture] = {}

    def parts(
        self, moments: Moments, call_numbers: dict[int, int], weight_numbers: dict[int, int]
    ) -> dict[str, Any]:
        """What a script needs to know of the picture.

        Args:
            moments: of the trace.
            call_numbers: where each call stands in the page's list of calls, by its id.
            weight_numbers: the same for the weights.
        """
        describe = _NodeData(moments, call_numbers, weight_numbers)
        nodes: list[dict[str, Any]] = []
        numbers: dict[NodeRef, int] = {}
        nodes_of_boxes: dict[str, list[list[int]]] = {}
        for box in boxes(self.diagram.models):
            for row in box.rows:
                for node_ref in row.node_refs:
                    if node_ref not in numbers:
                        numbers[node_ref] = len(nodes)
                        nodes.append(describe.of(node_ref, row.again))
                row_nodes = [numbers[node_ref] for node_ref in row.node_refs]
                nodes_of_boxes.setdefault(box.id, []).append(row_nodes)
        nodes_of_frames: dict[str, int] = {}
        for frame in frames(self.diagram.models):
            if frame.node_ref is not None:
                nodes_of_frames[frame.id] = len(nodes)
                nodes.append(describe.of(frame.node_ref, again=False))
        lines, after = [], {}
        for number, connection in enumerate(self.diagram.connections):
            makers = [moments.connecting_call(node_ref) for node_ref in connection.node_refs]
            lines.append([call_numbers[call.id] for call in makers if call])
            befores = [moments.call_before(node_ref) for node_ref in connection.node_refs]
            if not lines[-1] and (ended := [call.id for call in befores if call]):
                after[number] = call_numbers[max(ended)]
        return {
            "nodes": nodes,
            "boxes": nodes_of_boxes,
            "frames": nodes_of_frames,
            "lines": lines,
            "after": after,
            "weights": {
                id_: weight_numbers[int(id_)]
                for id_ in _WEIGHT.findall(self.markup)
                if int(id_) in weight_numbers
            },
            "notes": self.diagram.notes,
            "opens": {
                block.id: {
                    **drawn.parts(moments, call_numbers, weight_numbers),
                    "svg": drawn.markup,
                    "closes": block.opened_id,
                }
                for block, drawn in self.opened.items()
            },
        }


class _NodeData:
    """What a script needs to know of the nodes; what there is nothing to say of is left out."""

    def __init__(
        self, moments: Moments, call_numbers: dict[int, int], weight_numbers: dict[int, int]
    ) -> None:
        self._moments = moments
        self._call_numbers = call_numbers
        self._weight_numbers = weight_numbers

    def of(self, node_ref: NodeRef, again: bool) -> dict[str, Any]:
        """What there is to know of a node.

        It is there from the beginning of the call `seen`, or else from the end of `after`.

        Args:
            node_ref: the node.
            again: whether its layer was called before, so that nothing is built for it.
        """
        moments = self._moments
        node = moments.node(node_ref)
        first, before = moments.first_call(node_ref), moments.call_before(node_ref)
        more = {
            "name": wording.sanitize(node.name) if node.layer is None else "",
            "class": wording.sanitize(node.class_name) if node.layer is None else "",
            "after": self._call_numbers[before.id] if before else None,
            "gets": wording.tensors(moments.given(node_ref)),
            "gives": wording.tensors(node.outputs),
            "about": [*self._about(node_ref)],
            "again": again,
            "failed": node.failed,
        }
        weights = [weight.id for weight in moments.weights(node_ref)]
        return {
            "layer": node.layer,
            "seen": self._call_numbers[first.id] if first else None,
            "weights": [self._weight_numbers[n] for n in weights if n in self._weight_numbers],
            **{key: value for key, value in more.items() if value not in (None, "", False, [])},
        }

    def _about(self, node_ref: NodeRef) -> Iterator[tuple[str, str]]:
        """What the trace has of how the layer was configured, each with a label."""
        weights = [weight for weight in self._moments.weights(node_ref) if not weight.replaced]
        for label in ("initializer", "regularizer", "constraint"):
            said = {weight.name: getattr(weight, label) for weight in weights}
            words = [f"{name}: {value}" for name, value in said.items() if value]
            if words:
                yield label, wording.sanitize_long(wording.listed(words, MOST_SAID))
        state = self._moments.state(node_ref)
        if state is None:
            return
        wants = [text for expected in state.expects if (text := wording.expected(expected))]
        if wants:
            yield "takes", wording.sanitize_long(wording.listed(wants, MOST_SAID))
        if state.methods:
            names = wording.listed([method.name for method in state.methods], MOST_SAID)
            place = f" in {wording.location(state.file, state.line)}" if state.file else ""
            yield "defines", wording.sanitize_long(f"{names}{place}")


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
    first.opened = _opened(part, asked, first.diagram)
    number = count_boxes(next(diagrams(part, whole)))
    if number == count_boxes(first.diagram) or number > MOST_BOXES:
        return [first]
    try:
        every = _draw(part, whole, LONGEST_WHOLE)
    except RenderError:
        return [first]
    return [first, every] if every.diagram.level == 0 else [first]


def _draw(trace: Trace, options: Options, longest: float) -> Picture:
    return Picture(picture.draw(trace, options, "svg", page=False, longest=longest))


def _opened(trace: Trace, options: Options, diagram: Diagram) -> dict[FoldedBlock, Picture]:
    """The picture with each of its blocks open, one at a time, as far as there are few."""
    blocks = list(opening.blocks(diagram.models))
    if not 0 < len(blocks) <= MOST_OPENED or len(diagram.models) > 1:
        return {}

    def draw(block: FoldedBlock) -> Picture | None:
        opened = opening.opened(trace, options, diagram, block)
        try:
            return Picture(picture.draw_diagram(opened, LONGEST_OPENED))
        except RenderError:
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:  # each waits for a process of its own
        drawn = list(pool.map(draw, blocks))
    return {block: one for block, one in zip(blocks, drawn, strict=True) if one}


def _for_page(markup: str) -> str:
    """The SVG as part of a page, where another picture may use the same ids.

    A row of a box, and an area of a weight with its label, are marked as such, and the titles of
    frames come last: an arrow into a frame runs through them.
    """
    markup = markup[markup.index("<svg ") :].replace("&#45;", "-")
    markup = re.sub(r' id="a_[^"]*-w(\d+)-\d+"', r' data-weight="\1"', markup)
    markup = re.sub(r' id="a_([^"]*-\d+)-\d+"', r' data-row="\1"', markup)
    markup = re.sub(r' id="([^"]*)"', r' data-id="\1"', markup)
    markup = re.sub(r' xml:space="preserve"| xmlns(:xlink)?="[^"]*"', "", markup)
    return _titles_last(re.sub(r' font-family="[^"]*"', "", markup))


_WEIGHT = re.compile(r'data-weight="(\d+)"')
_FRAME = re.compile(r'<g data-id="([^"]*)" class="cluster[^"]*">.*?</g>\n</g>\n', re.DOTALL)
_TEXT = re.compile(r"<text [^>]*>[^<]*</text>\n")
_PLACE = re.compile(r'x="(\S+)" y="(\S+)" textLength="(\S+)".* font-size="(\S+)"')


def _titles_last(markup: str) -> str:
    """The SVG with the titles of its frames after all lines, each on a ground of its own."""
    titles: list[str] = []

    def without_title(frame: re.Match[str]) -> str:
        texts = "".join(_ground(text) + text for text in _TEXT.findall(frame[0]))
        titles.append(f'<g data-of="{frame[1]}">\n{texts}</g>\n')
        return _TEXT.sub("", frame[0])

    markup = _FRAME.sub(without_title, markup)
    end = markup.rindex("</g>\n</svg>")
    last = f'<g class="titles">\n{"".join(titles)}</g>\n' if titles else ""
    return markup[:end] + last + markup[end:]


def _ground(text: str) -> str:
    """What covers the lines behind a text."""
    place = _PLACE.search(text)
    if place is None:
        return ""
    x, y, length, size = map(float, place.groups())
    return (
        f'<rect x="{x - 2:.2f}" y="{y - size:.2f}" width="{length + 4:.2f}" '
        f'height="{1.3 * size:.2f}"/>\n'
    )
