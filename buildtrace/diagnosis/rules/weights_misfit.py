"""BT802: what a file has and what the layers want of it do not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.file_fit import BY_NAME, BY_ORDER, attribute, file_fits, shapes
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.normalize import automatic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.file_fit import FileFit, Misfit
    from buildtrace.traces.schema import Call, Finding, LayerRef, Severity
    from buildtrace.traces.trace import Trace

LITTLE = 2
"""A file that gave values to less than one of so many layers, of those that it has and of those
that want some, gave little."""

_UNITS = ("Dense", "Conv1D", "Conv2D", "Conv3D", "EinsumDense")
"""Layers that take the last size of their first weight as an argument, the first one."""


def _check(trace: Trace) -> Iterator[Finding]:
    ended = {id_ for raised in trace.index.raised for id_ in raised.ids}
    for fit in file_fits(trace):
        # What is not built is the matter of other rules: it would fit if it were.
        misfits = [misfit for misfit in fit.misfits if misfit.wanted.shapes]
        if misfits and fit.call.error is None:
            yield from _silent(trace, fit, misfits)
        elif misfits and fit.call.id in ended:
            yield _finding(trace, fit, misfits, "error")


def _silent(trace: Trace, fit: FileFit, misfits: list[Misfit]) -> Iterator[Finding]:
    """Of a loading that left out what did not fit, as it was asked to."""
    read = _read(fit)
    if not read:
        yield _finding(trace, fit, misfits, "warning")
    elif read * LITTLE < len(fit.layers) and read * LITTLE < len(fit.stored):
        yield _finding(trace, fit, misfits, "note")


def _finding(trace: Trace, fit: FileFit, misfits: list[Misfit], severity: Severity) -> Finding:
    call, first = fit.call, next((m for m in misfits if m.old), misfits[0])
    loads = trace.index.root(call)
    file = wording.quoted(loads.loaded.source if loads.loaded else "")
    text = f"{loads.name} at {wording.line(call.caller)} reads {file}"
    if severity != "error":
        layers = wording.count(len(fit.layers), "layer")
        text += f", and gives values to {_read(fit) or 'none'} of {layers}"
    more = len(misfits) - 1
    end = f"; {wording.count(more, 'more layer')} did not fit either" if more else ""
    return RULE.finding(
        f"{text}: {_counts(trace, fit, loads)}{_said(trace, fit, first)}{end}.",
        fix=_fix(trace, fit, first, loads),
        calls=[loads.id, call.id, *_failed(trace, call, misfits)],
        caller=call.caller,
        layer=first.wanted.layer,
        severity=severity,
    )


def _read(fit: FileFit) -> int:
    """How many layers have got values."""
    return len(fit.layers) - len(fit.misfits)


def _failed(trace: Trace, call: Call, misfits: list[Misfit]) -> list[int]:
    """The calls that did not give these layers their values, and those around them."""
    layers = {misfit.wanted.layer for misfit in misfits}
    inside = (inner for inner in trace.index.inside(call) if inner.error and inner.step == "load")
    return [inner.id for inner in inside if inner.layer and inner.layer.id in layers]


# -- what is said ---------------------------------------------------------------------------------


def _counts(trace: Trace, fit: FileFit, loads: Call) -> str:
    """Of how many layers file and model are, if of another number; Keras 2 may not ask them all."""
    has, wants = len(fit.stored), _layers(trace, fit, loads)
    if not wants or has == wants:
        return ""
    return f"it has {wording.count(has, 'layer')} with weights, the model {wants:,}; "


def _layers(trace: Trace, fit: FileFit, loads: Call) -> int:
    if fit.how or loads.layer is None:
        return len(fit.layers) if fit.how else 0
    return len({weight.layer for weight in trace.index.weights_within(loads.layer.id)})


def _said(trace: Trace, fit: FileFit, misfit: Misfit) -> str:
    whom, wants = _whom(trace, misfit), shapes(misfit.wanted)
    if fit.how == BY_ORDER and misfit.stored is None:
        return f"nothing is left for {whom} which wants {wants}"
    if fit.how == BY_ORDER and misfit.stored is not None:
        place, has = wording.quoted(misfit.stored.place), shapes(misfit.stored)
        return f"in their order, {place} in the file has {has} for {whom} which wants {wants}"
    place = f"`{wording.sanitize(misfit.wanted.place)}`"
    if fit.how == BY_NAME and misfit.stored is None and _is_counted(trace, misfit):
        return (
            f"{whom} wants {wants} from {place}, which is not in the file: Keras has made that "
            f"name, and counts the layers of a kind that a program makes{_there(fit)}"
        )
    if misfit.stored is not None:
        return f"{place} has {shapes(misfit.stored)}, but {whom} wants {wants}"
    nothing = f"{whom} wants {wants} from {place}, which is not in the file"
    if misfit.old is not None:
        old = wording.sanitize(misfit.old.place)
        return f"{nothing}; `{old}` has these shapes and is read by nobody: it seems renamed"
    return f"{nothing}{_there(fit)}"


def _whom(trace: Trace, misfit: Misfit) -> str:
    """The layer, and where it was built, with a comma behind that."""
    ref = _ref(trace, misfit)
    if ref is None:
        return "a layer,"
    build = next((call for call in trace.index.built_by(ref.id) if call.caller), None)
    return wording.layer(ref) + (f", built at {wording.line(build.caller)}," if build else ",")


def _is_counted(trace: Trace, misfit: Misfit) -> bool:
    """Whether the layer's name is one that Keras makes of its class and a number."""
    ref = _ref(trace, misfit)
    return ref is not None and automatic(ref.name, ref.class_name) is not None


