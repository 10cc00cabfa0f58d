"""Memory of a trace, and what tracing adds to the peak of a build."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import buildtrace
from benchmarks import child, timing
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from scenarios import Keras

SHARED = (type, ModuleType, FunctionType)
"""What an object refers to without being its owner."""


def measure(k: Keras, workload: str) -> dict[str, int]:
    """Bytes of a build's trace, and of Python's memory at the peak without and with tracing."""
    build = WORKLOADS[workload]
    build(k)  # fills the caches of TensorFlow and of Keras
    untraced = _peak(k, lambda: build(k))
    kept: list[Any] = []

    def traced() -> None:
        with buildtrace.trace() as trace:
            model = build(k)
        kept.append(trace)
        del model

    peak = _peak(k, traced)
    return {
        "calls": len(kept[0].calls),
        "trace": size(kept[0]),
        "untraced peak": untraced,
        "traced peak": peak,
    }


def _peak(k: Keras, work: Any) -> int:
    k.keras.backend.clear_session()
    timing.settle()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def size(root: Any) -> int:
    """Bytes of an object and of all that it refers to, each counted once."""
    seen, todo, total = set(), [root], 0
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, SHARED):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        todo.extend(gc.get_referents(thing))
    return total


def table(workloads: list[str], generations: list[int]) -> str:
    """A row for each workload and generation."""
    lines = [
        "| memory | Keras | calls | a call in the trace | peak, untraced | added by tracing |",
        "|---|---|---|---|---|---|",
    ]
    for workload in workloads:
        for keras in generations:
            found = child.measure("memory", keras, workload=workload)
            calls, peak = found["calls"], found["untraced peak"]
            lines.append(
                f"| {workload} | {keras} | {calls:,} | {found['trace'] / calls:.0f} bytes "
                f"| {_mebibytes(peak)} | {_mebibytes(found['traced peak'] - peak)} |"
            )
    return "\n".join(lines)


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.2f} MiB"
