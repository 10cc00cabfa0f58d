"""Models that survive saving, and those that lose something: on each installed Keras."""

from __future__ import annotations

import importlib
import random
import tempfile
import warnings

import numpy as np
import pytest
from generations_fixtures import imported_once, k
from made_traces import mlp3

from buildtrace import generations, testing
from buildtrace.errors import UsageError
from buildtrace.testing import assert_survives_saving, compiled

__all__ = ["imported_once", "k"]  # fixtures


def block(k):
    """A layer as it should be."""

    class Block(k.layers.Layer):
        def __init__(self, units, rate=0.1, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.rate = rate
            self.inner = k.layers.Dense(units)

        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(shape[-1],))
            self.inner.build(shape)
            self.built = True

        def call(self, x):
            return self.inner(x * self.scale) * self.rate

        def get_config(self):
            return {**super().get_config(), "units": self.units, "rate": self.rate}

    return Block


def in_sequential(k, layer):
    return k.Sequential([k.Input((4,)), layer, k.layers.Dense(2, name="last")], name="model")


def message(model, **options):
    with pytest.raises(AssertionError) as caught:
        assert_survives_saving(model, **options)
    return str(caught.value)


def lost(model, **options):
    """What the first line says after the model's name."""
    first = message(model, **options).split("\n", 1)[0]
    start = "expected 'model' ("
    assert first.startswith(start)
    assert " to survive saving as " in first
    return first.partition(", but ")[2]


# -- models that survive --------------------------------------------------------------------------


def sequential(k):
    return in_sequential(k, k.layers.Dropout(0.5))


def built_later(k):
    model = k.Sequential([k.layers.Dense(3), k.layers.Dense(1)])
    model(np.ones((1, 4), "float32"))
    return model


def shared(k):
    dense = k.layers.Dense(3)
    left, right = k.Input((4,), name="left"), k.Input((4,), name="right")
    merged = k.layers.Concatenate()([dense(left), dense(right)])
    outputs = {"sum": k.relu(merged), "one": k.layers.Dense(1)(merged)}
    return k.Model({"left": left, "right": right}, outputs)


def custom(k):
    return in_sequential(k, block(k)(3, rate=0.7))


def registered(k):
    cls = k.keras.saving.register_keras_serializable(package="here")(block(k))
    return in_sequential(k, cls(3, rate=0.7))


def subclassed(k):
    cls = block(k)

    class Outer(k.keras.Model):
        def __init__(self, width, **kwargs):
            super().__init__(**kwargs)
            self.width = width
            self.block = cls(width)
            self.last = k.layers.Dense(1)

        def call(self, x):
            return self.last(self.block(x))

        def get_config(self):
            return {**super().get_config(), "width": self.width}

    model = Outer(5)
    model(np.ones((2, 4), "float32"))
    return model


def frozen(k):
    model = sequential(k)
    model.trainable = False
    return model


def embedding(k):
    layers = [k.layers.Embedding(7, 3), k.layers.LSTM(2), k.layers.BatchNormalization()]
    return k.Sequential([k.Input((None,), dtype="int32"), *layers])


def stateful(k):
    inputs = k.keras.layers.Input(batch_size=2, shape=(5, 3))
    model = k.Sequential([inputs, k.layers.LSTM(4, stateful=True)])
    model(np.ones((2, 5, 3), "float32"))
    return model


SOUND = [
    *(sequential, built_later, shared, custom, registered, subclassed, frozen, embedding, stateful)
]


@pytest.mark.parametrize("make", SOUND, ids=lambda make: make.__name__)
def test_sound_models_survive(k, make):
    if make is shared and k.generation == 3 and k.version < (3, 3):
        pytest.skip("Keras 3.2 loads the second call of a layer as the first one, which is told")
    assert_survives_saving(make(k))


def test_the_older_format(k):
    assert_survives_saving(custom(k), format=".h5")
    assert " as .h5, but Block.get_config leaves out `rate`" in message(
        in_sequential(k, forgetting(k, "rate")(3, rate=0.7)), format=".h5"
    )


