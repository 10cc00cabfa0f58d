"""How long two traces take to be compared; no Keras is needed."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING

import made_traces
import msgspec

from benchmarks import timing
from benchmarks.rendering import CLASSES, synthetic
from buildtrace.comparison import compare
from buildtrace.renderers.terminal import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.traces.trace import Trace


def again(trace: Trace) -> Trace:
    """The same build, as another trace."""
    return msgspec.structs.replace(trace)


def changed(trace: Trace) -> Trace:
    """One in fifty calls gives something else."""
    other = made_traces.spec(None, 5)
    return msgspec.structs.replace(
        trace,
        calls=tuple(
            msgspec.structs.replace(call, outputs=(other,)) if call.id % 50 == 0 else call
            for call in trace.calls
        ),
    )


def shorter(trace: Trace) -> Trace:
    """Every tenth layer is missing."""
    calls, layers = len(trace.calls), len(trace.roots)
    made = synthetic(calls - calls // layers * (layers // 10))
    return msgspec.structs.replace(made)


def shuffled(trace: Trace) -> Trace:
    """The same layers in another order: the worst that can be asked for."""
    classes = [CLASSES[i % len(CLASSES)] for i in range(len(trace.roots))]
    random.Random(0).shuffle(classes)
    return made_traces.layers(classes)


def recursive(trace: Trace) -> Trace:
    """As many calls of one function, one inside the other, and a few more."""
    return traces_of_recursion(len(trace.calls) + 10)


def traces_of_recursion(calls: int) -> Trace:
    recording = made_traces.Recording()
    made_traces.mapping(recording, "map_graph", calls - 2)
    return recording.trace()


PAIRS: dict[str, tuple[Callable[[int], Trace], Callable[[Trace], Trace]]] = {
    "itself": (synthetic, again),
    "one call in fifty changed": (synthetic, changed),
    "every tenth layer missing": (synthetic, shorter),
    "layers in another order": (synthetic, shuffled),
    "one recursion": (traces_of_recursion, recursive),
}
"""What is compared with what."""


def measure(left: Trace, right: Trace, rounds: int) -> dict[str, float]:
    """Seconds: the median of the comparison, and of showing it."""
    found = compare(left, right)
    # Copies, so that what a trace has looked up before is not there yet.
    return {
        "compared": _time(partial(_compare, left, right), rounds),
        "shown": _time(partial(side_by_side.to_text, left, right, found), rounds),
    }


def _compare(left: Trace, right: Trace) -> None:
    compare(msgspec.structs.replace(left), msgspec.structs.replace(right))


def _time(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return timing.spread(taken).median


def table(sizes: list[int], rounds: int) -> str:
    """A row for each pair, and columns for each size."""
    heads = [f"{size:,} calls, {what}" for size in sizes for what in ("compared", "shown")]
    lines = [f"| a trace and | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, (make, change) in PAIRS.items():
        cells = []
        for size in sizes:
            left = make(size)
            cells += map(timing.duration, measure(left, change(left), rounds).values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
