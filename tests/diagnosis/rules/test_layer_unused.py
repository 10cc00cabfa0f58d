"""BT204: layers without a use, on real models and on traces made by hand."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording

from diagnosis.hand import line, said, state
from diagnosis.rules.running import findings, on, on_both, run

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


FUNCTIONAL = """
class Net(keras.Model):
    def __init__(self):
        inputs = keras.Input((3,))
        super().__init__(inputs, keras.layers.Dense(2)(inputs))
        self.flat = keras.layers.Flatten()
        self.spare = keras.layers.Dense(3)  # spare
        self.head = keras.layers.Dense(3)
    def project(self, x):
        return self.head(self(x))
first, second = Net(), Net()
for net in (first, second):
    net(x)
    net.project(x)
"""


@on_both
def test_a_layer_without_a_use_in_a_subclass_of_a_functional_model(runner, generation):
    ran = run(runner, generation, FUNCTIONAL)
    (finding,) = [f for f in ran.trace.findings if f.code in ("BT102", "BT103", "BT204")]
    assert (finding.code, finding.severity) == ("BT204", "note")
    assert "'net' (Net) and 1 more like it have a layer" in finding.message
    assert finding.caller.line == ran.line_of("# spare")


@on_both
def test_several_layers_without_a_use_are_said_at_once(runner, generation):
    body = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = keras.layers.Dense(8)
        self.spare = [  # here
            keras.layers.Dense(3, name="one"),
            keras.layers.Dense(3),
        ]
    def call(self, x):
        return self.stem(x)
Net()(x)
"""
    ran = run(runner, generation, body)
    (finding,) = [f for f in ran.trace.findings if f.code == "BT204"]
    assert "the layers 'one' (Dense) and 'dense_1' (Dense) that were" in finding.message
    assert finding.caller.line == ran.line_of('name="one"')


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
