"""What is noted of calls while they run, and what is open in each thread.

Cheap to make, frozen into plain data afterwards.
"""

from __future__ import annotations

import inspect
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from buildtrace.capture import replicas

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Mapping
    from types import CodeType

    from buildtrace.capture.callers import Caller
    from buildtrace.capture.distributions import LayoutRecord
    from buildtrace.capture.file_contents import PartRecord
    from buildtrace.capture.flow import DataFlow
    from buildtrace.capture.gradient_stops import StopRecord
    from buildtrace.generations import Adapter, Landmark
    from buildtrace.generations.base import WeightFacts
    from buildtrace.traces.schema import (
        AskedWeight,
        Cast,
        ClassWeights,
        ErrorInfo,
        FileFormat,
        LossPart,
        LossStructures,
        ModelMetrics,
        Monitor,
        ReadConfig,
        TensorSpec,
        UnlikeData,
    )


MOST_ENDS = 10_000
"""So many symbolic tensors are remembered until a functional model is made."""


class Function(NamedTuple):
    """A function, and where it is defined."""

    name: str
    module: str
    file: str
    line: int

    @classmethod
    def of(cls, function: Any, name: str | None = None) -> Function:
        """Describe a function, or the method that an object has as `name`, without decorators."""
        function = inspect.unwrap(function)
        function = getattr(function, "__func__", function)
        if name is not None:
            function = _decorated(function, name)
        code = getattr(function, "__code__", None)
        return cls(
            name=getattr(function, "__qualname__", type(function).__qualname__),
            module=getattr(function, "__module__", None) or "",
            file=code.co_filename if code else "",
            line=code.co_firstlineno if code else 0,
        )


def _decorated(function: Any, name: str) -> Any:
    """What a decorator stands for that does not say so, such as Keras' shape_type_conversion."""
    if getattr(function, "__name__", name) == name:
        return function
    for cell in getattr(function, "__closure__", None) or ():
        try:
            inner = cell.cell_contents
        except ValueError:  # empty
            continue
        if inspect.isfunction(inner) and inspect.unwrap(inner).__name__ == name:
            return inspect.unwrap(inner)
    return function


class Reader(NamedTuple):
    """How to read the calls of a landmark.

    Attributes:
        layer_of: which layer, model or operation it is about, by arguments; `None` for self.
        open: reads what goes in, when the call starts; `None` if there is nothing to read then.
        close: reads what comes out; `None` if there is nothing to read then.
        reads_state: whether the layer's state can change in such a call.
    """

    layer_of: Callable[[HookedLandmark, Any, Any], Any] | None
    open: Callable[[Record], None] | None
    close: Callable[[Record, Any], None] | None
    reads_state: bool = False


class HookedLandmark:
    """What a hook is there for.

    Attributes:
        landmark: the row of the table.
        adapter: reads the objects of the Keras that the hook is in.
        function: the function that it was found in.
        is_decorated: whether that is inside of a decorator, which is what runs first.
        reader: reads its arguments and its result.
        parameters: names of that function's positional arguments.
        code: the function's, once it was seen to call another landmark.
        between: code of the library's function, no landmark, through which this one was called
            last, if it was just one.
        symbol: the class of Keras' symbolic tensors.
        means_build: whether it runs only while something is built.
        nested: whether it is recorded only inside of another recorded call.
        tells_nothing: whether there is nothing to read but that it ran.
        calls_layer: whether it is `Layer.__call__`.
        makes_weight: whether a variable comes out, so that it is an `add_weight`.
        makes_variable: whether it is Keras' own work inside of that.
        makes_graph: whether it is what makes a functional model.
        builds: whether it is a layer's own `build`.
        of_training: whether it is about what a model is trained with.
        of_loading: whether it is about what a saved file gives.
        makes_layer: whether it is what makes a layer from its config.
        reads_values: whether a layer, or each of a model's, gets its values in it.
        compiles: whether it is a model's `compile`.
        reads_state: whether the layer's state can change in it.
        layer_of: which layer a call is about, by its arguments; `None` for self.
        open: what to read when a call starts; `None` for nothing.
        close: what to read when a call has ended well; `None` for nothing.
    """

    __slots__ = (
        "adapter",
        "between",
        "builds",
        "calls_layer",
        "close",
        "code",
        "compiles",
        "function",
        "is_decorated",
        "landmark",
        "layer_of",
        "makes_graph",
        "makes_layer",
        "makes_variable",
        "makes_weight",
        "means_build",
        "nested",
        "of_loading",
        "of_training",
        "open",
        "parameters",
        "reader",
        "reads_state",
        "reads_values",
        "symbol",
        "tells_nothing",
    )

    def __init__(
        self,
        landmark: Landmark,
        adapter: Adapter,
        function: Function,
        reader: Reader,
        parameters: tuple[str, ...] = (),
    ) -> None:
        self.landmark = landmark
        self.adapter = adapter
        self.function = function
        self.is_decorated = False
        self.reader = reader
        self.parameters = parameters
        self.code: CodeType | None = None
        self.between: CodeType | None = None
        # Asked of every call, so kept ready.
        self.symbol: Any = adapter.tensor_class
        self.means_build = landmark.means_build
        self.nested = landmark.nested
        self.tells_nothing = landmark.reads in ("name", "variable")
        self.calls_layer = landmark.name == "Layer.__call__"
        self.makes_weight = landmark.reads == "weight"
        self.makes_variable = landmark.reads == "variable"
        self.makes_graph = landmark.name == "Functional.__init__"
        self.builds = landmark.name == "Layer.build"
        self.of_training = landmark.step == "compile"
        self.of_loading = landmark.step == "load"
        self.makes_layer = landmark.reads == "config"
        self.reads_values = landmark.reads == "values"
        self.compiles = landmark.beat == "compile"
        self.reads_state = reader.reads_state
        self.layer_of = reader.layer_of
        self.open = reader.open
        self.close = reader.close

    def named_arguments(self, record: Record) -> dict[str, Any]:
        """The arguments of a call but self, by name: their order differs between versions."""
        if len(record.args) < 2:
            return record.kwargs  # type: ignore[no-any-return]
        return {**dict(zip(self.parameters, record.args[1:], strict=False)), **record.kwargs}

    def of_function(self, function: Function) -> HookedLandmark:
        """A copy of this for another definition of the landmark."""
        return HookedLandmark(self.landmark, self.adapter, function, self.reader, self.parameters)


