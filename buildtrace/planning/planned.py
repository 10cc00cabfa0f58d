"""What a plan holds, as plain frozen data: how many bytes a build takes, and where they go.

Made of a trace by `buildtrace.planning.make`; the JSON form of these classes is what
`buildtrace plan --format json` writes. All sizes are in bytes, all devices are alike unless
`Plan.devices` says otherwise.
"""

from __future__ import annotations

from typing import Literal

from buildtrace.traces.schema import (
    ByteCount,
    Count,
    Finding,
    LayerRef,
    MeshAxes,
    PlainData,
    Shape,
    SourceLine,
)

VERSION = 1
"""Of the JSON form. It grows by optional keys only."""

VariableKind = Literal["weight", "gradient", "optimizer"]
"""What a variable is for: a layer's weight, the gradient of one, or what the optimizer keeps."""


class PlanData(PlainData, frozen=True, kw_only=True, omit_defaults=False):
    """Base of what a plan holds: as all plain data, but a file of it says everything."""


class Memory(PlanData, frozen=True, kw_only=True):
    """Bytes, by what they are for."""

    weights: ByteCount = 0
    gradients: ByteCount = 0
    optimizer: ByteCount = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.gradients + self.optimizer


class Amount(PlanData, frozen=True, kw_only=True):
    """What some variables come to.

    Attributes:
        weights: how many weights there are.
        parameters: how many numbers are in them.
        trainable: how many of these numbers are trained.
        memory: what all variables take, each counted once.
        on_device: what they take on one device, on the fullest if these differ; without devices
            the same as `memory`.
    """

    weights: Count = 0
    parameters: ByteCount = 0
    trainable: ByteCount = 0
    memory: Memory = Memory()
    on_device: Memory = Memory()


class PlannedVariable(PlanData, frozen=True, kw_only=True):
    """A weight, the gradient of one, or a variable of the optimizer.

    Attributes:
        id: its place in `Plan.variables`.
        kind: which of the three it is.
        path: Keras' full name; of a gradient, that of its weight.
        layer: the layer that owns it, or owns the weight that it is for; `None` if none does.
        block: place of the block in `Plan.blocks` that it belongs to; `None` if to none.
        weight: id in the trace of the weight that it is, or is for; `None` if it is for none.
        shape: of the whole.
        dtype: such as "bfloat16".
        trainable: whether it is a weight that is trained, or belongs to one.
        parameters: how many numbers it has.
        size: what it takes, in bytes.
        axes: for each axis of it, the axes of the mesh that it is split along.
        pattern: the entry of the layout map that says so; "" if none matched it.
        shard: the shape of what one device holds of it, rounded up where it is not divisible.
        on_device: what that takes, in bytes.
        caller: the user's line that made it.
    """

    id: Count
    kind: VariableKind
    path: str
    layer: LayerRef | None = None
    block: Count | None = None
    weight: Count | None = None
    shape: Shape
    dtype: str
    trainable: bool = False
    parameters: ByteCount
    size: ByteCount
    axes: MeshAxes = ()
    pattern: str = ""
    shard: Shape = ()
    on_device: ByteCount = 0
    caller: SourceLine | None = None

    @property
    def is_replicated(self) -> bool:
        """Whether each device has the whole of it."""
        return not any(self.axes)


class PlannedModel(PlanData, frozen=True, kw_only=True):
    """A model that is in no other one."""

    model: LayerRef
    amount: Amount


class PlannedBlock(PlanData, frozen=True, kw_only=True):
    """Layers that follow one another, and how often the like of them comes in a row.

    Attributes:
        id: its place in `Plan.blocks`.
        model: id of the model that it is in; `None` of weights of no model.
        layers: those of the first round, as the model lists them.
        last: the last layer of the last round.
        repeats: how many rounds there are; 1 of a layer that is like none of its neighbors.
        amount: of all rounds together.
    """

    id: Count
    model: Count | None = None
    layers: tuple[LayerRef, ...]
    last: LayerRef
    repeats: Count = 1
    amount: Amount


class PlannedLayer(PlanData, frozen=True, kw_only=True):
    """A layer, or a model, that has weights: of its own, or in layers inside of it.

    Attributes:
        layer: the layer.
        block: place of the block in `Plan.blocks`; `None` if it is not in one alone.
        is_whole: whether the model lists it, so that each weight is in one such layer.
        amount: with the weights of the layers inside it.
    """

    layer: LayerRef
    block: Count | None = None
    is_whole: bool = False
    amount: Amount


