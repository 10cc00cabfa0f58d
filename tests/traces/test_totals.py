"""What a trace says of how much there is of weights, from data made by hand."""

from __future__ import annotations

from made_traces import Recording
from msgspec.structs import replace

from buildtrace.traces.schema import Graph, LayerWeights, Node
from buildtrace.traces.totals import Share, shares, totals_of_model, totals_of_trace


def tied():
    """Two layers: `a` has a kernel of 12 that `b` takes as well, beside a bias of 4."""
    recording = Recording()
    model, a, b = (
        recording.layer(*names)
        for names in (("m", "Functional"), ("a", "Embedding"), ("b", "Tied"))
    )
    recording.add_weight(a, "kernel", (3, 4))
    recording.add_weight(b, "bias", (4,))
    recording.add_weight(a, "old", (5, 5))
    nodes = (
        Node(id=0, layer=b.id, name="b", class_name="Tied", depth=0),
        Node(id=1, layer=a.id, name="a", class_name="Embedding", depth=1),
    )
    layer_weights = (
        LayerWeights(layer=a.id, weights=(0,)),
        LayerWeights(layer=b.id, weights=(0, 1)),
    )
    recording.graphs.append(
        Graph(model=model, built=True, nodes=nodes, weights=(0, 1), layer_weights=layer_weights)
    )
    trace = recording.trace()
    trace.weights = [*trace.weights[:2], replace(trace.weights[2], replaced=True)]
    return trace


def test_what_was_put_aside_is_counted_nowhere():
    trace = tied()
    assert totals_of_trace(trace) == (2, 16, 16)
    assert trace.parameters == 16
    assert [weight.name for weight in trace.weights_of(trace.weights[0].layer)] == ["kernel"]


def test_what_two_layers_have_is_counted_with_the_first():
    trace = tied()
    (graph,) = trace.graphs
    a, b = graph.nodes[1].layer, graph.nodes[0].layer
    assert shares(trace, graph) == {a: Share(12), b: Share(4, ("a",))}
    assert totals_of_model(trace, graph).parameters == 12 + 4


def test_a_file_of_before_tells_of_no_sharing():
    """Which weights a layer has is a guess there, from what was made while it was at work."""
    trace = tied()
    trace.weights = [replace(weight, replaced=False) for weight in trace.weights]
    trace.graphs = [replace(trace.graphs[0], layer_weights=())]
    a, b = trace.graphs[0].nodes[1].layer, trace.graphs[0].nodes[0].layer
    assert shares(trace, trace.graphs[0]) == {a: Share(12 + 25), b: Share(4)}


def test_a_model_may_train_other_weights_than_are_trained_elsewhere():
    trace = tied()
    trace.weights = [replace(trace.weights[0], trainable=False), *trace.weights[1:]]
    (graph,) = trace.graphs
    assert totals_of_model(trace, graph) == (2, 16, 4)
    assert totals_of_model(trace, replace(graph, trained_otherwise=(0, 1))) == (2, 16, 12)
    assert totals_of_model(trace, replace(graph, trained_otherwise=(1,))).not_trainable == 16
