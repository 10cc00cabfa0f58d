"""How much longer a build takes under tracing, and under the profilers that people use.

Ratios of whole builds say all, but on a machine that others use they stray by some percent from run
to run, which is as much as what is to be found. So the time between the recorder's being called and
its returning is added up as well: that share of a build is the same in every run to 0.2 %. What it
leaves out is the hooks' own frames around each call, below 1 %, and what tracing makes other code
slower by, such as the garbage collector.
"""

from __future__ import annotations

import contextlib
import cProfile
import importlib.util
import sys
import tempfile
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from benchmarks import child, timing
from benchmarks.workloads import WORKLOADS
from buildtrace.capture import Tracing
from buildtrace.capture.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenarios import Keras

LEAST = 5
"""Rounds that a workload gets, however long they take."""

CLOCKED_ROUNDS = 5
"""Builds in which the recorder's time is added up."""

PROFILER_ROUNDS = 3
"""The profilers' ratios are far from 1, and their ends are slow: fewer rounds will do."""

HEAD = (
    "| build | Keras | untraced | traced | untraced again | in hooks | cProfile | viztracer "
    "| calls | pairs | hooks in | hooks out, trace made | viztracer's save |"
)


class Runs:
    """Builds of one workload, each from the same start; every method returns the CPU time.

    Attributes:
        calls: how many calls a trace of it has.
        ends: seconds that tracers took before and after the builds, by name.
    """

    def __init__(self, k: Keras, workload: str) -> None:
        self._k = k
        self._build = WORKLOADS[workload]
        self.calls = 0
        self.ends: dict[str, list[float]] = {}

    def untraced(self) -> float:
        self._reset()
        return timing.cpu(lambda: self._build(self._k))

    def traced(self) -> float:
        with self._tracing():
            return timing.cpu(lambda: self._build(self._k))

    def share_in_hooks(self) -> float:
        """The part of a traced build's time, by the clock, that the recorder takes."""
        with clocked_recorder() as spent, self._tracing():
            start = perf_counter_ns()
            self._build(self._k)
            taken = perf_counter_ns() - start
        return sum(spent) / taken

    def profiled(self) -> float:
        self._reset()
        profile = cProfile.Profile()
        profile.enable()
        try:
            return timing.cpu(lambda: self._build(self._k))
        finally:
            profile.disable()

    def viztraced(self) -> float:
        from viztracer import VizTracer

        self._reset()
        tracer = VizTracer(verbose=0)
        tracer.start()
        try:
            taken = timing.cpu(lambda: self._build(self._k))
        finally:
            tracer.stop()
        with tempfile.TemporaryDirectory() as folder:
            self._end("save", lambda: tracer.save(str(Path(folder, "trace.json"))))
        tracer.terminate()
        return taken

    @contextlib.contextmanager
    def _tracing(self) -> Iterator[None]:
        self._reset()
        tracing = Tracing()
        self._end("start", tracing.start)
        timing.settle()  # the hooks are not garbage of the build's
        try:
            yield
        finally:
            self._end("stop", tracing.stop)
        self.calls = len(tracing.trace.calls)

    def _reset(self) -> None:
        """Have each build begin alike, also those that are not traced.

        To put hooks in and to take them out is tens of milliseconds of work, on all classes of
        Keras and all modules. It leaves the processor's caches cold, and the next build of a small
        model takes 5 % longer, whether the hooks are still in or not.
        """
        self._k.keras.backend.clear_session()
        tracing = Tracing()
        tracing.start()
        tracing.stop()
        timing.settle()

    def _end(self, name: str, work: Callable[[], object]) -> None:
        self.ends.setdefault(name, []).append(timing.cpu(work))


@contextlib.contextmanager
def clocked_recorder() -> Iterator[list[int]]:
    """The nanoseconds that the recorder takes, of hooks that are put in within this block."""
    begin, end = Recorder.begin, Recorder.end
    spent: list[int] = []

    def clocked_begin(
        self: Recorder, hooked: Any, args: Any, kwargs: Any, caller: Any = None
    ) -> Any:
        caller = caller or sys._getframe(2)
        start = perf_counter_ns()
        record = begin(self, hooked, args, kwargs, caller)
        spent.append(perf_counter_ns() - start)
        return record

    def clocked_end(self: Recorder, record: Any, result: Any = None, error: Any = None) -> None:
        start = perf_counter_ns()
        end(self, record, result, error)
        spent.append(perf_counter_ns() - start)

    Recorder.begin, Recorder.end = clocked_begin, clocked_end  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Recorder.begin, Recorder.end = begin, end  # type: ignore[method-assign]


def measure(k: Keras, workload: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Ratios of CPU time to the untraced build, by tracer, and what else is to be told."""
    runs = Runs(k, workload)
    runs.untraced()  # fills TensorFlow's caches
    runs.traced()
    first = {name: taken.pop() for name, taken in runs.ends.items()}
    plain: list[float] = []

    def untraced() -> float:
        plain.append(runs.untraced())
        return plain[-1]

    ours = {"traced": runs.traced, "untraced again": runs.untraced}
    ratios = timing.compare(untraced, ours, rounds, seconds, LEAST)
    shares = [runs.share_in_hooks() for _ in range(min(rounds, CLOCKED_ROUNDS))]
    theirs = {"cProfile": runs.profiled}
    if importlib.util.find_spec("viztracer"):
        theirs["viztracer"] = runs.viztraced
    ratios |= timing.compare(untraced, theirs, min(rounds, PROFILER_ROUNDS))
    return {
        "ratios": ratios,
        "plain": timing.spread(plain).median,
        "in hooks": timing.spread(shares).median,
        "calls": runs.calls,
        "ends": {name: timing.spread(taken).median for name, taken in runs.ends.items()},
        "first": first,
    }


def table(
    workloads: list[str], generations: list[int], rounds: int, seconds: float
) -> Iterator[str]:
    """A row for each workload and generation, as soon as it is measured."""
    yield HEAD
    yield "|---" * (HEAD.count("|") - 1) + "|"
    for workload in workloads:
        for keras in generations:
            found = child.measure("build", keras, workload=workload, rounds=rounds, seconds=seconds)
            yield _row(workload, keras, found)


def _row(workload: str, keras: int, found: dict[str, Any]) -> str:
    ratios = found["ratios"]
    cells = [
        workload,
        keras,
        timing.duration(found["plain"]),
        timing.ratio(ratios["traced"]),
        timing.ratio(ratios["untraced again"]),
        f"{found['in hooks']:.1%}",
        *(
            f"{timing.spread(ratios[name]).median:.2f}" if name in ratios else "not installed"
            for name in ("cProfile", "viztracer")
        ),
        f"{found['calls']:,}",
        len(ratios["traced"]),
        *(
            f"{timing.duration(found['first'][end])}, then {timing.duration(found['ends'][end])}"
            for end in ("start", "stop")
        ),
        timing.duration(found["ends"]["save"]) if "save" in found["ends"] else "",
    ]
    return f"| {' | '.join(map(str, cells))} |"
