"""BT405: a graph has more layers in a row than Python lets functions call one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

MAPPER = "_build_map_helper"
"""The function that walks a graph, in both generations."""

MANY = 4
"""A layer of the user's that is at work inside itself so often is no accident of nesting."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if raised.error.type != "RecursionError" or not raised.calls:
            continue
        steps = [call for call in raised.calls if call.landmark == MAPPER]
        if steps:
            yield _of_graph(raised, steps)
        else:
            yield from _of_layer(trace, raised)


def _of_graph(raised: Raised, steps: list[Call]) -> Finding:
    layers = [call.layer for call in raised.calls if call.layer is not None]
    whom = f"the graph of {wording.layer(layers[-1])}" if layers else "the graph"
    silent = raised.calls[0].error is not None and raised.calls[0].error.swallowed
    end = "raises RecursionError"
    if silent:
        end = "caught the RecursionError and made no graph, without a word"
    return RULE.finding(
        f"Keras follows {whom} from the outputs back to the inputs with a function that calls "
        f"itself once for each layer in a row; {len(steps):,} deep it reached Python's recursion "
        f"limit, and Keras {end}.",
        fix=_fix(2 * len(steps)),
        calls=[raised.calls[0].id, steps[0].id, raised.calls[-1].id],
        caller=raised.line,
        layer=layers[-1].id if layers else None,
        severity="warning" if silent else "error",
    )


def _fix(limit: int) -> str:
    """Nested models, or a limit with room for twice the layers, in round thousands."""
    return (
        "# models of a hundred layers each: one such model is one step of the walk\n"
        "blocks = [keras.Sequential([...]) for _ in range(...)]\n"
        "model = keras.Sequential([keras.Input(...), *blocks])\n"
        "# or, before the model is made:\n"
        f"sys.setrecursionlimit({1000 * -(-max(limit, 5_000) // 1000)})  # import sys"
    )


def _of_layer(trace: Trace, raised: Raised) -> Iterator[Finding]:
    """A layer of the user's that makes or calls another one of its kind, or itself, for ever."""
    layers = [call.layer for call in raised.calls if call.layer is not None]
    own = [ref for ref in layers if _is_users(trace, ref.id)]
    rounds = [ref for ref in own if ref.class_name == own[-1].class_name]
    if len(rounds) < MANY:
        return
    first, last = rounds[0], rounds[-1]
    is_itself = first == last
    does = "calls itself" if is_itself else f"makes and uses another {last.class_name}"
    name = remedies.variable(last)
    yield RULE.finding(
        f"{wording.layer(first)} {does}, which does the same, without an end: Python's recursion "
        f"limit was reached {len(rounds):,} calls deep.",
        fix="# in `call`, use the layers inside, not the layer itself"
        if is_itself
        else f"def __init__(self, depth, **options):\n    ...  # as now\n    self.{name} = "
        f"{last.class_name}(depth - 1) if depth else None  # and no more than so many",
        calls=[raised.calls[0].id, raised.calls[-1].id],
        caller=raised.line,
        layer=last.id,
        why="A layer that is built or called runs its own `build` and `call` (Layer.__call__ in "
        "layers/layer.py of keras 3.15.1, in engine/base_layer.py of tf_keras 2.21). If these lead "
        "to the same again each time, Python ends it at its limit: a higher limit does not help.",
    )


def _is_users(trace: Trace, layer: int) -> bool:
    state = trace.index.state_of(layer)
    return state is not None and bool(state.file)


RULE = Rule(
    code="BT405",
    title="more layers in a row than Python's recursion limit",
    severity="error",
    generations=BOTH,
    why="The walk through the graph is a recursion: one step for each layer between an output and "
    "the inputs (_build_map_helper in ops/function.py of keras 3.15.1 and engine/functional.py of "
    "tf_keras 2.21). Python's limit of 1,000 calls inside one another leaves room for some 980 "
    "layers in a row. A model inside a model is one step, whatever it holds. A Sequential of Keras "
    "2 that has no Input catches the exception, and goes on without a graph "
    "(Sequential._build_graph_network_for_inferred_shape in engine/sequential.py).",
    bad="""\
from tensorflow import keras

x = inputs = keras.Input((2,))
for _ in range(1000):
    x = keras.layers.ReLU()(x)
model = keras.Model(inputs, x)
""",
    good="""\
from tensorflow import keras


def block():
    x = inputs = keras.Input((2,))
    for _ in range(100):
        x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x)


x = inputs = keras.Input((2,))
for _ in range(10):
    x = block()(x)
model = keras.Model(inputs, x)
""",
    check=_check,
)
