"""What is written to the terminal, and is not the report: lines of our own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


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


def flush() -> None:
    """Flush stdout; a reader that has seen enough, as in `| head`, is no reason to complain."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        # Python flushes once more at its end: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        pass  # closed, or none at all
