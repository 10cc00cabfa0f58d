"""Which of Keras' test modules are run."""

from __future__ import annotations

import ast
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
"""Where models and layers get built."""

TRAINING = ("trainers", "losses", "metrics", "optimizers")
"""Where `compile` is tested, and what the first training step builds."""

LOADING = (
    "saving",
    "legacy/saving",
    "callbacks/backup_and_restore_test.py",
    "callbacks/early_stopping_test.py",
    "callbacks/model_checkpoint_test.py",
    "callbacks/orbax_checkpoint_test.py",
    "callbacks/swap_ema_weights_test.py",
)
"""Where models and weights are loaded, and what saves and restores them during training."""

ALL = (*BUILDING, *TRAINING, *LOADING)
"""Where landmarks are tested: what is run if nothing else is asked for."""

QUICK = (
    "models/sequential_test.py",
    "models/functional_test.py",
    "models/model_test.py",
    "models/cloning_test.py",
    "layers/layer_test.py",
    "ops/operation_test.py",
    "ops/function_test.py",
    "ops/node_test.py",
    "trainers/compile_utils_test.py",
    "losses/loss_test.py",
    "metrics/metric_test.py",
    "optimizers/optimizer_test.py",
    "optimizers/loss_scale_optimizer_test.py",
    "saving/saving_lib_test.py",
    "legacy/saving",
)
"""Where most of what is traced is tested: what continuous integration runs."""

MORE = (
    *ALL,
    "layers",
    "callbacks",
    "initializers",
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

OF_THE_PLUGIN = "conftest"
"""What the plugin gives to the tests, and no package has."""


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


def lacks(file: Path) -> str | None:
    """The first package that a test module imports and that is not installed; `None` if none."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        for package in (name.partition(".")[0] for name in names):
            if package != OF_THE_PLUGIN and importlib.util.find_spec(package) is None:
                return package
    return None


test_files.__test__ = False  # type: ignore[attr-defined]  # it is no test itself
