"""What has to be settled before TensorFlow is imported: which Keras it gives, and its chatter."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
from typing import IO, TYPE_CHECKING, Any

from buildtrace.errors import MissingPackageError
from buildtrace.generations import PACKAGES, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

LEGACY = "TF_USE_LEGACY_KERAS"
"""TensorFlow's own switch, from 2.15 on: "1" makes `tf.keras` the package tf_keras."""

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


# -- which Keras ------------------------------------------------------------------------------


def installed(module: str) -> bool:
    """Whether a module could be imported; finds out without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def version(module: str) -> str | None:
    """Version of an installed top-level module, by its distribution's metadata.

    Keras may be no distribution, but a checkout on the path. TensorFlow's distributions have many
    names (tensorflow-cpu, tf-nightly, …), so the module is looked up among all of them where the
    distribution is not called like the module.
    """
    if not installed(module):
        return None
    if module in PACKAGES:
        return version_of(module)
    from importlib import metadata

    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(module, [])
        return metadata.version(names[0]) if names else None


def legacy_asked() -> bool:
    """Whether `TF_USE_LEGACY_KERAS` is on, read as TensorFlow reads it."""
    return os.environ.get(LEGACY) in ("true", "True", "1")


def major(text: str | None) -> int | None:
    """The first number of a version: 3 of "3.15.1"."""
    head = (text or "").partition(".")[0]
    return int(head) if head.isdecimal() else None


def package_of(keras: str) -> str | None:
    """The package that `tf.keras` is for this value of `--keras`; `None` if there is none.

    From TensorFlow 2.16 on it is keras (3) or, when asked, tf_keras (2). Before, the package
    keras was Keras 2 itself.
    """
    have = major(version("keras"))
    if keras == "auto":
        package = "tf_keras" if legacy_asked() else "keras"
        return package if installed(package) else None
    if str(have) == keras:
        return "keras"
    return "tf_keras" if keras == "2" and installed("tf_keras") else None


def choose_keras(keras: str) -> None:
    """Make `tf.keras` the wanted generation, by TensorFlow's own switch.

    Args:
        keras: "auto" leaves all as it is, else the number of the generation.

    Raises:
        MissingPackageError: that generation is not installed; the text has the pip command.
    """
    if keras == "auto":
        return
    package = package_of(keras)
    if package is None or (keras == "2" and not installed("tensorflow")):
        raise MissingPackageError(f"--keras {keras}: {missing(keras)}")
    if package == "tf_keras":
        os.environ[LEGACY] = "1"
    else:  # "0", or an early TensorFlow would ask for a tf_keras that need not be there
        os.environ[LEGACY] = "0"


def missing(keras: str) -> str:
    """Why `tf.keras` cannot be this generation, and the pip command that helps."""
    if not installed("tensorflow"):
        if keras == "2":
            return "TensorFlow is not installed: pip install tensorflow tf_keras"
        return "Keras is not installed: pip install tensorflow"
    if keras == "2":
        return "the package tf_keras, which is Keras 2, is not installed: pip install tf_keras"
    return (
        f"TensorFlow {version('tensorflow')} comes with Keras {version('keras')}: "
        "pip install -U 'tensorflow>=2.16'"
    )


# -- log chatter ------------------------------------------------------------------------------


def quiet_tensorflow() -> None:
    """Turn TensorFlow's log chatter off, unless the user has a setting of their own.

    The level alone does not do it: from 2.18 on TensorFlow logs while its libraries are being
    loaded, before it reads the level, so those lines are taken out of stderr.
    """
    if LOG_LEVEL in os.environ:
        return
    os.environ[LOG_LEVEL] = "3"
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietFinder())


CHATTER = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} \d\d:\d\d:\d\d+\.\d+ +\d+ \S+:\d+\]"  # absl
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] \S+:\d+\]"  # TensorFlow's own format
    rb"|To enable the following instructions: )"  # second line of a message
)


class _QuietFinder:
    """Has the package tensorflow loaded without its chatter, once, and is gone."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Find tensorflow as Python does, and wrap its loading."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            _load_quietly(spec.loader)
        return spec


def _load_quietly(loader: Any) -> None:
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module  # the loader stays in the module: leave it as it was
        with without_chatter():
            load(module)

    loader.exec_module = exec_module


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to the process's stderr meanwhile; pass on all but the chatter."""
    stderr, held = _divert_stderr()
    try:
        yield
    finally:
        if held is not None:
            _flush_stderr()
            os.dup2(stderr, 2)
            held.seek(0)
            for line in held:
                if not CHATTER.match(line):
                    os.write(stderr, line)
            held.close()
            os.close(stderr)


def _divert_stderr() -> tuple[int, IO[bytes] | None]:
    """Have stderr written to a file: the true stderr, and that file, or `None` if it cannot be."""
    import tempfile

    try:
        stderr, held = os.dup(2), tempfile.TemporaryFile()  # noqa: SIM115 - closed by the caller
    except OSError:
        return -1, None  # there is no stderr, or nowhere to hold it
    _flush_stderr()
    os.dup2(held.fileno(), 2)
    return stderr, held


def _flush_stderr() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none
        sys.stderr.flush()
