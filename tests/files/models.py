"""Models to save, and what is true of them: asked of the models themselves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios import Keras


def sequential(k: Keras) -> Any:
    layers = k.layers
    model = k.Sequential(
        [
            k.Input((784,)) if k.generation == 3 else layers.InputLayer((784,)),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(10),
        ],
        name="mlp",
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def shared(k: Keras) -> Any:
    """Several inputs and outputs, one layer that is called twice."""
    layers = k.layers
    left, right = k.Input((8,), name="left"), k.Input((8,), name="right")
    dense = layers.Dense(4, activation="relu", name="shared")
    both = layers.Concatenate(name="both")([dense(left), dense(right)])
    outputs = [layers.Dense(2, name="first")(both), layers.Dense(3, name="second")(both)]
    model = k.Model([left, right], outputs, name="two")
    model.compile(k.keras.optimizers.SGD(0.25), loss=["mse", "mae"])
    model.fit([np.ones((2, 8))] * 2, [np.ones((2, 2)), np.ones((2, 3))], verbose=0)
    return model


def nested(k: Keras) -> Any:
    layers = k.layers
    inner = sequential(k)
    x = k.Input((784,))
    y = k.Input((3,))
    z = layers.Concatenate()([inner(x), y])
    middle_in = k.Input((13,))
    middle = k.Model(middle_in, layers.Dense(5)(layers.Dense(6)(middle_in)), name="middle")
    return k.Model([x, y], layers.Dense(1, name="head")(middle(z)), name="outer")


def recurrent(k: Keras) -> Any:
    """Layers with layers in them, of which some have no name in the file."""
    layers = k.layers
    x = k.Input((5, 8))
    y = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both_ways")(x)
    y = layers.TimeDistributed(layers.Dense(3, name="inner"), name="each")(y)
    y = layers.RNN([layers.LSTMCell(3), layers.LSTMCell(2), layers.GRUCell(2)], name="cells")(y)
    return k.Model(x, y, name="recurrent")


def many_alike(k: Keras) -> Any:
    """More layers of one class than digits; in the file they are numbered."""
    x = k.Input((3,))
    y = x
    for units in range(1, 13):
        y = k.layers.Dense(units)(y)
    return k.Model(x, y, name="alike")


def operations(k: Keras) -> Any:
    x = k.Input((4,))
    y = k.layers.Dense(4)(x)
    return k.Model(x, k.layers.Dense(2)(k.relu(y + x)), name="operations")


def frozen(k: Keras) -> Any:
    model = sequential(k)
    model.get_layer("hidden").trainable = False
    return model


MODELS = {
    f.__name__: f for f in (sequential, shared, nested, recurrent, many_alike, operations, frozen)
}


def subclassed(k: Keras) -> Any:
    class Net(k.keras.Model):
        def __init__(self, units: int = 3, **keywords: Any) -> None:
            super().__init__(**keywords)
            self.units = units
            self.entry = k.layers.Dense(4)
            self.blocks = [k.layers.Dense(units), k.layers.Dense(units)]

        def call(self, x: Any) -> Any:
            x = self.entry(x)
            for block in self.blocks:
                x = block(x)
            return x

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units}

    model = Net(name="net")
    model(np.ones((2, 5), "float32"))
    return model


def custom(k: Keras) -> Any:
    class Scale(k.layers.Layer):
        def __init__(self, factor: float = 2.0, **keywords: Any) -> None:
            super().__init__(**keywords)
            self.factor = factor
            self.inner = k.layers.Dense(3)

        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(name="gain", shape=(shape[-1],))
            self.inner.build(shape)
            self.built = True

        def call(self, x: Any) -> Any:
            return self.inner(x * self.gain * self.factor)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    x = k.Input((7,))
    return k.Model(x, k.layers.Dense(1)(Scale(3.5, name="scale")(x)), name="own")


# -- what is true of a model ------------------------------------------------------------------


def members(model: Any) -> Iterator[Any]:
    """The layers of a model and of the models in it, but for the inputs."""
    for layer in model.layers:
        if type(layer).__name__ != "InputLayer":
            yield layer
            if hasattr(layer, "layers"):
                yield from members(layer)


def shapes(layer: Any) -> Counter[tuple[int, ...]]:
    """The shapes of a layer's weights."""
    return Counter(tuple(weight.shape) for weight in layer.weights)


def connections(model: Any) -> Counter[tuple[str, str]]:
    """How often one layer gets what comes out of another, as Keras itself keeps it."""
    found: Counter[tuple[str, str]] = Counter()
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    for node in nodes:
        for parent in node.parent_nodes:
            found[_name(parent), _name(node)] += 1
    return found


def _name(node: Any) -> str:
    return str((node.operation if hasattr(node, "operation") else node.layer).name)


def ends(tensors: list[Any]) -> list[str]:
    """The names of the layers that a model's inputs or outputs come from."""
    return [str(tensor._keras_history[0].name) for tensor in tensors]
