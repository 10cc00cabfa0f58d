"""What one command line asks for, and the checks of it before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from buildtrace.cli import VERBS
from buildtrace.errors import UsageError
from buildtrace.renderers import Options, renderer_for

TRACE_SUFFIX = ".json"


@dataclass(frozen=True)
class Request:
    """What one command line asks for.

    Attributes:
        target: the script, the module or the trace file, as given.
        is_module: the target is a module's name (`-m`).
        arguments: what the script finds in `sys.argv[1:]`.
        outputs: absolute paths of the files to write.
        format: renderer for all outputs, where their suffix does not tell.
        keras: "auto", or the number of the generation that `tf.keras` shall be.
        options: what the renderers need to know.
        view_asked: an option for the report was given, so it belongs on stdout.
        no_train: end the script where training would begin.
    """

    target: str
    is_module: bool = False
    arguments: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()
    format: str | None = None
    keras: str = "auto"
    options: Options = field(default_factory=Options)
    view_asked: bool = False
    no_train: bool = False

    @property
    def is_trace(self) -> bool:
        """The target is a trace file: nothing has to run."""
        return not self.is_module and Path(self.target).suffix.lower() == TRACE_SUFFIX


def check(request: Request) -> None:
    """See that the target is there and that the outputs can be written, before anything runs.

    Raises:
        UsageError: something is missing or cannot be written.
    """
    check_target(request)
    check_outputs(request)


def check_target(request: Request, command: str = "buildtrace") -> None:
    """See that what is to be run or shown is there.

    Args:
        request: what was asked for.
        command: the verb that was given, for an example.

    Raises:
        UsageError: it is not, or it takes no arguments.
    """
    if not request.is_module:
        _check_file(request.target)
    if request.is_trace and request.arguments:
        raise UsageError(
            f"a trace file takes no arguments: options stand before it, as in "
            f"`{command} {' '.join(request.arguments)} {request.target}`"
        )


def check_outputs(request: Request) -> None:
    """See that the outputs can be written.

    Raises:
        UsageError: one of them cannot, or nobody writes its format.
    """
    for path in request.outputs:
        renderer_for(path, request.format)
        check_writable(path)


def _check_file(target: str) -> None:
    path = Path(target)
    if path.is_dir():
        raise UsageError(f"{target} is a folder: name the script in it")
    if not path.exists():
        hint = ""
        if target in VERBS:
            hint = ": a verb stands first, without options before it"
        elif not path.suffix and Path(f"{target}.py").is_file():
            hint = f": did you mean {target}.py?"
        raise UsageError(f"there is no file {target}{hint}")
    try:
        path.open("rb").close()
    except OSError as error:
        raise UsageError(f"cannot read {target}: {error.strerror}") from error


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
