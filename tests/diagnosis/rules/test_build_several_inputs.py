"""BT106, on traces made by hand."""

from __future__ import annotations

from made_traces import Recording, spec

from buildtrace.diagnosis.rules.build_several_inputs import RULE
from diagnosis.hand import error, line, said, state

REFUSES = "Currently, you cannot build your model if it has positional or keyword arguments"
GIVEN = [spec(None, 3), spec(None, 5)]


def of(generation, call=("a", "b"), failure=None, name=None, built=False, **methods):
    r = Recording(generation, caller=("/nowhere/model.py", 16))
    model, dense = r.layer("two", "Two"), r.layer("dense", "Dense")
    name = name or ("Model.build" if generation == "keras2" else "Layer.build")
    with r.call(name, model, GIVEN, error=failure):
        pass
    left = [] if built else [dense]
    states = [state(model, 0, [dense], left, call=call, **methods)]
    return said("BT106", r, states), said("BT102", r, states)


def test_keras_2_refuses():
    (finding,), _ = of("keras2", failure=error("ValueError", REFUSES))
    assert finding.caller == line(16)
    assert "'two' (Two) raised: its `call` needs 'a' and 'b'" in finding.message
    assert "a, b = inputs" in finding.fix


def test_keras_2_may_fail_for_another_reason():
    assert of("keras2", failure=error("ValueError", "Input shape must be defined"))[0] == []
    assert of("keras2")[0] == []


def test_keras_3_builds_nothing():
    (finding,), _ = of("keras3")
    assert "marked it as built without building anything" in finding.message
    assert "'dense' (Dense)" in finding.message
    zeros = "two(keras.ops.zeros((1, 3)), keras.ops.zeros((1, 5)))"
    assert finding.fix.startswith(zeros)


def test_keras_3_says_it_better_than_the_general_rule():
    (finding,), (general,) = of("keras3")
    assert set(finding.calls) & set(general.calls)
    assert general.code in RULE.hides


def test_keras_gives_training_and_mask_itself():
    assert of("keras3", call=("x", "training", "mask"))[0] == []


def test_a_build_of_its_own_may_take_more():
    assert of("keras3", name="Two.build", build=("a_shape", "b_shape"))[0] == []


def test_built_children_are_well():
    assert of("keras3", built=True)[0] == []


def test_an_rnn_builds_its_cell_itself():
    """A cell's `call` needs its states as well; that it is built empty is the general rule's."""
    r = Recording("keras3")
    rnn, cell = r.layer("rnn", "RNN"), r.layer("cell", "Cell")
    with (
        r.call("RNN.build", rnn, [spec(None, 5, 3)]),
        r.call("Layer.build", cell, [spec(None, 3)], changes={"built": (False, True)}),
    ):
        pass
    dense = r.layer("dense", "Dense")
    states = [state(cell, 0, [dense], [dense], call=["x", "states"])]
    assert said("BT106", r, states) == []
    assert len(said("BT102", r, states)) == 1
