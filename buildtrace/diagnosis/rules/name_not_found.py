"""BT804: a saved model names a function or a class of the user's that loading does not find."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.loads import PLACE_OF_OBJECTS, LoadingLine, loading_line
from buildtrace.diagnosis.parsed_files import Defined, definitions_of, parsed, statement_at
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_SAYS = (
    re.compile(r"Could not locate (?P<kind>function|class) '(?P<name>\w+)'"),
    re.compile(r"Unknown (?P<kind>[\w ]+): '(?P<name>\w+)'\. Please ensure you are using"),
    re.compile(
        r"Unknown (?P<kind>[\w ]+) '\{'module': 'builtins', 'class_name': 'function', "
        r"'config': '(?P<name>\w+)'"
    ),
    re.compile(r"Cannot deserialize object of (?P<kind>type) `(?P<name>\w+)`"),
)
"""What both generations say of a name that they do not know, in newer and in older files."""

_TAKEN_APART = re.compile(r"^(?P<kind>)'(?P<name>\w+)'\['config'\]")
"""What Keras 3 fails over, where an older file names a loss: it takes the name for a config."""

_OBJECTS = "custom_objects"
_REGISTERS = "register_keras_serializable"


class _Sought(NamedTuple):
    """A name that a file has, and what the program has of that name.

    Attributes:
        kind: "function", "class", "layer", "loss function": as Keras calls it.
        name: the name.
        defined: the one definition of it in the user's files.
        raised: the exception.
        loading: the line that loads.
    """

    kind: str
    name: str
    defined: Defined
    raised: Raised
    loading: LoadingLine


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.unhandled:
        sought = _sought(trace, raised)
        if sought is not None:
            yield _finding(trace, sought)


def _sought(trace: Trace, raised: Raised) -> _Sought | None:
    """Only what the program itself defines: another name may be one that Keras has dropped."""
    texts = (raised.error.message, raised.reported)
    found = next(filter(None, (says.search(text) for text in texts for says in _SAYS)), None)
    compared = raised.error.compared
    if found is None and compared is not None and raised.of("load_model_from_hdf5"):
        found = _TAKEN_APART.search(compared.values)
    loading = loading_line(trace, raised)
    defined = [] if found is None else definitions_of(trace, found["name"])
    if found is None or loading is None or len(defined) != 1:
        return None
    return _Sought(found["kind"] or "function", found["name"], defined[0], raised, loading)


def _finding(trace: Trace, sought: _Sought) -> Finding:
    name, where, loading = sought.name, wording.line(sought.defined.line), sought.loading
    maker = sought.defined.within
    is_made = f"made in `{maker}`" if maker else "defined"
    entries = _entries(trace, sought)
    return RULE.finding(
        f"{loading.does}: the {sought.kind} '{name}' is named there, without its code. It is "
        f"{is_made} at {where}, but nothing tells Keras so.",
        fix=_fix(sought, entries),
        calls=sought.raised.ids,
        caller=loading.line,
        edits=_edits(trace, sought, entries),
    )


def _fix(sought: _Sought, entries: list[str]) -> str:
    given = _as_dict(entries)
    if sought.loading.takes_objects:
        lines = [f"{sought.loading.code}(..., custom_objects={given})"]
    else:
        lines = [
            f"with keras.utils.custom_object_scope({given}):",
            f"    {sought.loading.code}(...)",
        ]
    if not sought.defined.within:
        keyword = "class" if isinstance(sought.defined.node, ast.ClassDef) else "def"
        lines += [
            f"# or, before the model is saved, above `{keyword} {sought.name}`:",
            f"@keras.utils.{_REGISTERS}()",
        ]
    return "\n".join(lines)


def _entries(trace: Trace, sought: _Sought) -> list[str]:
    """What `custom_objects` is to have: the name, and others that the model would fail of next."""
    maker = sought.defined.within
    first = f"{maker}(...)" if maker else sought.name
    others = [] if maker else [n for n in _others(trace, sought) if n != sought.name]
    return [f"{remedies.text(sought.name)}: {first}"] + [f"{remedies.text(n)}: {n}" for n in others]


def _others(trace: Trace, sought: _Sought) -> list[str]:
    """Classes of layers that the file does not register, and what its models are compiled with."""
    file = parsed(trace, sought.defined.line.file)
    if file is None:
        return []
    defined = {
        node.name: node
        for node in file.tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        if not any(_REGISTERS in ast.unparse(mark) for mark in node.decorator_list)
    }
    names = [state.layer.class_name for state in trace.states if state.file == file.name]
    for use in trace.index.uses_by("Model.compile"):
        line = use.caller if use.caller and use.caller.file == file.name else None
        statement = statement_at(file, line.line) if line else None
        used = ast.walk(statement) if isinstance(statement, (ast.Expr, ast.Assign)) else ()
        names += [node.id for node in used if isinstance(node, ast.Name)]
    return [name for name in dict.fromkeys(names) if name in defined]


def _as_dict(entries: list[str]) -> str:
    return "{" + ", ".join(entries) + "}"


def _edits(trace: Trace, sought: _Sought, entries: list[str]) -> Edits:
    """The name handed over where the model is loaded, if it can be said there."""
    loading, defined = sought.loading, sought.defined
    if defined.within or not loading.takes_objects or defined.line.file != loading.line.file:
        return edits.NONE

    def joined(code: str) -> str:
        if code == "None":
            return _as_dict(entries)
        return _as_dict([f"**{code if code.isidentifier() else f'({code})'}", *entries])

    values = (joined, _as_dict(entries))  # added to those that are given, or given
    placed = [
        edits.argument(trace, loading.line, loading.name, _OBJECTS, value, PLACE_OF_OBJECTS)
        for value in values
    ]
    return next(filter(None, placed), edits.NONE)


RULE = Rule(
    code="BT804",
    title="a function or a class that a file names and loading does not find",
    severity="error",
    generations=BOTH,
    why="A saved model has the names of the functions and classes that are not Keras' own, and no "
    "code of them. Loading looks a name up among what was registered and in `custom_objects`, and "
    "nowhere else: that the same program defines it does not help (_retrieve_class_or_fn in "
    "saving/serialization_lib.py of keras 3.15.1 and of tf_keras 2.21; "
    "class_and_config_for_serialized_keras_object in saving/legacy/serialization.py of tf_keras "
    "2.21).",
    bad="""\
import os
import tempfile

import tensorflow as tf
from tensorflow import keras


def capped(x):
    return tf.minimum(x, 6.0)


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation=capped)])
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
keras.models.load_model(path)
""",
    good="""\
import os
import tempfile

import tensorflow as tf
from tensorflow import keras


@keras.utils.register_keras_serializable()
def capped(x):
    return tf.minimum(x, 6.0)


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation=capped)])
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
keras.models.load_model(path)
""",
    check=_check,
    hides=("BT601", "BT602", "BT801"),
)
