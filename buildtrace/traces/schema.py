"""What a trace holds, as plain frozen data.

Nothing here knows Keras. A trace holds names, shapes and numbers, never a layer, a tensor
or a weight, so it outlives the model and can be read on a machine without Keras. The JSON
form of these classes is the trace file (see `buildtrace.traces.trace_file`).

The types of the fields say what is checked when a file is read: which numbers a field may have, and
which list it refers to (see `buildtrace.traces.soundness`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace

# -- numbers ----------------------------------------------------------------------------------

LARGEST = 2**63 - 1
"""No number in a trace is larger, nor is the sum of all parameters: JSON is read with 64 bits."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""How many there are of something, a line of a file, or a number that tells things apart."""

Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=LARGEST // 2)]
"""A time since the trace began, or how long something took: the sum of both is no larger either."""

ByteCount = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
"""How many bytes something takes."""

Size = Annotated[int, msgspec.Meta(ge=-(2**31), le=LARGEST)]
"""Of an axis. Users may give a negative one."""

Axis = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""The number of an axis; a negative one counts from the last."""


def _refers_to(things: str, **more: bool) -> msgspec.Meta:
    """Marks numbers that are ids of what is in the list of this name, in a struct around them."""
    comment = f"the id of one of the {things}{', an earlier one' if more.get('earlier') else ''}"
    return msgspec.Meta(
        ge=0,
        le=2**31 - 1,
        extra={"refers_to": things, **more},
        extra_json_schema={"$comment": comment},
    )


CallId = Annotated[int, _refers_to("calls")]
"""Id of a call of the trace."""

OuterCallId = Annotated[int, _refers_to("calls", earlier=True)]
"""Id of a call of the trace that comes before the one that has this field."""

WeightId = Annotated[int, _refers_to("weights")]
"""Id of a weight of the trace."""

HolderId = Annotated[int, _refers_to("holders")]
"""Id of an optimizer or a metric of the trace."""

DistributionId = Annotated[int, _refers_to("distributions")]
"""Id of a distribution of the trace."""

NodeId = Annotated[int, _refers_to("nodes")]
"""Id of a node of the same graph."""

OuterLayerId = Annotated[int, _refers_to("layers", earlier=True)]
"""Id of a layer of the saved file that comes before the one that has this field."""

ChildId = Annotated[int, _refers_to("children")]
"""Id of a layer that is among the `children`."""

Place = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=2**31 - 1,
        extra={"is_place": True},
        extra_json_schema={"$comment": "its place in its list, from 0"},
    ),
]
"""Id of what has this field: its place in its list, from 0."""

# -- words ------------------------------------------------------------------------------------

Shape = tuple[Size | None, ...]
"""Sizes of a tensor's axes; `None` where Keras does not know the size."""

Step = Literal["input", "connect", "build", "weight", "graph", "compile", "load"]
"""What a landmark does: the first five for the build, in the words of the article's three steps;
`compile` for what a model needs besides to be trained: the loss, the metrics and the optimizer;
`load` for what a saved file gives: what to build, and the weights' values."""

GenerationName = Literal["keras2", "keras3"]
"""Of Keras: 2 is tf.keras up to TensorFlow 2.15, and tf_keras."""

Severity = Literal["error", "warning", "note"]
"""How bad a finding is: the program fails or computes something else than it says; something will
go wrong later; good to know."""

TrialOutcome = Literal["goes through", "fails further on", "does not help", "not tried"]
"""What came of trying a remedy."""

FileFormat = Literal[
    "", "keras", "zip", "broken zip", "hdf5", "older hdf5", "newer hdf5", "empty", "other"
]
"""What a file is by its content: an archive of Keras, some other archive, one that is cut off;
HDF5, of the older kind that lists the names of layers, or of the newer one that does not; nothing
of that; "" if nobody looked."""


