"""The command `buildtrace`: one module a verb, and `main`, which finds the verb.

Start-up matters here: `--help` must not wait for rich, msgspec or Keras, so every module of
this package imports what it needs where it needs it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from buildtrace.errors import BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

VERBS = {
    "check": "what is wrong with the builds of a script, as a linter says it",
    "explain": "what the rules of `check` look for, why, and the remedies",
    "diff": "what differs between two builds, generations or backends",
    "landmarks": "the functions of Keras that make up a build, as a curriculum",
    "doctor": "what is installed, and which Keras a script would get",
}
"""Verb → what it does. The module of the verb's name has `main(arguments) -> exit code`."""

USAGE_ERROR = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: the arguments after the command's name; those of this process if not given.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except BuildtraceError as error:
        say(f"error: {error}")
        return USAGE_ERROR
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        _flush()


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in VERBS:
        tolerate(sys.stdout)
        verb = importlib.import_module(f"buildtrace.cli.{arguments[0]}")
        code: int = verb.main(arguments[1:])
        return code
    from buildtrace.cli.parser import parse

    request = parse(arguments)
    if request.is_trace:
        from buildtrace.cli.show import show

        return show(request)
    from buildtrace.cli.run import run

    return run(request)


def tolerate(stream: TextIO | None) -> None:
    """Let an old terminal show a question mark for a sign that it does not have.

    Only for streams that the script is done with, or never gets: it may rely on the error.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and stream is not None and not stream.closed:
        reconfigure(errors="replace")


def say(message: str) -> None:
    """Write one line of our own on stderr, marked as ours."""
    try:
        sys.stderr.write(f"buildtrace: {message}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # no stderr to speak of: closed by the script, or none under pythonw


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sees what is written to the stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False  # closed


def _flush() -> None:
    """Flush stdout; a reader that has seen enough, as in `| head`, is no reason to complain."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        # Python flushes once more at its end: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        pass  # closed, or none at all
