"""Which operations keep a gradient from weights: read from the graph that TensorFlow has made.

Asked only where an optimizer is given no gradient for a weight. An eager program has no graph.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture.callers import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOPS = frozenset({"Round", "Rint", "Floor", "Ceil", "FloorDiv", "FloorMod", "PyFunc"})
"""Operations that may give numbers with a fraction, but have no gradient."""

_NOT_FOLLOWED = frozenset(
    {
        *("Shape", "ShapeN", "Size", "Rank", "VariableShape"),
        *("ZerosLike", "OnesLike", "StopGradient", "VarIsInitializedOp"),
    }
)
"""Operations that pass on no value, and the one that is there to end a gradient."""

_MOST_OPERATIONS = 50_000
_MOST_VARIABLES = 100
_MOST_STOPS = 8


class StopRecord(NamedTuple):
    """An operation without a gradient on the way from variables to the loss.

    Attributes:
        kind: TensorFlow's name for it, such as "ArgMax".
        line: the user's line nearest to it: file and number; `None` if there is none.
        variables: places of the variables that it keeps a gradient from.
    """

    kind: str
    line: tuple[str, int] | None
    variables: tuple[int, ...]


class _ReachedOperations(NamedTuple):
    """What variables reach.

    Attributes:
        passed: the operations that a gradient could come back through, by name.
        stops: those that it could not, by name.
        has_scalar: whether one of the former gives one number, as a loss does.
    """

    passed: set[str]
    stops: dict[str, Any]
    has_scalar: bool


def stops(pairs: list[tuple[Any, Any]]) -> list[StopRecord]:
    """What keeps the gradients from the variables that got none.

    An operation is named only if that is sure. Of some variables without a gradient: the loss, of
    which the others have one, depends on it. Of all: nothing that has a gradient could be the loss.

    Args:
        pairs: gradients, `None` where there is none, each with the Keras or TensorFlow variable.
    """
    missing = [place for place, (gradient, _) in enumerate(pairs) if gradient is None]
    graph = _running_graph()
    if graph is None or len(missing) > _MOST_VARIABLES:
        return []
    inside = {id(outer): inner for outer, inner in graph.captures}
    reached = {place: _reached(_reads(pairs[place][1], inside)) for place in missing}
    found = {name: stop for one in reached.values() for name, stop in one.stops.items()}
    if len(missing) < len(pairs):
        trained = [_reads(variable, inside) for gradient, variable in pairs if gradient is not None]
        of_loss = _reached([read for reads in trained for read in reads]).passed
        found = {n: stop for n, stop in found.items() if not of_loss.isdisjoint(_behind(stop))}
    elif any(one.has_scalar for one in reached.values()):
        return []
    places: dict[tuple[str, tuple[str, int] | None], list[int]] = {}
    for name, stop in list(found.items())[:_MOST_STOPS]:
        kept = places.setdefault((stop.type, _users_line(stop)), [])
        kept += [place for place, one in reached.items() if name in one.stops and place not in kept]
    return [StopRecord(kind, line, tuple(kept)) for (kind, line), kept in places.items()]


def _running_graph() -> Any:
    """The graph that TensorFlow is making of a function; `None` if the program is eager."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or tensorflow.executing_eagerly():
        return None
    graph = tensorflow.compat.v1.get_default_graph()
    return graph if hasattr(graph, "captures") else None


def _reads(variable: Any, inside: dict[int, Any]) -> list[Any]:
    """The operations of a graph that read a variable.

    Args:
        variable: of Keras or of TensorFlow.
        inside: what stands in the graph for what is outside of it, by id.
    """
    handle = getattr(getattr(variable, "_value", variable), "handle", None)
    inner = inside.get(id(handle))
    return [] if inner is None else list(inner.consumers())


def _reached(reads: list[Any]) -> _ReachedOperations:
    reached, has_scalar = _ReachedOperations(set(), {}, has_scalar=False), False
    waiting: list[Any] = list(reads)
    seen: set[str] = set()
    own = {operation.name for operation in reads}
    while waiting and len(seen) < _MOST_OPERATIONS:
        operation = waiting.pop()
        if operation.name in seen or operation.type in _NOT_FOLLOWED:
            continue
        seen.add(operation.name)
        counted = [tensor for tensor in operation.outputs if _is_counted(tensor)]
        others = [tensor for tensor in operation.outputs if not _is_counted(tensor)]
        if operation.type in _STOPS or any(tensor.consumers() for tensor in counted):
            reached.stops[operation.name] = operation
        if operation.type not in _STOPS and others:
            reached.passed.add(operation.name)
            has_scalar |= operation.name not in own and any(map(_is_scalar, others))
            waiting += [consumer for tensor in others for consumer in tensor.consumers()]
    return reached._replace(has_scalar=has_scalar)


def _is_scalar(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating and tensor.shape.rank == 0)


def _is_counted(tensor: Any) -> bool:
    """Whether it holds integers, truths or texts, which have no gradient."""
    dtype = tensor.dtype
    return bool(dtype.is_integer or dtype.is_bool or dtype.name == "string")


def _behind(stop: Any) -> Iterator[str]:
    """The names of all operations that get something of this one."""
    waiting = [c for tensor in stop.outputs for c in tensor.consumers()]
    seen: set[str] = set()
    while waiting and len(seen) < _MOST_OPERATIONS:
        operation = waiting.pop()
        if operation.name not in seen:
            seen.add(operation.name)
            yield operation.name
            waiting += [c for tensor in operation.outputs for c in tensor.consumers()]


def _users_line(operation: Any) -> tuple[str, int] | None:
    for frame in reversed(list(operation.traceback)):
        if is_user_file(frame.filename):
            return frame.filename, frame.lineno
    return None