class PlainData(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Base of the plain data: immutable, compared by value; a file leaves out what is as usual.

    But not in classes where some word is usual: msgspec knows that by identity, not by value.
    """


class TensorSpec(PlainData, frozen=True, kw_only=True):
    """What is known of a tensor without its values.

    Attributes:
        shape: sizes of the axes, `None` for an unknown size; `None` for an unknown rank.
        dtype: such as "float32"; `None` where only a shape was passed (`build`).
    """

    shape: Shape | None
    dtype: str | None = None


class LayerRef(PlainData, frozen=True, kw_only=True):
    """Names a layer. `id` numbers layers by identity: two layers of one name differ in it."""

    id: Count
    name: str
    class_name: str = msgspec.field(name="class")


class SourceLine(PlainData, frozen=True, kw_only=True):
    """A line of source code: of the user's own, where nothing else is said."""

    file: str
    line: Count


class Excerpt(PlainData, frozen=True, kw_only=True):
    """Consecutive lines of a source file.

    Attributes:
        line: number of the first, from 1.
        text: the lines, with a line feed between two.
    """

    line: Count
    text: str


class SourceFile(PlainData, frozen=True, kw_only=True):
    """What a trace carries of a file of source code, so that it can be shown elsewhere.

    Attributes:
        file: the file's name, as calls and lines have it.
        functions: those of the file that ran, each whole.
        excerpts: the lines around those that the trace speaks of: of the user's, and of those that
            raised an exception.
        inside: such a line → the function that it is in, as in "Net.call".
        ignored: line → the codes of findings that a comment in its statement ignores; "" stands
            for all codes.
    """

    file: str
    functions: tuple[Excerpt, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    inside: dict[Count, str] = {}
    ignored: dict[Count, tuple[str, ...]] = {}


class ComparedValues(PlainData, frozen=True, kw_only=True):
    """What the line that raised an exception compared, or what was given to what failed in it.

    Attributes:
        expression: as it stands in the source: "input_shape[-1] != self.input_dim".
        values: the same with the values of its names: "400 != 784".
        is_condition: whether the exception was raised because this is true; otherwise this is
            the operation or the call that failed.
    """

    expression: str
    values: str
    is_condition: bool = True


class ErrorInfo(PlainData, frozen=True, kw_only=True):
    """An exception: its type's name, its text, and whether somebody caught it.

    Attributes:
        swallowed: true if the exception left this call but not the call's parent.
        lines: the user's own lines that it came through, the one that raised it (or called what
            did) first.
        raised_at: the line of Keras, or of another library of layers, that raised it (or called
            what did); `None` if that was one of the user's, or is not known.
        compared: what that line compared, or else the user's line that raised it; `None` if that is
            not known, or had no value that can be shown.
        instead_of: of the exception that ended the run, those that it was raised in the place of,
            the nearest first: each with its type and text, as in "KeyError: 'x'".
    """

    type: str
    message: str
    swallowed: bool = False
    lines: tuple[SourceLine, ...] = ()
    raised_at: SourceLine | None = None
    compared: ComparedValues | None = None
    instead_of: tuple[str, ...] = ()

    @property
    def place(self) -> SourceLine | None:
        """The first of `lines`; `None` if there are none."""
        return self.lines[0] if self.lines else None


class AskedWeight(PlainData, frozen=True, kw_only=True):
    """A weight that a layer asked for and did not get.

    Attributes:
        name: the name that it was to have; "" for none.
        shape: `None` if that is not known.
        dtype: such as "float32"; `None` if that is not known.
    """

    name: str = ""
    shape: Shape | None = None
    dtype: str | None = None


class Folded(PlainData, frozen=True, kw_only=True):
    """What a transform hid below or beside a call.

    Attributes:
        reason: "repeat" (alike siblings follow), "recursion" or "depth".
        repeats: how many siblings, this one included, this call stands for.
        calls: how many calls are hidden.
    """

    reason: Literal["repeat", "recursion", "depth"]
    repeats: Count = 1
    calls: Count = 0


class LossPart(PlainData, frozen=True, kw_only=True):
    """One loss that was computed: which of a model's outputs meets which target in it.

    Attributes:
        output: name of the model's output; "" if the model has not named it.
        activation: name of the activation that the output ends with; "" if it has none that Keras
            knows of, or is not of a graph of layers.
        predicted: what the model gave; `None` if that is not one tensor.
        target: what it is compared with; `None` if that is not one tensor.
        sample_weight: how much each sample counts; `None` if all count alike.
        name: of the loss.
        class_name: of the loss.
        function: the function that the loss runs; "" if it is a class with a `call` of its own.
        from_logits: whether it takes logits, not probabilities; `None` if it has no such option.
        bounds: the smallest and the largest number among the targets of the first batch, if they
            were NumPy's and whole numbers. Only a dry fit looks at data, and only for losses that
            take no number beyond some others.
        paired: shapes of the target and the output, if a loss of the user's own paired their
            numbers though one of them has an axis more; known of TensorFlow's graphs only.
    """

    output: str = ""
    activation: str = ""
    predicted: TensorSpec | None = None
    target: TensorSpec | None = None
    sample_weight: TensorSpec | None = None
    name: str
    class_name: str = msgspec.field(name="class")
    function: str = ""
    from_logits: bool | None = None
    bounds: tuple[Size, Size] | None = None
    paired: tuple[Shape, Shape] | None = None


class Structure(PlainData, frozen=True, kw_only=True):
    """How something was given that a model has for each of its outputs.

    Attributes:
        form: "nothing"; "one" thing; several by their order in a "list" (or a tuple), or by name
            in a "dict"; "nested" if some of them are again several.
        names: the keys of a "dict", in its order.
        count: how many things there are.
        none: the places of those that are `None`, from 0.
    """

    form: Literal["nothing", "one", "list", "dict", "nested"]
    names: tuple[str, ...] = ()
    count: Count = 0
    none: tuple[Count, ...] = ()


class LossStructures(PlainData, frozen=True, kw_only=True):
    """How all that was given which the losses of a model are computed of.

    Attributes:
        names: those of the model's outputs, in order; empty if they have none. Of outputs in a
            dict they are the keys, sorted as Keras does it.
        outputs: what the model gave.
        targets: what that is compared with.
        losses: the argument `loss` of `compile`.
        loss_weights: the argument of that name.
        sample_weights: how much each sample counts.
    """

    names: tuple[str, ...] = ()
    outputs: Structure
    targets: Structure
    losses: Structure
    loss_weights: Structure
    sample_weights: Structure


class MetricPart(PlainData, frozen=True, kw_only=True):
    """One metric that a model has for one of its outputs.

    Attributes:
        output: name of the model's output; "" if the model has not named it.
        name: of the metric, as the logs have it.
        class_name: of the metric.
        function: the function that the metric runs; "" if its class does all by itself.
        from_logits: whether it takes logits, not probabilities; `None` if it has no such option.
        thresholds: the numbers that it compares the output with, if its class is Keras' own.
    """

    output: str = ""
    name: str
    class_name: str = msgspec.field(name="class")
    function: str = ""
    from_logits: bool | None = None
    thresholds: tuple[float, ...] = ()


class ModelMetrics(PlainData, frozen=True, kw_only=True):
    """The metrics of a model: how they were given, and what was made of that.

    Attributes:
        names: those of the model's outputs, as in `LossStructures`.
        outputs: what the model gave.
        metrics: the argument of that name of `compile`.
        weighted_metrics: as well.
        parts: what was made of both; empty if that failed.
    """

    names: tuple[str, ...] = ()
    outputs: Structure
    metrics: Structure
    weighted_metrics: Structure
    parts: tuple[MetricPart, ...] = ()


class Method(PlainData, frozen=True, kw_only=True):
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
    line: Count
    arguments: tuple[str, ...] = ()
    required: Count = 0


class ReadConfig(PlainData, frozen=True, kw_only=True):
    """What a saved file says of a layer of the user's, and the class that is to take it.

    Attributes:
        class_name: of the class.
        file: where the class is defined; "" if that is not known.
        line: line of the class, from 1.
        methods: as those of a `LayerState`.
        keys: what the config has, by name.
        objects: those names that stand for the config of an object, such as a layer.
    """

    class_name: str = msgspec.field(name="class")
    file: str = ""
    line: Count = 0
    methods: tuple[Method, ...] = ()
    keys: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()

    def method(self, name: str) -> Method | None:
        """The method of this name, if the class defines one."""
        return next((method for method in self.methods if method.name == name), None)


class SavedPart(PlainData, frozen=True, kw_only=True):
    """The weights of one layer: those that a file has, or those that a model wants from it.

    Attributes:
        place: where in the file, such as "layers/dense/vars"; in an older file the layer's name.
        shapes: of the weights, in order.
        layer: id of the layer that wants them.
    """

    place: str
    shapes: tuple[Shape, ...] = ()
    layer: Count | None = None


class Loaded(PlainData, frozen=True, kw_only=True):
    """What a call takes from a saved file.

    Attributes:
        source: the file's name without its folder, of a call that gets the whole file; otherwise
            the place in the file that it gets, such as "layers/dense/vars"; "" if not known.
        weights: ids of the weights that have got their values in it, in the file's order; empty
            if it is not known which ones have.
        format: what the whole file is, as far as it is known, of a call that failed over it.
        config: what the file's config says of a layer of the user's, of a call that makes one.
        stored: what the file has for layers, in its order, of a call that gets the whole file and
            failed over it or left out something; empty if that is not known.
        wanted: what the layers want of it that were to get values, in the order in which they were
            asked, as far as that went; each with its place in the file.
    """

    source: str = ""
    weights: tuple[WeightId, ...] = ()
    format: FileFormat = ""
    config: ReadConfig | None = None
    stored: tuple[SavedPart, ...] = ()
    wanted: tuple[SavedPart, ...] = ()


class Call(PlainData, frozen=True, kw_only=True):
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
        layer: the layer or model at work, if there is one. Of an optimizer, a metric or a loss it
            is the model that was compiled with it, as far as that is known.
        holder: id of the optimizer or metric at work; of `compile`, of the optimizer it was given.
        loss: what is compared in it, if the call computes one loss of one output.
        loaded: what it takes from a saved file, if it reads one.
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
        structures: how all was given that it computes a model's losses of, if it does that.
        metrics: what it builds, if that is the metrics of a model.
        asked: the weight that it was to make, if it has failed, or was still open at the end.
    """

    id: Place
    parent: OuterCallId | None
    name: str
    module: str
    file: str
    line: Count
    landmark: str
    step: Step
    generation: GenerationName
    thread: Count
    layer: LayerRef | None = None
    holder: HolderId | None = None
    loss: LossPart | None = None
    loaded: Loaded | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    changes: dict[str, tuple[bool, bool]] = {}
    caller: SourceLine | None = None
    at: Count | None = None
    mask_dropped: bool = False
    foreign: tuple[str, ...] = ()
    start_ns: Nanoseconds
    duration_ns: Nanoseconds
    error: ErrorInfo | None = None
    folded: Folded | None = None
    structures: LossStructures | None = None
    metrics: ModelMetrics | None = None
    asked: AskedWeight | None = None


MeshAxes = tuple[tuple[str, ...], ...]
"""For each axis of a variable: the axes of a mesh of devices that it is split along, if any."""


class PartMatch(PlainData, frozen=True, kw_only=True):
    """A part of a path that a pattern matches, from `start` to before `end`, where not all of it.

    Keras looked for such parts (`re.search`) up to 3.13, and wants the whole since
    (`re.fullmatch`).
    """

    path: str
    start: Count
    end: Count


class LayoutPattern(PlainData, frozen=True, kw_only=True):
    """An entry of a layout map: which variables it is for, and how these are to be split.

    Attributes:
        pattern: the regular expression for their paths.
        axes: as given; there may be more or fewer than a variable has.
        caller: the user's line that put it into the map, if that was seen.
        variables: how many variables it was found for, those counted in that the trace has not.
        outputs: the paths of layers' outputs that it was found for, such as "dense/output".
        partly: of the paths of variables and outputs that Keras asked about, those that it matches
            in part, but not as a whole: which version runs decides whether it is for these.
    """

    pattern: str
    axes: MeshAxes = ()
    caller: SourceLine | None = None
    variables: Count = 0
    outputs: tuple[str, ...] = ()
    partly: tuple[PartMatch, ...] = ()


class UnmadeVariable(PlainData, frozen=True, kw_only=True):
    """A variable that could not be made in the way that a distribution says.

    Attributes:
        call: id of the call that failed to make it.
        path: Keras' full name, such as "dense/kernel".
        axes: what each axis of it was to be split along.
        pattern: the place of the entry of the layout map that was found for it, from 0; `None` if
            no entry matched.
    """

    call: CallId
    path: str
    shape: Shape
    dtype: str
    axes: MeshAxes = ()
    pattern: Count | None = None


class Distribution(PlainData, frozen=True, kw_only=True):
    """How Keras was told to spread variables and data over devices (`keras.distribution`).

    Attributes:
        id: position in the order of appearance.
        class_name: "ModelParallel", "DataParallel", or a class of the user's.
        mesh_axes: names of the axes of the mesh of devices.
        mesh_shape: how many devices there are along each of these.
        batch_axis: the axis of the mesh that batches of data are split along; "" if none is.
        patterns: the layout map's entries, in its order.
        variables: how many variables Keras asked it about.
        outputs: how many layers' outputs Keras asked it about.
        unmade: the variables that could not be made as it says.
        caller: the user's line that told Keras so, if that was seen.
    """

    id: Place
    class_name: str = msgspec.field(name="class")
    mesh_axes: tuple[str, ...] = ()
    mesh_shape: tuple[Count, ...] = ()
    batch_axis: str = ""
    patterns: tuple[LayoutPattern, ...] = ()
    variables: Count = 0
    outputs: Count = 0
    unmade: tuple[UnmadeVariable, ...] = ()
    caller: SourceLine | None = None

    @property
    def devices(self) -> int:
        """How many devices the mesh has."""
        return math.prod(self.mesh_shape)


class VariableLayout(PlainData, frozen=True, kw_only=True):
    """How a distribution spreads a variable.

    Attributes:
        distribution: id of the distribution.
        axes: one entry for each axis of the variable; fewer if it is not split along the last ones.
        pattern: the place of the entry of the layout map that it was taken from, from 0; `None` if
            no entry matched.
    """

    distribution: DistributionId
    axes: MeshAxes = ()
    pattern: Count | None = None


class Weight(PlainData, frozen=True, kw_only=True):
    """A variable that a layer made.

    Attributes:
        id: position in the order of making.
        call: id of the call that made it (`Layer.add_weight`); `None` if no landmark saw it made.
        layer: id of the layer that owns it.
        name: the name that the layer gave, such as "kernel".
        path: Keras' full name, such as "sequential/dense/kernel".
        initializer: class name of the initializer, or `None` if not known.
        trainable: whether it was trained when the trace ended.
        placement: the devices that it lies on, such as "/GPU:1" or "/CPU:0,1", if that is not just
            the first CPU; or, where a mesh of devices was given, the axes of the mesh that each
            axis of it is split along, such as "(None, model)".
        replaced: true if its layer had it no more when the trace ended: it was put aside, mostly
            for another one.
        layout: how a distribution spreads it; `None` if none was set.
    """

    id: Place
    call: CallId | None
    layer: Count | None
    name: str
    path: str
    shape: Shape
    dtype: str
    trainable: bool
    initializer: str | None = None
    regularizer: str | None = None
    constraint: str | None = None
    placement: str | None = None
    replaced: bool = False
    layout: VariableLayout | None = None

    @property
    def parameters(self) -> int:
        """Number of scalars in it."""
        return math.prod(size or 0 for size in self.shape)


class Holder(PlainData, frozen=True, kw_only=True):
    """An optimizer or a metric: what holds variables and is no layer.

    Attributes:
        id: position in the order of appearance.
        name: its own, such as "adam".
        class_name: such as "Adam".
        kind: which of the two it is.
    """

    id: Place
    name: str
    class_name: str = msgspec.field(name="class")
    kind: Literal["optimizer", "metric"]


class Variable(PlainData, frozen=True, kw_only=True):
    """A variable that is no weight: an optimizer or a metric holds it.

    Attributes:
        id: position in the order of making.
        call: id of the call that made it; `None` if no landmark saw it made, as of those that an
            optimizer makes in its constructor.
        holder: id of the optimizer or metric.
        name: the name that this gave, such as "momentum" or "total".
        path: Keras' full name, such as "adam/dense_kernel_momentum".
        initializer: class name of the initializer, or `None` if not known.
        weight: id of the weight that it is kept for; `None` if it is for none, or if that is not in
            the trace.
        placement: as of a weight.
        layout: as of a weight.
    """

    id: Place
    call: CallId | None
    holder: HolderId
    name: str
    path: str
    shape: Shape
    dtype: str
    initializer: str | None = None
    weight: WeightId | None = None
    placement: str | None = None
    layout: VariableLayout | None = None

    @property
    def size(self) -> int:
        """Number of scalars in it."""
        return math.prod(size or 0 for size in self.shape)


class Node(PlainData, frozen=True, kw_only=True, omit_defaults=False):
    """One call of a layer (or of an operation without a layer) in a model's topology.

    Attributes:
        id: position in the graph's list of nodes.
        layer: id of the layer; `None` for an operation without a layer.
        depth: Keras' depth: 0 at the outputs, growing towards the inputs.
        index: which call of the layer this is, from 0, for a shared layer.
        built: whether the layer is built.
        kind: "input", "layer", "model" (it has a graph of its own) or "operation".
        failed: whether this call, or the making of the layer, ended in an exception.
    """

    id: Place
    layer: Count | None
    name: str
    class_name: str = msgspec.field(name="class")
    depth: Count
    index: Count = 0
    built: bool = True
    kind: Literal["input", "layer", "model", "operation"] = "layer"
    outputs: tuple[TensorSpec, ...] = ()
    failed: bool = False


class Edge(PlainData, frozen=True, kw_only=True):
    """A tensor that goes from one node to another.

    Attributes:
        output: which of the source's outputs it is; 0 of a graph of "flow" and in files of before.
    """

    source: NodeId
    target: NodeId
    tensor: TensorSpec
    output: Count = 0


class LayerWeights(PlainData, frozen=True, kw_only=True):
    """The weights of a layer, those of the layers in it included, as Keras reports them.

    Attributes:
        layer: id of the layer.
        weights: ids of the weights.
    """

    layer: Count
    weights: tuple[WeightId, ...] = ()


class Graph(PlainData, frozen=True, kw_only=True, dict=True, gc=True, omit_defaults=False):
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
        trained_otherwise: ids of those of the weights that are trainable but that this model does
            not train, as it is frozen itself, or the other way round.
        layer_weights: which weights the layers of the nodes have; Keras' own layers without any are
            left out. Files of before have none.
        missing: ids of the input nodes that the outputs need and the model's inputs do not have:
            of a model that could not be made.
        unfinished: whether an exception ended the build before the model had its whole graph. There
            may be no model yet: `model` names one that nobody made then.
    """

    model: LayerRef
    source: Literal["keras", "flow"] = "keras"
    built: bool
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    inputs: tuple[NodeId, ...] = ()
    outputs: tuple[NodeId, ...] = ()
    weights: tuple[WeightId, ...] = ()
    trained_otherwise: tuple[WeightId, ...] = ()
    layer_weights: tuple[LayerWeights, ...] = ()
    missing: tuple[NodeId, ...] = ()
    unfinished: bool = False

    def _of(self, trace: Trace) -> Graph:
        """This graph, which from now on knows the trace that it was asked of.

        A picture needs more than the graph has: sizes of weights, and graphs of nested models.
        """
        self.__dict__["trace"] = trace  # no field: it is not part of the data
        return self

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from buildtrace.renderers.notebook import mimebundles  # as in `Trace.save`

        return mimebundles.of_graph(self, self.__dict__.get("trace"))


class Expected(PlainData, frozen=True, kw_only=True):
    """What a layer wants of one of its inputs: Keras' `InputSpec`.

    Attributes:
        shape: the whole shape, if it wants one.
        ndim: number of axes.
        min_ndim: least number of axes.
        max_ndim: greatest number of axes.
        axes: axis → size.
    """

    shape: Shape | None = None
    ndim: Count | None = None
    min_ndim: Count | None = None
    max_ndim: Count | None = None
    axes: dict[Axis, Size] = {}


class UntrackedVariable(PlainData, frozen=True, kw_only=True):
    """A variable that a layer's attributes lead to, and that Keras does not count as a weight.

    Attributes:
        way: how the layer's code names it, without `self.`: "gain", "tools.scales[0]".
        kind: what code calls its class, such as "tf.Variable".
        trainable: whether it says so itself.
        line: where the layer's class puts it there, as far as its source tells.
    """

    way: str
    kind: str
    shape: Shape | None
    dtype: str = ""
    trainable: bool = True
    line: SourceLine | None = None


class LayerState(PlainData, frozen=True, kw_only=True):
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
        ran: whether its `call` ran later, in a tree of calls that is not in the trace as nothing
            was built in it; noted only of a layer that has unbuilt children, and of a model.
        made: where the user's code makes those of its unbuilt children, by their ids, as far as its
            source tells.
        kept: the attributes that are called as an argument of its constructor, with or without an
            underscore before it: name → value, as text, if that is plain, such as a number.
        attributes: how its own code names its children, by their ids: "dense" for `self.dense`,
            "blocks[0]" for the first in a list; of layers whose class is not Keras' own.
        hidden: the layers that took part in calls and that its attributes lead to, though Keras
            does not know them as a part of it: id → how its code names it, as in `attributes`.
        untracked: the variables of that kind.
        overwritten: attributes in which Keras lists what belongs to a layer, and in which its class
            puts something else: name → line.
    """

    layer: LayerRef
    after: CallId
    built: bool
    children: tuple[LayerRef, ...] = ()
    unbuilt: tuple[ChildId, ...] = ()
    replaced: tuple[ChildId, ...] = ()
    supports_masking: bool = False
    file: str = ""
    line: Count = 0
    methods: tuple[Method, ...] = ()
    expects: tuple[Expected, ...] = ()
    ran: bool = False
    made: dict[Count, SourceLine] = {}
    kept: dict[str, str] = {}
    attributes: dict[Count, str] = {}
    hidden: dict[Count, str] = {}
    untracked: tuple[UntrackedVariable, ...] = ()
    overwritten: dict[str, SourceLine] = {}

    def method(self, name: str) -> Method | None:
        """The method of this name, if the layer's class defines one."""
        return next((method for method in self.methods if method.name == name), None)


class Cast(PlainData, frozen=True, kw_only=True):
    """A value that a model's input takes for another one, as its dtype cannot hold it.

    Attributes:
        input: the input's name.
        given: the dtype of the data.
        dtype: the input's.
        value: the first value that changes, as text: "0.7".
        becomes: what it is then; "" if that depends on the machine.
    """

    input: str
    given: str
    dtype: str
    value: str
    becomes: str = ""


class MissedRow(PlainData, frozen=True, kw_only=True):
    """An index in the data that an Embedding right behind a model's input has no row for.

    Attributes:
        input: the input's name.
        layer: the Embedding.
        rows: how many it has.
        index: the largest one in the data; the smallest, if that is the one without a row.
    """

    input: str
    layer: LayerRef
    rows: Count
    index: Size


class GradientStop(PlainData, frozen=True, kw_only=True):
    """An operation without a gradient, between weights and a loss.

    Attributes:
        kind: TensorFlow's name for it, such as "ArgMax".
        line: the user's line that led to it.
        weights: ids of the weights that get no gradient for it.
    """

    kind: str
    line: SourceLine | None = None
    weights: tuple[WeightId, ...] = ()


class Monitor(PlainData, frozen=True, kw_only=True):
    """What a callback of a `fit` looks for in the logs, and what there is.

    Attributes:
        class_name: of the callback.
        name: what it looks for.
        logs: the names of what the `fit` logs at the end of an epoch.
        validated: whether it was given data for a validation.
    """

    class_name: str = msgspec.field(name="class")
    name: str
    logs: tuple[str, ...] = ()
    validated: bool = False


class ClassWeights(PlainData, frozen=True, kw_only=True):
    """The weights of classes that a `fit` was given.

    Attributes:
        classes: those that have one.
        targets: the shape of the targets that they are for; `None` if that is not known.
    """

    classes: tuple[Size, ...] = ()
    targets: Shape | None = None


class UnlikeData(PlainData, frozen=True, kw_only=True):
    """One of the two datasets of a `fit`, if that alone is not batched.

    Attributes:
        argument: which one.
        element: what it yields, or the first part of that.
        batch: the same of the other one.
    """

    argument: Literal["x", "validation_data"]
    element: TensorSpec
    batch: TensorSpec


class Use(PlainData, frozen=True, kw_only=True):
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
        trainable: of a `fit` that trains others, the weights that were trainable when it began; of
            an optimizer's update, those that it was given.
        trained: the weights that it trains, or was to train; of an update, those with a gradient.
        stops: what keeps a gradient from the others, as far as that is known for sure.
        ran: of a layer's `call`, whether that was on data, not on symbols alone.
        taken: of a model that is called on a dict and takes other keys than it has inputs for:
            input → the key that it takes for it.
        cast: a value of the data that an input of the model changes.
        missed: an index in the data that an Embedding has no row for.
        variable: what is assigned in a layer's `call` and not kept: a variable's path, or an
            attribute.
        missing: of a `fit`, what callbacks look for in the logs, where they do not have it.
        class_weights: of a `fit`, those that it was given.
        unlike: of a `fit`, the dataset that is not batched where the other one is.
    """

    name: str
    generation: GenerationName
    before: Count
    model: LayerRef | None = None
    built: bool = True
    weights: Count = 0
    unbuilt: tuple[LayerRef, ...] = ()
    optimizer: LayerRef | None = None
    caller: SourceLine | None = None
    error: ErrorInfo | None = None
    trainable: tuple[WeightId, ...] = ()
    trained: tuple[WeightId, ...] = ()
    stops: tuple[GradientStop, ...] = ()
    ran: bool = False
    taken: dict[str, str] = {}
    cast: Cast | None = None
    missed: MissedRow | None = None
    variable: str = ""
    missing: tuple[Monitor, ...] = ()
    class_weights: ClassWeights | None = None
    unlike: UnlikeData | None = None


class Edit(PlainData, frozen=True, kw_only=True):
    """A change of source code: what stands from one place to another is replaced.

    Places are counted as in Python's tokens: lines from 1, columns from 0 and in characters (those
    of `ast` are in bytes). Nothing is replaced if both places are the same: the text is put there.

    Attributes:
        file: the file, as calls and lines have it.
        line: the line where the replaced code begins.
        column: its first character there.
        end_line: the line where it ends.
        end_column: the character behind its last.
        text: what stands there then, with a line feed between two lines.
    """

    file: str
    line: Count
    column: Count
    end_line: Count
    end_column: Count
    text: str


class Trial(PlainData, frozen=True, kw_only=True):
    """What came of a run of the program with the edits of a finding.

    Attributes:
        outcome: "goes through": the finding is gone, and the program came to its end, or to its
            training; "fails further on": the finding is gone, and what failed next is another
            matter; "does not help"; "not tried".
        message: the exception that it failed with, or why it was not tried; "" otherwise.
        caller: the user's line of that exception, by its number without the edits.
        patch: what the edits change, as `diff -u` says it; "" if they were not tried.
    """

    outcome: TrialOutcome
    message: str = ""
    caller: SourceLine | None = None
    patch: str = ""

    @property
    def helped(self) -> bool:
        """Whether the edits did what the finding is about."""
        return self.outcome in ("goes through", "fails further on")


class Finding(PlainData, frozen=True, kw_only=True, omit_defaults=False):
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
        edits: the remedy as changes of the source, to be made together; none if it is not
            mechanical, or if the place for it is not known for sure.
        trial: what came of trying the edits; `None` if nobody did.
    """

    code: str
    title: str = ""
    severity: Severity = "warning"
    message: str
    why: str
    fix: str
    calls: tuple[CallId, ...] = ()
    layer: Count | None = None
    caller: SourceLine | None = None
    edits: tuple[Edit, ...] = ()
    trial: Trial | None = None


class LandmarkInfo(PlainData, frozen=True, kw_only=True):
    """A row of a landmark table, as far as a reader of a trace needs it.

    Attributes:
        name: as in the table, such as "Layer.__call__" or "Layer.build".
        summary: one sentence for the learner on what the landmark does and why.
        article: what the article of 2023 says of it, where this generation differs from that.
        role: what it does for the build, in words that both generations share: landmarks of one
            role are each other's counterparts. Files of before there were roles have none.
        unpaired: why the other generation does without it, if it always or often does.
        beat: which kind of beat its calls are in the story of a build (see
            `buildtrace.generations.base.BeatKind`); "" if they are none.
    """

    name: str
    generation: GenerationName
    step: Step
    summary: str
    article: str | None = None
    role: str = ""
    unpaired: str | None = None
    beat: str = ""


class KerasInfo(PlainData, frozen=True, kw_only=True):
    """A Keras that took part.

    Attributes:
        missing: landmarks of the table that this version does not have.
    """

    generation: GenerationName
    package: str
    version: str
    missing: tuple[str, ...] = ()


class Environment(PlainData, frozen=True, kw_only=True):
    """Where a trace was made, and how; `None` for what was not imported.

    Attributes:
        abstract: whether weights were made without memory.
    """

    buildtrace: str = ""
    python: str = ""
    platform: str = ""
    tensorflow: str | None = None
    backend: str | None = None
    keras: tuple[KerasInfo, ...] = ()
    abstract: bool = False


class SavedLayer(PlainData, frozen=True, kw_only=True):
    """A layer or model as a saved file describes it.

    Attributes:
        id: position in the file's order; what stands inside of it follows.
        within: id of the layer or model that it is a part of.
        name: its own; of a file without a config, the group of its weights.
        class_name: "" if the file does not say.
        module: where the class is to be imported from when the file is loaded; "" if unknown.
        facts: what its config says, as text: "units" → "64".
    """

    id: Place
    within: OuterLayerId | None = None
    name: str
    class_name: str = msgspec.field(name="class")
    module: str = ""
    facts: dict[str, str] = {}


class SavedState(PlainData, frozen=True, kw_only=True):
    """Arrays of a saved file that are no weights of the model.

    Attributes:
        owner: whose they are, such as "optimizer".
        arrays: how many there are.
        size: of all together, in bytes.
    """

    owner: str
    arrays: Count
    size: ByteCount


class SavedFile(PlainData, frozen=True, kw_only=True):
    """The saved model, or file of weights, that a trace was read from: nothing of it was run.

    What is known of it beside the trace's weights and graphs. Which weights are trained no file
    says: `Weight.trainable` is false for those of a layer that its config has frozen.

    Attributes:
        name: the file's, without its folder.
        format: "keras" for an archive, "hdf5".
        size: of the file, in bytes.
        date: when it was saved, as Keras wrote it; "" if the file does not say.
        has_config: whether the file has the model's architecture, not its weights alone.
        has_names: whether layers have their own names here; else those of their weights' groups,
            which are called by class.
        layers: those of the config, or those that the names of the weights tell of.
        weight_size: of all weights together, in bytes.
        states: what else is stored, of the optimizer mostly.
        compiled: what the model was compiled with: "optimizer" → "Adam(learning_rate=0.001)".
        unread: why its weights are not in the trace; "" if they are.
        notes: what a reader of the file should know: code in it, parts that were not read.
    """

    name: str
    format: Literal["keras", "hdf5"]
    size: ByteCount
    date: str = ""
    has_config: bool = True
    has_names: bool = True
    layers: tuple[SavedLayer, ...] = ()
    weight_size: ByteCount = 0
    states: tuple[SavedState, ...] = ()
    compiled: dict[str, str] = {}
    unread: str = ""
    notes: tuple[str, ...] = ()
