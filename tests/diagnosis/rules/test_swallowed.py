"""BT601, on traces made by hand and on Keras 3."""

from __future__ import annotations

from made_traces import Recording, spec

from diagnosis.hand import error, line, said

TYPO = "'Block' object has no attribute 'scale'"


def symbolic(again=None, name="Layer._maybe_build"):
    """A block is called on a placeholder; its `call` fails, but a shape rule does without it."""
    r, given = Recording("keras3"), [spec(None, 3)]
    block = r.layer("block", "Block")
    caught = error("AttributeError", TYPO, 7, swallowed=True)
    with r.call("Layer.__call__", block, given, error=again):
        with (
            r.call(name, block, given),
            r.call("compute_output_spec", block, given, error=caught),
        ):
            pass
        with (
            r.call("Operation.__call__", block, given, error=again),
            r.call("Operation.compute_output_spec", block, given, error=again),
        ):
            pass
    return r


def eager(again=None):
    """The same on data: Keras runs the true `call` after it."""
    r, given = Recording("keras3"), [spec(2, 3)]
    block = r.layer("block", "Block")
    caught = error("TypeError", "only on data", 7, swallowed=True)
    with r.call("Layer.__call__", block, given, error=again):
        with (
            r.call("Layer._maybe_build", block, given),
            r.call("compute_output_spec", block, given, error=caught),
        ):
            pass
        with r.call("Operation.__call__", block, given, error=again):
            pass
    return r


def test_it_is_told_with_type_text_and_line():
    (finding,) = said("BT601", symbolic())
    assert (finding.severity, finding.caller) == ("error", line(7))
    assert f"AttributeError: {TYPO} at model.py:7" in finding.message
    assert "'block' (Block)" in finding.message
    assert finding.fix.startswith("block(keras.ops.zeros((1, 3)))")


def test_one_that_came_out_after_all_is_not_hidden():
    text = f"Exception encountered when calling Block.call().\n\n{TYPO}"
    assert said("BT601", symbolic(again=error("AttributeError", text, 7))) == []
    assert said("BT601", symbolic(), ended=error("AttributeError", TYPO, 7, 30)) == []


def test_another_that_came_out_hides_it_still():
    assert said("BT601", symbolic(again=error("ValueError", "another", 9)))


def test_a_call_on_data_that_goes_well_is_a_note():
    (finding,) = said("BT601", eager())
    assert finding.severity == "note"
    assert "went well" in finding.message


def test_an_exception_that_the_user_catches_is_theirs():
    assert said("BT601", symbolic(name="Block.build")) == []


def test_the_true_cause_is_behind_what_was_caught():
    """Sequential.build catches a NotImplementedError, which a Lambda made of something else."""
    r, given = Recording("keras3"), [spec(None, 3)]
    model, layer = r.layer("sequential", "Sequential"), r.layer("lambda", "Lambda")
    caught = error("NotImplementedError", "We could not infer the shape", swallowed=True)
    cause = error("KeyError", "'duble'", 7)
    with (
        r.call("Sequential.build", model, given),
        r.call("Layer.__call__", layer, given, error=caught),
        r.call("compute_output_spec", layer, given, error=cause),
    ):
        pass
    (finding,) = said("BT601", r)
    assert "KeyError: 'duble' at model.py:7" in finding.message
    assert "'lambda' (Lambda)" in finding.message
    assert finding.severity == "error"


COMPOSITE = """\
from tensorflow import keras


class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)

    def call(self, x):
        return self.dense(self.skale * x)
{more}

{use}
"""

RULE_OF_SHAPES = """
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 4)
"""


def test_a_shape_rule_lets_keras_3_go_on(runner):
    use = "inputs = keras.Input((3,))\nmodel = keras.Model(inputs, Block()(inputs))"
    ran = runner("keras3").run(COMPOSITE.format(more=RULE_OF_SHAPES, use=use))
    assert ran.code == 0
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT601", "error")
    assert first.caller.line == ran.line_of("skale")


def test_without_one_keras_3_raises_it(runner):
    use = "Block()(keras.Input((3,)))"
    ran = runner("keras3").run(COMPOSITE.format(more="", use=use))
    assert ran.code == 1
    assert [finding.code for finding in ran.trace.findings] == ["BT602"]


def test_a_call_that_wants_data_is_a_note(runner):
    source = COMPOSITE.format(more="", use="Block()(keras.ops.ones((2, 3)))")
    ran = runner("keras3").run(source.replace("self.skale * x", "x * float(x[0, 0])"))
    assert ran.code == 0
    assert [(f.code, f.severity) for f in ran.trace.findings] == [("BT601", "note")]
