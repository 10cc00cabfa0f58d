"""A dry fit: the first loss, its gradients and the metrics, and nothing is changed by that."""

from __future__ import annotations

import contextlib
import gc
import math
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import buildtrace
from buildtrace import generations
from buildtrace.capture import TrainingReached, dry_fits
from buildtrace.capture.targets import NotThereError, resolve
from buildtrace.generations.base import Landmark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenarios import Keras

EAGER = pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])
GOES_ON = pytest.mark.parametrize("goes_on", [False, True], ids=["end", "skip"])

X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
Y = np.linspace(0, 1, 8, dtype="float32").reshape(8, 1)


def a_model(k: Keras, *, built: bool = True) -> Any:
    """One whose variables change whenever it runs on data in training."""
    layers = [k.layers.Dense(4), k.layers.BatchNormalization(), k.layers.Dropout(0.5, seed=1)]
    model = k.Sequential([*layers, k.layers.Dense(1)])
    if built:
        model(X[:2])
    return model


def values(k: Keras, model: Any) -> list[Any]:
    """Of its weights and, on Keras 3, of the states of its seeds."""
    if k.generation == 2:
        return [weight.numpy() for weight in model.weights]
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    if k.tensorflow:
        return [variable.value.numpy() for variable in variables]
    return [np.array(k.keras.ops.convert_to_numpy(variable.value)) for variable in variables]


def steps(k: Keras, model: Any) -> int:
    iterations = model.optimizer.iterations
    return int(iterations.numpy() if k.tensorflow else iterations.value)


def are_equal(left: list[Any], right: list[Any]) -> bool:
    """Bit for bit."""
    return all(one.tobytes() == other.tobytes() for one, other in zip(left, right, strict=True))


def fit(model: Any, *args: Any, goes_on: bool = False, **kwargs: Any) -> Any:
    """Fit it dry, under a trace; returns its History, or `None` if that ended."""
    try:
        with dry_fits(goes_on=goes_on), buildtrace.trace():
            return model.fit(*(args or (X, Y)), **kwargs)
    except TrainingReached:
        return None


@GOES_ON
@EAGER
def test_nothing_is_changed(k: Keras, eager: bool, goes_on: bool) -> None:
    model = a_model(k)
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=eager)
    before = values(k, model)
    for _ in range(2):  # what the first has built, the second finds
        assert (fit(model, goes_on=goes_on) is not None) == goes_on
        assert are_equal(values(k, model), before)
    assert steps(k, model) == 0
    model.fit(X, Y, batch_size=4, verbose=0)  # and it trains as ever afterwards
    assert steps(k, model) == 2
    assert not are_equal(values(k, model), before)


@EAGER
def test_a_model_that_was_not_built_is_of_use_afterwards(k: Keras, eager: bool) -> None:
    model = a_model(k, built=False)
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=eager)
    with dry_fits(goes_on=True), buildtrace.trace() as trace:
        model.fit(X, Y, verbose=0)
        assert len(model.evaluate(X, Y, verbose=0)) == 2
        assert model.predict(X, verbose=0).shape == (8, 1)
    assert trace.find("Dense.build")
    assert all(np.isfinite(value).all() for value in values(k, model))
    model.fit(X, Y, verbose=0)


def test_what_the_history_holds(k: Keras) -> None:
    model = a_model(k)
    model.compile("sgd", "mse", metrics=["mae"])
    history = fit(model, goes_on=True, epochs=5, initial_epoch=2, validation_split=0.25)
    assert history is model.history
    assert history.epoch == [2, 3, 4]
    assert set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
    assert all(len(numbers) == 3 for numbers in history.history.values())
    assert math.isnan(history.history["loss"][-1])
    with pytest.raises(KeyError):
        history.history["accuracy"]  # as after any training
    real = model.fit(X, Y, epochs=5, initial_epoch=2, validation_split=0.25, verbose=0)
    assert (set(real.history), real.epoch) == (set(history.history), history.epoch)


def test_no_callback_runs_and_nothing_is_printed(k: Keras, capsys: Any, tmp_path: Any) -> None:
    class Noisy(k.keras.callbacks.Callback):
        def set_model(self, model: Any) -> None:
            raise AssertionError("a callback was called")

    model = a_model(k)
    model.compile("sgd", "mse")
    logger = k.keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    fit(model, callbacks=[Noisy(), logger], verbose=1)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


