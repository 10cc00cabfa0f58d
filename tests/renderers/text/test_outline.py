"""A trace as lines that are the same in every run, and how their difference is drawn."""

from __future__ import annotations

from made_traces import Recording, evil, failing, mlp2, mlp3, spec, towers
from msgspec.structs import replace

from buildtrace.branches import walk, write
from buildtrace.difference import compare
from buildtrace.renderers.text import changes
from buildtrace.renderers.text.outline import outline
from buildtrace.traces.schema import SourceLine, TensorSpec


def lines(trace):
    return write(outline(trace)).splitlines()


def test_the_calls_then_the_graphs():
    found = lines(mlp3())
    assert (
        found[0] == "Sequential.build  sequential#1 (Sequential)  (None, 784)  built: False → True"
    )
    assert "        Layer.add_weight  kernel (784, 512) float32 GlorotUniform" in found
    graph = found[found.index("graph  sequential#1 (Sequential)  407,050 parameters") :]
    assert graph[1:] == [
        "  input_layer#1 (InputLayer)  → (None, 784)",
        "  dense#1 (Dense)  from input_layer#1  → (None, 512)",
        "  dense#2 (Dense)  from dense#1  → (None, 10)",
    ]


def test_every_call_has_a_line_but_for_recursion():
    trace = mlp2()
    helpers = len(trace.find("_build_map_helper"))
    graphs = sum(1 + len(graph.nodes) for graph in trace.graphs)
    assert len(lines(trace)) == len(trace.calls) - (helpers - 1) + graphs


def test_what_is_shared_and_what_is_not_built():
    found = lines(towers())
    assert "  shared call 2 (Dense)  from right  → (None, 4)" in found
    assert "  add#1 (Add)  from shared, shared call 2  → (None, 4)" in found
    assert "  late (Dense)  from add#1  → (None, 4)  not built" in found


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
    assert lines(other) == lines(trace)


def test_a_failing_call_says_why_on_its_line():
    found = [line.strip() for line in lines(failing())]
    assert found[2] == "Dense.build  ✗ ValueError: units must be positive,"


def test_all_of_many_tensors_and_an_unknown_rank():
    r = Recording()
    given = [*(spec(n) for n in range(5)), TensorSpec(shape=None, dtype="int32")]
    with r.call("Layer.__call__", r.layer("a", "Own"), given):
        pass
    (line,) = lines(r.trace())
    assert line == "Layer.__call__  a (Own)  (0,), (1,), (2,), (3,), (4,), ? int32"


def test_a_name_is_one_line():
    branches = outline(evil())
    assert all(branch.text.isprintable() for _, branch in walk(branches))


def drawn(before, after):
    return changes.lines(compare(outline(before), outline(after)))


def test_the_difference_as_a_tree():
    found = drawn(mlp3(), mlp3((512, 20)))
    assert (
        found[0]
        == "  Sequential.build  sequential#1 (Sequential)  (None, 784)  built: False → True"
    )
    assert "- │  │     ├─ Layer.add_weight  kernel (512, 10) float32 GlorotUniform" in found
    assert "+ │  │     ├─ Layer.add_weight  kernel (512, 20) float32 GlorotUniform" in found
    assert not [line for line in found if "(784, 512)" in line]  # is the same, so left out
    assert "  ├─ … 16 lines as expected" in found


def test_every_line_is_shown_or_counted():
    before, after = outline(mlp3()), outline(mlp3((512, 20, 10)))
    found = changes.lines(compare(before, after))
    counted = sum(int(line.split("… ")[1].split()[0]) for line in found if "…" in line)
    shown = [line for line in found if "…" not in line]
    for sign, tree in (("+", before), ("-", after)):
        there = [line for line in shown if line[0] != sign]
        assert len(there) + counted == len([*walk(tree)])


def test_what_came_is_shown_with_all_inside():
    found = drawn(mlp3(), mlp3((512, 10, 5)))
    assert [line for line in found if line.startswith("+") and "kernel (10, 5)" in line]


def test_two_models_that_have_nothing_in_common_are_cut():
    found = drawn(mlp3((5,) * 30), mlp2())
    assert len(found) == changes.LONGEST + 1
    assert found[-1].endswith("more lines")