class PlannedDtype(PlanData, frozen=True, kw_only=True):
    """All variables of one dtype."""

    dtype: str
    amount: Amount


class PlannedPattern(PlanData, frozen=True, kw_only=True):
    """An entry of the layout map.

    Attributes:
        pattern: the regular expression.
        axes: how it splits what it matches.
        variables: how many weights matched it.
        others: how many outputs of layers matched it, and variables that are no weights here.
        size: what these take, in bytes.
        on_device: what these take on one device.
        caller: the user's line that put it into the map.
    """

    pattern: str
    axes: MeshAxes = ()
    variables: Count = 0
    others: Count = 0
    size: ByteCount = 0
    on_device: ByteCount = 0
    caller: SourceLine | None = None


class Mesh(PlanData, frozen=True, kw_only=True):
    """The devices that the variables are spread over.

    Attributes:
        class_name: of the distribution, such as "ModelParallel".
        source: who asked for it: "the script", or the options.
        axes: names of the mesh's axes.
        shape: how many devices there are along each.
        batch_axis: the axis that batches of data are split along; "" if none is.
        patterns: the layout map's entries.
    """

    class_name: str
    source: str
    axes: tuple[str, ...] = ()
    shape: tuple[Count, ...] = ()
    batch_axis: str = ""
    patterns: tuple[PlannedPattern, ...] = ()

    @property
    def devices(self) -> int:
        """How many there are."""
        number = 1
        for size in self.shape:
            number *= size
        return number

    def size_of(self, axes: tuple[str, ...]) -> int:
        """In how many parts a dimension is split that goes along these axes of the mesh."""
        sizes = dict(zip(self.axes, self.shape, strict=False))
        number = 1
        for name in axes:
            number *= sizes.get(name, 1)
        return number


class PlannedDevice(PlanData, frozen=True, kw_only=True):
    """Devices that hold the same number of bytes.

    Attributes:
        names: such as "/GPU:0"; of a mesh, the numbers of the first and the last one.
        number: how many they are.
        memory: what each of them holds.
    """

    names: tuple[str, ...]
    number: Count = 1
    memory: Memory


class Indivisible(PlanData, frozen=True, kw_only=True):
    """A dimension of a variable that its parts do not divide: Keras will not place it.

    Attributes:
        variable: place of the weight in `Plan.variables`.
        axis: which axis of it.
        size: of that axis.
        mesh_axes: the axes of the mesh that it goes along.
        parts: in how many parts they split it.
    """

    variable: Count
    axis: Count
    size: ByteCount
    mesh_axes: tuple[str, ...]
    parts: Count


class LayerOutput(PlanData, frozen=True, kw_only=True):
    """What a call of a layer gives, and what it takes for a batch.

    Attributes:
        name: of the layer, or of the operation.
        class_name: of that.
        layer: the layer; `None` of an operation without one.
        shape: with the batch put in.
        dtype: such as "bfloat16".
        calls: how often the model makes this call, as it is in a part that is called so often.
        size: of the outputs of all these calls, in bytes.
    """

    name: str
    class_name: str
    layer: LayerRef | None = None
    shape: Shape
    dtype: str
    calls: Count = 1
    size: ByteCount


class NotCounted(PlanData, frozen=True, kw_only=True):
    """A layer or an operation that a sum leaves out.

    Attributes:
        name: its own.
        class_name: its class.
        layer: the layer; `None` of an operation without one.
        reason: why it is not counted, in a few words.
    """

    name: str
    class_name: str
    layer: LayerRef | None = None
    reason: str


class Activations(PlanData, frozen=True, kw_only=True):
    """The outputs of layers for one batch: a lower bound of what activations take, no peak.

    Attributes:
        batch: how many samples there are.
        size: of all outputs together, in bytes.
        on_device: what one device has of them at least: of its share of the batch, and of a part
            only where axes of the mesh split the weights behind them.
        outputs: one for each output of each call of a layer.
        unknown: those whose outputs have a size that is not known, so that they are not counted.
    """

    batch: Count
    size: ByteCount
    on_device: ByteCount
    outputs: tuple[LayerOutput, ...] = ()
    unknown: tuple[NotCounted, ...] = ()


