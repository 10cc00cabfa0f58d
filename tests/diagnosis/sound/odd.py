"""Legal things that look like a fault from one side."""

from __future__ import annotations

import contextlib
import copy
import threading
from typing import TYPE_CHECKING, Any

from diagnosis.sound.own_layers import linear
from diagnosis.sound.own_models import mlp, mlp_with_build
from diagnosis.sound.tools import (
    fit,
    ones,
    ops,
    save_and_load,
    save_weights,
    sound,
    tensorflow,
    tokens,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


@sound()
def errors_that_are_expected(k: Keras, folder: Path) -> None:
    """As the tests of a library do: what is wrong is refused, and what is right works."""
    layer = linear(k)(4)
    layer(ones(2, 3))
    dense = k.layers.Dense(4)
    dense(ones(2, 3))
    for wrong in (layer, dense):
        with contextlib.suppress(Exception):
            wrong(ones(2, 5))
            raise AssertionError
    x, y = k.Input((3,)), k.Input((3,))
    with contextlib.suppress(ValueError):
        k.Model(x, k.layers.Dense(2)(y))
    with contextlib.suppress(ValueError):
        k.layers.Conv2D(2, 3)(ones(2, 3))
    layer(ones(2, 3))


@sound()
def weights_loaded_at_the_second_try(k: Keras, folder: Path) -> None:
    cls = mlp_with_build(k)
    model, fresh = cls(), cls()
    model(ones(2, 3))
    path = str(folder / "m.weights.h5")
    model.save_weights(path)
    try:
        fresh.load_weights(path)
    except ValueError:
        fresh.build((None, 3))
        fresh.load_weights(path)


@sound()
def outputs_that_depend_on_an_argument(k: Keras, folder: Path) -> None:
    class Encoder(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(4)

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)
            super().build(input_shape)

        def call(self, x: Any, pool: bool = False) -> Any:
            y = self.dense(x)
            return ops(k).mean(y, axis=1) if pool else y

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*tuple(input_shape)[:-1], 4)

    layer = Encoder()
    layer(k.Input((5, 3)))
    layer(ones(2, 5, 3))
    layer(ones(2, 5, 3), pool=True)


@sound()
def saved_with_an_optional_head(k: Keras, folder: Path) -> None:
    """The head is for pretraining, and none of the two models has used it."""

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.out = k.layers.Dense(4), k.layers.Dense(2)
            self.pretraining = k.layers.Dense(8)

        def call(self, x: Any, pretrain: bool = False) -> Any:
            y = self.body(x)
            return self.pretraining(y) if pretrain else self.out(y)

    if k.generation == 3:  # it warns of layers that `call` did not reach, but for a `build`

        def build(self: Any, input_shape: Any) -> None:
            self.body.build(input_shape)
            self.out.build((*input_shape[:-1], 4))

        Net.build = build
    model, fresh = Net(), Net()
    model(ones(2, 3))
    fresh(ones(2, 3))
    model.summary(print_fn=lambda *a, **o: None)
    save_weights(model, fresh, folder)


@sound()
def built_in_threads(k: Keras, folder: Path) -> None:
    def work() -> None:
        model = k.Sequential([linear(k)(4), k.layers.Dense(1)])
        model(ones(2, 3))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@sound()
def search_over_sizes(k: Keras, folder: Path) -> None:
    """Models of the same names, one after the other; each is gone before the next."""

    def make(units: int) -> Any:
        x = k.Input((3,), name="x")
        y = linear(k)(units, name="body")(x)
        return k.Model(x, k.layers.Dense(1, name="out")(y), name="net")

    for units in (2, 3, 4):
        fit(make(units), ones(4, 3), ones(4, 1))
        model = mlp(k)(units, name="net")
        model(ones(2, units))
        k.keras.backend.clear_session()


@sound()
def built_inside_of_a_function(k: Keras, folder: Path) -> None:
    """TensorFlow runs it twice when variables are made in it."""
    tf = tensorflow()
    for model in (
        mlp(k)(),
        k.Sequential([linear(k)(4), k.layers.Flatten(), k.layers.Dense(1)]),
        k.layers.LayerNormalization(),
        linear(k)(2),
    ):
        run = tf.function(lambda x, model=model: model(x))
        run(tf.ones((2, 3)))
        run(tf.ones((4, 3)))


@sound()
def wrapped_in_the_place_of_itself(k: Keras, folder: Path) -> None:
    class Twice(k.layers.Layer):
        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.inner = layer

        def call(self, x: Any) -> Any:
            return 2.0 * self.inner(x)

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = None
            self.body = k.layers.Dense(4)
            self.body = Twice(self.body)
            self.blocks = []
            self.blocks = [k.layers.Dense(4)]
            self.out = k.layers.Dense(2)

        def call(self, x: Any) -> Any:
            y = self.body(x)
            for block in self.blocks:
                y = block(y)
            return self.out(y)

    model = Net()
    model(ones(2, 3))
    assert len(model.weights) == 6


