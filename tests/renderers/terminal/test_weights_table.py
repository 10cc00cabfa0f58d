import re

import made_traces
import pytest

from buildtrace.renderers import Options, to_text


def rows(trace, width=160):
    return to_text(trace, Options(views=("weights",)), width=width).splitlines()


def test_each_weight_tells_its_making():
    lines = rows(made_traces.mlp3())
    kernel = next(text for text in lines if text.startswith("dense/kernel"))
    for fact in (
        "(784, 512)",
        "401,408",
        "GlorotUniform",
        "(None, 784)",
        "Dense.build",
        "model.py:7",
        "dense.py:10",
        "float32",
    ):
        assert fact in kernel
    assert lines[-1] == "407,050 parameters in 4 weights: 407,050 trainable, 0 not trainable"


def test_what_an_optimizer_holds_is_in_a_table_of_its_own_and_counted_apart():
    lines = rows(made_traces.trained())
    assert lines[-2:] == [
        "407,050 parameters in 4 weights: 407,050 trainable, 0 not trainable",
        "and besides, held by Adam: 814,100 + 1",
    ]
    title = lines.index("adam, Adam: 814,100 + 1")
    assert lines[title + 2].split() == ["iteration", "()", "1", "float32"]
    kernel = ["momentum", "(784,", "512)", "401,408", "dense/kernel", "float32"]
    assert lines[title + 3].split() == kernel


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_of_variables_fits(width):
    lines = rows(made_traces.trained(), width)
    table = lines[lines.index("adam, Adam: 814,100 + 1") : len(lines) - 3]
    assert len(table) > 6
    assert max(map(len, table)) <= width


def test_the_order_is_the_model_s_own():
    trace = made_traces.mlp3()
    graph = made_traces.chain(trace.graphs[0].model, weights=[3, 1, 0, 2])
    trace.graphs = (graph,)
    names = [text.split()[0] for text in rows(trace)[2:6]]
    assert names == ["dense_1/bias", "dense/bias", "dense/kernel", "dense_1/kernel"]


def test_a_weight_of_a_nested_model_is_listed_once():
    lines = rows(made_traces.towers())
    assert sum(text.startswith("inner/kernel") for text in lines) == 1
    assert not any(text.startswith("head (") for text in lines)


def test_weights_of_no_model_come_last():
    recording = made_traces.Recording()
    layer = recording.layer("loose", "Dense")
    recording.add_weight(layer, "kernel", (2, 3), trainable=False)
    recording.graphs += made_traces.mlp3().graphs
    lines = rows(recording.trace())
    assert any(text.startswith("loose/kernel") and "frozen" in text for text in lines)
    assert lines[-1].startswith("6 parameters in 1 weight: 0 trainable, 6 not trainable")


def test_a_narrow_terminal_leaves_columns_out():
    narrow, wide = rows(made_traces.mlp3(), 80), rows(made_traces.mlp3(), 160)
    assert "dtype" not in narrow[1]
    assert "dtype" in wide[1]
    assert "initializer" in narrow[1]


def test_no_weights_is_said():
    assert rows(made_traces.Trace()) == ["No weight was made."]


def test_many_alike_weights_are_one_row_and_none_is_lost():
    trace = made_traces.mlp3([16] * 500)
    lines = rows(trace, 120)
    assert len(lines) < 20
    (gap,) = (text for text in lines if "more like" in text)
    shown = [text for text in lines if re.match(r"dense(_\d+)?/", text)]
    left, parameters = (
        int(n.replace(",", "")) for n in re.findall(r"(\d[\d,]*) (?:more|para)", gap)
    )
    assert left + len(shown) == 1_000 == len(trace.weights)
    told = sum(int(text.replace(",", "").split(")")[1].split()[0]) for text in shown)
    assert told + parameters == trace.parameters
    assert f"Folded: {left} of 1,000 rows; --full shows all." in lines
    assert " to dense_499/bias" in gap


def test_full_leaves_no_weight_out():
    trace = made_traces.mlp3([16] * 100)
    lines = to_text(trace, Options(views=("weights",), full=True), width=120).splitlines()
    assert sum(text.startswith("dense") for text in lines) == 200
    assert not any("more like" in text or "Folded" in text for text in lines)


@pytest.mark.parametrize("view", ["weights", "graph", "steps"])
def test_of_many_models_that_are_alike_one_is_shown(view):
    recording = made_traces.Recording()
    given = made_traces.spec(None, 4)
    for number in range(40):
        model = recording.layer(f"model_{number}", "Functional")
        layer = recording.layer(f"layer_{number}", "Dense")
        with recording.call("Functional.build", model), recording.call("Dense.build", layer):
            recording.add_weight(layer, "kernel", (2, 3))
        source = recording.layer(f"in_{number}", "InputLayer")
        rows_ = (source, given), (layer, given)
        recording.graphs.append(made_traces.chain(model, *rows_, weights=[number]))
    trace = recording.trace()
    text = to_text(trace, Options(views=(view,)), width=120)
    assert "… and 39 more like it: model_1 to model_39" in text
    assert "layer_0" in text
    assert "layer_1" not in text
    whole = to_text(trace, Options(views=(view,), full=True), width=120)
    assert "layer_17" in whole
    if view == "weights":
        assert "model_39, 234 parameters" in text
        assert "Folded: 39 of 40 rows" in text