class LayerFlops(PlanData, frozen=True, kw_only=True):
    """The multiply-adds of a layer, all its calls together.

    Attributes:
        name: of the layer, or of the operation.
        class_name: of that.
        layer: the layer; `None` of an operation without one.
        calls: how often the model calls it.
        multiply_adds: how many.
        formula: what is multiplied, such as "outputs · window · channels of the group".
    """

    name: str
    class_name: str
    layer: LayerRef | None = None
    calls: Count = 1
    multiply_adds: ByteCount
    formula: str


class Flops(PlanData, frozen=True, kw_only=True):
    """The multiply-adds of a forward pass, as far as layers have a formula.

    Attributes:
        batch: on how many samples.
        multiply_adds: of all that are counted.
        layers: those that are counted; some of them with 0, by convention.
        not_counted: those that have no formula here, or a shape that is not known.
    """

    batch: Count = 1
    multiply_adds: ByteCount = 0
    layers: tuple[LayerFlops, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()


class Compiled(PlanData, frozen=True, kw_only=True):
    """What XLA says that the compiled forward step takes on one device, in bytes.

    Attributes:
        arguments: of weights and data.
        outputs: of what it gives.
        temporaries: of all in between.
        aliased: of outputs that lie in arguments.
        code: of the program.
        platform: what it was compiled for, such as "cpu".
        missing: why there is nothing of that; "" if there is.
    """

    arguments: ByteCount = 0
    outputs: ByteCount = 0
    temporaries: ByteCount = 0
    aliased: ByteCount = 0
    code: ByteCount = 0
    platform: str = ""
    missing: str = ""


class MemoryFit(PlanData, frozen=True, kw_only=True):
    """Whether it fits into a device.

    Attributes:
        available: what a device has, in bytes.
        needed: what of it is known to be needed on the fullest one.
        counted: what that is: "weights", "gradients", "optimizer", "outputs of layers".
    """

    available: ByteCount
    needed: ByteCount
    counted: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether there is room for all that is counted."""
        return self.needed <= self.available


class Stop(PlanData, frozen=True, kw_only=True):
    """Why the script did not come to its end, and where.

    Attributes:
        what: the user's line, which wanted values, such as "model.fit(x, y)"; or the exception.
        is_failure: whether it is an exception of the script's.
        caller: the user's line.
        lacks: what the plan is without for that, in a sentence each.
    """

    what: str
    is_failure: bool = False
    caller: SourceLine | None = None
    lacks: tuple[str, ...] = ()


class Plan(PlanData, frozen=True, kw_only=True):
    """What a build takes, and where it goes.

    Attributes:
        version: of this form.
        target: what was planned: the script, module or trace, as given.
        amount: of all.
        models: those that are in no other one.
        blocks: in order of making.
        layers: in order of making.
        dtypes: the largest first.
        variables: weights, then gradients, then what the optimizer keeps.
        optimizer: its class, or "" if none is known.
        mesh: the devices; `None` if nothing was said of any.
        devices: what each device holds; empty without a mesh.
        replicated: places of weights in `variables` that each device has whole, heaviest first.
        indivisible: all dimensions that their parts do not divide.
        activations: for `--batch`.
        flops: multiply-adds.
        compiled: for `--compile`.
        fit: for `--device-memory`.
        stop: where the script was ended; `None` if it came to its end.
        notes: what a reader should know besides, in a sentence each.
        findings: what the rules about devices and layouts say.
    """

    version: Count = VERSION
    target: str = ""
    amount: Amount = Amount()
    models: tuple[PlannedModel, ...] = ()
    blocks: tuple[PlannedBlock, ...] = ()
    layers: tuple[PlannedLayer, ...] = ()
    dtypes: tuple[PlannedDtype, ...] = ()
    variables: tuple[PlannedVariable, ...] = ()
    optimizer: str = ""
    mesh: Mesh | None = None
    devices: tuple[PlannedDevice, ...] = ()
    replicated: tuple[Count, ...] = ()
    indivisible: tuple[Indivisible, ...] = ()
    activations: Activations | None = None
    flops: Flops = Flops()
    compiled: Compiled | None = None
    fit: MemoryFit | None = None
    stop: Stop | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
