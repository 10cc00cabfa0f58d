"""BT205: a layer was used before `Layer.__init__` had run."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import constructor_in
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace

_TOLD = (
    "You must call `super().__init__()` in the layer constructor",
    "you forgot to call `super().__init__()`",
    "forgot to call `super().__init__()`",
)
_NAMED = re.compile(r"In layer '([^'\n]+)', you forgot")
_ATTRIBUTE = re.compile(r"'([^'\n]+)' object has no attribute '(\w+)'")
_PRIVATE = frozenset(
    [
        "_distribution_strategy",
        "_dtype_policy",
        "_graph_initialized",
        "_is_graph_network",
        "_layout_map",
        "_parent_path",
        "_self_tracked_trackables",
        "_trainable",
    ]
)
"""Attributes that Keras' own `__init__` makes, and that Keras itself asks for."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        class_name = _class_of(raised)
        if class_name is not None:
            yield _finding(trace, raised, class_name)


def _class_of(raised: Raised) -> str | None:
    """The class whose `__init__` it is about, "" if it is not named; `None` if it is none."""
    missing = _ATTRIBUTE.search(raised.error.message)
    if missing and raised.error.type == "AttributeError" and missing[2] in _PRIVATE:
        return missing[1]
    if raised.error.type != "RuntimeError" or not any(map(raised.says, _TOLD)):
        return None
    named = _NAMED.search(raised.error.message)
    if named:
        return named[1]
    layers = [call.layer for call in raised.calls if call.layer is not None]
    return layers[-1].class_name if layers else ""


def _edits(trace: Trace, line: SourceLine | None, class_name: str) -> Edits:
    """The call, in a constructor that has none at all; where it is too late, words say more."""
    found = constructor_in(trace, line, class_name)
    if found is None:
        return edits.NONE
    constructor, function = found
    if "__init__" in {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}:
        return edits.NONE
    options = function.args.kwarg
    given = f"**{options.arg}" if options else ""
    return edits.at_start(trace, constructor, f"super().__init__({given})")


def _finding(trace: Trace, raised: Raised, class_name: str) -> Finding:
    whose = f"of {class_name} " if class_name else "of a layer "
    where = f" at {wording.line(raised.line)}" if raised.line is not None else ""
    return RULE.finding(
        f"`__init__` {whose}did not call `super().__init__()`, or called it only after something "
        f"needed it{where}: to Keras it is not a layer yet.",
        fix=f"class {class_name or 'MyLayer'}(...):\n"
        "    def __init__(self, ..., **kwargs):\n"
        "        super().__init__(**kwargs)  # before any other line\n"
        "        ...",
        calls=raised.ids,
        caller=raised.line,
        layer=raised.calls[-1].layer.id if raised.calls and raised.calls[-1].layer else None,
        edits=_edits(trace, raised.line, class_name),
    )


RULE = Rule(
    code="BT205",
    title="`super().__init__()` is missing, or too late",
    severity="error",
    generations=BOTH,
    why="`Layer.__init__` makes what Keras keeps about a layer: its name, its dtype, the lists of "
    "its weights and sub-layers. Keras 2 checks for it at the first call, and in a model at the "
    "first attribute that holds a layer (engine/base_layer.py and engine/training.py of tf_keras "
    "2.21); Keras 3 in `add_weight`, `build` and `__call__` (Layer._check_super_called in "
    "layers/layer.py of keras 3.15.1).",
    bad="""\
import numpy as np
from tensorflow import keras


class Block(keras.layers.Layer):
    def __init__(self, units):
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


block = Block(4)
block(np.ones((2, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Block(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


block = Block(4)
block(np.ones((2, 3), "float32"))
""",
    check=_check,
)
