"""What a saved file holds: its layers, nested as in its config, with settings and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import (
    Line,
    Lines,
    Part,
    cut,
    cut_start,
    size,
    spread,
    width_of,
    wrapped,
)
from buildtrace.traces import wording
from buildtrace.traces.gaps import Gap, Limits, gaps
from buildtrace.traces.saved_layers import layers_inside, output_shapes, parameters_inside

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import SavedFile, SavedLayer, Weight
    from buildtrace.traces.trace import Trace

LIMITS = Limits(few=40, many=80, most=100)
"""How many of the layers right inside of one are shown."""

MOST_WEIGHTS = 60
"""Of a file with more weights, only the layers are listed."""

LEAST = 8
"""So many characters of a weight's path are shown, however narrow the terminal is."""

GAP = 2
"""Spaces before a number of parameters."""

MIDDLE, LAST, BESIDE, BELOW = "├ ", "└ ", "│ ", "  "


def render(trace: Trace, options: Options) -> Lines:
    """The file's facts, the tree of its layers, and what was left out of it."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: lines(trace, options, width))


def lines(trace: Trace, options: Options, width: int) -> Iterator[Line]:
    """All of it."""
    assert trace.saved is not None
    yield from summary.of_file(trace, trace.saved, width)
    yield []
    tree = _SavedTree(trace, trace.saved, options, width)
    yield from tree.lines()
    yield []
    yield summary.totals_line(trace)
    if not tree.names_weights:
        yield from wrapped("--view weights lists the weights.", width, [], [], styles.NOTE)
    if tree.hidden:
        text = f"Folded: {tree.hidden:,} of {len(trace.saved.layers):,} layers; --full shows all."
        yield from wrapped(text, width, [], [], styles.NOTE)


class _SavedTree:
    """The tree of a file's layers.

    Attributes:
        names_weights: whether the weights stand below their layers.
        hidden: how many layers were left out so far.
    """

    def __init__(self, trace: Trace, file: SavedFile, options: Options, width: int) -> None:
        self.options = options
        self.width = width
        self.hidden = 0
        self.names_weights = options.full or len(trace.weights) <= MOST_WEIGHTS
        known = {layer.id for layer in file.layers}
        self._inside: dict[int | None, list[SavedLayer]] = {}
        for layer in file.layers:
            around = layer.within if layer.within in known else None
            self._inside.setdefault(around, []).append(layer)
        self._weights: dict[int | None, list[Weight]] = {}
        for weight in trace.weights:
            owner = weight.layer if weight.layer in known else None
            self._weights.setdefault(owner, []).append(weight)
        self._parameters = parameters_inside(trace, file)
        self._sizes = layers_inside(file)
        self._shapes = output_shapes(trace)
        self._digits = max((len(f"{n:,}") for n in self._parameters.values()), default=0) + GAP

    def lines(self) -> Iterator[Line]:
        """A line for each layer and weight. Not recursive: a trace file may nest them deeply."""
        stack = [(entry, "", "", 1) for entry in reversed(self._entries(None))]
        while stack:
            entry, guide, inner, level = stack.pop()
            if isinstance(entry, list):
                room = max(self.width - width_of(entry[1:]) - size(guide), LEAST)
                yield cut(
                    [Part(guide, styles.QUIET), *cut_start(entry[:1], room), *entry[1:]], self.width
                )
                continue
            yield self._line(entry, guide)
            if self.options.depth is not None and level >= self.options.depth:
                self.hidden += self._sizes[entry.id] - 1
                continue
            room = self.width // 2 - len(inner) > 4
            for number, child in enumerate(reversed(self._entries(entry.id))):
                mark, beside = (MIDDLE, BESIDE) if number else (LAST, BELOW)
                stack.append((child, inner + mark, inner + (beside if room else ""), level + 1))

    def _entries(self, around: int | None) -> list[SavedLayer | Line]:
        """What stands right inside of a layer: its weights, the end of each kept, and layers."""
        entries: list[SavedLayer | Line] = []
        if self.names_weights or around is None:
            entries += [self._weight(weight) for weight in self._weights.get(around, ())]
        layers = self._inside.get(around, [])
        start = 0
        hidden = [] if self.options.full else gaps([self._kind(one) for one in layers], LIMITS)
        for gap in [*hidden, Gap(len(layers), len(layers), "")]:
            entries += layers[start : gap.start]
            if left_out := layers[gap.start : gap.end]:
                entries.append(self._gap(gap, left_out))
            start = gap.end
        return entries

    def _kind(self, layer: SavedLayer) -> Hashable:
        """Equal for layers that a reader takes for the same thing again."""
        inside = tuple(inner.class_name for inner in self._inside.get(layer.id, ()))
        return layer.class_name, inside, layer.class_name or layer.id

    def _gap(self, gap: Gap, layers: list[SavedLayer]) -> Line:
        self.hidden += sum(self._sizes[layer.id] for layer in layers)
        parameters = sum(self._parameters.get(layer.id, 0) for layer in layers)
        more = f", {wording.count(parameters, 'parameter')}" if parameters else ""
        names = wording.span([layer.name for layer in layers])
        return [Part(""), Part(f"{gap.text}{more}: {names}", styles.NOTE)]

    def _line(self, layer: SavedLayer, guide: str) -> Line:
        left = [Part(guide, styles.QUIET), Part(wording.sanitize(layer.name), styles.NAME)]
        if layer.class_name:
            left.append(Part(f" ({wording.sanitize(layer.class_name)})", styles.QUIET))
        for key, value in layer.facts.items():
            left.append(Part(f"  {wording.sanitize(key)}={wording.sanitize(value)}"))
        parameters = self._parameters.get(layer.id)
        number = f"{parameters:,}" if parameters else ""
        right = [Part(self._shapes.get(layer.id, "")), Part(f"{number:>{self._digits}}")]
        line = spread(left, right, self.width)
        return line if number else line[:-1]

    @staticmethod
    def _weight(weight: Weight) -> Line:
        frozen = "" if weight.trainable else "  frozen"
        return [
            Part(wording.sanitize(weight.path), styles.STEP["weight"]),
            Part(f"  {wording.shape(weight.shape)}"),
            Part(f" {wording.sanitize(weight.dtype)}", styles.QUIET),
            Part(frozen, styles.SWALLOWED),
        ]
