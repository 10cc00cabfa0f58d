"""The run of one of several workers, which may hang for the others, or be ended from outside.

While it runs there is a journal. What is sent to it by Ctrl-C or by SIGTERM is heard by a thread of
our own: Python itself hears of no signal while TensorFlow waits for other workers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.capture.journaling import Journal
from buildtrace.cli.rank import rank
from buildtrace.cli.streams import say
from buildtrace.traces.journal import beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from buildtrace.capture import Tracing
    from buildtrace.cli.request import Request

PATIENCE = 3.0
"""Seconds that a program has to take notice of Ctrl-C, until it is thought to hang."""

INTERVAL = 0.1

_listening: weakref.WeakSet[_Signals] = weakref.WeakSet()


class WorkerRun:
    """What a worker leaves if it does not come to its end.

    Attributes:
        journal: is written while the program runs.
    """

    def __init__(self, traces: Sequence[Path], form: str | None) -> None:
        """Nothing is written yet.

        Args:
            traces: the files that the trace is to be written to.
            form: their format, where their suffix does not tell.
        """
        self._traces = traces
        self._format = form
        self._before = _stamp(traces[0])
        self.journal = Journal(beside(traces[0]), say)

    @classmethod
    def of(cls, request: Request) -> WorkerRun | None:
        """The run of a worker whose trace is to be written; `None` if this is none."""
        from buildtrace.renderers import renderer_for

        traces = [path for path in request.outputs if renderer_for(path, request.format).loads]
        return cls(traces, request.format) if traces and rank() is not None else None

    @contextlib.contextmanager
    def guarded(self, tracing: Tracing) -> Iterator[None]:
        """Hear of Ctrl-C and SIGTERM in the block, whatever the program waits for."""
        if threading.current_thread() is not threading.main_thread() or os.name == "nt":
            yield
            return
        signals = _Signals(self, tracing)
        signals.start()
        try:
            yield
        finally:
            signals.stop()

    def write(self, tracing: Tracing) -> None:
        """Write what was recorded until now; the journal goes if that is done."""
        from buildtrace import renderers

        trace = tracing.snapshot()
        for path in self._traces:
            renderers.save(trace, path, format=self._format)
            say(f"wrote {path}, as far as the build has come")
        self.end()

    def end(self) -> None:
        """Write no more to the journal; it goes if the trace was written."""
        written = _stamp(self._traces[0])
        self.journal.close(remove=written not in (None, self._before))


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes whenever a file is written; `None` if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


class _Signals:
    """Hears of signals by the file that Python writes their numbers to when they arrive."""

    def __init__(self, run: WorkerRun, tracing: Tracing) -> None:
        self._run = run
        self._tracing = tracing
        self._ends = (-1, -1)
        self._thread = threading.Thread(target=self._listen, name="buildtrace", daemon=True)

    def start(self) -> None:
        """Listen from now on, unless somebody else does."""
        self._ends = os.pipe()
        os.set_blocking(self._ends[1], False)
        others = signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)
        if others != -1:
            signal.set_wakeup_fd(others)
        elif signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._wait)
        _listening.add(self)
        self._thread.start()

    def stop(self) -> None:
        """Leave all as it was before, but for what the program has changed itself."""
        _listening.discard(self)
        self.let_go()
        os.close(self._ends[1])
        self._thread.join()
        os.close(self._ends[0])

    def let_go(self) -> None:
        """Have signals do what they do without us."""
        if signal.getsignal(signal.SIGTERM) == self._wait:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        heard_by = signal.set_wakeup_fd(-1)
        if heard_by not in (-1, self._ends[1]):
            signal.set_wakeup_fd(heard_by)

    def _wait(self, _number: int, _frame: Any) -> None:
        """The program does nothing more while the trace is written."""
        time.sleep(10 * PATIENCE)

    def _listen(self) -> None:
        while numbers := os.read(self._ends[0], 64):
            for number in numbers:
                if number == signal.SIGTERM:
                    self._terminate()
                elif number == signal.SIGINT and self._hangs():
                    self._write("the program does not answer Ctrl-C")

    def _terminate(self) -> None:
        if signal.getsignal(signal.SIGTERM) != self._wait:
            return  # the program has a handler of its own by now
        self._write("ended by SIGTERM")
        _end_by(signal.SIGTERM)

    def _hangs(self) -> bool:
        """Whether the main thread does not go on, not even to take notice of the signal."""
        main = threading.main_thread().ident or 0
        frame = sys._current_frames().get(main)
        seen = frame and (id(frame), frame.f_lasti)
        for _ in range(round(PATIENCE / INTERVAL)):
            time.sleep(INTERVAL)
            frame = sys._current_frames().get(main)
            if (frame and (id(frame), frame.f_lasti)) != seen:
                return False
        return True

    def _write(self, why: str) -> None:
        say(why)
        try:
            self._run.write(self._tracing)
        except Exception as error:
            from buildtrace.cli.attempts import reason

            say(f"error: the trace is not written: {reason(error)}")


def _end_by(number: int) -> None:
    """End this process by a signal, as it would have been without us.

    Python takes out handlers in the main thread alone, which may wait for good: so C does it.
    """
    with contextlib.suppress(Exception):
        import ctypes

        set_handler = ctypes.pythonapi.PyOS_setsig
        set_handler.argtypes, set_handler.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
        set_handler(number, None)
        os.kill(os.getpid(), number)
        time.sleep(1)
    os._exit(128 + number)


def _let_go_in_child() -> None:
    """A process that is forked off has signals of its own, and is ended by them."""
    for signals in list(_listening):
        signals.let_go()
    _listening.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
