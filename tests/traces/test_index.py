"""What rules look up in a trace."""

from __future__ import annotations

import msgspec
from diagnosis.hand import error, state, use
from made_traces import Recording, spec

from buildtrace.diagnosis import History


def test_builds_leave_out_those_of_the_base_class():
    r = Recording()
    layer = r.layer("lin", "Lin")
    with r.call("Lin.build", layer) as first, r.call("Layer.build", layer):
        pass
    with r.call("Lin.build", layer) as second:
        pass
    history = History(r.trace())
    assert [call.id for call in history.builds(layer.id)] == [first, second]
    assert history.builds(99) == []


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
    history = History(r.trace())
    by_call, by_hand = history.builds(outer.id)[0], history.builds(inner.id)[0]
    assert history.is_by_call(by_call)
    assert not history.is_by_call(by_hand)
    assert history.is_in_build(by_hand)
    assert not history.is_in_build(by_call)
    assert history.root(by_hand).id == 0
    assert [call.name for call in history.around(by_hand)][:2] == [
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
    history = History(msgspec.structs.replace(r.trace(), states=states))
    builds = history.builds(layer.id)
    assert [history.state_after(build) for build in builds] == list(states)
    assert history.state(layer.id) is states[-1]
    assert history.holder(child.id) == layer
    assert history.holder(layer.id) is None
    assert history.state_after(msgspec.structs.replace(builds[0], layer=None)) is None


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
    history = History(r.trace())
    assert history.innermost(history.trace.call(outer)).id == last
    assert [raised.calls[-1].id for raised in history.raised] == [last, last + 1]
    assert history.failing == []


def test_the_calls_that_an_error_came_out_of():
    r = Recording()
    layer, e = r.layer("block", "Block"), error("ValueError", "no", 3)
    with r.call("Layer.__call__", layer, error=e), r.call("Block.build", layer, error=e):
        pass
    assert [call.id for call in History(r.trace(e)).failing] == [0, 1]


def test_uses_by_name():
    r = Recording()
    uses = (use("Model.save", r), use("Model.summary", r), use("load_model", r))
    history = History(msgspec.structs.replace(r.trace(), uses=uses))
    assert history.uses("load_model", "Model.save") == [uses[0], uses[2]]
