"""BT201 on real models: what is new in each run, and what only looks like it."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both, run

LOCAL = """
class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(4)

    def call(self, x):
        return keras.layers.Dense(2, name="local")(self.first(x))

block = Block()
block(x)
block(x)
"""

REFUSED = {
    "first call": "Net()(x)",
    "on symbols": "Net()(keras.Input((3,)))",
    "inside of another": "keras.Sequential([keras.layers.Dense(3), Net()])(x)",
}

LEGAL = {
    "one for each branch": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.branches = [keras.layers.Dense(2) for _ in range(3)]
    def call(self, x, branch=0):
        return self.branches[branch](x)
model = Net()
for branch in range(3):
    model(x, branch=branch)
""",
    "one for each step, in one model": """
class Steps(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.steps = [keras.layers.Dense(3) for _ in range(3)]
        self.step = 0
    def call(self, x):
        y = self.steps[self.step](x)
        return y
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = Steps()
    def call(self, x):
        for step in range(3):
            self.inner.step = step
            x = self.inner(x)
        return x
Net()(x)
""",
    "shared": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
    def call(self, x):
        return self.dense(self.dense(x))
model = Net()
model(x)
model(x)
""",
}

NET = """
class Net(keras.Model):
    def call(self, x):
        self.head = keras.layers.Dense(4)
        return self.head(x)
"""


@on_both
def test_a_layer_that_no_attribute_holds(runner, generation):
    (finding,) = findings(runner, generation, LOCAL, "BT201")
    assert finding.severity == "error"
    assert "'local'" in finding.message
    ran = run(runner, generation, LOCAL)
    assert finding.caller.line == ran.line_of('name="local"')
    called = [ran.trace.call(number) for number in finding.calls]
    assert {call.layer.name for call in called} == {"local"}
    assert len({call.layer.id for call in called}) == len(called) >= 2
    assert "BT203" not in alarms(runner, generation, LOCAL)  # says less of the same


@on("keras3")
@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
def test_a_layer_that_keras_refuses(runner, generation, use):
    ran = run(runner, generation, NET + use)
    first = ran.trace.findings[0]
    assert first.code == "BT201"
    assert "(Net)" in first.message
    assert first.caller.line == ran.line_of("self.head =")


@on("keras2")
def test_a_traced_function_is_proof(runner, generation):
    train = 'model.compile("sgd", "mse")\nmodel.fit(x, np.ones((2, 4)), verbose=0)\n'
    ran = run(runner, generation, NET + "model = Net()\n" + train)
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT201", "error")
    assert first.caller.line == ran.line_of("return self.head(x)")


@on("keras2")
def test_three_new_ones_are_no_proof_but_a_warning(runner, generation):
    (finding,) = findings(
        runner, generation, NET + "model = Net()\nfor _ in range(3): model(x)\n", "BT201"
    )
    assert finding.severity == "warning"


@on("keras2")
def test_a_head_may_be_replaced_between_two_calls(runner, generation):
    body = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(4)
    def call(self, x):
        return self.head(x)
model = Net()
model(x)
model.head = keras.layers.Dense(2)
model(x)
"""
    assert alarms(runner, generation, body) == []


@on_both
@pytest.mark.parametrize("body", LEGAL.values(), ids=LEGAL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert alarms(runner, generation, body) == []
