"""Which of Keras' test modules are run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

BUILDING = (
    "models",
    "layers/layer_test.py",
    "layers/core",
    "layers/rnn",
    "layers/attention",
    "ops/operation_test.py",
    "ops/function_test.py",
    "ops/node_test.py",
    "ops/symbolic_arguments_test.py",
)
"""Where models and layers get built: what continuous integration runs."""

QUICK = (
    "models/sequential_test.py",
    "models/functional_test.py",
    "models/model_test.py",
    "models/cloning_test.py",
    "layers/layer_test.py",
    "ops/operation_test.py",
    "ops/function_test.py",
    "ops/node_test.py",
)
"""Where most of what is traced is tested."""

MORE = (
    *BUILDING,
    "layers",
    "saving",
    "trainers",
    "initializers",
    "metrics",
    "losses",
    "optimizers",
    "backend/common",
    "utils/tracking_test.py",
    "utils/summary_utils_test.py",
    "wrappers",
    "export/saved_model_test.py",
    "ops/operation_utils_test.py",
    "ops/ops_test.py",
    "ops/core_test.py",
    "ops/nn_test.py",
)
"""What else has layers in it, or may mind hooks."""


def test_files(places: tuple[str, ...]) -> list[Path]:
    """The test modules of the installed Keras at these places, each once."""
    spec = importlib.util.find_spec("keras")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0], "src")
    found: dict[Path, None] = {}
    for place in places:
        path = source / place
        if not path.exists():
            raise FileNotFoundError(f"this Keras has no tests at {place}")
        found |= dict.fromkeys([path] if path.is_file() else sorted(path.rglob("*_test.py")))
    return list(found)


test_files.__test__ = False  # type: ignore[attr-defined]  # it is no test itself
