"""What is looked up in a trace."""

from __future__ import annotations

import made_traces
import msgspec
import pytest
from diagnosis.hand import error, state, use
from made_traces import Recording, spec

from buildtrace.traces.totals import totals


def test_one_run_of_build_is_one_build():
    r = Recording()
    layer = r.layer("lin", "Lin")
    with r.call("Lin.build", layer) as first, r.call("Layer.build", layer):
        pass  # by super().build()
    with r.call("Lin.build", layer) as second:
        pass
    index = r.trace().index
    assert [call.id for call in index.builds_of(layer.id)] == [first, second]
    assert index.builds_of(99) == index.built_by(99) == []


@pytest.mark.parametrize("own", ["Dense.build", "Layer.build"])
def test_keras_2_runs_the_build_of_the_base_class_behind_each(own):
    r = Recording()
    layer = r.layer("dense", "Dense")
    builds = []
    for _ in range(2):
        with r.call("Layer._maybe_build", layer):
            with r.call(own, layer) as build:
                builds.append(build)
            with r.call("Layer.build", layer):
                pass
    assert [call.id for call in r.trace().index.builds_of(layer.id)] == builds


def test_builds_by_hand_of_a_layer_without_its_own():
    r = Recording()
    layer = r.layer("flatten", "Flatten")
    for _ in range(2):
        with r.call("Layer.build", layer):
            pass
    assert [call.id for call in r.trace().index.builds_of(layer.id)] == [0, 1]


def test_a_functional_model_is_built_by_the_call_that_makes_it():
    r = Recording()
    model = r.layer("model", "Functional")
    with r.call("Functional.__init__", model, changes={"built": (False, True)}) as making:
        pass
    index = r.trace().index
    assert index.builds_of(model.id) == []
    assert [call.id for call in index.built_by(model.id)] == [making]


def test_weights_are_asked_for_by_their_maker_their_owner_and_what_they_are_in():
    trace = made_traces.mlp3([8, 10])
    dense = trace.find("Dense.build")[0]
    assert dense.layer is not None
    names = [weight.name for weight in trace.weights_of(dense.layer.id)]
    assert names == ["kernel", "bias"]
    assert trace.index.weights_made_in(dense) == trace.index.weights_within(dense.layer.id)
    model = trace.graphs[0].model.id
    assert trace.weights_of(model) == []
    assert trace.index.weights_within(model) == list(trace.weights)
    assert trace.index.weights_within(None) == []
    assert totals(trace.weights) == (4, trace.parameters, trace.parameters)
    assert all(trace.index.is_made_in_build(weight) for weight in trace.weights)


def test_a_model_that_could_not_be_made_has_the_weights_of_its_layers():
    whole = made_traces.mlp3([8, 10])
    graph = msgspec.structs.replace(whole.graphs[0], weights=(), built=False)
    calls = tuple(msgspec.structs.replace(call, parent=None) for call in whole.calls)
    trace = msgspec.structs.replace(whole, graphs=(graph,), calls=calls)
    assert trace.index.weights_within(graph.model.id) == list(whole.weights)


def test_a_changed_trace_has_another_index():
    trace = made_traces.mlp3([8])
    before = trace.index
    assert trace.index is before
    trace.calls = ()
    assert trace.index is not before
    assert trace.roots == []


def test_a_build_by_a_call_is_told_from_one_by_hand():
    r = Recording()
    outer, inner = r.layer("outer", "Outer"), r.layer("inner", "Inner")
    with (
        r.call("Layer.__call__", outer),
        r.call("Layer._maybe_build", outer),
        r.call("Outer.build", outer),
        r.call("Inner.build", inner),
    ):
        pass
    trace = r.trace()
    by_call, by_hand = trace.index.builds_of(outer.id)[0], trace.index.builds_of(inner.id)[0]
    assert trace.index.is_by_call(by_call)
    assert not trace.index.is_by_call(by_hand)
    assert trace.index.is_in_build(by_hand)
    assert not trace.index.is_in_build(by_call)
    assert trace.index.root(by_hand).id == 0
    assert [call.name for call in trace.index.ancestors(by_hand)][:2] == [
        "Outer.build",
        "Layer._maybe_build",
    ]


def test_states_belong_to_the_end_of_a_tree():
    r = Recording()
    layer, child = r.layer("block", "Block"), r.layer("dense", "Dense")
    for _ in range(2):
        with r.call("Layer.__call__", layer, [spec(2, 3)]), r.call("Block.build", layer):
            pass
    states = (state(layer, 0, [child], [child]), state(layer, 2, [child]))
    trace = msgspec.structs.replace(r.trace(), states=states)
    builds = trace.index.builds_of(layer.id)
    assert [trace.index.state_after(build) for build in builds] == list(states)
    assert trace.index.state_of(layer.id) is states[-1]
    assert trace.index.holder_of(child.id) == layer
    assert trace.index.holder_of(layer.id) is None
    assert trace.index.state_after(msgspec.structs.replace(builds[0], layer=None)) is None


def test_the_innermost_of_a_chain():
    r = Recording()
    layer, e = r.layer("block", "Block"), error("ValueError", "no", 3)
    caught = error("ValueError", "no", 3, swallowed=True)
    with (
        r.call("Layer.__call__", layer),
        r.call("Layer._maybe_build", layer),
        r.call("compute_output_spec", layer, error=caught) as outer,
    ):
        with r.call("Layer.__call__", layer):
            pass
        with (
            r.call("Layer.__call__", layer, error=e),
            r.call("Lin.build", layer, error=e) as last,
            r.call("Layer.add_weight", layer, error=caught),  # over before that
        ):
            pass
    trace = r.trace()
    assert trace.raised_through(trace.call(outer))[-1].id == last
    assert [raised.calls[-1].id for raised in trace.index.raised] == [last, last + 1]
    assert trace.index.failing == []


def test_the_calls_that_an_error_came_out_of():
    r = Recording()
    layer, e = r.layer("block", "Block"), error("ValueError", "no", 3)
    with r.call("Layer.__call__", layer, error=e), r.call("Block.build", layer, error=e):
        pass
    assert [call.id for call in r.trace(e).index.failing] == [0, 1]


def test_uses_by_name():
    r = Recording()
    uses = (use("Model.save", r), use("Model.summary", r), use("load_model", r))
    trace = msgspec.structs.replace(r.trace(), uses=uses)
    assert trace.index.uses_by("load_model", "Model.save") == [uses[0], uses[2]]
