"""BT102, on traces made by hand."""

from __future__ import annotations

import pytest
from made_traces import Recording, spec
from msgspec.structs import replace

from diagnosis.hand import error, line, said, state

BUILT = {"built": (False, True)}


@pytest.fixture(params=["keras2", "keras3"])
def r(request):
    return Recording(request.param)


def explicit(r, number=16):
    """A block's `build` is called that it inherits; returns the block and its child."""
    block, dense = r.layer("block", "Block"), r.layer("dense", "Dense")
    with r.call("Layer.build", block, [spec(None, 3)], changes=BUILT, caller=line(number)):
        pass
    return block, dense


def later(r, block, dense, number=18):
    """The block is called at last."""
    with (
        r.call("Layer.__call__", block, [spec(2, 3)], caller=line(number)) as root,
        r.call("Layer.__call__", dense, [spec(2, 3)], caller=line(13)),
        r.call("Dense.build", dense, [spec(2, 3)], changes=BUILT, caller=line(13)),
    ):
        r.add_weight(dense, "kernel", (3, 4))
    return root


def test_it_built_nothing(r):
    block, dense = explicit(r)
    (finding,) = said("BT102", r, [state(block, 0, [dense], [dense], call=["x"])])
    assert (finding.severity, finding.caller, finding.calls) == ("error", line(16), (0,))
    assert "'block' (Block)" in finding.message
    assert "'dense' (Dense) is not built" in finding.message
    assert "self.dense.build(input_shape)" in finding.fix


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ("fc1", "self.fc1"),
        ("blocks[0]", "self.blocks[0]"),
        ("_fc", "self._fc"),
        ("a\nb", "self.dense"),
    ],
)
def test_the_remedy_has_the_attribute_of_the_class(r, attribute, code):
    block, dense = explicit(r)
    held = replace(state(block, 0, [dense], [dense]), attributes={dense.id: attribute})
    (finding,) = said("BT102", r, [held])
    assert f"    {code}.build(input_shape)\n" in finding.fix


def test_a_later_call_built_it_all_the_same(r):
    block, dense = explicit(r)
    root = later(r, block, dense)
    states = [state(block, 0, [dense], [dense]), state(block, root, [dense])]
    (finding,) = said("BT102", r, states)
    assert finding.severity == "warning"
    assert "until model.py:13 calls it" in finding.message


def test_a_child_that_makes_no_weights_is_not_missed(r):
    """A Concatenate has a `build`, in which it looks at its shapes."""
    block, join = explicit(r)[0], r.layer("concatenate", "Concatenate")
    with r.call("Layer.__call__", block, caller=line(18)), r.call("Concatenate.build", join):
        pass
    assert said("BT102", r, [state(block, 0, [join], [join])]) == []


def test_loading_builds_and_calls_by_one_line(r):
    block, dense = explicit(r)
    root = later(r, block, dense, number=16)
    assert said("BT102", r, [state(block, 0, [dense], [dense]), state(block, root, [dense])]) == []


def test_what_the_children_need_is_known_from_the_call(r):
    block, dense = explicit(r)
    other = r.layer("dense_1", "Dense")
    later(r, block, dense)
    children = [dense, other]
    with r.call("Dense.build", other, [spec(2, 9)]):
        r.add_weight(other, "kernel", (9, 4))
    (finding,) = said("BT102", r, [state(block, 0, children, children)])
    assert "self.dense.build((None, 3))\n    self.dense_1.build((None, 9))" in finding.fix


def test_without_that_the_remedy_is_a_call(r):
    block, dense = explicit(r)
    children = [dense, r.layer("dense_1", "Dense")]
    (finding,) = said("BT102", r, [state(block, 0, children, children)])
    zeros = "tf.zeros" if r.generation == "keras2" else "keras.ops.zeros"
    assert finding.fix.startswith(f"block({zeros}((1, 3)))")
    assert "def build" not in finding.fix


def test_built_children_are_well(r):
    block, dense = explicit(r)
    assert said("BT102", r, [state(block, 0, [dense])]) == []


def test_a_call_may_leave_a_child_out(r):
    """Whether `call` should have used it is not for this rule to say."""
    block, dense = r.layer("block", "Block"), r.layer("dense", "Dense")
    with (
        r.call("Layer.__call__", block, [spec(2, 3)]),
        r.call("Layer._maybe_build", block, [spec(2, 3)]),
        r.call("Layer.build", block, [spec(2, 3)], changes=BUILT),
    ):
        pass
    assert said("BT102", r, [state(block, 0, [dense], [dense])]) == []


def test_a_build_of_its_own_is_another_rules(r):
    block, dense = r.layer("block", "Block"), r.layer("dense", "Dense")
    with r.call("Block.build", block, [spec(None, 3)], changes=BUILT):
        pass
    states = [state(block, 0, [dense], [dense], build=["input_shape"])]
    assert said("BT102", r, states) == []


def test_a_build_that_failed_is_not_told(r):
    block, dense = r.layer("block", "Block"), r.layer("dense", "Dense")
    with r.call("Layer.build", block, [spec(None, 3)], error=error("ValueError", "no", 3)):
        pass
    assert said("BT102", r, [state(block, 0, [dense], [dense], built=False)]) == []


def sequential(r, **changes):
    model = r.layer("sequential", "Sequential")
    with r.call("Sequential.build", model, [], changes=changes):
        pass
    return said("BT102", r)


def test_a_sequential_of_keras_3_that_got_no_shape():
    (finding,) = sequential(Recording("keras3"), built=(False, True))
    assert "'sequential' (Sequential)" in finding.message
    assert "one tensor" in finding.message


def test_a_sequential_that_was_built():
    built = {"built": (False, True), "_functional": (False, True)}
    assert sequential(Recording("keras3"), **built) == []
    assert sequential(Recording("keras3")) == []
    assert sequential(Recording("keras2"), built=(False, True)) == []
