"""BT412, on scripts."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import lines_that_come, on, run

START = """\
b, a = keras.Input((3,), name="b"), keras.Input((3,), name="a")
both = keras.layers.subtract([b, a])
"""

FORMS = {
    "a list for a dict, to predict": (
        """\
model = keras.Model({"b": b, "a": a}, both)
model.predict((x, 2 * x), verbose=0)
""",
        ["made with a dict of 'b' and 'a'", "called on a list"],
        ['model.predict({"b": x, "a": 2 * x}, verbose=0)'],
    ),
    "a list that is made elsewhere": (
        """\
model = keras.Model({"b": b, "a": a}, both)
batch = [x, x]
model(batch)
""",
        ["called on a list"],
        [],
    ),
    "other keys": (
        """\
model = keras.Model([b, a], both)
model({"first": x, "second": x})
""",
        ["made with the inputs 'b' and 'a'", "a dict of 'first' and 'second'"],
        [],
    ),
    "values of a dict": (
        """\
parts = {"b": b, "a": a}
model = keras.Model(parts.values(), both)
""",
        ["values of a dict"],
        ["model = keras.Model(list(parts.values()), both)"],
    ),
}
"""Scripts with the fault, what is said, and the lines that the edits bring."""


@on("keras3")
@pytest.mark.parametrize("form", FORMS)
def test_other_forms(runner, generation, form):
    body, said, come = FORMS[form]
    ran = run(runner, generation, START + body)
    (finding,) = ran.trace.findings
    assert finding.code == "BT412"
    assert all(part in finding.message for part in said)
    assert lines_that_come(ran, "BT412") == come


@on("keras3")
def test_what_keras_takes_is_left_alone(runner, generation):
    body = """\
keras.Model([b, a], both)({"b": x, "a": x})
keras.Model({"a": a, "b": b}, both)([x, x])
"""
    ran = run(runner, generation, START + body)
    assert (ran.code, [finding.code for finding in ran.trace.findings]) == (0, [])
