"""What models are trained with: variables of optimizers and metrics, and losses, by live objects.

Nothing that is expected here comes from the code under test: it is read from the optimizers, the
metrics and the data themselves.
"""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from faithful import both, fresh, values
from scenarios import Keras, data
from trainings import KINDS, NAMES_OUTPUTS, TRAININGS, half, stack, two_outputs

import buildtrace
from buildtrace.renderers.text.outline import outline
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from scenarios import Scenario

    from buildtrace.traces.trace import Trace

BY_HAND = ("optimizer_by_hand", "metric_by_hand", "loop_by_hand")
OF_A_MODEL = [t for t in TRAININGS if t.name not in BY_HAND]
MADE_MORE = ("compile_twice", "fit_some_layers", "fit_resumed", "fit_a_copy", "fit_unpickled")
"""Trainings after another one, whose optimizer and metrics are in the trace as well."""
Facts = tuple[str, tuple[int, ...], str]


def traced(k: Keras, training: Scenario) -> tuple[Any, Trace]:
    if not training.runs_on(k):
        pytest.skip("not for this Keras")
    with buildtrace.trace() as trace:
        model = training.make(k)
        model = training.build(k, model) or model
    return model, trace


def facts(variable: Any) -> Facts:
    path = getattr(variable, "path", None) or variable.name.partition(":")[0]
    dtype = variable.dtype if isinstance(variable.dtype, str) else variable.dtype.name
    return path, tuple(variable.shape), dtype


def held_by(trace: Trace, kind: str) -> list[Facts]:
    holders = {holder.id for holder in trace.holders if holder.kind == kind}
    return sorted(
        (variable.path, variable.shape, variable.dtype)
        for variable in trace.variables
        if variable.holder in holders
    )


def live(things: Any) -> list[Facts]:
    """What these optimizers or metrics hold, as they say themselves."""
    held = [thing.variables for thing in things]
    lists = [variables() if callable(variables) else variables for variables in held]
    return sorted(facts(variable) for variables in lists for variable in variables)


@pytest.mark.parametrize("training", OF_A_MODEL, ids=lambda training: training.name)
@pytest.mark.sampled(12)
def test_what_optimizers_and_metrics_say_that_they_hold(k: Keras, training: Scenario) -> None:
    model, trace = traced(k, training)
    own = [model.optimizer]
    if training.name == "fit_gan":  # what it was compiled with is another one, and never used
        own += [model.made, model.judged]
    if training.name in MADE_MORE:
        assert set(live(own)) <= set(held_by(trace, "optimizer"))
        assert set(live(model.metrics)) <= set(held_by(trace, "metric"))
        return
    held = held_by(trace, "optimizer")
    if "legacy" in training.name:  # they do not count their settings, which are variables too
        settings_of = getattr(own[0], "inner_optimizer", own[0])._hyper.values()
        settings = [facts(value) for value in settings_of if hasattr(value, "dtype")]
        assert held == sorted(live(own) + settings)
    else:
        assert held == live(own)
    # Keras has one for the loss all the same; some are without a model.
    if training.name in ("fit_own_step", "fit_gan", "fit_many_metrics"):
        assert set(live(model.metrics)) <= set(held_by(trace, "metric"))
    else:
        assert held_by(trace, "metric") == live(model.metrics)


def test_what_a_variable_is_kept_for(k: Keras) -> None:
    training = next(training for training in TRAININGS if training.name == "fit")
    model, trace = traced(k, training)
    by_path = {variable.path: variable for variable in trace.variables}
    optimizer = model.optimizer
    for names, made in (
        ("momentum m", optimizer._momentums),
        ("velocity v", optimizer._velocities),
    ):
        for weight, variable in zip(model.trainable_variables, made, strict=True):
            kept = by_path[facts(variable)[0]]
            assert kept.name in names.split()
            assert kept.weight is not None
            assert trace.weights[kept.weight].path == facts(weight)[0]
            assert kept.size == np.prod(weight.shape)
    assert sum(v.weight is not None for v in trace.variables) == 2 * len(model.trainable_variables)
    assert trace.parameters == model.count_params()


