"""How long a user waits between the end of the script and the first line of the report."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import child, timing

SCRIPT = """\
import os, time
import numpy, tensorflow as tf
model = {model}
print("END", time.monotonic(), flush=True)
"""
MODELS = {
    "ResNet50": "tf.keras.applications.ResNet50(weights=None)",
    "MLP": "tf.keras.Sequential([tf.keras.Input((784,)), tf.keras.layers.Dense(10)])",
}


def measure(model: str, keras: int, *options: str) -> float:
    """Seconds from the script's last statement until a terminal gets something of the report."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(SCRIPT.format(model=MODELS[model]))
        terminal, theirs = pty.openpty()  # what is written to a pipe would be held back
        command = [sys.executable, "-m", "buildtrace", "--keras", str(keras), *options]
        process = subprocess.Popen(
            [*command, str(script)],
            cwd=folder,
            env=child.environ(),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        try:
            return _wait(terminal)
        finally:
            _drain(terminal)
            os.close(terminal)
            process.wait()


def _wait(terminal: int) -> float:
    text = b""
    while True:
        text += os.read(terminal, 65536)
        now = time.monotonic()
        _, mark, rest = text.partition(b"END ")
        stamp, newline, report = rest.partition(b"\n")
        if mark and newline and report.strip():
            return now - float(stamp)


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # how Linux says that the other side is closed
        pass


def table(model: str, generations: list[int], rounds: int) -> str:
    """A row for each generation."""
    lines = [
        f"| {model}, from the script's end to the report's first line | median | quartiles |",
        "|---|---|---|",
    ]
    for keras in generations:
        for options in ((), ("--full",)):
            taken = timing.spread([measure(model, keras, *options) for _ in range(rounds)])
            quartiles = f"{timing.duration(taken.low)} to {timing.duration(taken.high)}"
            name = f"Keras {keras} {' '.join(options)}"
            lines.append(f"| {name} | {timing.duration(taken.median)} | {quartiles} |")
    return "\n".join(lines)
