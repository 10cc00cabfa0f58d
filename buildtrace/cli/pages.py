"""The pages of a trace for the browser: written into folders, and opened."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.cli.streams import say
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from buildtrace.cli.attempts import Attempts
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace


def write_folder(trace: Trace, folder: Path, options: Options, attempts: Attempts) -> Path | None:
    """Write a page for each model, each that can be, and the index of them.

    Returns:
        The index, if it is written.
    """
    from buildtrace import renderers
    from buildtrace.renderers.page import folder as pages
    from buildtrace.traces import wording

    index = folder / pages.INDEX
    with attempts.attempt(f"{index} is not written"):
        folder.mkdir(exist_ok=True)
        written = []
        found = pages.pages(trace, options)
        for page in found.pages:
            path = folder / page.file
            with attempts.attempt(f"{path} is not written", about=f"{path}: "):
                renderers.write(path, page.content(options))
                written.append(page)
        renderers.write(index, pages.index(trace, written, found.more))
        say(f"wrote {wording.count(len(written), 'page')} and {index}")
        return index
    return None


def write_temporary(trace: Trace, options: Options) -> Path:
    """Write the page into a folder that is left to the system to clear."""
    from buildtrace import renderers

    page = Path(tempfile.mkdtemp(prefix="buildtrace-"), "build.html")
    renderers.save(trace, page, options=options)
    say(f"wrote {page}")
    return page


def open_in_browser(page: Path) -> None:
    """Have the user's browser show a page.

    Raises:
        UsageError: there is none, or it cannot be started.
    """
    import webbrowser

    try:
        opened = webbrowser.open(page.as_uri())
    except webbrowser.Error as error:
        raise UsageError(str(error)) from error
    if not opened:
        raise UsageError("Python finds no browser here")
