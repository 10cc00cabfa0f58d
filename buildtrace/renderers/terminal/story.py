"""Which stories a trace has: one for each model, and one for what belongs to none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import folding
from buildtrace.traces.shown_models import More, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Graph, Step
    from buildtrace.traces.trace import Trace

OF_STEP: dict[Step, int] = {
    "input": 1,
    "connect": 2,
    "build": 2,
    "weight": 2,
    "graph": 3,
    "compile": 4,
    "load": 5,
}
"""Which of the article's three steps a landmark belongs to; 4 for training, 5 for a saved file."""


def part_of_call(trace: Trace, call: Call) -> int:
    """Which of these a call belongs to: a variable is made for what it is made in."""
    around = (outer for outer in trace.index.ancestors(call) if outer.step != "weight")
    outer = next(around, None) if call.step == "weight" else None
    return OF_STEP["compile" if outer and outer.step == "compile" else call.step]


class Story:
    """The calls of one model, or those that belong to no model (`graph` is `None`)."""

    def __init__(self, trace: Trace, graph: Graph | None) -> None:
        self.trace = trace
        self.graph = graph

    def count(self, step: int) -> dict[tuple[str, str], list[Call]]:
        """The calls of one of the five parts by landmark, in the order of the first of each."""
        calls_by_landmark: dict[tuple[str, str], list[Call]] = {}
        for call in self.trace.calls:
            if part_of_call(self.trace, call) == step:
                calls_by_landmark.setdefault((call.generation, call.landmark), []).append(call)
        return calls_by_landmark


def kind(graph: Graph) -> str:
    """What kind of model one is, in a few words."""
    if graph.model.class_name == "Sequential":
        return "a stack of layers"
    if graph.source == "keras":
        return "a graph of layers, from its inputs to its outputs"
    return "a subclassed model, whose own `call` connects its layers"


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
    variables = folding.variables_of(trace, kept, weights)
    return replace(trace, calls=calls, weights=weights, variables=variables, graphs=())
