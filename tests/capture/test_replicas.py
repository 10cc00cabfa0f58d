"""Builds on the threads of `tf.distribute`: they stand under the call that started the threads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scenarios import GENERATIONS, Keras

from buildtrace.capture import replicas
from buildtrace.comparison import compare
from buildtrace.renderers.export import timeline
from buildtrace.traces.trace_file import load

TESTS = Path(__file__).parents[1]

PROGRAM = """\
import contextlib, json, sys
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
import PACKAGE as keras
import buildtrace
from scenarios import GENERATIONS
from witness import Table, Witness, differences, seen_lines, trace_lines

k = next(one for one in GENERATIONS if one.package == "PACKAGE")
table = Table(k.generation, k.root)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
inside = []
"""

OUTER = """
class Meeting(keras.layers.Layer):  # all replicas wait for each other in the middle of its call
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3, name="inside")

    def call(self, x):
        y = self.dense(x)
        if tf.executing_eagerly():
            tf.distribute.get_replica_context().merge_call(lambda strategy: None)
        return y

class Outer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.first = INNER
        self.last = keras.layers.Dense(2, name="last")

    def build(self, shape):
        def step():
            with Witness(table) as witness:
                inside.append(witness)
                self.first(tf.ones((2, 4)))
        strategy.run(step)
        self.last.build((None, 3))
        self.built = True

    def call(self, x):
        return x

with buildtrace.trace() as trace, Witness(table) as witness, strategy.scope():
    Outer().build((None, 4))
trace.save(sys.argv[1])
assert len(inside) == 2
assert not [lost for one in (witness, *inside) for lost in one.lost]
(outer,) = witness.roots
outer.children[:0] = [root for one in inside for root in one._all_roots]
print(json.dumps(differences(seen_lines([outer]), trace_lines(trace))))
"""

FAILING = """
class Outer(keras.layers.Layer):
    def build(self, shape):
        def step():
            keras.layers.Dense(3, name="inside").build((None,))
        strategy.run(step)

with contextlib.suppress(Exception), buildtrace.trace() as trace, strategy.scope():
    Outer().build((None, 4))
trace.save(sys.argv[1])
"""

OPERATIONS = """
def operations():
    model = keras.Sequential([keras.layers.Dense(2, name="dense")], name="model")
    def step(x):
        return model(x)
    with strategy.scope():
        if k.generation == 3:  # in a graph, it makes no weight of several replicas by itself
            model.build((2, 4))
        function = tf.function(lambda x: strategy.run(step, args=(x,)))
        graph = function.get_concrete_function(tf.TensorSpec((2, 4))).graph
    return [(one.name, one.type) for one in graph.get_operations()]

plain = operations()
with buildtrace.trace() as trace:
    traced = operations()
trace.save(sys.argv[1])
assert len(plain) > 4
print(json.dumps([plain, traced]))
"""

FIT = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)

with buildtrace.trace() as trace:
    with strategy.scope():
        net = Net()
        net.compile("sgd", "mse")
    net.fit(tf.ones((4, 4)), tf.ones((4, 2)), verbose=0)  # this line
trace.save(sys.argv[1])
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path):
    """Run the program with this at its end; gives its trace and what it printed."""

    def program(k: Keras, end: str) -> tuple[Any, Any]:
        if not k.tensorflow:
            pytest.skip("for TensorFlow")
        source = (PROGRAM + end).replace("PACKAGE", k.package)
        (tmp_path / "program.py").write_text(source)
        path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        ran = subprocess.run(
            [sys.executable, "program.py", "trace.json"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert ran.returncode == 0, ran.stderr
        printed = ran.stdout.splitlines()
        trace = load(tmp_path / "trace.json")
        return trace, json.loads(printed[-1]) if printed else None

    return program


INNERS = {"plain": 'keras.layers.Dense(3, name="inside")', "meeting": "Meeting()"}


@pytest.mark.parametrize("inner", INNERS)
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_what_replicas_build_is_in_the_build_around_them(run, k, inner):
    """The witness looks into each thread by itself."""
    trace, differences = run(k, OUTER.replace("INNER", INNERS[inner]))
    assert not differences
    (root,) = trace.roots
    made = {trace.layers[weight.layer].name for weight in trace.weights}
    assert (root.name, root.thread, made) == ("Outer.build", 0, {"inside", "last"})
    first, second, last = trace.children(root)
    assert [call.thread for call in (first, second, last)] == [1, 2, 0]
    assert {call.caller.line for call in (first, second)} == {line_of(run, "self.first(tf")}
    compare(trace, trace)  # what has a tree of several threads to show can be shown
    assert sum(map(len, timeline.threads(trace).values())) == len(trace.calls)
    assert "thread 2" in str(trace)


def line_of(_run, text: str) -> int:
    """The line of the program that has this text, counted from 1."""
    return next(n for n, line in enumerate((PROGRAM + OUTER).splitlines(), 1) if text in line)


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_an_exception_goes_on_to_the_build_around(run, k):
    trace, _ = run(k, FAILING)
    (root,) = trace.roots
    (inner,) = trace.children(root)
    assert (root.name, inner.name, inner.thread) == ("Outer.build", "Dense.build", 1)
    errors = {(call.error.type, call.error.message) for call in trace.calls}
    assert len(errors) == 1
    assert {line.line for line in root.error.lines} == {
        1 + n
        for n, line in enumerate((PROGRAM + FAILING).splitlines())
        if ".build((None,))" in line or "strategy.run" in line
    }


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_no_operation_is_added_to_the_users_graph(run, k):
    _, (plain, traced) = run(k, OPERATIONS)
    assert [_unnumbered(operation) for operation in traced] == [*map(_unnumbered, plain)]


def _unnumbered(operation: list[str]) -> list[str]:
    """TensorFlow counts the scopes of one name, and the second model is of the same name."""
    return [re.sub(r"_\d+(?=/)", "", operation[0]), operation[1]]


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_what_nothing_is_around_has_the_line_that_started_the_threads(run, k):
    trace, _ = run(k, FIT)
    lines = (PROGRAM + FIT).splitlines()
    fit = 1 + next(n for n, line in enumerate(lines) if "# this line" in line)
    scope = [root for root in trace.roots if root.landmark.endswith(".compile")]
    assert {root.caller.line for root in trace.roots if root not in scope} == {fit}


@pytest.mark.skipif(sys.platform == "win32", reason="as everywhere")
def test_other_threads_are_none_of_a_replica():
    assert not replicas.is_replica()
    assert replicas.starter() is None
