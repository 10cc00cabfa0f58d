"""BT103, on traces made by hand."""

from __future__ import annotations

import pytest
from made_traces import Recording, chain, spec

from diagnosis.hand import error, line, said, state, use

BUILT = {"built": (False, True)}
FAILED = "Layer 'dense_1' expected 0 variables, but received 2 variables during loading."


class Net:
    """A model whose `build` builds its block, whose `build` forgets a layer that `call` uses."""

    def __init__(self, generation="keras3", in_build=False, weights=True):
        r = self.r = Recording(generation)
        self.net, self.block = r.layer("net", "Net"), r.layer("block", "Block")
        self.dense = r.layer("dense", "Dense")
        with r.call("Layer.__call__", self.net, [spec(2, 3)]):
            with (
                r.call("Net.build", self.net, [spec(2, 3)], changes=BUILT),
                r.call("Block.build", self.block, [spec(2, 3)], changes=BUILT),
            ):
                r.add_weight(self.block, "scale", (1,))
                if in_build:
                    self._dense(weights)
            with r.call("Layer.__call__", self.block, [spec(2, 3)]):
                if not in_build:
                    self._dense(weights)

    def _dense(self, weights):
        with (
            self.r.call("Layer.__call__", self.dense, [spec(2, 3)], caller=line(17)),
            self.r.call("Dense.build", self.dense, [spec(2, 3)], changes=BUILT, caller=line(17)),
        ):
            if weights:
                self.r.add_weight(self.dense, "kernel", (3, 4))

    def said(self, *uses, net=("input_shape",), block=("input_shape",), saved=True):
        given = [use("Model.save", self.r, self.net)] if saved else []
        states = [
            state(self.net, 0, [self.block], number=20, **({"build": net} if net else {})),
            state(self.block, 0, [self.dense], number=10, **({"build": block} if block else {})),
        ]
        return said("BT103", self.r, states, [*given, *uses])


def loading(net, text=FAILED):
    return use("load_model", net.r, number=36, error=error("ValueError", text))


def test_the_layer_that_forgets_its_child_is_named():
    (finding,) = Net().said()
    assert finding.severity == "warning"
    assert finding.caller == line(11)  # where Block's `build` is defined
    assert "Block.build does not build 'dense' (Dense) in 'block' (Block)" in finding.message
    assert "self.dense.build(input_shape)" in finding.fix


@pytest.mark.parametrize("generation", ["keras2", "keras3"])
def test_it_is_an_error_if_loading_failed(generation):
    net = Net(generation)
    (finding,) = net.said(loading(net))
    assert finding.severity == "error"
    assert "load_model could not load it" in finding.message


def test_another_failure_of_loading_is_not_taken_for_it():
    net = Net()
    (finding,) = net.said(loading(net, "No such file"))
    assert finding.severity == "warning"


def test_keras_2_may_have_saved_it_in_another_format():
    (finding,) = Net("keras2").said()
    assert finding.severity == "note"


def test_a_child_built_in_build_is_well():
    assert Net(in_build=True).said() == []


def test_a_child_without_weights_is_well():
    assert Net(weights=False).said() == []


def test_a_model_without_a_build_of_its_own_is_called_on_loading():
    assert Net().said(net=()) == []


def test_a_holder_without_a_build_of_its_own_is_told_too():
    (finding,) = Net().said(block=())
    assert "Block has no `build` that would build 'dense' (Dense)" in finding.message
    assert finding.caller == line(10)


def test_nothing_is_said_of_what_nobody_saves():
    assert Net().said(saved=False) == []


def test_a_model_in_a_functional_one_is_called_on_loading():
    net = Net()
    functional = net.r.layer("functional", "Functional")
    source = net.r.layer("input", "InputLayer")
    net.r.graphs.append(chain(functional, (source, spec(None, 3)), (net.net, spec(None, 4))))
    assert net.said() == []


def test_only_the_loading_is_in_the_trace():
    r = Recording(caller=("/nowhere/model.py", 36))
    block, dense = r.layer("block_1", "Block"), r.layer("dense_1", "Dense")
    with r.call("Block.build", block, [spec(2, 3)], changes=BUILT):
        pass
    states = [state(block, 0, [dense], [dense], number=10, build=["input_shape"])]
    failed = use("load_model", r, number=36, error=error("ValueError", FAILED))
    (finding,) = said("BT103", r, states, [failed])
    assert (finding.severity, finding.caller) == ("error", line(11))
    assert "'dense_1' (Dense)" in finding.message
    well = use("load_model", r, number=36)
    assert said("BT103", r, states, [well]) == []
    elsewhere = use("load_model", r, number=50, error=error("ValueError", FAILED))
    assert said("BT103", r, states, [elsewhere]) == []
