"""BT404, on traces made by hand."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording, chain, spec

from diagnosis.hand import line, said, use


def asked(name, generation="keras3", source="flow", **more):
    r = Recording(generation)
    net, dense = r.layer("net", "Net"), r.layer("dense", "Dense")
    with r.call("Layer.__call__", net, [spec(2, 3)], [spec(2, 4)]):
        pass
    graph = chain(net, (r.layer("input", "InputLayer"), spec(2, 3)), (dense, spec(2, 4)))
    r.graphs.append(msgspec.structs.replace(graph, source=source))
    uses = [use(name, r, net, number=12, **more)]
    return said("BT404", r, uses=uses * 2)


@pytest.mark.parametrize(
    ("name", "generation", "fix"),
    [
        ("model_to_dot", "keras2", "keras.utils.plot_model(keras.Model(i, net.call(i)))"),
        ("model_to_dot", "keras3", "keras.utils.plot_model(keras.Model(i, net.call(i)))"),
        ("Model.summary", "keras2", "keras.Model(i, net.call(i)).summary()"),
    ],
)
def test_it_is_told_once_with_the_way_to_a_graph(name, generation, fix):
    (finding,) = asked(name, generation)
    assert (finding.severity, finding.caller) == ("note", line(12))
    assert "'net' (Net) is subclassed" in finding.message
    assert finding.fix == f"i = keras.Input((3,))\n{fix}"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Model.save"},
        {"name": "Model.summary"},
        {"name": "model_to_dot", "source": "keras"},
        {"name": "model_to_dot", "built": False},
    ],
)
def test_there_is_nothing_to_say(change):
    assert asked(**change) == []
