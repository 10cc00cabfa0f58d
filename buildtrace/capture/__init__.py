"""Recording builds: hooks on the landmarks of the installed Keras, and what they collect."""

from __future__ import annotations

import contextlib
import threading
import warnings
from time import perf_counter_ns
from typing import TYPE_CHECKING

from buildtrace.capture import freeze
from buildtrace.capture.patching import Patches, TrainingReached
from buildtrace.capture.recorder import Recorder, has_evidence
from buildtrace.capture.snapshot import error_info
from buildtrace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.capture.record import Record

__all__ = ["Tracing", "TrainingReached", "stop_before_training", "trace"]

_recorder = Recorder()
_patches = Patches(_recorder)
_lock = threading.Lock()

stop_before_training = _patches.stop_before_training


class Tracing:
    """One recording, from `start` to `stop`. Several may be on at once, and stop in any order.

    Attributes:
        trace: what was recorded; empty until `stop`.
    """

    def __init__(self) -> None:
        """Not started yet."""
        self.trace = Trace()
        self._records: list[Record] = []
        self._first = 0
        self._started = 0
        self._opened = 0

    def start(self) -> None:
        """Record from now on."""
        _patches.acquire()
        with _lock:
            self._first = _recorder.next_order()
            self._opened = _recorder.opened
            self._started = perf_counter_ns()
            _recorder.listeners = (*_recorder.listeners, self)

    def stop(self) -> None:
        """Record no more, and fill the trace. Calls that are still open end here in it."""
        with _lock:
            if self not in _recorder.listeners:
                return
            _recorder.listeners = tuple(t for t in _recorder.listeners if t is not self)
        self._fill(self.trace)
        self._records.clear()
        _patches.release()
        with _lock:
            if not _recorder.listeners:
                _recorder.forget()
        if _recorder.problems:
            problems, _recorder.problems = _recorder.problems, []
            warnings.warn(
                f"buildtrace could not read everything (the trace may lack a detail): "
                f"{problems[0]}",
                stacklevel=3,
            )

    def snapshot(self) -> Trace:
        """What was recorded until now, as a trace of its own."""
        trace = Trace()
        self._fill(trace)
        return trace

    def progress(self) -> tuple[int, str | None]:
        """How many calls were recorded until now, and the layer that is being built."""
        record = _recorder.latest if has_evidence(_recorder.open_records()) else None
        while record is not None and record.ref is None:
            record = record.parent
        name = record.ref.name if record is not None and record.ref is not None else None
        return _recorder.opened - self._opened, name

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree that is over; for the recorder."""
        self._records += [record for record in records if record.order >= self._first]

    def _fill(self, trace: Trace) -> None:
        records = self._records + self._still_open()
        graphs = _recorder.models.graphs.values()
        freeze.fill(
            trace,
            records,
            _recorder.models.weights.values(),
            [graph for graph in graphs if graph.order >= self._first],
            _patches.keras.values(),
            self._started,
        )

    def _still_open(self) -> list[Record]:
        """The part of unfinished trees that belongs to us, if there is evidence in it."""
        ours = [record for record in _recorder.open_records() if record.order >= self._first]
        return ours if has_evidence(ours) else []


@contextlib.contextmanager
def trace() -> Iterator[Trace]:
    """Trace every build in the block, of models made before as well.

    Yields:
        A trace, empty until the block ends. An exception that ends the block is in its `error`.
    """
    tracing = Tracing()
    tracing.start()
    try:
        yield tracing.trace
    except BaseException as error:
        tracing.trace.error = error_info(error)
        raise
    finally:
        tracing.stop()
