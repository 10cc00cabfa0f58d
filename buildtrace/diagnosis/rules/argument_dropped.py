"""BT413: a functional model is called with an argument that it hands on to none of its layers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from buildtrace.diagnosis.models_made import graph_of, makers
from buildtrace.diagnosis.parsed_files import last_name, parsed
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_TAKEN = ("inputs", "training", "mask")

_REGISTERED = "_register_call_context_args"
"""With this a layer of the user's can have other arguments handed on."""


def _check(trace: Trace) -> Iterator[Finding]:
    if not trace.graphs or any(keras.generation != "keras3" for keras in trace.environment.keras):
        return
    for name in trace.index.user_files:
        text = trace.index.source_code.whole(name)
        file = parsed(trace, name) if text and _REGISTERED not in text else None
        for call in _with_arguments(file) if file is not None else ():
            made = makers(trace, file, call.func) if file is not None else ()
            if file is not None and made and all(_is_graph(trace, file, one) for one in made):
                yield _finding(trace, file, call, made)


def _with_arguments(file: ParsedFile) -> Iterator[ast.Call]:
    """Calls of what is made by a call, with arguments that such a model hands on to no layer."""
    made = {
        ast.unparse(node.targets[0])
        for node in file.nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if last_name(node.value.func) in ("Model", "Sequential")
    }
    for node in file.nodes:
        if isinstance(node, ast.Call) and _dropped(node) and ast.unparse(node.func) in made:
            yield node


def _dropped(call: ast.Call) -> list[str]:
    given = [keyword.arg for keyword in call.keywords]
    return [name for name in given if name is not None and name not in _TAKEN]


def _is_graph(trace: Trace, file: ParsedFile, maker: ast.AST) -> bool:
    """Whether a maker makes a model of Keras' own, of layers alone."""
    is_sequential = isinstance(maker, ast.Call) and last_name(maker.func) == "Sequential"
    return is_sequential or graph_of(trace, file, maker) is not None


def _finding(trace: Trace, file: ParsedFile, call: ast.Call, made: Sequence[ast.AST]) -> Finding:
    names = _dropped(call)
    listed = wording.listed([f"`{name}`" for name in names])
    graph = graph_of(trace, file, made[0]) if len(made) == 1 else None
    who = wording.layer(graph.model) if graph is not None else "a model that is made of layers"
    given = "".join(f", {name}=None" for name in names)
    passed = ", ".join(f"{name}={name}" for name in names)
    return RULE.finding(
        f"`{wording.sanitize(ast.unparse(call))}` gives {listed} to {who}, which hands on "
        f"`training` and `mask` alone: no layer gets {'it' if len(names) == 1 else 'them'}.",
        "class Net(keras.Model):  # its layers are made in `__init__`\n"
        f"    def call(self, inputs{given}):\n"
        f"        return self.layer(inputs, {passed})\n"
        "# or a keras.Input for it, which goes into the layer as a second argument",
        caller=SourceLine(file=file.name, line=call.lineno),
        layer=graph.model.id if graph is not None else None,
    )


RULE = Rule(
    code="BT413",
    title="an argument that a functional model hands on to no layer",
    severity="warning",
    generations=("keras3",),
    why="The `call` of a functional model, and of a Sequential, takes any argument by name, and "
    "runs the layers of its graph with what they were called with when it was made. Only "
    "`training`, masks, and names that a layer has registered with Keras get there "
    "(Functional.call and operation_fn in models/functional.py of keras 3.15.1). The rest is "
    "dropped without a word; Keras 2 raises a TypeError.",
    bad="""\
import numpy as np
from tensorflow import keras


class Scale(keras.layers.Layer):
    def call(self, x, factor=1.0):
        return x * factor


inputs = keras.Input((3,))
model = keras.Model(inputs, Scale()(inputs))
model(np.ones((1, 3)), factor=3.0)
""",
    good="""\
import numpy as np
from tensorflow import keras


@keras.utils.register_keras_serializable("buildtrace")
class Scale(keras.layers.Layer):
    def call(self, x, factor=1.0):
        return x * factor


inputs, factor = keras.Input((3,)), keras.Input((1,))
model = keras.Model([inputs, factor], Scale()(inputs, factor))
model([np.ones((1, 3)), np.full((1, 1), 3.0)])
""",
    check=_check,
)
