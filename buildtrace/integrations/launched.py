"""The run of a program that `BUILDTRACE` has traced, from the import of Keras to its end.

The program takes no notice: no signal is taken from it, and a file is written by a thread that only
lives while something is to be written. That is a moment after something was built, so that a
process which is killed later leaves it; beside the trace is the journal of what was built since.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace import diagnosis
from buildtrace.capture.imports import ImportWatch
from buildtrace.capture.journaling import Journal
from buildtrace.cli import environment
from buildtrace.cli.attempts import Attempts
from buildtrace.cli.progress import WatchedTracing
from buildtrace.cli.rank import PID, rank
from buildtrace.cli.report import deliver
from buildtrace.cli.streams import say
from buildtrace.diagnosis import suppress
from buildtrace.errors import UsageError
from buildtrace.integrations import launch_options, launch_writing
from buildtrace.integrations.launch_files import LaunchFiles

if TYPE_CHECKING:
    from buildtrace.cli.request import Request
    from buildtrace.integrations.at_start import Launch
    from buildtrace.traces.trace import Trace

QUIET = 0.5
"""Seconds without the end of a build, after which what was built is written."""

LONGEST = 10.0
"""Seconds after which it is written though the program goes on building."""

SHARE = 20
"""Writing takes a part of the time, as one of so many, however often something is built."""

MOST_CALLS = 200_000
"""With more calls, recording ends: a server that builds a model for each request has no end."""


class LaunchedRun:
    """Traces this process, and those that are forked off it if they build something themselves."""

    def __init__(self, launch: Launch, request: Request, *, shows: bool) -> None:
        """Not started yet.

        Args:
            launch: how the process was started.
            request: what to show and to write.
            shows: whether there is to be a report at the end.
        """
        self._launch = launch
        self._request = request
        self._shows = shows
        self._files = LaunchFiles(request, launch.since)
        self._tracing = WatchedTracing(self._new_journal())
        self._tracing.tree_over = self._tree_over
        self._lock = _thread.allocate_lock()  # is held while anything is written
        self._forks = threading.RLock()  # a handler of a signal may fork, in the thread that writes
        self._builds = 0
        self._forked = False
        self._over = self._first = self._written = self._cost = 0.0
        self._waits = self._stopped = self._ended = False

    def start(self) -> None:
        """Trace from now on."""
        self._tracing.start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._forks.acquire,  # else a file is half written there for good
                after_in_parent=self._forks.release,
                after_in_child=self._in_child,
            )

    def drop(self) -> None:
        """Trace no more, and leave nothing: somebody else does it."""
        with self._lock:
            self._ended = True
            if not self._stopped:
                self._tracing.stop()
            if self._journal is not None:
                self._journal.close(remove=True)

    def end(self) -> None:
        """The process ends: show and write what it has built, if it has."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            with contextlib.redirect_stderr(sys.__stderr__):  # the program may keep its own
                self._finish()

    # -- while the program runs -----------------------------------------------------------------

    def _tree_over(self) -> None:
        """Something was built, in the thread that runs this: have it written soon."""
        self._builds += 1
        self._over = time.monotonic()
        if self._builds == 1:
            self._mind_multiprocessing()
        if self._waits or self._ended or not (self._files.request.outputs or self._too_many()):
            return
        self._waits, self._first = True, self._over
        # One of Python's threads would be in the program's list of them, and in its profile.
        try:
            _thread.start_new_thread(self._write_soon, ())
        except RuntimeError:  # Python ends: `end` comes next
            self._waits = False

    def _write_soon(self) -> None:
        while (wait := self._due() - time.monotonic()) > 0:
            time.sleep(wait)
        with self._lock:
            self._waits = False
            if not self._ended:
                with contextlib.suppress(Exception):
                    self._write()

    def _due(self) -> float:
        """When to write, as far as can be told now."""
        latest = self._first + LONGEST
        quiet = self._over + QUIET
        if self._tracing.progress()[1] is not None:
            quiet = max(quiet, time.monotonic() + QUIET)
        return max(min(quiet, latest), self._written + SHARE * self._cost)

    def _too_many(self) -> bool:
        return self._tracing.progress()[0] > MOST_CALLS

    def _write(self) -> None:
        """Write all files as far as the build has come."""
        start = time.monotonic()
        if self._too_many():
            text = f"more than {MOST_CALLS:,} calls were recorded: no more is, from now on"
            launch_writing.say_to_user(text)
            self._stopped = True
            with contextlib.suppress(Exception):
                self._tracing.stop()
        journal = self._journal
        begun = journal.begun if journal else 0
        trace = self._tracing.trace if self._stopped else _diagnosed(self._tracing.snapshot())
        with self._files.named():
            whole = launch_writing.write(trace, self._files.request, alone=self._forks)
        if whole and journal is not None and self._tracing.progress()[1] is None:
            journal.forget(begun)
        self._written = time.monotonic()
        self._cost = self._written - start

    def _mind_multiprocessing(self) -> None:
        """Hear of the end of a process that multiprocessing has forked: it ends by `os._exit`."""
        util: Any = sys.modules.get("multiprocessing.util")
        process: Any = sys.modules.get("multiprocessing.process")
        if util is not None and process is not None and process.parent_process() is not None:
            util.Finalize(None, self.end, exitpriority=-1_000)  # after those of the program

    def _in_child(self) -> None:
        """This is a process that was forked off: it has its own files, if it builds something."""
        self._forks.release()
        self._lock = _thread.allocate_lock()  # a thread may have held it that is not here
        if self._ended:
            return
        self._forked, self._builds, self._waits = True, 0, False
        request, launch = self._request, self._launch
        if PID in launch.value:
            with contextlib.suppress(UsageError):  # it made sense before
                request = launch_options.parse(launch.value, launch.folder).request
        self._files = LaunchFiles(request, launch.since)
        self._tracing.write_into(self._new_journal())

    def _new_journal(self) -> Journal | None:
        self._journal = _LateJournal(self._files) if self._files.journal() else None
        return self._journal

    # -- at the end -----------------------------------------------------------------------------

    def _finish(self) -> None:
        error, attempts = _last_error(), Attempts()
        if not self._stopped:
            if error is not None:
                self._tracing.ended_by(error)
            with attempts.attempt("the trace is not whole", needed=False):
                self._tracing.stop()
        trace = self._tracing.trace
        if not (self._builds or (trace.findings and not self._forked)):
            return
        if self._shows:
            say(f"what {_process()} has built:")
            alone = self._request._replace(outputs=(), folders=(), open=False)
            deliver(trace, alone, attempts, needed=False, stream=sys.__stderr__)
        with self._files.named():
            whole = launch_writing.write(trace, self._files.request, attempts, alone=self._forks)
        if self._journal is not None:
            self._journal.close(remove=whole)


