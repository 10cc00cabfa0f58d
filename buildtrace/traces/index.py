"""Looks things up in a trace: which call is in which, who built, called and held which layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from buildtrace.traces.failures import Raised, all_raised, was_swallowed
from buildtrace.traces.lazy import cached_property
from buildtrace.traces.schema import Graph, LayerRef, Node, SourceLine
from buildtrace.traces.unseen import unseen_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from buildtrace.traces.schema import (
        Call,
        ErrorInfo,
        LandmarkInfo,
        LayerState,
        Use,
        Variable,
        Weight,
    )
    from buildtrace.traces.source_code import SourceCode
    from buildtrace.traces.trace import Trace

Key = TypeVar("Key")
Value = TypeVar("Value")

BUILD, CALL = "Layer.build", "Layer.__call__"
"""The landmarks that say where a layer is built, and where it is used."""

INFER, TRIAL = "Operation.compute_output_spec", "compute_output_spec"
"""Those of Keras 3 that find what comes out of a layer, and that run its `call` to that end."""


class TraceIndex:
    """What can be asked of a trace, each answer worked out when it is first asked for.

    A trace has one, `trace.index`; a trace that was changed gets a new one.

    Attributes:
        trace: the trace.
    """

    def __init__(self, trace: Trace) -> None:
        """Of a trace that is over."""
        self.trace = trace

    # -- the tree -----------------------------------------------------------------------------

    @cached_property
    def call_by_id(self) -> dict[int, Call]:
        """The calls, by id."""
        return {call.id: call for call in self.trace.calls}

    @cached_property
    def children_by_id(self) -> dict[int | None, list[Call]]:
        """The calls directly inside a call, by the id of that; those inside no other by `None`."""
        return _grouped((call.parent, call) for call in self.trace.calls)

    @cached_property
    def calls_by_name(self) -> dict[str, list[Call]]:
        """The calls, by qualified name."""
        return _grouped((call.name, call) for call in self.trace.calls)

    @cached_property
    def landmark_by_name(self) -> dict[tuple[str, str], LandmarkInfo]:
        """The rows of the landmark table, by generation and name."""
        return {(row.generation, row.name): row for row in self.trace.landmarks}

    def ancestors(self, call: Call) -> Iterator[Call]:
        """The calls that this one is inside of, nearest first."""
        parent = call.parent
        while parent is not None:
            outer = self.call_by_id[parent]
            yield outer
            parent = outer.parent

    def inside(self, call: Call) -> Iterator[Call]:
        """The calls inside of this one, in order of start."""
        for _, inner in self.trace.walk(call):
            if inner is not call:
                yield inner

    def root(self, call: Call) -> Call:
        """The outermost call that this one is in; itself if it is one."""
        outer = call
        for outer in self.ancestors(call):  # noqa: B007 - the last one is wanted
            pass
        return outer

    def build_around(self, call: Call) -> Call | None:
        """The nearest run of a layer's `build` that this call is, or is inside of."""
        return next((c for c in (call, *self.ancestors(call)) if c.landmark == BUILD), None)

    def is_in_build(self, call: Call) -> bool:
        """Whether this call was made by a `build`, at any depth."""
        return any(outer.landmark == BUILD for outer in self.ancestors(call))

    def is_by_call(self, build: Call) -> bool:
        """Whether the layer was built because it was being called, which builds the rest too."""
        return any(
            outer.landmark == CALL and outer.layer == build.layer for outer in self.ancestors(build)
        )

    def state_after(self, call: Call) -> LayerState | None:
        """What the layer of a call was like when the tree of that call was over."""
        if call.layer is None:
            return None
        root = self.root(call).id
        return next((s for s in self.states_of(call.layer.id) if s.after == root), None)

    def run_around(self, call: Call) -> Call | None:
        """The run of another layer's `call` that made this call; `None` if a `build` did."""
        for outer in self.ancestors(call):
            if outer.layer is not None and outer.layer != call.layer:
                return None if outer.landmark == BUILD else outer
        return None

    # -- layers -------------------------------------------------------------------------------

    @cached_property
    def _builds(self) -> dict[int, list[Call]]:
        builds = _grouped(
            (call.layer.id, call)
            for call in self.trace.calls
            if call.landmark == BUILD and call.layer is not None
        )
        return {layer: self._without_base_class(calls) for layer, calls in builds.items()}

    def _without_base_class(self, builds: list[Call]) -> list[Call]:
        """A layer's builds, without the runs of its base class' `build` that belong to another.

        They run within it, by `super().build()`, or right after it: Keras 2 runs `Layer.build`
        after each `build`, even after one that is `Layer.build` itself.
        """
        own = [
            call for call in builds if not any(map(self._same_build(call), self.ancestors(call)))
        ]
        if any(call.name != BUILD for call in own):
            return [call for call in own if call.name != BUILD]
        return [
            call
            for before, call in zip([None, *own], own, strict=False)
            if before is None or call.parent is None or call.parent != before.parent
        ]

    @staticmethod
    def _same_build(build: Call) -> Callable[[Call], bool]:
        return lambda outer: outer.landmark == BUILD and outer.layer == build.layer

    def builds_of(self, layer: int) -> list[Call]:
        """Each time that the layer was built by its `build`, in order.

        One run of `build` is one build, whatever it runs of its base class on the way.
        """
        return self._builds.get(layer, [])

    def built_by(self, layer: int) -> list[Call]:
        """The calls that a layer was built by: its builds, or what made it built without one.

        A functional model has no `build` that runs: the call that makes it builds it.
        """
        return self.builds_of(layer) or [
            call
            for call in self.trace.calls
            if call.layer and call.layer.id == layer and call.changes.get("built") == (False, True)
        ]

    def unbuilt(self) -> Iterator[tuple[LayerRef, LayerRef | None]]:
        """The layers that a model has and that are not built, each with its model.

        A model that is itself not built comes with `None`; one that is used through its parts only
        need not be.
        """
        for graph in self.trace.graphs:
            if not graph.built and not unseen_flow(self.trace, graph):
                yield graph.model, None
            nodes = (node for node in graph.nodes if not node.built)
            for layer in dict.fromkeys(node.layer for node in nodes if node.layer is not None):
                yield self.layer_by_id[layer], graph.model

    @cached_property
    def _calls(self) -> dict[int, list[Call]]:
        return _grouped(
            (call.layer.id, call)
            for call in self.trace.calls
            if call.landmark == CALL and call.layer is not None
        )

    def calls_of(self, layer: int) -> list[Call]:
        """Each recorded call of the layer, in order."""
        return self._calls.get(layer, [])

    def runs_since(self, build: Call) -> list[Call]:
        """The recorded runs of a layer's `call` that came to their end after this build of it.

        On symbols Keras 3 asks a layer's `compute_output_shape` instead, if it has one: `call` does
        not run then.
        """
        assert build.layer is not None
        around = {outer.id for outer in self.ancestors(build)}
        return [
            call
            for call in self.calls_of(build.layer.id)
            if (call.id > build.id or call.id in around) and self.is_run(call)
        ]

    def is_run(self, call: Call) -> bool:
        """Whether in a call of a layer its `call` ran, and came to its end."""
        if call.error is not None:
            return False
        inside = {inner.landmark for inner in self.inside(call) if inner.layer == call.layer}
        return INFER not in inside or TRIAL in inside

    def built_later(self, build: Call, layers: Iterable[LayerRef]) -> Call | None:
        """What built the first of these layers after the tree of calls that a build was in."""
        end = self.root(build).id
        later = [call for ref in layers for call in self.built_by(ref.id) if call.id > end]
        return min(later, key=lambda call: call.id, default=None)

    def may_make_weights(self, layer: LayerRef) -> bool:
        """Whether building a layer makes weights, as far as is known of it, or of one of its class.

        What is only half built is not known.
        """
        alike = [ref for ref in self.layer_by_id.values() if ref.class_name == layer.class_name]
        for ref in (layer, *alike):
            state = self.state_of(ref.id)
            if self.built_by(ref.id) and not (state and state.unbuilt):
                return bool(self.weights_within(ref.id))
        return True

    @cached_property
    def _states(self) -> dict[int, list[LayerState]]:
        return _grouped((state.layer.id, state) for state in self.trace.states)

    def states_of(self, layer: int) -> list[LayerState]:
        """What the layer was like after each tree of calls that it took part in, in order."""
        return self._states.get(layer, [])

    def state_of(self, layer: int | None) -> LayerState | None:
        """What the layer was like in the end; `None` if that was not read."""
        states = self.states_of(-1 if layer is None else layer)
        return states[-1] if states else None

    @cached_property
    def _holders(self) -> dict[int, LayerRef]:
        return {child.id: state.layer for state in self.trace.states for child in state.children}

    def holder_of(self, layer: int) -> LayerRef | None:
        """The layer of the user's that holds this one, if it is known."""
        return self._holders.get(layer)

    @cached_property
    def layer_by_id(self) -> dict[int, LayerRef]:
        """Every layer and model that the trace speaks of."""
        layers: dict[int, LayerRef] = {}
        for saved in self.trace.saved.layers if self.trace.saved else ():
            layers[saved.id] = LayerRef(id=saved.id, name=saved.name, class_name=saved.class_name)
        for graph in self.trace.graphs:
            layers[graph.model.id] = graph.model
            for node in graph.nodes:
                if node.layer is not None:
                    layers[node.layer] = LayerRef(
                        id=node.layer, name=node.name, class_name=node.class_name
                    )
        for call in self.trace.calls:
            if call.layer is not None:
                layers[call.layer.id] = call.layer
        return layers

    def layers_called(self, name: str) -> list[LayerRef]:
        """The layers of this name, or else of this class, in order of appearance."""
        layers = self.layer_by_id.values()
        named = [ref for ref in layers if ref.name == name]
        return named or [ref for ref in layers if ref.class_name == name]

    @cached_property
    def graphs_of_models(self) -> list[Graph]:
        """The graphs, without the one of a model that nobody came to make."""
        at_work = {call.layer.id for call in self.trace.calls if call.layer is not None}
        return [g for g in self.trace.graphs if not g.unfinished or g.model.id in at_work]

    @cached_property
    def graph_by_model(self) -> dict[int, Graph]:
        """The graphs, by id of the model or of the layer that calls others."""
        return {graph.model.id: graph for graph in self.trace.graphs}

    @cached_property
    def part_graphs(self) -> dict[int, Graph]:
        """The parts of layers of which no graph is known, as graphs without edges, by layer.

        Keras builds many a layer without running its `call`: what it holds is known then, and not
        how the tensors go.
        """
        last = {state.layer.id: state for state in self.trace.states}
        return {
            layer: graph
            for layer, state in last.items()
            if layer not in self.graph_by_model and (graph := _of_parts(state)).nodes
        }

    @cached_property
    def inside_of_parts(self) -> frozenset[int]:
        """The ids of the layers in layers of a graph whose own graph is not known, at any depth."""
        inside: set[int] = set()
        layers = {node.layer for graph in self.trace.graphs for node in graph.nodes}
        todo = [self.part_graphs[layer] for layer in layers if layer in self.part_graphs]
        while todo:
            held = {node.layer for node in todo.pop().nodes if node.layer is not None} - inside
            inside |= held
            todo += [self.part_graphs[layer] for layer in held if layer in self.part_graphs]
        return frozenset(inside)

    @cached_property
    def nested_models(self) -> frozenset[int]:
        """The ids of the models, and other layers with a graph, that are in another one's graph."""
        return frozenset(
            node.layer
            for graph in self.trace.graphs
            for node in graph.nodes
            if node.layer in self.graph_by_model and node.layer != graph.model.id
        )

    @cached_property
    def outermost_graphs(self) -> list[Graph]:
        """The graphs that are not inside another graph."""
        graphs = self.trace.graphs
        nested = self.nested_models
        return [graph for graph in graphs if graph.model.id not in nested] or list(graphs)

    # -- weights ------------------------------------------------------------------------------

    @cached_property
    def weight_by_id(self) -> dict[int, Weight]:
        """The weights, by id; in a part of a trace that is not their place."""
        return {weight.id: weight for weight in self.trace.weights}

    @cached_property
    def weights_by_call(self) -> dict[int | None, list[Weight]]:
        """The weights, by the id of the call that made them itself."""
        return _grouped((weight.call, weight) for weight in self.trace.weights)

    @cached_property
    def variables_by_call(self) -> dict[int | None, list[Variable]]:
        """The variables that are no weights, by the id of the call that made them itself."""
        return _grouped((variable.call, variable) for variable in self.trace.variables)

    def variables_made_in(self, call: Call) -> list[Variable]:
        """The variables that are no weights and that this call or one inside it made."""
        if not self.trace.variables:
            return []
        calls = (inner.id for _, inner in self.trace.walk(call))
        return [variable for id_ in calls for variable in self.variables_by_call.get(id_, ())]

    @cached_property
    def weights_by_owner(self) -> dict[int | None, list[Weight]]:
        """The weights, by the id of the layer that owns them itself; none that it put aside."""
        return _grouped(
            (weight.layer, weight) for weight in self.trace.weights if not weight.replaced
        )

    def weights_made_in(self, call: Call) -> list[Weight]:
        """The weights that this call or one inside it made."""
        made: list[Weight] = []
        waiting = [call]
        while waiting:
            inner = waiting.pop()
            if inner.id in self._makers:
                made += self.weights_by_call.get(inner.id, ())
                waiting += reversed(self.trace.children(inner))
        return made

    @cached_property
    def _makers(self) -> set[int]:
        """The ids of the calls that made weights, or have a call inside that did: a few of many."""
        makers: set[int] = set()
        for weight in self.trace.weights:
            maker = weight.call
            while maker is not None and maker not in makers and maker in self.call_by_id:
                makers.add(maker)
                maker = self.call_by_id[maker].parent
        return makers

    def is_made_in_build(self, weight: Weight) -> bool:
        """Whether a weight was made by a `build`, not by `__init__`, `call` or somebody else."""
        if weight.call is None:
            return False
        for outer in self.ancestors(self.call_by_id[weight.call]):
            if outer.landmark in (BUILD, CALL):
                return outer.landmark == BUILD
        return False

    @cached_property
    def _weights_within(self) -> dict[int, dict[int, Weight]]:
        """By layer and id, the weights that Keras says a layer has.

        Where it was not asked, they are what the layer owns and what was made while it worked.
        """
        at_work: dict[int | None, frozenset[int]] = {None: frozenset()}
        for call in self.trace.calls:  # parents come before their children
            outer = at_work[call.parent]
            same = call.layer is None or call.layer.id in outer
            at_work[call.id] = outer if same or call.layer is None else outer | {call.layer.id}
        within: dict[int, dict[int, Weight]] = {}
        for weight in self.trace.weights:
            owner = () if weight.layer is None else (weight.layer,)
            for layer in at_work.get(weight.call, frozenset()).union(owner):
                if not weight.replaced:
                    within.setdefault(layer, {})[weight.id] = weight
        by_id = self.weight_by_id
        for graph in self.trace.graphs:
            for told in graph.layer_weights:
                within[told.layer] = {id_: by_id[id_] for id_ in told.weights if id_ in by_id}
        for model, graph in self.graph_by_model.items():
            # A part of a trace may have the graph, and not all of its weights.
            if reported := {id_: by_id[id_] for id_ in graph.weights if id_ in by_id}:
                within[model] = reported
        for model, graph in self.graph_by_model.items():
            if not graph.weights:
                for layer in self._layers_inside(graph):
                    within.setdefault(model, {}).update(within.get(layer, {}))
        return within

    def _layers_inside(self, graph: Graph) -> set[int]:
        """The layers of a model, and of the models in it."""
        inside: set[int] = set()
        graphs = [graph]
        while graphs:
            layers = {node.layer for node in graphs.pop().nodes if node.layer is not None} - inside
            inside |= layers
            graphs += [self.graph_by_model[id_] for id_ in layers if id_ in self.graph_by_model]
        return inside

    def weights_within(self, layer: int | None) -> list[Weight]:
        """The weights that a layer has, those of the layers in it included, each once.

        A wrapper or a recurrent layer owns few weights itself: the layers in it do. A model has
        those that Keras says it has; one that Keras could not ask, those of its layers.
        """
        return list(self._weights_within.get(-1 if layer is None else layer, {}).values())

    @cached_property
    def reported_weights(self) -> dict[int, frozenset[int]]:
        """Ids of the weights that a layer and all layers in it have, as Keras reports them.

        There are those of layers whose weights could be read: not of one that calls no other, nor
        in Keras 2 of one with a model inside that has no weights as yet (`weights` raises then).
        """
        weights = {}
        for owner, graph in self.graph_by_model.items():
            if graph.weights or not self._holds_unbuilt(graph):
                weights[owner] = frozenset(graph.weights)
        return weights

    def _holds_unbuilt(self, graph: Graph) -> bool:
        """Whether there may be a model in this one that has no weights as yet."""
        state = self.state_of(graph.model.id)
        inner = [self.state_of(child.id) for child in state.children] if state else []
        if any(child is not None and child.unbuilt for child in inner):
            return True
        return any(node.kind == "model" and not node.built for node in graph.nodes)

    # -- exceptions --------------------------------------------------------------------------

    @cached_property
    def failing_ids(self) -> frozenset[int]:
        """The ids of the calls that the run's error came out of."""
        return frozenset(call.id for call in self.failing)

    @cached_property
    def failing(self) -> list[Call]:
        """The calls that the run's error came out of, outermost first; empty if it went well."""
        innermost = self.trace.failed
        return [] if innermost is None else [*list(self.ancestors(innermost))[::-1], innermost]

    @cached_property
    def raised(self) -> list[Raised]:
        """Each exception of the run that the script did not catch, with its calls."""
        return list(all_raised(self.trace))

    @cached_property
    def failures(self) -> list[Raised]:
        """Each exception that did harm: that which ended the run, and what was caught on its way.

        None of a run that went well: what was caught there, by the user or by Keras, was foreseen.
        """
        if self.trace.error is None or not self.failing or was_swallowed(self.trace):
            return []
        error = self.failing[-1].error or self.trace.error
        last = Raised(error, tuple(self.failing), reported=self.trace.error.message)
        return [last, *filter(self._did_harm, self.raised)]

    @cached_property
    def unhandled(self) -> list[Raised]:
        """These failures; if there are none, what ended the run outside of all calls."""
        if self.failures or self.trace.error is None:
            return self.failures
        return [raised for raised in self.raised if not raised.calls]

    def _did_harm(self, raised: Raised) -> bool:
        """Whether what was caught was caught in the tree of calls that failed in the end."""
        outermost = raised.calls[0] if raised.calls else None
        if outermost is None or outermost.error is None or not outermost.error.swallowed:
            return False
        is_near = self.root(outermost) is self.root(self.failing[0])
        return is_near and not self.came_to_nothing(outermost)

    def came_to_nothing(self, outermost: Call) -> bool:
        """Whether what failed on symbols, where it was caught, then went well on data.

        Keras 3 runs the `call` of a layer without a `build` on symbols first, to have what is in it
        built. Code that runs on data only is fine if nobody wants more of it.
        """
        for outer in self.ancestors(outermost):
            if outer.landmark == CALL and outer.layer == outermost.layer:
                return outer.error is None
        return False

    # -- source code --------------------------------------------------------------------------

    @cached_property
    def source_code(self) -> SourceCode:
        """The source code of the trace: whoever shows a line of it asks here."""
        from buildtrace.traces.source_code import SourceCode  # many views show none

        return SourceCode(self.trace)

    @cached_property
    def calls_by_function(self) -> dict[tuple[str, int, str], list[Call]]:
        """The calls, by file, line and name of the function that ran, as they first ran."""
        return _grouped(((call.file, call.line, call.name), call) for call in self.trace.calls)

    @cached_property
    def user_lines(self) -> dict[str, list[int]]:
        """The user's lines that the trace speaks of, by file, each once."""
        trace = self.trace
        callers = [call.caller for call in trace.calls]
        callers += [use.caller for use in trace.uses]
        callers += [finding.caller for finding in trace.findings]
        edits = [edit for finding in trace.findings for edit in finding.edits]
        callers += [SourceLine(file=edit.file, line=edit.line) for edit in edits]
        lines = [caller for caller in callers if caller is not None]
        lines += [line for error in self._errors() for line in error.lines]
        return _by_file(lines)

    @cached_property
    def library_lines(self) -> dict[str, list[int]]:
        """The lines of libraries that raised something, by file, each once."""
        return _by_file(error.raised_at for error in self._errors() if error.raised_at)

    def _errors(self) -> list[ErrorInfo]:
        """What is known of each exception wherever it was seen."""
        trace = self.trace
        seen = [*(call.error for call in trace.calls), *(use.error for use in trace.uses)]
        return [error for error in (*seen, trace.error) if error is not None]

    @cached_property
    def user_files(self) -> list[str]:
        """The user's files that the trace speaks of: of those lines, and of the user's classes."""
        classes = [state.file for state in self.trace.states]
        classes += [method.file for state in self.trace.states for method in state.methods]
        return list(dict.fromkeys([*self.user_lines, *filter(None, classes)]))

    # -- uses ---------------------------------------------------------------------------------

    def uses_by(self, *names: str) -> list[Use]:
        """The uses of models by these functions, in order."""
        return [use for use in self.trace.uses if use.name in names]


def _of_parts(state: LayerState) -> Graph:
    """A graph of the layers that a layer holds, without edges."""
    children = [child for child in state.children if child.id not in state.replaced]
    return Graph(
        model=state.layer,
        source="flow",
        built=state.built,
        nodes=tuple(
            Node(
                id=number,
                layer=child.id,
                name=child.name,
                class_name=child.class_name,
                depth=0,
                built=child.id not in state.unbuilt,
            )
            for number, child in enumerate(children)
        ),
    )


def is_users(call: Call) -> bool:
    """Whether the function that ran is one of the user's, not of Keras."""
    return call.module.split(".")[0] not in ("keras", "tf_keras", "tensorflow")


def _by_file(lines: Iterable[SourceLine]) -> dict[str, list[int]]:
    """The numbers of lines, each once."""
    return _grouped((line.file, line.line) for line in dict.fromkeys(lines))


def _grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """The values of each key, in order."""
    groups: dict[Key, list[Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
