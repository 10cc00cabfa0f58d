"""The installed generations of Keras, and no test may leave one changed."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from generations_fixtures import imported_once, k, without_values
from patches import patched_since, snapshot

import buildtrace
from buildtrace.abstract import replacements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios import Keras

__all__ = ["imported_once", "k", "without_values"]  # fixtures


@pytest.fixture(autouse=True, scope="module")
def keras_stays_as_it_is(imported_once: None, without_values: None) -> Iterator[None]:
    """Fails any module whose tests leave Keras or TensorFlow with something of ours in it."""
    with buildtrace.abstract():  # our classes for variables are there from now on
        pass
    before, creators = snapshot(), _creators()
    yield
    problems = patched_since(before)
    assert not problems, "\n".join(problems[:20])
    assert not creators or _creators() == creators
    assert not [finder for finder in sys.meta_path if _is_ours(finder)]


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
