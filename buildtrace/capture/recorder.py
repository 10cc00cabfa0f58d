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
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from buildtrace.capture import operations, readers, snapshot
from buildtrace.capture.lines import find_caller
from buildtrace.capture.models import Models
from buildtrace.capture.record import Probe, Record

if TYPE_CHECKING:
    from types import CodeType, FrameType

HEADROOM = 30
"""Frames that our own reading may need on top of the traced program's."""


_MUTED: Any = object()
"""Stands for an open call that is no part of a build, such as a metric's `add_weight`."""


class Listener(Protocol):
    """Who wants the trees that are kept."""

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree, in order of start."""


class _Thread(threading.local):
    """What is open in this thread.

    Attributes:
        stack: the open calls, the root first.
        records: all calls of the root's tree so far, in order of start.
        quiet: the root is known to build nothing: only the stack is kept.
        kind: the type of what the root was called on.
        muted: how many calls are open that are not part of any build.
        listening: the call during which we hear of TensorFlow's eager operations.
        number: the thread's number in traces, once it has one.
    """

    def __init__(self) -> None:
        self.stack: list[Record] = []
        self.records: list[Record] = []
        self.quiet = False
        self.kind: type = type(None)
        self.muted = 0
        self.listening: Record | None = None
        self.number: int | None = None


class Recorder:
    """Collects the calls of all threads; the listeners get the trees that are kept."""

    def __init__(self) -> None:
        """With nothing recorded and nobody listening."""
        self.listeners: tuple[Listener, ...] = ()
        self.layers = snapshot.Numbers()
        self.models = Models(self.layers)
        self.opened = 0
        self.latest: Record | None = None
        self.problems: list[str] = []
        self.hook_codes: list[CodeType] = []
        self._local = _Thread()
        self._open_trees: dict[int, list[Record]] = {}
        self._order = itertools.count()
        self._threads = itertools.count()
        self._settled: set[tuple[int | None, type]] = set()
        self._listener = self._operation_ran  # one object: TensorFlow removes it by identity
        self._limit_lock = threading.Lock()
        self._limit_debt = 0

    @property
    def order(self) -> int:
        """Grows from call to call: what is recorded from now on has this order or a later one."""
        return next(self._order)

    def open_records(self) -> list[Record]:
        """The calls, of all threads, whose trees are not over yet."""
        return [record for tree in list(self._open_trees.values()) for record in list(tree)]

    # -- what the hooks call ------------------------------------------------------------------

    def begin(self, probe: Probe, args: Any, kwargs: Any, frames: int = 1) -> Record | None:
        """A landmark starts. To be called by the hook itself, not by a helper of it.

        Args:
            probe: the hook's.
            args: positional arguments, self included.
            kwargs: keyword arguments.
            frames: how many frames of ours stay on the stack while the landmark runs.

        Returns:
            What `end` or `fail` needs; `None` if the call is none of our business.
        """
        local = self._local
        landmark = probe.landmark
        if local.muted:
            return None
        if not local.stack:
            if landmark.nested:
                return None
            local.kind = _kind_of_input(args)
            local.quiet = not landmark.evidence and self._is_settled(args[0], local.kind)
        elif local.quiet and landmark.evidence:
            self._wake(sys._getframe(2))
        if landmark.reads == "weight" and not probe.adapter.is_counted(args[0]):
            local.muted += 1
            return _MUTED
        record = Record(probe, args, kwargs, perf_counter_ns())
        if local.quiet:
            local.stack.append(record)
            return record
        with self._limit_lock:
            sys.setrecursionlimit(sys.getrecursionlimit() + HEADROOM)
        try:
            frame = sys._getframe(2)
            self._open(record, frame if frames else frame.f_back)
        finally:
            self._lower(HEADROOM - frames)
        return record

    def end(self, record: Record, result: Any = None, frames: int = 1) -> None:
        """The landmark of `record` is over, and returned `result`."""
        if record is _MUTED or record.order < 0:
            self._drop(record)
            return
        with self._limit_lock:
            sys.setrecursionlimit(sys.getrecursionlimit() + HEADROOM)
        try:
            record.end = perf_counter_ns()
            self._read(readers.close_call, record, result)
            if record.probe.landmark.reads == "weight":
                self._read(self.models.add_weight, record, result)
            self._close(record)
        finally:
            self._lower(HEADROOM + frames)

    def end_method(self, layer: Any) -> None:
        """The method of `layer` that ran without a frame of ours around it is over."""
        stack = self._local.stack
        if stack and stack[-1].layer is layer and stack[-1].probe.landmark.scope is not None:
            self.end(stack[-1], frames=0)

    def fail(self, record: Record, error: BaseException, frames: int = 1) -> None:
        """The landmark of `record` was ended by `error`."""
        if record is _MUTED or record.order < 0:
            self._drop(record)
            return
        with self._limit_lock:
            sys.setrecursionlimit(sys.getrecursionlimit() + HEADROOM)
        try:
            record.end = perf_counter_ns()
            record.error = snapshot.error_info(error)
            self._close(record)
        finally:
            self._lower(HEADROOM + frames)

    def convert_inputs(self, layer: Any, inputs: Any) -> None:
        """Keras turned the inputs of the layer that is running into these."""
        stack = self._local.stack
        if stack and stack[-1].order >= 0 and stack[-1].layer is layer:
            record = stack[-1]
            record.args = (layer, inputs, *record.args[2:])
            self._read(readers.follow_inside, record)
            self._listen(record)

    def _operation_ran(
        self, kind: str, inputs: Any, _attributes: Any, outputs: Any, graph: Any = None, **_: Any
    ) -> None:
        """TensorFlow ran an operation: is it between the layers of a model that we follow?"""
        stack = self._local.stack
        if graph is None and stack and stack[-1].order >= 0 and stack[-1].flow is not None:
            self._read(stack[-1].flow.add_operation, kind, inputs, outputs)

    # -- opening ------------------------------------------------------------------------------

    def _open(self, record: Record, frame: FrameType | None) -> None:
        local = self._local
        stack = local.stack
        caller, met = find_caller(frame, self._is_hook if stack else None)
        if stack and not met:
            # The parent's hook has left the stack of frames without saying so: it was
            # interrupted in the middle of its own work.
            self._abandon()
        if stack:
            record.parent = stack[-1]
            caller = caller or record.parent.caller
        elif local.number is None:
            local.number = next(self._threads)
        record.caller = caller
        record.thread = local.number or 0
        record.order = next(self._order)
        stack.append(record)
        if len(stack) == 1:
            self._open_trees[threading.get_ident()] = local.records
        local.records.append(record)
        self._read(self._identify, record)
        self._read(readers.open_call, record)
        self._listen(record)
        self.opened += 1
        self.latest = record

    def _listen(self, record: Record) -> None:
        """Hear of TensorFlow's operations while a layer that we look inside runs on data."""
        if record.flow is not None and self._local.listening is None:
            self._local.listening = record
            operations.listen(self._listener)

    def _identify(self, record: Record) -> None:
        layer = record.layer = readers.layer_of(record)
        if layer is None:
            return
        record.ref = snapshot.layer_ref(layer, self.layers.number(layer))
        record.before = record.probe.adapter.state(layer)

    def forget(self) -> None:
        """Nobody listens any more: let go of all that was kept for a later trace."""
        self.layers = snapshot.Numbers()
        self.models = Models(self.layers)
        self.latest = None
        self._settled.clear()

    def _is_settled(self, layer: Any, kind: type) -> bool:
        """Whether this layer was called on the like before, and nothing was built."""
        return (self.layers.known(layer), kind) in self._settled

    def _wake(self, frame: FrameType) -> None:
        """Something is built after all, inside of calls that were thought to build nothing."""
        local = self._local
        waiting = local.stack[:]
        local.stack.clear()
        local.quiet = False
        self._settled.discard((self.layers.known(waiting[0].args[0]), local.kind))
        for record in waiting:
            self._open(record, frame)

    # -- closing ------------------------------------------------------------------------------

    def _close(self, record: Record) -> None:
        local = self._local
        if record not in local.stack:
            return  # its tree was given up
        while local.stack[-1] is not record:
            self._finish(local.stack.pop())  # was interrupted before it could say that it ended
        if record.layer is not None:
            self._read(self._note_state, record)
        local.stack.pop()
        self._finish(record)
        if not local.stack:
            self._close_tree()

    def _note_state(self, record: Record) -> None:
        record.ref = snapshot.layer_ref(record.layer, self.layers.number(record.layer))
        record.after = record.probe.adapter.state(record.layer)
        if record.probe.landmark.step == "build":
            self.models.adopt_weights(record)

    def _finish(self, record: Record) -> None:
        """From here on the record holds no tensor; the layer stays until the tree is over."""
        record.end = record.end or perf_counter_ns()
        if self._local.listening is record:
            self._local.listening = None
            operations.unlisten(self._listener)
        if record.flow is not None:
            self.models.note_flow(record)
        record.args = record.kwargs = record.flow = record.sources = None

    def _close_tree(self) -> None:
        local = self._local
        records, local.records = local.records, []
        self._open_trees.pop(threading.get_ident(), None)
        root = records[0]
        if has_evidence(records):
            local.muted += 1  # reading a model may run code of the user's
            try:
                self._read(self.models.close_tree, records)
            finally:
                local.muted -= 1
            for listener in self.listeners:
                listener.add(records)
        elif root.ref is not None and local.kind is not type(None):
            self._settled.add((root.ref.id, local.kind))
        for record in records:
            record.layer = None

    def _drop(self, record: Record) -> None:
        """A call of a quiet tree is over."""
        if record is _MUTED:
            self._local.muted -= 1
            return
        stack = self._local.stack
        if record in stack:
            del stack[stack.index(record) :]

    def _abandon(self) -> None:
        local = self._local
        while local.stack:
            self._finish(local.stack.pop())
        if local.records:
            self._close_tree()

    # -- helpers ------------------------------------------------------------------------------

    def _read(self, reader: Any, record: Any, *more: Any) -> None:
        """Run a reader; whatever is odd about the user's objects must not reach the user."""
        try:
            reader(record, *more)
        except Exception as error:
            self.problems.append(f"{getattr(reader, '__name__', reader)}: {error!r}")

    def _lower(self, frames: int) -> None:
        """Lower the recursion limit again; what cannot be lowered yet is lowered later."""
        with self._limit_lock:
            frames += self._limit_debt
            try:
                sys.setrecursionlimit(sys.getrecursionlimit() - frames)
                self._limit_debt = 0
            except RecursionError:  # we are too deep for the lower limit at this very moment
                self._limit_debt = frames

    def _is_hook(self, code: CodeType) -> bool:
        return any(code is hook for hook in self.hook_codes)


def has_evidence(records: list[Record]) -> bool:
    """Whether something was built in this tree."""
    return any(record.probe.landmark.evidence for record in records)


def _kind_of_input(args: Any) -> type:
    """The type of the first tensor that a layer was called on."""
    leaf = args[1] if len(args) > 1 else None
    while isinstance(leaf, (list, tuple, dict)) and leaf:
        leaf = next(iter(leaf.values() if isinstance(leaf, dict) else leaf))
    return type(leaf)
