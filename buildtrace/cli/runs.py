"""Runs of scripts in processes of their own, to get their traces."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli import say
from buildtrace.cli.request import TRACE_SUFFIX
from buildtrace.errors import BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.traces.trace import Trace

ROOM = 3 * 2**30
"""Bytes of free memory that there should be for each of several runs at the same time."""

LAST_LINES = 20
"""So much of what a script printed is shown if it left no trace."""


class RunError(BuildtraceError):
    """A script ended without a trace."""


class Run(NamedTuple):
    """A build to compare: a trace file, or a program to run.

    Attributes:
        label: what to call it.
        target: the trace file, the script, or the module's name.
        is_module: whether it is a module's name.
        arguments: those of the program.
        keras: what `tf.keras` shall be.
        backend: what Keras 3 shall compute with; `None` for what it would.
        no_train: whether to end where training would begin.
    """

    label: str
    target: str
    is_module: bool = False
    arguments: tuple[str, ...] = ()
    keras: str = "auto"
    backend: str | None = None
    no_train: bool = False

    @property
    def is_trace(self) -> bool:
        """Whether nothing has to run."""
        return not self.is_module and Path(self.target).suffix.lower() == TRACE_SUFFIX


def same_program(left: Run, right: Run) -> bool:
    """Whether both are runs of one program."""
    if left.is_trace or right.is_trace or left.is_module != right.is_module:
        return False
    targets = [r.target if r.is_module else str(Path(r.target).resolve()) for r in (left, right)]
    return targets[0] == targets[1] and left.arguments == right.arguments


def traces(runs: Sequence[Run]) -> list[Trace]:
    """The traces, in order; programs are run at the same time if there is memory for that.

    Raises:
        RunError: a program left no trace, or one without a build.
        TraceFileError: a trace file cannot be read.
        OSError: a trace file cannot be read.
    """
    from buildtrace.traces.trace_file import load

    # Before anything runs: a file that cannot be read should not cost the time of a run.
    found = {number: load(run.target) for number, run in enumerate(runs) if run.is_trace}
    waiting = [number for number in range(len(runs)) if number not in found]
    size = len(waiting) if _is_room(len(waiting)) else 1
    with tempfile.TemporaryDirectory(prefix="buildtrace-") as folder:
        for start in range(0, len(waiting), max(size, 1)):
            together = waiting[start : start + size]
            started = [_Started(runs[n], Path(folder, str(n))) for n in together]
            try:
                found |= {n: each.trace() for n, each in zip(together, started, strict=True)}
            finally:
                for each in started:
                    each.end()
    return [found[number] for number in range(len(runs))]


def _is_room(number: int) -> bool:
    """Whether there is free memory for so many programs at the same time."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return False  # not known here: one after the other is safe
    return free >= number * ROOM


class _Started:
    """A program that runs."""

    def __init__(self, run: Run, path: Path) -> None:
        """Start it; what it prints goes to a file, its trace to another."""
        self.run = run
        self.path = path.with_suffix(TRACE_SUFFIX)
        self.output = path.with_suffix(".out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "buildtrace", *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(),
            )

    def _arguments(self) -> Iterator[str]:
        yield from ("--keras", self.run.keras, "-o", str(self.path))
        if self.run.no_train:
            yield "--no-train"
        yield from ("-m",) if self.run.is_module else ("--",)
        yield from (self.run.target, *self.run.arguments)

    def _environment(self) -> dict[str, str]:
        found = dict(os.environ)
        # Sets of names are in one order then: it is no difference between two builds.
        found.setdefault("PYTHONHASHSEED", "0")
        # A child that prints to a file of a machine that knows only ASCII must not fail for that.
        found.setdefault("PYTHONIOENCODING", "utf-8")
        if self.run.backend is not None:
            found["KERAS_BACKEND"] = self.run.backend
        return found

    def trace(self) -> Trace:
        """Wait for the end, and read the trace.

        Raises:
            RunError: there is none.
        """
        from buildtrace.traces.trace_file import load

        code = self.process.wait()
        try:
            found = load(self.path)
        except OSError:
            found = None
        if found is None or not (found.calls or found.error):
            raise RunError(self._why(code, written=found is not None))
        if code:
            say(f"{self.run.label} ended with exit code {code}: its build is compared up to there")
        return found

    def _why(self, code: int, *, written: bool) -> str:
        """Why there is nothing to compare, after what the program said."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines[-LAST_LINES:]:
            say(f"{self.run.label} | {line}")
        if written:
            return f"{self.run.label}: no model was built, so there is nothing to compare"
        return f"{self.run.label} ended with exit code {code} and without a trace"

    def end(self) -> None:
        """End it if it still runs: somebody else failed, or the user has seen enough."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