@EAGER
@pytest.mark.parametrize("part", ["loss", "metric", "shapes"])
def test_what_fails_in_training_fails_as_it_does_there(k: Keras, part: str, eager: bool) -> None:
    def fails(y: Any, y_pred: Any) -> Any:
        raise RuntimeError("cannot be computed")

    def run(fits: Callable[..., Any]) -> tuple[str, str]:
        k.clear_session()
        model = a_model(k)
        loss = {"loss": fails, "metric": "mse", "shapes": "categorical_crossentropy"}[part]
        model.compile("sgd", loss, metrics=[fails] if part == "metric" else [], run_eagerly=eager)
        with pytest.raises(Exception) as raised:  # noqa: PT011 - it is compared
            fits(model, X, np.zeros((8, 7), "float32") if part == "shapes" else Y, verbose=0)
        message = str(raised.value).strip().splitlines()[-1]  # Keras 2 has generated files' names
        return type(raised.value).__name__, message

    assert run(fit) == run(type(a_model(k)).fit)


@EAGER
def test_compute_loss_is_run_to_its_end(k: Keras, eager: bool) -> None:
    ends: list[str] = []

    class Penalized(k.keras.Model):
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            loss = super().compute_loss(*args, **kwargs)
            ends.append("penalized")
            return loss + 1.0

    inputs = k.layers.Input((3,))
    model = Penalized(inputs, k.layers.Dense(1)(inputs))
    model.compile("sgd", "mse", run_eagerly=eager)
    assert fit(model) is None
    assert set(ends) == {"penalized"}


