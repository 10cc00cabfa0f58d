"""What is written to the terminal, and is not the report: lines of our own."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


def tolerate(stream: TextIO | None) -> None:
    """Let an old terminal show a question mark for a sign that it does not have.

    Only for streams that the script is done with, or never gets: it may rely on the error.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and stream is not None and not stream.closed:
        reconfigure(errors="replace")


def say(message: str, stream: TextIO | None = None) -> None:
    """Write one line of our own, marked as ours.

    Args:
        message: the line.
        stream: where to, if not to what is stderr now.
    """
    from buildtrace.traces import wording  # late: most commands have nothing to say

    message = wording.sanitize_long(message)
    # There may be no stderr to speak of: closed by the script, full, or none under pythonw.
    with contextlib.suppress(OSError, ValueError), own_output(stream or sys.stderr) as stderr:
        stderr.write(f"buildtrace: {message}\n")


@contextlib.contextmanager
def own_output(stream: TextIO | None) -> Iterator[TextIO]:
    """Have what the block writes to the stream go out at once, or not at all.

    What cannot be written is dropped, or Python would try again at its end, complain, and change
    the exit code. What the script had left in the stream is not ours to drop: of that, Python
    complains as ever. A reader that has seen enough, as in `| head`, is no error.

    Raises:
        OSError: it could not be written.
    """
    if stream is None or stream.closed:
        raise OSError("there is no stream for it, or it is closed")
    stream.flush()
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        _drop(stream)
    except BaseException:
        _drop(stream)
        raise


def _drop(stream: TextIO) -> None:
    """Have go nowhere what the stream still holds."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as null:  # noqa: PTH123
        number = stream.fileno()
        true = os.dup(number)
        os.dup2(null.fileno(), number)
        try:
            stream.flush()
        finally:
            os.dup2(true, number)
            os.close(true)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sees what is written to the stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False  # closed


def stdout_alone(*, divert: bool) -> TextIO | None:
    """A stdout of our own, for what programs are to read.

    Args:
        divert: send all else that is written to stdout from now on to stderr, to the very end:
            the script may have registered something for then.
    """
    try:
        sys.stdout.flush()
        alone = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
        if divert:
            os.dup2(2, 1)
    except (OSError, ValueError, AttributeError):
        return sys.stdout  # closed, or none at all
    return alone
