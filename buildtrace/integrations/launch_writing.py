"""Writes the files of a program that may be about to end, or may go on.

Pages and pictures take threads and processes, which Python does not start any more at its end, and
time that a program has other uses for: the command writes them, in a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace import renderers
from buildtrace.cli.streams import say
from buildtrace.renderers import renderer_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.request import Request
    from buildtrace.traces.trace import Trace

_COMMAND = (
    "import json, sys; paths = json.loads(sys.argv.pop(1)); "
    "sys.path += [path for path in paths if path not in sys.path]; "
    "from buildtrace.cli import main; sys.exit(main())"
)
"""Isolated Python has none of the program's paths; they come last, so that nothing in them can hide
a module of Python's own."""


def is_trace(path: Path, request: Request) -> bool:
    """Whether a file holds the whole trace."""
    return renderer_for(path, request.format).loads


def say_to_user(message: str) -> None:
    """Say something while the program runs, which may keep what is written to its `sys.stderr`."""
    say(message, sys.__stderr__)


def write(
    trace: Trace,
    request: Request,
    attempts: Attempts | None = None,
    *,
    alone: AbstractContextManager[object] | None = None,
) -> bool:
    """Write the files that were asked for: each that can be.

    Args:
        trace: what was recorded.
        request: what was asked for.
        attempts: tries each of it. `None` if the program goes on: all is done again at the end, and
            told then. Attempts have warnings said, those of other threads as well.
        alone: is entered while a trace is written, which is short, and left for pages and pictures.

    Returns:
        Whether a file has the whole trace by now.
    """
    whole, alone = False, alone or contextlib.nullcontext()
    for path in request.outputs:
        if is_trace(path, request):
            with _trying(attempts, f"{path} is not written"):
                with alone:
                    renderers.save(trace, path, format=request.format)
                whole = True
                if attempts is not None:
                    say(f"wrote {path}")
    others = request._replace(
        outputs=tuple(path for path in request.outputs if not is_trace(path, request)),
        open=request.open and attempts is not None,
    )
    if others.outputs or others.folders or others.open:
        with _trying(attempts, "pages and pictures are not written"):
            _have_written(trace, others, alone, quiet=attempts is None)
    return whole


def _trying(attempts: Attempts | None, otherwise: str) -> AbstractContextManager[object]:
    return contextlib.suppress(Exception) if attempts is None else attempts.attempt(otherwise)


def _have_written(
    trace: Trace, request: Request, alone: AbstractContextManager[object], *, quiet: bool
) -> None:
    """Have the command write files, and say which.

    Raises:
        OSError: it cannot be started.
    """
    with _temporary_folder() as folder:
        file = folder / "trace.json"
        with alone:
            renderers.save(trace, file)
        paths = json.dumps([path for path in sys.path if os.path.isabs(path)])  # noqa: PTH117
        subprocess.run(
            [sys.executable, "-I", "-c", _COMMAND, paths, *_options(request), str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a report of what was shown already, or not asked for
            stderr=subprocess.DEVNULL if quiet else None,
            close_fds=False,  # else Python would not start it at its end
            check=False,
        )


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder for the block.

    One of `tempfile.TemporaryDirectory` would also go with a process that is forked off meanwhile.
    """
    folder = Path(tempfile.mkdtemp(prefix="buildtrace-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(request: Request) -> Iterator[str]:
    """The command's options for these files."""
    for path in request.outputs:
        yield from ("-o", str(path))
    for folder in request.folders:
        yield from ("-o", f"{folder}{os.sep}")
    if request.format:
        yield from ("--format", request.format)
    if request.options.depth:
        yield from ("--depth", str(request.options.depth))
    if request.options.model:
        yield f"--model={request.options.model}"
    given = {
        "--full": request.options.full,
        "--explain": request.options.explain,
        "--open": request.open,
    }
    yield from (option for option, on in given.items() if on)
