"""Scripts that run in processes of their own, several at a time, each with a limit of time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from buildtrace.cli.child_processes import descendants, end, end_group, printable
from buildtrace.cli.repository.child import RECORD, REQUEST, TRACE, RunRecord, request_of
from buildtrace.errors import BuildtraceError
from buildtrace.integrations.launch_variable import VARIABLE
from buildtrace.traces import wording
from buildtrace.traces.trace_file import load

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import psutil

    from buildtrace.cli.program import Program
    from buildtrace.traces.trace import Trace

TIMEOUT = 300.0
"""The seconds that a script may take."""

ROOM = 3 * 2**29
"""Bytes of free memory for each of several scripts: TensorFlow takes 600 MB, a model the rest."""

GRACE = 10.0
"""Seconds that a script has, when its time is over, to leave what was recorded."""

INTERVAL = 0.05

LAST_LINES = 5
"""So much of what a script printed is shown if it left no trace."""

MOST_PRINTED = 2**16
"""Bytes from the end of it that are read for that."""

TRACEBACK = "Traceback (most recent call last):"

SHARED = {
    "MPLBACKEND": "Agg",  # a window would wait for somebody to close it
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # else the first script has all memory of a card
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""Variables of a script that others run beside, unless the user has set them."""


class Work(NamedTuple):
    """A script to run.

    Attributes:
        path: its file.
        program: how it is run.
        root: a folder that modules are found in as well; `None` if there is none.
    """

    path: Path
    program: Program
    root: Path | None = None


class ScriptRun(NamedTuple):
    """How the run of a script went.

    Attributes:
        work: what was run.
        record: how it ended; `None` if it has left nothing.
        trace: what was recorded; `None` as well.
        problem: why it did not end by itself, as a clause; "" if it did.
        output: the last lines of what it printed.
        started: when, in seconds of the clock that files have.
    """

    work: Work
    record: RunRecord | None = None
    trace: Trace | None = None
    problem: str = ""
    output: tuple[str, ...] = ()
    started: float = 0.0


def usual_jobs() -> int:
    """How many scripts the machine can run at the same time."""
    import psutil

    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    room = int(psutil.virtual_memory().available) // ROOM
    return max(1, min(processors, room))


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end the block as an exception does: nobody else would end the scripts."""
    before = signal.getsignal(signal.SIGTERM)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or before is None:  # a handler in C, which Python could not put back
        yield
        return

    def end_now(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end_now)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_all(
    works: Sequence[Work],
    jobs: int,
    timeout: float,
    tell: Callable[[Sequence[Path]], None] = lambda _: None,
) -> Generator[ScriptRun]:
    """Run the scripts; gives each run when it is over, in the order in which they end.

    None of them is left running, however this ends.

    Args:
        works: the scripts.
        jobs: so many run at the same time.
        timeout: the seconds that each of them may take.
        tell: is called with those that run whenever that changes.
    """
    waiting, running = [*works], list[_RunningScript]()
    with tempfile.TemporaryDirectory(prefix="buildtrace-", ignore_cleanup_errors=True) as folder:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    number = str(len(works) - len(waiting))
                    running.append(_RunningScript(waiting.pop(0), Path(folder, number), timeout))
                    tell([script.work.path for script in running])
                over = [script for script in running if script.is_over()]
                for script in over:
                    running.remove(script)
                    yield script.run()
                if not over:
                    time.sleep(INTERVAL)
                elif running:
                    tell([script.work.path for script in running])
        finally:
            for script in running:
                script.kill()


class _RunningScript:
    """A script that runs. What it prints goes to a file."""

    def __init__(self, work: Work, folder: Path, timeout: float) -> None:
        """Start it.

        Args:
            work: what runs.
            folder: gets what it leaves.
            timeout: the seconds that it may take.
        """
        self.work = work
        self._folder = folder
        self._timeout = timeout
        self._late = False
        self._started_by_it: list[psutil.Process] = []
        folder.mkdir()
        (folder / REQUEST).write_text(request_of(work.program), encoding="utf-8")
        self._started = time.time()
        self._deadline = time.monotonic() + timeout
        with (folder / "out").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "buildtrace.cli.repository.child", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(os.environ, work.root),
                start_new_session=True,
            )

    def is_over(self) -> bool:
        """Whether it has ended; one whose time is over is asked to end, and then ended."""
        if self._process.poll() is not None:
            return True
        if time.monotonic() < self._deadline:
            return False
        if self._late or os.name == "nt":
            self._late = True
            self.kill()
            return True
        self._late = True
        self._started_by_it = descendants(self._process)
        self._deadline = time.monotonic() + GRACE
        with contextlib.suppress(OSError):  # it has ended meanwhile
            self._process.send_signal(signal.SIGINT)
        return False

    def kill(self) -> None:
        """End it, and all that it has started."""
        end_group(self._process, self._started_by_it)
        self._process.kill()
        self._process.wait()

    def run(self) -> ScriptRun:
        """What has come of it; nothing that it has started runs any more."""
        end_group(self._process, self._started_by_it)
        record, trace = self._left()
        code = self._process.returncode
        problem = ""
        if self._late and (record is None or record.code):
            problem = f"did not end in {self._timeout:g} seconds, and was ended here"
        elif record is None or trace is None:
            problem = f"ended {end(code)} and without a trace"
        return ScriptRun(self.work, record, trace, problem, self._printed(), self._started)

    def _left(self) -> tuple[RunRecord | None, Trace | None]:
        try:
            record = msgspec.json.decode((self._folder / RECORD).read_bytes(), type=RunRecord)
            return record, load(self._folder / TRACE)
        except (OSError, msgspec.MsgspecError, BuildtraceError):
            return None, None

    def _printed(self) -> tuple[str, ...]:
        with (self._folder / "out").open("rb") as file:
            file.seek(-min(MOST_PRINTED, file.seek(0, os.SEEK_END)), os.SEEK_END)
            text = file.read().decode(errors="replace")
        lines = [wording.uncolored(line) for line in text.splitlines() if line.strip()]
        if self._late and TRACEBACK in lines:  # of the interrupt, which is ours
            lines = lines[: len(lines) - 1 - lines[::-1].index(TRACEBACK)]
        return tuple(lines[-LAST_LINES:])


def _environment(given: Mapping[str, str], root: Path | None) -> dict[str, str]:
    variables = {**SHARED, **printable(given)}
    variables.pop(VARIABLE, None)  # they are traced anyway
    if root is not None and root != Path.cwd():
        paths = (str(root), variables.get("PYTHONPATH", ""))
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return variables
