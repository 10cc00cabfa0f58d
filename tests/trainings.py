"""Models that are made ready to be trained, in the ways in which programs do that.

As in `scenarios`: `make` returns the model, `build` does the rest. Nothing here builds anything
twice, so the second step of each training leaves no record.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
from scenarios import Keras, Scenario, data, mlp

if TYPE_CHECKING:
    from collections.abc import Callable

TRAININGS: list[Scenario] = []


def training(make: Callable[[Keras], Any], **options: Any) -> Any:
    """Register what is done with the models that `make` makes."""

    def register(build: Callable[[Keras, Any], Any]) -> Callable[[Keras, Any], Any]:
        TRAININGS.append(Scenario(build.__name__, make, build, **options))
        return build

    return register


def stack(k: Keras) -> Any:
    return mlp(k, k.Input((3,), name="x"))


def two_outputs(k: Keras) -> Any:
    x = k.Input((3,), name="x")
    hidden = k.layers.Dense(4, name="hidden")(x)
    outputs = k.layers.Dense(1, name="number")(hidden), k.layers.Dense(5, name="kind")(hidden)
    return k.Model(x, list(outputs))


@training(stack)
def fit(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(lambda k: mlp(k))
def fit_unbuilt(k: Keras, model: Any) -> None:
    model.compile(k.keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(two_outputs)
def fit_several_outputs(k: Keras, model: Any) -> None:
    losses = {"number": "mse", "kind": k.keras.losses.SparseCategoricalCrossentropy(True)}
    model.compile("rmsprop", losses, metrics={"number": ["mae"], "kind": ["accuracy"]})
    targets = {"number": data(4, 1), "kind": np.ones((4,), "int32")}
    weights = {"number": data(4), "kind": data(4)}
    in_order = {
        name: [part[n] for n in losses]
        for name, part in (("y", targets), ("sample_weight", weights))
    }
    model.fit(data(4, 3), **in_order, epochs=2, verbose=0)


@training(stack)
def fit_sample_weights(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", weighted_metrics=["mae"])
    model.fit(data(4, 3), data(4, 2), sample_weight=data(4), epochs=2, verbose=0)


def own_step(k: Keras) -> Any:
    tf = importlib.import_module("tensorflow")

    class Own(k.keras.Model):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(2)
            self.mean = k.keras.metrics.Mean(name="mean")

        def call(self, x: Any) -> Any:
            return self.dense(x)

        @property
        def metrics(self) -> list[Any]:
            return [self.mean]

        def train_step(self, batch: Any) -> dict[str, Any]:
            x, y = batch
            with tf.GradientTape() as tape:
                predicted = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=predicted)
            variables = self.trainable_variables
            gradients = tape.gradient(loss, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
            self.mean.update_state(loss)
            return {"loss": self.mean.result()}

    return Own()


@training(own_step, tensorflow=True)
def fit_own_step(k: Keras, model: Any) -> None:
    model.compile("adam", "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


def added_loss(k: Keras) -> Any:
    mean = importlib.import_module("tensorflow").reduce_mean

    class Penalty(k.layers.Layer):  # type: ignore[name-defined,misc]
        def call(self, x: Any) -> Any:
            self.add_loss(k.keras.ops.mean(x) if k.generation == 3 else mean(x))
            return x

    x = k.Input((3,), name="x")
    return k.Model(x, Penalty()(k.layers.Dense(2)(x)))


@training(added_loss, tensorflow=True)
def fit_added_loss(k: Keras, model: Any) -> None:
    model.compile("sgd", "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(added_loss, tensorflow=True)
def fit_added_loss_alone(k: Keras, model: Any) -> None:
    model.compile("sgd")
    model.fit(data(4, 3), epochs=2, verbose=0)


@training(stack)
def train_on_batches(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"])
    for _ in range(3):
        model.train_on_batch(data(4, 3), data(4, 2))


@training(stack)
def evaluate_first(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"])
    model.evaluate(data(4, 3), data(4, 2), verbose=0)
    model.fit(data(4, 3), data(4, 2), verbose=0)


@training(stack, tensorflow=True)
def fit_eagerly(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    model.fit(data(8, 3), data(8, 2), batch_size=2, epochs=2, verbose=0)


@training(stack)
def compile_twice(k: Keras, model: Any) -> None:
    for optimizer in ("adam", "sgd"):
        model.compile(optimizer, "mse", metrics=["mae"])
        model.fit(data(4, 3), data(4, 2), verbose=0)


@training(stack)
def optimizer_by_hand(k: Keras, model: Any) -> None:
    optimizer = k.keras.optimizers.Adam(amsgrad=True)
    optimizer.build(model.trainable_variables)


@training(stack)
def metric_by_hand(k: Keras, model: Any) -> None:
    metric = k.keras.metrics.MeanSquaredError()
    metric.update_state(data(4, 1), data(4, 1))


@training(stack)
def wrong_targets(k: Keras, model: Any) -> None:
    model.compile("adam", "categorical_crossentropy")
    with contextlib.suppress(Exception):
        model.fit(data(4, 3), data(4, 7), verbose=0)


@training(stack, generations=(2,))
def fit_legacy(k: Keras, model: Any) -> None:
    model.compile(k.keras.optimizers.legacy.Adam(), "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack, generations=(2,))
def fit_legacy_eagerly(k: Keras, model: Any) -> None:
    model.compile(k.keras.optimizers.legacy.SGD(0.1, 0.9), "mse", run_eagerly=True)
    model.fit(data(8, 3), data(8, 2), batch_size=2, verbose=0)


def half(k: Keras) -> Any:
    policy = k.keras.mixed_precision.set_global_policy if k.generation == 2 else None
    policy = policy or k.keras.mixed_precision.set_dtype_policy
    policy("mixed_float16")
    try:
        return stack(k)
    finally:
        policy("float32")


@training(half, tensorflow=True)
def fit_mixed_precision(k: Keras, model: Any) -> None:
    model.compile("adam", "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


def gan(k: Keras) -> Any:
    tf = importlib.import_module("tensorflow")

    class Gan(k.keras.Model):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.generator = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
            self.critic = k.Sequential([k.Input((2,)), k.layers.Dense(1)])

        def compile(self, made: Any, judged: Any, loss: Any) -> None:
            super().compile()
            self.made, self.judged, self.compare = made, judged, loss

        def train_step(self, batch: Any) -> dict[str, Any]:
            x, y = batch
            for model, optimizer in ((self.critic, self.judged), (self.generator, self.made)):
                with tf.GradientTape() as tape:
                    loss = self.compare(y, self.critic(self.generator(x)))
                variables = model.trainable_variables
                gradients = tape.gradient(loss, variables)
                optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return {"loss": loss}

    return Gan()


@training(gan, tensorflow=True)
def fit_gan(k: Keras, model: Any) -> None:
    adam, loss = k.keras.optimizers.Adam, k.keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(adam(), adam(), loss)
    model.fit(data(4, 3), data(4, 1), epochs=2, verbose=0)
