"""Runs of scripts in processes of their own, to get their traces."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.streams import say
from buildtrace.cli.verbs import END, SKIP
from buildtrace.errors import BuildtraceError
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psutil

    from buildtrace.cli.program import Program
    from buildtrace.traces.trace import Trace

ROOM = 3 * 2**30
"""Bytes of free memory that there should be for each of several runs at the same time."""

LAST_LINES = 20
"""So much of what a script printed is shown if it left no trace."""


class RunError(BuildtraceError):
    """A script ended without a trace."""


class LabeledProgram(NamedTuple):
    """A program whose trace is wanted, or the trace itself, and what to call it."""

    label: str
    program: Program


def traces(programs: Sequence[LabeledProgram]) -> list[Trace]:
    """The traces, in order; programs are run at the same time if there is memory for that.

    Raises:
        RunError: a program left no trace, or one without a build.
        TraceFileError: a trace file cannot be read.
        SavedFileError: a saved model's file cannot be read.
        OSError: a file cannot be read.
    """
    from buildtrace.cli.show import loaded as load

    # Before anything runs: a file that cannot be read should not cost the time of a run.
    is_file = [p.is_trace or p.is_saved for _, p in programs]
    loaded = {n: load(p) for n, (_, p) in enumerate(programs) if is_file[n]}
    waiting = [number for number in range(len(programs)) if number not in loaded]
    size = len(waiting) if _is_room(len(waiting)) else 1
    with tempfile.TemporaryDirectory(prefix="buildtrace-") as folder:
        for start in range(0, len(waiting), max(size, 1)):
            together = waiting[start : start + size]
            children = [ChildProcess(*programs[n], Path(folder, str(n))) for n in together]
            try:
                loaded |= {n: child.trace() for n, child in zip(together, children, strict=True)}
            finally:
                for child in children:
                    child.end()
    return [loaded[number] for number in range(len(programs))]


def _is_room(number: int) -> bool:
    """Whether there is free memory for so many programs at the same time."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return False  # not known here: one after the other is safe
    return free >= number * ROOM


class ChildProcess:
    """A program that runs under the command. What it prints goes to a file, as does its trace."""

    def __init__(
        self,
        label: str,
        program: Program,
        path: Path,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            label: what to call it.
            program: what runs.
            path: the files that it leaves are called so, with suffixes.
            folder: where it runs, if not here. All that it has started ends with it then.
            environment: its variables, if they are not those of this process.
        """
        self.label = label
        self.program = program
        self.path = path.with_suffix(".json")
        self.output = path.with_suffix(".out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "buildtrace", *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=self._environment(os.environ if environment is None else environment),
                close_fds=False,  # a script may be the shell's `<(...)`
                start_new_session=folder is not None,
            )
        self._is_alone = folder is not None

    def _arguments(self) -> Iterator[str]:
        yield from ("--keras", self.program.keras, "-o", str(self.path))
        if self.program.no_train:
            yield "--no-train" if self.program.no_train == END else f"--no-train={SKIP}"
        if self.program.abstract:
            yield "--abstract"
        yield from ("-m",) if self.program.is_module else ("--",)
        yield from (self.program.target, *self.program.arguments)

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        variables = printable(given)
        # Sets of names are in one order then: it is no difference between two builds.
        variables.setdefault("PYTHONHASHSEED", "0")
        if self.program.backend is not None:
            variables["KERAS_BACKEND"] = self.program.backend
        return variables

    def trace(self) -> Trace:
        """Wait for the end, and read the trace.

        Raises:
            RunError: there is none.
        """
        from buildtrace.traces.trace_file import load

        code = self.process.wait()
        try:
            trace = load(self.path)
        except OSError:
            trace = None
        if trace is None or not (trace.calls or trace.error):
            raise RunError(self._why(code, written=trace is not None))
        if code:
            say(f"{self.label} ended {end(code)}: its build is compared up to there")
        return trace

    def _why(self, code: int, *, written: bool) -> str:
        """Why there is nothing to compare, after what the program said."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines[-LAST_LINES:]:
            say(f"{self.label} | {wording.uncolored(line)}")
        if written:
            return f"{self.label}: no model was built, so there is nothing to compare"
        return f"{self.label} ended {end(code)} and without a trace"

    def end(self) -> None:
        """End it if it still runs: somebody else failed, or the user has seen enough."""
        if self._is_alone:
            end_group(self.process)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All that a process that still runs has started, those that have left its group as well."""
    import psutil

    try:
        return psutil.Process(process.pid).children(recursive=True)  # type: ignore[no-any-return]
    except psutil.Error:
        return []


def end_group(process: subprocess.Popen[bytes], others: Sequence[psutil.Process] = ()) -> None:
    """End a process that was started in a session of its own, and all that it has started.

    Args:
        process: it may have ended by itself.
        others: what it had started before that.
    """
    import psutil

    children = [*others, *descendants(process)]
    with contextlib.suppress(OSError, AttributeError):  # nobody is left, or there are no groups
        os.killpg(process.pid, signal.SIGKILL)
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()


def printable(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for a child that prints to a file: it must not fail where all is ASCII."""
    return {"PYTHONIOENCODING": "utf-8", **environment}


def end(code: int) -> str:
    """How a process ended, by its return code as `subprocess` has it."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
