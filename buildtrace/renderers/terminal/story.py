"""The facts of one model's story, in the order of the article's steps; `steps` tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import folding
from buildtrace.traces.lazy import cached_property
from buildtrace.traces.shown_models import More, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Graph, LayerRef, Step, TensorSpec, Weight
    from buildtrace.traces.trace import Trace

OF_STEP: dict[Step, int] = {"input": 1, "connect": 2, "build": 2, "weight": 2, "graph": 3}
"""Which of the article's three steps a landmark belongs to."""


MAPPING = -1
"""Stands for the layer of calls inside the mapping of a graph, which builds no layer."""


class LayerFacts(NamedTuple):
    """What happened to one layer.

    Attributes:
        layer: which.
        inputs: what it was called on, or built for.
        outputs: what came out.
        build: the call of its own build, if it has one.
        weights: those made in it.
        times: how often it was called.
        error: the call that ended in an error that nobody caught.
    """

    layer: LayerRef
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    build: Call | None
    weights: tuple[Weight, ...]
    times: int
    error: Call | None

    @property
    def kind(self) -> tuple[object, ...]:
        """Equal for layers that a reader takes for the same thing once more."""
        weights = tuple((w.name, len(w.shape), w.trainable) for w in self.weights)
        return (self.layer.class_name, weights, self.error is None)


class Story:
    """The facts of one model, or of the calls that belong to no model (`graph` is `None`)."""

    def __init__(self, trace: Trace, graph: Graph | None) -> None:
        self.trace = trace
        self.graph = graph

    @cached_property
    def _models(self) -> set[int]:
        return {graph.model.id for graph in self.trace.graphs}

    @cached_property
    def sources(self) -> list[Call]:
        """The calls that made the model's input layers, not those of the models in it."""
        calls = [call for call in self.trace.calls if call.name == "InputLayer.__init__"]
        nested = self._models - {self.graph.model.id if self.graph else None}
        return [call for call in calls if not self._at(call) & nested]

    def _at(self, call: Call) -> set[int]:
        """The layers at work when `call` ran."""
        return {outer.layer.id for outer in self.trace.ancestors(call) if outer.layer}

    def given(self, source: Call) -> tuple[TensorSpec, ...]:
        """The tensors that an input layer stands for; its node knows them for sure."""
        inside = (call.outputs for _, call in self.trace.walk(source) if call.outputs)
        return next(inside, ())

    @cached_property
    def layers(self) -> list[LayerFacts]:
        """The layers that the model itself connects, in the order of their first call.

        What a layer made inside itself (a cell, a sub-layer) counts as the layer's own.
        """
        path = self.trace.index.failing_ids
        calls_by_layer: dict[int, list[Call]] = {}
        for call in self._direct():
            assert call.layer is not None
            calls_by_layer.setdefault(call.layer.id, []).append(call)
        return [
            _facts(calls, self.trace.index.weights_within(layer), path)
            for layer, calls in calls_by_layer.items()
        ]

    def _direct(self) -> Iterator[Call]:
        """The calls on layers that are not inside another layer's call, nor the mapping's."""
        inside: dict[int | None, int | None] = {None: None}
        skip = self._models | {call.layer.id for call in self.sources if call.layer}
        for call in self.trace.calls:
            outer = inside[call.parent]
            own = None
            if call.step == "graph":
                own = MAPPING
            elif call.landmark in ("Layer.__call__", "Layer.build") and call.layer:
                own = call.layer.id if call.layer.id not in skip else None
            inside[call.id] = own if outer is None else outer
            if own != MAPPING and call.layer and inside[call.id] == call.layer.id:
                yield call

    @cached_property
    def changes(self) -> dict[str, tuple[bool, bool]]:
        """What changed in the model itself: the first state and the last."""
        changes: dict[str, tuple[bool, bool]] = {}
        for call in self.trace.calls:
            if call.layer and self.graph and call.layer.id == self.graph.model.id:
                for name, (before, after) in call.changes.items():
                    changes[name] = (changes.get(name, (before,))[0], after)
        return changes

    def count(self, step: int) -> dict[tuple[str, str], list[Call]]:
        """The calls of one of the three steps by landmark, in the order of the first of each."""
        calls_by_landmark: dict[tuple[str, str], list[Call]] = {}
        for call in self.trace.calls:
            if OF_STEP[call.step] == step:
                calls_by_landmark.setdefault((call.generation, call.landmark), []).append(call)
        return calls_by_landmark


def stories(trace: Trace, full: bool) -> Iterator[Story | More]:
    """A story for each outermost model that is shown, and one for the calls that are left."""
    for graph in shown(trace, full):
        if isinstance(graph, More):
            yield graph
        else:
            yield Story(folding.part_of(trace, {graph.model.id}), graph)
    models = {graph.model.id for graph in trace.index.outermost_graphs}
    in_stories = {call.id for call in folding.part_of(trace, models).calls}
    rest = tuple(call for call in trace.calls if call.id not in in_stories)
    if rest:
        yield Story(_rest(trace, rest), None)


def _rest(trace: Trace, calls: tuple[Call, ...]) -> Trace:
    """What is left of a trace when these calls are left."""
    from msgspec.structs import replace

    kept = {call.id for call in calls}
    calls = tuple(call if call.parent in kept else replace(call, parent=None) for call in calls)
    weights = tuple(weight for weight in trace.weights if weight.call in kept)
    return replace(trace, calls=calls, weights=weights, graphs=())


def _facts(calls: list[Call], weights: list[Weight], path: frozenset[int]) -> LayerFacts:
    first = calls[0]
    assert first.layer is not None
    build = next((call for call in calls if call.landmark == "Layer.build"), None)
    return LayerFacts(
        layer=first.layer,
        inputs=next((call.inputs for call in calls if call.inputs), ()),
        outputs=next((call.outputs for call in calls if call.outputs), ()),
        build=build,
        weights=tuple(weights),
        times=sum(call.landmark == "Layer.__call__" for call in calls),
        error=next((call for call in calls if call.id in path), None),
    )
