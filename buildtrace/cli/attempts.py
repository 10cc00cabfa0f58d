"""What comes out of a trace is made in parts, so that one that fails costs no other."""

from __future__ import annotations

import contextlib
import os
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.cli.streams import say
from buildtrace.errors import BuildtraceError, NothingToDrawError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBUG = "BUILDTRACE_DEBUG"
"""The environment variable that has the traceback of a fault of ours shown."""


class Attempts:
    """Tries the parts of a work, and keeps in mind how that went.

    Attributes:
        failed: whether a part could not be done that is needed.
        empty: whether there was nothing that a picture could have shown.
        interrupted: whether Ctrl-C has ended a part. A second one ends all of the work.
    """

    def __init__(self) -> None:
        self.failed = False
        self.empty = False
        self.interrupted = False

    @contextlib.contextmanager
    def attempt(self, otherwise: str, *, about: str = "", needed: bool = True) -> Iterator[None]:
        """Try a part; what hinders it is said in one line.

        Args:
            otherwise: what is the case then: "x.svg is not written".
            about: what its warnings are about: "x.svg: ".
            needed: whether all of the work has failed then.
        """
        try:
            with _said_warnings(about):
                yield
        except KeyboardInterrupt:
            if self.interrupted:
                raise
            self.interrupted = True
            say(f"interrupted: {otherwise} (Ctrl-C again ends all)")
        except NothingToDrawError as error:
            self.empty = True
            say(f"{otherwise}: {error}")
        except Exception as error:
            self.failed = self.failed or needed
            say(f"error: {otherwise}: {reason(error)}")

    def end(self) -> None:
        """Pass on the interrupt, if there was one, now that all that could be done is done.

        Raises:
            KeyboardInterrupt: there was.
        """
        if self.interrupted:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _said_warnings(about: str) -> Iterator[None]:
    """Have warnings said as they come, in a line of ours, whatever the script had decided on."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # of what the script left open
        warnings.showwarning = lambda message, *_, **__: say(f"{about}{message}")
        yield


def reason(error: Exception) -> str:
    """Why something could not be done, in one line."""
    from buildtrace.traces import wording

    if isinstance(error, BuildtraceError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, ImportError) and (package := _dependency(error)):
        said = wording.sanitize_long(str(error))
        return f"{package} cannot be imported ({said}): pip install -U {package}"
    if os.environ.get(DEBUG):
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    what = wording.sanitize_long(traceback.format_exception_only(error)[-1].strip())
    return (
        f"{what}{_place(error)}. This is a fault of buildtrace: please report it, "
        f"with the traceback that {DEBUG}=1 shows"
    )


def _dependency(error: ImportError) -> str:
    """The package that buildtrace depends on and that could not be imported; "" if it was none."""
    from buildtrace.cli.doctor import NEEDED  # not before: an error is seldom

    package = (error.name or "").partition(".")[0]
    return package if package in NEEDED else ""


def _place(error: Exception) -> str:
    """Where in our code it was raised, or by what we call."""
    package = Path(__file__).parents[1]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if package in Path(frame.filename).parents]
    if not ours:
        return ""
    file = Path(ours[-1].filename).relative_to(package.parent)
    return f" ({file.as_posix()}:{ours[-1].lineno})"
