"""A folder of scripts, checked with real Keras: found, run, kept, and not run again."""

import json

import pytest

NET = """
import keras


def make(units):
    last = keras.layers.Dense(2, activation="relu")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units), last])
    model.compile("sgd", "categorical_crossentropy")
    return model
"""
COMPILE = 8

SCRIPT = """
import numpy as np
from net import make

print("to be kept out of the report")
make({units}).fit(np.zeros((4, 3)), np.eye(2)[[0, 1] * 2], verbose=0)
"""

AGAIN = """
import sys
from buildtrace.cli import main

code = main(["check", "--format", "json", "."])
loaded = {"tensorflow", "keras", "tf_keras", "jax", "torch"} & sys.modules.keys()
assert not loaded, loaded
sys.exit(code)
"""


@pytest.mark.slow
def test_a_folder_is_checked_once_and_kept(command, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "a.py").write_text(SCRIPT.format(units=2))
    (tmp_path / "b.py").write_text(SCRIPT.format(units=5))
    (tmp_path / "fails.py").write_text("import keras\nkeras.Input((3,))\nopen('none.csv')\n")
    (tmp_path / "pyproject.toml").write_text("[tool.buildtrace]\nexclude = ['again.py']\n")
    first = command("-m", "buildtrace", "check", "--format", "json", "--jobs", "2", ".")
    assert first.code == 1, first.err
    entries = json.loads(first.out)
    told = [(entry["code"], entry["file"], entry["line"]) for entry in entries]
    assert told == [("BT703", "net.py", COMPILE), ("failure", "fails.py", 3)]
    assert entries[0]["message"].endswith(" It was reached from a.py and b.py.")
    assert "kept out" not in first.out + first.err

    (tmp_path / "fails.py").write_text("import keras\n")
    (tmp_path / "again.py").write_text(AGAIN)
    second = command("again.py")
    assert second.code == 1, second.err
    assert json.loads(second.out) == entries[:1]
    assert "2 results of earlier runs" in second.err

    (tmp_path / "net.py").write_text(NET.replace("relu", "softmax"))
    third = command("-m", "buildtrace", "check", "--format", "json", "--each", "a.py")
    assert (third.code, json.loads(third.out)) == (0, []), third.err
