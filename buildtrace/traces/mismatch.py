"""A layer that was built for one shape and called with another, and failed of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces.index import is_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Shape
    from buildtrace.traces.trace import Trace


class Mismatch(NamedTuple):
    """What a layer expects beside what it got.

    Attributes:
        build: the `build` that fixed the shape.
        call: the call of the layer that failed.
        expected: the shape that it was built for.
        got: the shape that it was called with.
        axis: the last one whose sizes differ, of those that the exception speaks of.
    """

    build: Call
    call: Call
    expected: Shape
    got: Shape
    axis: int

    @property
    def sizes(self) -> tuple[int, int]:
        """The size that the layer was built for, and the one that it got."""
        before, now = self.expected[self.axis], self.got[self.axis]
        return before or 0, now or 0


def mismatch(trace: Trace, failure: Raised) -> Mismatch | None:
    """Whether a failure comes of that: its text has both sizes, and a weight the one of the build.

    A layer that Keras' own code built inside of another, such as the cell of an LSTM, is none that
    anybody knows: it is the layer around that has the wrong input.
    """
    said = set(re.findall(r"\d+", failure.error.message))
    for call in reversed(failure.calls):
        if call.landmark != "Layer.__call__":
            continue
        build = _build_before(trace, call)
        if build is None:
            return None
        if not _is_by_keras(trace, build):
            return next(_mismatches(trace, build, call, said), None)
    return None


def _build_before(trace: Trace, call: Call) -> Call | None:
    """The layer's last `build` that was over when this call of it began, if it made any weight.

    Keras 2 runs `Layer.build` once more after a layer's own; that one makes none.
    """
    over = [
        build
        for build in trace.index.builds_of(call.layer.id if call.layer else -1)
        if build.id < call.id and build.error is None and trace.index.weights_made_in(build)
    ]
    return over[-1] if over else None


def _is_by_keras(trace: Trace, build: Call) -> bool:
    """Whether the `build` of another layer, one of Keras' own, ran this one."""
    if build.parent is None:
        return False
    outer = trace.call(build.parent)
    return outer.landmark == "Layer.build" and outer.layer != build.layer and not is_users(outer)


def _mismatches(trace: Trace, build: Call, call: Call, said: set[str]) -> Iterator[Mismatch]:
    in_weights = {str(n) for weight in trace.index.weights_made_in(build) for n in weight.shape}
    for before, now in zip(build.inputs, call.inputs, strict=False):
        if before.shape is None or now.shape is None or len(before.shape) != len(now.shape):
            continue
        for axis in range(len(now.shape) - 1, 0, -1):
            sizes = [str(before.shape[axis]), str(now.shape[axis])]
            if sizes[0] != sizes[1] and set(sizes) <= said and sizes[0] in in_weights:
                yield Mismatch(build, call, before.shape, now.shape, axis)
