"""What a command line asks to see of a trace, and the checks of it before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import UsageError
from buildtrace.renderers import Options, renderer_for

if TYPE_CHECKING:
    from pathlib import Path


class Request(NamedTuple):
    """What to show of a trace, and which files to write.

    Attributes:
        outputs: absolute paths of the files to write.
        format: renderer for all outputs, where their suffix does not tell.
        options: what the renderers need to know.
        view_asked: an option for the report was given, so it belongs on stdout.
    """

    outputs: tuple[Path, ...] = ()
    format: str | None = None
    options: Options = Options()
    view_asked: bool = False


def check_outputs(request: Request) -> None:
    """See that the files can be written.

    Raises:
        UsageError: one of them cannot, or nobody writes its format.
    """
    for path in request.outputs:
        renderer_for(path, request.format)
        check_writable(path)


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
