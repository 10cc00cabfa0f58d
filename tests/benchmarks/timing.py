"""How all benchmarks measure: interleaved, in CPU time, each run beside its own neighbors.

On a machine that others use, times drift by tens of percent within seconds, so that two medians
taken at different moments say little about each other. Here the plain run comes again between all
other runs, and each of those is divided by the median of the plain runs around it, since single
ones may take half as long again; of these ratios, the median and the quartiles are told. The order
of the others rotates. One of them is the plain run itself: how far its ratio strays from 1 is the
noise that remains.

CPU time is that of the whole process, TensorFlow's own threads included.

Each run begins at a place of its own on Python's stack. Python keeps its frames in chunks of
16 KiB, and where a loop happens to call across the end of one, each of its calls gets and gives
back memory: the same build takes 23 to 36 ms, depending on how deep it is called. At one place, a
hook that does nothing may seem to cost 6 %, or to save as much, only because its frame moves all
others.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from types import FunctionType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


CHUNK = 2048
"""Words of memory in a chunk of Python's stack."""

NEAR = 2
"""Plain runs on either side that a run is compared with."""

_random = random.Random(0)


class Spread(NamedTuple):
    """What many figures say together."""

    median: float
    low: float
    high: float
    count: int


def spread(figures: list[float]) -> Spread:
    """Median and quartiles."""
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0], 1)
    low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
    return Spread(median, low, high, len(figures))


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU time that the work takes, from a random place on Python's stack."""
    displaced = FunctionType(_run.__code__.replace(co_stacksize=_random.randrange(8, CHUNK)), {})
    start = time.process_time()
    displaced(work)
    return time.process_time() - start


def _run(work: Callable[[], object]) -> None:
    work()


def settle() -> None:
    """Have each run begin alike: no garbage of the one before, and nothing old to be looked at.

    The collector stays on, as users have it, so that a run pays for the objects that it makes;
    what is frozen is what was there before, the modules of TensorFlow above all. A collection
    that happens to look through these takes longer than a small model's whole build, and one that
    looks through a tracer's hooks, 5 % of it.
    """
    gc.collect()
    gc.freeze()


def compare(
    plain: Callable[[], float],
    others: dict[str, Callable[[], float]],
    rounds: int,
    seconds: float = float("inf"),
    least: int = 1,
) -> dict[str, list[float]]:
    """Ratio of each run to the plain runs around it, `NEAR` before and after, by name.

    Args:
        plain: runs once, and returns the time it took, as the others do.
        others: what is compared with it.
        rounds: how often each of them runs.
        seconds: when to stop all the same, but not before `least` rounds.
        least: see there.
    """
    runs: list[tuple[str, float]] = []
    end = time.monotonic() + seconds
    plains = [plain()]
    for number in range(rounds):
        if number >= least and time.monotonic() > end:
            break
        for name in _rotated(list(others), number):
            runs.append((name, others[name]()))
            plains.append(plain())
    ratios: dict[str, list[float]] = {name: [] for name in others}
    for place, (name, taken) in enumerate(runs, 1):
        around = plains[max(place - NEAR, 0) : place + NEAR]
        ratios[name].append(taken / statistics.median(around))
    return ratios


def _rotated(names: list[str], by: int) -> Iterator[str]:
    by %= len(names)
    yield from names[by:]
    yield from names[:by]


def ratio(figures: list[float]) -> str:
    """As told in a table: "1.03 (1.01 to 1.05)"."""
    median, low, high, _ = spread(figures)
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


def duration(seconds: float) -> str:
    """In the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
