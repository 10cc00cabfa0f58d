"""The open calls, per thread, and which trees of them are kept.

Every hook reports here: `begin` when a landmark starts, `end` when it is over. A
thread's open calls are a stack; the call below is the parent. When the lowest one, the root,
is over, its tree is kept if something was built in it, and dropped
otherwise, so that the daily use of a built model leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from buildtrace.capture import (
    file_contents,
    loading,
    operations,
    readers,
    replicas,
    snapshot,
    unfinished,
)
from buildtrace.capture.built_models import Models
from buildtrace.capture.callers import find_caller, find_first_caller, is_in
from buildtrace.capture.constructors import constructor_records
from buildtrace.capture.fits import Fits
from buildtrace.capture.given_targets import GivenTargets
from buildtrace.capture.gradients import Gradients
from buildtrace.capture.inputs import Inputs
from buildtrace.capture.journaling import asked_weight
from buildtrace.capture.limit import RecursionLimit
from buildtrace.capture.raised import error_info
from buildtrace.capture.record import HookedLandmark, Local, Record, TentativeCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType, FrameType

    from buildtrace.capture.callers import Caller
    from buildtrace.capture.journaling import Journal
    from buildtrace.capture.record import Listener, Thread, UseRecord
    from buildtrace.generations import Landmark

_MUTED: Any = object()
"""Stands for an open call that is no part of a build, such as a metric's `add_weight`."""

_MANY = 100
"""Failing calls without anything built in them, from which on they are not recorded any more."""


