"""BT204: layers without a use, on real models and on traces made by hand."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording

from diagnosis.hand import line, said, state
from diagnosis.rules.running import findings, on, on_both

SWAPPED = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = keras.layers.Dense(8)
        self.head = keras.layers.Dense(10, name="old")
    def call(self, x):
        return self.head(self.stem(x))
model = Net()
model.head = keras.layers.Dense(2, name="new")
model(x)
"""

USED = {
    "by another method": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = keras.layers.Dense(8), keras.layers.Dense(3)
    def call(self, x):
        return self.encoder(x)
    def decode(self, x):
        return self.decoder(x)
model = Net()
model.decode(model(x))
""",
    "in its build": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.other = keras.layers.Dense(8), keras.layers.Dense(3)
    def build(self, input_shape):
        self.stem.build(input_shape)
        self.other.build(input_shape)
        self.built = True
    def call(self, x):
        return self.stem(x)
Net()(x)
""",
    "without anything to make": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.flat = keras.layers.Dense(8), keras.layers.Flatten()
    def call(self, x):
        return self.stem(x)
Net()(x)
""",
    "not yet": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = keras.layers.Dense(8)
    def call(self, x):
        return self.stem(x)
Net()
keras.layers.Dense(2)(x)
""",
}


@on("keras3")
def test_a_head_that_was_replaced_is_still_there(runner, generation):
    (finding,) = findings(runner, generation, SWAPPED, "BT204")
    assert "'old' (Dense)" in finding.message
    assert finding.severity == "warning"  # as Keras does


@on_both
def test_a_layer_without_a_use_in_a_model_with_a_build(runner, generation):
    body = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.spare = keras.layers.Dense(8), keras.layers.Dense(3)
    def build(self, input_shape):
        self.stem.build(input_shape)
        self.built = True
    def call(self, x):
        return self.stem(x)
Net()(x)
"""
    (finding,) = findings(runner, generation, body, "BT204")
    assert finding.severity == "note"


@on("keras2")
def test_a_head_that_was_replaced_is_gone(runner, generation):
    assert findings(runner, generation, SWAPPED, "BT204") == []


@on_both
@pytest.mark.parametrize("body", USED.values(), ids=USED)
def test_what_is_used_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT204") == []


def functional(**more):
    """What is said of two models of a class, each with a graph of its own and a layer beside it."""
    r = Recording()
    states = []
    for n in (1, 2):
        net, spare = r.layer(f"net_{n}", "Net"), r.layer(f"spare_{n}", "Dense")
        with r.call("Functional.__init__", net, changes={"built": (False, True)}) as call:
            pass
        read = state(net, call, [spare], [spare], number=3)
        states.append(msgspec.structs.replace(read, **more, made={spare.id: line(5)}))
    return said("BT204", r, states)


def test_what_no_call_used_is_said_once_at_the_line_that_makes_it():
    (finding,) = functional(ran=True)
    assert finding.caller == line(5)
    assert "'net_1' (Net) and 1 more like it have a layer 'spare_1' (Dense)" in finding.message


def test_what_did_not_run_may_use_it_yet():
    assert functional() == []
