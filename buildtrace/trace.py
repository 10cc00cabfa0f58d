"""The trace: what one run recorded, as plain frozen data, and the queries on it.

Nothing here knows Keras. A trace holds names, shapes and numbers, never a layer, a tensor
or a weight, so it outlives the model and can be read on a machine without Keras. The JSON
form of these classes is the trace file (see `buildtrace.serialize`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from buildtrace.lazy import cached_property

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison import Difference

Shape = tuple[int | None, ...]
"""Sizes of a tensor's axes; `None` where Keras does not know the size."""

Step = Literal["input", "connect", "build", "weight", "graph"]
"""What a landmark does for the build, in the words of the article's three steps."""

Severity = Literal["error", "warning", "note"]
"""How bad a finding is: the program fails or computes something else than it says; something will
go wrong later; good to know."""


class _Plain(msgspec.Struct, frozen=True, gc=False):
    """Base of the plain data: immutable, compared by value."""


class TensorSpec(_Plain, frozen=True, kw_only=True):
    """What is known of a tensor without its values.

    Attributes:
        shape: sizes of the axes, `None` for an unknown size; `None` for an unknown rank.
        dtype: such as "float32"; `None` where only a shape was passed (`build`).
    """

    shape: Shape | None
    dtype: str | None = None


class LayerRef(_Plain, frozen=True, kw_only=True):
    """Names a layer. `id` numbers layers by identity: two layers of one name differ in it."""

    id: int
    name: str
    class_name: str = msgspec.field(name="class")


class SourceLine(_Plain, frozen=True, kw_only=True):
    """A line of the user's own code."""

    file: str
    line: int


class ErrorInfo(_Plain, frozen=True, kw_only=True):
    """An exception: its type's name, its text, and whether somebody caught it.

    Attributes:
        swallowed: true if the exception left this call but not the call's parent.
        lines: the user's own lines that it came through, the one that raised it (or called what
            did) first.
    """

    type: str
    message: str
    swallowed: bool = False
    lines: tuple[SourceLine, ...] = ()


class Folded(_Plain, frozen=True, kw_only=True):
    """What a transform hid below or beside a call.

    Attributes:
        reason: "repeat" (alike siblings follow), "recursion" or "depth".
        repeats: how many siblings, this one included, this call stands for.
        calls: how many calls are hidden.
    """

    reason: Literal["repeat", "recursion", "depth"]
    repeats: int = 1
    calls: int = 0


class Call(_Plain, frozen=True, kw_only=True):
    """One execution of a landmark.

    Attributes:
        id: position in the order of start.
        parent: id of the nearest landmark call that was open in the same thread at the start.
        name: qualified name of the function that ran, such as "Dense.build".
        module: module that defines that function.
        file: that module's file, or "" if it has none.
        line: line of the definition in `file`, from 1; 0 if unknown.
        landmark: name of the row in `Trace.landmarks` that this call belongs to.
        step: that row's step.
        generation: "keras2" or "keras3".
        thread: number of the thread, 0 for the first that recorded anything.
        layer: the layer or model at work, if there is one.
        inputs: tensors, or shapes, that went in.
        outputs: tensors that came out.
        changes: state that differs after the call: attribute → (before, after).
        caller: the user's own line that led here, nearest first.
        at: line of the parent's `file` that was running in the parent's function when this call
            began; `None` if that is not known.
        mask_dropped: true if a layer was called on a tensor with a mask, and what came out has
            none, because the layer does not support masking.
        foreign: classes of arguments that belong to another Keras, such as
            "tf_keras.src.layers.core.dense.Dense": of symbolic tensors that a layer was called on,
            and of anything that was given to a call that failed.
        start_ns: nanoseconds since the trace began.
        duration_ns: nanoseconds from start to end, calls inside it included.
        error: the exception that ended the call, if one did.
        folded: what a transform hid here; never set by capture.
    """

    id: int
    parent: int | None
    name: str
    module: str
    file: str
    line: int
    landmark: str
    step: Step
    generation: str
    thread: int
    layer: LayerRef | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    changes: dict[str, tuple[bool, bool]] = {}
    caller: SourceLine | None = None
    at: int | None = None
    mask_dropped: bool = False
    foreign: tuple[str, ...] = ()
    start_ns: int
    duration_ns: int
    error: ErrorInfo | None = None
    folded: Folded | None = None


