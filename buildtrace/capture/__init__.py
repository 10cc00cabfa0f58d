"""Recording builds: hooks on the landmarks of the installed Keras, and what they collect."""

from __future__ import annotations

import contextlib
import gc
import os
import warnings
from time import perf_counter_ns
from typing import TYPE_CHECKING

from msgspec import UNSET

from buildtrace import diagnosis
from buildtrace.capture import freeze
from buildtrace.capture.dry_fit import TrainingReached
from buildtrace.capture.patching import Patches
from buildtrace.capture.raised import info_of_the_end
from buildtrace.capture.recorder import Recorder, is_build
from buildtrace.capture.snapshot import layer_ref
from buildtrace.diagnosis import suppress
from buildtrace.traces import wording
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.capture.journaling import Journal
    from buildtrace.capture.record import Record

__all__ = ["Tracing", "TrainingReached", "dry_fits", "note_abstract", "trace"]

diagnosis.all_rules()  # not when a tracing stops: an import that a fork interrupts is never over

_recorder = Recorder()
_patches = Patches(_recorder)
_lock = _patches.lock
"""One for all: starting, stopping and patching change what belongs together."""

if hasattr(os, "register_at_fork"):  # a process that is forked off needs the locks as well
    for _needed in (_lock, _recorder.limit.lock):
        os.register_at_fork(
            before=_needed.acquire,
            after_in_parent=_needed.release,
            after_in_child=_needed.release,
        )

dry_fits = _patches.dry_fits

_abstract_users: set[object] = set()


def note_abstract(user: object, *, on: bool) -> None:
    """Note, for all tracings that are on, that weights are made without memory from now on.

    Args:
        user: who makes them so.
        on: whether they are; otherwise this user does so no more.
    """
    with _lock:
        if not on:
            _abstract_users.discard(user)
            return
        _abstract_users.add(user)
        for listener in _recorder.listeners:
            listener.abstract = True


class Tracing:
    """One recording, from `start` to `stop`. Several may be on at once, and stop in any order.

    Attributes:
        trace: what was recorded; empty until `stop`.
        abstract: whether weights were made without memory meanwhile.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        """Not started yet.

        Args:
            journal: where each weight is written down before it is made; `None` for nowhere. There
                is one in the process: that of the recording that started last.
        """
        self.trace = Trace(sources=UNSET)
        self.abstract = False
        self._journal = journal
        self._records: list[Record] = []
        self._first = 0
        self._started = 0

    def start(self) -> None:
        """Record from now on."""
        try:
            with _lock:
                _patches.acquire(self)
                self._first = _recorder.next_order()
                self._started = perf_counter_ns()
                self.abstract = bool(_abstract_users)
                _recorder.listeners = (*_recorder.listeners, self)
                _recorder.journal = self._journal or _recorder.journal
        except BaseException:  # a half of the hooks is no use
            self.stop()
            raise

    def stop(self) -> None:
        """Record no more, and fill the trace. Calls that are still open end here in it.

        It can be done again, and should be if it was interrupted.
        """
        with _without_collections():
            problems = self._stop() + _diagnose(self.trace)
        if problems:
            warnings.warn(
                f"buildtrace could not read everything (the trace may lack a detail): "
                f"{wording.sanitize_long(problems[0])}",
                stacklevel=3,
            )

    def _stop(self) -> list[str]:
        """Fill the trace; says what hindered that."""
        with _lock:
            if self in _recorder.listeners:
                self._fill(self.trace)
                _recorder.listeners = tuple(t for t in _recorder.listeners if t is not self)
            self._records.clear()
            if _recorder.journal is self._journal:
                _recorder.journal = None
            if not _recorder.listeners:
                _recorder.forget()
            _patches.release(self)
            problems, _recorder.problems = _recorder.problems, []
        return problems

    def ended_by(self, error: BaseException) -> None:
        """Note the exception that ends what is traced; to be called before `stop`."""
        last = next((r for r in reversed(self._records) if r.parent is None), None)
        _recorder.end_program(error, last)
        self.trace.error = info_of_the_end(error)

    def snapshot(self) -> Trace:
        """What was recorded until now, as a trace of its own."""
        trace = Trace(sources=UNSET)
        self._fill(trace)
        return trace

    def write_into(self, journal: Journal | None) -> None:
        """Have weights written down there from now on: a process that was forked off needs its own.

        Args:
            journal: as of the constructor.
        """
        with _lock:
            if self in _recorder.listeners and _recorder.journal is self._journal:
                _recorder.journal = journal
            self._journal = journal

    def progress(self) -> tuple[int, str | None]:
        """How many calls were recorded until now, and the layer that is being built."""
        tree = _recorder.open_records()
        record = tree[-1] if is_build(tree) else None
        while record is not None and (record.end or record.layer is None):
            record = record.parent
        name = None if record is None else layer_ref(record.layer, 0).name
        return len(self._records) + len(tree), name

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree that is over; for the recorder."""
        if records[0].order < self._first:
            records = [record for record in records if record.order >= self._first]
        self._records += records

    def _fill(self, trace: Trace) -> None:
        # In this order: what was open a moment ago may be over by now, but is not lost.
        still_open = self._still_open()
        records = list(dict.fromkeys([*still_open, *self._records]))
        _recorder.read_rest(still_open)
        freeze.fill(
            trace,
            records,
            list(_recorder.models.weights.values()),  # other threads go on making some
            _recorder.models.held,
            _recorder.models.distributions,
            self._first,
            _recorder.models.graphs_since(self._first),
            _recorder.models.states.records,
            [use for use in _recorder.all_uses() if use.order >= self._first],
            _recorder.layers.refs,
            _patches.keras.values(),
            self._started,
            abstract=self.abstract,
        )

    def _still_open(self) -> list[Record]:
        """The part of unfinished trees that belongs to us, if something was built in it."""
        ours = [record for record in _recorder.open_records() if record.order >= self._first]
        return ours if is_build(ours) else []


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Have no garbage collected in the block: it makes many objects that stay, and no circle.

    Each round would look at all that the program holds. If it had collections off, they stay off.
    """
    if not gc.isenabled():
        yield
        return
    try:
        gc.disable()
        yield
    finally:
        gc.enable()


def _diagnose(trace: Trace) -> list[str]:
    """Put the findings into the trace that no comment ignores; says what hindered that."""
    try:
        found = diagnosis.diagnose(trace)
        trace.findings = suppress.keep(found, trace.index.source_code).findings
    except Exception as error:
        return [f"the diagnosis: {error!r}"]
    return []


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
        tracing.ended_by(error)
        raise
    finally:
        try:
            tracing.stop()
        except BaseException:  # Ctrl-C in the middle of it
            tracing.stop()
            raise
