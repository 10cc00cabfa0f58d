"""BT305, on traces made by hand and on real layers."""

from __future__ import annotations

import pytest
from made_traces import Recording, spec

from diagnosis.hand import error, line, said
from diagnosis.rules.running import findings, on_both

SAID = "Expected int32, but got None of type 'NoneType'."


def tried(given=(None, 3), message=SAID, kind="TypeError", lines=(7,), generation="keras3"):
    r, raised = Recording(generation), error(kind, message, *lines)
    layer = r.layer("pos", "Pos")
    with (
        r.call("Layer.__call__", layer, [spec(*given)], error=raised),
        r.call("compute_output_spec", layer, [spec(*given)], error=raised),
    ):
        pass
    return said("BT305", r, ended=raised)


@pytest.mark.parametrize(
    ("generation", "fix"), [("keras2", "tf.shape(x)[0]"), ("keras3", "keras.ops.shape(x)[0]")]
)
def test_line_and_remedy(generation, fix):
    (finding,) = tried(generation=generation)
    assert finding.caller == line(7)
    assert "'pos' (Pos)" in finding.message
    assert "the size of the batch is None" in finding.message
    assert fix in finding.fix


def test_the_open_axis_is_in_the_remedy():
    (finding,) = tried(given=(None, 5, None))
    assert "axes 0 and 2 are None" in finding.message
    assert "shape(x)[2]" in finding.fix


@pytest.mark.parametrize(
    "change",
    [
        {"given": (2, 3)},
        {"message": "Attempt to convert a value (None) with an unsupported type"},
        {"message": "'NoneType' object is not subscriptable"},
        {"message": "unsupported operand type(s) for *: 'NoneType' and 'SymbolicTensor'"},
        {"kind": "KeyError"},
        {"lines": ()},
    ],
)
def test_another_none_is_another_matter(change):
    assert tried(**change) == []


USES = [
    "tf.zeros((x.shape[0], 3))",
    "tf.reshape(x, (x.shape[0], -1))",
    "tf.tile(tf.ones((1, 3)), (x.shape[0], 1))",
    "x / np.sqrt(x.shape[0])",
    "x * float(x.shape[0])",
    "x * len(range(x.shape[0]))",
    "x if x.shape[0] > 3 else x * 2",
]
OTHERS = ["x * None", "tf.matmul(x, None)", "x * tf.cast(tf.shape(x)[0], x.dtype)", "x[None][0]"]
LAYER = """\
class Own(keras.layers.Layer):
    def call(self, x):
        return {}
Own()(keras.Input((3,)))
"""


@on_both
@pytest.mark.parametrize("expression", USES)
def test_ways_to_use_it(runner, generation, expression):
    (finding,) = findings(runner, generation, LAYER.format(expression), "BT305")
    assert finding.message.startswith("`call` of 'own' (Own)")


@on_both
@pytest.mark.parametrize("expression", OTHERS)
def test_other_faults_and_none(runner, generation, expression):
    assert findings(runner, generation, LAYER.format(expression), "BT305") == []
