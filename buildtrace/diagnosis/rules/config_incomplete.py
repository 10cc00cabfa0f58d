"""BT801: a layer's config does not give its constructor the arguments back."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.file_fit import file_fits
from buildtrace.diagnosis.parsed_files import constructor_in
from buildtrace.diagnosis.remedies import OF_ANY_LAYER
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, LayerState, ReadConfig
    from buildtrace.traces.trace import Trace

_WRONG = re.compile(
    r"(?P<function>[\w.<>]+)\.__init__\(\) (?:missing \d+ required (?:positional|keyword-only) "
    r"arguments?: (?P<missing>.+)|got an unexpected keyword argument '(?P<unknown>\w+)')"
)
"""What Python says where a constructor cannot begin."""

_REFUSED = re.compile(
    r"Unrecognized keyword arguments passed to \w+: \{'(?P<new>\w+)'"
    r"|\('Keyword argument not understood:', '(?P<old>\w+)'\)"
)
"""What Keras 3 and Keras 2 say of an argument that `Layer.__init__` does not know."""

_TWICE = re.compile(r"got multiple values for keyword argument '(?P<name>\w+)'")
"""What Python says where a constructor gives an argument itself and hands it on as well."""

_IS_DICT = re.compile(
    r"'(?:Tracked|_)?[dD]ict(?:Wrapper)?' object (?:has no attribute|is not callable)"
    r"|> could not be deserialized properly\. Please ensure that components"
)
"""What is said where a dict is used as a layer; the second text is that of Keras 2."""

_MISFITS = ("is incompatible with the layer", "Shape mismatch", "Dimensions must be equal")


class Reading(NamedTuple):
    """A layer that was to be made of its config.

    Attributes:
        call: what makes layers.
        config: what the file says, and the class.
        load: the call that loads the model.
    """

    call: Call
    config: ReadConfig
    load: Call

    @property
    def name(self) -> str:
        """The class."""
        return wording.sanitize(self.config.class_name)

    @property
    def taken(self) -> list[str]:
        """What the constructor takes by name."""
        method = self.config.method("__init__")
        return [name for name in method.arguments if name[0] != "*"] if method else []

    @property
    def takes_any(self) -> bool:
        """Whether it takes others as well."""
        method = self.config.method("__init__")
        return method is None or any(name.startswith("**") for name in method.arguments)

    @property
    def own(self) -> list[str]:
        """The arguments that are this class' affair, not those of any layer."""
        return [name for name in self.taken if name not in OF_ANY_LAYER]

    @property
    def unknown(self) -> list[str]:
        """What the config has that the constructor does not take."""
        return [key for key in self.config.keys if key not in self.taken]

    def line_of(self, method: str) -> SourceLine | None:
        """Where a method is defined, or else the class."""
        config, found = self.config, self.config.method(method)
        if found is not None:
            return SourceLine(file=found.file, line=found.line)
        return SourceLine(file=config.file, line=config.line) if config.line else None

    def where(self, method: str) -> str:
        """The method's name and line, in a sentence."""
        line = self.line_of(method) if self.config.method(method) else None
        return f"{self.name}.{method}" + (f" at {wording.line(line)}" if line else "")


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        load = next((call for call in raised.calls if call.landmark == "load_model"), None)
        if load is not None:
            readings = _readings(trace, load)
            yield from _of_failure(trace, raised, readings)
    for load in trace.calls:
        if load.landmark == "load_model" and load.error is None:
            yield from _silent(trace, _readings(trace, load))


def _readings(trace: Trace, load: Call) -> list[Reading]:
    """What was made, or was to be made, of the user's classes in a loading."""
    return [
        Reading(call, call.loaded.config, load)
        for call in trace.index.inside(load)
        if call.loaded is not None and call.loaded.config is not None
    ]


def _of_failure(trace: Trace, raised: Raised, readings: list[Reading]) -> Iterator[Finding]:
    around = {call.id for call in raised.calls}
    failed = next((r for r in reversed(readings) if r.call.id in around), None)
    text = raised.error.message
    if failed is not None and failed.config.method("__init__") is not None:
        found = _constructor_failed(trace, raised, failed, text)
        if found is not None:
            yield found
            return
    if _IS_DICT.search(text):
        at_work = {call.layer.id for call in raised.calls if call.layer}
        for reading in readings:
            made = reading.call.layer
            if reading is failed or (made is not None and made.id in at_work):
                yield from _left_as_dict(raised, reading)
    elif _is_misfit(trace, raised):
        yield from _lost_default(trace, raised, readings)


