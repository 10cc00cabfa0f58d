"""The open calls, per thread, and which trees of them are kept.

Every hook reports here: `begin` when a landmark starts, `end` or `fail` when it is over. A
thread's open calls are a stack; the call below is the parent. When the lowest one, the root,
is over, its tree is kept if there is evidence in it that something was built, and dropped
otherwise, so that the daily use of a built model leaves nothing behind.
"""

from __future__ import annotations

import itertools
import sys
import threading
from sys import getrecursionlimit, setrecursionlimit
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from buildtrace.capture import operations, readers, snapshot
from buildtrace.capture.lines import find_caller
from buildtrace.capture.models import Models
from buildtrace.capture.record import Probe, Record, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

HEADROOM = 30
"""Frames that our own reading may need on top of the traced program's."""

_MUTED: Any = object()
"""Stands for an open call that is no part of a build, such as a metric's `add_weight`."""


class Listener(Protocol):
    """Who wants the trees that are kept."""

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree, in order of start."""


class _Thread:
    """What is open in one thread.

    Attributes:
        stack: the open calls, the root first.
        waiting: the same, while the root is thought to build nothing.
        records: all calls of the root's tree so far, in order of start.
        kind: the type of what the root was called on.
        muted: how many calls are open that are not part of any build.
        listening: the call during which we hear of operations on concrete tensors.
        unlisten: ends that.
        number: the thread's number in traces.
    """

    __slots__ = (
        "kind",
        "listening",
        "muted",
        "number",
        "records",
        "stack",
        "unlisten",
        "waiting",
    )

    def __init__(self) -> None:
        self.stack: list[Record] = []
        self.waiting: list[Waiting] = []
        self.records: list[Record] = []
        self.kind: type = type(None)
        self.muted = 0
        self.listening: Record | None = None
        self.unlisten: Callable[[], None] = lambda: None
        self.number: int | None = None


class _Local(threading.local):
    def __init__(self) -> None:
        self.thread = _Thread()


class Recorder:
    """Collects the calls of all threads; the listeners get the trees that are kept.

    Attributes:
        listeners: replaced as a whole, never changed.
        layers: numbers the layers.
        models: the weights and graphs that were seen.
        opened: how many calls were recorded since the process began.
        latest: the last of them to start.
        problems: what could not be read, and why.
        hook_codes: the code of the functions whose frames are hooks.
    """

    def __init__(self) -> None:
        """With nothing recorded and nobody listening."""
        self.listeners: tuple[Listener, ...] = ()
        self.layers = snapshot.Numbers()
        self.models = Models(self.layers)
        self.opened = 0
        self.latest: Record | None = None
        self.problems: list[str] = []
        self.hook_codes: tuple[CodeType, ...] = ()
        self._local = _Local()
        self._open_trees: dict[int, list[Record]] = {}
        self._order = itertools.count()
        self._threads = itertools.count()
        self._settled: set[tuple[int | None, type]] = set()
        self._limit_lock = threading.Lock()
        self._limit_debt = 0

    def next_order(self) -> int:
        """A number that grows from call to call: later calls have a higher one."""
        return next(self._order)

    def open_records(self) -> list[Record]:
        """The calls, of all threads, whose trees are not over yet."""
        return [record for tree in list(self._open_trees.values()) for record in list(tree)]

    def forget(self) -> None:
        """Nobody listens any more: let go of all that was kept for a later trace."""
        self.layers = snapshot.Numbers()
        self.models = Models(self.layers)
        self.latest = None
        self._settled.clear()

    # -- what the hooks call ------------------------------------------------------------------

    def begin(self, probe: Probe, args: Any, kwargs: Any, frames: int = 1) -> Any:
        """A landmark starts. To be called by the hook itself, not by a helper of it.

        Args:
            probe: the hook's.
            args: positional arguments, self included.
            kwargs: keyword arguments.
            frames: how many frames of ours stay on the stack while the landmark runs.

        Returns:
            What `end` or `fail` needs; `None` if the call is none of our business.
        """
        thread = self._local.thread
        if thread.muted or not self.listeners:
            return None
        landmark = probe.landmark
        if thread.waiting:
            if not landmark.evidence:
                waiting = Waiting(probe, args, kwargs, perf_counter_ns())
                thread.waiting.append(waiting)
                return waiting
            self._wake(thread, sys._getframe(2))
        elif not thread.stack:
            if landmark.nested:
                return None
            if not landmark.evidence:
                kind = thread.kind = _kind_of_input(args)
                if (self.layers.known(args[0]), kind) in self._settled:
                    waiting = Waiting(probe, args, kwargs, perf_counter_ns())
                    thread.waiting.append(waiting)
                    return waiting
        if landmark.reads == "weight" and not probe.adapter.is_counted(args[0]):
            thread.muted += 1
            return _MUTED
        record = Record(probe, args, kwargs)
        with self._limit_lock:
            setrecursionlimit(getrecursionlimit() + HEADROOM)
        try:
            frame = sys._getframe(2)
            self._open(thread, record, frame if frames else frame.f_back)
            record.start = perf_counter_ns()
        finally:
            self._lower(HEADROOM - frames)
        return record

    def end(self, record: Any, result: Any = None, frames: int = 1) -> None:
        """The landmark of `record` is over, and returned `result`."""
        if type(record) is not Record:
            record = self._not_waiting(record)
            if record is None:
                return
            frames = 0  # when it woke, nobody raised the limit for it
        now = perf_counter_ns()
        with self._limit_lock:
            setrecursionlimit(getrecursionlimit() + HEADROOM)
        try:
            record.end = now
            try:
                record.probe.reader.close(record, result)
                if record.probe.landmark.reads == "weight":
                    self.models.add_weight(record, result)
            except Exception as error:  # odd objects of the user's: not the user's problem
                self._note_problem(record, error)
            self._close(record)
        finally:
            self._lower(HEADROOM + frames)

    def end_method(self, layer: Any) -> None:
        """The method of `layer` that ran without a frame of ours around it is over."""
        stack = self._local.thread.stack
        if stack and stack[-1].layer is layer and stack[-1].probe.landmark.scope is not None:
            self.end(stack[-1], frames=0)

    def fail(self, record: Any, error: BaseException, frames: int = 1) -> None:
        """The landmark of `record` was ended by `error`."""
        if type(record) is not Record:
            record = self._not_waiting(record)
            if record is None:
                return
            frames = 0
        with self._limit_lock:
            setrecursionlimit(getrecursionlimit() + HEADROOM)
        try:
            record.end = perf_counter_ns()
            record.error = snapshot.error_info(error)
            self._close(record)
        finally:
            self._lower(HEADROOM + frames)

    def convert_inputs(self, layer: Any, inputs: Any) -> None:
        """Keras turned the inputs of the layer that is running into these."""
        stack = self._local.thread.stack
        if stack and stack[-1].layer is layer:
            record = stack[-1]
            record.args = (layer, inputs, *record.args[2:])
            try:
                readers.follow_inside(record)
            except Exception as error:
                self._note_problem(record, error)
            self._listen(self._local.thread, record)

    def _operation_ran(self, kind: str, inputs: Any, outputs: Any) -> None:
        """A plain operation ran: is it between the layers of a model that we follow?"""
        stack = self._local.thread.stack
        if stack and stack[-1].flow is not None:
            try:
                stack[-1].flow.add_operation(kind, inputs, outputs)
            except Exception as error:
                self._note_problem(stack[-1], error)

    # -- opening ------------------------------------------------------------------------------

    def _open(self, thread: _Thread, record: Record, frame: FrameType | None) -> None:
        stack = thread.stack
        caller, met = find_caller(frame, self.hook_codes if stack else None)
        if stack and not met:
            # The parent's hook has left the stack of frames without saying so: it was
            # interrupted in the middle of its own work.
            self._abandon(thread)
        if stack:
            parent = record.parent = stack[-1]
            caller = caller or parent.caller
        else:
            if thread.number is None:
                thread.number = next(self._threads)
            self._open_trees[threading.get_ident()] = thread.records
        record.caller = caller
        record.thread = thread.number or 0
        record.order = self.next_order()
        stack.append(record)
        thread.records.append(record)
        self.opened += 1
        self.latest = record
        try:
            layer = record.layer = record.probe.reader.layer_of(record)
            if layer is not None:
                record.ref = snapshot.layer_ref(layer, self.layers.number(layer))
                record.before = record.probe.adapter.state(layer)
            record.probe.reader.open(record)
            if record.probe.landmark.name == "Layer.build":
                self.models.adopt_weights(record, None)
        except Exception as error:
            self._note_problem(record, error)
        self._listen(thread, record)

    def _listen(self, thread: _Thread, record: Record) -> None:
        """Hear of operations while a layer that we look inside runs on concrete tensors."""
        if thread.listening is not None:
            return
        for owner in (record, record.parent):
            if owner is not None and owner.flow is not None and owner.flow.audible is not None:
                thread.listening = owner
                thread.unlisten = operations.listen(self._operation_ran, owner.flow.audible)
                owner.flow.audible = None
                return

    def _wake(self, thread: _Thread, frame: FrameType) -> None:
        """Something is built after all, inside of calls that were thought to build nothing."""
        waiting = thread.waiting[:]
        thread.waiting.clear()
        self._settled.discard((self.layers.known(waiting[0].args[0]), thread.kind))
        for call in waiting:
            call.record = Record(call.probe, call.args, call.kwargs)
            self._open(thread, call.record, frame)
            call.record.start = call.start

    # -- closing ------------------------------------------------------------------------------

    def _not_waiting(self, call: Any) -> Record | None:
        """The record of a call that was waiting, if it woke; `None` if that is the end of it."""
        thread = self._local.thread
        if call is _MUTED:
            thread.muted -= 1
            return None
        if call.record is None:
            while thread.waiting and thread.waiting.pop() is not call:
                pass
        record: Record | None = call.record
        return record

    def _close(self, record: Record) -> None:
        thread = self._local.thread
        stack = thread.stack
        if not stack or stack[-1] is not record:
            if record not in stack:
                return  # its tree was given up
            while stack[-1] is not record:  # was interrupted before it could say that it ended
                self._finish(thread, stack.pop())
        if record.layer is not None:
            try:
                self._note_state(record)
            except Exception as error:
                self._note_problem(record, error)
        stack.pop()
        self._finish(thread, record)
        if not stack:
            self._close_tree(thread)

    def _note_state(self, record: Record) -> None:
        layer = record.layer
        if record.ref is None or not record.ref.name:  # inside __init__ it had no name yet
            record.ref = snapshot.layer_ref(layer, self.layers.number(layer))
        record.after = record.probe.adapter.state(layer)
        if record.probe.landmark.name == "Layer.build":
            self.models.adopt_weights(record, record)

    def _finish(self, thread: _Thread, record: Record) -> None:
        """From here on the record holds no tensor; the layer stays until the tree is over."""
        record.end = record.end or perf_counter_ns()
        if thread.listening is record:
            thread.listening = None
            thread.unlisten()
        if record.flow is not None:
            self.models.note_flow(record)
        record.args = record.kwargs = record.flow = record.sources = None

    def _close_tree(self, thread: _Thread) -> None:
        records, thread.records = thread.records, []
        self._open_trees.pop(threading.get_ident(), None)
        root = records[0]
        if has_evidence(records):
            thread.muted += 1  # reading a model may run code of the user's
            try:
                self.models.close_tree(records)
            except Exception as error:
                self._note_problem(root, error)
            finally:
                thread.muted -= 1
            for listener in self.listeners:
                listener.add(records)
        elif root.ref is not None and thread.kind is not type(None):
            self._settled.add((root.ref.id, thread.kind))
        for record in records:
            record.layer = None

    def _abandon(self, thread: _Thread) -> None:
        while thread.stack:
            self._finish(thread, thread.stack.pop())
        if thread.records:
            self._close_tree(thread)

    # -- helpers ------------------------------------------------------------------------------

    def _note_problem(self, record: Record, error: Exception) -> None:
        self.problems.append(f"{record.function.name}: {error!r}")

    def _lower(self, frames: int) -> None:
        """Lower the recursion limit again; what cannot be lowered yet is lowered later."""
        with self._limit_lock:
            frames += self._limit_debt
            try:
                setrecursionlimit(getrecursionlimit() - frames)
                self._limit_debt = 0
            except RecursionError:  # we are too deep for the lower limit at this very moment
                self._limit_debt = frames


def has_evidence(records: list[Record]) -> bool:
    """Whether something was built in this tree."""
    return any(record.probe.landmark.evidence for record in records)


def _kind_of_input(args: Any) -> type:
    """The type of the first tensor that a layer was called on."""
    leaf = args[1] if len(args) > 1 else None
    while isinstance(leaf, (list, tuple, dict)) and leaf:
        leaf = next(iter(leaf.values() if isinstance(leaf, dict) else leaf))
    return type(leaf)
