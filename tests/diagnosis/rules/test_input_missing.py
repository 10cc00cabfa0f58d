"""BT407 on real models: layers that need more than they are given."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

CROSS = """
class Cross(keras.layers.Layer):
    def call(self, a, b):
        return a + b
"""

IN_A_SEQUENTIAL = {
    "on an Input": (
        "keras.Sequential([keras.Input((4, 3)), keras.layers.MultiHeadAttention(2, 3)])",
        "needs `value` as well",
        "multi_head_attention(x, x)",
    ),
    "on data": ("keras.Sequential([Cross()])(x)", "'cross' (Cross) needs `b`", "cross(a, b)"),
    "of a list, to merge": (
        "keras.Sequential([keras.Input((3,)), keras.layers.Concatenate()])",
        "needs a list of tensors",
        "concatenate([x, other])",
    ),
}

ALONE = {
    "a list": (
        "keras.layers.MultiHeadAttention(2, 3)([keras.Input((4, 3)), keras.Input((4, 3))])",
        "needs `value` as well",
        "multi_head_attention(",
    ),
    "own": ("Cross()(x)", "'cross' (Cross) needs `b` as well", "x = cross(a, b)"),
}

OTHERS = {
    "a function in a layer": """
def add(a, b):
    return a + b
class Net(keras.layers.Layer):
    def call(self, x):
        return add(x)
Net()(x)
""",
    "caught": CROSS + "try:\n    Cross()(x)\nexcept TypeError:\n    Cross()(x, x)\n",
}


@on_both
@pytest.mark.parametrize(("line", "what", "fix"), IN_A_SEQUENTIAL.values(), ids=IN_A_SEQUENTIAL)
def test_it_has_no_place_in_a_sequential(runner, generation, line, what, fix):
    ran = run(runner, generation, f"{CROSS}{line}\n")
    (found,) = ran.trace.findings
    assert (found.code, found.severity) == ("BT407", "error")
    assert what in found.message
    assert "a Sequential calls each layer on one tensor" in found.message
    assert f"x = {fix}" in found.fix
    assert "keras.Model(inputs, x)" in found.fix
    assert found.caller.line == ran.line_of(line)


@on_both
@pytest.mark.parametrize(("line", "what", "fix"), ALONE.values(), ids=ALONE)
def test_it_needs_more(runner, generation, line, what, fix):
    ran = run(runner, generation, f"{CROSS}{line}\n")
    (found,) = ran.trace.findings
    assert (found.code, "Sequential" in found.message) == ("BT407", False)
    assert what in found.message
    assert fix in found.fix
    assert found.caller.line == ran.line_of(line)


@on_both
@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_other_arguments_are_another_matter(runner, generation, body):
    assert findings(runner, generation, body, "BT407") == []
