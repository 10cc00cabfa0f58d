"""What a command line asks to see of a trace, and the checks of it before anything runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from buildtrace.errors import UsageError
from buildtrace.renderers import RENDERERS, Options, check_installed, renderer_for

PAGE = "html"
"""The format of a page for the browser."""


class Request(NamedTuple):
    """What to show of a trace, and which files to write.

    Attributes:
        outputs: absolute paths of the files to write.
        folders: absolute paths of the folders to write pages into.
        open: whether to open the first page in a browser.
        format: renderer for all outputs, where their suffix does not tell.
        options: what the renderers need to know.
        view_asked: an option for the report was given, so it belongs on stdout.
    """

    outputs: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    open: bool = False
    format: str | None = None
    options: Options = Options()
    view_asked: bool = False


def check_outputs(request: Request) -> None:
    """See that the files and folders can be written.

    Raises:
        UsageError: one of them cannot, or nobody writes its format.
    """
    for path in request.outputs:
        check_installed(renderer_for(path, request.format))
        check_writable(path)
    for folder in request.folders:
        if request.format not in (None, PAGE):
            file = folder / f"build{RENDERERS[request.format].suffix or '.json'}"
            raise UsageError(
                f"cannot write {folder}{os.sep} as {request.format}: "
                f"a folder gets pages; name a file in it: -o {file}"
            )
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"cannot write {folder}{os.sep}: it is a file")
        check_writable(folder / "page" if folder.exists() else folder)


def is_folder(name: str) -> bool:
    """Whether a name means a folder: by the sign at its end, or as it is one without a suffix."""
    if name.endswith(tuple(filter(None, (os.sep, os.altsep)))):
        return True
    path = Path(name).expanduser()
    return not path.suffix and path.is_dir()


def check_writable(path: Path) -> None:
    """See that a file can be written there.

    Raises:
        UsageError: it cannot.
    """
    import tempfile

    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
    try:  # asking for permission is not reliable everywhere: try it
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: nothing can be written in {path.parent} ({error.strerror})"
        ) from error