def test_variables_are_kept_for_weights_of_a_model_made_before(k: Keras) -> None:
    model = stack(k)
    with buildtrace.trace() as trace:
        model.compile("adam", "mse")
        model.fit(data(4, 3), data(4, 2), verbose=0)
    kept = {trace.weights[v.weight].path for v in trace.variables if v.weight is not None}
    assert kept == {facts(weight)[0] for weight in model.trainable_variables}
    assert [call.layer.name for call in trace.roots if call.layer] == [model.name] * len(
        trace.roots
    )


def test_an_optimizer_around_another_holds_what_is_its_own(k: Keras) -> None:
    if not k.tensorflow:
        pytest.skip("not for this Keras")
    with buildtrace.trace() as trace:
        model = half(k)
        model.compile("adam", "mse")
        model.fit(data(4, 3), data(4, 2), verbose=0)
    inner = next(h for h in trace.holders if h.class_name == "Adam")
    held = [variable for variable in trace.variables if variable.holder == inner.id]
    expected = live([model.optimizer.inner_optimizer])
    assert sorted((v.path, v.shape, v.dtype) for v in held) == expected


def test_each_of_the_optimizers_in_another_holds_its_own(k: Keras) -> None:
    """Some of it they have held since they were made, which no landmark saw."""
    if k.generation == 2 or k.version < (3, 15):
        pytest.skip("no such optimizer yet")
    model, of = stack(k), k.keras.optimizers
    inner = of.SGD(0.1, momentum=0.9), of.Adam()
    outer = of.MultiOptimizer(of.OptimizerMap(inner[0], {".*/bias": inner[1]}))
    with buildtrace.trace() as trace:
        model.compile(outer, "mse")
        model.fit(data(4, 3), data(4, 2), verbose=0)
    for optimizer in inner:
        (holder,) = (h for h in trace.holders if h.class_name == type(optimizer).__name__)
        held = [variable for variable in trace.variables if variable.holder == holder.id]
        assert sorted((v.path, v.shape, v.dtype) for v in held) == live([optimizer])
    built = [call for call in trace.calls if call.name in ("SGD.build", "Adam.build")]
    assert len(built) == 2
    assert {call.layer.name for call in built if call.layer} == {model.name}


def test_what_is_compared_in_each_loss(k: Keras) -> None:
    training = next(t for t in TRAININGS if t.name == "fit_several_outputs")
    _, trace = traced(k, training)
    parts = [call.loss for call in trace.calls if call.loss]
    assert [part.output for part in parts] == ["number", "kind"]
    assert [part.function for part in parts] == [
        "mean_squared_error",
        "sparse_categorical_crossentropy",
    ]
    assert [part.from_logits for part in parts] == [None, True]
    rows = 4 if not k.tensorflow else None
    number, kind = parts
    assert number.predicted
    assert number.target
    assert number.sample_weight
    assert number.predicted.shape == number.target.shape == (rows, 1)
    assert kind.predicted
    assert kind.target
    assert kind.predicted.shape == (rows, 5)
    assert kind.target.dtype == "int32"
    # Keras 2 adds an axis to what has none, before it computes the loss.
    assert kind.target.shape == ((rows, 1) if k.generation == 2 else (rows,))
    assert kind.class_name == "SparseCategoricalCrossentropy"


def test_how_all_was_given(k: Keras) -> None:
    training = next(t for t in TRAININGS if t.name == "fit_several_outputs")
    _, trace = traced(k, training)
    found = [call.structures for call in trace.calls if call.structures]
    assert found
    for given in found:
        assert given.names == ("number", "kind")
        assert (given.outputs.form, given.outputs.count) == ("list", 2)
        assert (given.targets.form, given.targets.count) == ("list", 2)
        assert (given.losses.form, set(given.losses.names)) == ("dict", {"number", "kind"})
        assert given.loss_weights.form == "nothing"
    assert found[-1].sample_weights.count == 2


