"""Where a shape came from: which Input, layer or first call left a size open or brought it in.

A trace does not say which tensor went where before a model has its graph. It has the shapes, in
order: what went into a call may have come out of any call that ended before it with that shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Call, Shape, TensorSpec
    from buildtrace.traces.trace import Trace

INPUT = "InputLayer.__init__"
MAKERS = (INPUT, "Layer.__call__", "Operation.symbolic_call")
"""Landmarks whose outputs others take."""


def open_axes(shape: Shape | None) -> list[int]:
    """The axes of unknown size, without that of the batch."""
    return [axis for axis, size in enumerate(shape or ()) if axis and size is None]


class ShapeOrigins:
    """Follows shapes back through a trace."""

    def __init__(self, trace: Trace) -> None:
        """Of this trace; reads all its calls once."""
        self._trace = trace
        self._by_shape: dict[Shape, list[Call]] = {}
        for call in trace.calls:
            if call.landmark in MAKERS and call.error is None:
                for shape in {out.shape for out in call.outputs if out.shape is not None}:
                    self._by_shape.setdefault(shape, []).append(call)

    def makers(self, call: Call, shape: Shape | None) -> list[Call]:
        """The calls that may have made what went into `call` with this shape, the latest first.

        Those inside of another one are left out: what is asked for is the layer as it was called.
        """
        makers = [] if shape is None else self._by_shape.get(shape, [])
        makers = [maker for maker in makers if _ended_before(maker, call)]
        ids = {maker.id for maker in makers}
        inner = self._trace.ancestors
        return [m for m in makers if not any(outer.id in ids for outer in inner(m))][::-1]

    def openers(self, call: Call, specs: Iterable[TensorSpec]) -> list[Call]:
        """What left sizes open that went into `call`.

        Args:
            call: the call.
            specs: those of its inputs that are asked about.

        Returns:
            Inputs, layers into which no open size went, and calls by the user that were given the
            open shape, in order.
        """
        openers: dict[int, Call] = {}
        seen: set[tuple[int, Shape | None]] = set()
        waiting = [(call, spec.shape) for spec in specs]
        while waiting:
            current, shape = waiting.pop()
            if not open_axes(shape) or (current.id, shape) in seen:
                continue
            seen.add((current.id, shape))
            makers = self.makers(current, shape)
            outer = None if makers else self._around(current)
            if outer is not None:
                waiting += [(outer, spec.shape) for spec in outer.inputs]
            elif not makers:
                openers[current.id] = current
            for maker in makers:
                behind = [spec.shape for spec in maker.inputs if open_axes(spec.shape)]
                if maker.landmark == INPUT or not behind:
                    openers[maker.id] = maker
                waiting += [(maker, shape) for shape in behind]
        return [openers[key] for key in sorted(openers)]

    def _around(self, call: Call) -> Call | None:
        """The nearest call around this one, of another layer, into which an open size went."""
        for outer in self._trace.ancestors(call):
            if outer.layer != call.layer and any(open_axes(spec.shape) for spec in outer.inputs):
                return outer
        return None

    def path(self, call: Call, shape: Shape | None) -> list[Call]:
        """The calls that this shape came through on its way into `call`, the latest first.

        Where several could have been one of them, the latest is taken.
        """
        passed: list[Call] = []
        while maker := next(iter(self.makers(call, shape)), None):
            passed.append(maker)
            call, shape = maker, maker.inputs[0].shape if maker.inputs else None
        return passed


def _ended_before(maker: Call, call: Call) -> bool:
    ended = maker.start_ns + maker.duration_ns
    return maker.thread == call.thread and maker.id < call.id and ended <= call.start_ns
