"""What the whole command costs beside `python` on the same script, its report included."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import child, timing

SCRIPTS = {
    "MLP": """\
import numpy, tensorflow as tf
layers = tf.keras.layers
model = tf.keras.Sequential([layers.Dense(512, activation="relu"), layers.Dense(10)])
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(numpy.zeros((256, 784), "float32"), numpy.zeros(256), epochs=2, verbose=0)
""",
    "ResNet50": """\
import tensorflow as tf
tf.keras.applications.ResNet50(weights=None)
""",
}


def cpu(script: Path, keras: int, *command: str) -> float:
    """Seconds of processor time that Python takes for a script, from its start to its end."""
    environment = child.environ() | {"TF_USE_LEGACY_KERAS": str(int(keras == 2))}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *command, str(script)],
        cwd=script.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(workloads: list[str], generations: list[int], rounds: int) -> str:
    """A row for each script and generation."""
    lines = [
        "| whole command | Keras | `python` | `buildtrace` | `python` again |",
        "|---" * 5 + "|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in workloads:
            script = Path(folder, "script.py")
            script.write_text(SCRIPTS[name])
            for keras in generations:
                plain = partial(cpu, script, keras)
                traced = partial(cpu, script, keras, "-m", "buildtrace", "--keras", str(keras))
                seconds = plain()  # the first one may have to compile what it imports
                traced()
                ratios = timing.compare(plain, {"traced": traced, "again": plain}, rounds)
                cells = [timing.ratio(ratios[column]) for column in ("traced", "again")]
                row = [name, str(keras), timing.duration(seconds), *cells]
                lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)
