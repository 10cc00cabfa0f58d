"""The installed generations of Keras, and no test may leave one patched."""

from __future__ import annotations

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


@pytest.fixture(autouse=True)
def keras_stays_unpatched() -> Iterator[None]:
    """Fails any test that leaves Keras patched or this thread's settings changed."""
    before = snapshot()
    limit, profile, finders = sys.getrecursionlimit(), sys.getprofile(), list(sys.meta_path)
    yield
    assert sys.getrecursionlimit() == limit
    assert sys.getprofile() is profile
    left = [finder for finder in sys.meta_path if finder not in finders]
    assert not [f for f in left if "buildtrace" in (getattr(f, "__module__", None) or "")]
    problems = patched_since(before)
    assert not problems, "\n".join(problems[:20])


@pytest.fixture(params=GENERATIONS, ids=lambda k: k.name)
def k(request: pytest.FixtureRequest) -> Iterator[Keras]:
    """One installed Keras, its names and state reset."""
    keras: Keras = request.param
    keras.keras.backend.clear_session()
    yield keras
    keras.keras.backend.clear_session()
