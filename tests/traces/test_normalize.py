"""Names that are the same in every run."""

from __future__ import annotations

import pytest
from made_traces import Recording, chain, mlp3, spec

from buildtrace.traces.normalize import automatic, steady
from buildtrace.traces.schema import ErrorInfo


@pytest.mark.parametrize(
    ("name", "class_name", "stem"),
    [
        ("dense", "Dense", "dense"),
        ("dense_7", "Dense", "dense"),
        ("conv2d_1", "Conv2D", "conv2d"),
        ("re_lu_3", "ReLU", "re_lu"),
        ("lstm_cell_2", "LSTMCell", "lstm_cell"),
        ("batch_normalization_12", "BatchNormalization", "batch_normalization"),
        ("private__block_1", "_Block", "private__block"),
        ("forward_lstm_1", "LSTM", "forward_lstm"),
        ("input_1", "InputLayer", "input"),
        ("input_layer_2", "InputLayer", "input_layer"),
        ("model_3", "Functional", "model"),
        ("functional_3", "Functional", "functional"),
        ("tf.math.add_1", "TFOpLambda", "tf.math.add"),
        ("encoder", "Dense", None),
        ("encoder_1", "Dense", None),
        ("dense_out", "Dense", None),
        ("my_dense_1", "Dense", None),
        ("dense_one", "Dense", None),
        ("Dense", "Dense", None),
        ("model_3", "Dense", None),
    ],
)
def test_which_names_are_keras_own(name, class_name, stem):
    assert automatic(name, class_name) == stem


def renamed(*layers):
    """The names that layers of these names and classes have afterwards."""
    r = Recording()
    for name, class_name in layers:
        with r.call("Layer.__call__", r.layer(name, class_name)):
            pass
    return [call.layer.name for call in steady(r.trace()).calls]


def test_layers_are_numbered_as_they_come():
    layers = [("dense_7", "Dense"), ("a", "Dense"), ("relu_4", "ReLU"), ("dense_9", "Dense")]
    assert renamed(*layers) == ["dense#1", "a", "relu#1", "dense#2"]


def test_one_layer_keeps_its_number():
    assert renamed(("dense_7", "Dense"), ("dense_8", "Dense"), ("dense_7", "Dense")) == [
        "dense#1",
        "dense#2",
        "dense#1",
    ]


def test_names_that_are_made_of_others_follow_them():
    names = renamed(("dense_7", "Dense"), ("dense_7_input", "InputLayer"), ("x_dense_77", "Own"))
    assert names == ["dense#1", "dense#1_input", "x_dense_77"]


def test_graphs_have_the_names_of_the_calls():
    trace = steady(mlp3())
    (graph,) = trace.graphs
    assert [node.name for node in graph.nodes] == ["input_layer#1", "dense#1", "dense#2"]
    assert graph.model.name == "sequential#1"


def test_operations_without_a_layer():
    r = Recording()
    model = r.layer("m", "Model")
    graph = chain(model, (r.layer("a", "Dense"), spec(1)), (r.layer("add_5", "Add"), spec(1)))
    r.graphs.append(graph)
    (graph,) = steady(r.trace()).graphs
    assert [node.name for node in graph.nodes] == ["a", "add#1"]


def test_errors():
    text = "dense_7 at 0x7f00aa in /home/me/lib/thing.py: dense_77 of <dense_7>"
    error = ErrorInfo(type="ValueError", message=text)
    r = Recording()
    with r.call("Layer.__call__", r.layer("dense_7", "Dense"), error=error):
        pass
    trace = steady(r.trace(error))
    message = "dense#1 at 0x… in …/thing.py: dense_77 of <dense#1>"
    assert trace.calls[0].error.message == trace.error.message == message


def test_a_weight_without_a_name():
    r = Recording()
    for name in ("variable_3", "Variable", "kernel_3"):
        r.add_weight(r.layer("a", "Dense"), name, (1,))
    assert [w.name for w in steady(r.trace()).weights] == ["variable", "variable", "kernel_3"]
