"""BT107 on real models: what a `build` takes its argument for."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

LAYER = """
class Fuse(keras.layers.Layer):
    def build(self, input_shape):
        {}
        self.built = True
    def call(self, inputs):
        return inputs
Fuse()({})
"""
WEIGHT = "self.w = self.add_weight(shape=({}, 2), name='w')"
DICT, LIST = '{"a": x, "b": x, "c": x}', "[x, x]"

WRONG = {
    "a dict, indexed": (WEIGHT.format("input_shape[-1]"), DICT, "the dict of 3 shapes", '["a"]'),
    "a dict, handed on": (
        "self.d = keras.layers.Dense(2); self.d.build(input_shape)",
        DICT,
        "the dict of 3 shapes",
        '["a"]',
    ),
    "a list as one": (
        WEIGHT.format("input_shape[-1]"),
        LIST,
        "the shapes of 2 inputs",
        "input_shape[0][-1]",
    ),
    "a list as a dict": (
        WEIGHT.format("input_shape['a'][-1]"),
        LIST,
        "the list of 2 shapes for a dict",
        "input_shape[0][-1]",
    ),
    "one as a list": (
        WEIGHT.format("input_shape[0][-1]"),
        "x",
        "the one shape (2, 3)",
        "fuse([x, ...])",
    ),
}

OTHERS = {
    "another error": ("self.nothing[0]", LIST),
}


@on_both
@pytest.mark.parametrize(("line", "given", "what", "fix"), WRONG.values(), ids=WRONG)
def test_what_it_is_taken_for(runner, generation, line, given, what, fix):
    ran = run(runner, generation, LAYER.format(line, given))
    (found,) = ran.trace.findings
    assert (found.code, found.severity) == ("BT107", "error")
    assert what in found.message
    assert fix in found.fix
    assert found.caller.line == ran.line_of(line)


@on_both
@pytest.mark.parametrize(("line", "given"), OTHERS.values(), ids=OTHERS)
def test_other_mistakes_are_left_to_others(runner, generation, line, given):
    assert findings(runner, generation, LAYER.format(line, given), "BT107") == []