class Recorder:
    """Collects the calls of all threads; the listeners get the trees that are kept.

    Attributes:
        listeners: replaced as a whole, never changed.
        layers: numbers the layers.
        models: the weights and graphs that were seen.
        given_targets: those that the running dry fits were given.
        uses: of models, by functions that are no landmarks.
        fits: what the models' `fit` was made for.
        gradients: what optimizers are given.
        inputs: looks at what models are given.
        problems: what could not be read, and why.
        hook_codes: the code of the functions whose frames are hooks, by its id.
        limit: Python's, of recursion.
        constructors: what stands for the constructors of layers, by package of Keras.
        journal: where the making of weights is written down; `None` for nowhere.
    """

    def __init__(self) -> None:
        self.listeners: tuple[Listener, ...] = ()
        self.layers = snapshot.Layers()
        self.given_targets = GivenTargets()
        self.models = Models(self.layers, self.given_targets)
        self.uses: list[UseRecord] = []
        self.fits = Fits()
        self.gradients = Gradients()
        self.inputs = Inputs()
        self.problems: list[str] = []
        self.hook_codes: Mapping[int, CodeType] = {}
        self.limit = RecursionLimit()
        self.constructors: dict[str, HookedLandmark] = {}
        self.journal: Journal | None = None
        self._local = Local()
        self._open_trees: dict[int, list[Record]] = {}
        self._order = itertools.count()
        self._threads = itertools.count()
        self._settled: set[tuple[int | None, type | Landmark]] = set()
        self._failures: set[tuple[int | None, str, str]] = set()

    def next_order(self) -> int:
        """A number that grows from call to call: later calls have a higher one."""
        return next(self._order)

    def all_uses(self) -> list[UseRecord]:
        """The uses that were noted, and those that are told by what came after, in order."""
        uses = [*self.uses, *self.models.preprocessing.uses(), *self.models.leaks]
        return sorted(uses, key=lambda use: use.order)

    def open_records(self) -> list[Record]:
        """The calls, of all threads, whose trees are not over yet."""
        return [record for tree in list(self._open_trees.values()) for record in list(tree)]

    def read_rest(self, open_records: list[Record]) -> None:
        """Read what was left for the end: models, and the layers of calls that are still open."""
        thread = self._local.thread
        thread.muted += 1  # reading a model may run code of the user's
        try:
            self.problems += self.models.read_rest()
        except Exception as error:
            self.problems.append(f"a model: {error!r}")
        finally:
            thread.muted -= 1
        for record in open_records:
            if record.layer is not None and record.number is not None:
                self.layers.read(record.layer, record.number)

    def forget(self) -> None:
        """Let go of all that was kept for a later trace, as nobody listens any more."""
        thread = self._local.thread
        if not find_caller(sys._getframe(1), self.hook_codes)[1]:
            self._abandon(thread)
        thread.ends.clear()
        with self.limit.lock:  # the ends of what is still open may go by unseen from now on
            self._open_trees.clear()
            self.limit.restore()
        self.layers = snapshot.Layers()
        self.models = Models(self.layers, self.given_targets)
        self.uses = []
        self.fits.forget()
        self.gradients.forget()
        self.inputs.forget()
        self._settled.clear()
        self._failures.clear()

    @contextlib.contextmanager
    def muted(self, what: str) -> Iterator[None]:
        """A block in which this thread records nothing; what goes wrong in it is a problem."""
        thread = self._local.thread
        thread.muted += 1
        try:
            yield
        except Exception as error:
            self.problems.append(f"{what}: {error!r}")
        finally:
            thread.muted -= 1

    # -- what the hooks call ------------------------------------------------------------------

    def begin(
        self,
        hooked: HookedLandmark,
        args: Any,
        kwargs: Any,
        caller: FrameType | None = None,
    ) -> Any:
        """Record that a landmark starts. To be called by the hook itself, not by a helper of it.

        Args:
            hooked: the landmark, as its hook knows it.
            args: positional arguments, self included.
            kwargs: keyword arguments.
            caller: the frame that runs the landmark, if it is not the hook's caller.

        Returns:
            What `end` needs; `None` if the call is none of our business.
        """
        thread = self._local.thread
        if thread.muted:
            return None
        # Is it a part of a build, as far as can be told now?
        stack = thread.stack
        if hooked.of_loading:
            if not loading.is_told(hooked, args, kwargs, stack):
                return None
        elif hooked.nested and stack and stack[-1].hooked.of_loading:
            return None  # a variable of no layer: the seed of a Dropout, an optimizer's steps
        if not stack:
            if not self.listeners:
                return None
            if thread.is_replica and not thread.joined:
                self._join(thread)
            if thread.around is None:
                waiting = self._at_bottom(thread, hooked, args, kwargs)
                if waiting is not None:
                    return waiting
                if thread.tentative:
                    self._wake(thread)
                elif hooked.nested:
                    return None
        if hooked.makes_weight and args and isinstance(args[0], hooked.adapter.uncounted):
            thread.muted += 1
            return _MUTED
        # All in one function from here on, and the record made in one go: while Keras builds,
        # caches are cold, and each further function, or attribute that is set, costs about as much
        # as what it does.
        try:
            # Which layer is it about?
            layer = number = None
            if hooked.layer_of is None:
                layer = args[0] if args else kwargs.get("self")
            elif not hooked.tells_nothing:
                try:
                    layer = hooked.layer_of(hooked, args, kwargs)
                except Exception as error:
                    self._note_problem(hooked, error)
            # Which call is it in, and from which line of the user's?
            parent, code, instruction = stack[-1] if stack else None, None, 0
            if parent is not None and parent.hooked.makes_variable and not parent.end:
                # Keras' own code, and much of it: the line is that of the weight.
                line = parent.caller
            else:
                frame = caller or sys._getframe(2)
                back = frame.f_back if frame.f_code is hooked.between else frame
                if (
                    parent is not None
                    and back is not None
                    and back.f_code is parent.hooked.code
                    and not parent.end
                ):  # the parent's function made the call, as it mostly does
                    line = parent.caller
                    code, instruction = back.f_code, back.f_lasti
                else:
                    parent, line, code, instruction = self._find_parent(thread, hooked, frame)
            if parent is None:
                self._open_tree(thread)
            # Put its record on the stack.
            if layer is not None:
                if parent is not None and parent.layer is layer:
                    number = parent.number
                else:
                    number = self.layers.number(layer)
            record = Record(
                hooked,
                args,
                kwargs,
                thread,
                perf_counter_ns(),
                0,  # its end
                next(self._order),
                code,
                instruction,
                parent,
                layer,
                number,
                line,
            )
            stack.append(record)
            thread.records.append(record)
            # Read what goes in.
            if not hooked.tells_nothing:
                try:
                    if hooked.reads_state and layer is not None:
                        record.before = hooked.adapter.state(layer)
                    if hooked.open is not None:
                        hooked.open(record)
                    if hooked.calls_layer and (parent is None or (args and type(args[-1]) is dict)):
                        self.inputs.note_call(record, self)
                    if hooked.builds:
                        self.models.adopt_weights(record, None)
                    elif hooked.of_training:
                        self.models.held.open(record)
                except Exception as error:
                    self._note_problem(hooked, error)
                if record.flow is not None or (parent is not None and parent.flow is not None):
                    self._listen(thread, record)
                if self.journal is not None and hooked.makes_weight:
                    self._note_begun(self.journal, record)
                record.start = perf_counter_ns()
        except BaseException:
            thread.interrupted = True
            raise
        return record

    def begin_inherited(self, hooked: HookedLandmark, args: Any, kwargs: Any) -> Any:
        """As `begin`, for a method that is seen by the context that Keras runs it in as well.

        There it may have got a decorator since it was hooked. It is not another call then.
        """
        stack = self._local.thread.stack
        if stack and args and stack[-1].layer is args[0] and not hooked.is_decorated:
            around = stack[-1].hooked
            if around.is_decorated and around.function == hooked.function:
                return None
        return self.begin(hooked, args, kwargs, sys._getframe(2))

    def end(self, record: Any, result: Any = None, error: BaseException | None = None) -> None:
        """Record that the landmark of `record` returned `result`, or was ended by `error`."""
        now = perf_counter_ns()
        if type(record) is not Record:
            record = self._end_tentative(record, error)
            if record is None:
                return
        thread, hooked = record.thread, record.hooked
        stack = thread.stack
        try:
            if error is not None:
                self._note_error(record, error, now)
            record.end = now
            try:
                if error is None:
                    if hooked.close is not None:
                        hooked.close(record, result)
                    if hooked.makes_weight:
                        self.models.add_weight(record, result)
                        if self.journal is not None:
                            self.journal.end(record)
                    elif hooked.of_training:
                        self.models.held.close(record, result)
                    elif hooked.of_loading:
                        self._note_loaded(record)
            except Exception as problem:  # odd objects of the user's: not the user's problem
                self._note_problem(hooked, problem)
            finally:
                if (
                    stack
                    and stack[-1] is record
                    and record.flow is None
                    and thread.listening is not record
                ):  # as mostly
                    if hooked.reads_state:
                        self._read_state(record)
                    record.args = record.kwargs = None
                    if record.sources is not None:
                        record.sources = None
                    stack.pop()
                    if not stack:
                        unfinished.keep_end(record, result)
                        self._close_tree(thread)
                else:
                    self._close(thread, record)
        except RecursionError:  # no room to say so: the next call further out says it for both
            thread.interrupted = True
        except BaseException:
            thread.interrupted = True
            raise

    def is_loading(self) -> bool:
        """Whether what runs in this thread is a part of loading a file."""
        return any(record.hooked.of_loading for record in self._local.thread.stack)

    def end_method(self, layer: Any) -> None:
        """Record the end of a method of `layer` that ran without a frame of ours around it."""
        stack = self._local.thread.stack
        if stack and stack[-1].layer is layer and stack[-1].hooked.landmark.scope is not None:
            self.end(stack[-1])

    def convert_inputs(self, layer: Any, inputs: Any) -> None:
        """Take over what Keras turned the inputs of the running layer into."""
        thread = self._local.thread
        stack = thread.stack
        if stack and stack[-1].layer is layer:
            record = stack[-1]
            record.args = (layer, inputs, *record.args[2:])
            try:
                readers.follow_inside(record)
            except Exception as error:
                self._note_problem(record.hooked, error)
            self._listen(thread, record)

    def _operation_ran(self, kind: str, inputs: Any, outputs: Any) -> None:
        """Add a plain operation that ran to the flow of the model that we follow, if we do."""
        stack = self._local.thread.stack
        if stack and stack[-1].flow is not None:
            try:
                stack[-1].flow.add_operation(kind, inputs, outputs)
            except Exception as error:
                self._note_problem(stack[-1].hooked, error)

    # -- opening ------------------------------------------------------------------------------

    def _at_bottom(
        self, thread: Thread, hooked: HookedLandmark, args: Any, kwargs: Any
    ) -> TentativeCall | None:
        """Let a call with no recorded one around it wait, if it is not likely to build anything."""
        if hooked.means_build:
            return None
        if not thread.tentative:
            if hooked.nested:
                return None
            kind = thread.kind = (
                hooked.landmark if hooked.of_training else readers.kind_of_input(args)
            )
            if not self._settled or not args:
                return None
            if (self.layers.known(args[0]), kind) not in self._settled:
                return None
        waiting = TentativeCall(hooked, args, kwargs, perf_counter_ns())
        thread.tentative.append(waiting)
        return waiting

    def _find_parent(
        self, thread: Thread, hooked: HookedLandmark, frame: FrameType
    ) -> tuple[Record | None, Caller | None, CodeType | None, int]:
        """Find the call that a new one is in.

        Returns:
            That call; the user's line that leads to the new one; the code that makes it, of the
            function of the call that it is in, and where in that.
        """
        stack = thread.stack
        while stack and stack[-1].end:  # was interrupted while it ended
            self._close(thread, stack[-1])
        if not stack:
            return thread.around, find_first_caller(frame) or thread.caller, *thread.at
        parent = stack[-1]
        around, function = parent.hooked, parent.hooked.function
        if is_in(frame, function.file, function.line):
            around.code = frame.f_code  # so that we need not look further the next time
            return parent, parent.caller, frame.f_code, frame.f_lasti
        caller, met, instruction = find_caller(frame, self.hook_codes, function.file, function.line)
        if not met:
            # The parent's hook has left the stack of frames without saying so: it was
            # interrupted in the middle of its own work.
            self._abandon(thread)
            return None, caller, None, 0
        back = frame.f_back if caller is None else None
        if back is not None and is_in(back, function.file, function.line):
            hooked.between, around.code = frame.f_code, back.f_code
        return parent, caller or parent.caller, *(instruction or (None, 0))

    def _join(self, thread: Thread) -> None:
        """Find out what the thread of a replica is a part of: the thread that waits for it."""
        thread.joined = True
        starter = replicas.starter()
        if starter is None:
            return
        tree = self._open_trees.get(starter.ident, [])
        own = (record for record in reversed(tree) if record.thread is tree[0].thread)
        around = next((record for record in own if not record.end), None)
        if around is None:
            thread.caller = find_first_caller(starter.frame)
            return
        function = around.hooked.function
        line, met, at = find_caller(starter.frame, self.hook_codes, function.file, function.line)
        if met:
            thread.around, thread.records = around, tree
            thread.caller, thread.at = line or around.caller, at or (None, 0)
            thread.number = next(self._threads)

    def _leave(self, thread: Thread, around: Record) -> None:
        """End what a replica's thread was to the tree of calls that it is a part of."""
        if thread.listening is not None:
            thread.unlisten()
            thread.listening = None
        if thread.error is not None:  # it goes on to the thread that waits
            around.thread.error, around.thread.told = thread.error, thread.told
            thread.error = None

    def _open_tree(self, thread: Thread) -> None:
        if thread.number is None:
            thread.number = next(self._threads)
        if thread.interrupted:
            self._make_good(thread)
        with self.limit.lock:
            self.limit.double()
            self._open_trees[threading.get_ident()] = thread.records

    def _drop_tree(self) -> None:
        """Count the tree of this thread as open no more."""
        with self.limit.lock:
            self._open_trees.pop(threading.get_ident(), None)
            if not self._open_trees:
                self.limit.restore()

    def _listen(self, thread: Thread, record: Record) -> None:
        """Hear of operations while a layer that we look inside runs on concrete tensors."""
        if thread.listening is not None:
            return
        for owner in (record, record.parent):
            if owner is not None and owner.flow is not None and owner.flow.audible is not None:
                start, thread.unlisten = operations.listen(self._operation_ran, owner.flow.audible)
                owner.flow.audible = None
                thread.listening = owner
                start()
                return

    def _wake(self, thread: Thread) -> None:
        """Record the calls that were thought to build nothing: something is built in them."""
        waiting = thread.tentative[:]
        thread.tentative.clear()
        self._settled.discard((self.layers.known(waiting[0].args[0]), thread.kind))  # the root's
        callers = _callers(sys._getframe(2), self.hook_codes)
        for call in waiting:
            caller = callers.get(id(call))
            record = call.record = self.begin(call.hooked, call.args, call.kwargs, caller=caller)
            record.start = call.start

    # -- closing ------------------------------------------------------------------------------

    def _end_tentative(self, call: Any, error: BaseException | None) -> Record | None:
        """The record of a call that was waiting, if it woke; `None` if that is the end of it."""
        thread = self._local.thread
        if call is _MUTED:
            thread.muted -= 1
            return None
        if error is not None and call in thread.tentative and self.listeners:
            self._wake(thread)  # nothing is built, but what led to an exception is wanted
        if call.record is None:
            while thread.tentative and thread.tentative.pop() is not call:
                pass
        record: Record | None = call.record
        return record

    def _close(self, thread: Thread, record: Record) -> None:
        stack = thread.stack
        if not stack or stack[-1] is not record:
            if record not in stack:
                return  # its tree was given up
            thread.interrupted = True
            while stack[-1] is not record:  # could not say that it ended: interrupted, or too deep
                inner = stack.pop()
                inner.error = inner.error or record.error
                self._finish(thread, inner, record.end)
        if record.hooked.reads_state:
            self._read_state(record)
        stack.pop()
        try:
            self._finish(thread, record, record.end)
        finally:
            if not stack:
                self._close_tree(thread)

    def _read_state(self, record: Record) -> None:
        """Read what a call has made of its layer."""
        layer, hooked = record.layer, record.hooked
        if layer is None:
            return
        try:
            record.after = hooked.adapter.state(layer)
            if hooked.builds:
                self.models.adopt_weights(record, record)
        except Exception as error:
            self._note_problem(hooked, error)

    def _finish(self, thread: Thread, record: Record, end: int) -> None:
        """From here on the record holds no tensor; the layer stays until the tree is over."""
        record.end = record.end or end
        if thread.listening is record:
            thread.unlisten()
            thread.listening = None
        if record.flow is not None:
            self.models.note_flow(record)
        record.args = record.kwargs = record.flow = record.sources = None

    def _close_tree(self, thread: Thread) -> None:
        if thread.around is not None:
            self._leave(thread, thread.around)
            return
        records, root, kept = thread.records, thread.records[0], True
        try:
            kept = is_build(records) or self._failed_anew(root)
            if kept:
                self._read_models(thread, records)
            else:
                self._note_runs(thread, records)
                number = root.number if root.holder is None else root.holder
                if number is not None and thread.kind is not type(None):
                    self._settled.add((number, thread.kind))
        finally:
            if kept:  # even if this was interrupted; if this is as well, all is done again
                for listener in self.listeners:
                    listener.add(records)
            thread.records = []
            thread.error = None
            self._drop_tree()
            for record in records:
                record.layer = None

    def _failed_anew(self, root: Record) -> bool:
        """Whether a call failed, and not as it has before: a program may try again and again."""
        if root.error is None:
            return False
        failure = root.number, root.error.type, root.error.message
        is_new = failure not in self._failures and len(self._failures) < _MANY
        if is_new:
            self._failures.add(failure)
        return is_new

    def _read_models(self, thread: Thread, records: list[Record]) -> None:
        thread.muted += 1  # reading a model may run code of the user's
        try:
            self.models.close_tree(records)
            self._note_calls(thread, records)
        except Exception as error:
            self._note_problem(records[0].hooked, error)
        finally:
            thread.muted -= 1

    def _note_runs(self, thread: Thread, records: list[Record]) -> None:
        thread.muted += 1
        try:
            self.models.states.note_runs(records)
            self._note_calls(thread, records)
        except Exception as error:
            self._note_problem(records[0].hooked, error)
        finally:
            thread.muted -= 1

    def _note_calls(self, thread: Thread, records: list[Record]) -> None:
        kind = thread.kind if isinstance(thread.kind, type) else type(None)
        self.models.preprocessing.note(records, kind)

    def _abandon(self, thread: Thread) -> None:
        """End all that seems to be open in this thread: it is not any more."""
        thread.interrupted |= bool(thread.stack)
        now = perf_counter_ns()
        while thread.stack:
            self._finish(thread, thread.stack.pop(), now)
        thread.tentative.clear()
        thread.muted = 0
        thread.error = None
        if thread.interrupted:
            self._make_good(thread)

    def _make_good(self, thread: Thread) -> None:
        """Do what is left of our own work, as it was interrupted."""
        if thread.listening is not None:
            thread.unlisten()
            thread.listening = None
        if thread.records:
            self._close_tree(thread)
        self._drop_tree()
        thread.interrupted = False

    # -- helpers ------------------------------------------------------------------------------

    def _note_error(self, record: Record, error: BaseException, now: int) -> None:
        thread = record.thread
        record.error = error_info(error, thread.told if thread.error is error else None)
        try:
            given = record.args, record.kwargs
            record.foreign = snapshot.foreign_classes(given, record.hooked.adapter.package)
            if record.hooked.of_loading:
                loading.take_made(record)
                self._note_unread(record, error)
            if record.hooked.makes_weight:
                self.models.distributions.note_failed(record)
                record.asked = asked_weight(record)
            if record.hooked.makes_graph:
                self.models.note_failed(record)
            else:
                unfinished.note_failed(self.models, record)
            if thread.error is not error:
                thread.error, thread.told = error, record.error
                self._add_constructors(thread, error, record.hooked.adapter.package, record, now)
        except Exception as problem:
            self._note_problem(record.hooked, problem)

    def _add_constructors(
        self, thread: Thread, error: BaseException, package: str, parent: Record | None, now: int
    ) -> list[Record]:
        """Add the constructors of layers that an exception came out of, with no hook to see them.

        Args:
            thread: where that is.
            error: the exception.
            package: the Keras that the layers are of.
            parent: the innermost call that the exception came out of.
            now: when that ended: how long they took is not known.
        """
        hooked = self.constructors.get(package)
        if hooked is None:
            return []
        made = list(constructor_records(hooked, thread, error, parent, now, self._order))
        for record in made:
            if record.layer is not None:
                record.number = self.layers.number(record.layer)
                self.layers.read(record.layer, record.number)
        if parent is not None:
            for record in made:
                record.layer = None  # only half made: there is no more to read of it
            thread.records += made
        return made

    def end_program(self, error: BaseException, last: Record | None) -> None:
        """Note what an exception ended that no call was recorded of.

        Args:
            error: the exception that ends what is traced.
            last: the last call at the bottom.
        """
        thread = self._local.thread
        ends = unfinished.take_ends(thread)  # held from here on: nothing else may hold them
        noted = last and last.error
        for raised in filter(None, (error, error.__context__)):  # Keras may have put it in others
            info = error_info(raised)
            if noted and (noted.type, noted.message) == (info.type, info.message):
                return  # it came out of that call
        used = None if last is None else last.hooked.adapter.package
        packages = sorted(self.constructors, key=lambda package: package != used)
        now = perf_counter_ns()
        tries = (self._add_constructors(thread, error, package, None, now) for package in packages)
        made = next(filter(None, tries), [])
        if made and made[0].layer is None and used is None and len(packages) > 1:
            made = []  # of two Kerases, both have a class of this name
        if last is not None and ends and (made or last.order == thread.ended):
            layer = made[0].layer if made else None
            order = made[0].order if made else last.order
            self.models.note_unfinished(last.hooked.adapter, order, layer, [], ends)
        if made:
            if thread.number is None:
                thread.number = next(self._threads)
            for listener in self.listeners:
                listener.add(made)
            for record in made:
                record.layer = None

    def _note_begun(self, journal: Journal, record: Record) -> None:
        """Write down what is about to be made: it may not come to its end."""
        try:
            journal.begin(record)
        except Exception as error:
            self._note_problem(record.hooked, error)

    def _note_loaded(self, record: Record) -> None:
        """Note what a call has made of a file; what made no layer is left out."""
        hooked = record.hooked
        if record.layer is not None and record.number is None:
            record.number = self.layers.number(record.layer)
        if loading.feeds_layer(record):
            record.fed = self.models.own_weights(record)
        elif hooked.makes_layer and record.layer is None:
            loading.leave_out(record)
        elif hooked.makes_layer:
            loading.note_config(record, self.models.states)
        elif hooked.reads_values:
            file_contents.note_older(record, self._numbered)
        else:
            file_contents.note_whole(record)

    def _note_unread(self, record: Record, error: BaseException) -> None:
        """Note of a loading that fails what it is about, and what the file has instead."""
        hooked = record.hooked
        if hooked.makes_layer:
            loading.note_config(record, self.models.states, error)
        elif not hooked.reads_values:
            file_contents.note_format(record)
            file_contents.note_whole(record)
        elif hooked.landmark.family:
            file_contents.note_unread(record)
        else:
            file_contents.note_older(record, self._numbered)

    def _numbered(self, layer: Any) -> int:
        number = self.layers.number(layer)
        self.layers.read(layer, number)
        return number

    def _note_problem(self, hooked: HookedLandmark, error: Exception) -> None:
        if isinstance(error, RecursionError):
            return  # not odd: the program has no room left on the stack, and will hear of it
        self.problems.append(f"{hooked.function.name}: {error!r}")


def _callers(frame: FrameType | None, hooks: Mapping[int, CodeType]) -> dict[int, FrameType]:
    """Who called each hook on the stack of frames, by the id of what `begin` gave to the hook."""
    callers = {}
    while frame is not None:
        if id(frame.f_code) in hooks and frame.f_back is not None:
            callers[id(frame.f_locals.get("record"))] = frame.f_back
        frame = frame.f_back
    return callers


def is_build(records: list[Record]) -> bool:
    """Whether something was built in this tree."""
    return any(record.hooked.means_build for record in records)
