"""Tries the remedies of findings: each in a run of its own, of a copy of the script."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from buildtrace.cli import folder_copy, script_text
from buildtrace.cli.child_processes import ChildProcess, end
from buildtrace.cli.folder_copy import CopyError
from buildtrace.cli.script_text import ScriptError
from buildtrace.diagnosis.edited import patch
from buildtrace.diagnosis.judging import ProgramRun, judged
from buildtrace.traces.comments import runs_once
from buildtrace.traces.schema import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from buildtrace.cli.program import Program
    from buildtrace.traces.schema import Edit, Finding
    from buildtrace.traces.trace import Trace

LEAST_SECONDS = 60
"""A run with edits may take so long, or three times as long as the first run did."""

MOST_RUNS = 20
"""So many different remedies are tried."""


class NotTriedError(Exception):
    """A remedy could not be tried; the text says why, as a clause."""


class ChangedFile(NamedTuple):
    """A file of the user's, and what it is with edits.

    Attributes:
        path: the file.
        before: as it is.
        after: with the edits.
    """

    path: Path
    before: script_text.ScriptText
    after: script_text.ScriptText


class Workshop:
    """Where a program is run again: it has the program's folder as that was before the first run.

    What the program writes there is gone with the workshop.
    """

    def __init__(self, program: Program, here: Path) -> None:
        """Keep a copy of the folder.

        Args:
            program: what is going to run.
            here: the folder that it is run from.
        """
        self.program, self.here = program, here
        self.environment = dict(os.environ)  # the program may set some for itself
        self._start = time.monotonic()
        self._seconds = 0.0
        self._runs: dict[tuple[Edit, ...], ProgramRun | str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="buildtrace-", ignore_cleanup_errors=True)
        self._hindrance = ""
        try:
            if program.is_stdin:
                raise CopyError("a script from stdin can be read only once")
            if program.is_compiled:
                raise CopyError("a compiled script is not run from its source")
            self.root = folder_copy.root_of(program, here)
            folder_copy.copy(self.root, self._place("kept"), Path(self._folder.name).resolve())
        except CopyError as error:
            self._hindrance = str(error)

    def __enter__(self) -> Workshop:
        """The workshop itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave nothing."""
        self._folder.cleanup()

    def _place(self, name: str) -> Path:
        return Path(self._folder.name).resolve() / name / (self.root.name or "root")

    def ran(self, trace: Trace) -> None:
        """Take note of the first run, which is over."""
        self._seconds = max(LEAST_SECONDS, 3 * (time.monotonic() - self._start))
        for file in trace.index.user_files:
            if not self._hindrance and runs_once(trace.index.source_code.whole(file)):
                self._hindrance = f"{Path(file).name} says that it must run once"

    def tried(self, finding: Finding, edits: Sequence[Edit], before: ProgramRun) -> Trial:
        """What comes of a run with these edits, as far as a finding is concerned."""
        edits = tuple(dict.fromkeys(edits))
        try:
            files = [*changed_files(edits, before.trace)]
            after = self._run(edits, files)
        except NotTriedError as error:
            return Trial(outcome="not tried", message=str(error))
        if isinstance(after, str):
            trial = Trial(outcome="does not help", message=after)
        else:
            trial = judged(finding, edits, before, after)
        return msgspec.structs.replace(trial, patch=patch_of(files, self.here))

    def _run(self, edits: tuple[Edit, ...], files: Sequence[ChangedFile]) -> ProgramRun | str:
        """The run with these edits, or how it ended without a trace.

        Raises:
            NotTriedError: there was none.
        """
        if self._hindrance:
            raise NotTriedError(self._hindrance)
        if edits not in self._runs:
            if len(self._runs) == MOST_RUNS:
                raise NotTriedError(f"{MOST_RUNS} others were")
            self._runs[edits] = self._run_anew(files)
        return self._runs[edits]

    def _run_anew(self, files: Sequence[ChangedFile]) -> ProgramRun | str:
        with tempfile.TemporaryDirectory(
            dir=self._folder.name, ignore_cleanup_errors=True
        ) as folder:
            root = self._place(Path(folder).name)
            try:
                folder_copy.copy(self._place("kept"), root)
            except CopyError as error:
                raise NotTriedError(str(error)) from error
            for file in files:
                if not file.path.is_relative_to(self.root):
                    raise NotTriedError(f"{file.path.name} is not in the folder of the script")
                copied = root / file.path.relative_to(self.root)
                copied.write_bytes(file.after.content())
            return self._finished(root)

    def _finished(self, root: Path) -> ProgramRun | str:
        """Run the program in a copy of its folder, to the end."""
        from buildtrace.traces.trace_file import from_json

        temporary = root.parent / "tmp"
        temporary.mkdir()
        there = root / self.here.resolve().relative_to(self.root)
        program = self.program._replace(target=self._target(root))
        environment = self._environment(root) | {"TMPDIR": str(temporary)}
        path = root.parent / "trace"
        child = ChildProcess("", program, path, folder=there, environment=environment)
        try:
            code = child.process.wait(self._seconds)
        except subprocess.TimeoutExpired:
            raise NotTriedError(f"it did not end in {self._seconds:.0f} seconds") from None
        finally:
            child.end()
        try:
            text = child.path.read_bytes()
        except OSError:
            return f"it ended {end(code)}"
        was, now = (msgspec.json.encode(str(path))[1:-1] for path in (root, self.root))
        return ProgramRun(from_json(text.replace(was, now)), complete=code == 0)

    def _target(self, root: Path) -> str:
        """The program's name as it was given, if that leads to the copy; else the whole path."""
        if self.program.is_module:
            return self.program.target
        given = Path(self.program.target)
        script = Path(self.here, given).resolve()
        inside = not given.is_absolute() and ".." not in given.parts
        return self.program.target if inside else str(root / script.relative_to(self.root))

    def _environment(self, root: Path) -> dict[str, str]:
        """The variables for a run: paths lead into the copy."""
        paths = self.environment.get("PYTHONPATH", "").split(os.pathsep)
        moved = [
            str(root / Path(path).relative_to(self.root))
            if path and Path(path).is_absolute() and Path(path).is_relative_to(self.root)
            else path
            for path in paths
        ]
        # The first run, in this process, holds whatever memory the graphics cards have.
        cards = {"CUDA_VISIBLE_DEVICES": "-1"}
        return self.environment | cards | {"PYTHONPATH": os.pathsep.join(moved)}


def changed_files(edits: Sequence[Edit], trace: Trace) -> Iterator[ChangedFile]:
    """The files that edits are of, with the edits made.

    Raises:
        NotTriedError: a file is not there as it was, or the edits do not fit.
    """
    files: dict[str, list[Edit]] = {}
    for edit in edits:
        files.setdefault(edit.file, []).append(edit)
    for name, own in files.items():
        path = Path(name)
        if not path.is_absolute():  # such as a cell of a notebook
            raise NotTriedError(f"{name} is no file")
        try:
            before = script_text.read(path)
            after = before.with_edits(own, trace.index.source_code.whole(name))
        except ScriptError as error:
            raise NotTriedError(f"{path.name} cannot be changed: {error}") from error
        yield ChangedFile(path.resolve(), before, after)


def patch_of(files: Sequence[ChangedFile], folder: Path) -> str:
    """What changes in files, by their paths from a folder."""
    from buildtrace.renderers.terminal import listing

    return "".join(
        patch(file.before.whole, file.after.whole, listing.path_in(folder, str(file.path)))
        for file in files
    )