def own_step(k: Keras, *, computes_loss: bool) -> tuple[Any, list[str]]:
    """A model with a `train_step` of its own, and how far that has come.

    As Keras' guides have it for each backend, but for the loss that is not of `compute_loss`.
    """
    seen: list[str] = []

    def loss_of(model: Any, x: Any, y: Any, output: Any) -> Any:
        if computes_loss:
            return model.compute_loss(x, y, output, None)
        return ((output - y) ** 2).mean() if not k.tensorflow else mean((output - y) ** 2)

    if k.tensorflow:
        import tensorflow as tf

        mean = tf.reduce_mean

        def train_step(self: Any, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = loss_of(self, x, y, self(x, training=True))
            seen.append("loss")
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            seen.append("applied")
            return {"mine": loss}

    elif k.keras.backend.backend() == "jax":
        import jax

        def train_step(self: Any, state: Any, data: Any) -> Any:
            trainable, others, held, of_metrics = state
            x, y = data

            def compute(trainable: Any, others: Any) -> Any:
                output, others = self.stateless_call(trainable, others, x, training=True)
                return loss_of(self, x, y, output), others

            gradient = jax.value_and_grad(compute, has_aux=True)
            (loss, others), gradients = gradient(trainable, others)
            seen.append("loss")
            trainable, held = self.optimizer.stateless_apply(held, gradients, trainable)
            seen.append("applied")
            return {"mine": loss}, (trainable, others, held, of_metrics)

    else:
        import torch

        def train_step(self: Any, data: Any) -> Any:
            x, y = data
            self.zero_grad()
            loss = loss_of(self, x, y, self(x, training=True))
            seen.append("loss")
            loss.backward()
            weights = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([weight.value.grad for weight in weights], weights)
            seen.append("applied")
            return {"mine": loss}

    own = type("Own", (k.keras.Model,), {"train_step": train_step})
    inputs = k.layers.Input((3,))
    hidden = k.layers.BatchNormalization()(k.layers.Dense(4)(inputs))
    return own(inputs, k.layers.Dense(1)(hidden)), seen


@pytest.mark.sampled(3)
@GOES_ON
@EAGER
@pytest.mark.parametrize("computes_loss", [True, False], ids=["compute_loss", "own loss"])
def test_a_step_of_the_users_own(k: Keras, computes_loss: bool, eager: bool, goes_on: bool) -> None:
    model, seen = own_step(k, computes_loss=computes_loss)
    model.compile("adam", "mse", run_eagerly=eager)
    before = values(k, model)
    history = fit(model, goes_on=goes_on, epochs=2)
    assert seen == ["loss"]
    assert are_equal(values(k, model), before)
    if goes_on:
        assert len(history.history["mine"]) == 2  # nobody knows what it is to return
        model.fit(X, Y, verbose=0)
        assert "applied" in seen


@GOES_ON
@EAGER
def test_a_step_without_an_optimizer_ends_with_itself(k: Keras, eager: bool, goes_on: bool) -> None:
    if not k.tensorflow:
        pytest.skip("the step is TensorFlow's")
    ends: list[str] = []

    class Own(k.keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            loss = self.compute_loss(x, y, self(x, training=True), None)
            for weight in self.trainable_variables:
                weight.assign(weight + 1.0)
            ends.append("changed")
            return {"mine": loss}

    inputs = k.layers.Input((3,))
    model = Own(inputs, k.layers.Dense(1)(inputs))
    model.compile("sgd", "mse", run_eagerly=eager)
    before = values(k, model)
    assert (fit(model, goes_on=goes_on, epochs=3) is not None) == goes_on
    assert ends == ["changed"]
    assert are_equal(values(k, model), before)


@EAGER
def test_a_model_with_nothing_to_train_is_not_run_to_the_end(k: Keras, eager: bool) -> None:
    model = a_model(k)
    model.compile("sgd", "mse", run_eagerly=eager)
    for layer in model.layers:
        layer.trainable = False
    model.compile("sgd", "mse", run_eagerly=eager)
    before = values(k, model)
    assert fit(model, epochs=3) is None
    assert are_equal(values(k, model), before)


@EAGER
def test_weights_that_get_no_gradient_are_refused_as_in_training(k: Keras, eager: bool) -> None:
    if not k.tensorflow:
        pytest.skip("JAX gives zeros, and Torch refuses the loss")
    import tensorflow as tf

    model = a_model(k)
    model.compile("sgd", lambda y, y_pred: tf.reduce_mean(tf.round(y_pred) - y), run_eagerly=eager)
    before = values(k, model)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        fit(model)
    assert are_equal(values(k, model), before)


def test_gradients_of_torch_are_put_back(k: Keras) -> None:
    if k.generation == 2 or k.keras.backend.backend() != "torch":
        pytest.skip("no other backend keeps them")
    model = a_model(k)
    model.compile("sgd", "mse")
    parameters = list(model.parameters())
    parameters[0].grad = parameters[0].detach().clone() + 1
    before = parameters[0].grad.numpy().copy()
    fit(model)
    assert np.array_equal(parameters[0].grad.numpy(), before)
    assert all(parameter.grad is None for parameter in parameters[1:])


def a_gan(k: Keras) -> Any:
    """Two networks, each with an optimizer of its own; none is that of the model itself."""
    if k.tensorflow:
        import tensorflow as tf
    elif k.keras.backend.backend() == "torch":
        import torch
    else:
        pytest.skip("two optimizers take more than a step on JAX")
    hidden = k.layers.BatchNormalization

    class Gan(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.generator = k.Sequential([k.Input((3,)), k.layers.Dense(2), hidden()])
            self.critic = k.Sequential([k.Input((2,)), hidden(), k.layers.Dense(1)])
            self.built = not k.tensorflow  # Torch demands it, of a model without a `call` as well

        def compile(self, optimizers: Any, **kwargs: Any) -> None:
            super().compile(**kwargs)
            self.optimizers = optimizers
            self.compare = k.keras.losses.BinaryCrossentropy(from_logits=True)

        def update(self, network: Any, optimizer: Any, x: Any, y: Any) -> Any:
            if k.tensorflow:
                with tf.GradientTape() as tape:
                    loss = self.compare(y, self.critic(self.generator(x, training=True)))
                gradients = tape.gradient(loss, network.trainable_variables)
            else:
                self.zero_grad()
                loss = self.compare(y, self.critic(self.generator(x, training=True)))
                loss.backward()
                gradients = [weight.value.grad for weight in network.trainable_weights]
            with contextlib.nullcontext() if k.tensorflow else torch.no_grad():
                pairs = zip(gradients, network.trainable_variables, strict=True)
                optimizer.apply_gradients(pairs)
            return loss

        def train_step(self, data: Any) -> Any:
            networks = (self.critic, self.generator)
            for network, optimizer in zip(networks, self.optimizers, strict=True):
                loss = self.update(network, optimizer, *data)
            return {"mine": loss}

    return Gan()


@GOES_ON
@EAGER
def test_two_networks_with_an_optimizer_each(k: Keras, eager: bool, goes_on: bool) -> None:
    model = a_gan(k)
    optimizers = [k.keras.optimizers.Adam() for _ in range(2)]
    model.compile(optimizers, run_eagerly=eager)
    before = values(k, model)
    assert (fit(model, goes_on=goes_on) is not None) == goes_on
    assert are_equal(values(k, model), before)
    counts = [optimizer.iterations for optimizer in optimizers]
    assert [int(n.numpy() if k.tensorflow else n.value) for n in counts] == [0, 0]
    model.fit(X, Y, verbose=0)
    assert not are_equal(values(k, model), before)


@EAGER
def test_what_ran_before_runs_afterwards_as_before(k: Keras, eager: bool) -> None:
    model = a_model(k)
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=eager)
    evaluated, predicted = model.evaluate(X, Y, verbose=0), model.predict(X, verbose=0)
    before = values(k, model)
    assert fit(model, goes_on=True) is not None
    assert are_equal(values(k, model), before)
    assert model.evaluate(X, Y, verbose=0) == evaluated
    assert (model.predict(X, verbose=0) == predicted).all()
    model.fit(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0) != evaluated
    before = values(k, model)
    assert fit(model, goes_on=True) is not None  # and its step that was compiled already
    assert are_equal(values(k, model), before)


def test_a_loop_by_hand_ends_at_the_first_update(k: Keras) -> None:
    if not k.tensorflow:
        pytest.skip("the loop is TensorFlow's")
    import tensorflow as tf

    model = a_model(k)
    before = values(k, model)[0]
    optimizer = k.keras.optimizers.SGD()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(X))
    gradients = tape.gradient(loss, model.trainable_variables)
    pairs = list(zip(gradients, model.trainable_variables, strict=True))
    for goes_on in (False, True):  # there is no fit to go on behind
        with pytest.raises(TrainingReached), dry_fits(goes_on=goes_on):
            optimizer.apply_gradients(pairs)
    assert (values(k, model)[0] == before).all()


def test_train_on_batch(k: Keras) -> None:
    model = a_model(k)
    model.compile("sgd", "mse", metrics=["mae"])
    before = values(k, model)
    with pytest.raises(TrainingReached), dry_fits():
        model.train_on_batch(X, Y)
    with dry_fits(goes_on=True) as fits:
        logs = [model.train_on_batch(X, Y) for _ in range(3)]
        named = model.train_on_batch(X, Y, return_dict=True)
    assert all(len(numbers) == 2 and np.isnan(numbers).all() for numbers in logs)
    assert set(named) == {"loss", "mae"}
    assert fits.count == 1  # a loop of thousands is not to take thousands of times the time
    assert are_equal(values(k, model), before)


def counted_batches(k: Keras, kind: str, taken: list[int]) -> Any:
    """Data without an end that says each time when a batch is taken from it."""

    def batches() -> Iterator[Any]:
        while True:
            taken.append(1)
            yield X, Y

    if kind == "generator":
        return batches()
    if kind == "tf.data":
        tf = pytest.importorskip("tensorflow")
        signature = tuple(tf.TensorSpec((8, size), "float32") for size in (3, 1))
        return tf.data.Dataset.from_generator(batches, output_signature=signature)
    base = k.keras.utils.PyDataset if k.generation == 3 else k.keras.utils.Sequence

    class Data(base):
        def __len__(self) -> int:
            return 100

        def __getitem__(self, index: int) -> Any:
            taken.append(1)
            return X, Y

    return Data()


@EAGER
@pytest.mark.parametrize("kind", ["generator", "tf.data", "PyDataset"])
def test_no_more_is_taken_than_keras_takes_for_one_batch(k: Keras, kind: str, eager: bool) -> None:
    taken: list[int] = []
    model = a_model(k)
    model.compile("sgd", "mse", run_eagerly=eager)
    before = values(k, model)
    fit(model, counted_batches(k, kind, taken), steps_per_epoch=50)
    assert are_equal(values(k, model), before)
    # Keras 3 looks at two to know their shapes. A pipeline reads ahead, once it runs: that of
    # Keras 2 always may; in older versions of Keras 3, a PyDataset fills its queue of ten.
    ahead = 3 if k.generation == 2 or (eager and k.tensorflow and kind != "tf.data") else 0
    if k.generation == 3 and k.version < (3, 10) and kind == "PyDataset":
        ahead = 10
    assert len(taken) <= (2 if k.generation == 3 else 1) + ahead


def test_what_loads_data_in_the_background_is_stopped(k: Keras) -> None:
    base = k.keras.utils.PyDataset if k.generation == 3 else k.keras.utils.Sequence

    class Data(base):
        def __len__(self) -> int:
            return 100

        def __getitem__(self, index: int) -> Any:
            return X, Y

    before = set(threading.enumerate())
    options: Any = {"workers": 2}
    data = Data(**options) if k.generation == 3 else Data()
    model = a_model(k)
    model.compile("sgd", "mse", run_eagerly=True)
    fit(model, data, **({} if k.generation == 3 else options))
    gc.collect()
    for _ in range(100):  # a pool's own threads notice that a little later
        left = [t for t in set(threading.enumerate()) - before if not t.name.startswith("Dummy")]
        if not left:
            break
        time.sleep(0.05)
    assert left == []


def test_a_pipeline_that_cannot_make_its_first_batch(k: Keras) -> None:
    tf = pytest.importorskip("tensorflow")
    if not k.tensorflow:
        pytest.skip("other backends read the data before the loss")

    def fails(x: Any, y: Any) -> Any:
        x = tf.numpy_function(lambda _: 1 / 0, [x], tf.float32)
        x.set_shape((None, 3))
        return x, y

    model = a_model(k)
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).map(fails)
    with pytest.raises(tf.errors.OpError, match="division by zero") as raised:
        fit(model, data)
    assert not isinstance(raised.value.__context__, TrainingReached)


