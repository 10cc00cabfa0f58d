"""Layers of the user's own, in the styles that are legal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnosis.sound.tools import (
    fit,
    ones,
    ops,
    save_and_load,
    save_weights,
    sound,
    tensorflow,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


def linear(k: Keras) -> type:
    """A layer whose weights are made in `build`."""

    class Linear(k.layers.Layer):
        def __init__(self, units: int = 4, **options: Any) -> None:
            super().__init__(**options)
            self.units = units

        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(
                name="w", shape=(input_shape[-1], self.units), initializer="glorot_uniform"
            )
            self.b = self.add_weight(name="b", shape=(self.units,), initializer="zeros")
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return ops(k).matmul(x, self.w) + self.b

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return Linear


@sound()
def weights_in_build(k: Keras, folder: Path) -> None:
    cls = linear(k)
    model = k.Sequential([k.Input((3,)), cls(5), cls(2)])
    fit(model, ones(4, 3), ones(4, 2))
    save_and_load(k, model, folder, Linear=cls)


@sound()
def weights_in_init(k: Keras, folder: Path) -> None:
    class Scale(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")

        def call(self, x: Any) -> Any:
            return x * self.scale

    layer = Scale()
    layer(ones(2, 3))
    model = k.Sequential([k.Input((3,)), Scale(), k.layers.Dense(2)])
    save_and_load(k, model, folder, Scale=Scale)


@sound()
def built_said_by_hand(k: Keras, folder: Path) -> None:
    class Scale(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=input_shape[-1:], initializer="ones")
            self.built = True

        def call(self, x: Any) -> Any:
            return x * self.scale

    layer = Scale()
    layer.build((None, 3))
    layer(ones(2, 3))
    layer(k.Input((3,)))


@sound()
def build_that_never_says_built(k: Keras, folder: Path) -> None:
    """Keras 2 builds it at its first call, and says itself that it is built."""

    class Scale(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=input_shape[-1:], initializer="ones")

        def call(self, x: Any) -> Any:
            return x * self.scale

    layer = Scale()
    layer(ones(2, 3))
    layer(ones(5, 3))
    model = k.Sequential([k.layers.Dense(4), Scale()])
    model.build((None, 3))
    model(ones(2, 3))


@sound(2)
def lazy_weight_with_a_guard(k: Keras, folder: Path) -> None:
    class Lazy(k.layers.Layer):
        w = None

        def call(self, x: Any) -> Any:
            if self.w is None:
                self.w = self.add_weight(name="w", shape=x.shape[-1:], initializer="ones")
            return x * self.w

    layer = Lazy()
    for _ in range(3):
        layer(ones(2, 3))
    model = k.Sequential([k.layers.Dense(4), Lazy()])
    fit(model, ones(4, 3), ones(4, 4))


@sound(2)
def lazy_layer_with_a_guard(k: Keras, folder: Path) -> None:
    class Lazy(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = None

        def call(self, x: Any) -> Any:
            if self.dense is None:
                self.dense = k.layers.Dense(x.shape[-1])
            return self.dense(x)

    model = Lazy()
    for _ in range(3):
        model(ones(2, 3))
    fit(Lazy(), ones(4, 3), ones(4, 3))


@sound()
def variable_as_an_attribute(k: Keras, folder: Path) -> None:
    class Shift(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            variable = k.keras.Variable if k.generation == 3 else tensorflow().Variable
            self.shift = variable([1.0], trainable=True, name="shift")

        def call(self, x: Any) -> Any:
            return x + self.shift

    model = k.Sequential([k.layers.Dense(3), Shift()])
    model(ones(2, 3))
    assert len(model.weights) == 3


@sound()
def sublayers_in_lists_and_dicts(k: Keras, folder: Path) -> None:
    class Block(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.many = [k.layers.Dense(4) for _ in range(2)]
            self.named = {"a": k.layers.Dense(4), "b": k.layers.Dense(4)}
            self.pairs = [[k.layers.Dense(4), k.layers.ReLU()], [k.layers.Dense(4), None]]
            self.fixed = (k.layers.Dense(4), k.layers.LayerNormalization())
            for i in range(2):
                setattr(self, f"extra{i}", k.layers.Dense(4))

        def call(self, x: Any) -> Any:
            for layer in [*self.many, *self.named.values(), *self.fixed]:
                x = layer(x)
            for dense, after in self.pairs:
                x = dense(x) if after is None else after(dense(x))
            for i in range(2):
                x = getattr(self, f"extra{i}")(x)
            return x

    layer = Block()
    layer(ones(2, 4))
    assert len(layer.weights) == 20
    x = k.Input((4,))
    model = k.Model(x, Block()(x))
    fit(model, ones(4, 4), ones(4, 4))


@sound()
def sublayers_appended(k: Keras, folder: Path) -> None:
    class Stack(k.keras.Model):
        def __init__(self, depth: int) -> None:
            super().__init__()
            self.stack = []
            for _ in range(depth):
                self.stack.append(k.layers.Dense(3))
                self.stack.append(k.layers.Activation("relu"))
                self.stack.append(k.layers.Dropout(0.1))

        def call(self, x: Any, training: Any = None) -> Any:
            for layer in self.stack:
                x = layer(x, training=training) if isinstance(layer, k.layers.Dropout) else layer(x)
            return x

    model = Stack(3)
    model(ones(2, 3))
    assert len(model.weights) >= 6
    fresh = Stack(3)
    fresh(ones(2, 3))
    save_weights(model, fresh, folder)


@sound()
def children_made_and_built_in_build(k: Keras, folder: Path) -> None:
    class Block(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            width = input_shape[-1]
            self.up = k.layers.Dense(4 * width, activation="relu")
            self.up.build(input_shape)
            self.down = k.layers.Dense(width)
            self.down.build((*tuple(input_shape)[:-1], 4 * width))
            self.drop = k.layers.Dropout(0.1)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return x + self.drop(self.down(self.up(x)))

    model = k.Sequential([k.Input((3,)), Block(), Block(), k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder, Block=Block)


@sound()
def children_built_by_a_call_in_build(k: Keras, folder: Path) -> None:
    """Building on a symbolic input is what saves writing all shapes by hand."""

    class Block(k.keras.Model):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.a = k.layers.Dense(4)
            self.b = k.layers.Dense(2)

        def build(self, input_shape: Any) -> None:
            self.call(k.Input(tuple(input_shape)[1:]))
            self.built = True

        def call(self, x: Any) -> Any:
            return self.b(self.a(x))

    model = Block()
    model.build((None, 3))
    model(ones(2, 3))
    fresh = Block()
    fresh.build((None, 3))
    save_weights(model, fresh, folder)


@sound()
def build_of_children_that_have_nothing_to_build(k: Keras, folder: Path) -> None:
    """Layers without weights need no `build` in that of their holder."""

    class Half(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 0.5

    class Block(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = k.layers.Dense(4)
            self.act = k.layers.Activation("relu")
            self.drop = k.layers.Dropout(0.5)
            self.pool = k.layers.GlobalAveragePooling1D()
            self.add = k.layers.Add()
            self.half = Half()

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            y = self.drop(self.act(self.dense(x)))
            return self.half(self.pool(self.add([y, y])))

    x = k.Input((5, 3))
    model = k.Model(x, Block()(x))
    fit(model, ones(4, 5, 3), ones(4, 4))
    save_and_load(k, model, folder, Block=Block)


@sound()
def build_beside_models_that_are_built(k: Keras, folder: Path) -> None:
    """What is built in `__init__` is built again by loading: `build` needs not mention it."""

    class Net(k.keras.Model):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            x = k.Input((3,))
            self.inner = k.Model(x, k.layers.Dense(4)(x))
            self.tail = k.Sequential([k.Input((4,)), k.layers.Dense(2)])

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(2,), initializer="ones")
            self.built = True

        def call(self, x: Any) -> Any:
            return self.tail(self.inner(x)) * self.scale

    model = Net()
    model(ones(2, 3))
    save_and_load(k, model, folder, Net=Net)


@sound()
def build_calls_super_of_a_layer_of_keras(k: Keras, folder: Path) -> None:
    class Normed(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.gain = self.add_weight(name="gain", shape=(self.units,), initializer="ones")

        def call(self, x: Any) -> Any:
            return super().call(x) * self.gain

    class Deeper(Normed):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    model = k.Sequential([k.Input((3,)), Normed(4), Deeper(2)])
    fit(model, ones(4, 3), ones(4, 2))


@sound()
def mixin_with_build(k: Keras, folder: Path) -> None:
    class Gated:
        def build(self, input_shape: Any) -> None:
            self.gate = self.add_weight(name="gate", shape=(1,), initializer="ones")
            super().build(input_shape)

    class GatedConv(Gated, k.layers.Conv1D):
        def call(self, x: Any) -> Any:
            return super().call(x) * self.gate

    model = k.Sequential([GatedConv(4, 3), k.layers.Flatten()])
    model.build((None, 8, 3))
    model(ones(2, 8, 3))


@sound()
def called_in_training_only(k: Keras, folder: Path) -> None:
    """An auxiliary head: there is none of its weights until training."""

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body = k.layers.Dense(4)
            self.noise = k.layers.GaussianNoise(0.1)
            self.aux = k.layers.Dense(2)
            self.head = k.layers.Dense(2)

        def call(self, x: Any, training: bool = False) -> Any:
            x = self.body(x)
            if training:
                x = self.noise(x, training=True)
                return self.head(x) + self.aux(x)
            return self.head(x)

    model = Net()
    model(ones(2, 3))
    model.head.get_weights()
    other = Net()
    other(ones(2, 3), training=True)
    other(ones(2, 3))


@sound()
def layers_for_another_method(k: Keras, folder: Path) -> None:
    """`call` encodes; what decodes is called by a method of its own."""

    class Coder(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = k.layers.Dense(2)
            self.decoder = k.layers.Dense(3)
            self.norm = k.layers.LayerNormalization()

        def call(self, x: Any) -> Any:
            return self.encoder(x)

        def decode(self, z: Any) -> Any:
            return self.norm(self.decoder(z))

    model = Coder()
    code = model(ones(2, 3))
    model.decode(code)
    model.decode(code)


@sound()
def optional_layers(k: Keras, folder: Path) -> None:
    class Block(k.layers.Layer):
        def __init__(self, project: bool, norm: bool) -> None:
            super().__init__()
            self.dense = k.layers.Dense(4)
            self.project = k.layers.Dense(4) if project else None
            self.norm = k.layers.BatchNormalization() if norm else lambda x: x

        def call(self, x: Any) -> Any:
            skip = x if self.project is None else self.project(x)
            return self.norm(self.dense(x)) + skip

    model = k.Sequential([Block(project=True, norm=True), Block(project=False, norm=False)])
    model.build((None, 3))
    fit(model, ones(4, 3), ones(4, 4))


@sound()
def stateless_layers_made_in_call(k: Keras, folder: Path) -> None:
    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a = k.layers.Dense(4)
            self.b = k.layers.Dense(4)

        def call(self, x: Any) -> Any:
            y = k.layers.Activation("relu")(self.a(x))
            z = k.layers.Flatten()(self.b(x))
            return k.layers.Concatenate()([k.layers.add([y, z]), k.layers.ReLU()(y)])

    model = Net()
    for _ in range(3):
        model(ones(2, 3))
    fit(model, ones(4, 3), ones(4, 8))


@sound()
def same_layer_many_times(k: Keras, folder: Path) -> None:
    class Unrolled(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.step = k.layers.Dense(3, activation="tanh")

        def call(self, x: Any) -> Any:
            for _ in range(4):
                x = self.step(x)
            return x

    layer = Unrolled()
    layer(ones(2, 3))
    x = k.Input((3,))
    fit(k.Model(x, Unrolled()(x)), ones(4, 3), ones(4, 3))


@sound()
def recursive_layers(k: Keras, folder: Path) -> None:
    class Tree(k.layers.Layer):
        def __init__(self, depth: int) -> None:
            super().__init__()
            self.leaf = k.layers.Dense(3)
            self.left = Tree(depth - 1) if depth else None
            self.right = Tree(depth - 1) if depth else None

        def call(self, x: Any) -> Any:
            y = self.leaf(x)
            return y if self.left is None else self.left(y) + self.right(y)

    tree = Tree(2)
    tree(ones(2, 3))
    k.Sequential([tree, k.layers.Dense(1)])(ones(2, 3))


@sound()
def layer_shared_by_two_holders(k: Keras, folder: Path) -> None:
    class Reader(k.layers.Layer):
        def __init__(self, embedding: Any) -> None:
            super().__init__()
            self.embedding = embedding
            self.dense = k.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(self.embedding(x))

    class Both(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            shared = k.layers.Embedding(10, 4)
            self.one, self.two = Reader(shared), Reader(shared)

        def call(self, x: Any) -> Any:
            return self.one(x) + self.two(x)

    model = Both()
    model(ones(2, 5).astype("int32"))
    assert len(model.weights) == 5


@sound()
def own_output_shape(k: Keras, folder: Path) -> None:
    class Pool(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = k.layers.Dense(6)

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return ops(k).mean(self.dense(x), axis=1)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape[0], 6

    model = k.Sequential([k.layers.Dense(4), Pool(), k.layers.Dense(2)])
    model.build((None, 5, 3))
    model(ones(2, 5, 3))
    k.Sequential([k.Input((5, 3)), Pool()])
    Pool()(ones(2, 5, 3))
    assert tuple(Pool().compute_output_shape((None, 5, 3))) == (None, 6)


@sound()
def output_shape_of_several(k: Keras, folder: Path) -> None:
    class Split(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return {"low": x[:, :2], "all": [x, x[:, :1]]}

        def compute_output_shape(self, input_shape: Any) -> Any:
            batch, size = input_shape
            return {"low": (batch, 2), "all": [(batch, size), (batch, 1)]}

    x = k.Input((5,))
    parts = Split()(x)
    join = k.layers.Concatenate()([parts["low"], *parts["all"]])
    fit(k.Model(x, k.layers.Dense(1)(join)), ones(4, 5), ones(4, 1))


@sound()
def output_shape_with_unknown_sizes(k: Keras, folder: Path) -> None:
    """It may know less than what `call` gives, and more."""

    class Pass(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x[:, ::2]

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape[0], None, input_shape[2]

    x = k.Input((None, 3))
    y = k.layers.LSTM(2)(Pass()(x))
    model = k.Model(x, y)
    model.predict(ones(2, 6, 3), verbose=0)
    Pass()(ones(2, 6, 3))


@sound(3)
def own_output_spec(k: Keras, folder: Path) -> None:
    class Top(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return k.keras.ops.top_k(x, 2).values

        def compute_output_spec(self, x: Any) -> Any:
            return k.keras.KerasTensor((*x.shape[:-1], 2), x.dtype)

    x = k.Input((5,))
    k.Model(x, k.layers.Dense(1)(Top()(x))).predict(ones(2, 5), verbose=0)


@sound()
def call_in_several_shapes(k: Keras, folder: Path) -> None:
    """What the kernel does not depend on may differ from call to call."""
    dense, conv, lstm = k.layers.Dense(2), k.layers.Conv2D(2, 3), k.layers.LSTM(2)
    for size in (3, 5, 8):
        dense(ones(size, 4))
        dense(ones(2, size, 4))
        conv(ones(1, size, size + 1, 3))
        lstm(ones(size, size, 3))


@sound()
def input_spec_of_its_own(k: Keras, folder: Path) -> None:
    class Wants(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.input_spec = k.layers.InputSpec(ndim=2)

        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(name="w", shape=(input_shape[-1], 2), initializer="ones")
            self.input_spec = k.layers.InputSpec(ndim=2, axes={-1: input_shape[-1]})
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return ops(k).matmul(x, self.w)

    layer = Wants()
    layer(ones(2, 3))
    layer(ones(4, 3))
    layer(k.Input((3,)))


@sound()
def call_that_needs_values(k: Keras, folder: Path) -> None:
    """It works on concrete tensors only, and nobody wants anything else of it."""

    class Clip(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(3)

        def call(self, x: Any) -> Any:
            y = self.dense(x)
            if float(ops(k).sum(x)) > 4:
                return y * 2
            return y

    layer = Clip()
    layer(ones(2, 3))
    layer(ones(1, 3))


@sound()
def own_regularization(k: Keras, folder: Path) -> None:
    class Sparse(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__(activity_regularizer="l2")
            self.dense = k.layers.Dense(3, kernel_regularizer="l2", kernel_constraint="max_norm")

        def call(self, x: Any) -> Any:
            y = self.dense(x)
            self.add_loss(ops(k).mean(ops(k).square(y)))
            return y

    model = k.Sequential([Sparse(), k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1))
    model.evaluate(ones(4, 3), ones(4, 1), verbose=0)


@sound()
def non_trainable_state(k: Keras, folder: Path) -> None:
    class Counter(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.count = self.add_weight(
                name="count", shape=(), initializer="zeros", trainable=False
            )

        def call(self, x: Any) -> Any:
            self.count.assign(self.count + 1.0)
            return x

    model = k.Sequential([k.Input((3,)), Counter(), k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder, Counter=Counter)


@sound()
def wrapper_of_the_users_own(k: Keras, folder: Path) -> None:
    class Residual(k.layers.Wrapper):
        def build(self, input_shape: Any) -> None:
            if not self.layer.built:
                self.layer.build(input_shape)
                self.layer.built = True
            self.alpha = self.add_weight(name="alpha", shape=(), initializer="zeros")
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return x + self.alpha * self.layer(x)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    model = k.Sequential([k.Input((3,)), Residual(k.layers.Dense(3)), k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder, Residual=Residual)


@sound()
def call_decorated_with_tf_function(k: Keras, folder: Path) -> None:
    tf = tensorflow()

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(3)

        @tf.function
        def call(self, x: Any) -> Any:
            return self.dense(x)

        @tf.function
        def serve(self, x: Any) -> Any:
            return {"score": self(x)}

    model = Net()
    model(tf.ones((2, 3)))
    model.serve(tf.ones((2, 3)))
    model.serve(tf.ones((4, 3)))


@sound(2)
def modules_of_tensorflow_hold_layers(k: Keras, folder: Path) -> None:
    tf = tensorflow()

    class Part(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(3)

        def __call__(self, x: Any) -> Any:
            return self.dense(x)

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.part = Part()

        def call(self, x: Any) -> Any:
            return self.part(x)

    model = Net()
    model(ones(2, 3))
    assert len(model.weights) == 2


@sound()
def layers_in_a_plain_object_outside_of_models(k: Keras, folder: Path) -> None:
    """No model, no tracking: a training loop by hand knows its variables."""

    class Agent:
        def __init__(self) -> None:
            self.body, self.policy = k.layers.Dense(4), k.layers.Dense(2)

        def act(self, x: Any) -> Any:
            return self.policy(self.body(x))

        @property
        def variables(self) -> list[Any]:
            return self.body.trainable_weights + self.policy.trainable_weights

    agent = Agent()
    agent.act(ones(2, 3))
    assert len(agent.variables) == 4


@sound(2)
def dropout_made_in_call(k: Keras, folder: Path) -> None:
    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(4)

        def call(self, x: Any, training: Any = None) -> Any:
            return k.layers.Dropout(0.1)(self.dense(x), training=training)

    fit(Net(), ones(4, 3), ones(4, 4))


@sound()
def lambdas(k: Keras, folder: Path) -> None:
    x = k.Input((4, 3))
    y = k.layers.Lambda(lambda t: t * 2.0)(x)
    y = k.layers.Lambda(lambda t, by: t + by, arguments={"by": 1.0})(y)
    y = k.layers.Lambda(lambda t: ops(k).mean(t, axis=1), output_shape=(3,))(y)
    y = k.layers.Lambda(lambda pair: pair[0] - pair[1])([y, y])
    fit(k.Model(x, k.layers.Dense(1)(y)), ones(4, 4, 3), ones(4, 1))
