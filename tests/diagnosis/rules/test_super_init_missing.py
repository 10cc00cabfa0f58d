"""BT205 on real layers: what was asked of one before `Layer.__init__` had run."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, on_both, run

MISSING = {
    "layer that is called": """
class Block(keras.layers.Layer):
    def __init__(self):
        self.units = 3
    def call(self, x):
        return x
Block()(x)
""",
    "layer that is called on symbols": """
class Block(keras.layers.Layer):
    def __init__(self):
        self.units = 3
    def call(self, x):
        return x
Block()(keras.Input((3,)))
""",
    "model that is called": """
class Block(keras.Model):
    def __init__(self):
        self.units = 3
    def call(self, x):
        return x
Block()(x)
""",
    "model with a layer": """
class Block(keras.Model):
    def __init__(self):
        self.dense = keras.layers.Dense(3)
    def call(self, x):
        return self.dense(x)
Block()(x)
""",
    "weight before it": """
class Block(keras.layers.Layer):
    def __init__(self):
        self.w = self.add_weight(name="w", shape=(3,))
        super().__init__()
    def call(self, x):
        return x * self.w
Block()(x)
""",
    "compile": """
class Block(keras.Model):
    def __init__(self):
        self.units = 3
    def call(self, x):
        return x
Block().compile("sgd", "mse")
""",
}

OTHER = {
    "an attribute of the user's": """
class Block(keras.layers.Layer):
    def call(self, x):
        return x * self._scale
Block()(x)
""",
    "an error of the user's": "raise RuntimeError('you forgot to call the office')",
}


@on_both
@pytest.mark.parametrize("body", MISSING.values(), ids=MISSING)
def test_it_is_missing(runner, generation, body):
    ran = run(runner, generation, body)
    assert ran.code == 1, ran.output
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT205", "error")
    assert first.caller.file == str(ran.path)


@on_both
@pytest.mark.parametrize("body", OTHER.values(), ids=OTHER)
def test_something_else_is_missing(runner, generation, body):
    ran = run(runner, generation, body)
    assert ran.code == 1
    assert [f.code for f in ran.trace.findings if f.code == "BT205"] == []


@on_both
def test_attributes_may_come_first(runner, generation):
    body = """
class Block(keras.layers.Layer):
    def __init__(self):
        self.units = 3
        super().__init__()
        self.dense = keras.layers.Dense(self.units)
    def call(self, x):
        return self.dense(x)
Block()(x)
"""
    assert alarms(runner, generation, body) == []
