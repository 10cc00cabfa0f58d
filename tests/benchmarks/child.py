"""Each measurement that imports Keras runs in a process of its own, with one generation in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import buildtrace

if TYPE_CHECKING:
    from scenarios import Keras

ROOTS = (Path(buildtrace.__file__).parents[1], Path(__file__).parents[1])
"""Where the package and the tests are imported from."""


def environ() -> dict[str, str]:
    """The environment of children: they import what this process does, and are quiet."""
    paths = [*map(str, ROOTS), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }


def measure(module: str, keras: int, **arguments: Any) -> Any:
    """What `benchmarks.MODULE.measure(keras, **arguments)` returns, run in a new process."""
    program = (
        "import json, sys\n"
        f"from benchmarks import child, {module}\n"
        "keras, arguments = json.loads(sys.argv[1])\n"
        f"print(json.dumps({module}.measure(child.generation(keras), **arguments)))"
    )
    with tempfile.TemporaryDirectory() as folder:  # nothing there that could be imported
        done = subprocess.run(
            [sys.executable, "-c", program, json.dumps([keras, arguments])],
            cwd=folder,
            env=environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    if done.returncode:  # else its stderr is TensorFlow's chatter
        raise RuntimeError(f"{module} on Keras {keras}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def generation(number: int) -> Keras:
    """The installed Keras of this generation, with its names and state reset."""
    from scenarios import GENERATIONS

    return next(keras for keras in GENERATIONS if keras.generation == number)
