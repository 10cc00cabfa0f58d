"""Models that are made ready to be trained, in the ways in which programs do that.

As in `scenarios`: `make` returns the model, `build` does the rest, and returns the model that is
trained if that is another one. Nothing here builds anything
twice, so the second step of each training leaves no record.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import pickle
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from scenarios import Keras, Scenario, data, mlp

if TYPE_CHECKING:
    from collections.abc import Callable

TRAININGS: list[Scenario] = []

NAMES_OUTPUTS = (3, 10)
"""From about this version of Keras 3 on, losses and targets go by the keys of a model's outputs; in
3.2 and 3.3 they go by the layers' names, and targets by the order of their keys."""


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


KINDS = tuple(TRAININGS)
"""One of each kind. Those below differ in what they are given, and so in what is built."""


def by_name(k: Keras) -> Any:
    """Inputs and outputs are dictionaries."""
    inputs = {name: k.Input((3,), name=name) for name in ("left", "right")}
    both = k.layers.Concatenate()(list(inputs.values()))
    outputs = {"sum": k.layers.Dense(2)(both), "first": k.layers.Dense(1)(inputs["left"])}
    return k.Model(inputs, outputs)


@training(by_name, since=NAMES_OUTPUTS)
def fit_dictionaries(k: Keras, model: Any) -> None:
    losses = {"sum": "mse", "first": k.keras.losses.Huber()}
    model.compile("adam", losses, loss_weights={"sum": 2.0, "first": 1.0})
    targets = {"sum": data(4, 2), "first": data(4, 1)}
    model.fit({"left": data(4, 3), "right": data(4, 3)}, targets, epochs=2, verbose=0)


def masked(k: Keras) -> Any:
    layers = [k.layers.Embedding(5, 3, mask_zero=True), k.layers.LSTM(2, return_sequences=True)]
    return k.Sequential([k.Input((4,), dtype="int32"), *layers, k.layers.Dense(1)])


@training(masked)
def fit_masked(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"], weighted_metrics=["mse"])
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0]], "int32")
    model.fit(words, data(2, 4, 1), epochs=2, verbose=0)


@training(lambda k: k.Sequential([k.Input((3,)), k.layers.Dense(2, activation="softmax")]))
def fit_class_weights(k: Keras, model: Any) -> None:
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    kinds = np.array([0, 1, 1, 0], "int32")
    model.fit(data(4, 3), kinds, class_weight={0: 1.0, 1: 3.0}, epochs=2, verbose=0)


def of_ragged(k: Keras) -> Any:
    words = k.Input((None,), dtype="int32", ragged=True)
    mean = k.layers.GlobalAveragePooling1D()(k.layers.Embedding(5, 3)(words))
    return k.Model(words, k.layers.Dense(1)(mean))


@training(of_ragged, generations=(2,))
def fit_ragged(k: Keras, model: Any) -> None:
    tf = importlib.import_module("tensorflow")
    model.compile("adam", "mse")
    words = tf.ragged.constant([[1, 2, 3], [4]], dtype="int32")
    model.fit(words, data(2, 1), epochs=2, verbose=0)


def own_loss_and_metric(k: Keras) -> tuple[Any, Any]:
    class Distance(k.keras.losses.Loss):  # type: ignore[name-defined,misc]
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return k.sum((y_true - y_pred) ** 2)

    class First(k.keras.metrics.Metric):  # type: ignore[name-defined,misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(name="first", **kwargs)
            self.value = self.add_weight(name="value", shape=(), initializer="zeros")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.value.assign(y_pred[0, 0])

        def result(self) -> Any:
            return self.value + 0.0

    return Distance(), First()


@training(stack)
def fit_own_loss_and_metric(k: Keras, model: Any) -> None:
    loss, metric = own_loss_and_metric(k)
    model.compile("adam", loss, metrics=[metric])
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack)
def fit_functions(k: Keras, model: Any) -> None:
    """Loss and metric are functions."""

    def distance(y_true: Any, y_pred: Any) -> Any:
        return k.sum((y_true - y_pred) ** 2)

    model.compile("adam", distance, metrics=[distance])
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack, generations=(3,), since=(3, 3))
def fit_accumulating(k: Keras, model: Any) -> None:
    optimizer = k.keras.optimizers.Adam(gradient_accumulation_steps=2)
    model.compile(optimizer, "mse")
    model.fit(data(8, 3), data(8, 2), batch_size=2, verbose=0)


@training(stack)
def fit_averaging(k: Keras, model: Any) -> None:
    """The optimizer keeps averages of the weights, and assigns them now and then."""
    optimizer = k.keras.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2)
    model.compile(optimizer, "mse")
    model.fit(data(8, 3), data(8, 2), batch_size=2, epochs=2, verbose=0)


