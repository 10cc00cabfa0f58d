"""A trace as lines that are the same in every run."""

from __future__ import annotations

from made_traces import Recording, evil, failing, mlp2, mlp3, spec, towers
from msgspec.structs import replace

from buildtrace.renderers.text.outline import outline
from buildtrace.traces.schema import SourceLine, TensorSpec


def test_the_calls_then_the_graphs():
    lines = outline(mlp3())
    assert (
        lines[0] == "Sequential.build  sequential#1 (Sequential)  (None, 784)  built: False → True"
    )
    assert "        Layer.add_weight  kernel (784, 512) float32 GlorotUniform" in lines
    graph = lines[lines.index("graph  sequential#1 (Sequential)  407,050 parameters") :]
    assert graph[1:] == [
        "  input_layer#1 (InputLayer)  → (None, 784)",
        "  dense#1 (Dense)  from input_layer#1  → (None, 512)",
        "  dense#2 (Dense)  from dense#1  → (None, 10)",
    ]


def test_every_call_has_a_line_but_for_recursion():
    trace = mlp2()
    helpers = len(trace.find("_build_map_helper"))
    graphs = sum(1 + len(graph.nodes) for graph in trace.graphs)
    assert len(outline(trace)) == len(trace.calls) - (helpers - 1) + graphs


def test_what_is_shared_and_what_is_not_built():
    lines = outline(towers())
    assert "  shared call 2 (Dense)  from right  → (None, 4)" in lines
    assert "  add#1 (Add)  from shared, shared call 2  → (None, 4)" in lines
    assert "  late (Dense)  from add#1  → (None, 4)  not built" in lines


def later(name):
    """What Keras would have called a layer some layers later in a process."""
    return {"dense": "dense_4", "dense_1": "dense_5", "sequential": "sequential_2"}.get(name, name)


def test_what_differs_from_run_to_run_is_not_in_it():
    trace = mlp3()
    calls = tuple(
        replace(
            call,
            start_ns=call.start_ns * 3,
            duration_ns=7,
            thread=2,
            file="/elsewhere.py",
            line=99,
            caller=SourceLine(file="/elsewhere/model.py", line=1),
            layer=call.layer and replace(call.layer, name=later(call.layer.name)),
        )
        for call in trace.calls
    )
    (graph,) = trace.graphs
    graph = replace(
        graph,
        model=replace(graph.model, name=later(graph.model.name)),
        nodes=tuple(replace(node, name=later(node.name)) for node in graph.nodes),
    )
    other = replace(trace, calls=calls, graphs=(graph,))
    assert {call.layer.name for call in calls if call.layer} >= {"dense_4", "dense_5"}
    assert outline(other) == outline(trace)


def test_a_failing_call_says_why_on_its_line():
    lines = [line.strip() for line in outline(failing())]
    assert lines[2] == "Dense.build  ✗ ValueError: units must be positive,"


def test_all_of_many_tensors_and_an_unknown_rank():
    r = Recording()
    given = [*(spec(n) for n in range(5)), TensorSpec(shape=None, dtype="int32")]
    with r.call("Layer.__call__", r.layer("a", "Own"), given):
        pass
    (line,) = outline(r.trace())
    assert line == "Layer.__call__  a (Own)  (0,), (1,), (2,), (3,), (4,), ? int32"


def test_a_name_is_one_line():
    assert all(line.isprintable() for line in outline(evil()))