# -- what is lost ---------------------------------------------------------------------------------


def forgetting(k, *names):
    """A Block that does not save these arguments."""

    class Block(block(k)):
        def get_config(self):
            config = super().get_config()
            return {key: value for key, value in config.items() if key not in names}

    return Block


def test_a_required_argument_that_is_not_saved(k):
    text = message(in_sequential(k, forgetting(k, "units")(3)))
    first, second = text.splitlines()
    assert first == (
        "expected 'model' (Sequential) to survive saving as .keras, but Block.get_config leaves "
        'out `units`, which Block.__init__ needs: config["units"] = self.units'
    )
    assert "it cannot be loaded: TypeError: " in second
    assert second.endswith("__init__() missing 1 required positional argument: 'units'")


def test_keras_own_error_is_the_cause(k):
    with pytest.raises(AssertionError) as caught:
        assert_survives_saving(in_sequential(k, forgetting(k, "units")(3)))
    assert "missing 1 required positional argument: 'units'" in str(caught.value.__cause__)
    shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
    assert [str(entry.path) for entry in shown] == [__file__]


def test_an_argument_with_a_default_that_is_not_saved(k):
    cls = forgetting(k, "rate")
    assert lost(in_sequential(k, cls(3, rate=0.7))) == (
        "Block.get_config leaves out `rate`: it was 0.7, and is 0.1 after loading; "
        'config["rate"] = self.rate'
    )
    assert_survives_saving(in_sequential(k, cls(3)))  # nothing is lost of this one


def test_an_argument_in_a_private_attribute(k):
    class Private(k.layers.Layer):
        def __init__(self, bounds=(0, 1), **kwargs):
            super().__init__(**kwargs)
            self._bounds = bounds

        def call(self, x):
            return x * self._bounds[1]

        def get_config(self):
            return super().get_config()

    assert lost(in_sequential(k, Private((0, 2)))) == (
        "Private.get_config leaves out `bounds`: it was (0, 2), and is (0, 1) after loading; "
        'config["bounds"] = self._bounds'
    )

    class Saved(Private):
        def get_config(self):
            return {**super().get_config(), "bounds": self._bounds}

    assert_survives_saving(in_sequential(k, Saved((0, 2))))  # though a list comes back


def test_an_argument_that_changes_the_shapes_of_weights(k):
    """Loading fails before there is a model to compare with."""

    class Wide(block(k)):
        def __init__(self, units=2, **kwargs):
            super().__init__(units, **kwargs)

        def get_config(self):
            config = super().get_config()
            del config["units"]
            return config

    assert lost(in_sequential(k, Wide(5))) == (
        "Wide.get_config leaves out `units`: it was 5, and is 2 after loading; "
        'config["units"] = self.units'
    )