@training(stack, tensorflow=True)
def fit_compiled_by_xla(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"], jit_compile=True)
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack)
def fit_without_xla(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"], jit_compile=False)
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack, tensorflow=True)
def fit_several_steps_at_once(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"], steps_per_execution=2)
    model.fit(data(8, 3), data(8, 2), batch_size=2, verbose=0)


@training(half, tensorflow=True)
def fit_scaled(k: Keras, model: Any) -> None:
    """The optimizer in the other is the program's own."""
    adam = k.keras.optimizers.Adam()
    scaled = k.keras.mixed_precision if k.generation == 2 else k.keras.optimizers
    model.compile(scaled.LossScaleOptimizer(adam), "mse", metrics=["mae"])
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(half, generations=(2,))
def fit_legacy_mixed_precision(k: Keras, model: Any) -> None:
    model.compile(k.keras.optimizers.legacy.Nadam(), "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack, generations=(3,), since=(3, 15))
def fit_with_several_optimizers(k: Keras, model: Any) -> None:
    of = k.keras.optimizers
    each = of.OptimizerMap(of.SGD(0.1, momentum=0.9), {".*/bias": of.Adam()})
    model.compile(of.MultiOptimizer(each), "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(stack)
def fit_scheduled(k: Keras, model: Any) -> None:
    schedules = k.keras.optimizers.schedules
    model.compile(k.keras.optimizers.RMSprop(schedules.ExponentialDecay(0.1, 2, 0.5)), "mse")
    model.fit(data(4, 3), data(4, 2), epochs=2, verbose=0)


@training(lambda k: k.Sequential([k.Input((3,)), k.layers.Dense(1, activation="sigmoid")]))
def fit_many_metrics(k: Keras, model: Any) -> None:
    """Some whose variables have a shape, two of them without a model."""
    of = k.keras.metrics
    model.compile("adam", "binary_crossentropy", metrics=[of.AUC(num_thresholds=5), "accuracy"])
    model.fit(data(4, 3), np.ones((4, 1), "float32"), epochs=2, verbose=0)
    for metric in (of.MeanIoU(2), of.Precision()):
        metric.update_state(np.ones(2, "int32"), np.ones(2, "int32"))


@training(stack)
def fit_validated(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"])
    validation = data(4, 3), data(4, 2)
    model.fit(data(4, 3), data(4, 2), validation_data=validation, epochs=2, verbose=0)


@training(stack)
def fit_from_a_generator(k: Keras, model: Any) -> None:
    model.compile("adam", "mse", metrics=["mae"])
    batches = ((data(2, 3), data(2, 2)) for _ in range(4))
    model.fit(batches, steps_per_epoch=2, epochs=2, verbose=0)


@training(stack)
def fit_some_layers(k: Keras, model: Any) -> None:
    """One is frozen for the first training, then all are trained."""
    model.layers[0].trainable = False
    for _ in range(2):
        model.compile(k.keras.optimizers.Adam(), "mse")
        model.fit(data(4, 3), data(4, 2), verbose=0)
        model.layers[0].trainable = True


@training(stack)
def fit_a_clone(k: Keras, model: Any) -> Any:
    model = k.keras.models.clone_model(model)
    model.compile("adam", "mse")
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


def trained(k: Keras) -> Any:
    model = stack(k)
    model.compile("adam", k.keras.losses.MeanSquaredError(), metrics=["mae"])
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


@training(trained, since=(3, 3))
def fit_a_copy(k: Keras, model: Any) -> Any:
    """A copy is a file in memory that is loaded."""
    model = copy.deepcopy(model)
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


@training(trained, since=(3, 10))
def fit_unpickled(k: Keras, model: Any) -> Any:
    model = pickle.loads(pickle.dumps(model))
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


@training(stack)
def fit_with_callbacks(k: Keras, model: Any) -> None:
    """What saves and restores while a model is trained."""
    of = k.keras.callbacks
    with tempfile.TemporaryDirectory() as folder:
        best = of.ModelCheckpoint(f"{folder}/best.weights.h5", save_weights_only=True)
        stops = of.EarlyStopping("loss", restore_best_weights=True)
        model.compile("adam", "mse")
        model.fit(data(4, 3), data(4, 2), epochs=2, callbacks=[best, stops], verbose=0)
        model.load_weights(f"{folder}/best.weights.h5")


@training(stack)
def fit_resumed(k: Keras, model: Any) -> None:
    """The second training goes on where the first has been broken off."""

    class Breaks(k.keras.callbacks.Callback):  # type: ignore[name-defined,misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise RuntimeError("broken off")

    with tempfile.TemporaryDirectory() as folder:
        for other in ([Breaks()], []):
            saver = k.keras.callbacks.BackupAndRestore(f"{folder}/backup")
            model.compile("adam", "mse")
            with contextlib.suppress(RuntimeError):
                saved = [saver, *other]
                model.fit(data(4, 3), data(4, 2), epochs=3, callbacks=saved, verbose=0)


def two_optimizers_by_hand(k: Keras) -> Any:
    return k.Sequential([k.Input((3,)), k.layers.Dense(2)]), stack(k)


@training(two_optimizers_by_hand, tensorflow=True)
def loop_by_hand(k: Keras, models: Any) -> None:
    """Two models, each with an optimizer of its own, in a compiled step of the program's own."""
    tf = importlib.import_module("tensorflow")
    optimizers = [k.keras.optimizers.Adam(), k.keras.optimizers.SGD(momentum=0.9)]
    for model, optimizer in zip(models, optimizers, strict=True):
        optimizer.build(model.trainable_variables)
    loss, mean = k.keras.losses.MeanSquaredError(), k.keras.metrics.Mean()

    @tf.function
    def step(x: Any, y: Any) -> None:
        for model, optimizer in zip(models, optimizers, strict=True):
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            variables = model.trainable_variables
            gradients = tape.gradient(value, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            mean.update_state(value)

    for _ in range(2):
        step(tf.constant(data(4, 3)), tf.constant(data(4, 2)))


@training(lambda k: k.Sequential([k.layers.Dense(4), k.layers.Dense(2)]))
def predict_first(k: Keras, model: Any) -> None:
    model.predict(data(4, 3), verbose=0)
    model.compile("adam", "mse")
    model.fit(data(4, 3), data(4, 2), verbose=0)
