"""What comes out of a trace: the report on a stream, and the files."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, TextIO

from buildtrace.cli.streams import is_terminal, say, tolerate
from buildtrace.errors import BuildtraceError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from buildtrace.cli.request import Request
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace


def deliver(trace: Trace, request: Request, *, show: bool = True) -> bool:
    """Show the trace and write the files that were asked for.

    Args:
        trace: what was recorded.
        request: what was asked for.
        show: whether to show the report; the files are written in any case.

    Returns:
        Whether all of it could be done. What could not has been said on stderr.
    """
    options = known_model(trace, request.options)
    shown = not show or _show(trace, options, report_stream(request))
    written = [_write(trace, path, request.format, options) for path in request.outputs]
    return shown and all(written)


def report_stream(request: Request) -> TextIO | None:
    """Where the report goes: stdout if it was asked for or somebody sees it, else stderr."""
    return sys.stdout if request.view_asked or is_terminal(sys.stdout) else sys.stderr


def known_model(trace: Trace, options: Options) -> Options:
    """The options, without a model that is not in the trace; says which there are."""
    from buildtrace.traces.folding import focus

    if options.model is None or not trace.calls:
        return options._replace(model=None)
    try:
        focus(trace, options.model)
    except UsageError as error:
        say(f"{error}; this is all of it")
        return options._replace(model=None)
    return options


def _show(trace: Trace, options: Options, stream: TextIO | None) -> bool:
    from rich.console import Console

    from buildtrace import renderers

    if stream is None:
        return True
    tolerate(stream)
    try:
        renderers.show(trace, Console(file=stream), options)
        stream.flush()
    except BrokenPipeError:
        pass  # the reader has seen enough, as in `| head`
    except BuildtraceError as error:
        say(f"error: {error}")
        return False
    except ValueError:
        return stream.closed  # the script closed it: nobody is there to see
    return True


def _write(trace: Trace, path: Path, format: str | None, options: Options) -> bool:  # noqa: A002
    from buildtrace import renderers

    try:
        with warnings.catch_warnings():
            # A warning here is for the user of the command, as it comes, and without our line.
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_, **__: say(f"{path}: {message}")
            renderers.save(trace, path, format=format, options=options)
    except BuildtraceError as error:
        say(f"error: {error}")
        return False
    except OSError as error:
        say(f"error: cannot write {path}: {error.strerror or error}")
        return False
    say(f"wrote {path}")
    return True
