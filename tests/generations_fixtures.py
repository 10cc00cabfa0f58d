"""Fixtures of tests that run the installed generations of Keras in their own process."""

from __future__ import annotations

import gc
import importlib.util
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if importlib.util.find_spec("jax"):
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
if not importlib.util.find_spec("tensorflow"):
    os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

import pytest
from scenarios import GENERATIONS, Keras


@pytest.fixture(scope="session")
def imported_once(request: pytest.FixtureRequest) -> None:
    """Imports what tests run on, and has the garbage collector leave that alone: much faster."""
    cases = [item.callspec for item in request.session.items if hasattr(item, "callspec")]
    parameters = [value for case in cases for value in case.params.values()]
    wanted = {value for value in parameters if isinstance(value, Keras)}
    for keras in GENERATIONS:
        if keras in wanted or keras is GENERATIONS[-1]:
            keras.clear_session()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def without_values() -> None:
    """For tests of `buildtrace.abstract()`, which needs no old Keras 3 to be there."""
    if any(keras.generation == 3 and keras.version < (3, 5) for keras in GENERATIONS):
        pytest.skip("Keras 3 before 3.5 makes values in the constructor of a variable")


@pytest.fixture(params=GENERATIONS, ids=lambda k: k.name)
def k(request: pytest.FixtureRequest, imported_once: None) -> Keras:
    """One installed Keras, its names and state reset."""
    keras: Keras = request.param
    keras.clear_session()
    return keras
