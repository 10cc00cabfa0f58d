"""What one command line asks for, and the checks of it before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from buildtrace.cli import VERBS
from buildtrace.errors import UsageError
from buildtrace.renderers import renderer_for
from buildtrace.renderers.options import Options

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
    if not request.is_module:
        _check_file(request.target)
    if request.is_trace and request.arguments:
        raise UsageError(
            f"a trace file takes no arguments: options stand before it, as in "
            f"`buildtrace {' '.join(request.arguments)} {request.target}`"
        )
    for path in request.outputs:
        _check_output(path, request.format)


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


def _check_output(path: Path, format: str | None) -> None:  # noqa: A002 - the option's name
    import tempfile

    renderer_for(path, format)
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
