"""BT407: a layer that needs several inputs is called on one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_LACKS_2 = re.compile(r"\b(\w+)\.call\(\) missing \d+ required positional arguments?: (.+)$")
_LACKS_3 = re.compile(r"^missing a required argument: '(\w+)'$")
_LIST = re.compile(
    r"layer (?:must|should) be called on a list of (?:inputs, namely|at least \d+ input)"
)
_ATTENTION = ("MultiHeadAttention", "GroupedQueryAttention")
"""Keras' layers that can be called with the same tensor for all that they need."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.failures:
        call = raised.of("Layer.__call__")
        text = raised.error.message.strip()
        if call is None or call.layer is None:
            continue
        lacking = _lacking(raised, call, text)
        if lacking:
            yield _finding(trace, raised, call, lacking)
        elif len(call.inputs) == 1 and _LIST.search(text) and _is_in_sequential(trace, call):
            yield _in_vain(raised, call)


def _lacking(raised: Raised, call: Call, text: str) -> list[str]:
    """The arguments that Python finds missing in this call."""
    if raised.error.type != "TypeError" or call.layer is None:
        return []
    first = text.splitlines()[0] if text else ""
    if (said := _LACKS_2.search(first)) and said[1] == call.layer.class_name:
        return re.findall(r"'(\w+)'", said[2])
    if (said := _LACKS_3.search(first)) and raised.calls[-1] is call:
        return [said[1]]
    return []


def _is_in_sequential(trace: Trace, call: Call) -> bool:
    assert call.layer is not None
    for graph in trace.graphs:
        failed = [node.layer for node in graph.nodes if node.failed]
        if graph.model.class_name == "Sequential" and call.layer.id in failed:
            return True
    around = next((c for c in trace.ancestors(call) if c.layer not in (None, call.layer)), None)
    if around is not None and around.layer is not None:
        return around.layer.class_name == "Sequential"
    outer = next(iter(trace.ancestors(call)), None)
    return outer is not None and outer.name.startswith("Sequential.")


def _finding(trace: Trace, raised: Raised, call: Call, lacking: list[str]) -> Finding:
    assert call.layer is not None
    needs = wording.listed([f"`{name}`" for name in lacking])
    state = trace.index.state_of(call.layer.id)
    arguments = remedies.needed(state) if state is not None and state.method("call") else []
    sequential = _is_in_sequential(trace, call)
    if len(call.inputs) > 1:
        end = f"but is called on a list of {len(call.inputs)} tensors, which is one argument"
    elif sequential:
        end = "but a Sequential calls each layer on one tensor, what the layer before it gave"
    else:
        end = "but is called on one tensor"
    return RULE.finding(
        f"{wording.layer(call.layer)} needs {needs} as well, {end}.",
        fix=_fix(call, lacking, arguments, is_sequential=sequential),
        calls=raised.ids,
        caller=raised.line,
        layer=call.layer.id,
    )


def _fix(call: Call, lacking: list[str], arguments: list[str], *, is_sequential: bool) -> str:
    assert call.layer is not None
    name, is_self = remedies.variable(call.layer), call.layer.class_name in _ATTENTION
    if is_self:
        called = f"x = {name}(x, x)  # query and value: the same for self-attention"
    else:
        given = arguments or ["x", *lacking]
        called = f"x = {name}({', '.join(given)})  # an argument for each of them"
    if len(call.inputs) > 1 and not arguments:
        called = f"x = {name}(*tensors)  # the tensors of the list, each an argument of its own"
    if not is_sequential:
        return called
    return _functional(call, called)


def _functional(call: Call, called: str) -> str:
    known = call.inputs[0].shape if call.inputs else None
    shape = remedies.without_batch(known) if known else "(...)"
    return (
        f"inputs = keras.Input({shape})  # or the layers before it, called one after the other\n"
        "x = inputs\n"
        f"{called}\n"
        "...  # the layers behind it, each called on x\n"
        "model = keras.Model(inputs, x)"
    )


def _in_vain(raised: Raised, call: Call) -> Finding:
    assert call.layer is not None
    name = remedies.variable(call.layer)
    attends = "Attention" in call.layer.class_name
    called = f"x = {name}([x, {'x' if attends else 'other'}])"
    return RULE.finding(
        f"{wording.layer(call.layer)} needs a list of tensors, but a Sequential calls each layer "
        "on one tensor, what the layer before it gave.",
        fix=_functional(call, called),
        calls=raised.ids,
        caller=raised.line,
        layer=call.layer.id,
    )


RULE = Rule(
    code="BT407",
    title="a layer that needs several inputs is called on one",
    severity="error",
    generations=BOTH,
    why="A layer is called with the arguments of its `call`, and those without a default have to "
    "be given: a MultiHeadAttention has `query` and `value`, each an argument of its own. A "
    "Sequential calls each of its layers on one tensor (Sequential.build in models/sequential.py "
    "of keras 3.15.1, Sequential.call in engine/sequential.py of tf_keras 2.21), so that such a "
    "layer has no place in one.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((10, 16))
attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=8)
x = attention(inputs)
model = keras.Model(inputs, keras.layers.Dense(1)(x))
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((10, 16))
attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=8)
x = attention(inputs, inputs)
model = keras.Model(inputs, keras.layers.Dense(1)(x))
""",
    check=_check,
    hides=("BT601", "BT602"),
)
