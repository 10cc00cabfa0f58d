"""BT412: a model is called on a list for a dict, or on a dict with other keys."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import expressions, only, parsed, statement_at
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace

_OTHER = re.compile(
    r"The structure of `inputs` doesn't match the expected structure\.\s*"
    r"Expected: (?P<wanted>[^\n]+)\nReceived: inputs=(?P<given>[^\n]+)"
)

_MISSING = re.compile(
    r"Missing data for input .*? You passed a data dictionary with keys (?P<given>\[.*?\])\. "
    r"Expected the following keys: (?P<wanted>\[.*?\])"
)
"""What both generations say of a key."""

_NO_LIST = re.compile(r"All `inputs` values must be KerasTensors\. Received: inputs=dict_values\(")


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        text = wording.uncolored(failure.error.message)
        if found := _OTHER.search(text):
            wanted, given = _read(found["wanted"]), _read(found["given"])
            yield from _of_call(trace, failure, wanted, given)
        elif found := _MISSING.search(text):
            keys = _read(found["given"])
            given = dict.fromkeys(keys) if isinstance(keys, list) else None
            yield from _of_call(trace, failure, _read(found["wanted"]), given)
        elif _NO_LIST.search(text):
            yield _of_making(trace, failure)


def _read(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _of_call(trace: Trace, failure: Raised, wanted: object, given: object) -> Iterator[Finding]:
    layers = [call.layer for call in failure.calls if call.layer is not None]
    models = [layer for layer in layers if layer.id in trace.index.graph_by_model]
    if isinstance(wanted, dict):
        names = [*wanted]
        is_known = isinstance(given, list | tuple) and len(given) == len(names)
        made, got = f"a dict of {_said(names)}", "a list"
        why = ": a dict goes by its sorted keys, and a list by its order"
    else:
        names = [*wanted] if isinstance(wanted, list | tuple) else [wanted]
        is_known = isinstance(given, dict) and bool(names)
        made = f"the inputs {_said(names)}"
        got = f"a dict of {_said(given)}" if isinstance(given, dict) else ""
        why = ""
    if not models or not is_known or not all(isinstance(name, str) for name in names):
        return
    model = models[-1]
    code = ", ".join(f"{remedies.text(str(name))}: ..." for name in names)
    yield RULE.finding(
        f"{wording.layer(model)} was made with {made}, and was called on {got}{why}.",
        f"model({{{code}}})  # each under the name of its input",
        calls=failure.ids,
        caller=failure.line,
        layer=model.id,
        edits=_edits(trace, failure.line, names) if isinstance(wanted, dict) else (),
    )


def _said(names: object) -> str:
    listed = [repr(name) for name in names] if isinstance(names, dict | list) else []
    return wording.sanitize(wording.listed(listed, 4))


def _edits(trace: Trace, line: SourceLine | None, names: list[object]) -> Edits:
    """A dict in the place of the one list that the model is called on, in the order of its keys."""
    file = None if line is None else parsed(trace, line.file)
    statement = None if file is None or line is None else statement_at(file, line.line)
    if file is None or line is None or statement is None:
        return edits.NONE
    given = [
        node.args[0]
        for node in expressions(statement)
        if isinstance(node, ast.Call) and node.args
        if isinstance(node.args[0], ast.List | ast.Tuple) and len(node.args[0].elts) == len(names)
    ]
    listed = only(given, line.line)
    if listed is None or any(isinstance(part, ast.Starred) for part in listed.elts):
        return edits.NONE
    pairs = zip(names, listed.elts, strict=True)
    code = ", ".join(f"{remedies.text(str(name))}: {file.code(part)}" for name, part in pairs)
    return file.replace(file.begin(listed), file.end(listed), f"{{{code}}}")


def _of_making(trace: Trace, failure: Raised) -> Finding:
    making = failure.of("Functional.__init__")
    line = making.caller if making is not None else failure.line
    return RULE.finding(
        "The `inputs` of a model are the values of a dict, which are no list: Keras takes them for "
        "one thing that is no tensor.",
        "keras.Model(inputs=list(inputs.values()), outputs=...)  # inputs: the dict\n"
        "# or keras.Model(inputs=inputs, outputs=...), to call it on a dict of these keys",
        calls=failure.ids,
        caller=line,
        edits=edits.values_listed(trace, line),
    )


RULE = Rule(
    code="BT412",
    title="inputs of another structure than the model was made with",
    severity="error",
    generations=BOTH,
    why="A functional model remembers in which structure its `inputs` were given: one tensor, a "
    "list, or a dict. Of a dict that it is called on, the keys have to be the names of the inputs "
    "(assert_input_compatibility in layers/input_spec.py of keras 3.15.1, engine/input_spec.py of "
    "tf_keras 2.21). A model that was made with a dict goes by its sorted keys: if it was not "
    "written in that order, a list could mean either, and Keras 3 refuses it "
    "(Functional._standardize_inputs in models/functional.py). The `values()` of a dict are "
    "neither list nor dict.",
    bad="""\
import numpy as np
from tensorflow import keras

now = keras.Input((5,), name="now")
last = keras.Input((5,), name="last")
model = keras.Model([now, last], keras.layers.subtract([now, last]))
model({"today": np.ones((1, 5)), "yesterday": np.zeros((1, 5))})
""",
    good="""\
import numpy as np
from tensorflow import keras

now = keras.Input((5,), name="now")
last = keras.Input((5,), name="last")
model = keras.Model([now, last], keras.layers.subtract([now, last]))
model({"now": np.ones((1, 5)), "last": np.zeros((1, 5))})
""",
    check=_check,
    hides=("BT402", "BT406", "BT601", "BT602"),
)
