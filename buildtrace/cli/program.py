"""The program that a command line names, and whether it is there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from buildtrace.cli.verbs import VERBS
from buildtrace.errors import UsageError

TRACE_SUFFIX = ".json"


class Program(NamedTuple):
    """A program to run, or the saved trace of one.

    Attributes:
        target: the script, the module or the trace file, as given.
        is_module: the target is a module's name (`-m`).
        arguments: what the program finds in `sys.argv[1:]`.
        keras: "auto", or the number of the generation that `tf.keras` shall be.
        backend: what Keras 3 shall compute with; `None` for what it would.
        no_train: end the program where training would begin.
    """

    target: str
    is_module: bool = False
    arguments: tuple[str, ...] = ()
    keras: str = "auto"
    backend: str | None = None
    no_train: bool = False

    @property
    def is_trace(self) -> bool:
        """The target is a trace file: nothing has to run."""
        return not self.is_module and Path(self.target).suffix.lower() == TRACE_SUFFIX


def same_program(left: Program, right: Program) -> bool:
    """Whether both are the same script or module with the same arguments, on whatever Keras."""
    if left.is_trace or right.is_trace or left.is_module != right.is_module:
        return False
    targets = [p.target if p.is_module else str(Path(p.target).resolve()) for p in (left, right)]
    return targets[0] == targets[1] and left.arguments == right.arguments


def check_program(program: Program, command: str = "buildtrace") -> None:
    """See that the script or trace is there.

    Args:
        program: what was named.
        command: the verb that was given, for an example.

    Raises:
        UsageError: it is not, or it takes no arguments.
    """
    if not program.is_module:
        _check_file(program.target)
    if program.is_trace and program.arguments:
        raise UsageError(
            f"a trace file takes no arguments: options stand before it, as in "
            f"`{command} {' '.join(program.arguments)} {program.target}`"
        )


def _check_file(target: str) -> None:
    path = Path(target)
    if path.is_dir():
        raise UsageError(f"{target} is a folder: name the script in it")
    if not path.exists():
        hint = ""
        if target in VERBS:
            hint = ": a verb stands first, and its options after it"
        elif not path.suffix and Path(f"{target}.py").is_file():
            hint = f": did you mean {target}.py?"
        raise UsageError(f"there is no file {target}{hint}")
    if not path.is_file():
        return  # a pipe that nobody writes to cannot even be opened
    try:
        path.open("rb").close()
    except OSError as error:
        raise UsageError(f"cannot read {target}: {error.strerror}") from error
