"""What comes out of a trace: the report on a stream, and the files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from buildtrace.cli.pages import open_in_browser, write_folder, write_temporary
from buildtrace.cli.request import PAGE
from buildtrace.cli.streams import is_terminal, say
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.request import Request
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace


def deliver(
    trace: Trace,
    request: Request,
    attempts: Attempts,
    *,
    show: bool = True,
    needed: bool = True,
    stream: TextIO | None = None,
) -> None:
    """Show the trace and write the files that were asked for: each that can be.

    Args:
        trace: what was recorded.
        request: what was asked for.
        attempts: tries each of it, and knows afterwards how that went.
        show: whether to show the report; the files are written in any case.
        needed: whether all has failed if the report cannot be shown.
        stream: where the report goes to; that of the request, if not given.
    """
    options = request.options
    with attempts.attempt("--model is not looked up", needed=needed):
        options = known_model(trace, options)
    if show:
        with attempts.attempt("the report is not shown to its end", needed=needed):
            _show(trace, options, stream or report_stream(request))
    pages: list[Path | None] = []
    for path in request.outputs:
        with attempts.attempt(f"{path} is not written", about=f"{path}: "):
            pages.append(_write(trace, path, request.format, options))
    pages += [write_folder(trace, folder, options, attempts) for folder in request.folders]
    if request.open and (trace.calls or trace.findings or trace.saved):
        _open(trace, next(filter(None, pages), None), request, options, attempts)


def report_stream(request: Request) -> TextIO | None:
    """Where the report goes: stdout if it was asked for or somebody sees it, else stderr."""
    return sys.stdout if request.view_asked or is_terminal(sys.stdout) else sys.stderr


def known_model(trace: Trace, options: Options) -> Options:
    """The options, without a model that is not in the trace; says which there are."""
    from buildtrace.traces.folding import focus

    if options.model is None or not (trace.calls or trace.saved):
        return options._replace(model=None)
    try:
        focus(trace, options.model)
    except UsageError as error:
        say(f"{error}; this is all of it")
        return options._replace(model=None)
    return options


def _show(trace: Trace, options: Options, stream: TextIO | None) -> None:
    from buildtrace import renderers
    from buildtrace.cli.console import own_console

    with own_console(stream) as console:
        renderers.show(trace, console, options)


def _write(
    trace: Trace,
    path: Path,
    format: str | None,  # noqa: A002
    options: Options,
) -> Path | None:
    """Write a file; gives its path if it is a page."""
    from buildtrace import renderers

    renderers.save(trace, path, format=format, options=options)
    say(f"wrote {path}")
    return path if renderers.renderer_for(path, format).name == PAGE else None


def _open(
    trace: Trace, page: Path | None, request: Request, options: Options, attempts: Attempts
) -> None:
    """Open the page, or one in a temporary file if none was asked for."""
    if page is None and not _asks_for_page(request):
        with attempts.attempt("the page is not written"):
            page = write_temporary(trace, options)
    if page is not None:
        with attempts.attempt(f"{page} is not opened", needed=False):
            open_in_browser(page)


def _asks_for_page(request: Request) -> bool:
    from buildtrace import renderers

    names = [renderers.renderer_for(path, request.format).name for path in request.outputs]
    return bool(request.folders) or PAGE in names