# -- the constructor does not take it -------------------------------------------------------------


def _constructor_failed(
    trace: Trace, raised: Raised, reading: Reading, text: str
) -> Finding | None:
    wrong = next((m for m in _WRONG.finditer(text) if _is_of(raised, reading, m)), None)
    if wrong is not None and wrong["missing"]:
        names = re.findall(r"'(\w+)'", wrong["missing"])
        missing = [name for name in names if name not in reading.config.keys]
        return _missing(trace, raised, reading, missing) if missing else None
    if wrong is not None and wrong["unknown"] in reading.unknown and not reading.takes_any:
        not_taken = [key for key in reading.unknown if key in OF_ANY_LAYER]
        if not_taken:
            return _not_passed_on(trace, raised, reading)
        return _superfluous(trace, raised, reading, [wrong["unknown"]])
    refused = _REFUSED.search(text)
    key = refused and (refused["new"] or refused["old"])
    if key in reading.unknown and key not in OF_ANY_LAYER and reading.takes_any:
        return _superfluous(trace, raised, reading, [key])
    twice = _TWICE.search(text)
    after = [call.landmark for call in raised.calls if call.id > reading.call.id]
    is_at_work = {*after} <= {"Layer.from_config"} or _is_in_constructor(raised, reading)
    if twice and twice["name"] in reading.unknown and reading.takes_any and is_at_work:
        return _given_twice(raised, reading, twice["name"])
    return None


def _is_of(raised: Raised, reading: Reading, wrong: re.Match[str]) -> bool:
    """Whether it is the constructor of this class, or the one that it inherits."""
    if _is_in_constructor(raised, reading):
        return True
    return wrong["function"].rpartition(".")[2] == reading.config.class_name


def _is_in_constructor(raised: Raised, reading: Reading) -> bool:
    method, last = reading.config.method("__init__"), raised.calls[-1]
    return method is not None and (last.file, last.line) == (method.file, method.line)


def _missing(trace: Trace, raised: Raised, reading: Reading, names: list[str]) -> Finding:
    listed = wording.listed([f"`{name}`" for name in names])
    others = [key for key in reading.unknown if key not in OF_ANY_LAYER]
    saves = "" if not others else f" (it saves {wording.listed([f'`{o}`' for o in others])})"
    is_own = reading.config.method("get_config") is not None
    who = reading.where("get_config") if is_own else f"{reading.name} has no get_config that"
    does = f"leaves out {listed}{saves}" if is_own else f"saves {listed}"
    return RULE.finding(
        f"{who} {does}, which {reading.where('__init__')} needs: {_cannot(reading)}.",
        fix=f"{_get_config(trace, reading)}\n# then save the model again: {listed} "
        f"{'is' if len(names) == 1 else 'are'} not in the file",
        calls=[*raised.ids, reading.call.id],
        caller=reading.line_of("get_config"),
        edits=_edits(trace, reading),
    )


def _edits(trace: Trace, reading: Reading) -> Edits:
    """A `get_config` that saves what is missing, if the class keeps each argument already."""
    lines = _get_config(trace, reading).split("\n")
    code = [line for line in lines if not line.startswith("#")]
    has_layers = set(reading.config.objects) & set(reading.own)  # they need a from_config as well
    if has_layers or not (code == lines or _keeps_all(trace, reading)):
        return edits.NONE
    line = reading.line_of("get_config")
    if reading.config.method("get_config") is None:
        return edits.method_added(trace, line, *code, ahead_of="")
    saved = code[-1].strip().removeprefix("return ")
    return edits.expression_in(trace, line, "super().get_config()", saved)


def _keeps_all(trace: Trace, reading: Reading) -> bool:
    """Whether the constructor keeps each argument under its name, as its source says."""
    found = constructor_in(trace, reading.line_of("__init__"), reading.config.class_name)
    if found is None or _state_of_class(trace, reading.config) is not None:
        return False
    said = {ast.unparse(statement) for statement in found[1].body}
    return all(f"self.{name} = {name}" in said for name in reading.own)


