"""Warnings and log lines are those of plain Keras, and name the same file and line."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from faithful import both, fresh
from scenarios import Keras, data

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTHS = range(1, 9)
"""Further out there is this test itself, in which tracing is a line of its own."""


def warn() -> None:
    """Blames each of its callers in turn: a frame of ours between them would be blamed, too."""
    for depth in DEPTHS:
        warnings.warn(f"from {depth} frames further out", stacklevel=depth)


def in_build(k: Keras) -> None:
    class Warns(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            warn()

        def call(self, inputs: Any) -> Any:
            return inputs

    k.Sequential([Warns()]).build((None, 3))
    Warns()(data(1, 3))


def in_call(k: Keras) -> None:
    class Warns(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            warn()
            return inputs

        def compute_output_shape(self, input_shape: Any) -> Any:
            warn()
            return input_shape

    k.Sequential([Warns()])(k.Input((3,)))
    k.Sequential([Warns()])(data(1, 3))


def in_an_initializer(k: Keras) -> None:
    class Warns(k.keras.initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            warn()
            return k.keras.initializers.Zeros()(shape, dtype=dtype)

    k.layers.Dense(2, kernel_initializer=Warns()).build((None, 3))


def in_a_new_class(k: Keras) -> None:
    class Warns:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            warn()

    class Below(k.layers.Layer, Warns):
        pass


def by_keras(k: Keras) -> None:
    """What Keras has to say itself: which of it depends on the version."""

    class Unbuilt(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = k.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs)

    k.layers.Dense(2, input_shape=(3,))
    k.layers.InputLayer(input_shape=(3,))
    Unbuilt().build((None, 3))
    x = k.Input((3,), name="x")
    model = k.Model({"x": x}, k.layers.Dense(1)(x))
    model({"x": data(1, 3), "unknown": data(1, 3)})
    model([data(1, 3)])
    initializer = k.keras.initializers.RandomNormal()
    initializer((2,))
    initializer((2,))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "run",
    [in_build, in_call, in_an_initializer, in_a_new_class, by_keras],
    ids=lambda f: f.__name__,
)
def test_warnings_name_the_same_lines(k: Keras, run: Callable[[Keras], None]) -> None:
    def record() -> list[tuple[Any, ...]]:
        fresh(k)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")  # each once per place, so the register counts too
            run(k)
            run(k)
        return [(w.category, str(w.message), w.filename, w.lineno) for w in caught]

    record()  # TensorFlow converts the code of a call once, and that warns on new Pythons
    plain, traced = both(record)
    assert plain
    assert traced == plain


@pytest.mark.skipif(sys.version_info < (3, 11), reason="logging counts all frames there")
def test_log_lines_name_the_same_lines(k: Keras) -> None:
    logger = logging.getLogger("test_log_lines")
    logger.propagate = False

    class Logs(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            for depth in DEPTHS:
                logger.warning("from %d frames further out", depth, stacklevel=depth)

        def call(self, inputs: Any) -> Any:
            return inputs

    def record() -> str:
        text = io.StringIO()
        handler = logging.StreamHandler(text)
        handler.setFormatter(logging.Formatter("%(pathname)s:%(lineno)d: %(message)s"))
        logger.addHandler(handler)
        Logs()(data(1, 3))
        logger.removeHandler(handler)
        return text.getvalue()

    plain, traced = both(record)
    assert len(plain.splitlines()) == len(DEPTHS)
    assert traced == plain
