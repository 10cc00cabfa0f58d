"""A Keras in which a landmark has gone, moved, or is not a plain function any more."""

from __future__ import annotations

import functools
import importlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from forked import Python
from patches import patched_since, snapshot
from scenarios import GENERATIONS, Keras

import buildtrace
from buildtrace import generations
from buildtrace.errors import MissingLandmarkWarning

if TYPE_CHECKING:
    from collections.abc import Callable


class CompiledMethod:
    """Binds like a function and is none, as methods compiled by Cython are."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __get__(self, thing: Any, owner: Any = None) -> Any:
        return self if thing is None else functools.partial(self.function, thing)


def as_property(function: Any) -> Any:
    return property(lambda self: functools.partial(function, self))


OTHER_KINDS: dict[str, Callable[[Any], Any]] = {
    "property": as_property,
    "compiled": CompiledMethod,
    "partialmethod": functools.partialmethod,
}


def build(k: Keras) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(2)(x))


def check(k: Keras, name: str) -> Any:
    """The landmark is named, the program works, the rest is traced, and nothing stays."""
    before = snapshot()
    version = k.keras.__version__
    with pytest.warns(MissingLandmarkWarning) as warned, buildtrace.trace() as trace:
        model = build(k)
    ours = [str(w.message) for w in warned if w.category is MissingLandmarkWarning]
    assert [message.count(f"{k.package} {version} has no {name} ") for message in ours] == [1]
    assert len(model.layers) == 2
    assert [info.missing for info in trace.environment.keras] == [(name,)]
    assert not trace.find(name)
    assert trace.find("Dense.build")
    assert len(trace.weights) == 2
    assert not patched_since(before)
    return trace


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_a_method_that_is_no_plain_function(
    k: Keras, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = k.layers.Layer
    original = vars(owner)["_maybe_build"]
    monkeypatch.setattr(owner, "_maybe_build", OTHER_KINDS[kind](original))
    check(k, "Layer._maybe_build")


def home(k: Keras) -> Any:
    name = "ops.function" if k.generation == 3 else "engine.functional"
    return importlib.import_module(f"{k.root}.{name}")


def test_a_function_that_is_a_partial(k: Keras, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home(k), "_build_map", functools.partial(home(k)._build_map))
    if k.generation == 3:
        user = importlib.import_module(f"{k.root}.models.functional")
        monkeypatch.setattr(user, "_build_map", home(k)._build_map)
    check(k, "_build_map")


def test_a_class_that_is_a_function_now(k: Keras, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Node` is made by a function of this name: what is in its __dict__ is not Node's."""
    module = importlib.import_module(f"{k.root}.{'ops' if k.generation == 3 else 'engine'}.node")
    node = module.Node

    @functools.wraps(node.__init__)
    def make(*args: Any, **kwargs: Any) -> Any:
        return node(*args, **kwargs)

    monkeypatch.setattr(module, "Node", make)
    check(k, "Node.__init__")


def test_a_keras_that_is_made_otherwise(k: Keras, monkeypatch: pytest.MonkeyPatch) -> None:
    real = generations.adapter_for

    def fails(package: str) -> Any:
        if package == k.package:
            raise ImportError("no module named layer")
        return real(package)

    monkeypatch.setattr(generations, "adapter_for", fails)
    message = rf"{k.package} {k.keras.__version__} .*no module named layer.*nothing is traced"
    with pytest.warns(MissingLandmarkWarning, match=message), buildtrace.trace() as trace:
        assert len(build(k).layers) == 2
    assert not trace.calls


def test_where_warnings_are_errors_nothing_stays(k: Keras, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = k.layers.Layer
    monkeypatch.setattr(owner, "_maybe_build", CompiledMethod(vars(owner)["_maybe_build"]))
    before = snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MissingLandmarkWarning), buildtrace.trace():
            pytest.fail("it began")
    assert not patched_since(before)


# -- the command ------------------------------------------------------------------------------

WITH_A_GAP = """
import sys
from buildtrace import generations
from buildtrace.generations.base import Landmark

gone = Landmark(name="Layer.gone", target={target!r}, step="build", reads="state", summary="Was.")
real = generations.generation_of
generations.GENERATIONS = tuple(
    g._replace(landmarks=(gone, *g.landmarks)) for g in generations.GENERATIONS
)
generations.generation_of = lambda package, version: next(
    g for g in generations.GENERATIONS if g.name == real(package, version).name
)
from buildtrace.cli import main
sys.exit(main(sys.argv[1:]))
"""

SCRIPT = """
import warnings
warnings.simplefilter({filter!r})
import {package} as keras
model = keras.Sequential([keras.layers.Dense(2)])
model.build((None, 3))
print("built", len(model.weights))
"""


def command(
    python: Python, which: Keras, folder: Path, *arguments: str, warn: str = "default"
) -> Any:
    module = "layers.layer" if which.generation == 3 else "engine.base_layer"
    folder.joinpath("command.py").write_text(WITH_A_GAP.format(target=f"{module}:Layer.gone"))
    folder.joinpath("script.py").write_text(SCRIPT.format(package=which.package, filter=warn))
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", COLUMNS="100")
    environment["PYTHONPATH"] = str(Path(buildtrace.__file__).parents[1])
    return python(
        "command.py", *arguments, cwd=folder, env=environment, keras=str(which.generation)
    )


def check_command(python: Python, which: Keras, folder: Path, warn: str) -> Any:
    done = command(python, which, folder, "-o", "trace.json", "script.py", warn=warn)
    assert done.returncode == 0, done.stderr
    assert "built 2" in done.stdout
    trace = buildtrace.load(folder / "trace.json")
    assert [info.missing for info in trace.environment.keras] == [("Layer.gone",)]
    assert trace.find("Dense.build")
    return done


@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_the_command_names_what_is_missing(python: Python, which: Keras, tmp_path: Path) -> None:
    done = check_command(python, which, tmp_path, "default")
    assert f"{which.package} {which.keras.__version__} has no Layer.gone" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_a_script_that_makes_errors_of_warnings_runs(which: Keras, tmp_path: Path) -> None:
    """Ours must not come out of its import of Keras."""
    check_command(Python(forks=False), which, tmp_path, "error")


def test_the_list_of_landmarks_says_what_is_missing(python: Python, tmp_path: Path) -> None:
    which = GENERATIONS[-1]
    done = command(python, which, tmp_path, "landmarks", "--keras", str(which.generation))
    assert done.returncode == 0, done.stderr
    (line,) = (row for row in done.stdout.splitlines() if row.strip().startswith("Layer.gone"))
    assert "not in this version" in line
    assert done.stdout.count("not in this version") == 1
