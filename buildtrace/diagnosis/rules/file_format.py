"""BT803: a file that is another kind than its name says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_NOT_FOUND = "File not found"
_NO_ARCHIVE = "is not a zip file"
_NO_HDF5 = "file signature not found"


class Kind(NamedTuple):
    """A file that was taken for something else.

    Attributes:
        function: the end of the name of the function that reads it.
        suffix: what its name ends in.
        formats: what it is.
        said: what Keras says of that; one of these.
        what: what it is, in words.
        suffixes: what its name should end in, the likeliest first.
    """

    function: str
    suffix: str
    formats: tuple[str, ...]
    said: tuple[str, ...]
    what: str
    suffixes: tuple[str, ...] = ()


_ARCHIVE = "an archive, as `.keras` files are"
_HDF5 = "HDF5, as `.h5` and `.weights.h5` files are"
_CUT = "no whole archive: it was cut off, or never was one"
_OLDER = "HDF5 of the older kind, which `.h5` files are"
_NEWER = "HDF5 of the newer kind, which `.weights.h5` files are"

_KINDS = (
    Kind("load_model", ".keras", ("hdf5",), (_NOT_FOUND,), _HDF5, (".h5",)),
    Kind(
        "load_model",
        ".keras",
        ("broken zip", "empty", "other"),
        (_NOT_FOUND, _NO_HDF5),
        _CUT,
    ),
    Kind("load_model", ".h5", ("keras",), (_NO_HDF5,), _ARCHIVE, (".keras",)),
    Kind("load_weights", ".keras", ("hdf5",), (_NO_ARCHIVE,), _HDF5, (".weights.h5", ".h5")),
    Kind("load_weights", ".weights.h5", ("keras",), (_NO_HDF5,), _ARCHIVE, (".keras",)),
    Kind("load_weights", ".weights.h5", ("older hdf5",), ("variables",), _OLDER, (".h5",)),
    Kind("load_weights", ".h5", ("keras",), (_NO_HDF5,), _ARCHIVE, (".keras",)),
    Kind("load_weights", ".h5", ("newer hdf5",), ("count mismatch",), _NEWER, (".weights.h5",)),
)


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        load = next((c for c in raised.calls if c.loaded and c.loaded.format), None)
        kind = load and _kind(load, raised)
        if load is not None and kind:
            yield _finding(raised, load, kind)


def _kind(load: Call, raised: Raised) -> Kind | None:
    assert load.loaded is not None
    name = load.loaded.source.lower().replace(".hdf5", ".h5")
    for kind in _KINDS:
        if load.landmark.endswith(kind.function) and load.loaded.format in kind.formats:
            # `.weights.h5` is no `.h5`, though it ends so.
            fits = name.endswith(kind.suffix) and (
                kind.suffix == ".weights.h5" or not name.endswith(".weights.h5")
            )
            if fits and any(raised.says(said) for said in kind.said):
                return kind
    return None


def _finding(raised: Raised, load: Call, kind: Kind) -> Finding:
    assert load.loaded is not None
    name = wording.quoted(load.loaded.source)
    return RULE.finding(
        f"{load.name} at {wording.line(load.caller)} takes {name} for a `{kind.suffix}` file "
        f"because of its name, but it is {kind.what}.",
        fix=_fix(load, kind),
        calls=raised.ids,
        caller=load.caller,
    )


def _fix(load: Call, kind: Kind) -> str:
    if not kind.suffixes:
        return "# copy the file again, or save the model again: what it had is not there"
    suffix, *others = kind.suffixes
    called = f'"model{suffix}"'
    lines = ["import shutil", f"shutil.copy(path, {called})  # the name says how Keras reads it"]
    if kind.function == "load_model":
        lines.append(f"model = keras.models.load_model({called})")
    else:
        model = remedies.variable(load.layer) if load.layer else "model"
        lines.append(f"{model}.load_weights({called})")
    if kind.suffix == ".keras" and kind.function == "load_model":
        lines.append(
            "# if it has weights alone: make the model by its code, and load_weights from a copy "
            'called "model.weights.h5"'
        )
    lines += [f'# or "model{other}", if it is of the older kind' for other in others]
    return "\n".join(lines)


RULE = Rule(
    code="BT803",
    title="a file of another kind than its name says",
    severity="error",
    generations=BOTH,
    why="Keras goes by the end of a file's name: `.keras` is an archive, `.weights.h5` HDF5 with a "
    "group for each layer's variables, any other `.h5` HDF5 that lists the names of layers "
    "(load_model and load_weights in saving/saving_api.py of keras 3.15.1 and tf_keras 2.21). A "
    "file that is something else is said not to be found, to have no signature, or to have no "
    "layers. Keras 2 up to TensorFlow 2.12 wrote the older kind whatever the name was.",
    bad="""\
import os
import shutil
import tempfile

from tensorflow import keras

folder = tempfile.mkdtemp()
path = os.path.join(folder, "model.keras")
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
model.save(path)
other = os.path.join(folder, "model.h5")
shutil.copy(path, other)
keras.models.load_model(other)
""",
    good="""\
import os
import shutil
import tempfile

from tensorflow import keras

folder = tempfile.mkdtemp()
path = os.path.join(folder, "model.keras")
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
model.save(path)
other = os.path.join(folder, "copy.keras")
shutil.copy(path, other)
keras.models.load_model(other)
""",
    check=_check,
)