def test_how_metrics_were_given_and_what_was_made_of_them(k: Keras) -> None:
    x = k.Input((3,))
    sure = k.layers.Dense(1, activation="sigmoid", name="sure")(x)
    kind = k.layers.Dense(5, activation="softmax", name="kind")(x)
    losses = {"sure": "binary_crossentropy", "kind": "sparse_categorical_crossentropy"}
    binary = k.keras.metrics.BinaryAccuracy("more", threshold=0.75)
    metrics = {"sure": ["accuracy", binary, k.keras.metrics.AUC(name="area")], "kind": ["accuracy"]}
    with buildtrace.trace() as trace:
        model = k.Model(x, [sure, kind])
        model.compile("sgd", losses, metrics=metrics)
        model.fit(data(4, 3), [np.ones((4, 1)), np.zeros((4,))], verbose=0)
    (made,) = [call.metrics for call in trace.calls if call.metrics]
    assert made.names == ("sure", "kind")
    assert (made.outputs.form, made.outputs.count) == ("list", 2)
    assert (made.metrics.form, made.weighted_metrics.form) == ("nested", "nothing")
    assert [part.output for part in made.parts] == ["sure", "sure", "sure", "kind"]
    named, more, area, kinds = made.parts
    assert (named.function, named.thresholds) == ("binary_accuracy", (0.5,))
    assert (more.class_name, more.thresholds) == ("BinaryAccuracy", (0.75,))
    assert (area.class_name, area.from_logits, area.thresholds) == ("AUC", False, ())
    assert (kinds.from_logits, kinds.thresholds) == (None, ())


@pytest.mark.parametrize("swapped", [False, True])
def test_each_loss_has_the_activation_of_its_output(k: Keras, swapped: bool) -> None:
    """Whatever order the losses are given in, and whatever the layers are called."""
    if k.generation == 3 and k.version < NAMES_OUTPUTS:
        pytest.skip("not for this Keras")
    x = k.Input((3,))
    last = {
        "kind": k.layers.Dense(5, activation="softmax", name="one")(x),
        "number": k.layers.Dense(1, activation="relu", name="another")(x),
    }
    losses = {"number": "mse", "kind": "sparse_categorical_crossentropy"}
    if swapped:
        last, losses = dict(reversed(last.items())), dict(reversed(losses.items()))
    with buildtrace.trace() as trace:
        model = k.Model(x, last)
        model.compile("sgd", losses)
        model.fit(data(4, 3), {"number": data(4, 1), "kind": np.zeros((4,))}, verbose=0)
    parts = {call.loss.output: call.loss for call in trace.calls if call.loss}
    assert {name: part.activation for name, part in parts.items()} == {
        "kind": "softmax",
        "number": "relu",
    }
    assert parts["kind"].function == "sparse_categorical_crossentropy"


def test_a_loss_that_fails_says_what_it_was_to_compare(k: Keras) -> None:
    training = next(t for t in TRAININGS if t.name == "wrong_targets")
    _, trace = traced(k, training)
    parts = [call.loss for call in trace.calls if call.loss and call.error]
    assert parts  # on Torch, Keras tries more than once
    for part in parts:
        assert part.predicted
        assert part.target
        assert (part.predicted.shape or ())[1:] == (2,)
        assert (part.target.shape or ())[1:] == (7,)
        assert part.function == "categorical_crossentropy"


@pytest.mark.parametrize("kind", ["compiled", "eager", "batches"])
def test_the_second_step_and_all_after_it_leave_no_record(k: Keras, kind: str) -> None:
    if kind == "eager" and not k.tensorflow:
        pytest.skip("not for this Keras")

    def train(steps: int) -> list[str]:
        model = stack(k)
        with buildtrace.trace() as trace:
            model.compile("adam", "mse", metrics=["mae"], run_eagerly=kind == "eager")
            if kind == "batches":
                for _ in range(steps):
                    model.train_on_batch(data(4, 3), data(4, 2))
            else:
                model.fit(data(4 * steps, 3), data(4 * steps, 2), batch_size=4, verbose=0)
        return [call.name for call in trace.calls]

    assert train(1) == train(20)


def one_step(k: Keras) -> Any:
    model = two_outputs(k)
    losses = {"number": "mse", "kind": k.keras.losses.SparseCategoricalCrossentropy(True)}
    model.compile(k.keras.optimizers.Adam(0.1), losses, metrics={"kind": ["accuracy"]})
    targets = [np.arange(16, dtype="float32")[:, None], np.arange(16) % 5]
    inputs = np.arange(48, dtype="float32").reshape(16, 3)
    model.fit(inputs, targets, epochs=2, batch_size=4, verbose=0)
    return model


