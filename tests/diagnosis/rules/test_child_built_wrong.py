"""BT303, on traces made by hand and on real layers."""

from __future__ import annotations

import msgspec
from made_traces import Recording, spec

from buildtrace.diagnosis import diagnose
from diagnosis.hand import error, line, said
from diagnosis.rules.running import findings, on_both

SAID = "Matrix size-incompatible: In[0]: [2,2], In[1]: [3,4]"


def built_by_hand(module="__main__", build="Outer.build", shape=(2, 3)):
    r, raised = Recording(), error("InvalidArgumentError", SAID)
    outer, inner = r.layer("outer", "Outer"), r.layer("inner", "Dense")
    with r.call("Layer.__call__", outer, [spec(2, 3)], error=raised):
        with (
            r.call(build, outer, [spec(2, 3)]) as holder,
            r.call("Dense.build", inner, [spec(*shape)], caller=line(9)),
        ):
            r.add_weight(inner, "kernel", (3, 4))
        with r.call("Layer.__call__", inner, [spec(2, 2)], error=raised):
            pass
    r.calls[holder] = msgspec.structs.replace(r.calls[holder], module=module)
    return r, raised


def test_both_shapes_are_told_and_the_line_of_the_build():
    r, raised = built_by_hand()
    (finding,) = said("BT303", r, ended=raised)
    assert finding.caller == line(9)
    assert "its own input shape (2, 3)" in finding.message
    assert "feeds the child (2, 2)" in finding.message
    assert "self.inner.build((*input_shape[:-1], 2))" in finding.fix


def built_once_more(generation="keras2", sizes=(3, 2), shapes=((2, 3), (2, 2))):
    """A child that its holder's `build` built, and its own call again; nothing fails of it."""
    r = Recording(generation)
    outer, inner = r.layer("outer", "Outer"), r.layer("inner", "Inner")
    with r.call("Layer.__call__", outer, [spec(2, 3)]):
        with (
            r.call("Outer.build", outer, [spec(2, 3)]) as holder,
            r.call("Inner.build", inner, [spec(*shapes[0])], caller=line(9)),
        ):
            r.add_weight(inner, "w", (sizes[0], 4))
        with (
            r.call("Layer.__call__", inner, [spec(*shapes[1])]),
            r.call("Inner.build", inner, [spec(*shapes[1])], caller=line(11)),
        ):
            r.add_weight(inner, "w", (sizes[1], 4))
    r.calls[holder] = msgspec.structs.replace(r.calls[holder], module="__main__")
    return r


def test_a_child_that_keras_2_built_once_more_goes_well_by_accident():
    (finding,) = said("BT303", built_once_more())
    assert (finding.severity, finding.caller) == ("warning", line(9))
    assert "feeds the child (2, 2), so that Keras 2 builds it once more." in finding.message
    assert "self.inner.build((*input_shape[:-1], 2))" in finding.fix
    assert "# and in Inner, so that this `build` counts:" in finding.fix
    (found,) = diagnose(built_once_more().trace())  # not as weights replaced, too
    assert found.code == "BT303"


def test_a_child_built_twice_alike_is_another_matter():
    assert said("BT303", built_once_more(sizes=(3, 3), shapes=((2, 3), (2, 3)))) == []
    assert said("BT303", built_once_more(sizes=(4, 4), shapes=((2, 3), (2, 2)))) == []
    assert said("BT303", built_once_more("keras3")) == []


def test_keras_own_layers_build_their_children_right():
    r, raised = built_by_hand(module="keras.src.layers.rnn.rnn", build="RNN.build")
    assert said("BT303", r, ended=raised) == []


def test_a_child_that_its_call_built_is_another_matter():
    r, raised = built_by_hand(build="Layer._maybe_build")
    assert said("BT303", r, ended=raised) == []


@on_both
def test_a_child_built_right_is_fine(runner, generation):
    body = (
        "class Outer(keras.layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.inner = keras.layers.Dense(4)\n"
        "    def build(self, input_shape):\n"
        "        self.inner.build((None, 2))\n"
        "        super().build(input_shape)\n"
        "    def call(self, x):\n"
        "        return self.inner(x[:, :-1])\n"
        "Outer()(x)\nraise ValueError('3 and 2')\n"
    )
    assert findings(runner, generation, body, "BT303") == []
