"""What is asked of models is noted, and done as without us."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from patches import OURS
from scenarios import Keras, data, mlp

import buildtrace
from buildtrace.capture import Tracing
from buildtrace.generations import GENERATIONS

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace


def names(trace: Trace) -> list[str]:
    return [use.name for use in trace.uses]


def text_of(line: int) -> str:
    return Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1]


def test_a_summary_before_and_after(k: Keras, capsys: pytest.CaptureFixture[str]) -> None:
    model = k.Sequential([k.layers.Dense(2, name="a"), k.layers.Activation("relu")])
    with buildtrace.trace() as trace:
        if k.generation == 2:
            with pytest.raises(ValueError, match="not yet been built"):
                model.summary()  # early
        else:
            model.summary()  # early
        model.build((None, 3))
        model.summary()
    early, late = trace.uses
    assert names(trace) == ["Model.summary"] * 2
    assert (early.built, early.weights, early.before) == (False, 0, 0)
    assert [layer.name for layer in early.unbuilt] == ["a"]
    assert early.caller is not None
    assert early.caller.file == __file__
    assert text_of(early.caller.line).endswith("# early")
    assert (early.error is not None) == (k.generation == 2)
    assert (late.built, late.weights, late.unbuilt) == (True, 2, ())
    assert late.before == len(trace.calls)
    assert "a (Dense)" in capsys.readouterr().out


def test_saving_and_loading(k: Keras, tmp_path: Path) -> None:
    model = mlp(k)
    model.build((None, 3))
    path = str(tmp_path / "model.keras")
    weights = str(tmp_path / "model.weights.h5")
    with buildtrace.trace() as trace:
        model.save(path)
        k.keras.models.load_model(path)
        model.save_weights(weights)
        model.load_weights(weights)
    assert names(trace) == ["Model.save", "load_model", "Model.save_weights", "Model.load_weights"]
    save, load, *_ = trace.uses
    assert save.model is not None
    assert save.model.name == model.name
    assert load.model is None
    assert load.before == 0  # what it builds comes after it
    assert trace.calls


def test_a_file_that_is_not_there(k: Keras) -> None:
    with buildtrace.trace() as trace, pytest.raises((OSError, ValueError)) as caught:
        k.keras.models.load_model("/nowhere/at_all.keras")
    (use,) = trace.uses
    assert use.error is not None
    assert use.error.type == caught.type.__name__
    assert not [e for e in caught.traceback[1:] if str(e.path).startswith(OURS)]


def test_one_optimizer_for_two_models(k: Keras) -> None:
    first, second = mlp(k), mlp(k)
    optimizer = k.keras.optimizers.Adam()
    with buildtrace.trace() as trace:
        first.compile(optimizer, "mse")
        second.compile(loss="mse", optimizer=optimizer)
        mlp(k).compile(k.keras.optimizers.Adam(), "mse")
        mlp(k).compile("sgd", "mse")
    assert names(trace) == ["Model.compile"] * 4
    one, two, three, four = (use.optimizer for use in trace.uses)
    assert one is not None
    assert three is not None
    assert one == two
    assert one.class_name == "Adam"
    assert three.id != one.id
    assert four is None
    assert len({use.model.id for use in trace.uses if use.model}) == 4


def test_a_use_that_keras_makes_itself_is_no_use(k: Keras) -> None:
    class Net(k.keras.Model):  # type: ignore[name-defined, misc]
        def summary(self, *args: Any, **kwargs: Any) -> None:
            super().summary(*args, **kwargs)
            self.compile("sgd", "mse")

        def call(self, x: Any) -> Any:
            return x

    net = Net()
    net(data(1, 2))
    with buildtrace.trace() as trace:
        net.summary()
    assert names(trace) == ["Model.summary", "Model.compile"]


def test_nothing_is_noted_of_a_model_that_cannot_be_read(k: Keras) -> None:
    odd: list[str] = []

    class Odd(k.keras.Model):  # type: ignore[name-defined, misc]
        def _flatten_layers(self, *args: Any, **kwargs: Any) -> Any:
            if odd:  # the first to ask, which is not Keras
                raise RuntimeError(odd.pop())
            return super()._flatten_layers(*args, **kwargs)

        def call(self, x: Any) -> Any:
            return x

    model = Odd()
    tracing = Tracing()
    tracing.start()
    odd.append("odd")
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="could not read everything"):
        tracing.stop()
    assert names(tracing.trace) == ["Model.compile"]


def test_uses_look_like_themselves(k: Keras) -> None:
    generation = next(g for g in GENERATIONS if g.name == k.name)
    before = {name: inspect.signature(function(k, name)) for name, _ in generation.uses}
    with buildtrace.trace():
        assert {name: inspect.signature(function(k, name)) for name in before} == before
        assert function(k, "Model.save").__qualname__ == "Model.save"


def function(k: Keras, name: str) -> Any:
    if name.startswith("Model."):
        return getattr(k.keras.Model, name.removeprefix("Model."))
    owner = k.keras.models if name == "load_model" else k.keras.utils
    return getattr(owner, name)
