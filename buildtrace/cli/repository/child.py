"""The run of one of many scripts, in a process of its own: `python -m` starts this module.

The program runs as `buildtrace SCRIPT.py` has it run. What is left is its trace and a record of how
it ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from buildtrace.cli.program import Program
from buildtrace.traces.schema import ErrorInfo  # noqa: TC001 - msgspec looks it up

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST, RECORD, TRACE = "program.json", "record.json", "trace.json.gz"
"""The files of a run, in its folder."""


class RunRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the run of a script ended.

    Attributes:
        code: its exit code.
        stopped: whether it was ended before it changed a weight.
        exit: what it ended itself with, if that is no success.
        files: the files of the user's that ran, or were imported.
    """

    code: int
    stopped: bool = False
    exit: ErrorInfo | None = None
    files: tuple[str, ...] = ()


def request_of(program: Program) -> str:
    """The program as a text; file names may have bytes that are no UTF-8."""
    return json.dumps(program._asdict())


def program_from(request: str) -> Program:
    """The program of such a text."""
    given = json.loads(request)
    return Program(**given | {"arguments": tuple(given["arguments"])})


def main() -> int:
    """Run the program that the folder's request names; returns its exit code."""
    from buildtrace.capture import TrainingReached
    from buildtrace.capture.raised import error_info
    from buildtrace.cli.run import traced
    from buildtrace.traces.compression import compressed
    from buildtrace.traces.trace_file import to_json

    folder = Path(sys.argv[1])
    program = program_from((folder / REQUEST).read_text(encoding="utf-8"))
    outcome = traced(program)
    error = outcome.error
    record = RunRecord(
        code=outcome.code,
        stopped=isinstance(error, TrainingReached),
        exit=error_info(error) if isinstance(error, SystemExit) and outcome.code else None,
        files=tuple(sorted(set(_files_of_the_user()))),
    )
    (folder / TRACE).write_bytes(compressed(to_json(outcome.trace)))
    (folder / RECORD).write_bytes(msgspec.json.encode(record))  # the last: all is there then
    return outcome.code


def _files_of_the_user() -> Iterator[str]:
    """The source of the modules that were imported and are no library's.

    Autograph imports its copies of functions from files that are gone with the process.
    """
    from buildtrace.capture.callers import AUTOGRAPH
    from buildtrace.capture.libraries import is_library

    for module in [*sys.modules.values()]:
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str) or not file.endswith(".py") or AUTOGRAPH in file:
            continue
        if not is_library(file):
            path = str(Path(file).resolve())
            yield path.encode(errors="replace").decode()  # one that JSON can have


if __name__ == "__main__":
    sys.exit(main())