def test_an_argument_that_no_attribute_keeps(k):
    class Factor(k.layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.by = factor

        def call(self, x):
            return x * self.by

        def get_config(self):
            return super().get_config()

    assert message(in_sequential(k, Factor(2.0))).splitlines() == [
        "expected 'model' (Sequential) to survive saving as .keras, but 'model' (Sequential) "
        "computes something else after loading",
        "  Factor.get_config leaves out `factor`, which may be why",
    ]


def test_options_that_init_does_not_take(k):
    class Plain(k.layers.Layer):
        def __init__(self, factor=2):
            super().__init__()
            self.factor = factor

        def call(self, x):
            return x * self.factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    assert lost(in_sequential(k, Plain())) == (
        "Plain.__init__ does not take `name`, `trainable` and `dtype`, which Plain.get_config "
        "saves: have it take **kwargs, and pass them on to super().__init__(**kwargs)"
    )


def test_options_that_init_does_not_pass_on(k):
    class Plain(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(name=kwargs.get("name"))

        def call(self, x):
            return x

        def get_config(self):
            return {**super().get_config()}

    layer = Plain(name="mine")
    layer.trainable = False
    assert lost(in_sequential(k, layer)) == (
        "Plain does not pass `trainable` on to super().__init__: it was False, and is True after "
        "loading"
    )


def test_a_layer_that_stays_a_dict(k):
    class Around(k.layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def call(self, x):
            return self.inner(x)

        def get_config(self):
            inner = k.keras.saving.serialize_keras_object(self.inner)
            return {**super().get_config(), "inner": inner}

    text = message(in_sequential(k, Around(k.layers.Dense(3))))
    assert text.split(", but ")[1].startswith(
        "Around gets `inner` back as a dict, the config of a layer: in Around.from_config, "
        'config["inner"] = keras.utils.deserialize_keras_object(config["inner"])\n'
    )
    assert "✗ Layer.__call__  around (Around)" in text

    class Made(Around):
        @classmethod
        def from_config(cls, config):
            inner = k.keras.saving.deserialize_keras_object(config.pop("inner"))
            return cls(inner, **config)

    assert_survives_saving(in_sequential(k, Made(k.layers.Dense(3))))


def test_a_class_without_get_config(k):
    class Silent(k.layers.Layer):
        def __init__(self, function, **kwargs):
            super().__init__(**kwargs)
            self.function = function

        def call(self, x):
            return self.function(x)

    text = message(in_sequential(k, Silent(lambda x: x)))
    assert ", but Silent has no get_config, which is to save `function`\n" in text
    assert "\n  it cannot be saved: NotImplementedError: " in text


def test_weights_that_are_not_saved(k):
    class Secret(block(k)):
        def save_own_variables(self, store):
            pass

        def load_own_variables(self, store):
            pass

    text = message(in_sequential(k, Secret(3, name="secret")))
    assert ", but scale (4,) float32 of 'secret' (Secret) has other values after loading" in text


def test_a_layer_that_is_frozen_inside_of_another(k):
    """What a layer makes itself is in no config, so nothing says that it was frozen."""
    layer = block(k)(3)
    layer.inner.trainable = False
    assert lost(in_sequential(k, layer)) == (
        f"{layer.inner.name!r} (Dense) had the weights kernel (4, 3) float32 not trained, "
        "bias (3,) float32 not trained, and has kernel (4, 3) float32, bias (3,) float32 after "
        "loading"
    )


def test_a_frozen_layer_with_others_inside(k):
    """Keras 3 freezes what is inside when `trainable` is set, and not when it is loaded."""
    model = in_sequential(k, block(k)(3))
    model.trainable = False
    if k.generation == 2:
        assert_survives_saving(model)
    else:
        assert " and has kernel (4, 3) float32, bias (3,) float32 after loading" in lost(model)


def test_a_layer_of_another_class(k):
    class Other(k.layers.Layer):
        def call(self, x):
            return x

    class Odd(Other):
        @classmethod
        def from_config(cls, config):
            return Other(**config)

    assert (
        lost(in_sequential(k, Odd(name="odd"))) == "'odd' (Odd) is of the class Other after loading"
    )


def test_layers_that_are_connected_differently(k):
    class Chain(k.keras.Model):
        @classmethod
        def make(cls, *names):
            inputs = outputs = k.Input((4,), name="x")
            for name in names:
                outputs = k.layers.Dense(4, name=name)(outputs)
            return cls(inputs, outputs, name="model")

        @classmethod
        def from_config(cls, config, custom_objects=None):
            return cls.make("b", "a")

    assert lost(Chain.make("a", "b")) == (
        "the layers of 'model' (Chain) are connected differently after loading"
    )


def test_what_is_no_argument(k):
    class Tuned(k.layers.Layer):
        by = 1.0

        def call(self, x):
            return x * self.by

    layer = Tuned()
    layer.by = 3.0
    assert lost(in_sequential(k, layer)) == (
        "'model' (Sequential) computes something else after loading"
    )


# -- what it is given -----------------------------------------------------------------------------


def test_options_of_load_model(k):
    model = in_sequential(k, k.layers.Lambda(lambda x: x + 1.0))
    assert "safe_mode=False" in message(model)
    assert_survives_saving(model, safe_mode=False)


def test_an_input_of_ones_own(k):
    class Two(k.keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = k.layers.Dense(2)

        def call(self, pair):
            return self.dense(pair[0])[:, : pair[1].shape[-1]]

    pair = [np.ones((1, 3), "float32"), np.ones((1, 2), "float32")]
    model = Two(name="two")
    model(pair)
    assert_survives_saving(model, x=pair)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda k: mlp3(), "assert_survives_saving takes a model of Keras, not a Trace"),
        (lambda k: k.layers.Dense(2), "assert_survives_saving takes a model of Keras, not a Dense"),
        (
            lambda k: k.Sequential([k.layers.Dense(2)], name="model"),
            "'model' (Sequential) is not built: there is nothing to save yet",
        ),
    ],
    ids=["trace", "layer", "unbuilt"],
)
def test_what_it_does_not_take(k, make, text):
    with pytest.raises(UsageError) as caught:
        assert_survives_saving(make(k))
    assert str(caught.value) == text


def test_a_format_that_there_is_not(k):
    with pytest.raises(UsageError, match=r"^cannot save as '\.onnx'; there are \.keras, \.h5$"):
        assert_survives_saving(sequential(k), format=".onnx")


def test_the_package_exports_it():
    assert "assert_survives_saving" in testing.__all__


# -- what it leaves behind ------------------------------------------------------------------------


def numbers(k, tensor):
    return tensor.numpy() if k.generation == 2 else k.keras.ops.convert_to_numpy(tensor)


def normal(k):
    """Random numbers of the backend, of no seed."""
    if k.generation == 3:
        return k.keras.random.normal((2,))
    return importlib.import_module("tensorflow").random.normal((2,))


def drawing(k):
    """A layer that draws whenever it is made or called."""

    class Drawing(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.drawn = [random.random(), np.random.rand()]

        def call(self, x):
            return x + normal(k)[0]

        def get_config(self):
            return {**super().get_config()}

    return Drawing


def after(k, between):
    """What a test sees that goes on behind the assertion: names, numbers, weights, outputs."""
    if k.generation == 3 and k.keras.backend.backend() == "jax":
        pytest.skip("JAX wants seeds for what is drawn in a call")
    k.clear_session()
    k.keras.utils.set_random_seed(7)
    first = in_sequential(k, drawing(k)())
    k.keras.backend.get_uid("thing")
    between(first)
    second = in_sequential(k, k.layers.Dropout(0.5))
    ones = np.ones((2, 4), "float32")
    return repr(
        [
            random.random(),
            np.random.rand(),
            numbers(k, normal(k)).tolist(),
            k.keras.backend.get_uid("thing"),
            [layer.name for layer in second.layers],
            k.layers.Dense(1).name,
            [weight.numpy().tolist() for weight in first.weights + second.weights],
            [numbers(k, model(ones, training=True)).tolist() for model in (first, second)],
        ]
    )


def left_in(folder):
    """The files that are still there, but for TensorFlow's: it keeps what AutoGraph made."""
    names = [path.name for path in folder.iterdir()]
    return [name for name in names if "autograph" not in name and name != "__pycache__"]


def test_nothing_is_left_behind(k, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert after(k, assert_survives_saving) == after(k, lambda model: None)
    assert not left_in(tmp_path)


def test_the_state_of_a_layer_is_left_alone(k):
    model = stateful(k)
    states = [state.numpy() for state in model.layers[-1].states]
    assert_survives_saving(model)
    assert all((s.numpy() == b).all() for s, b in zip(model.layers[-1].states, states, strict=True))


def test_nothing_is_left_behind_of_a_failure(k, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fails(_):
        message(in_sequential(k, forgetting(k, "units")(3)))

    def makes(_):
        in_sequential(k, forgetting(k, "units")(3))

    assert after(k, fails) == after(k, makes)
    assert not left_in(tmp_path)


def test_warnings_of_saving_do_not_fail_a_test(k):
    model = sequential(k)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_survives_saving(model, format=".h5")


# -- what a model was compiled with ---------------------------------------------------------------


def fitted(k, **options):
    """A compiled model whose optimizer has learned something."""
    model = in_sequential(k, k.layers.Dense(3))
    given = {"optimizer": k.keras.optimizers.SGD(0.25, momentum=0.5), "loss": "mse"}
    model.compile(**{**given, **options})
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    return model


def closest(target, output):
    return abs(target - output)


def test_what_a_model_was_compiled_with_survives(k):
    assert_survives_saving(fitted(k, metrics=["mae"]))
    assert_survives_saving(fitted(k, loss=closest, metrics=[k.keras.metrics.MeanSquaredError()]))
    assert_survives_saving(in_sequential(k, k.layers.Dense(3)))


def test_a_compiled_model_that_was_never_fitted_survives(k):
    model = in_sequential(k, k.layers.Dense(3))
    model.compile("adam", "mse")
    assert_survives_saving(model)


def test_a_setting_of_the_optimizer_is_lost(k):
    if k.generation == 2:
        pytest.skip("it has the variables for momentum, whatever that is")

    class Mine(k.keras.optimizers.SGD):
        def get_config(self):
            config = super().get_config()
            config.pop("momentum")
            return config

    model = fitted(k, optimizer=Mine(0.25, momentum=0.5))
    assert "its optimizer Mine had " in lost(model)
    assert_survives_saving(model, compile=False)


def test_an_optimizer_that_is_another_one_is_told(k):
    before, after = fitted(k), fitted(k, optimizer="adam")
    lines = list(compiled.differences(before, after, saver_of(k)))
    assert lines == ["its optimizer SGD is Adam after loading"]


def test_settings_and_state_of_an_optimizer_are_told(k):
    after = fitted(k, optimizer=k.keras.optimizers.SGD(0.5, momentum=0.5))
    lines = list(compiled.differences(fitted(k), after, saver_of(k)))
    assert lines[0] == "`learning_rate` of its optimizer SGD was 0.25, and is 0.5 after loading"
    assert lines[1].endswith("of its optimizer SGD has other values after loading")


def test_an_optimizer_without_its_state_is_told(k):
    fresh = in_sequential(k, k.layers.Dense(3))
    fresh.compile(k.keras.optimizers.SGD(0.25, momentum=0.5), "mse")
    fresh.optimizer.variables  # noqa: B018
    (line,) = compiled.differences(fitted(k), fresh, saver_of(k))
    assert line.startswith("its optimizer SGD had ")


def test_losses_and_metrics_are_told_by_name(k):
    before = fitted(k, metrics=["mae"])
    after = fitted(k, loss="mae", metrics=["mse"])
    after.optimizer = before.optimizer
    lines = list(compiled.differences(before, after, saver_of(k)))
    assert len(lines) == 2
    assert lines[0].startswith("its compiled `loss` was ")
    assert lines[1] == "its compiled `metrics` was 'mae', and is 'mse' after loading"


def test_a_model_that_is_not_compiled_any_more(k):
    class Own(k.keras.Sequential):
        def compile(self, **options):
            super().compile(**options)

    plain = in_sequential(k, k.layers.Dense(3))
    model = Own([k.Input((4,)), k.layers.Dense(2)])
    model.compile(optimizer="sgd", loss="mse")
    (line,) = compiled.differences(model, plain, saver_of(k))
    assert line == "it was compiled, and is not after loading: its class has a `compile` of its own"


def test_what_cannot_be_compiled_again_is_told_apart(k):
    loss = k.keras.losses.MeanSquaredError()
    loss.get_config = lambda: {"nonsense": 1}
    model = fitted(k, loss=loss)
    assert lost(model).startswith("what it was compiled with cannot be loaded: ")
    assert_survives_saving(model, compile=False)


def saver_of(k):
    _, adapter = generations.adapter_for(k.package)
    return generations.saver_for(adapter)
