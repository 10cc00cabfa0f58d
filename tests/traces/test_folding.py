import time

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.errors import UsageError
from buildtrace.renderers.variable_columns import besides
from buildtrace.traces.folding import focus, fold, hidden, limit_depth, sizes
from buildtrace.traces.schema import ErrorInfo, Holder

MANY = made_traces.mlp3([16] * 30)


def stands_for(shown):
    """How many calls a folded trace stands for."""
    return len(shown.calls) + sum(call.folded.calls for call in shown.calls if call.folded)


@pytest.mark.parametrize("make", [made_traces.mlp2, made_traces.mlp3, made_traces.failing])
def test_a_small_model_is_shown_whole(make):
    trace = make()
    assert fold(trace) == trace


@pytest.mark.parametrize(
    "trace",
    [
        MANY,
        made_traces.failing(before=20),
        made_traces.layers("ABCD" * 30),
        made_traces.layers([f"Kind{n}" for n in range(400)]),
    ],
    ids=["repeats", "failing", "blocks", "all different"],
)
def test_a_big_model_folds_and_nothing_is_lost_from_the_count(trace):
    shown = fold(trace)
    assert len(shown.calls) < 150 < len(trace.calls)
    assert stands_for(shown) == len(trace.calls)
    assert shown.weights == trace.weights


@pytest.mark.parametrize("number", [70, 700])
def test_the_folded_size_does_not_grow_with_the_model(number):
    shown = fold(made_traces.mlp3([16] * number))
    assert len(shown.calls) == len(fold(MANY).calls)
    assert stands_for(shown) == len(made_traces.mlp3([16] * number).calls)


def test_alike_siblings_fold_into_the_first():
    shown = fold(MANY)
    calls = [call for call in shown.find("Layer.__call__") if call.layer.class_name == "Dense"]
    assert [call.layer.name for call in calls] == ["dense"]
    assert calls[0].folded.reason == "repeat"
    assert calls[0].folded.repeats == 30


def test_recursion_keeps_the_first_call():
    helpers = fold(MANY).find("_build_map_helper")
    assert len(helpers) == 1
    assert helpers[0].folded.reason == "recursion"
    assert helpers[0].folded.calls == 30


@pytest.mark.parametrize("steps", [4, 900])
def test_a_recursion_that_the_run_failed_in_keeps_its_first_call_and_its_last(steps):
    trace = made_traces.too_deep_graph(steps, layers=100)
    shown = fold(trace, keep={trace.calls[-1].id})
    first, last = (call for call in shown.calls if call.name == "_build_map_helper")
    assert (first.folded.reason, first.folded.calls) == ("recursion", steps - 2)
    assert (last.id, last.parent) == (trace.calls[-1].id, first.id)
    assert stands_for(shown) == len(trace.calls)
    assert [call.id for call in shown.index.failing][-2:] == [first.id, last.id]


def test_a_short_recursion_is_shown_whole():
    trace = made_traces.too_deep_graph(3, layers=100)
    assert [call.name for call in fold(trace).calls].count("_build_map_helper") == 3


def test_a_recursion_of_several_functions_keeps_a_round_at_each_end():
    trace = made_traces.endless_build(200)
    shown = fold(trace)
    names = [call.name for call in shown.calls if "weight" not in call.step]
    assert names == ["Layer.__call__", "Nest.build"] * 2
    assert stands_for(shown) == len(trace.calls)


def test_what_is_to_be_kept_of_a_recursion_is_kept():
    trace = made_traces.endless_build(100)
    middle = trace.index.failing[100].id
    assert middle in {call.id for call in fold(trace, keep={middle}).calls}


def test_a_layer_in_a_layer_is_no_recursion():
    recording = made_traces.Recording()
    for number in range(30):
        with (
            recording.call("Layer.__call__", recording.layer(f"outer_{number}", "Outer")),
            recording.call("Layer.__call__", recording.layer(f"inner_{number}", "Inner")),
            recording.call(f"Kind{number}.compute_output_shape"),
        ):
            pass
    names = {call.layer.name for call in fold(recording.trace()).find("Layer.__call__")}
    assert {"outer_0", "inner_0", "inner_29"} <= names


def test_another_class_is_not_alike():
    classes = ["Dense"] * 10 + ["Special"] + ["Dense"] * 10
    shown = fold(made_traces.layers(classes))
    assert "Special" in {call.layer.class_name for call in shown.find("Layer.__call__")}


def test_the_inside_of_a_call_is_shown_once():
    shown = fold(made_traces.layers("ABABCABAAB" * 2))
    inside = [shown.children(call) for call in shown.find("Layer.__call__")]
    assert sum(bool(calls) for calls in inside) == 1


@pytest.mark.parametrize("fewer", [fold, lambda trace: limit_depth(trace, 1)])
def test_the_failing_path_is_never_hidden(fewer):
    trace = made_traces.failing(before=40)
    path = trace.index.failing_ids
    assert len(path) == 3
    assert path <= {call.id for call in fewer(trace).calls}


def test_failing_path_is_kept_in_the_middle_of_a_long_list():
    trace = made_traces.layers([f"Kind{n}" for n in range(200)])
    error = ErrorInfo(type="ValueError", message="")
    failed = trace.roots[100].id
    calls = [replace(c, error=error) if c.id == failed else c for c in trace.calls]
    assert failed in {c.id for c in fold(replace(trace, calls=tuple(calls))).calls}