def _not_passed_on(trace: Trace, raised: Raised, reading: Reading) -> Finding:
    names = wording.listed([f"`{wording.sanitize(key)}`" for key in reading.unknown])
    method = reading.config.method("__init__")
    all_needed = method is not None and method.required == len(method.arguments)
    own = ", ".join(reading.taken) if all_needed else "..."
    return RULE.finding(
        f"{reading.where('__init__')} does not take {names}, which get_config saves: "
        f"{_cannot(reading)}.",
        fix=f"def __init__(self{', ' if own else ''}{own}, **kwargs):"
        + ("" if all_needed else "  # ...: as now")
        + "\n    super().__init__(**kwargs)\n    ...  # as now",
        calls=[*raised.ids, reading.call.id],
        caller=reading.line_of("__init__"),
        edits=edits.options_passed_on(trace, reading.line_of("__init__")) if method else (),
    )


def _given_twice(raised: Raised, reading: Reading, name: str) -> Finding:
    return RULE.finding(
        f"{reading.where('__init__')} gives `{name}` to super().__init__, and hands on the "
        f"`{name}` that get_config saves as well: {_cannot(reading)}.",
        fix=f'kwargs.setdefault("{name}", ...)  # ...: what super().__init__ gets now\n'
        "super().__init__(**kwargs)",
        calls=[*raised.ids, reading.call.id],
        caller=reading.line_of("__init__"),
    )


def _superfluous(trace: Trace, raised: Raised, reading: Reading, keys: list[str]) -> Finding:
    names = wording.listed([f"`{wording.sanitize(key)}`" for key in keys])
    return RULE.finding(
        f"{reading.where('get_config')} saves {names}, which {reading.where('__init__')} does not "
        f"take: {_cannot(reading)}.",
        fix=f"{_get_config(trace, reading)}\n# then save the model again: {names} is in the file",
        calls=[*raised.ids, reading.call.id],
        caller=reading.line_of("get_config"),
    )


def _cannot(reading: Reading) -> str:
    load = reading.load
    file = wording.quoted(load.loaded.source) if load.loaded and load.loaded.source else "the file"
    return f"{load.name} at {wording.line(load.caller)} cannot make the layer that {file} has"


def _get_config(trace: Trace, reading: Reading) -> str:
    """A `get_config` that saves just what the constructor takes."""
    state = _state_of_class(trace, reading.config)
    kept = None if state is None else state.kept
    return remedies.get_config(reading.own, kept, reading.config.objects)


def _state_of_class(trace: Trace, config: ReadConfig) -> LayerState | None:
    """What some layer of the class was like."""
    place = config.file, config.line
    same = (s for s in trace.states if (s.file, s.line) == place)
    return next((s for s in same if s.layer.class_name == config.class_name), None)


# -- a layer inside stays a dict ------------------------------------------------------------------


def _left_as_dict(raised: Raised, reading: Reading) -> Iterator[Finding]:
    config = reading.config
    names = [n for n in config.objects if n in reading.own]
    if not names or config.method("from_config") is not None:
        return
    listed = wording.listed([f"`{name}`" for name in names])
    made = [
        f'    config["{name}"] = keras.utils.deserialize_keras_object(config["{name}"])'
        for name in names
    ]
    yield RULE.finding(
        f"{reading.where('__init__')} gets {listed} as a dict when it is made from a config, not "
        f"as the layer that it was: {_cannot(reading)}.",
        fix="\n".join(
            [
                "@classmethod",
                "def from_config(cls, config):",
                "    config = dict(config)",
                *made,
                "    return cls(**config)",
                *_already_built(reading, names),
            ]
        ),
        calls=[*raised.ids, reading.call.id],
        caller=reading.line_of("__init__"),
    )


def _already_built(reading: Reading, names: Iterable[str]) -> Iterator[str]:
    """Keras 3 builds the layer inside when it makes it again: a second time would be too much."""
    if reading.call.generation == "keras3" and reading.config.method("build"):
        for name in names:
            yield f"# and if `build` builds it: if not self.{name}.built: self.{name}.build(...)"


# -- an argument with a default is not saved ------------------------------------------------------


def _is_misfit(trace: Trace, raised: Raised) -> bool:
    """Whether shapes do not fit together, or those of the file."""
    if any(said in raised.error.message for said in _MISFITS):
        return True
    ids = set(raised.ids)
    fits = [fit for fit in file_fits(trace) if fit.call.id in ids]
    return any(misfit.wanted.shapes for fit in fits for misfit in fit.misfits)


def _forgotten(reading: Reading) -> list[str]:
    """The arguments with a default that a `get_config` leaves out, where nothing else gives them.

    The first ones, which have no default, would have been missed.
    """
    config, method = reading.config, reading.config.method("__init__")
    if method is None or config.method("from_config") or not config.method("get_config"):
        return []
    return [name for name in reading.own if name not in config.keys]


