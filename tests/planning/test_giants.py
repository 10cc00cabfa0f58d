"""A model that no machine here could hold: what is published of Llama 3 with 70 billion numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (find_spec("keras_hub") and find_spec("jax")), reason="needs keras_hub and JAX"
    ),
]

SCRIPT = """
import keras_hub

model = keras_hub.models.Llama3Backbone(
    vocabulary_size=128256,
    num_layers=80,
    hidden_dim=8192,
    intermediate_dim=28672,
    num_query_heads=64,
    num_key_value_heads=8,
    dtype="bfloat16",
)
print(model.count_params())
"""

GIB = 2**30


@pytest.fixture(scope="module")
def plan_on(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Plans the model on a mesh, under the layout map that keras_hub has for it."""
    folder = tmp_path_factory.mktemp("giant")
    (folder / "llama.py").write_text(SCRIPT)
    (folder / "layouts.py").write_text(
        "import keras_hub\nlayouts = keras_hub.models.Llama3Backbone.get_layout_map\n"
    )

    def run(mesh: str, *options: str, code: int = 0) -> dict[str, Any]:
        command = ["plan", "--mesh", mesh, "--layout", "layouts.py:layouts", *options]
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "KERAS_BACKEND": "jax"}
        done = subprocess.run(
            [sys.executable, "-m", "buildtrace", *command, "--format", "json", "llama.py"],
            cwd=folder,
            env={name: value for name, value in env.items() if name != "XLA_FLAGS"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "70553706496" in done.stderr  # what the script prints
        plan: dict[str, Any] = json.loads(done.stdout)
        return plan

    return run


def test_on_two_by_four_with_adam(plan_on: Callable[..., dict[str, Any]]) -> None:
    plan = plan_on("2x4", "--optimizer", "adam", "--device-memory", "72GiB", code=1)
    amount = plan["amount"]
    assert (amount["parameters"], amount["weights"]) == (70_553_706_496, 723)
    assert amount["on_device"]["weights"] / GIB == pytest.approx(18.14, abs=0.005)
    assert amount["on_device"]["optimizer"] / GIB == pytest.approx(36.28, abs=0.005)
    assert amount["on_device"]["optimizer"] == 2 * amount["on_device"]["weights"] + 8
    heaviest = plan["variables"][plan["replicated"][0]]
    assert heaviest["path"] == "token_embedding/reverse_embeddings"
    assert heaviest["size"] == 2004 * 2**20
    (block,) = [block for block in plan["blocks"] if block["repeats"] > 1]
    assert block["repeats"] == 80
    missing = plan["fit"]["needed"] - plan["fit"]["available"]
    assert missing / GIB == pytest.approx(0.57, abs=0.005)


def test_on_eight_by_thirty_two(plan_on: Callable[..., dict[str, Any]]) -> None:
    on_device = plan_on("8x32")["amount"]["on_device"]
    assert on_device["weights"] / GIB == pytest.approx(2.465, abs=0.0005)


def test_on_sixteen_by_sixteen_all_that_cannot_be_divided_is_listed(
    plan_on: Callable[..., dict[str, Any]],
) -> None:
    plan = plan_on("16x16", code=1)
    assert len(plan["indivisible"]) == 160
    paths = [plan["variables"][one["variable"]]["path"] for one in plan["indivisible"]]
    assert {path.split("/")[-2] for path in paths} == {"key", "value"}
    assert {(one["size"], one["parts"]) for one in plan["indivisible"]} == {(8, 16)}