class Weight(_Plain, frozen=True, kw_only=True):
    """A variable that a layer made.

    Attributes:
        id: position in the order of making.
        call: id of the call that made it (`Layer.add_weight`); `None` if no landmark saw it made.
        layer: id of the layer that owns it.
        name: the name that the layer gave, such as "kernel".
        path: Keras' full name, such as "sequential/dense/kernel".
        initializer: class name of the initializer, or `None` if not known.
        placement: device or sharding layout, if Keras has set one.
    """

    id: int
    call: int | None
    layer: int | None
    name: str
    path: str
    shape: Shape
    dtype: str
    trainable: bool
    initializer: str | None = None
    regularizer: str | None = None
    constraint: str | None = None
    placement: str | None = None

    @property
    def parameters(self) -> int:
        """Number of scalars in it."""
        return math.prod(size or 0 for size in self.shape)


class Weights(tuple[Weight, ...]):
    """The weights of a trace: a tuple that a notebook shows as a table.

    Attributes:
        trace: whose weights these are.
    """

    trace: Trace

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from buildtrace.renderers import notebook  # as in `Trace.save`

        return notebook.of_weights(self.trace)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        # IPython prints what is a tuple as a tuple, unless it is told otherwise in this way.
        printer.text(self._repr_mimebundle_()["text/plain"])


class Node(_Plain, frozen=True, kw_only=True):
    """One call of a layer (or of an operation without a layer) in a model's topology.

    Attributes:
        id: position in the graph's list of nodes.
        layer: id of the layer; `None` for an operation without a layer.
        depth: Keras' depth: 0 at the outputs, growing towards the inputs.
        index: which call of the layer this is, from 0, for a shared layer.
        built: whether the layer is built.
        kind: "input", "layer", "model" (it has a graph of its own) or "operation".
    """

    id: int
    layer: int | None
    name: str
    class_name: str = msgspec.field(name="class")
    depth: int
    index: int = 0
    built: bool = True
    kind: Literal["input", "layer", "model", "operation"] = "layer"
    outputs: tuple[TensorSpec, ...] = ()


class Edge(_Plain, frozen=True, kw_only=True):
    """A tensor that goes from one node to another."""

    source: int
    target: int
    tensor: TensorSpec


class Graph(_Plain, frozen=True, kw_only=True, dict=True, gc=True):
    """A model's topology of layers. A notebook shows it as a picture.

    Attributes:
        model: the model.
        source: "keras" if Keras keeps this graph itself (sequential, functional), "flow" if it
            was put together from the tensors that went between the layers (subclassed).
        built: whether the model is built.
        inputs: ids of the input nodes, in the model's order.
        outputs: ids of the nodes that the model's outputs come from, in the model's order. Of a
            "flow" that was run on symbols only, they are the nodes that no other layer uses:
            Keras does not hand on what `call` returned there.
        weights: ids of the model's weights in the order of `model.weights`.
        missing: ids of the input nodes that the outputs need and the model's inputs do not have:
            of a model that could not be made.
    """

    model: LayerRef
    source: Literal["keras", "flow"] = "keras"
    built: bool
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    def _of(self, trace: Trace) -> Graph:
        """This graph, which from now on knows the trace that it was asked of.

        A picture needs more than the graph has: sizes of weights, and graphs of nested models.
        """
        self.__dict__["trace"] = trace  # no field: it is not part of the data
        return self

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from buildtrace.renderers import notebook  # as in `Trace.save`

        return notebook.of_graph(self, self.__dict__.get("trace") or Trace(graphs=(self,)))