def _lost_default(trace: Trace, raised: Raised, readings: Sequence[Reading]) -> Iterator[Finding]:
    """Of one class alone: of several nobody knows which one it was."""
    losing = {(r.config.file, r.config.line): r for r in readings if _forgotten(r)}
    for reading in losing.values() if len(losing) == 1 else ():
        names = wording.listed([f"`{name}`" for name in _forgotten(reading)])
        load = reading.load
        yield RULE.finding(
            f"{reading.where('get_config')} leaves out {names}, so that {load.name} at "
            f"{wording.line(load.caller)} makes the layer with the default again, and then the "
            "shapes do not fit.",
            fix=f"{_get_config(trace, reading)}\n"
            f"# then save the model again: {names} is not in the file",
            calls=[*raised.ids, reading.call.id],
            caller=reading.line_of("get_config"),
            edits=_edits(trace, reading),
        )


def _silent(trace: Trace, readings: Iterable[Reading]) -> Iterator[Finding]:
    """Of a layer that was saved and loaded by one program, and that is another one since."""
    told = set()
    for reading in readings:
        place = reading.config.file, reading.config.line
        before = _saved_layer(trace, reading)
        after = reading.call.layer and trace.index.state_of(reading.call.layer.id)
        if before is None or not after or place in told:
            continue
        lost = {
            name: values
            for name in _forgotten(reading)
            if (values := _values(before, name)) != (now := _values(after, name)) and values and now
        }
        if lost:
            told.add(place)
            yield _other_values(trace, reading, before, after, [*lost])


def _saved_layer(trace: Trace, reading: Reading) -> LayerState | None:
    """The layer that a loaded one was, by its name, if the program had it, and saved a model."""
    layer, config = reading.call.layer, reading.config
    saves = [use for use in trace.index.uses_by("Model.save") if use.before <= reading.call.id]
    if layer is None or not saves:
        return None
    same = {
        state.layer.id: state
        for state in trace.states
        if state.layer.name == layer.name
        and (state.file, state.line) == (config.file, config.line)
        and state.after < reading.load.id
    }
    return next(iter(same.values())) if len(same) == 1 else None


def _values(state: LayerState, name: str) -> str:
    return state.kept.get(name) or state.kept.get(f"_{name}", "")


def _other_values(
    trace: Trace, reading: Reading, before: LayerState, after: LayerState, names: list[str]
) -> Finding:
    listed = wording.listed([f"`{name}`" for name in names])
    values = wording.listed(
        [
            f"{wording.sanitize(_values(before, name))} became "
            f"{wording.sanitize(_values(after, name))}"
            for name in names
        ]
    )
    return RULE.finding(
        f"{reading.where('get_config')} leaves out {listed}: in {wording.layer(after.layer)} "
        f"{values} when {reading.load.name} at {wording.line(reading.load.caller)} made it again.",
        fix=f"{_get_config(trace, reading)}\n"
        f"# then save the model again: {listed} is not in the file",
        calls=[reading.load.id, reading.call.id],
        caller=reading.line_of("get_config"),
        layer=after.layer.id,
        edits=_edits(trace, reading),
    )


RULE = Rule(
    code="BT801",
    title="a config that does not give the constructor its arguments back",
    severity="error",
    generations=BOTH,
    why="A saved model has no code: of a layer there is what `get_config` returns, and loading "
    "hands just that to the constructor (Operation.from_config in ops/operation.py of keras "
    "3.15.1, Layer.from_config in engine/base_layer.py of tf_keras 2.21). What is not in it has "
    "its default then, or is missing; `name`, `trainable` and `dtype` are always in it, and "
    "`super().__init__` is to get them; and a layer in it has become a dict, which `from_config` "
    "is to make a layer again.",
    bad="""\
import os
import tempfile

from tensorflow import keras


@keras.utils.register_keras_serializable("mine")
class Scale(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return super().get_config()


inputs = keras.Input((3,))
model = keras.Model(inputs, Scale(2.0)(keras.layers.Dense(4)(inputs)))
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
keras.models.load_model(path)
""",
    good="""\
import os
import tempfile

from tensorflow import keras


@keras.utils.register_keras_serializable("mine")
class Scale(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


inputs = keras.Input((3,))
model = keras.Model(inputs, Scale(2.0)(keras.layers.Dense(4)(inputs)))
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
keras.models.load_model(path)
""",
    check=_check,
    hides=("BT302", "BT306", "BT601", "BT602", "BT802"),
)