class WeightRecord(msgspec.Struct, gc=False, eq=False):
    """A variable that a layer made. `number` names the variable, `layer` the owner."""

    order: int
    number: int
    facts: WeightFacts
    name: str
    initializer: str | None
    regularizer: str | None
    constraint: str | None
    call: Record | None = None
    layer: int | None = None
    replaced: bool = False
    layout: LayoutRecord | None = None


class TentativeCall:
    """A call in a tree that is thought to build nothing: becomes a record only if it does."""

    __slots__ = ("args", "hooked", "kwargs", "record", "start")

    def __init__(self, hooked: HookedLandmark, args: Any, kwargs: Any, start: int) -> None:
        self.hooked = hooked
        self.args = args
        self.kwargs = kwargs
        self.start = start
        self.record: Record | None = None


class Record(msgspec.Struct, gc=False, eq=False):
    """One call of a landmark.

    While it is open it holds its arguments, and until its tree is over the layer; then only
    plain data is left. Nothing that it holds then leads back to it, so it need not cost the garbage
    collector anything: that would be a good part of what recording costs.

    Attributes:
        hooked: the landmark, as its hook knows it.
        args: positional arguments.
        kwargs: keyword arguments.
        thread: what is open in its thread.
        start: nanoseconds of the process's clock.
        end: nanoseconds of the process's clock; 0 while the call goes on.
        order: among all calls of the process.
        code: of the parent's function, if that is known.
        instruction: where in it the call was made. Two fields: the garbage collector would have to
            look at a pair of them.
        parent: the call that it is in.
        layer: what it is about: a layer or a model, or an operation.
        number: the layer's.
        inputs: what went in.
        outputs: what came out.
        before: the layer's state when it started.
        after: and when it ended.
        caller: the user's line that led here.
        error: what ended it, if it did not return.
        foreign: classes of arguments that belong to another Keras.
        mask_dropped: whether a mask went in and none came out, for want of support.
        initializer: the one that ran, for the call around it.
        flow: what flows between the layers that run in it.
        sources: where in the flow around it the inputs come from.
        holder: number of the optimizer, metric or such that it is about.
        loss: what is compared in it.
        structures: how all was given that it computes a model's losses of.
        metrics: what it builds, if that is the metrics of a model.
        computed: how many losses have been computed in it.
        source: which file, or which part of one, it reads; `None` if none.
        fed: numbers of the weights that have got their values in it.
        config: what it reads of a layer of the user's.
        format: what the file is that it failed over.
        stored: what the file that it reads has for layers; `None` if that was not read.
        wanted: what the layers want of that.
        asked: the weight that it was to make, if it failed.
    """

    hooked: HookedLandmark
    args: Any
    kwargs: Any
    thread: Thread
    start: int
    end: int
    order: int
    code: CodeType | None
    instruction: int
    parent: Record | None
    layer: Any
    number: int | None
    caller: Caller | None
    before: Mapping[str, bool] | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    after: Mapping[str, bool] | None = None
    error: ErrorInfo | None = None
    foreign: tuple[str, ...] = ()
    mask_dropped: bool = False
    initializer: str | None = None
    flow: DataFlow | None = None
    sources: list[tuple[int, TensorSpec]] | None = None
    holder: int | None = None
    loss: LossPart | None = None
    structures: LossStructures | None = None
    metrics: ModelMetrics | None = None
    computed: int = 0
    source: str | None = None
    fed: tuple[int, ...] = ()
    config: ReadConfig | None = None
    format: FileFormat = ""
    stored: tuple[PartRecord, ...] | None = None
    wanted: tuple[PartRecord, ...] = ()
    asked: AskedWeight | None = None