class Method(_Plain, frozen=True, kw_only=True):
    """A method that the class of a layer defines itself, not Keras.

    Attributes:
        name: "build", "call", "compute_output_shape", ...
        file: where it is defined.
        line: line of the definition, from 1.
        arguments: names of its arguments, self left out; "*args" and "**kwargs" with their stars.
        required: how many of them have no default.
    """

    name: str
    file: str
    line: int
    arguments: tuple[str, ...] = ()
    required: int = 0


class Expected(_Plain, frozen=True, kw_only=True):
    """What a layer wants of one of its inputs: Keras' `InputSpec`.

    Attributes:
        shape: the whole shape, if it wants one.
        ndim: number of axes.
        min_ndim: least number of axes.
        max_ndim: greatest number of axes.
        axes: axis → size.
    """

    shape: Shape | None = None
    ndim: int | None = None
    min_ndim: int | None = None
    max_ndim: int | None = None
    axes: dict[int, int] = {}


class LayerState(_Plain, frozen=True, kw_only=True):
    """What a layer was like when a tree of calls that it took part in was over.

    There are those of layers whose class is not Keras' own, subclassed models included, and of
    layers whose call failed.

    Attributes:
        layer: the layer.
        after: id of the tree's root, the call after which this was read.
        built: whether it was built.
        children: the layers that it holds itself, and has Keras know of.
        unbuilt: ids of those children that were not built and would make something if they were:
            they have a `build` or children of their own.
        replaced: ids of those children that no attribute of the layer leads to any more: something
            else was put in their place, and Keras 3 does not forget them.
        supports_masking: whether it passes on a mask.
        file: where its class is defined; "" if it is Keras' own or not known.
        line: line of the class, from 1.
        methods: those of Keras' methods that its class, or a base that is not Keras', defines.
        expects: what it wants of its inputs, one for each; empty if it takes anything.
    """

    layer: LayerRef
    after: int
    built: bool
    children: tuple[LayerRef, ...] = ()
    unbuilt: tuple[int, ...] = ()
    replaced: tuple[int, ...] = ()
    supports_masking: bool = False
    file: str = ""
    line: int = 0
    methods: tuple[Method, ...] = ()
    expects: tuple[Expected, ...] = ()

    def method(self, name: str) -> Method | None:
        """The method of this name, if the layer's class defines one."""
        return next((method for method in self.methods if method.name == name), None)


class Use(_Plain, frozen=True, kw_only=True):
    """Something that was asked of a model or with it, and that wants it built.

    Attributes:
        name: qualified name of Keras' function: "Model.summary", "Model.load_weights", ...
        generation: "keras2" or "keras3".
        before: how many calls had begun by then: ids below this came earlier.
        model: the model; `None` for a function that gets none, such as `load_model`.
        built: whether the model was built at that moment.
        weights: how many weights it had.
        unbuilt: the layers in it, at any depth, that were not built and would make something if
            they were.
        optimizer: what `Model.compile` was given; its `id` numbers optimizers by identity.
        caller: the user's line.
        error: the exception that ended it, if one did.
    """

    name: str
    generation: str
    before: int
    model: LayerRef | None = None
    built: bool = True
    weights: int = 0
    unbuilt: tuple[LayerRef, ...] = ()
    optimizer: LayerRef | None = None
    caller: SourceLine | None = None
    error: ErrorInfo | None = None


class Finding(_Plain, frozen=True, kw_only=True):
    """What a diagnosis rule says.

    Attributes:
        code: the rule's, such as "BT101".
        title: the rule's, in a few words.
        severity: how bad it is.
        message: one sentence on what happened, with the real names and shapes.
        why: why Keras behaves so.
        fix: the remedy, as code.
        calls: ids of the calls that prove it.
        layer: id of the layer that it is about.
        caller: the user's line to look at first.
    """

    code: str
    title: str = ""
    severity: Severity = "warning"
    message: str
    why: str
    fix: str
    calls: tuple[int, ...] = ()
    layer: int | None = None
    caller: SourceLine | None = None


