"""BT105, on traces made by hand."""

from __future__ import annotations

from contextlib import ExitStack

from made_traces import Recording, spec

from diagnosis.hand import error, line, said

BUILT = {"built": (False, True)}


def build(r, layer, number, names=("w",), **more):
    with r.call(f"{layer.class_name}.build", layer, [spec(None, 3)], caller=line(number), **more):
        for name in names:
            r.add_weight(layer, name, (3, 2))


def twice(generation="keras2", first=("w",), second=("w",), **more):
    r = Recording(generation)
    layer = r.layer("lin", "Lin")
    build(r, layer, 16, first, **more)
    build(r, layer, 18, second)
    return said("BT105", r)


def test_the_second_build_replaces_the_weight():
    (finding,) = twice()
    assert finding.caller == line(18)
    assert "Lin.build of 'lin' (Lin) ran a second time and replaced 'w'" in finding.message
    assert "super().build(input_shape)" in finding.fix


def test_several_weights_are_all_named():
    (finding,) = twice(first=("a", "b", "c"), second=("b", "c", "d"))
    assert "replaced 'b' and 'c'" in finding.message


def test_a_layer_that_says_it_is_built_was_built_twice_on_purpose():
    (finding,) = twice(changes=BUILT)
    assert finding.fix == "if not lin.built:\n    lin.build(input_shape)"
    assert "called explicitly" in finding.why


def test_other_weights_are_no_replacement():
    assert twice(first=("a",), second=("b",)) == []


def test_a_build_that_failed_is_tried_again():
    assert twice(error=error("ValueError", "no", 3)) == []


def test_keras_3_locks_the_state_of_a_built_layer():
    assert twice("keras3") == []


def test_super_build_is_no_second_one():
    r = Recording("keras2")
    layer = r.layer("lin", "Lin")
    with r.call("Lin.build", layer), r.call("Base.build", layer):
        r.add_weight(layer, "w", (3, 2))
    assert said("BT105", r) == []


def test_what_is_inside_follows_from_the_outermost():
    """A block that does not say that it is built, and its two layers, which do."""
    r = Recording("keras2")
    block = r.layer("block", "Block")
    for number in (20, 22):
        with ExitStack() as stack:
            stack.enter_context(r.call("Block.build", block, [spec(2, 3)], caller=line(number)))
            for name in ("dense", "dense_1"):
                build(r, r.layer(name, "Dense"), 11, ("kernel",), changes=BUILT)
    (finding,) = said("BT105", r)
    assert finding.layer == block.id
    assert finding.caller == line(22)
    assert "Block.build of 'block' (Block)" in finding.message
    assert "'kernel' of 'dense' (Dense)" in finding.message
