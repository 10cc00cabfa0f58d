"""BT411, on scripts."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

FORMS = {
    "the last layer of a Sequential": (
        """\
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
model.layers.pop()
""",
        "model.pop()",
    ),
    "one layer more": (
        """\
class Holder:
    def __init__(self):
        self.net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
        self.net.layers.append(keras.layers.Dense(2))


Holder()
""",
        "self.net.add(keras.layers.Dense(2))",
    ),
    "a function's model": (
        """\
def make():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    return model


def main():
    net = make()
    del net.layers[-1]


main()
""",
        "net = keras.Model(net.inputs, net.layers[-2].output)",
    ),
}
"""Scripts with the fault, and the line that comes."""


@on_both
@pytest.mark.parametrize("form", FORMS)
def test_other_forms(runner, generation, form):
    body, comes = FORMS[form]
    ran = run(runner, generation, body)
    (finding,) = [finding for finding in ran.trace.findings if finding.code == "BT411"]
    assert finding.fix.split("  #")[0] == comes
    come = lines_that_come(ran, "BT411")
    assert come == ([comes] if form != "a function's model" else come)


IN_WORDS = {
    "another layer": (
        """\
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
model.layers[-1] = keras.layers.Dense(5)
""",
        "keras.layers.Dense(...)(x)",
    ),
    "weights": (
        """\
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.trainable_weights.pop()
""",
        "model.layers[0].trainable = False",
    ),
    "a model's own list": (
        """\
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(2)
        self.layers.append(keras.layers.Dense(3))

    def call(self, x):
        return self.first(x)


Net()(x)
""",
        "self.blocks = []",
    ),
}


@on("keras3")
@pytest.mark.parametrize("form", IN_WORDS)
def test_what_has_no_place_is_told_in_words(runner, generation, form):
    body, said = IN_WORDS[form]
    (finding,) = findings(runner, generation, body, "BT411")
    assert said in finding.fix
    assert not finding.edits


WELL = {
    "a copy on purpose": """\
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
rest = model.layers
rest.pop()
last = model.layers.pop()
""",
    "a list of one's own": """\
class Stack(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.layers = []
        self.layers.append(keras.layers.Dense(2))

    def call(self, x):
        return self.layers[0](x)


class Plan:
    def __init__(self):
        self.layers = [1]


plan = Plan()
plan.layers.append(2)
plan.layers[0] = 3
Stack()(x)
""",
    "nobody knows what": """\
def cut(model):
    model.layers.pop()


class Net:
    layers = [1]


for net in [Net(), Net()]:
    net.layers.append(2)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.layers[0].trainable = False
""",
}
"""Scripts without the fault, or where nobody knows."""


@on("keras3")
@pytest.mark.parametrize("case", WELL)
def test_nothing_is_said(runner, generation, case):
    assert findings(runner, generation, WELL[case], "BT411") == []