def test_the_weights_are_the_same_to_the_last_bit(k: Keras) -> None:
    def run() -> list[np.ndarray]:
        fresh(k)
        model = one_step(k)
        held = model.optimizer.variables
        held = held() if callable(held) else held
        return values(model) + [np.array(variable.numpy()) for variable in held]

    plain, seen = both(run)
    assert len(plain) == len(seen) > 12
    for one, other in zip(plain, seen, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "training", [t for t in KINDS if t.name not in BY_HAND], ids=lambda training: training.name
)
@pytest.mark.sampled(10)
def test_each_training_ends_with_the_same_weights(k: Keras, training: Scenario) -> None:
    """Programs' own `train_step`, which autograph converts in Keras 2, among them."""
    if not training.runs_on(k):
        pytest.skip("not for this Keras")

    def run() -> list[bytes]:
        fresh(k)
        model = training.make(k)
        training.build(k, model)
        return [value.tobytes() for value in values(model)]

    plain, seen = both(run)
    assert plain
    assert plain == seen


def test_the_compiled_step_has_the_same_operations(k: Keras) -> None:
    if not k.tensorflow:
        pytest.skip("not for this Keras")
    tf = pytest.importorskip("tensorflow")

    def run() -> list[tuple[str, str]]:
        fresh(k)
        model = one_step(k)
        optimizer, loss = model.optimizer, model.compute_loss

        @tf.function
        def step(x: Any, y: Any, z: Any) -> Any:
            with tf.GradientTape() as tape:
                total = loss(x, [y, z], model(x))
            variables = model.trainable_variables
            gradients = tape.gradient(total, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return total

        given = data(4, 3), data(4, 1), np.ones((4,), "int32")
        graph = step.get_concrete_function(*map(tf.constant, given)).graph
        return [(operation.type, operation.name) for operation in graph.get_operations()]

    plain, seen = both(run)
    assert len(plain) > 50
    assert plain == seen


def test_nothing_live_is_kept(k: Keras) -> None:
    def run() -> tuple[Trace, list[weakref.ref[Any]]]:
        with buildtrace.trace() as trace:
            model = stack(k)
            model.compile("adam", "mse", metrics=["mae"])
            model.fit(data(4, 3), data(4, 2), verbose=0)
        held = model.optimizer.variables
        held = held() if callable(held) else held
        return trace, [weakref.ref(part) for part in (model.optimizer, *held, *model.metrics)]

    trace, references = run()
    k.clear_session()
    gc.collect()
    assert trace.variables
    assert not [reference() for reference in references if reference() is not None]


def test_each_of_two_optimizers_is_of_the_model_that_it_trains(k: Keras) -> None:
    training = next(training for training in TRAININGS if training.name == "fit_gan")
    model, trace = traced(k, training)
    built = [call for call in trace.roots if call.name == "Adam.build"]
    assert [call.layer and call.layer.name for call in built] == [
        model.critic.name,
        model.generator.name,
    ]


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_belongs_to_no_model(k: Keras, by_hand: bool) -> None:
    name = "optimizer_by_hand" if by_hand else "metric_by_hand"
    training = next(training for training in TRAININGS if training.name == name)
    _, trace = traced(k, training)
    (holder,) = {variable.holder for variable in trace.variables}
    assert trace.holders[holder].kind == ("optimizer" if by_hand else "metric")


def test_the_failing_compile_is_a_use_that_failed(k: Keras) -> None:
    model = stack(k)
    with buildtrace.trace() as trace, pytest.raises(Exception, match="no_such") as error:
        model.compile("no_such", "mse")
    (use,) = trace.uses
    (call,) = trace.calls
    assert use.name == "Model.compile"
    assert use.error == call.error
    assert use.error is not None
    assert use.error.type == type(error.value).__name__


@pytest.mark.parametrize("training", KINDS, ids=lambda training: training.name)
@pytest.mark.sampled(6)
def test_files_hold_all_of_it(k: Keras, training: Scenario) -> None:
    _, trace = traced(k, training)
    again = trace_file.from_json(trace_file.to_json(trace))
    assert again == trace


def test_the_outline_is_the_same_the_second_time(k: Keras) -> None:
    """Keras numbers optimizers as it does layers."""

    def outlined() -> list[str]:
        with buildtrace.trace() as trace:
            model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
            model.compile("adam", "mse", metrics=["mae"])
            model.fit(data(4, 3), data(4, 2), verbose=0)
        return outline(trace)

    first = outlined()
    assert sum("add_variable_from_reference" in line for line in first) == 4
    assert outlined() == first
