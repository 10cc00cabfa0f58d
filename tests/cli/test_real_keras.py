"""The command on the real Keras: what the user sees is what plain Keras shows, and the tree."""

import os
import signal
import subprocess
import sys
import time

import pytest

from buildtrace.cli import environment
from buildtrace.cli.parser import keras_choices
from buildtrace.traces import trace_file
from cli.conftest import PACKAGE_ROOT

pytestmark = pytest.mark.skipif(
    not environment.installed("tensorflow"), reason="these scripts use tf.keras"
)
KERAS = [
    pytest.param(
        keras,
        marks=pytest.mark.skipif(
            environment.package_of(keras) is None, reason=f"Keras {keras} is not installed"
        ),
    )
    for keras in keras_choices()[1:]
]

FAILING = """
import tensorflow as tf

class Wrong(tf.keras.layers.Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(4, 2), name="kernel")
        raise ValueError("this layer cannot be built")

model = tf.keras.Sequential([tf.keras.layers.Dense(4), Wrong(name="wrong")])
print("before")
model.build((None, 8))
"""

TRAINING = """
import numpy as np
import tensorflow as tf

model = tf.keras.Sequential([tf.keras.layers.Dense(4)])
model.compile("sgd", "mse")
print("before")
model.fit(np.zeros((4, 3)), np.zeros((4, 4)), verbose=0)
print("after")
"""

FITS = """
import atexit
import numpy as np
import tensorflow as tf

x, y = np.zeros((4, 3)), np.zeros((4, 1))
atexit.register(print, "at exit")
for name in ("first", "second"):
    model = tf.keras.Sequential([tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(1)])
    model.build((None, 3))
    before = model.get_weights()
    model.compile("sgd", "mse")
    history = model.fit(x, y, epochs=3)
    print(name, history.history["loss"][-1])
model.evaluate(x, y, verbose=0)
after = model.get_weights()
print("unchanged", all((a == b).all() for a, b in zip(before, after, strict=True)))
"""

FAILS_IN_LOSS = """
import numpy as np
import tensorflow as tf

model = tf.keras.Sequential([tf.keras.layers.Dense(8, activation="softmax")])
model.compile("adam", "categorical_crossentropy")
print("before")
model.fit(np.zeros((10, 20)), np.zeros((10, 3)))
print("after")
"""

FAILS_IN_METRIC = """
import numpy as np
import tensorflow as tf

def metric(y, y_pred):
    raise RuntimeError("no such metric")

model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=[metric])
print("before")
model.fit(np.zeros((10, 20)), np.zeros((10, 1)))
print("after")
"""

MISTAKES = {"loss": FAILS_IN_LOSS, "metric": FAILS_IN_METRIC}

OWN_LAYER = """
import tensorflow as tf

class Half(tf.keras.layers.Layer):
    def build(self, input_shape):
        '''Half of what comes in.'''
        self.kernel = self.add_weight(shape=(input_shape[-1] // 2,), name="kernel")

    def call(self, x):
        return x[:, ::2] * self.kernel

model = tf.keras.Sequential([tf.keras.layers.Dense(4), Half(name="half")])
model.build((None, 8))
print("before")
model(tf.zeros((2, 3)))
"""

WITHOUT_KERAS = """
import sys
sys.modules |= dict.fromkeys(("tensorflow", "keras", "tf_keras"))
from buildtrace.cli import main
sys.exit(main(sys.argv[1:]))
"""

SLOW = """
import time
import tensorflow as tf

class Slow(tf.keras.layers.Layer):
    def build(self, input_shape):
        print("ready", flush=True)
        for _ in range(600):  # one long sleep goes on if another thread gets the signal
            time.sleep(0.1)

model = tf.keras.Sequential([tf.keras.layers.Dense(4), Slow()])
model.build((None, 8))
"""