def _ref(trace: Trace, misfit: Misfit) -> LayerRef | None:
    layer = misfit.wanted.layer
    return None if layer is None else trace.layers.get(layer)


def _there(fit: FileFit) -> str:
    """What the file has instead, as a clause."""
    looked_for = {part.place for part in fit.layers}
    places = [f"`{wording.sanitize(p.place)}`" for p in fit.stored if p.place not in looked_for]
    return f"; that has {wording.listed(places, most=4)}" if places else ""


# -- remedies -------------------------------------------------------------------------------------


def _fix(trace: Trace, fit: FileFit, misfit: Misfit, loads: Call) -> str:
    names = misfit.old and attribute(misfit.wanted.place, misfit.old.place)
    if names:
        return _as_before(trace, fit, misfit, names)
    model = remedies.variable(loads.layer) if loads.layer else "model"
    if fit.how == BY_NAME and [p.shapes for p in fit.stored] == [p.shapes for p in fit.layers]:
        return f"{model}.load_weights(path)  # by their order: the names are others, all else fits"
    if fit.how == BY_NAME and misfit.stored is None and _is_counted(trace, misfit):
        return _NAMED
    file = wording.sanitize(loads.loaded.source) if loads.loaded else ""
    lines = [
        _as_saved(trace, fit, misfit, loads)
        or f"# make the model as it was when the file was saved: buildtrace {file}"
    ]
    if fit.call.error is not None and _fits_in_part(fit):
        by_name = "by_name=True, " if fit.how else ""
        if loads.name == "load_model":
            lines.append(f"# or make {model} by its code, build it, and load what fits:")
        else:
            lines.append("# or load what fits:")
        lines.append(f"{model}.load_weights(path, {by_name}skip_mismatch=True)")
    return "\n".join(lines)


_NAMED = """\
keras.layers.Dense(..., name="features")  # a name of your own, the same one in both models
# and save the weights again; or, to read this file: keras.backend.clear_session() before the
# model is made, so that Keras counts from the start"""


def _fits_in_part(fit: FileFit) -> bool:
    """Whether some layer would get its values, if those that do not fit were skipped.

    Older files are read by name then.
    """
    there = {part.place: part.shapes for part in fit.stored}
    return any(there.get(part.place) == part.shapes for part in fit.layers)


def _as_before(trace: Trace, fit: FileFit, misfit: Misfit, names: tuple[str, str]) -> str:
    """Gives a layer the name that it had: Keras looks for what attributes are called."""
    new, old = names
    is_own = misfit.wanted.place.split("/")[-2] == new
    holder = trace.index.holder_of(misfit.wanted.layer or 0) if is_own else None
    where = f" of {wording.sanitize(holder.class_name)}" if holder else ""
    if fit.call.generation == "keras2":
        return f"self.{old} = ...  # in the constructor{where}, in place of self.{new}"
    return f"self.{old} = self.{new}  # at the end of the constructor{where}: the name in the file"


def _as_saved(trace: Trace, fit: FileFit, misfit: Misfit, loads: Call) -> str:
    """The layer as it must have been, if one argument tells."""
    ref, stored = _ref(trace, misfit), misfit.stored
    if ref is None or stored is None or not stored.shapes or ref.class_name not in _UNITS:
        return ""
    was, wants = stored.shapes[0], misfit.wanted.shapes[0]
    is_another = _counts(trace, fit, loads) or len(was) != len(wants) or was[-1] == wants[-1]
    if is_another or was[:-1] != wants[:-1]:
        return ""
    return f"keras.layers.{ref.class_name}({was[-1]}, ...)  # '{ref.name}', as in the file"


RULE = Rule(
    code="BT802",
    title="a file whose weights do not fit the model",
    severity="error",
    generations=BOTH,
    why="A file has the values of each layer in a place of its own: in `.weights.h5` and `.keras` "
    "that is the way through the attributes that hold the layer, or its number among the layers "
    "of its class (_walk_saveable and _load_state in saving/saving_lib.py of keras 3.15.1 and of "
    "tf_keras 2.21); in an older `.h5` it is the layer's place among all, or with `by_name` its "
    "name (load_weights_from_hdf5_group in legacy/saving/legacy_h5_format.py and "
    "saving/legacy/hdf5_format.py). Another attribute, another layer between or another size, and "
    "the values are not found. With `skip_mismatch` or `by_name` such layers keep what they have.",
    bad="""\
import os
import tempfile

from tensorflow import keras


def make(units):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(units)(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(hidden))


path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
make(4).save_weights(path)
model = make(8)
model.load_weights(path)
""",
    good="""\
import os
import tempfile

from tensorflow import keras


def make(units):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(units)(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(hidden))


path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
make(4).save_weights(path)
model = make(4)
model.load_weights(path)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