class LandmarkInfo(_Plain, frozen=True, kw_only=True):
    """A row of a landmark table, as far as a reader of a trace needs it.

    Attributes:
        name: as in the table, such as "Layer.__call__" or "Layer.build".
        summary: one sentence for the learner on what the landmark does and why.
        article: what the article of 2023 says of it, where this generation differs from that.
        role: what it does for the build, in words that both generations share: landmarks of one
            role are each other's counterparts. Files of before there were roles have none.
        unpaired: why the other generation does without it, if it always or often does.
    """

    name: str
    generation: str
    step: Step
    summary: str
    article: str | None = None
    role: str = ""
    unpaired: str | None = None


class KerasInfo(_Plain, frozen=True, kw_only=True):
    """A Keras that took part.

    Attributes:
        missing: landmarks of the table that this version does not have.
    """

    generation: str
    package: str
    version: str
    missing: tuple[str, ...] = ()


class Environment(_Plain, frozen=True, kw_only=True):
    """Where a trace was made; `None` for what was not imported."""

    buildtrace: str = ""
    python: str = ""
    platform: str = ""
    tensorflow: str | None = None
    backend: str | None = None
    keras: tuple[KerasInfo, ...] = ()


class Trace(msgspec.Struct, kw_only=True, dict=True, eq=True):
    """What one run recorded.

    A trace is filled once, when its recording stops; until then it is empty.

    Attributes:
        environment: versions and platform of the run.
        calls: in order of start; a call's `id` is its place here.
        weights: in order of making.
        graphs: one for each model that was built, in order of first building.
        landmarks: the table rows that the calls belong to.
        states: of layers of the user's, in order of reading.
        uses: of models, in order of start.
        findings: what the diagnosis says.
        error: the exception that ended the run, if one did.
    """

    environment: Environment = Environment()
    calls: tuple[Call, ...] = ()
    weights: tuple[Weight, ...] = ()
    graphs: tuple[Graph, ...] = ()
    landmarks: tuple[LandmarkInfo, ...] = ()
    states: tuple[LayerState, ...] = ()
    uses: tuple[Use, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: ErrorInfo | None = None

    def __post_init__(self) -> None:
        self.weights = self.weights

    def __setattr__(self, name: str, value: Any) -> None:
        """Weights know their trace, however they come into it; what was looked up is outdated."""
        vars(self).clear()
        if name == "weights":
            value = Weights(value)
            value.trace = self
        msgspec.Struct.__setattr__(self, name, value)

    # -- the tree of calls ------------------------------------------------------------------

    @cached_property
    def _children(self) -> dict[int | None, list[Call]]:
        children: dict[int | None, list[Call]] = {}
        for call in self.calls:
            children.setdefault(call.parent, []).append(call)
        return children

    @cached_property
    def _by_id(self) -> dict[int, Call]:
        return {call.id: call for call in self.calls}

    @property
    def roots(self) -> list[Call]:
        """The calls without a parent, in order of start."""
        return self._children.get(None, [])

    def call(self, id: int) -> Call:  # noqa: A002 - the word of the trace file
        """The call of this id; a KeyError if there is none."""
        return self._by_id[id]

    def children(self, call: Call) -> list[Call]:
        """The calls directly inside `call`, in order of start."""
        return self._children.get(call.id, [])

    def ancestors(self, call: Call) -> list[Call]:
        """The calls that `call` is inside of, nearest first."""
        found = []
        parent = call.parent
        while parent is not None:
            found.append(self._by_id[parent])
            parent = found[-1].parent
        return found

    def walk(self, call: Call | None = None) -> Iterator[tuple[int, Call]]:
        """Depth first, in order of start: (depth, call) of `call` and all inside it, or of all."""
        stack = [(0, c) for c in reversed(self.roots if call is None else [call])]
        while stack:
            depth, current = stack.pop()
            yield depth, current
            stack.extend((depth + 1, c) for c in reversed(self.children(current)))

    def find(self, name: str) -> list[Call]:
        """The calls of a qualified name, such as "Dense.build", in order of start."""
        return [call for call in self.calls if call.name == name]

    @property
    def failed(self) -> Call | None:
        """The innermost call that the run's error came out of; `None` if the run went well."""
        ended = None
        for call in self.roots:
            if call.error is not None and not call.error.swallowed:
                ended = self.raised_through(call)[-1]
        return ended

    def raised_through(self, call: Call) -> tuple[Call, ...]:
        """The calls that the exception which ended `call` came through: itself, innermost last."""
        chain = [call]
        while inner := [c for c in self.children(chain[-1]) if c.error and not c.error.swallowed]:
            chain.append(inner[-1])
        return tuple(chain)

    # -- weights, layers and models ---------------------------------------------------------

    @property
    def parameters(self) -> int:
        """Number of scalars in all weights."""
        return sum(weight.parameters for weight in self.weights)

    @cached_property
    def _weights_by_call(self) -> dict[int | None, list[Weight]]:
        weights: dict[int | None, list[Weight]] = {}
        for weight in self.weights:
            weights.setdefault(weight.call, []).append(weight)
        return weights

    def weights_made_by(self, call: Call) -> list[Weight]:
        """The weights that `call` itself made, not those of calls inside it."""
        return self._weights_by_call.get(call.id, [])

    def weights_of(self, layer: int) -> list[Weight]:
        """The weights that the layer of this id owns itself."""
        return [weight for weight in self.weights if weight.layer == layer]

    @cached_property
    def layers(self) -> dict[int, LayerRef]:
        """Every layer and model that the trace speaks of, by id."""
        found: dict[int, LayerRef] = {}
        for graph in self.graphs:
            found[graph.model.id] = graph.model
            for node in graph.nodes:
                if node.layer is not None:
                    found[node.layer] = LayerRef(
                        id=node.layer, name=node.name, class_name=node.class_name
                    )
        for call in self.calls:
            if call.layer is not None:
                found[call.layer.id] = call.layer
        return found

    def graph(self, model: str) -> Graph:
        """The graph of the last model of this name; a KeyError if there is none."""
        for graph in reversed(self.graphs):
            if graph.model.name == model:
                return graph._of(self)
        raise KeyError(model)

    def graph_of(self, layer: int | None) -> Graph | None:
        """The graph of the model whose layer id this is, if there is one."""
        return next((g._of(self) for g in self.graphs if g.model.id == layer), None)

    def landmark(self, call: Call) -> LandmarkInfo | None:
        """The table row that `call` belongs to."""
        return self._landmarks.get((call.generation, call.landmark))

    @cached_property
    def _landmarks(self) -> dict[tuple[str, str], LandmarkInfo]:
        return {(row.generation, row.name): row for row in self.landmarks}

    # -- output -----------------------------------------------------------------------------

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002 - the option's name
    ) -> None:
        """Write the trace to `path`, in the format that its suffix names.

        Args:
            path: where to write.
            format: name of a format that a suffix cannot tell, such as "chrome".

        Raises:
            UsageError: nobody writes that suffix, or there is no such format.
            RenderError: the output could not be made.
            OSError: the file could not be written.
        """
        from buildtrace import renderers  # the one look upwards: saving is a renderer's work

        renderers.save(self, path, format)

    def diff(
        self, other: Trace, *, only: Sequence[str] = (), times: bool = False, names: bool = True
    ) -> Difference:
        """How the build in `other` differs from this one.

        Args:
            other: the build after.
            only: what to compare and to decide by, such as "weights" and "graph"; by default all.
            times: whether to compare times as well.
            names: whether the names that users gave count.

        Raises:
            UsageError: there is nothing of that name to compare.
        """
        from buildtrace.comparison import compare  # as in `save`

        return compare(self, other, only=only, times=times, names=names)

    def __str__(self) -> str:
        from buildtrace import renderers  # as in `save`

        return renderers.to_text(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from buildtrace.renderers import notebook  # as in `save`

        return notebook.of_trace(self)