@sound(2)
def head_deleted_and_made_anew(k: Keras, folder: Path) -> None:
    """Keras 3 would go on to keep the old one."""
    model = mlp(k)()
    del model.out
    model.out = k.layers.Dense(5)
    model(ones(2, 3))
    assert len(model.weights) == 4


@sound()
def low_rank_layers_put_into_a_built_model(k: Keras, folder: Path) -> None:
    """As guides on fine-tuning do it: a layer is replaced by one that holds it."""

    class Lora(k.layers.Layer):
        def __init__(self, original: Any) -> None:
            super().__init__(name=original.name + "_lora")
            self.original = original
            original.trainable = False
            self.a, self.b = k.layers.Dense(1, use_bias=False), k.layers.Dense(original.units)

        def call(self, x: Any) -> Any:
            return self.original(x) + self.b(self.a(x))

    model = mlp(k)()
    model(ones(2, 3))
    if k.generation == 3:
        model._tracker.unlock()
    model.hidden = Lora(model.hidden)
    model.out = Lora(model.out)
    model(ones(2, 3))
    fit(model, ones(4, 3), ones(4, 2))


@sound()
def copies(k: Keras, folder: Path) -> None:
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4), k.layers.Dense(2)])
    copy.deepcopy(model)(ones(2, 3))
    layer = k.layers.Dense(4)
    type(layer).from_config(layer.get_config())(ones(2, 3))
    average = mlp_with_build(k)()
    average.build((None, 3))
    net = mlp_with_build(k)()
    net(ones(2, 3))
    average.set_weights(net.get_weights())


@sound(2)
def functions_of_tensorflow_on_symbols(k: Keras, folder: Path) -> None:
    """Keras 2 makes layers of them."""
    tf = tensorflow()
    x = k.Input((4, 3))
    y = tf.reduce_mean(tf.nn.relu(x), axis=1) + tf.ones((1, 3))
    y = tf.concat([y, y[:, :1]], axis=-1)
    y = tf.reshape(y, (tf.shape(y)[0], 2, 2))
    fit(k.Model(x, k.layers.Dense(1)(k.layers.Flatten()(y))), ones(4, 4, 3), ones(4, 1))


@sound()
def input_that_is_not_used(k: Keras, folder: Path) -> None:
    x, spare = k.Input((3,)), k.Input((5,))
    model = k.Model([x, spare], k.layers.Dense(1)(x))
    model([ones(2, 3), ones(2, 5)])


@sound()
def add_weight_in_the_order_of_the_generation(k: Keras, folder: Path) -> None:
    class Ordered(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            if k.generation == 3:
                self.w = self.add_weight((input_shape[-1],), "ones", name="w")
            else:
                self.w = self.add_weight("w", (input_shape[-1],), initializer="ones")
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return x * self.w

    k.Sequential([Ordered(), k.layers.Dense(1)]).build((None, 3))


@sound()
def dict_of_inputs_for_build(k: Keras, folder: Path) -> None:
    class Join(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            for name, shape in sorted(input_shape.items()):
                weight = self.add_weight(name=name, shape=(shape[-1], 2), initializer="ones")
                setattr(self, f"w_{name}", weight)
            super().build(input_shape)

        def call(self, inputs: Any) -> Any:
            return sum(ops(k).matmul(inputs[n], getattr(self, f"w_{n}")) for n in sorted(inputs))

    Join()({"a": ones(2, 3), "b": ones(2, 5)})
    a, b = k.Input((3,)), k.Input((5,))
    k.Model({"a": a, "b": b}, Join()({"a": a, "b": b}))


@sound()
def embedding_with_a_mask_of_its_own(k: Keras, folder: Path) -> None:
    class Words(k.layers.Embedding):
        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return ops(k).not_equal(inputs, 0)

    x = k.Input((5,), dtype="int32")
    model = k.Model(x, k.layers.LSTM(2)(Words(10, 4, mask_zero=True)(x)))
    model(tokens(2, 5))


@sound()
def model_called_in_a_pipeline(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    data = tf.data.Dataset.from_tensor_slices(ones(4, 3)).batch(2).map(lambda x: model(x))
    assert len(list(data)) == 2


@sound()
def steps_overridden(k: Keras, folder: Path) -> None:
    class Net(mlp(k)):
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

        def predict_step(self, data: Any) -> Any:
            return super().predict_step(data) * 2.0

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return super().__call__(*args, **kwargs)

    model = Net()
    model(ones(2, 3))
    fit(model, ones(4, 3), ones(4, 2))
    model.predict(ones(2, 3), verbose=0)


@sound()
def dense_in_a_list_that_grows_in_build(k: Keras, folder: Path) -> None:
    class Pyramid(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.levels = []

        def build(self, input_shape: Any) -> None:
            shape = tuple(input_shape)
            for units in (4, 3, 2):
                dense = k.layers.Dense(units)
                dense.build(shape)
                self.levels.append(dense)
                shape = (*shape[:-1], units)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            for dense in self.levels:
                x = dense(x)
            return x

    model = k.Sequential([k.Input((3,)), Pyramid(), k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder, Pyramid=Pyramid)
