"""All that is said of how much there is of weights is what Keras says: it is asked in each test."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scenarios import Keras, data, mlp
from weights import same_totals, same_weights

import buildtrace
from buildtrace import renderers
from buildtrace.renderers import Options
from buildtrace.renderers.page.build_page import render as page
from buildtrace.testing import assert_parameters
from buildtrace.traces import trace_file
from buildtrace.traces.totals import totals_of_trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.traces.trace import Trace


def small(k: Keras, name: str = "m") -> Any:
    layers = k.layers.Dense(32, name="a"), k.layers.Dense(8, name="b")
    return k.Sequential([k.Input((16,)), *layers], name=name)


def frozen_layer(k: Keras) -> Any:
    model = small(k)
    model.layers[-1].trainable = False
    return model


def frozen_model(k: Keras) -> Any:
    model = small(k)
    model.trainable = False
    return model


def thawed_in_a_frozen_model(k: Keras) -> Any:
    """Keras asks the model first: nothing of it is trained."""
    model = small(k)
    model.trainable = False
    model.layers[-1].trainable = True
    return model


def thawed_in_a_frozen_base(k: Keras) -> Any:
    """The generations differ: the model around asks the frozen one only in Keras 2."""
    base = small(k, "base")
    base.trainable = False
    base.layers[-1].trainable = True
    return k.Sequential([k.Input((16,)), base, k.layers.Dense(3)], name="m")


def thawed_again(k: Keras) -> Any:
    model = small(k)
    model.trainable = False
    model.trainable = True
    return model


def state_beside_weights(k: Keras) -> Any:
    """Seeds, metrics and an optimizer have variables that are no weights of the model."""
    layers = k.layers.Dropout(0.5), k.layers.BatchNormalization(), k.layers.Dense(2)
    model = k.Sequential([k.Input((3,)), *layers], name="m")
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


def shared_layer(k: Keras) -> Any:
    inputs, dense = k.Input((4,)), k.layers.Dense(4)
    return k.Model(inputs, dense(dense(inputs)), name="m")


def shared_model(k: Keras) -> Any:
    inputs, inner = k.Input((16,)), small(k, "inner")
    outputs = k.layers.Concatenate()([inner(inputs), inner(inputs)])
    return k.Model(inputs, k.layers.Dense(1)(outputs), name="m")


def tied_layers(k: Keras) -> Any:
    class Tied(k.layers.Layer):
        def __init__(self, embedding: Any) -> None:
            super().__init__(name="tied")
            self.table = embedding.embeddings

        def call(self, inputs: Any) -> Any:
            return inputs @ self.table[:, :4][:4]

    inputs, embedding = k.Input((5,)), k.layers.Embedding(10, 4, name="embedding")
    hidden = embedding(inputs)
    return k.Model(inputs, Tied(embedding)(hidden), name="m")


def layers_in_layers(k: Keras) -> Any:
    wrapped = k.layers.TimeDistributed(k.layers.Dense(2))
    both = k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True))
    attention = k.layers.LayerNormalization()
    layers = k.layers.Embedding(10, 4), both, wrapped, attention
    return k.Sequential([k.Input((5,)), *layers], name="m")


def replaced_by_a_second_build(k: Keras) -> Any:
    class Inner(k.layers.Layer):
        def build(self, shape: Any) -> None:  # says in no way that the layer is built
            self.w = self.add_weight(name="w", shape=(shape[-1], 4))

        def call(self, inputs: Any) -> Any:
            return inputs @ self.w

    class Outer(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="m")
            self.inner = Inner(name="inner")

        def build(self, shape: Any) -> None:
            self.inner.build((None, 3))

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs)

    model = Outer()
    model(data(2, 3))
    return model


def low_rank(k: Keras) -> Any:
    model = small(k)
    model.layers[0].enable_lora(4)
    return model


def quantized(k: Keras) -> Any:
    model = small(k)
    model.quantize("int8")
    return model


def quantized_low_rank(k: Keras) -> Any:
    model = low_rank(k)
    model.quantize("int8")
    return model


def application(name: str) -> Callable[[Keras], Any]:
    def make(k: Keras) -> Any:
        model = getattr(k.keras.applications, name)(weights=None, input_shape=(32, 32, 3))
        for layer in model.layers[:20]:
            layer.trainable = False
        return model

    make.__name__ = name
    return make


ONLY_3 = {low_rank, quantized, quantized_low_rank}
MODELS = [
    *(frozen_layer, frozen_model, thawed_in_a_frozen_model, thawed_in_a_frozen_base, thawed_again),
    *(state_beside_weights, shared_layer, shared_model, tied_layers, layers_in_layers),
    *(replaced_by_a_second_build, low_rank, quantized, quantized_low_rank),
]
SLOW = [application("MobileNetV2"), application("ResNet50")]


def traced(k: Keras, make: Callable[[Keras], Any]) -> tuple[Any, Trace]:
    if make in ONLY_3 and (k.generation == 2 or k.version < (3, 5)):
        pytest.skip("this Keras cannot do that")
    with buildtrace.trace() as trace:
        model = make(k)
    return model, trace


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`")
@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "make",
    [*MODELS, *(pytest.param(make, marks=pytest.mark.slow) for make in SLOW)],
    ids=lambda make: make.__name__,
)
def test_totals_are_those_of_keras(k: Keras, make: Callable[[Keras], Any]) -> None:
    model, trace = traced(k, make)
    same_weights(k, model, trace)
    same_totals(k, model, trace)
    everything = totals_of_trace(trace)
    assert everything.parameters == model.count_params()
    assert everything.not_trainable == _size(model.non_trainable_weights)
    again = trace_file.from_json(trace_file.to_json(trace))
    same_totals(k, model, again)


def _size(variables: list[Any]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("make", [frozen_layer, quantized, state_beside_weights])
@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`")
def test_every_view_says_what_the_summary_says(k: Keras, make: Callable[[Keras], Any]) -> None:
    model, trace = traced(k, make)
    model.optimizer = None  # the summary counts its variables with the model's
    with contextlib.redirect_stdout(io.StringIO()) as out:
        model.summary()
    said = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    total, trained, rest = (
        re.search(rf"^\s*{kind} params: ([\d,]+)", said, re.MULTILINE)[1]
        for kind in ("Total", "Trainable", "Non-trainable")
    )
    number = int(total.replace(",", ""))
    assert_parameters(trace, number)
    assert_parameters(trace, number, model="m")
    assert_parameters(trace, int(trained.replace(",", "")), trainable=True)
    assert_parameters(trace, int(rest.replace(",", "")), model="m", trainable=False)
    assert trace.diff(trace).left.parameters == number
    tree, graph, table, steps = (
        str(renderers.to_text(trace, Options(views=(view,))))
        for view in ("tree", "graph", "weights", "steps")
    )
    weights = len(model.weights)
    assert f"{weights} weights · {total} parameters" in tree
    counted = f"{total} parameters in {weights} weights: {trained} trainable, {rest} not trainable"
    assert counted in tree
    assert counted in table
    assert f"· {total} parameters · built" in graph
    assert f"{total} parameters, {rest} of them not trainable" in " ".join(steps.split())
    html = page(trace, Options())
    assert f"{total} parameters, {rest} not trainable" in html
    assert f"{type(model).__name__} · {total} parameters" in html
    assert f"{total} parameters" in renderers.content(trace, "mermaid")


def test_what_was_put_aside_is_marked(k: Keras) -> None:
    model, trace = traced(k, quantized)
    rows = renderers.to_text(trace, Options(views=("weights",))).splitlines()
    marked = [row.split()[0] for row in rows if "replaced" in row]
    assert marked == ["m/a/kernel", "m/b/kernel"]
    assert len(trace.weights) == len(model.weights) + 2


def test_a_tied_weight_is_drawn_once_and_called_shared(k: Keras) -> None:
    _, trace = traced(k, tied_layers)
    drawn = renderers.content(trace, "mermaid")
    assert drawn.count("40 parameters") == 2  # the model's, and the embedding's
    assert "weights shared with embedding" in drawn
    graph = renderers.to_text(trace, Options(views=("graph",)))
    (row,) = [line for line in graph.splitlines() if "Tied" in line]
    assert "shared" in row.split()


def test_a_model_that_is_gone_keeps_what_it_was_read_with(k: Keras) -> None:
    import gc

    with buildtrace.trace() as trace:
        mlp(k).build((None, 3))
        gc.collect()
    assert trace.parameters == 3 * 4 + 4 + 4 * 2 + 2
    assert not any(weight.replaced for weight in trace.weights)
