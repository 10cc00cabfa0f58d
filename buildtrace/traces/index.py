"""A trace as the rules see it: who built, called and held which layer, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces.lazy import cached_property
from buildtrace.traces.raised import Raised, all_raised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Graph, LayerRef, LayerState, Use, Weight
    from buildtrace.traces.trace import Trace


class History:
    """Looks things up in a trace; each index is made when it is first asked for.

    Attributes:
        trace: the trace.
    """

    def __init__(self, trace: Trace) -> None:
        """Of a trace that is over."""
        self.trace = trace

    # -- layers -------------------------------------------------------------------------------

    @cached_property
    def _builds(self) -> dict[int, list[Call]]:
        found: dict[int, list[Call]] = {}
        for call in self.trace.calls:
            if call.landmark == "Layer.build" and call.layer is not None:
                around = self.around(call)
                if not any(c.landmark == "Layer.build" and c.layer == call.layer for c in around):
                    found.setdefault(call.layer.id, []).append(call)
        return found

    def builds(self, layer: int) -> list[Call]:
        """Each run of the layer's `build`, in order; not those by `super().build()` within one."""
        return self._builds.get(layer, [])

    @cached_property
    def _calls(self) -> dict[int, list[Call]]:
        found: dict[int, list[Call]] = {}
        for call in self.trace.calls:
            if call.landmark == "Layer.__call__" and call.layer is not None:
                found.setdefault(call.layer.id, []).append(call)
        return found

    def calls(self, layer: int) -> list[Call]:
        """Each recorded call of the layer, in order."""
        return self._calls.get(layer, [])

    @cached_property
    def _states(self) -> dict[int, list[LayerState]]:
        found: dict[int, list[LayerState]] = {}
        for state in self.trace.states:
            found.setdefault(state.layer.id, []).append(state)
        return found

    def states(self, layer: int) -> list[LayerState]:
        """What the layer was like after each tree of calls that it took part in, in order."""
        return self._states.get(layer, [])

    def state(self, layer: int | None) -> LayerState | None:
        """What the layer was like in the end; `None` if that was not read."""
        found = self._states.get(-1 if layer is None else layer)
        return found[-1] if found else None

    @cached_property
    def _holders(self) -> dict[int, LayerRef]:
        return {child.id: state.layer for state in self.trace.states for child in state.children}

    def holder(self, layer: int) -> LayerRef | None:
        """The layer of the user's that holds this one, if it is known."""
        return self._holders.get(layer)

    @cached_property
    def _weights(self) -> dict[int | None, list[Weight]]:
        found: dict[int | None, list[Weight]] = {}
        for weight in self.trace.weights:
            found.setdefault(weight.layer, []).append(weight)
        return found

    def weights(self, layer: int) -> list[Weight]:
        """The weights that the layer itself owns, in order of making."""
        return self._weights.get(layer, [])

    @cached_property
    def graphs(self) -> dict[int, Graph]:
        """The graphs, by id of the model or of the layer that calls others."""
        return {graph.model.id: graph for graph in self.trace.graphs}

    @cached_property
    def all_weights(self) -> dict[int, frozenset[int]]:
        """Ids of the weights that a layer and all layers in it have, as Keras tells them.

        There are those of layers whose weights could be read: not of one that calls no other, nor
        in Keras 2 of one with a model inside that has no weights as yet (`weights` raises then).
        """
        found = {}
        for owner, graph in self.graphs.items():
            if graph.weights or not self._holds_unbuilt(graph):
                found[owner] = frozenset(graph.weights)
        return found

    def _holds_unbuilt(self, graph: Graph) -> bool:
        """Whether there may be a model in this one that has no weights as yet."""
        state = self.state(graph.model.id)
        inner = [self.state(child.id) for child in state.children] if state else []
        if any(child is not None and child.unbuilt for child in inner):
            return True
        return any(node.kind == "model" and not node.built for node in graph.nodes)

    # -- the tree -----------------------------------------------------------------------------

    def around(self, call: Call) -> Iterator[Call]:
        """The calls that this one is in, nearest first."""
        parent = call.parent
        while parent is not None:
            outer = self.trace.call(parent)
            yield outer
            parent = outer.parent

    def inside(self, call: Call) -> Iterator[Call]:
        """The calls inside of this one, in order of start."""
        for _, inner in self.trace.walk(call):
            if inner is not call:
                yield inner

    def weights_made_in(self, call: Call) -> list[Weight]:
        """The weights that this call or one inside it made."""
        made = self.trace.weights_made_by
        return [weight for _, inner in self.trace.walk(call) for weight in made(inner)]

    def root(self, call: Call) -> Call:
        """The outermost call that this one is in; itself if it is one."""
        outer = call
        for outer in self.around(call):  # noqa: B007 - the last one is wanted
            pass
        return outer

    def is_in_build(self, call: Call) -> bool:
        """Whether this call was made by a `build`, at any depth."""
        return any(outer.landmark == "Layer.build" for outer in self.around(call))

    def is_by_call(self, build: Call) -> bool:
        """Whether the layer was built because it was being called, which builds the rest too."""
        return any(
            outer.landmark == "Layer.__call__" and outer.layer == build.layer
            for outer in self.around(build)
        )

    def state_after(self, call: Call) -> LayerState | None:
        """What the layer of a call was like when the tree of that call was over."""
        if call.layer is None:
            return None
        root = self.root(call).id
        return next((s for s in self.states(call.layer.id) if s.after == root), None)

    @cached_property
    def failing(self) -> list[Call]:
        """The calls that the run's error came out of, outermost first; empty if it went well."""
        innermost = self.trace.failed
        return [] if innermost is None else [*list(self.around(innermost))[::-1], innermost]

    def innermost(self, call: Call) -> Call:
        """Where an error began that came out of `call`: the deepest call that it came out of."""
        return self.trace.raised_through(call)[-1]

    @cached_property
    def raised(self) -> list[Raised]:
        """Each exception of the run that the script did not catch, with its calls."""
        return list(all_raised(self.trace))

    @cached_property
    def failures(self) -> list[Raised]:
        """Each exception that did harm: that which ended the run, and what was caught on its way.

        None of a run that went well: what was caught there, by the user or by Keras, was foreseen.
        """
        if self.trace.error is None or not self.failing:
            return []
        error = self.failing[-1].error or self.trace.error
        last = Raised(error, tuple(self.failing), told=self.trace.error.message)
        return [last, *filter(self._did_harm, self.raised)]

    def _did_harm(self, raised: Raised) -> bool:
        """Whether what was caught was caught in the tree of calls that failed in the end."""
        outermost = raised.calls[0] if raised.calls else None
        if outermost is None or outermost.error is None or not outermost.error.swallowed:
            return False
        is_near = self.root(outermost) is self.root(self.failing[0])
        return is_near and not self._came_to_nothing(outermost)

    def _came_to_nothing(self, outermost: Call) -> bool:
        """Whether what failed on symbols, where it was caught, then went well on data.

        Keras 3 runs the `call` of a layer without a `build` on symbols first, to have what is in it
        built. Code that runs on data only is fine if nobody wants more of it.
        """
        for outer in self.around(outermost):
            if outer.landmark == "Layer.__call__" and outer.layer == outermost.layer:
                return outer.error is None
        return False

    def run_around(self, call: Call) -> Call | None:
        """The run of another layer's `call` that made this call; `None` if a `build` did."""
        for outer in self.around(call):
            if outer.layer is not None and outer.layer != call.layer:
                return None if outer.landmark == "Layer.build" else outer
        return None

    # -- uses ---------------------------------------------------------------------------------

    def uses(self, *names: str) -> list[Use]:
        """The uses of models by these functions, in order."""
        return [use for use in self.trace.uses if use.name in names]


def is_users(call: Call) -> bool:
    """Whether the function that ran is one of the user's, not of Keras."""
    return call.module.split(".")[0] not in ("keras", "tf_keras", "tensorflow")
