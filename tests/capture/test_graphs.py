"""The graphs of a trace are the topologies that Keras itself keeps.

What is expected is computed here, straight from `_nodes_by_depth`. Subclassed models, of which
Keras keeps no graph, are held against functional twins written by hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from applications import APPLICATIONS, make
from diagnosis.examples import reported
from scenarios import GENERATIONS, SCENARIOS, Keras, data
from topology import models_of, of_keras, of_trace, same_graph
from weights import same_weights

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace import Trace


# -- sequential and functional ----------------------------------------------------------------

WITH_A_GRAPH = [s for s in SCENARIOS if "subclassed" not in s.name and "fail" not in s.name]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("scenario", WITH_A_GRAPH, ids=lambda s: s.name)
def test_scenarios_have_the_graph_of_keras(k: Keras, scenario: Any) -> None:
    if not scenario.runs_on(k):
        pytest.skip("not for this Keras")
    with buildtrace.trace() as trace:
        made = scenario.make(k)
        built = scenario.build(k, made)
    models = models_of(k, made, built)
    if not models:
        pytest.skip("no model with a graph of its own")
    for model in models:
        same_graph(k, model, trace)


def test_one_graph_for_each_model_however_often_it_is_rebuilt(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = k.Sequential()
        model.add(k.Input((3,)))
        for units in (4, 3, 2):
            model.add(k.layers.Dense(units))
        inner = k.Sequential([k.layers.Dense(2)], name="inner")
        outer = k.Sequential([inner, k.layers.Dense(1)], name="outer")
        outer.build((None, 3))
    counts = Counter(graph.model.name for graph in trace.graphs)
    assert counts[model.name] == counts["inner"] == counts["outer"] == 1
    for each in (model, inner, outer):
        same_graph(k, each, trace)


def test_calls_of_a_shared_layer_are_numbered(k: Keras) -> None:
    with buildtrace.trace() as trace:
        shared = k.layers.Dense(3, name="shared")
        x, y = k.Input((3,)), k.Input((3,))
        k.Model([x, y], k.layers.add([shared(x), shared(shared(y))]), name="siamese")
    nodes = [node for node in trace.graph("siamese").nodes if node.name == "shared"]
    assert sorted(node.index for node in nodes) == [0, 1, 2]
    assert len({node.layer for node in nodes}) == 1


def test_two_layers_of_one_name_stay_two(k: Keras) -> None:
    """The numbers go by identity: Keras lets models of one name be parts of different ones."""
    with buildtrace.trace() as trace:
        for _ in range(2):
            k.Sequential([k.layers.Dense(2, name="same")], name="twin").build((None, 3))
    one, two = (graph for graph in trace.graphs if graph.model.name == "twin")
    assert one.model.id != two.model.id
    assert not {n.layer for n in one.nodes} & {n.layer for n in two.nodes}


def test_layers_that_are_gone_keep_their_numbers(k: Keras) -> None:
    """Memory of a dead layer is used again by the next one: that must not join them."""
    with buildtrace.trace() as trace:
        for _ in range(30):
            k.layers.Dense(1).build((None, 2))
    builds = trace.find("Dense.build")
    assert len({call.layer.id for call in builds}) == 30


# -- applications -----------------------------------------------------------------------------

FAST = ("MobileNetV2", "VGG16")


def check_application(k: Keras, name: str) -> Trace:
    with buildtrace.trace() as trace:
        model = make(k, name)
    same_graph(k, model, trace)
    same_weights(k, model, trace)
    for layer in models_of(k, *model.layers):  # a Sequential inside, as EfficientNet once had
        same_graph(k, layer, trace)
    return trace


@pytest.mark.parametrize("name", FAST)
def test_applications_have_the_graph_and_the_weights_of_keras(k: Keras, name: str) -> None:
    check_application(k, name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("k", "name"),
    [
        pytest.param(keras, name, id=f"{keras.name}-{name}")
        for keras in GENERATIONS
        # They are the same models in each generation: of an older one, a few will do.
        for name in (APPLICATIONS if keras is GENERATIONS[-1] else APPLICATIONS[::4])
    ],
    indirect=["k"],
)
def test_each_application_is_traced_and_no_rule_finds_a_fault(k: Keras, name: str) -> None:
    """On the newest versions only."""
    assert reported(check_application(k, name)) == []


# -- subclassed, against functional twins -----------------------------------------------------


@dataclass(frozen=True)
class Twins:
    """A subclassed model and, by hand, the functional model that computes the same.

    Attributes:
        plain: whether tensors go from layer to layer without an operation between.
    """

    name: str
    subclassed: Callable[[Keras], Any]
    functional: Callable[[Keras], Any]
    shapes: tuple[tuple[int, ...], ...] = ((4,),)
    plain: bool = False


def dense(k: Keras, *names: str) -> list[Any]:
    return [k.layers.Dense(4, name=name) for name in names]


def residual(k: Keras) -> Any:
    class Residual(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.a, self.b, self.out = dense(k, "a", "b", "out")

        def call(self, inputs: Any) -> Any:
            h = self.a(inputs)
            return self.out(k.relu(h + self.b(k.relu(h))))

    return Residual()


def residual_twin(k: Keras) -> Any:
    a, b, out = dense(k, "a", "b", "out")
    x = k.Input((4,))
    h = a(x)
    return k.Model(x, out(k.relu(h + b(k.relu(h)))))


def residual_of_layers(k: Keras) -> Any:
    class Residual(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.a, self.b, self.out = dense(k, "a", "b", "out")
            self.plus = k.layers.Add(name="plus")

        def call(self, inputs: Any) -> Any:
            h = self.a(inputs)
            return self.out(self.plus([h, self.b(h)]))

    return Residual()


def residual_of_layers_twin(k: Keras) -> Any:
    a, b, out = dense(k, "a", "b", "out")
    x = k.Input((4,))
    h = a(x)
    return k.Model(x, out(k.layers.Add(name="plus")([h, b(h)])))


def encoder_decoder(k: Keras) -> Any:
    class EncoderDecoder(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            conv = k.layers.Conv2D
            self.down1 = conv(2, 3, padding="same", name="down1")
            self.pool = k.layers.MaxPooling2D(name="pool")
            self.down2 = conv(2, 3, padding="same", name="down2")
            self.up = k.layers.UpSampling2D(name="up")
            self.join = k.layers.Concatenate(name="join")
            self.out = conv(1, 1, name="out")

        def call(self, inputs: Any) -> Any:
            skip = self.down1(inputs)
            h = self.up(self.down2(self.pool(skip)))
            return self.out(self.join([skip, h]))

    return EncoderDecoder()


def encoder_decoder_twin(k: Keras) -> Any:
    conv = k.layers.Conv2D
    x = k.Input((8, 8, 3))
    skip = conv(2, 3, padding="same", name="down1")(x)
    h = k.layers.MaxPooling2D(name="pool")(skip)
    h = conv(2, 3, padding="same", name="down2")(h)
    h = k.layers.UpSampling2D(name="up")(h)
    return k.Model(x, conv(1, 1, name="out")(k.layers.Concatenate(name="join")([skip, h])))


def loop(k: Keras) -> Any:
    class Loop(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.blocks = dense(k, *"abcd")

        def call(self, inputs: Any) -> Any:
            for block in self.blocks:
                inputs = inputs + block(inputs)
            return inputs

    return Loop()


def loop_twin(k: Keras) -> Any:
    x = h = k.Input((4,))
    for block in dense(k, *"abcd"):
        h = h + block(h)
    return k.Model(x, h)


def chain(k: Keras) -> Any:
    class Chain(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.blocks = dense(k, *"abcd")

        def call(self, inputs: Any) -> Any:
            for block in self.blocks:
                inputs = block(inputs)
            return inputs

    return Chain()


def chain_twin(k: Keras) -> Any:
    x = h = k.Input((4,))
    for block in dense(k, *"abcd"):
        h = block(h)
    return k.Model(x, h)


def model_in_model(k: Keras) -> Any:
    class Inner(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="inner")
            self.a, self.b = dense(k, "a", "b")

        def call(self, inputs: Any) -> Any:
            return self.b(self.a(inputs))

    class Outer(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.first, self.last = dense(k, "first", "last")
            self.inner = Inner()

        def call(self, inputs: Any) -> Any:
            h = self.first(inputs)
            return self.last(self.inner(h))

    return Outer()


def model_in_model_twin(k: Keras) -> Any:
    first, last, a, b = dense(k, "first", "last", "a", "b")
    h = k.Input((4,))
    inner = k.Model(h, b(a(h)), name="inner")
    x = k.Input((4,))
    return k.Model(x, last(inner(first(x))))


def shared(k: Keras) -> Any:
    class Shared(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.a, self.out = dense(k, "a", "out")

        def call(self, inputs: Any) -> Any:
            return self.out(self.a(self.a(inputs)))

    return Shared()


def shared_twin(k: Keras) -> Any:
    a, out = dense(k, "a", "out")
    x = k.Input((4,))
    return k.Model(x, out(a(a(x))))


def two_inputs(k: Keras) -> Any:
    class TwoInputs(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.a, self.b, self.out = dense(k, "a", "b", "out")
            self.join = k.layers.Concatenate(name="join")

        def call(self, inputs: Any) -> Any:
            x, y = inputs
            joined = self.join([self.a(x), self.b(y)])
            return {"joined": joined, "out": self.out(joined)}

    return TwoInputs()


def two_inputs_twin(k: Keras) -> Any:
    a, b, out = dense(k, "a", "b", "out")
    x, y = k.Input((4,)), k.Input((3,))
    joined = k.layers.Concatenate(name="join")([a(x), b(y)])
    return k.Model([x, y], {"joined": joined, "out": out(joined)})


def states(k: Keras) -> Any:
    class States(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.encoder = k.layers.LSTM(3, return_state=True, name="encoder")
            self.decoder = k.layers.LSTM(3, return_sequences=True, name="decoder")

        def call(self, inputs: Any) -> Any:
            _, h, c = self.encoder(inputs)
            return self.decoder(inputs, initial_state=[h, c])

    return States()


def states_twin(k: Keras) -> Any:
    encoder = k.layers.LSTM(3, return_state=True, name="encoder")
    decoder = k.layers.LSTM(3, return_sequences=True, name="decoder")
    x = k.Input((4, 2))
    _, h, c = encoder(x)
    return k.Model(x, decoder(x, initial_state=[h, c]))


TWINS = [
    Twins("residual", residual, residual_twin),
    Twins("residual_of_layers", residual_of_layers, residual_of_layers_twin, plain=True),
    Twins("encoder_decoder", encoder_decoder, encoder_decoder_twin, ((8, 8, 3),), plain=True),
    Twins("loop", loop, loop_twin),
    Twins("chain", chain, chain_twin, plain=True),
    Twins("model_in_model", model_in_model, model_in_model_twin, plain=True),
    Twins("shared", shared, shared_twin, plain=True),
    Twins("two_inputs", two_inputs, two_inputs_twin, ((4,), (3,)), plain=True),
    Twins("states", states, states_twin, ((4, 2),), plain=True),
]


def nest(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items


def build_by(how: str, k: Keras, twins: Twins, model: Any) -> None:
    if how == "symbol":
        model(nest([k.Input(shape) for shape in twins.shapes]))
    elif how == "shape":
        model.build(nest([(None, *shape) for shape in twins.shapes]))
    else:
        model(nest([data(2, *shape) for shape in twins.shapes]))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("how", ["symbol", "shape", "eager"])
@pytest.mark.parametrize("twins", TWINS, ids=lambda t: t.name)
def test_subclassed_models_have_the_edges_of_their_twins(k: Keras, twins: Twins, how: str) -> None:
    twin = of_keras(k, twins.functional(k))
    model = twins.subclassed(k)
    with buildtrace.trace() as trace:
        build_by(how, k, twins, model)
    if not model.weights:
        pytest.skip("this Keras does not call the layers in build(shape)")
    graph = trace.graph("model")
    ours = of_trace(graph)
    assert graph.source == "flow"
    assert ours.layer_nodes() == twin.layer_nodes()
    assert ours.between_layers() == twin.between_layers()
    if twins.plain:
        # On symbols, what `call` returned is not known: the outputs are the graph's ends.
        used = {source for source, _ in twin.between_layers()} if how != "eager" else set()
        assert set(ours.outputs) == set(twin.outputs) - used


@pytest.mark.parametrize("how", ["symbol", "shape", "eager"])
def test_a_model_in_a_model_has_a_graph_of_its_own(k: Keras, how: str) -> None:
    model = model_in_model(k)
    with buildtrace.trace() as trace:
        build_by(how, k, TWINS[5], model)
    if not model.weights:
        pytest.skip("this Keras does not call the layers in build(shape)")
    inner = of_trace(trace.graph("inner"))
    assert inner.between_layers() == {(("a", 0), ("b", 0))}
    assert ("inner", 0) in of_trace(trace.graph("model")).models
