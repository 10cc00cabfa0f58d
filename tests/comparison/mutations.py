"""One small model, and what can be done to it: each mutation changes one thing.

A mutation gives the model as it is then; the first line of the comparison has to say what was done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras


class Mutation(NamedTuple):
    """One change.

    Attributes:
        make: builds the changed model.
        line: what the comparison has to say first.
        back: what it has to say first of the way back.
        base: builds the model as it was.
    """

    make: Callable[[Keras], Any]
    line: str
    back: str
    base: Callable[[Keras], Any]


def in_a_row(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
    for layer in layers.values():
        x = layer(x)
    return x


def network(k: Keras, wire: Any = in_a_row, size: int = 16, **others: Any) -> Any:
    """Three dense layers and a dropout; `others` take the place of those of the same key."""
    layers = {
        "first": k.layers.Dense(16, name="first"),
        "drop": k.layers.Dropout(0.5, name="drop"),
        "second": k.layers.Dense(16, name="second"),
        "last": k.layers.Dense(4, name="last"),
    }
    layers |= {name: make(k.layers) for name, make in others.items()}
    data = k.Input((size,), name="data")
    return k.Model(data, wire(k, data, layers), name="net")


def order(*names: str) -> Callable[[Keras, Any, dict[str, Any]], Any]:
    """Calls these layers, one on the output of the other."""
    return lambda k, x, layers: in_a_row(k, x, {n: layers[name] for n, name in enumerate(names)})


def dense(name: str = "second", units: int = 16, **options: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.Dense(units, name=name, **options)


def second(**options: Any) -> Callable[[Keras], Any]:
    """The model with another second layer."""
    return lambda k: network(k, second=dense(**options))


def inserted(k: Keras) -> Any:
    wire = order("first", "extra", "drop", "second", "last")
    return network(k, wire, extra=dense("extra", 12))


def at_the_end(k: Keras) -> Any:
    wire = order("first", "drop", "second", "last", "soft")
    return network(k, wire, soft=lambda layers: layers.Softmax(name="soft"))


def side_branch(k: Keras) -> Any:
    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        x = layers["first"](x)
        side = k.layers.Dense(16, name="side")(x)
        x = k.layers.Add(name="sum")([layers["drop"](x), side])
        return layers["last"](layers["second"](x))

    return network(k, wire)


def skip(k: Keras) -> Any:
    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        start = layers["first"](x)
        x = layers["second"](layers["drop"](start))
        return layers["last"](k.layers.Add(name="sum")([x, start]))

    return network(k, wire)


def wrapped(k: Keras) -> Any:
    """The first layers in a model of their own."""

    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        start = k.Input((16,))
        inner = k.Model(start, layers["drop"](layers["first"](start)), name="inner")
        return layers["last"](layers["second"](inner(x)))

    return network(k, wire)


def two_changed(k: Keras) -> Any:
    """Two layers in the place of one."""
    wire = order("first", "drop", "one", "two", "last")
    return network(
        k,
        wire,
        one=lambda layers: layers.LayerNormalization(name="one"),
        two=dense("two", 16, activation="relu"),
    )


def two_outputs(k: Keras) -> Any:
    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        start = layers["first"](x)
        return [layers["last"](layers["second"](layers["drop"](start))), start]

    return network(k, wire)


def head(k: Keras) -> Any:
    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        x = layers["second"](layers["drop"](layers["first"](x)))
        return [layers["last"](x), k.layers.Dense(2, name="head")(x)]

    return network(k, wire)


# -- models with layers and builds of one's own ---------------------------------------------------


def with_block(make: Callable[[Any], None]) -> Callable[[Keras], Any]:
    """The model with a second layer whose `build` is `make`."""

    def build_model(k: Keras) -> Any:
        class Block(k.layers.Layer):
            def build(self, input_shape):
                make(self)
                self.built = True

            def call(self, x):
                return x

        return network(k, second=lambda _: Block(name="block"))

    return build_model


def one_weight(layer: Any) -> None:
    layer.kernel = layer.add_weight(shape=(16, 16), name="kernel")


def weight_twice(layer: Any) -> None:
    one_weight(layer)
    one_weight(layer)


def other_name(layer: Any) -> None:
    layer.kernel = layer.add_weight(shape=(16, 16), name="matrix")


def built_in_order(*names: str) -> Callable[[Keras], Any]:
    """A subclassed model that builds its layers in this order, whatever `call` does."""

    def build_model(k: Keras) -> Any:
        class Net(k.keras.Model):
            def __init__(self, **options):
                super().__init__(**options)
                self.first = k.layers.Dense(16, name="first")
                self.second = k.layers.Dense(16, name="second")

            def build(self, input_shape):
                for name in names:
                    getattr(self, name).build((None, 16))
                self.built = True

            def call(self, x):
                return self.second(self.first(x))

        model = Net(name="net")
        model.build((None, 16))
        return model

    return build_model


def joined(*names: str) -> Callable[[Keras], Any]:
    """A model whose two layers are joined in this order."""

    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        both = [layers[name](x) for name in ("first", "second")]
        both = both if names == ("first", "second") else both[::-1]
        return layers["last"](k.layers.Concatenate(name="both")(both))

    return lambda k: network(k, wire)


def from_other(source: str) -> Callable[[Keras], Any]:
    """A model whose last layer takes its input from one layer or the other."""

    def wire(k: Keras, x: Any, layers: dict[str, Any]) -> Any:
        outputs = {name: layers[name](x) for name in ("first", "second")}
        return [layers["last"](outputs[source]), *outputs.values()]

    return lambda k: network(k, wire)


def convolved(size: int) -> Callable[[Keras], Any]:
    """Pictures, pooled, flattened, and a dense layer whose size follows from all that."""

    def make(k: Keras) -> Any:
        data = k.Input((8, 8, 3), name="data")
        x = k.layers.MaxPooling2D(size, name="pool")(data)
        x = k.layers.Dense(4, name="last")(k.layers.Flatten(name="flat")(x))
        return k.Model(data, x, name="net")

    return make


def blocks(*names: str) -> Callable[[Keras], Any]:
    """Layers that Keras names, one after the other."""

    def make(k: Keras) -> Any:
        kinds = {
            "dense": lambda: k.layers.Dense(16),
            "wide": lambda: k.layers.Dense(32),
            "drop": lambda: k.layers.Dropout(0.5),
            "norm": k.layers.LayerNormalization,
        }
        model = k.Sequential([kinds[name]() for name in names])
        model.build((None, 16))
        return model

    return make


MUTATIONS = {
    "inserted": Mutation(
        inserted,
        "'extra' (Dense) inserted between 'first' (Dense) and 'drop' (Dropout)",
        "'extra' (Dense) removed from between 'first' (Dense) and 'drop' (Dropout)",
        network,
    ),
    "removed": Mutation(
        lambda k: network(k, order("first", "drop", "last")),
        "'second' (Dense) removed from between 'drop' (Dropout) and 'last' (Dense)",
        "'second' (Dense) inserted between 'drop' (Dropout) and 'last' (Dense)",
        network,
    ),
    "appended": Mutation(
        at_the_end,
        "'soft' (Softmax) inserted behind 'last' (Dense)",
        "'soft' (Softmax) removed from the end, behind 'last' (Dense)",
        network,
    ),
    "renamed": Mutation(
        second(name="other"),
        "'second' (Dense) renamed to 'other'",
        "'other' (Dense) renamed to 'second'",
        network,
    ),
    "moved": Mutation(
        lambda k: network(k, order("first", "second", "drop", "last")),
        "'drop' (Dropout) moved behind 'second' (Dense), was behind 'first' (Dense)",
        "'drop' (Dropout) moved behind 'first' (Dense), was behind 'second' (Dense)",
        network,
    ),
    "shared": Mutation(
        lambda k: network(k, order("first", "drop", "first", "last")),
        "'first' (Dense) is shared: called 2 times, was 1, also in place of 'second' (Dense)",
        "'first' (Dense) is called 1 time, was 2; 'second' (Dense) is in its place",
        network,
    ),
    "frozen": Mutation(
        second(trainable=False),
        "'second' (Dense) frozen: kernel and bias not trainable any more",
        "'second' (Dense) no longer frozen: kernel and bias trainable now",
        network,
    ),
    "resized": Mutation(
        second(units=24),
        "'second' (Dense) resized: kernel (16, 16) → (16, 24), bias (16,) → (24,)",
        "'second' (Dense) resized: kernel (16, 24) → (16, 16), bias (24,) → (16,)",
        network,
    ),
    "initializer": Mutation(
        second(kernel_initializer="he_normal"),
        "'second' (Dense): another initializer: kernel GlorotUniform → HeNormal",
        "'second' (Dense): another initializer: kernel HeNormal → GlorotUniform",
        network,
    ),
    "dtype": Mutation(
        second(dtype="float64"),
        "'second' (Dense): another dtype: kernel and bias float32 → float64",
        "'second' (Dense): another dtype: kernel and bias float64 → float32",
        network,
    ),
    "regularizer": Mutation(
        second(kernel_regularizer="l2"),
        "'second' (Dense): another regularizer: kernel none → L2",
        "'second' (Dense): another regularizer: kernel L2 → none",
        network,
    ),
    "constraint": Mutation(
        second(bias_constraint="non_neg"),
        "'second' (Dense): another constraint: bias none → NonNeg",
        "'second' (Dense): another constraint: bias NonNeg → none",
        network,
    ),
    "no bias": Mutation(
        second(use_bias=False),
        "'second' (Dense) lacks the weight bias (16,)",
        "'second' (Dense) has a new weight bias (16,)",
        network,
    ),
    "another class": Mutation(
        lambda k: network(k, second=lambda layers: layers.LayerNormalization(name="norm")),
        "'second' (Dense) replaced by 'norm' (LayerNormalization)",
        "'norm' (LayerNormalization) replaced by 'second' (Dense)",
        network,
    ),
    "another class, the same name": Mutation(
        lambda k: network(k, second=lambda layers: layers.LayerNormalization(name="second")),
        "'second' (Dense) is a LayerNormalization now",
        "'second' (LayerNormalization) is a Dense now",
        network,
    ),
    "branch": Mutation(
        side_branch,
        "branch added from 'first' (Dense) to 'second' (Dense): 'side' (Dense) and 'sum' (Add)",
        "branch removed from 'first' (Dense) to 'second' (Dense): 'side' (Dense) and 'sum' (Add)",
        network,
    ),
    "skip connection": Mutation(
        skip,
        "branch added from 'first' (Dense) to 'last' (Dense): 'sum' (Add)",
        "branch removed from 'first' (Dense) to 'last' (Dense): 'sum' (Add)",
        network,
    ),
    "another head": Mutation(
        head,
        "branch added from 'second' (Dense) to the outputs: 'head' (Dense)",
        "branch removed from 'second' (Dense) to the outputs: 'head' (Dense)",
        network,
    ),
    "a model inside": Mutation(
        wrapped,
        "'inner' (Functional) inserted between 'data' (InputLayer) and 'second' (Dense)",
        "'inner' (Functional) removed from between 'data' (InputLayer) and 'second' (Dense)",
        network,
    ),
    "one more in its place": Mutation(
        two_changed,
        "'one' (LayerNormalization) inserted between 'drop' (Dropout) and 'two' (Dense)",
        "'one' (LayerNormalization) removed from between 'drop' (Dropout) and 'two' (Dense)",
        network,
    ),
    "another output": Mutation(
        two_outputs,
        "'net' (Functional) also gives the output of 'first' (Dense)",
        "'net' (Functional) no longer gives the output of 'first' (Dense)",
        network,
    ),
    "input": Mutation(
        lambda k: network(k, size=12),
        "'data' (InputLayer) is (None, 12), was (None, 16)",
        "'data' (InputLayer) is (None, 16), was (None, 12)",
        network,
    ),
    "what decides other layers' sizes": Mutation(
        convolved(4),
        "'pool' (MaxPooling2D) gives (None, 2, 2, 3), was (None, 4, 4, 3)",
        "'pool' (MaxPooling2D) gives (None, 4, 4, 3), was (None, 2, 2, 3)",
        convolved(2),
    ),
    "order of inputs": Mutation(
        joined("second", "first"),
        "'both' (Concatenate) takes its inputs in another order",
        "'both' (Concatenate) takes its inputs in another order",
        joined("first", "second"),
    ),
    "another source": Mutation(
        from_other("second"),
        "'last' (Dense) takes its input from 'second' (Dense) instead of 'first' (Dense)",
        "'last' (Dense) takes its input from 'first' (Dense) instead of 'second' (Dense)",
        from_other("first"),
    ),
    "build order": Mutation(
        built_in_order("second", "first"),
        "'second' (Dense) is built before 'first' (Dense), was after",
        "'first' (Dense) is built before 'second' (Dense), was after",
        built_in_order("first", "second"),
    ),
    "weights twice": Mutation(
        with_block(weight_twice),
        "'block' (Block) makes its weights twice: kernel",
        "'block' (Block) no longer makes its weights twice: kernel",
        with_block(one_weight),
    ),
    "another weight's name": Mutation(
        with_block(other_name),
        "'block' (Block): renamed: kernel → matrix",
        "'block' (Block): renamed: matrix → kernel",
        with_block(one_weight),
    ),
    "inserted, names by Keras": Mutation(
        blocks("dense", "norm", "drop", "dense"),
        "'{norm}' (LayerNormalization) inserted between '{dense}' (Dense) and '{drop}' (Dropout)",
        "'{norm}' (LayerNormalization) removed from between '{dense}' (Dense) "
        "and '{drop}' (Dropout)",
        blocks("dense", "drop", "dense"),
    ),
    "moved, names by Keras": Mutation(
        blocks("drop", "dense", "norm", "dense"),
        "'{drop}' (Dropout) moved behind '{input}' (InputLayer), was behind '{norm}' "
        "(LayerNormalization)",
        "'{drop}' (Dropout) moved behind '{norm}' (LayerNormalization), was behind '{input}' "
        "(InputLayer)",
        blocks("dense", "norm", "drop", "dense"),
    ),
    "resized, names by Keras": Mutation(
        blocks("wide", "drop", "dense"),
        "'{dense}' (Dense) resized: kernel (16, 16) → (16, 32), bias (16,) → (32,)",
        "'{dense}' (Dense) resized: kernel (16, 32) → (16, 16), bias (32,) → (16,)",
        blocks("dense", "drop", "dense"),
    ),
}
