"""The installed generations of Keras, and no test may leave one patched."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if not importlib.util.find_spec("tensorflow"):
    os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

import pytest
from patches import patched_since, snapshot
from scenarios import GENERATIONS, Keras

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def keras_stays_unpatched() -> Iterator[None]:
    """Fails any module whose tests leave Keras patched: too slow to be asked after each test."""
    before = snapshot()
    yield
    problems = patched_since(before)
    assert not problems, "\n".join(problems[:20])


@pytest.fixture(autouse=True)
def settings_stay() -> Iterator[None]:
    """Fails any test that leaves this process's settings changed, or a tracer on."""
    limit, profile, finders = sys.getrecursionlimit(), sys.getprofile(), list(sys.meta_path)
    yield
    assert sys.getrecursionlimit() == limit
    assert sys.getprofile() is profile
    left = [finder for finder in sys.meta_path if finder not in finders]
    assert not [f for f in left if "buildtrace" in (getattr(f, "__module__", None) or "")]


@pytest.fixture(autouse=True, scope="session")
def imported_once() -> None:
    """Imports what is installed, and has the garbage collector leave that alone: much faster."""
    for keras in GENERATIONS:
        keras.keras.backend.clear_session()
    gc.collect()
    gc.freeze()


@pytest.fixture(params=GENERATIONS, ids=lambda k: k.name)
def k(request: pytest.FixtureRequest) -> Keras:
    """One installed Keras, its names and state reset."""
    keras: Keras = request.param
    keras.keras.backend.clear_session()
    return keras
