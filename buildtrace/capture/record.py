"""What is noted of a call while it runs: cheap to make, frozen into plain data afterwards."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from buildtrace.capture.flow import Flow
    from buildtrace.capture.readers import Reader
    from buildtrace.generations import Adapter, Landmark
    from buildtrace.generations.base import WeightFacts
    from buildtrace.trace import ErrorInfo, LayerRef, TensorSpec


class Function(NamedTuple):
    """A function, and where it is defined."""

    name: str
    module: str
    file: str
    line: int

    @classmethod
    def of(cls, function: Any, name: str | None = None) -> Function:
        """Of a function or method that an object has under `name`, looking through decorators."""
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


class Probe(NamedTuple):
    """What a hook is there for.

    Attributes:
        landmark: the row of the table.
        adapter: reads the objects of the Keras that the hook is in.
        function: the function that it was found in.
        reader: what its arguments and result tell, and how.
        parameters: names of that function's positional arguments.
    """

    landmark: Landmark
    adapter: Adapter
    function: Function
    reader: Reader
    parameters: tuple[str, ...] = ()


class WeightRecord:
    """A variable that a layer made. `number` names the variable, `layer` the owner."""

    __slots__ = ("call", "facts", "initializer", "layer", "number", "order")

    def __init__(self, order: int, number: int, facts: WeightFacts) -> None:
        """Of a variable that is of nobody yet, made by no call that was seen."""
        self.order = order
        self.number = number
        self.facts = facts
        self.call: Record | None = None
        self.layer: int | None = None
        self.initializer: str | None = None


class Waiting:
    """A call in a tree that is thought to build nothing: becomes a record only if it does."""

    __slots__ = ("args", "kwargs", "probe", "record", "start")

    def __init__(self, probe: Probe, args: Any, kwargs: Any, start: int) -> None:
        """At the start of the call."""
        self.probe = probe
        self.args = args
        self.kwargs = kwargs
        self.start = start
        self.record: Record | None = None


class Record:
    """One call of a landmark.

    While it is open it holds its arguments, and until its tree is over the layer; then only
    plain data is left.
    """

    __slots__ = (
        "after",
        "args",
        "before",
        "caller",
        "end",
        "error",
        "flow",
        "function",
        "inputs",
        "kwargs",
        "layer",
        "note",
        "order",
        "outputs",
        "parent",
        "probe",
        "ref",
        "sources",
        "start",
        "thread",
    )

    def __init__(self, probe: Probe, args: Any, kwargs: Any) -> None:
        """At the start of the call."""
        self.probe = probe
        self.args = args
        self.kwargs = kwargs
        self.start = 0  # nanoseconds of the process's clock, as is `end`; 0 is not yet
        self.end = 0
        self.order = -1  # among all calls of the process; negative: not recorded (yet)
        self.thread = 0
        self.parent: Record | None = None
        self.layer: Any = None
        self.ref: LayerRef | None = None
        self.function = probe.function  # what ran, and where that is defined
        self.inputs: tuple[TensorSpec, ...] = ()
        self.outputs: tuple[TensorSpec, ...] = ()
        self.before: dict[str, bool] | None = None
        self.after: dict[str, bool] | None = None
        self.caller: tuple[str, int] | None = None
        self.error: ErrorInfo | None = None
        self.note: str | None = None  # the initializer that ran, for the call around it
        self.flow: Flow | None = None
        self.sources: list[tuple[int, TensorSpec]] | None = None
