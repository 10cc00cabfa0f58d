"""Fixtures of tests that run the installed generations of Keras in their own process."""

from __future__ import annotations

import gc
import importlib.util
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if not importlib.util.find_spec("tensorflow"):
    os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

import pytest
from scenarios import GENERATIONS, Keras


@pytest.fixture(scope="session")
def imported_once() -> None:
    """Imports what is installed, and has the garbage collector leave that alone: much faster."""
    for keras in GENERATIONS:
        keras.keras.backend.clear_session()
    gc.collect()
    gc.freeze()


@pytest.fixture(params=GENERATIONS, ids=lambda k: k.name)
def k(request: pytest.FixtureRequest, imported_once: None) -> Keras:
    """One installed Keras, its names and state reset."""
    keras: Keras = request.param
    keras.keras.backend.clear_session()
    return keras
