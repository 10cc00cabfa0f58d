"""Models: subclassed, functional, of both kinds, with several inputs and outputs, in each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diagnosis.sound.own_layers import linear
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


def mlp(k: Keras) -> type:
    class MLP(k.keras.Model):
        def __init__(self, units: int = 4, **options: Any) -> None:
            super().__init__(**options)
            self.units = units
            self.hidden = k.layers.Dense(units, activation="relu")
            self.out = k.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.out(self.hidden(x))

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units, "name": self.name}

    return MLP


def mlp_with_build(k: Keras) -> type:
    class Built(mlp(k)):
        def build(self, input_shape: Any) -> None:
            self.hidden.build(input_shape)
            self.out.build((*tuple(input_shape)[:-1], self.units))
            super().build(input_shape)

    return Built


@sound()
def subclassed_by_call(k: Keras, folder: Path) -> None:
    cls = mlp(k)
    model = cls()
    model(ones(2, 3))
    model.summary(print_fn=lambda *a, **o: None)
    fresh = cls()
    fresh(ones(2, 3))
    save_weights(model, fresh, folder)
    save_and_load(k, model, folder, MLP=cls)


@sound()
def subclassed_by_shape(k: Keras, folder: Path) -> None:
    if k.generation == 2:  # in Keras 3 it builds nothing
        model = mlp(k)()
        model.build((None, 3))
        model(ones(2, 3))
    built = mlp_with_build(k)()
    built.build((None, 3))
    built.summary(print_fn=lambda *a, **o: None)
    built(ones(2, 3))
    save_and_load(k, built, folder, Built=type(built))


@sound()
def subclassed_by_symbol(k: Keras, folder: Path) -> None:
    cls = mlp(k)
    model = cls()
    model(k.Input((3,)))
    model(ones(2, 3))
    save_and_load(k, model, folder, MLP=cls)


@sound()
def subclassed_by_fit(k: Keras, folder: Path) -> None:
    cls = mlp(k)
    model = cls()
    fit(model, ones(4, 3), ones(4, 2))
    model.evaluate(ones(4, 3), ones(4, 2), verbose=0)
    model.predict(ones(4, 3), verbose=0)
    save_and_load(k, model, folder, MLP=cls)


@sound()
def subclassed_by_predict(k: Keras, folder: Path) -> None:
    """No `compile` is needed for it."""
    model = mlp(k)()
    model.predict(ones(4, 3), verbose=0)
    model.summary(print_fn=lambda *a, **o: None)


@sound()
def subclassed_in_a_loop_by_hand(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    model, optimizer = mlp(k)(), k.keras.optimizers.Adam()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    model(tf.ones((2, 3)))
    for _ in range(3):
        step(tf.ones((2, 3)), tf.ones((2, 2)))


@sound()
def nested_subclassed(k: Keras, folder: Path) -> None:
    cls, layer = mlp(k), linear(k)

    class Outer(k.keras.Model):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.one, self.two = cls(), cls(5)
            self.tail = k.Sequential([layer(4), k.layers.ReLU(), layer(1)])

        def call(self, x: Any) -> Any:
            return self.tail(self.one(x) + self.two(x))

    model = Outer()
    model(ones(2, 3))
    fresh = Outer()
    fresh(ones(2, 3))
    save_weights(model, fresh, folder)
    x = k.Input((3,))
    k.Model(x, k.layers.Dense(1)(Outer()(x)))
    k.Sequential([Outer(), k.layers.Dense(1)]).build((None, 3))


@sound()
def inputs_as_list_dict_and_keywords(k: Keras, folder: Path) -> None:
    class Two(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = k.layers.Dense(4), k.layers.Dense(4)

        def call(self, inputs: Any) -> Any:
            if isinstance(inputs, dict):
                inputs = [inputs["a"], inputs["b"]]
            return self.a(inputs[0]) + self.b(inputs[1])

    class Keyword(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = k.layers.Dense(4), k.layers.Dense(4)

        def call(self, x: Any, context: Any = None, scale: float = 1.0) -> Any:
            y = self.a(x)
            return y * scale if context is None else (y + self.b(context)) * scale

    x, y = ones(2, 3), ones(2, 5)
    Two()([x, y])
    Two()({"a": x, "b": y})
    fit(Two(), {"a": ones(4, 3), "b": ones(4, 5)}, ones(4, 4))
    model = Keyword()
    model(x, context=y, scale=2.0)
    model(x)
    Keyword()(x)
    named = Keyword()
    named(x, y)


@sound()
def several_arguments_of_build(k: Keras, folder: Path) -> None:
    if k.generation == 3:

        class Cross(k.layers.Layer):
            def build(self, query_shape: Any, context_shape: Any = None) -> None:
                self.q = self.add_weight(name="q", shape=(query_shape[-1], 4))
                if context_shape is not None:
                    self.c = self.add_weight(name="c", shape=(context_shape[-1], 4))

            def call(self, query: Any, context: Any = None) -> Any:
                y = ops(k).matmul(query, self.q)
                return y if context is None else y + ops(k).matmul(context, self.c)

        Cross()(ones(2, 3), ones(2, 5))
        Cross()(ones(2, 3), context=ones(2, 5))
        Cross()(ones(2, 3))
        a, b = k.Input((3,)), k.Input((5,))
        k.Model([a, b], Cross()(a, b))

    class Pair(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            first, second = input_shape
            self.q = self.add_weight(name="q", shape=(first[-1], 4))
            self.c = self.add_weight(name="c", shape=(second[-1], 4))
            super().build(input_shape)

        def call(self, inputs: Any) -> Any:
            query, context = inputs
            return ops(k).matmul(query, self.q) + ops(k).matmul(context, self.c)

    Pair()([ones(2, 3), ones(2, 5)])
    a, b = k.Input((3,)), k.Input((5,))
    fit(k.Model([a, b], Pair()([a, b])), [ones(4, 3), ones(4, 5)], ones(4, 4))


@sound()
def several_outputs(k: Keras, folder: Path) -> None:
    class Heads(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body = k.layers.Dense(4)
            self.heads = {"mean": k.layers.Dense(1), "class": k.layers.Dense(3)}

        def call(self, x: Any) -> Any:
            y = self.body(x)
            return {name: head(y) for name, head in self.heads.items()}

    model = Heads()
    model(ones(2, 3))
    fit(
        model,
        ones(4, 3),
        {"mean": ones(4, 1), "class": ones(4, 3)},
        loss={"mean": "mse", "class": "mse"},
    )
    x = k.Input((3,))
    y = k.layers.Dense(4)(x)
    k.Model(x, {"a": k.layers.Dense(1)(y), "b": [y, k.layers.Dense(2)(y)]})
    k.Model({"x": x}, y)({"x": ones(2, 3)})


@sound()
def functional_subclassing(k: Keras, folder: Path) -> None:
    class Net(k.keras.Model):
        def __init__(self, units: int = 4, **options: Any) -> None:
            x = k.Input((3,), name="x")
            hidden = k.layers.Dense(units, name="hidden")
            y = hidden(x)
            out = k.layers.Dense(1, name="out")
            super().__init__(inputs=x, outputs=out(y), **options)
            self.hidden, self.out, self.units = hidden, out, units

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units, "name": self.name}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return cls(**config)

    model = Net()
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder, Net=Net)
    model.summary(print_fn=lambda *a, **o: None)
    k.Sequential([Net(), k.layers.Dense(1)])(ones(2, 3))


@sound(3)
def functional_subclassing_with_attributes_first(k: Keras, folder: Path) -> None:
    class Net(k.keras.Model):
        def __init__(self, **options: Any) -> None:
            self.hidden = k.layers.Dense(4)
            self.blocks = [k.layers.Dense(4) for _ in range(2)]
            self.out = k.layers.Dense(1)
            x = k.Input((3,))
            y = self.hidden(x)
            for block in self.blocks:
                y = block(y)
            super().__init__(inputs=x, outputs=self.out(y), **options)

    fit(Net(), ones(4, 3), ones(4, 1))


@sound()
def functional_with_extra_layers(k: Keras, folder: Path) -> None:
    """The graph has its layers, and there is one more that only another method uses."""

    class Net(k.keras.Model):
        def __init__(self) -> None:
            x = k.Input((3,))
            y = k.layers.Dense(4)(x)
            super().__init__(x, y)
            self.projector = k.layers.Dense(2)

        def project(self, x: Any) -> Any:
            return self.projector(self(x))

    model = Net()
    model(ones(2, 3))
    model.project(ones(2, 3))


@sound()
def submodels_of_a_model(k: Keras, folder: Path) -> None:
    x = k.Input((8, 8, 3))
    y = k.layers.Conv2D(4, 3, name="conv")(x)
    z = k.layers.GlobalAveragePooling2D(name="pool")(k.layers.ReLU()(y))
    model = k.Model(x, k.layers.Dense(2, name="head")(z))
    features = k.Model(model.input, model.get_layer("pool").output)
    both = k.Model(model.inputs, [model.output, model.get_layer("conv").output])
    features(ones(2, 8, 8, 3))
    both.predict(ones(2, 8, 8, 3), verbose=0)
    tail = k.Model(model.get_layer("pool").output, model.output)
    tail(ones(2, 4))
    intermediate = [layer.output for layer in model.layers[1:]]
    k.Model(model.input, intermediate)


@sound()
def transfer(k: Keras, folder: Path) -> None:
    base = k.Sequential([k.Input((8, 8, 3)), k.layers.Conv2D(4, 3), k.layers.BatchNormalization()])
    base.trainable = False
    x = k.Input((8, 8, 3))
    y = k.layers.GlobalAveragePooling2D()(base(x, training=False))
    model = k.Model(x, k.layers.Dense(1)(y))
    fit(model, ones(4, 8, 8, 3), ones(4, 1))
    base.trainable = True
    fit(model, ones(4, 8, 8, 3), ones(4, 1), optimizer=k.keras.optimizers.SGD(1e-5))
    save_and_load(k, model, folder)
    k.Sequential([k.Input((8, 8, 3)), base, k.layers.Flatten(), k.layers.Dense(1)])


@sound()
def new_head_on_old_body(k: Keras, folder: Path) -> None:
    old = k.Sequential([k.Input((3,)), k.layers.Dense(4), k.layers.Dense(10)])
    new = k.Model(old.inputs, k.layers.Dense(2)(old.layers[-2].output))
    fit(new, ones(4, 3), ones(4, 2))
    popped = k.Sequential([k.layers.Dense(4), k.layers.Dense(10)])
    popped.build((None, 3))
    popped.pop()
    popped.add(k.layers.Dense(2))
    popped(ones(2, 3))


@sound(2)
def head_exchanged_before_the_first_build(k: Keras, folder: Path) -> None:
    """Keras 2 forgets the old one."""
    model = mlp(k)()
    model.out = k.layers.Dense(5)
    model(ones(2, 3))
    assert len(model.weights) == 4


@sound(2)
def head_exchanged_after_the_build(k: Keras, folder: Path) -> None:
    model = mlp(k)()
    model(ones(2, 3))
    model.out = k.layers.Dense(5)
    model(ones(2, 3))
    assert len(model.weights) == 4


@sound()
def head_given_from_outside(k: Keras, folder: Path) -> None:
    class Task(k.keras.Model):
        def __init__(self, body: Any, head: Any) -> None:
            super().__init__()
            self.body, self.head = body, head

        def call(self, x: Any) -> Any:
            return self.head(self.body(x))

    body, head = mlp(k)(), k.layers.Dense(1)
    body(ones(2, 3))
    head.build((None, 2))
    Task(body, head)(ones(2, 3))
    other = Task(body, k.layers.Dense(4))
    fit(other, ones(4, 3), ones(4, 4))


@sound()
def clones_and_configs(k: Keras, folder: Path) -> None:
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4), k.layers.Dense(2)])
    clone = k.keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    again = k.keras.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    x = k.Input((3,))
    functional = k.Model(x, model(k.layers.Dense(3)(x)))
    copy = k.keras.models.clone_model(functional)
    copy.set_weights(functional.get_weights())
    k.keras.models.model_from_json(functional.to_json())
    k.keras.models.clone_model(
        functional, clone_function=lambda layer: type(layer).from_config(layer.get_config())
    )


@sound()
def called_on_new_inputs(k: Keras, folder: Path) -> None:
    model = k.Sequential([k.Input((None, 3)), k.layers.Conv1D(4, 3, padding="same")])
    model(ones(2, 5, 3))
    model(ones(3, 9, 3))
    x, y = k.Input((7, 3)), k.Input((9, 3))
    k.Model([x, y], k.layers.Concatenate(axis=1)([model(x), model(y)]))
    k.Model(x, model(k.layers.Dropout(0.1)(x)))


@sound()
def sequential_grows(k: Keras, folder: Path) -> None:
    model = k.Sequential(name="grows")
    model.add(k.Input((3,)))
    for units in (8, 4, 2):
        model.add(k.layers.Dense(units))
        model.add(k.layers.BatchNormalization())
    fit(model, ones(4, 3), ones(4, 2))
    model.add(k.layers.Dense(1))
    model(ones(2, 3))
    late = k.Sequential([k.layers.Dense(4)])
    late.add(k.layers.Dense(2))
    late.build((None, 3))
    late.build((None, 3))


@sound(2)
def sequential_of_keras_2_with_input_shape(k: Keras, folder: Path) -> None:
    model = k.Sequential()
    model.add(k.layers.Dense(4, input_shape=(3,)))
    model.add(k.layers.Dense(2, input_dim=4))
    model.summary(print_fn=lambda *a, **o: None)
    fit(model, ones(4, 3), ones(4, 2))


@sound()
def sequential_in_a_subclass_of_sequential(k: Keras, folder: Path) -> None:
    class Block(k.keras.Sequential):
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.add(k.layers.Dense(units))
            self.add(k.layers.LayerNormalization())

    model = k.Sequential([Block(4), Block(2)])
    model.build((None, 3))
    fit(model, ones(4, 3), ones(4, 2))


@sound()
def two_models_at_once(k: Keras, folder: Path) -> None:
    one, two = mlp(k)(name="net"), mlp(k)(name="net")
    one(ones(2, 3))
    two(ones(2, 5))
    x = k.Input((3,))
    k.Model(x, k.layers.Dense(2, name="same")(x))
    k.Model(x, k.layers.Dense(3, name="same")(x))


@sound()
def target_network(k: Keras, folder: Path) -> None:
    """Q-learning: the target is a copy that never trains."""
    online = k.Sequential([k.Input((4,)), k.layers.Dense(8), k.layers.Dense(2)])
    target = k.keras.models.clone_model(online)
    target.set_weights(online.get_weights())
    best, other = mlp_with_build(k)(), mlp_with_build(k)()
    best.build((None, 4))
    other.build((None, 4))
    for model in (best, other):
        model(ones(1, 4))
    other.set_weights(best.get_weights())
    fit(online, ones(4, 4), np.array(target(ones(4, 4))))
    target.set_weights(online.get_weights())


@sound()
def mixed_precision(k: Keras, folder: Path) -> None:
    old = k.keras.mixed_precision.global_policy() if k.generation == 2 else "float32"
    setter = getattr(k.keras.mixed_precision, "set_global_policy", None)
    setter = setter or k.keras.mixed_precision.set_dtype_policy
    try:
        setter("mixed_float16")
        x = k.Input((3,))
        y = k.layers.Dense(2, dtype="float32")(linear(k)(4)(k.layers.Dense(4)(x)))
        fit(k.Model(x, y), ones(4, 3), ones(4, 2))
        mlp(k)()(ones(2, 3))
    finally:
        setter(old)
    k.Sequential([k.Input((3,)), k.layers.Dense(2, dtype="bfloat16")])(ones(2, 3))


@sound()
def stored_extractor_that_is_not_of_the_model(k: Keras, folder: Path) -> None:
    """A frozen model for a loss, kept out of the weights on purpose."""
    frozen = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    frozen.trainable = False

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(3)

        def call(self, x: Any) -> Any:
            y = self.dense(x)
            self.add_loss(ops(k).mean(ops(k).square(frozen(y))))
            return y

    fit(Net(), ones(4, 3), ones(4, 3))


@sound()
def mixture_of_experts(k: Keras, folder: Path) -> None:
    class Mixture(k.layers.Layer):
        def __init__(self, experts: int, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.experts = [
                k.Sequential([k.layers.Dense(8, activation="relu"), k.layers.Dense(units)])
                for _ in range(experts)
            ]
            self.gate = k.layers.Dense(experts, activation="softmax")

        def call(self, x: Any) -> Any:
            each = ops(k).stack([expert(x) for expert in self.experts], axis=1)
            return ops(k).sum(each * ops(k).expand_dims(self.gate(x), -1), axis=1)

    x = k.Input((3,))
    y = Mixture(3, 4)(x)
    fit(k.Model(x, Mixture(2, 1)(y)), ones(4, 3), ones(4, 1))
    Mixture(2, 2)(ones(2, 3))


@sound()
def unet(k: Keras, folder: Path) -> None:
    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = k.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = k.layers.ReLU()(k.layers.BatchNormalization()(x))
        return x

    x = k.Input((None, None, 1))
    skips, y = [], x
    for filters in (4, 8):
        y = block(y, filters)
        skips.append(y)
        y = k.layers.MaxPooling2D()(y)
    y = block(y, 16)
    for filters, skip in zip((8, 4), reversed(skips), strict=True):
        y = k.layers.Conv2DTranspose(filters, 2, strides=2)(y)
        y = block(k.layers.Concatenate()([y, skip]), filters)
    model = k.Model(x, k.layers.Conv2D(1, 1)(y))
    model(ones(1, 16, 16, 1))
    model(ones(1, 32, 24, 1))


@sound()
def siamese(k: Keras, folder: Path) -> None:
    x = k.Input((6,))
    tower = k.Model(x, k.layers.Dense(4)(k.layers.Dense(8, activation="relu")(x)), name="tower")
    left, right = k.Input((6,), name="left"), k.Input((6,), name="right")
    distance = k.layers.Lambda(lambda p: ops(k).square(p[0] - p[1]), output_shape=(4,))
    score = k.layers.Dense(1)(distance([tower(left), tower(right)]))
    model = k.Model([left, right], score)
    fit(model, {"left": ones(4, 6), "right": ones(4, 6)}, ones(4, 1))
    tower.save_weights(str(folder / "tower.weights.h5"))


@sound()
def built_in_parts_before(k: Keras, folder: Path) -> None:
    """Layers that were called alone, and then became those of a model."""
    a, b = k.layers.Dense(4), k.layers.Dense(2)
    b(a(ones(2, 3)))
    k.Sequential([k.Input((3,)), a, b])
    k.Sequential([a, b])(ones(2, 3))

    class Holder(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = a, b

        def call(self, x: Any) -> Any:
            return self.b(self.a(x))

    Holder()(ones(2, 3))


@sound()
def compute_output_shape_asked_first(k: Keras, folder: Path) -> None:
    layer = k.layers.Dense(4)
    assert tuple(layer.compute_output_shape((None, 3))) == (None, 4)
    layer(ones(2, 5))
    model = k.Sequential([k.layers.Conv1D(4, 3), k.layers.Flatten(), k.layers.Dense(2)])
    assert tuple(model.compute_output_shape((None, 5, 3))) == (None, 2)
    model(ones(2, 5, 3))
