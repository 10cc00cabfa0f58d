"""A process that forks while it traces: both halves go on, and neither waits for the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from forked import Python
from scenarios import GENERATIONS, Keras

START = """
import os, sys, threading, time, warnings
import buildtrace
from buildtrace.capture import Tracing
import {package} as keras

def build(layers=2):
    # Symbols only: TensorFlow's threads do not survive a fork, so a child must not compute.
    x = keras.Input((3,))
    for _ in range(layers):
        x = keras.layers.Activation("relu")(x)
    return x

def clean():
    return not hasattr(keras.layers.Layer.__call__, "autograph_info__")

def wait(child):
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
"""

CHILD_BUILDS = """
tracing = Tracing()
tracing.start()
build(1)
child = os.fork()
if child == 0:
    build(3)
    tracing.stop()
    os._exit(0 if len(tracing.trace.roots) == 6 and clean() else 1)
wait(child)
build(1)
tracing.stop()
assert len(tracing.trace.roots) == 4, tracing.trace.roots
assert clean()
"""

CHILD_STARTS = """
child = os.fork()
if child == 0:
    with buildtrace.trace() as trace:
        build(2)
    os._exit(0 if len(trace.roots) == 3 and clean() else 1)
wait(child)
"""

FORKED_WHILE_OTHERS_START = """
# A thread starts and stops all the time: at some fork it is in the middle of that.
going = True
def busy():
    while going:
        with buildtrace.trace():
            pass
thread = threading.Thread(target=busy)
thread.start()
tracing = Tracing()
tracing.start()
for _ in range({forks}):
    child = os.fork()
    if child == 0:
        tracing.stop()
        with buildtrace.trace() as trace:
            build(1)
        os._exit(0 if len(trace.roots) == 2 else 1)
    wait(child)
going = False
thread.join()
tracing.stop()
assert clean()
"""

MULTIPROCESSING = """
import multiprocessing
def work(number):
    with buildtrace.trace() as trace:
        build(number)
    return len(trace.roots), clean()

if __name__ == "__main__":
    method = {method!r}
    with buildtrace.trace() as trace:
        build(1)
        with multiprocessing.get_context(method).Pool(1) as pool:
            results = pool.map_async(work, [1, 2]).get(60)
    assert results == [(2, method == "spawn"), (3, method == "spawn")], results
    assert len(trace.roots) == 2
    assert clean()
"""


def run(python: Python, which: Keras, script: str, folder: Path) -> None:
    file = folder / "script.py"
    file.write_text(script)
    root = str(Path(__file__).parents[2])
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")])
    done = python(file, cwd=folder, env=environment, keras=str(which.generation))
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_forks(python: Python, which: Keras, tmp_path: Path) -> None:
    """In one script: importing Keras takes longer than all of it."""
    busy = FORKED_WHILE_OTHERS_START.format(forks=4 if python.forks else 8)
    script = START.format(package=which.package) + CHILD_BUILDS + CHILD_STARTS + busy
    run(python, which, script, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_multiprocessing(which: Keras, method: str, tmp_path: Path) -> None:
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("no forks here")
    script = START.format(package=which.package) + MULTIPROCESSING.format(method=method)
    run(Python(forks=False), which, script, tmp_path)
