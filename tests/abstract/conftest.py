"""The installed generations of Keras, and no test may leave one changed."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from generations_fixtures import imported_once, k
from patches import patched_since, snapshot

import buildtrace
from buildtrace import generations
from buildtrace.abstract import replacements
from buildtrace.generations.base import version_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios import Keras

__all__ = ["imported_once", "k"]  # fixtures


@pytest.fixture(autouse=True, scope="module")
def keras_stays_as_it_is(imported_once: None) -> Iterator[None]:
    """Fails any module whose tests leave Keras or TensorFlow with something of ours in it."""
    if any(is_too_old(package) for package in generations.imported()):
        pytest.skip("Keras 3 before 3.5 makes values in the constructor of a variable")
    with buildtrace.abstract():  # our classes for variables are there from now on
        pass
    before, creators = snapshot(), _creators()
    yield
    problems = patched_since(before)
    assert not problems, "\n".join(problems[:20])
    assert not creators or _creators() == creators
    assert not [finder for finder in sys.meta_path if _is_ours(finder)]


def is_too_old(package: str) -> bool:
    """Whether an imported Keras cannot do without values."""
    version = version_number(sys.modules[package].__version__)
    return package == "keras" and (3,) <= version < (3, 5)


def _creators() -> list[Any]:
    """What makes TensorFlow's variables at last."""
    if "tensorflow" not in sys.modules:
        return []
    return [getattr(importlib.import_module(m), name) for m, name in replacements._CREATORS]


def _is_ours(finder: object) -> bool:
    return "buildtrace" in (getattr(finder, "__module__", None) or "")


@pytest.fixture
def dense(k: Keras) -> Any:
    """`dense()` makes a model of two layers."""

    def make(*layers: Any) -> Any:
        k.clear_session()
        k.keras.utils.set_random_seed(7)
        first = [k.Input((3,)), k.layers.Dense(4, name="first")]
        return k.Sequential([*first, *layers, k.layers.Dense(2, name="last")])

    return make