def start(launch: Launch, package: str, loader: Any) -> LaunchedRun | None:
    """Trace this process from now on.

    Args:
        launch: how it was started.
        package: the Keras that is about to be imported.
        loader: imports it.

    Returns:
        The run; `None` if a notebook shows its builds, and there is nothing else to do.

    Raises:
        UsageError: the value makes no sense, or a file cannot be written.
        MissingPackageError: the Keras that is asked for is not installed.
    """
    asked = launch_options.checked(launch.value, launch.folder)
    if "tensorflow" not in sys.modules:  # else it was chosen before that
        environment.choose_keras(asked.keras)
    shows = asked.shows
    if shows and (shell := _shell()) is not None:
        from buildtrace.integrations import launched_cells

        launched_cells.show(shell, asked.request)
        shows = False
    run = None
    if shows or asked.request.outputs or asked.request.folders or asked.request.open:
        run = LaunchedRun(launch, asked.request, shows=shows)
    try:
        if run is not None:
            run.start()
        for watch in [finder for finder in sys.meta_path if isinstance(finder, ImportWatch)]:
            watch.tell_when_done(loader, package)  # they were not there when it was looked for
    except Exception:
        if run is not None:
            run.drop()  # nobody would end it
        raise
    return run


def _shell() -> Any:
    """The shell of a notebook or of IPython that this process is; `None` if it is none."""
    module: Any = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def _diagnosed(trace: Trace) -> Trace:
    """The trace, with the findings that one has which was stopped."""
    found = diagnosis.diagnose(trace)
    trace.findings = suppress.keep(found, trace.index.source_code).findings
    return trace


def _last_error() -> BaseException | None:
    """The exception that ended the program, if one did; Python has shown it by now."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    traceback = getattr(error, "__traceback__", None)
    if hasattr(sys, "ps1") or traceback is None:  # somebody types, and goes on after an error
        return None
    bottom = traceback.tb_frame.f_code.co_name
    return error if bottom in ("<module>", "_run_module_as_main") else None


def _process() -> str:
    """This process, for a reader who sees several."""
    name = Path(sys.argv[0] if sys.argv and sys.argv[0] else "python").name
    number = None
    with contextlib.suppress(UsageError):
        number = rank()
    of_several = "" if number is None else f"rank {number}, "
    return f"{name} ({of_several}process {os.getpid()})"


class _LateJournal(Journal):
    """The journal of a process that takes the names of its files when it builds something."""

    def __init__(self, files: LaunchFiles) -> None:
        super().__init__(None, launch_writing.say_to_user)
        self._files = files

    def name(self) -> Path | None:
        """Take the name, by making the file."""
        self.path = self._files.make_journal()
        return self.path
