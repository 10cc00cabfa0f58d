"""BT806: a layer or a model whose config is asked for, and that can make none."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import (
    constructor_in,
    definitions_of,
    find_call,
    last_name,
)
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace

_SAYS = re.compile(
    r"(?:Object|Layer) (?P<made>\w+) was created by passing\s+(?:non-serializable|positional only)"
    r"|Unable to revive model from config.+Received config=\{\}"
    r".+?(?P<revived>\w+)\.__init__\(\) missing \d+ required",
    re.DOTALL,
)
"""What both say of a class without a `get_config`, when it is asked; and Keras 2 when it makes a
model of the empty config that such a class gives."""

_ASKERS = {
    "clone_model": "makes the model anew from its config",
    "save": "saves the model",
    "save_model": "saves the model",
    "to_json": "asks for the model's config",
    "get_config": "asks for the config",
    "from_config": "makes it anew from its config",
}
"""Functions that want a config, and what they do in a sentence."""


class _Class(NamedTuple):
    """The class that has no config.

    Attributes:
        line: where it begins.
        name: its name.
        constructor: the line that its `__init__` begins with.
        arguments: of that, but those that each layer takes.
        takes_any: whether it takes others as well.
        is_model: whether it is a model, not a layer.
        kept: the attributes in which plain values of these arguments are, by their names.
    """

    line: SourceLine
    name: str
    constructor: SourceLine
    arguments: list[str]
    takes_any: bool
    is_model: bool
    kept: list[str]


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.unhandled:
        found = _SAYS.search(raised.error.message) or _SAYS.search(raised.reported)
        if found is None or any(call.landmark == "load_model" for call in raised.calls):
            continue  # what is in a file is the matter of BT801
        cls = _class(trace, found["made"] or found["revived"])
        if cls is not None and raised.line is not None:
            yield _finding(trace, raised, cls, raised.line)


def _class(trace: Trace, name: str) -> _Class | None:
    defined = [one for one in definitions_of(trace, name) if isinstance(one.node, ast.ClassDef)]
    found = constructor_in(trace, defined[0].line, name) if len(defined) == 1 else None
    if found is None or not isinstance(defined[0].node, ast.ClassDef):
        return None
    line, constructor = found
    given = constructor.args
    names = [arg.arg for arg in (*given.args[1:], *given.kwonlyargs)]
    own = [name for name in names if name not in remedies.OF_ANY_LAYER]
    states = [state for state in trace.states if state.layer.class_name == name]
    return _Class(
        line=defined[0].line,
        name=name,
        constructor=line,
        arguments=own,
        takes_any=given.kwarg is not None,
        is_model=any(last_name(base) == "Model" for base in defined[0].node.bases),
        kept=[*states[-1].kept] if states else [],
    )


def _finding(trace: Trace, raised: Raised, cls: _Class, line: SourceLine) -> Finding:
    asker = next((name for name in _ASKERS if find_call(trace, line, name)), "")
    does = f"{asker} at {wording.line(line)} {_ASKERS.get(asker, '')}"
    listed = wording.listed([f"`{name}`" for name in cls.arguments]) or "any arguments"
    forgets = cls.is_model and any(k.generation == "keras3" for k in trace.environment.keras)
    can = "does not keep for a model" if forgets else "cannot write down"
    return RULE.finding(
        f"{does if asker else f'{wording.line(line)} wants a config'}, and {cls.name} has no "
        f"get_config: its constructor at {wording.line(cls.constructor)} takes {listed}, which "
        f"Keras {can} by itself.",
        fix="\n".join([*_by_class(cls, asker), *_with_config(cls)]),
        calls=raised.ids,
        caller=line,
        edits=_edits(trace, cls),
    )


def _by_class(cls: _Class, asker: str) -> list[str]:
    """What to write in the place of `clone_model`."""
    if asker != "clone_model" or not cls.is_model:
        return []
    return [
        f"again = {cls.name}(...)  # by its class; call it on data once, and then:",
        "again.set_weights(model.get_weights())",
        "# or give the class a config:",
    ]


def _with_config(cls: _Class) -> list[str]:
    lines = [remedies.get_config(cls.arguments, cls.kept)]
    if not cls.takes_any:
        lines.append("# __init__ has to take **kwargs, and hand them to super().__init__")
    objects = [name for name in cls.arguments if not {name, f"_{name}"} & {*cls.kept}]
    if objects:
        names = wording.listed([f"`{name}`" for name in objects])
        lines.append(
            f"# {names}: if that is an object, plain values that `from_config` makes it of"
        )
    return lines


def _edits(trace: Trace, cls: _Class) -> Edits:
    """A `get_config`, if the class keeps each argument already, and all are plain values."""
    if not cls.arguments or not {*cls.arguments} <= {*cls.kept}:
        return edits.NONE
    code = remedies.get_config(cls.arguments, cls.kept).split("\n")
    method = edits.method_added(trace, cls.line, *code, ahead_of="")
    if cls.takes_any:
        return method
    return edits.together(method, edits.options_passed_on(trace, cls.constructor))


RULE = Rule(
    code="BT806",
    title="a class that cannot say what it was made of",
    severity="error",
    generations=BOTH,
    why="To save or to clone a layer, Keras asks it for a config. Where its class has no "
    "`get_config`, Keras has kept what the constructor was given, as long as these are plain "
    "values or objects of its own; and of models it keeps nothing, so that Keras 3 refuses each "
    "one whose constructor needs arguments, and Keras 2 gives an empty config (Operation.__new__ "
    "and get_config in ops/operation.py of keras 3.15.1; Layer.get_config in engine/base_layer.py "
    "and Model.from_config in engine/training.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras


class Options:
    width = 4


class Wide(keras.layers.Layer):
    def __init__(self, options, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(options.width)

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x):
        return self.dense(x)


inputs = keras.Input((3,))
model = keras.Model(inputs, Wide(Options())(inputs))
again = keras.models.clone_model(model)
""",
    good="""\
from tensorflow import keras


class Options:
    width = 4


class Wide(keras.layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(width)

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x):
        return self.dense(x)


inputs = keras.Input((3,))
model = keras.Model(inputs, Wide(Options().width)(inputs))
again = keras.models.clone_model(model)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