class MissedRecord(NamedTuple):
    """A `MissedRow`; its layer by the process's number."""

    input: str
    layer: int
    rows: int
    value: int


class UseRecord:
    """A use, while it runs and afterwards; layers are named by the process's numbers.

    `call` is that of a landmark, if the function is one as well.
    """

    __slots__ = (
        "adapter",
        "built",
        "call",
        "caller",
        "cast",
        "class_weights",
        "error",
        "missed",
        "missing",
        "model",
        "name",
        "optimizer",
        "order",
        "ran",
        "stops",
        "taken",
        "trainable",
        "trained",
        "unbuilt",
        "unlike",
        "variable",
        "weights",
    )

    def __init__(self, name: str, adapter: Adapter, order: int) -> None:
        self.name = name
        self.adapter = adapter
        self.order = order
        self.model: int | None = None
        self.optimizer: int | None = None
        self.built = True
        self.weights = 0
        self.unbuilt: tuple[int, ...] = ()
        self.trainable: tuple[int, ...] = ()
        self.trained: tuple[int, ...] = ()
        self.stops: list[tuple[StopRecord, tuple[int, ...]]] = []
        self.ran = False
        self.taken: dict[str, str] = {}
        self.cast: Cast | None = None
        self.missed: MissedRecord | None = None
        self.variable = ""
        self.missing: tuple[Monitor, ...] = ()
        self.class_weights: ClassWeights | None = None
        self.unlike: UnlikeData | None = None
        self.caller: Caller | None = None
        self.call: Record | None = None
        self.error: ErrorInfo | None = None


class Thread:
    """What is open in one thread.

    Attributes:
        stack: the open calls, the root first.
        tentative: the same, while the root is thought to build nothing.
        records: all calls of the root's tree so far, in order of start.
        kind: the type of what the root was called on, or the landmark, if it is of training.
        muted: how many calls are open that are not part of any build.
        listening: the call during which we hear of operations on concrete tensors.
        unlisten: ends that.
        ends: weak references to symbolic tensors that came out of calls at the bottom since a
            functional model was made last: where the graph ends that is being put together.
        ended: the order of the call that gave the last of them.
        error: the exception that is on its way out of the open calls.
        told: what was read of it.
        interrupted: whether some of our own work was, so that some of it may be left to do.
        number: the thread's number in traces.
        is_replica: whether it is one of `tf.distribute`, which another thread waits for.
        joined: whether that was looked for.
        around: the call that is open in that one; `None` if there is none.
        caller: the user's line that led there.
        at: the code of the function of `around`, and where in it the thread was started.
    """

    __slots__ = (
        "around",
        "at",
        "caller",
        "ended",
        "ends",
        "error",
        "interrupted",
        "is_replica",
        "joined",
        "kind",
        "listening",
        "muted",
        "number",
        "records",
        "stack",
        "tentative",
        "told",
        "unlisten",
    )

    def __init__(self) -> None:
        self.stack: list[Record] = []
        self.tentative: list[TentativeCall] = []
        self.records: list[Record] = []
        self.kind: type | Landmark = type(None)
        self.muted = 0
        self.interrupted = False
        self.listening: Record | None = None
        self.unlisten: Callable[[], None] = lambda: None
        self.number: int | None = None
        self.ends: deque[weakref.ref[Any]] = deque(maxlen=MOST_ENDS)
        self.ended = -1
        self.error: BaseException | None = None
        self.told: ErrorInfo | None = None
        self.is_replica = replicas.is_replica()
        self.joined = False
        self.around: Record | None = None
        self.caller: Caller | None = None
        self.at: tuple[CodeType | None, int] = None, 0


class Local(threading.local):
    """The state of the thread that asks."""

    def __init__(self) -> None:  # runs once in each thread
        self.thread = Thread()


class Listener(Protocol):
    """Who wants the trees that are kept.

    Attributes:
        abstract: whether weights were made without memory meanwhile.
    """

    abstract: bool

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree, in order of start."""
