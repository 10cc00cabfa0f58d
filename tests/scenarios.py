"""Small models that exercise every way in which Keras builds, on both generations.

A scenario has two phases, so that a model can be made before tracing begins: `make` returns it,
`build` builds it. Scenarios that fail catch their own error.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@dataclass(frozen=True)
class Keras:
    """One installed Keras, whatever its package is called."""

    package: str
    generation: int

    @property
    def name(self) -> str:
        return f"keras{self.generation}"

    @property
    def root(self) -> str:
        return f"{self.package}.src"

    @cached_property
    def keras(self) -> ModuleType:
        return importlib.import_module(self.package)

    @cached_property
    def layers(self) -> ModuleType:
        return self.keras.layers

    @property
    def version(self) -> tuple[int, int]:
        major, minor = self.keras.__version__.split(".")[:2]
        return int(major), int(minor)

    @property
    def tensorflow(self) -> bool:
        return self.generation == 2 or self.keras.backend.backend() == "tensorflow"

    def clear_session(self) -> None:
        """Have Keras count its names from the start, without a garbage collection where it can."""
        clear = self.keras.backend.clear_session
        can_wait = "free_memory" in signature(clear).parameters
        clear(**({"free_memory": False} if can_wait else {}))

    def Input(self, shape: tuple[int | None, ...], **kwargs: Any) -> Any:  # noqa: N802
        return self.keras.Input(shape, **kwargs)

    def Sequential(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802
        return self.keras.Sequential(*args, **kwargs)

    def Model(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802
        return self.keras.Model(*args, **kwargs)

    def relu(self, x: Any) -> Any:
        """A function of the backend, as users write it in a model."""
        if self.generation == 3:
            return self.keras.ops.relu(x)
        return importlib.import_module("tensorflow").nn.relu(x)

    def sum(self, x: Any) -> Any:
        if self.generation == 3:
            return self.keras.ops.sum(x, axis=-1, keepdims=True)
        return importlib.import_module("tensorflow").reduce_sum(x, axis=-1, keepdims=True)


def installed() -> list[Keras]:
    """The generations that this environment has."""
    found = []
    if importlib.util.find_spec("tf_keras"):
        found.append(Keras("tf_keras", 2))
    if importlib.util.find_spec("keras"):
        # By its metadata: nothing is imported before it is used.
        found.append(Keras("keras", int(importlib.metadata.version("keras").split(".")[0])))
    return found


GENERATIONS = installed()


def imported() -> list[Keras]:
    """Those that this process has imported: in a plain `pytest`, only the newest."""
    return [keras for keras in GENERATIONS if keras.package in sys.modules]


@dataclass(frozen=True)
class Scenario:
    """A model and how it is built.

    Attributes:
        generations: where it makes sense.
        tensorflow: whether it needs the TensorFlow backend.
        records: false if making already builds, so that `build` must leave no record.
        since: the first version of Keras 3 that can do it.
    """

    name: str
    make: Callable[[Keras], Any]
    build: Callable[[Keras, Any], Any]
    generations: tuple[int, ...] = (2, 3)
    tensorflow: bool = False
    records: bool = True
    since: tuple[int, int] = (3, 0)

    def runs_on(self, k: Keras) -> bool:
        can = k.generation == 2 or k.version >= self.since
        return can and k.generation in self.generations and (k.tensorflow or not self.tensorflow)


SCENARIOS: list[Scenario] = []


def scenario(build: Callable[[Keras, Any], Any], **options: Any) -> Any:
    """Register a `make` function together with what builds its model."""

    def register(make: Callable[[Keras], Any]) -> Callable[[Keras], Any]:
        SCENARIOS.append(Scenario(make.__name__, make, build, **options))
        return make

    return register


# -- ways to build ----------------------------------------------------------------------------


def data(*shape: int) -> np.ndarray:
    return np.ones(shape, "float32")


def by_shape(*shape: int | None) -> Callable[[Keras, Any], Any]:
    return lambda k, model: model.build(shape)


def by_call(*shape: int) -> Callable[[Keras, Any], Any]:
    return lambda k, model: model(data(*shape))


def by_symbol(*shape: int | None) -> Callable[[Keras, Any], Any]:
    return lambda k, model: model(k.Input(shape))


def by_fit(k: Keras, model: Any) -> None:
    model.compile("sgd", "mse")
    model.fit(data(4, 3), data(4, 2), verbose=0)


def connect(k: Keras, connect: Callable[[], Any]) -> Any:
    """Phase 2 of functional models: the layers exist, `connect` wires them."""
    return connect()


# -- sequential -------------------------------------------------------------------------------


def mlp(k: Keras, *first: Any) -> Any:
    return k.Sequential([*first, k.layers.Dense(4, activation="relu"), k.layers.Dense(2)])


@scenario(by_shape(None, 3))
def sequential_build(k: Keras) -> Any:
    return mlp(k)


def _twice(k: Keras, model: Any) -> None:
    model.build((None, 3))
    model.build((None, 3))


@scenario(_twice)
def sequential_build_twice(k: Keras) -> Any:
    return mlp(k)


def _other_shape(k: Keras, model: Any) -> None:
    model.build((None, 3))
    with contextlib.suppress(ValueError):
        model.build((None, 5))


@scenario(_other_shape)
def sequential_build_other_shape(k: Keras) -> Any:
    return mlp(k)


def _no_shape(k: Keras, model: Any) -> None:
    with contextlib.suppress(ValueError):
        model.build()


@scenario(_no_shape)
def sequential_build_without_shape(k: Keras) -> Any:
    return mlp(k)


@scenario(by_call(2, 3))
def sequential_lazy_call(k: Keras) -> Any:
    return mlp(k)


@scenario(by_symbol(3))
def sequential_symbolic_call(k: Keras) -> Any:
    return mlp(k)


@scenario(by_fit)
def sequential_fit(k: Keras) -> Any:
    return mlp(k)


def _compile_then_build(k: Keras, model: Any) -> None:
    model.compile("sgd", "mse")
    model.build((None, 3))
    model.fit(data(4, 3), data(4, 2), verbose=0)


@scenario(_compile_then_build)
def sequential_compile_build_fit(k: Keras) -> Any:
    return mlp(k)


def _build_after_fit(k: Keras, model: Any) -> None:
    by_fit(k, model)
    with contextlib.suppress(ValueError):
        model.build((None, 3))


@scenario(_build_after_fit)
def sequential_build_after_fit(k: Keras) -> Any:
    return mlp(k)


@scenario(by_call(2, 3), records=False)
def sequential_input_first(k: Keras) -> Any:
    return mlp(k, k.keras.Input((3,)))


def _add(k: Keras, model: Any) -> None:
    model.add(k.Input((3,)))
    model.add(k.layers.Dense(4))
    model.add(k.layers.Dense(2))


@scenario(_add)
def sequential_add_one_by_one(k: Keras) -> Any:
    return k.Sequential()


def _add_later(k: Keras, model: Any) -> None:
    model.build((None, 3))
    model.add(k.layers.Dense(5))
    model.build((None, 3))
    model.pop()
    model(data(1, 3))


@scenario(_add_later)
def sequential_add_and_pop_after_build(k: Keras) -> Any:
    return mlp(k)


@scenario(by_shape(None, 3))
def sequential_nested(k: Keras) -> Any:
    return k.Sequential([k.layers.Dense(3), mlp(k), k.Sequential([mlp(k)])])


@scenario(by_call(2, 3))
def sequential_nested_by_call(k: Keras) -> Any:
    return k.Sequential([k.layers.Dense(3), mlp(k)])


@scenario(by_call(2, 3))
def single_layer(k: Keras) -> Any:
    return k.layers.Dense(2)


@scenario(by_shape(None, 3))
def single_layer_build(k: Keras) -> Any:
    return k.layers.Dense(2)


@scenario(by_call(2, 3), records=False)
def already_built(k: Keras) -> Any:
    model = mlp(k)
    model.build((None, 3))
    return model


def _export(k: Keras, model: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = k.keras.export.ExportArchive()
        archive.track(model)
        spec = importlib.import_module("tensorflow").TensorSpec((None, 3), "float32")
        archive.add_endpoint(name="serve", fn=model.call, input_signature=[spec])
        quiet = "verbose" in inspect.signature(archive.write_out).parameters
        archive.write_out(folder, **({"verbose": False} if quiet else {}))


@scenario(_export, records=False, tensorflow=True)
def exported(k: Keras) -> Any:
    return already_built(k)


def _fit_twice(k: Keras, model: Any) -> None:
    by_fit(k, model)
    model.fit(data(4, 3), data(4, 2), verbose=0)
    model.evaluate(data(4, 3), data(4, 2), verbose=0)
    model.predict(data(4, 3), verbose=0)


@scenario(_fit_twice)
def sequential_fit_and_predict(k: Keras) -> Any:
    return mlp(k)


# -- functional -------------------------------------------------------------------------------


@scenario(connect)
def functional(k: Keras) -> Any:
    a, b = k.layers.Dense(4), k.layers.Dense(2)

    def connect() -> Any:
        x = k.Input((3,))
        return k.Model(x, b(a(x)))

    return connect


@scenario(connect)
def functional_two_inputs_two_outputs(k: Keras) -> Any:
    left, right, join = k.layers.Dense(4), k.layers.Dense(4), k.layers.Concatenate()
    one, two = k.layers.Dense(1), k.layers.Dense(2)

    def connect() -> Any:
        x, y = k.Input((3,), name="x"), k.Input((5,), name="y")
        z = join([left(x), right(y)])
        return k.Model([x, y], {"one": one(z), "two": two(z)})

    return connect


@scenario(connect)
def shared_layer(k: Keras) -> Any:
    shared, out = k.layers.Dense(4), k.layers.Dense(1)

    def connect() -> Any:
        x, y = k.Input((3,)), k.Input((3,))
        return k.Model([x, y], out(k.layers.add([shared(x), shared(y)])))

    return connect


@scenario(connect)
def model_in_a_model(k: Keras) -> Any:
    inner, out = mlp(k), k.layers.Dense(1)

    def connect() -> Any:
        h = k.Input((3,))
        functional = k.Model(h, k.layers.Dense(3)(h))
        x = k.Input((3,))
        return k.Model(x, out(inner(functional(functional(x)))))

    return connect


@scenario(connect)
def submodel_of_inner_tensors(k: Keras) -> Any:
    a, b = k.layers.Dense(4), k.layers.Dense(2)

    def connect() -> Any:
        x = k.Input((3,))
        h = a(x)
        k.Model(x, b(h))
        return k.Model(h, b(h))

    return connect


@scenario(connect)
def operators(k: Keras) -> Any:
    a, b = k.layers.Dense(4), k.layers.Dense(4)

    def connect() -> Any:
        x = k.Input((3,))
        y = a(x) + b(x) * 2.0
        return k.Model(x, k.sum(k.relu(y)) - y[:, :1])

    return connect


@scenario(connect)
def lambda_layer(k: Keras) -> Any:
    layers = [k.layers.Dense(4), k.layers.Lambda(lambda x: x * 2), k.layers.Dense(2)]
    return lambda: k.Sequential([k.Input((3,)), *layers])


@scenario(connect)
def clone_and_config(k: Keras) -> Any:
    model = mlp(k, k.keras.Input((3,)))

    def connect() -> Any:
        k.keras.models.clone_model(model)
        return k.keras.Sequential.from_config(model.get_config())

    return connect


@scenario(connect)
def graph_disconnected(k: Keras) -> Any:
    a = k.layers.Dense(4)

    def connect() -> Any:
        x, y = k.Input((3,)), k.Input((3,))
        with contextlib.suppress(ValueError):
            k.Model(y, a(x))

    return connect


# -- subclassed -------------------------------------------------------------------------------


def two_layer_model(k: Keras) -> Any:
    class TwoLayers(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = k.layers.Dense(4)
            self.out = k.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.out(k.relu(self.hidden(inputs)))

    return TwoLayers()


@scenario(by_shape(None, 3))
def subclassed_build(k: Keras) -> Any:
    return two_layer_model(k)


@scenario(by_call(2, 3))
def subclassed_eager(k: Keras) -> Any:
    return two_layer_model(k)


@scenario(by_symbol(3))
def subclassed_symbolic(k: Keras) -> Any:
    return two_layer_model(k)


@scenario(by_fit)
def subclassed_fit(k: Keras) -> Any:
    return two_layer_model(k)


def _own_step(k: Keras, model: Any) -> None:
    model.compile("sgd", "mse")
    model.train_on_batch(data(4, 3), data(4, 2))
    model.test_on_batch(data(4, 3), data(4, 2))


@scenario(_own_step)
def subclassed_train_on_batch(k: Keras) -> Any:
    return two_layer_model(k)


def own_layer(k: Keras, base: type | None = None) -> type:
    class Scale(base or k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
            super().build(input_shape)

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale

    return Scale


@scenario(by_call(2, 3))
def own_layer_eager(k: Keras) -> Any:
    return own_layer(k)()


@scenario(by_shape(None, 3))
def own_layer_in_sequential(k: Keras) -> Any:
    return k.Sequential([own_layer(k)(), k.layers.Dense(2)])


@scenario(by_shape(None, 3))
def own_layer_nested_super(k: Keras) -> Any:
    class Deeper(own_layer(k)):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.shift = self.add_weight(
                name="shift", shape=(input_shape[-1],), initializer="zeros"
            )

        def call(self, inputs: Any) -> Any:
            return super().call(inputs) + self.shift

    return k.Sequential([Deeper()])


@scenario(by_shape(None, 3))
def own_subclass_of_dense(k: Keras) -> Any:
    class MyDense(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return k.Sequential([MyDense(4), own_layer(k, k.layers.Dense)(3)])


def _loud(method: Any) -> Any:
    @functools.wraps(method)
    def wrapped(self: Any, input_shape: Any) -> Any:
        return method(self, input_shape)

    return wrapped


@scenario(by_shape(None, 3))
def own_layer_with_decorated_build(k: Keras) -> Any:
    class Decorated(k.layers.Layer):
        @_loud
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
            self.built = True

        def call(self, inputs: Any) -> Any:
            return inputs * self.w

    return k.Sequential([Decorated()])


@scenario(by_shape(None, 3))
def own_layer_with_sublayers(k: Keras) -> Any:
    class Block(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(4)
            self.norm = k.layers.LayerNormalization()

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)
            self.norm.build((*tuple(input_shape)[:-1], 4))
            self.built = True

        def call(self, inputs: Any) -> Any:
            return self.norm(self.dense(inputs))

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*tuple(input_shape)[:-1], 4)

    return k.Sequential([Block(), Block(), k.layers.Dense(1)])


@scenario(by_call(2, 3))
def own_layer_without_build(k: Keras) -> Any:
    class Lazy(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = [k.layers.Dense(3) for _ in range(3)]

        def call(self, inputs: Any) -> Any:
            for layer in self.inner:
                inputs = layer(inputs)
            return inputs

    return Lazy()


@scenario(by_shape(None, 3))
def subclassed_with_sequential(k: Keras) -> Any:
    class Outer(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block = mlp(k)
            self.inner = two_layer_model(k)
            self.out = k.layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.out(self.block(inputs) + self.inner(inputs))

    return Outer()


def _weights_in_init_make(k: Keras) -> type:
    class InInit(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale

    return InInit


@scenario(by_call(2, 3))
def weights_in_init(k: Keras) -> Any:
    return _weights_in_init_make(k)()


@scenario(connect)
def weights_in_init_symbolic(k: Keras) -> Any:
    return lambda: _weights_in_init_make(k)()(k.Input((3,)))


def _caught(build: Callable[[Keras, Any], Any]) -> Callable[[Keras, Any], Any]:
    def run(k: Keras, model: Any) -> None:
        # Which errors come depends on the generation and the backend: the tree is the test.
        with contextlib.suppress(Exception):
            build(k, model)

    return run


def _weights_in_call(k: Keras) -> Any:
    class InCall(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            if not hasattr(self, "scale"):
                self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
            return inputs * self.scale

    return InCall()


@scenario(_caught(by_call(2, 3)))
def weights_in_call_eager(k: Keras) -> Any:
    return _weights_in_call(k)


@scenario(_caught(by_symbol(3)))
def weights_in_call_symbolic(k: Keras) -> Any:
    return _weights_in_call(k)


@scenario(by_shape(None, 3))
def own_initializer(k: Keras) -> Any:
    class Twos(k.keras.initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            return k.keras.initializers.Constant(2.0)(shape, dtype)

    return k.Sequential([k.layers.Dense(2, kernel_initializer=Twos(), kernel_regularizer="l2")])


@scenario(connect)
def own_output_shape(k: Keras) -> Any:
    class Pair(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs, inputs

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape, input_shape

    def connect() -> Any:
        x = k.Input((3,))
        return k.Model(x, Pair()(x))

    return connect


# -- layers that build in their own way -------------------------------------------------------


@scenario(by_call(2, 4, 3))
def lstm(k: Keras) -> Any:
    return k.Sequential([k.layers.LSTM(4, return_sequences=True), k.layers.GRU(2)])


@scenario(by_shape(None, 4, 3))
def stacked_cells(k: Keras) -> Any:
    cells = [k.layers.LSTMCell(4), k.layers.GRUCell(3), k.layers.SimpleRNNCell(2)]
    return k.Sequential([k.layers.RNN(cells)])


@scenario(by_symbol(4, 3))
def own_cell(k: Keras) -> Any:
    class Cell(k.layers.Layer):
        state_size = 3
        output_size = 3

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(
                shape=(input_shape[-1], 3), initializer="uniform", name="kernel"
            )
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            shift = k.relu(inputs)[:, :1]
            return states[0] + shift, [states[0] + shift]

        def get_initial_state(self, *args: Any, **kwargs: Any) -> Any:
            tensors = k.keras.ops if k.generation == 3 else importlib.import_module("tensorflow")
            batch = kwargs["batch_size"] if "batch_size" in kwargs else args[0]
            return [tensors.zeros((batch, 3))]

    return k.Sequential([k.layers.RNN(Cell())])


@scenario(by_shape(None, 4, 3))
def bidirectional(k: Keras) -> Any:
    return k.Sequential([k.layers.Bidirectional(k.layers.LSTM(2))])


@scenario(by_shape(None, 4, 3))
def time_distributed(k: Keras) -> Any:
    return k.Sequential([k.layers.TimeDistributed(k.layers.Dense(2)), k.layers.Flatten()])


@scenario(connect)
def multi_head_attention(k: Keras) -> Any:
    attention = k.layers.MultiHeadAttention(num_heads=2, key_dim=2)
    norm = k.layers.LayerNormalization()

    def connect() -> Any:
        x = k.Input((4, 3))
        return k.Model(x, norm(x + attention(x, x)))

    return connect


@scenario(by_call(2, 4, 3))
def multi_head_attention_eager(k: Keras) -> Any:
    class SelfAttention(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.attention = k.layers.MultiHeadAttention(num_heads=2, key_dim=2)

        def call(self, inputs: Any) -> Any:
            return self.attention(inputs, inputs)

    return SelfAttention()


@scenario(by_shape(None, 8, 8, 3))
def convolutional(k: Keras) -> Any:
    return k.Sequential(
        [
            k.layers.Conv2D(4, 3, padding="same"),
            k.layers.BatchNormalization(),
            k.layers.ReLU(),
            k.layers.PReLU(),
            k.layers.DepthwiseConv2D(3),
            k.layers.MaxPooling2D(),
            k.layers.Dropout(0.5),
            k.layers.GlobalAveragePooling2D(),
        ]
    )


@scenario(by_call(2, 4))
def embedding(k: Keras) -> Any:
    return k.Sequential(
        [k.layers.Embedding(10, 3, mask_zero=True), k.layers.LSTM(2), k.layers.Dense(1)]
    )


@scenario(connect)
def merges(k: Keras) -> Any:
    def connect() -> Any:
        x, y = k.Input((3,)), k.Input((3,))
        parts = [k.layers.Subtract()([x, y]), k.layers.Dot(1)([x, y]), k.layers.Maximum()([x, y])]
        return k.Model([x, y], k.layers.Concatenate()(parts))

    return connect


@scenario(connect)
def spectral_and_wrappers(k: Keras) -> Any:
    def connect() -> Any:
        x = k.Input((3,))
        return k.Model(x, k.layers.Activation("relu")(k.layers.GaussianNoise(0.1)(x)))

    return connect


def _adapt(k: Keras, layer: Any) -> None:
    layer.adapt(data(4, 3))
    layer(data(2, 3))


@scenario(_adapt)
def adapt_normalization(k: Keras) -> Any:
    return k.layers.Normalization()


def _adapt_text(k: Keras, layer: Any) -> None:
    tf = importlib.import_module("tensorflow")
    layer.adapt(tf.constant(["a b", "b c"]))
    layer(tf.constant(["a c"]))


@scenario(_adapt_text, tensorflow=True)
def adapt_text_vectorization(k: Keras) -> Any:
    return k.layers.TextVectorization(max_tokens=10)


# -- errors -----------------------------------------------------------------------------------


def failing_layer(k: Keras) -> Any:
    class Failing(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
            raise ZeroDivisionError("no luck")

        def call(self, inputs: Any) -> Any:
            return inputs

    return Failing()


@scenario(_caught(by_shape(None, 3)))
def failing_build(k: Keras) -> Any:
    return k.Sequential([k.layers.Dense(2), failing_layer(k), k.layers.Dense(2)])


@scenario(_caught(by_call(2, 3)))
def failing_build_lazily(k: Keras) -> Any:
    return k.Sequential([k.layers.Dense(2), failing_layer(k), k.layers.Dense(2)])


@scenario(_caught(by_symbol(3)))
def failing_call(k: Keras) -> Any:
    class Failing(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            raise ZeroDivisionError("no luck")

    return k.Sequential([k.layers.Dense(2), Failing()])


def _fail_then_build(k: Keras, model: Any) -> None:
    with contextlib.suppress(ValueError, ZeroDivisionError):
        model(data(2, 4, 3))
    model.build((None, 4, 4))


@scenario(_caught(_fail_then_build))
def failing_then_again(k: Keras) -> Any:
    return k.Sequential([k.layers.Conv1D(2, 8), k.layers.Dense(2)])


@scenario(_caught(by_shape(None, 3)))
def swallowed_exception(k: Keras) -> Any:
    inner = failing_layer(k)

    class Swallows(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            with contextlib.suppress(ZeroDivisionError):
                inner.build(input_shape)
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
            self.built = True

        def call(self, inputs: Any) -> Any:
            return inputs * self.w

    return k.Sequential([Swallows(), k.layers.Dense(2)])


@scenario(by_shape(None, 3))
def swallowed_by_keras(k: Keras) -> Any:
    class Branching(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(2)
            self.spare = k.layers.Dense(3)

        def call(self, inputs: Any) -> Any:
            try:
                return self.dense(inputs, nonsense=1)
            except TypeError:
                return self.spare(inputs)

    return Branching()


# -- builds of a base class -------------------------------------------------------------------


@scenario(by_call(2, 3))
def super_through_mixins(k: Keras) -> Any:
    """Each class hands on to the next in the order of resolution."""

    class Shifts:
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.shift = self.add_weight(name="shift", shape=(1,), initializer="zeros")

    class Scales(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
            super().build(input_shape)

    class Both(Shifts, Scales, k.layers.Dense):
        pass

    class Own(Both):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return k.Sequential([Both(2), Own(2)])


@scenario(by_shape(None, 3))
def super_twice(k: Keras) -> Any:
    class Twice(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            if k.generation == 2:  # Keras 3 locks what is built
                super().build(input_shape)
            else:
                super(k.layers.Dense, self).build(input_shape)
                super(k.layers.Dense, self).build(input_shape)

    return Twice(2)


@scenario(by_shape(None, 3))
def base_class_by_its_name(k: Keras) -> Any:
    class Old(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            k.layers.Dense.build(self, input_shape)

    return k.Sequential([Old(2)])


@scenario(lambda k, layer: type(layer).build(layer, (None, 3)))
def build_of_the_class(k: Keras) -> Any:
    """Without what Keras 3 wraps around the build of each layer."""

    class Own(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return Own(2)


@scenario(by_shape(None, 3))
def class_named_as_its_base(k: Keras) -> Any:
    class Dense(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return k.Sequential([Dense(2)])


@scenario(by_shape(None, 3))
def classes_of_a_factory(k: Keras) -> Any:
    """Their builds are different functions with the same code."""

    def child_of(base: Any, decorator: Any) -> Any:
        class Child(base):
            @decorator
            def build(self, input_shape: Any) -> None:
                super().build(input_shape)

        return Child

    def twice(decorator: Any) -> Any:
        return child_of(child_of(k.layers.Dense, decorator), decorator)(2)

    return k.Sequential([twice(lambda method: method), twice(_loud)])


@scenario(by_shape(None, 3))
def super_kept_in_a_variable(k: Keras) -> Any:
    class Keeps(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            build = super().build
            build(input_shape=input_shape)

    return k.Sequential([Keeps(2)])


@scenario(by_shape(None, 3))
def build_taken_from_another_class(k: Keras) -> Any:
    class Own(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    class Takes(Own):
        build = k.layers.Dense.build

    class Inherits(Takes):
        pass

    return k.Sequential([Takes(2), Inherits(2)])


@scenario(by_shape(None, 3))
def build_that_runs_itself_again(k: Keras) -> Any:
    class Again(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            if input_shape[-1] == 3:
                type(self).build(self, (None, 4))
            else:
                self.w = self.add_weight(name="w", shape=(4,), initializer="ones")
                self.built = True

        def call(self, inputs: Any) -> Any:
            return inputs

    return k.Sequential([Again()])


@scenario(by_shape(None, 3))
def base_class_with_decorated_build(k: Keras) -> Any:
    class Decorated(k.layers.Dense):
        @_loud
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    class Own(Decorated):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return k.Sequential([Decorated(2), Own(2)])


@scenario(by_shape(None, 3), generations=(3,))
def class_decorated_afterwards(k: Keras) -> Any:
    """What a decorator of classes does: it takes what it finds in the class."""

    class Found(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    class LookedUp(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    Found.build = _loud(vars(Found)["build"])
    LookedUp.build = _loud(LookedUp.build)
    return k.Sequential([Found(2), LookedUp(2)])


@scenario(by_shape(None, 3))
def model_that_builds_its_base(k: Keras) -> Any:
    class Own(type(two_layer_model(k))):
        def build(self, input_shape: Any) -> None:
            self.hidden.build(input_shape)
            self.out.build((None, 4))
            super().build(input_shape)

    return Own()


@scenario(connect, generations=(3,))
def keras_own_subclasses(k: Keras) -> Any:
    names = ("SpectralNormalization", "TimeDistributed", "ReversibleEmbedding")
    spectral, distributed, reversible = (getattr(k.layers, name, None) for name in names)

    def connect() -> Any:
        if reversible is not None:  # not in older versions
            reversible(10, 3)(k.Input((4,)))
        x, y = k.Input((4, 3)), k.Input((4, 3))
        z = distributed(k.layers.Dense(2))(k.layers.Subtract()([x, y]))
        return k.Model([x, y], spectral(k.layers.Dense(2))(z))

    return connect


@scenario(_caught(by_shape(None, 3)))
def failing_in_super(k: Keras) -> Any:
    class Own(type(failing_layer(k))):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return k.Sequential([k.layers.Dense(2), Own()])


@scenario(by_shape(None, 3))
def failing_in_super_and_caught(k: Keras) -> Any:
    class Own(type(failing_layer(k))):
        def build(self, input_shape: Any) -> None:
            with contextlib.suppress(ZeroDivisionError):
                super().build(input_shape)
            self.built = True

    return k.Sequential([Own(), k.layers.Dense(2)])


# -- several models ---------------------------------------------------------------------------


def _build_both(k: Keras, models: Any) -> None:
    for model in models:
        model.build((None, 3))
    models[0](data(1, 3))


@scenario(_build_both)
def several_models(k: Keras) -> Any:
    return mlp(k), two_layer_model(k), mlp(k)


def _interleaved(k: Keras, models: Any) -> None:
    one, two = models
    x, y = k.Input((3,)), k.Input((3,))
    a, b = one.layers[0](x), two.layers[0](y)
    k.Model([x, y], k.layers.add([one.layers[1](a), two.layers[1](b)]))
    one.build((None, 3))


@scenario(_interleaved)
def interleaved_models(k: Keras) -> Any:
    return mlp(k), mlp(k)


def _training_loop(k: Keras, model: Any) -> None:
    for _ in range(3):
        model(data(2, 3), training=True)


@scenario(_training_loop)
def several_eager_calls(k: Keras) -> Any:
    return k.Sequential([k.layers.Dense(2), k.layers.BatchNormalization(), k.layers.Dropout(0.5)])


def _share_between(k: Keras, model: Any) -> None:
    model(data(1, 3))
    k.Sequential([model, k.layers.Dense(1)]).build((None, 3))


@scenario(_caught(_share_between))
def built_model_in_a_new_one(k: Keras) -> Any:
    return mlp(k)
