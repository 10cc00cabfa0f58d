"""BT410, on scripts."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

FORMS = {
    "while": (
        """\
k = 0
h = keras.Input((4,))
parts = []
while k < 3:
    parts.append(keras.layers.Lambda(lambda t: t[:, k : k + 1])(h))
    k += 1
keras.Model(h, keras.layers.Concatenate()(parts))
""",
        ["parts.append(keras.layers.Lambda(lambda t, k=k: t[:, k : k + 1])(h))"],
    ),
    "comprehension": (
        """\
rates = [("a", 0.5), ("b", 2.0)]
model = keras.Sequential(
    [keras.Input((4,)), *[keras.layers.Lambda(lambda t: t * rate) for _, rate in rates]]
)
""",
        [
            "[keras.Input((4,)), "
            "*[keras.layers.Lambda(lambda t, rate=rate: t * rate) for _, rate in rates]]"
        ],
    ),
    "function in the loop": (
        """\
model = keras.Sequential([keras.Input((4,))])
for place, name in enumerate(["a", "b"]):
    def shifted(t):
        return t + place

    model.add(keras.layers.Lambda(shifted, name=name))
""",
        ["def shifted(t, place=place):"],
    ),
    "subclassed": (
        """\
class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.cuts = [keras.layers.Lambda(lambda t: t[:, i : i + 1]) for i in range(3)]

    def call(self, x):
        return sum(cut(x) for cut in self.cuts)


Model()(x)
""",
        ["self.cuts = [keras.layers.Lambda(lambda t, i=i: t[:, i : i + 1]) for i in range(3)]"],
    ),
}
"""Scripts with the fault, and the lines that the edits bring."""


@on_both
@pytest.mark.parametrize("form", FORMS)
def test_other_forms(runner, generation, form):
    body, come = FORMS[form]
    assert lines_that_come(run(runner, generation, body), "BT410") == come


GLOBAL = """\
def cut(t):
    return t[:, start : start + 2]


h = keras.Input((4,))
parts = []
for start in (0, 2):
    parts.append(keras.layers.Lambda(cut)(h))
keras.Model(h, keras.layers.Concatenate()(parts))
"""


@on("keras3")
def test_a_function_from_outside_of_the_loop_is_told_in_words(runner, generation):
    (finding,) = findings(runner, generation, GLOBAL, "BT410")
    assert "'lambda' (Lambda) and 'lambda_1' (Lambda)" in finding.message
    assert 'keras.layers.Lambda(cut, arguments={"start": start})' in finding.fix
    assert not finding.edits


WELL = {
    "a model for each round": """\
for factor in range(1, 3):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda t: t * factor)])
    model(x)
""",
    "the same value each time": """\
h = keras.Input((3,))
for factor in (2.0, 2.0):
    h = keras.layers.Lambda(lambda t: t * factor)(h)
keras.Model(h, h)
""",
    "made by a function": """\
def cut(i):
    return keras.layers.Lambda(lambda t: t[:, i : i + 1])


h = keras.Input((3,))
keras.Model(h, keras.layers.Concatenate()([cut(i)(h) for i in range(3)]))
""",
    "run in the loop itself": """\
class Model(keras.Model):
    def call(self, x):
        for i in range(3):
            x = keras.layers.Lambda(lambda t: t + i)(x)
        return x


Model()(x)
""",
    "not looked up": """\
h = keras.Input((3,))
for i in range(3):
    h = keras.layers.Lambda(lambda t: t * 2.0, name=f"double_{i}")(h)
""",
}
"""Scripts without the fault, or with values that nobody knows to differ."""


@on_both
@pytest.mark.parametrize("case", WELL)
def test_nothing_is_said(runner, generation, case):
    assert findings(runner, generation, WELL[case], "BT410") == []
