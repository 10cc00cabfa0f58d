"""The program that a command line names, and whether it is there."""

from __future__ import annotations

import errno
import os
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from pkgutil import get_importer
from typing import NamedTuple

from buildtrace.cli.verbs import VERBS
from buildtrace.errors import UsageError
from buildtrace.renderers import by_suffix
from buildtrace.traces import compression

STDIN = "-"

MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")
"""Of files that Keras saves."""

BEGINNING = 8_000
"""So many bytes of a file are looked at to see whether it is a text, as git does."""


class Program(NamedTuple):
    """A program to run, the saved trace of one, or a saved model's file.

    Attributes:
        target: the script, the module or the file, as given.
        is_module: the target is a module's name (`-m`).
        arguments: what the program finds in `sys.argv[1:]`.
        keras: "auto", or the number of the generation that `tf.keras` shall be.
        backend: what Keras 3 shall compute with; `None` for what it would.
        no_train: how to do without training, `END` or `SKIP`; empty if it is to train.
        abstract: weights are to take no memory.
    """

    target: str
    is_module: bool = False
    arguments: tuple[str, ...] = ()
    keras: str = "auto"
    backend: str | None = None
    no_train: str = ""
    abstract: bool = False

    @property
    def is_trace(self) -> bool:
        """The target is a trace file: nothing has to run."""
        renderer = None if self.is_module else by_suffix(self.target)
        return renderer is not None and renderer.loads

    @property
    def is_saved(self) -> bool:
        """The target is a saved model's file, by its name: nothing in it is run, whatever it is."""
        path = Path(self.target)
        named_so = not self.is_module and path.suffix.lower() in MODEL_SUFFIXES
        return named_so and not path.is_dir()

    @property
    def is_stdin(self) -> bool:
        """The target is what comes from stdin."""
        return not self.is_module and self.target == STDIN

    @property
    def is_application(self) -> bool:
        """The target is a folder or an archive with a `__main__.py`, as `zipapp` makes them."""
        is_other = self.is_module or self.is_stdin or self.is_saved
        return not is_other and _is_application(self.target)

    @property
    def is_compiled(self) -> bool:
        """The target is a script that Python has compiled (`.pyc`)."""
        return not self.is_module and _beginning(self.target).startswith(MAGIC_NUMBER)


def same_program(left: Program, right: Program) -> bool:
    """Whether both are the same script or module with the same arguments, on whatever Keras."""
    if left.is_trace or right.is_trace or left.is_module != right.is_module:
        return False
    targets = [p.target if p.is_module else str(Path(p.target).resolve()) for p in (left, right)]
    return targets[0] == targets[1] and left.arguments == right.arguments


def check_program(
    program: Program, command: str = "buildtrace", *, takes_saved: bool = False
) -> None:
    """See that the script or file is there.

    Args:
        program: what was named.
        command: the verb that was given, for an example.
        takes_saved: whether it may be a saved model's file.

    Raises:
        UsageError: it is not, or it takes no arguments.
    """
    if not (program.is_module or program.is_stdin):
        _check_file(program.target)
        if not (program.is_trace or (takes_saved and program.is_saved)):
            _check_script(program)
    if (program.is_trace or program.is_saved) and program.arguments:
        kind = "trace" if program.is_trace else "saved"
        raise UsageError(
            f"a {kind} file takes no arguments: options stand before it, as in "
            f"`{command} {' '.join(program.arguments)} {program.target}`"
        )


def _check_file(target: str) -> None:
    path = Path(target)
    if not path.exists():
        hint = ""
        if target in VERBS:
            hint = ": a verb stands first, and its options after it"
        elif not path.suffix and Path(f"{target}.py").is_file():
            hint = f": did you mean {target}.py?"
        raise UsageError(f"there is no file {target}{hint}")
    try:
        _beginning(target)
    except OSError as error:
        raise UsageError(f"cannot read {target}: {error.strerror}") from error


def _check_script(program: Program) -> None:
    """See that Python could run it: no message about null bytes would help."""
    target = program.target
    if program.is_application or program.is_compiled:
        return
    what = _what_it_is(Path(target), _beginning(target))
    if what:
        raise UsageError(f"{target} is {what}")


def _saved_model(path: Path, the_script: str) -> str:
    """What to do with a folder of TensorFlow's: only Keras 2 leaves there what it needs itself."""
    if (path / "keras_metadata.pb").exists():
        return (
            f"a SavedModel of Keras 2, which only TensorFlow can read: {the_script}, or make one "
            f'file of it by tf_keras.models.load_model("{path}").save("model.keras")'
        )
    return f"a SavedModel of TensorFlow, which has functions and no layers of Keras: {the_script}"


def _what_it_is(path: Path, beginning: bytes) -> str:
    """What a file or folder is that no script is; empty if it may be one."""
    the_script = "name the script that builds or loads it"
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            return _saved_model(path, the_script)
        return "a folder without a __main__.py: name the script in it"
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "a text in UTF-16, which Python does not read: save it as UTF-8"
    if beginning.startswith(b"{") and _is_journal(beginning):
        return f"the journal of a process that was ended: `buildtrace merge {path}` shows it"
    if beginning.startswith(compression.MAGIC):
        return "compressed with gzip: if it is a trace, name it TRACE.json.gz"
    is_archive = get_importer(str(path)) is not None
    if b"\0" not in beginning and not is_archive:
        return ""
    if path.suffix.lower() == ".pyc":
        return "compiled by another version of Python: name the script itself"
    if beginning.startswith(b"\x89HDF") and path.suffix.lower() not in MODEL_SUFFIXES:
        return f"HDF5: if Keras has saved it, name it {path.stem}.h5"
    if path.name.lower().endswith(".weights.h5"):
        return f"a file of weights: {the_script}"
    if path.suffix.lower() in MODEL_SUFFIXES:
        return f"a saved model: {the_script}"
    if is_archive:
        return "an archive without a __main__.py, which Python could run"
    return "no script: it is not a text"


def _is_journal(beginning: bytes) -> bool:
    from buildtrace.traces import journal  # takes long, and hardly a script begins with a brace

    return beginning.startswith(journal.head().partition(b",")[0])


def _is_application(target: str) -> bool:
    importer = get_importer(target)  # `None` for whatever is no folder and no archive
    find = getattr(importer, "find_spec", None)
    return find is not None and find("__main__") is not None


def _beginning(target: str) -> bytes:
    """The first bytes of a file. A pipe is not touched, since it can be read only once.

    Raises:
        OSError: it cannot be read.
    """
    path = Path(target)
    if not path.is_file():
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return b""
    with path.open("rb") as file:
        return file.read(BEGINNING)