def plain_environment(keras):
    legacy = "1" if environment.package_of(keras) == "tf_keras" else "0"
    return {"TF_USE_LEGACY_KERAS": legacy, "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.mark.parametrize("keras", KERAS)
def test_a_build_that_fails(keras_command, script, keras):
    name = script(FAILING)
    plain = keras_command(keras, name, env=plain_environment(keras))
    ours = keras_command(keras, "-m", "buildtrace", "--keras", keras, "-o", "build.json", name)
    assert (ours.code, ours.out) == (plain.code, plain.out) == (1, "before\n")
    traceback = plain.err[plain.err.index("Traceback") :]
    assert ours.err.startswith(traceback)  # plain Keras' own, and nothing before it
    tree = ours.err.removeprefix(traceback)
    assert "Wrong.build" in tree
    assert "(None, 4)" in tree
    trace = trace_file.load("build.json")
    assert trace.failed.name == "Wrong.build"
    assert trace.error.type == traceback.splitlines()[-1].partition(":")[0]


@pytest.mark.parametrize("keras", KERAS)
def test_a_saved_trace_shows_the_same_without_its_script_and_keras(
    keras_command, command, script, tmp_path, keras
):
    views = ("--full", "--view", "tree", "--view", "steps", "--view", "source")
    name = script(OWN_LAYER)
    outputs = ("-o", "build.json", "-o", "before.html", "-o", "before.txt")
    ours = keras_command(keras, "-m", "buildtrace", "--keras", keras, *views, *outputs, name)
    assert ours.code == 1
    (tmp_path / name).unlink()
    outputs = ("-o", "after.html", "-o", "after.txt")
    shown = command("-c", WITHOUT_KERAS, *views, *outputs, "build.json")
    assert shown.code == 0
    before, after = (tmp_path / "before.txt").read_text(), (tmp_path / "after.txt").read_text()
    assert after == before
    for line in (
        "self.kernel = self.add_weight",
        "def add_weight(",
        "> 15 │ model(tf.zeros((2, 3)))",
    ):
        assert line in after
    assert (tmp_path / "after.html").read_text() == (tmp_path / "before.html").read_text()


def rule():
    from buildtrace.diagnosis import all_rules

    return next(rule for rule in all_rules() if rule.code == "BT105")


@pytest.mark.parametrize("keras", KERAS)
def test_check(keras_command, script, keras):
    after = "model = keras.Sequential([keras.layers.Dense(1)])\nmodel.compile('sgd', 'mse')\n"
    after += "model.fit(numpy.zeros((1, 1)), numpy.zeros((1, 1)))\nprint('trained')\n"
    name = script(f"{rule().bad}print('before')\nimport numpy\n{after}")
    result = keras_command(keras, "-m", "buildtrace", "check", "--keras", keras, name)
    assert "trained" not in result.out
    first, *rest = result.out.splitlines()
    assert first == "before"
    if f"keras{keras}" not in rule().generations:
        assert result.code == 0
        assert rest[0].startswith("No problems found in ")
        return
    assert result.code == 1
    assert rest[0].startswith("model.py:14: BT105 error: Linear.build of 'linear' (Linear) ran ")
    script(rule().good, "good.py")
    good = keras_command(keras, "-m", "buildtrace", "check", "--keras", keras, "good.py")
    assert good.code == 0


@pytest.mark.parametrize("keras", KERAS[:1])  # none that a script would get without us
def test_check_takes_the_keras_of_the_project(command, script, keras):
    script(f"[tool.buildtrace]\nkeras = '{keras}'\n", "pyproject.toml")
    source = "import tensorflow as tf\nprint(tf.keras.layers.Dense.__module__)"
    result = command("-m", "buildtrace", "check", script(source, "deep/model.py"))
    assert result.out.startswith(f"{environment.package_of(keras)}.")


@pytest.mark.parametrize("keras", KERAS)
def test_no_train(keras_command, script, keras):
    result = keras_command(
        keras,
        *["-m", "buildtrace", "--keras", keras, "--no-train"],
        *["-o", "build.json", script(TRAINING)],
    )
    assert (result.code, result.out) == (0, "before\n")
    assert "ended before the first change of a weight (--no-train)" in result.err
    assert "Traceback" not in result.err
    trace = trace_file.load("build.json")
    assert (trace.parameters, trace.error) == (3 * 4 + 4, None)


@pytest.mark.parametrize("keras", KERAS)
def test_no_train_that_goes_on_behind_each_fit(keras_command, script, keras):
    name = script(FITS)
    result = keras_command(keras, "-m", "buildtrace", "--keras", keras, "--no-train=skip", name)
    assert result.code == 0
    assert result.out.splitlines() == ["first nan", "second nan", "unchanged True", "at exit"]
    said = "nothing was trained: 2 calls of fit changed no weight (--no-train=skip)"
    assert f"buildtrace: {said}\n" in result.err


@pytest.mark.parametrize("keras", KERAS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_meets_what_fails_in_the_first_step(keras_command, script, keras, mistake):
    name = script(MISTAKES[mistake])
    plain = keras_command(keras, name, env=plain_environment(keras))
    ours = keras_command(keras, "-m", "buildtrace", "check", "--keras", keras, name)
    assert (plain.code, ours.code) == (1, 2)
    told = ours.out.splitlines()
    assert told[0] == "before"
    assert told[-1].startswith("No rule says why the program failed: 1 model, ")
    traceback = plain.err[plain.err.index("Traceback") :].splitlines()
    shown = ours.err[ours.err.index("Traceback") :].splitlines()
    assert shown[:3] == traceback[:3]  # the line of the script
    assert shown[-1] == traceback[-1]
    assert "buildtrace/capture" not in ours.err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_an_interrupt_shows_what_was_recorded(script, tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "buildtrace", "-o", "build.json", script(SLOW)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": PACKAGE_ROOT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        try:
            errors = child.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:  # Python drops one that comes in a callback of its own
            child.send_signal(signal.SIGINT)
            errors = child.communicate(timeout=30)[1]
    assert child.returncode == -signal.SIGINT
    assert errors.index("\nKeyboardInterrupt\n") < errors.index("Slow.build")
    assert trace_file.load("build.json").failed.name == "Slow.build"


@pytest.mark.slow
@pytest.mark.parametrize("keras", KERAS)
def test_the_user_may_ask_for_the_chatter(command, script, keras):
    name = script("import tensorflow as tf\nprint(tf.keras.layers.Dense.__module__)")
    arguments = ("-m", "buildtrace", "--keras", keras, name)
    quiet, loud = command(*arguments), command(*arguments, env={"TF_CPP_MIN_LOG_LEVEL": "0"})
    assert quiet.err == "buildtrace: nothing to show: no model was built\n"
    assert quiet.out == loud.out
    assert quiet.out.startswith(environment.package_of(keras) + ".")
    assert len(loud.err.splitlines()) > 1