def test_the_failing_call_is_no_repeat_of_those_that_were_caught():
    recording = made_traces.Recording()
    for number in range(100):
        error = ErrorInfo(type="ValueError", message="", swallowed=number < 99)
        with recording.call("Layer.__call__", recording.layer("a", "A"), error=error):
            pass
    shown = fold(recording.trace())
    assert [call.id for call in shown.calls] == [0, 99]


def test_depth_adds_to_what_was_folded():
    shown = fold(MANY, depth=2)
    assert max(depth for depth, _ in shown.walk()) == 1
    assert stands_for(shown) == len(MANY.calls)


def test_limit_depth_says_what_it_hid():
    trace = made_traces.mlp2()
    shown = limit_depth(trace, 2)
    assert max(depth for depth, _ in shown.walk()) == 1
    assert stands_for(shown) == len(trace.calls)
    assert {call.folded.reason for call in shown.calls if call.folded} == {"depth"}
    assert limit_depth(trace, 100) == trace


def test_hidden_calls_are_found_where_they_were():
    shown = fold(MANY)
    call = next(c for c in shown.calls if c.folded and c.folded.repeats > 1)
    hidden_there = hidden(MANY, shown)[call.id]
    assert [c.layer.name for c in hidden_there.beside] == [f"dense_{n}" for n in range(1, 30)]
    whole = sizes(MANY)
    assert sum(whole[c.id] for c in hidden_there.beside) == call.folded.calls


def test_focus_keeps_one_model():
    first, second = made_traces.mlp3(), made_traces.mlp2()
    both = _joined(first, second)
    for part, trace in (("left", first), ("right", second)):
        shown = focus(both, part)
        assert [call.name for call in shown.calls] == [call.name for call in trace.calls]
        assert [graph.model.name for graph in shown.graphs] == [part]
        assert shown.parameters == 407_050


def test_focus_names_the_models_there_are():
    with pytest.raises(UsageError, match="'sequential'"):
        focus(made_traces.mlp3(), "nosuch")


def test_focus_makes_roots_of_what_lay_inside_others():
    shown = focus(made_traces.mlp3(), "dense_1")
    assert [call.name for call in shown.roots] == ["Layer.__call__"]
    assert shown.parameters == 5_130


def _joined(first, second):
    """Both traces in one, their models called left and right."""

    def moved(trace, name, calls, layers, weights):
        def ref(layer):
            new = layer.name if layer.class_name != "Sequential" else name
            return replace(layer, id=layer.id + layers, name=new)

        return (
            [
                replace(
                    c,
                    id=c.id + calls,
                    parent=None if c.parent is None else c.parent + calls,
                    layer=c.layer and ref(c.layer),
                )
                for c in trace.calls
            ],
            [
                replace(w, id=w.id + weights, call=w.call + calls, layer=w.layer + layers)
                for w in trace.weights
            ],
            [
                replace(
                    g,
                    model=ref(g.model),
                    nodes=tuple(replace(n, layer=n.layer + layers) for n in g.nodes),
                    weights=tuple(w + weights for w in g.weights),
                )
                for g in trace.graphs
            ],
        )

    one = moved(first, "left", 0, 0, 0)
    two = moved(second, "right", len(first.calls), 100, len(first.weights))
    calls, weights, graphs = (tuple(a + b) for a, b in zip(one, two, strict=True))
    return replace(first, calls=calls, weights=weights, graphs=graphs)


@pytest.mark.slow
def test_folding_is_fast():
    trace = made_traces.mlp3([8] * 7_000)
    assert len(trace.calls) > 100_000
    start = time.process_time()
    fold(trace)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "trace",
    [MANY, made_traces.layers(["Own"] * 200), made_traces.layers([f"Kind{n}" for n in range(400)])],
    ids=["inside", "alike", "all different"],
)
@pytest.mark.parametrize("depth", [0.3, 0.5, 0.99])
def test_what_is_to_be_kept_is_kept_with_the_way_there(trace, depth):
    deep = [call for call in trace.calls if call.name == "Layer.add_weight"]
    call = deep[int(len(deep) * depth)]
    outer = {call.id, *(outer.id for outer in trace.ancestors(call))}
    for shown in (fold(trace, keep={call.id}), limit_depth(trace, 1, keep={call.id})):
        assert outer <= {call.id for call in shown.calls}
        assert stands_for(shown) == len(trace.calls)
    assert call.id not in {call.id for call in limit_depth(trace, 1).calls}
    assert len(fold(trace, keep={call.id}).calls) < 160


def test_of_two_optimizers_a_models_part_has_its_own_with_what_it_was_made_with():
    trace = made_traces.trained()
    other = Holder(id=1, name="sgd", class_name="SGD", kind="optimizer")
    lone = replace(trace.variables[0], id=len(trace.variables), holder=1, name="momentum")
    build = replace(trace.calls[0], holder=0)
    both = replace(
        trace,
        calls=(build, *trace.calls[1:]),
        holders=(*trace.holders, other),
        variables=(*trace.variables, lone),
    )
    part = focus(both, "sequential")
    assert [variable.name for variable in part.variables] == [
        "iteration",
        *["momentum", "velocity"] * 4,
    ]
    assert list(besides(part)) == ["and besides, held by Adam: 814,100 + 1"]
    assert len(list(besides(both))) == 2
