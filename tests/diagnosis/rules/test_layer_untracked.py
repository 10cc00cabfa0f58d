"""BT203 on real models: where Keras does not look, and where it does."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on_both, run

HIDDEN = """
class Tools:
    def __init__(self):
        self.inner = keras.layers.Dense(3, name="hidden")
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(2)
        {}
    def call(self, x):
        return self.head({}(x))
model = Net()
model(x)
"""

PLACES = {
    "object": ("self.tools = Tools()", "self.tools.inner"),
    "list of objects": ("self.tools = [Tools()]", "self.tools[0].inner"),
    "closure": ("inner = Tools().inner; self.tool = lambda x: inner(x)", "self.tool"),
    "model in an object": (
        "self.tools = Tools(); self.tools.inner = keras.Sequential([self.tools.inner])",
        "self.tools.inner",
    ),
}

SEEN = {
    "tuple": ("self.tools = (Tools().inner, 1)", "self.tools[0]"),
    "dict of lists": ('self.tools = {"a": [Tools().inner]}', 'self.tools["a"][0]'),
    "nested list": ("self.tools = [[Tools().inner]]", "self.tools[0][0]"),
    "Sequential": ("self.tools = keras.Sequential([Tools().inner])", "self.tools.layers[0]"),
    "twice": ("self.tools = Tools(); self.again = self.tools.inner", "self.tools.inner"),
}

LEGAL = {
    "a teacher that was built before": """
teacher = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(2)
        self.teach = lambda x: teacher(x)
    def call(self, x):
        return self.head(x) + self.head(self.teach(x))
Net()(x)
""",
    "a layer of another model": """
class Encoder(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
    def call(self, x):
        return self.dense(x)
class Tied(keras.layers.Layer):
    def __init__(self, encoder):
        super().__init__()
        self.get = lambda: encoder
        self.out = keras.layers.Dense(2)
    def call(self, x):
        return self.out(self.get().dense(x))
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.tied = Tied(self.encoder)
    def call(self, x):
        return self.tied(x) + self.tied(self.encoder(x))
Net()(x)
""",
    "weights that are nobody's": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(2)
        drop = keras.layers.Dropout(0.5)
        self.drop = lambda x: drop(x)
    def call(self, x):
        return self.head(self.drop(x))
Net()(x)
""",
}


@on_both
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_where_keras_does_not_look(runner, generation, place):
    ran = run(runner, generation, HIDDEN.format(*place))
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT203", "error")
    assert "'net' (Net)" in first.message
    assert "2 weights (12 parameters)" in first.message
    assert ran.trace.call(first.calls[0]).layer.id == first.layer
    assert ("though `self.tools" in first.message) == ("self.tools" in place[1])


OTHERWISE = """
class Overwritten(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(2)
        self._layers = [keras.layers.Dense(3), keras.layers.Dense(4)]
    def call(self, x):
        for layer in self._layers:
            x = layer(x)
        return self.head(x)
class Nested(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.blocks = []
        self.blocks.append([])
        self.blocks[0].append(keras.layers.Dense(3))
    def call(self, x):
        return self.blocks[0][0](x)
Overwritten()(x)
Nested()(x)
"""


@on_both
def test_a_list_in_the_place_of_keras_own_and_one_in_a_list(runner, generation):
    found = findings(runner, generation, OTHERWISE, "BT203")
    if generation == "keras2":  # which looks into both
        assert found == []
        return
    overwritten, nested = found
    assert "`self.head` holds it, but 'overwritten' has overwritten `self._layers`" in (
        overwritten.message
    )
    assert "any name but `_layers`" in overwritten.fix
    assert "though `self.blocks[0][0]` leads to it" in nested.message
    assert "self.blocks = [...]  # in one piece" in nested.fix


@on_both
@pytest.mark.parametrize("place", SEEN.values(), ids=SEEN)
def test_where_keras_looks(runner, generation, place):
    assert alarms(runner, generation, HIDDEN.format(*place)) == []


@on_both
@pytest.mark.parametrize("body", LEGAL.values(), ids=LEGAL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT203") == []
