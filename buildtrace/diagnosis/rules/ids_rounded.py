"""BT342: the numbers of words or the like reach a table as half floats, which round them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import code_of, last_name
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState
    from buildtrace.traces.trace import Trace

_EXACT = {"bfloat16": 256, "float16": 2048}
"""Half floats, and the number up to which they have all whole numbers."""

_LOOK_UP = ("take", "gather", "embedding_lookup", "gather_nd")


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for call in trace.calls:
        if call.landmark != "Layer.__call__" or call.layer is None or call.layer.id in told:
            continue
        half = _half_given(trace, call)
        rows = _rows(trace, call.layer) if half else 0
        if half and rows > _EXACT[half] + 1:
            told.add(call.layer.id)
            yield _finding(trace, call, half, rows)


def _half_given(trace: Trace, call: Call) -> str:
    """The half float that the ids of a layer have become; "" if they have not, or are none."""
    given = call.inputs[0].dtype if call.inputs else None
    assert call.layer is not None
    if call.layer.class_name == "Embedding":
        return given if given in _EXACT else ""
    computes_with = call.outputs[0].dtype if call.outputs else None
    state = trace.index.state_of(call.layer.id)
    if given not in ("float32", "float64") or computes_with not in _EXACT or state is None:
        return ""
    return computes_with if _looks_up(trace, state) else ""


def _looks_up(trace: Trace, state: LayerState) -> bool:
    """Whether `call` of the user's class makes integers of its input, to look something up."""
    method = state.method("call")
    code = code_of(trace, method)
    if method is None or not method.arguments or code is None:
        return False
    calls = [node for node in ast.walk(code[1]) if isinstance(node, ast.Call)]
    cast = any(_is_cast_of(call, method.arguments[0]) for call in calls)
    return cast and any(last_name(call.func) in _LOOK_UP for call in calls)


def _is_cast_of(call: ast.Call, argument: str) -> bool:
    """Whether it is `cast(argument, "int32")`, in one of its forms."""
    parts = [*call.args, *[given.value for given in call.keywords]]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        names.append(call.func.value.id)
    kinds = [part.value for part in parts if isinstance(part, ast.Constant)]
    kinds += [part.attr for part in parts if isinstance(part, ast.Attribute)]
    is_integer = any(str(kind).lstrip("u").startswith("int") for kind in kinds)
    return argument in names and is_integer and last_name(call.func) in ("cast", "astype")


def _rows(trace: Trace, layer: LayerRef) -> int:
    """How many rows the layer's largest own table has."""
    own = [weight.shape for weight in trace.weights if weight.layer == layer.id]
    return max((sizes[0] or 0 for sizes in own if sizes), default=0)


def _finding(trace: Trace, call: Call, half: str, rows: int) -> Finding:
    assert call.layer is not None
    source = _input(trace, call)
    exact = _EXACT[half]
    where = f" Its Input at {wording.line(source.caller)} is one of floats." if source else ""
    shape = (source or call).inputs or (source or call).outputs
    sizes = tuple((shape[0].shape or ())[1:])
    return RULE.finding(
        f"{wording.layer(call.layer)} has {wording.count(rows, 'row')}, and gets its indices as "
        f"{half}, which rounds whole numbers above {exact:,}: {exact + 1:,} becomes {exact:,}."
        f"{where}",
        fix=f'keras.Input({sizes}, dtype="int32")  # integers are not cast',
        calls=[call.id, *([source.id] if source else [])],
        caller=call.caller,
        layer=call.layer.id,
        edits=_edits(trace, source),
    )


def _input(trace: Trace, call: Call) -> Call | None:
    """The one Input of floats that the layer, or one around it, takes as it is."""
    outermost = trace.index.root(call)
    given = outermost.inputs[0] if outermost.inputs else None
    inputs = [c for c in trace.calls if c.landmark == "Input" and c.outputs and c.id < call.id]
    alike = [one for one in inputs if one.outputs[0] == given]
    return alike[0] if len(alike) == 1 and given and given.dtype == "float32" else None


def _edits(trace: Trace, source: Call | None) -> Edits:
    line = None if source is None else source.caller
    return edits.argument(trace, line, "Input", "dtype", '"int32"')


RULE = Rule(
    code="BT342",
    title="indices rounded by a mixed precision",
    severity="error",
    generations=BOTH,
    why="An Input is one of float32 unless it is told otherwise, and with a policy such as "
    "mixed_bfloat16 a layer casts the floats that it is given to half floats before its `call` "
    "sees them (Layer.__call__ in layers/layer.py of keras 3.15.1, "
    "Layer._maybe_cast_inputs in engine/base_layer.py of tf_keras 2.21). These have all whole "
    "numbers up to 256 (bfloat16) or 2048 (float16) alone. Keras' own Embedding does not cast; a "
    "layer around it does.",
    bad="""\
import numpy as np
from tensorflow import keras


class Words(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.table = keras.layers.Embedding(3000, 4)

    def call(self, ids):
        return self.table(ids)


ids = keras.Input((3,))
words = Words(dtype="mixed_bfloat16")
model = keras.Model(ids, words(ids))
model(np.array([[2909, 301, 1001]]))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Words(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.table = keras.layers.Embedding(3000, 4)

    def call(self, ids):
        return self.table(ids)


ids = keras.Input((3,), dtype="int32")
words = Words(dtype="mixed_bfloat16")
model = keras.Model(ids, words(ids))
model(np.array([[2909, 301, 1001]]))
""",
    check=_check,
)