def test_averages_of_weights_are_not_assigned(k: Keras) -> None:
    if k.generation == 2 and k.version < (2, 11):
        pytest.skip("no such optimizer yet")
    model = a_model(k)
    model.compile(k.keras.optimizers.SGD(use_ema=True), "mse")
    before = values(k, model)
    fit(model, goes_on=True)
    assert are_equal(values(k, model), before)


def test_a_landmark_keeps_its_hook_below(k: Keras, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both want `compute_loss`: a landmark's calls are recorded, and the fit ends."""
    module = "trainers.trainer:Trainer" if k.generation == 3 else "engine.training:Model"
    losses = Landmark(
        name="compute_loss",
        target=f"{module}.compute_loss",
        step="build",
        reads="name",
        summary="Computes the loss.",
        means_build=True,
    )
    real = generations.generation_of

    def with_losses(package: str, version: str) -> Any:
        generation = real(package, version)
        others = [row for row in generation.landmarks if row.target != losses.target]
        return generation._replace(landmarks=(*others, losses))

    monkeypatch.setattr(generations, "generation_of", with_losses)
    model = a_model(k)
    model.compile("sgd", "mse")
    plain = type(model).compute_loss
    with pytest.raises(TrainingReached), dry_fits(), buildtrace.trace() as trace:
        model.fit(X, Y, verbose=0)
    assert [call.name for call in trace.calls if call.name.endswith("compute_loss")]
    assert type(model).compute_loss is plain


def test_the_installed_keras_has_what_a_dry_fit_hooks(k: Keras) -> None:
    generation, adapter = generations.adapter_for(k.package)
    for kind, targets in generation.training._asdict().items():
        there = [target for target in targets if exists(target, adapter)]
        assert bool(there) == bool(targets), kind


def exists(target: str, adapter: Any) -> bool:
    try:
        resolve(adapter.root, target.format(backend=adapter.backend))
    except NotThereError:
        return False
    return True
