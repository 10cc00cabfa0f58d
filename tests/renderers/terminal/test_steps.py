# ruff: noqa: RUF001 - shapes are told with a multiplication sign
import re

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.renderers import Options, to_text
from buildtrace.renderers.beats import beats
from buildtrace.renderers.terminal.steps import render
from buildtrace.renderers.text import styles


def story(trace, **options):
    text = to_text(trace, Options(views=("steps",), **options), width=100)
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("make", [made_traces.mlp2, made_traces.mlp3])
def test_the_three_steps_of_the_article(make):
    text = story(make())
    assert "sequential (Sequential): a stack of layers 1. The input" in text
    assert "It begins with Sequential.build, at model.py:7. sequential is asked to build" in text
    dense = (
        "1 dense (Dense) is called on (None, 784). It is not built yet. The last axis of its "
        "input is 784, so its kernel is 784 × 512. Dense.build has made kernel 784 × 512 by "
        "GlorotUniform and bias 512 by Zeros: 401,920 parameters. dense is built, and its output "
        "is (None, 512). 2 dense_1 (Dense)"
    )
    assert dense in text
    assert "sequential is built, with 407,050 parameters in 4 weights. Ran: " in text
    assert text.count("Ran: ") == 3
    steps = [text.index(f"{n}. ") for n in (1, 2, 3)]
    assert steps == sorted(steps)


def test_the_sentences_are_those_of_the_beats():
    trace = made_traces.towers()
    text = story(trace)
    told = beats(trace, trace.graphs[0])
    assert len(told) > 8
    for beat in told:
        without_subject = beat.text.partition(" ")[2]
        assert re.sub(r"\s+", " ", without_subject) in text


def test_a_functional_model_with_shared_nested_and_operation():
    text = story(made_traces.towers())
    assert "two_towers (Functional): a graph of layers, from its inputs to its outputs" in text
    assert "It begins with Input, at model.py:7." in text
    first = "left is the first of the model's 2 inputs: it stands for data of the shape (None, 8)."
    assert first in text
    again = "shared (Dense) is called again on (None, 8): it is built, so nothing is made. It gives"
    assert again in text
    assert "inner (Dense) gets (None, 4)" in text
    assert "mapper" not in text
    assert "Outside of any model" not in text


def test_what_is_named_has_its_style():
    lines = list(render(made_traces.mlp3(), Options()).make(100))
    parts = [part for line in lines for part in line]
    assert {part.style for part in parts if part.text == "dense"} == {styles.NAME}
    assert {part.style for part in parts if part.text == "Dense.build"} == {styles.STEP["build"]}
    assert {part.style for part in parts if part.text == "(Dense)"} == {styles.QUIET}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_sentence_is_cut_or_too_wide(width):
    text = to_text(made_traces.failing(), Options(views=("steps",)), width=width)
    assert max(map(len, text.splitlines())) <= min(width, 120)
    assert "It fails: ValueError: units must be positive, got -1" in re.sub(r"\s+", " ", text)


def test_many_layers_are_folded_unless_all_are_asked_for():
    trace = made_traces.mlp3([64] * 20)
    more = "19 more like those before follow, on dense_1 to dense_19: 79,040 parameters."
    assert more in story(trace)
    assert "20 dense_19 (Dense)" in story(trace, full=True)


def test_many_inputs_are_folded_unless_all_are_asked_for():
    recording = made_traces.Recording()
    for number in range(30):
        layer = recording.layer(f"input_{number}", "InputLayer")
        with recording.call("InputLayer.__init__", layer, outputs=[made_traces.spec(None, 4)]):
            pass
    trace = recording.trace()
    assert "… and 29 more like it" in story(trace)
    assert "input_17 " not in story(trace)
    assert "input_17 " in story(trace, full=True)


def test_what_is_told_in_few_words_counts():
    recording = made_traces.Recording()
    given = made_traces.spec(None, 4)
    for number in range(20):
        with recording.call("Layer.__call__", recording.layer(f"a{number}", "A"), [given], [given]):
            pass
    with recording.call("Layer.__call__", recording.layer("z", "Z"), [given], [given]):
        pass
    text = story(recording.trace())
    assert "19 more like those before follow, on a1 to a19." in text
    assert "21 z (Z) has no weights." in text


def test_a_model_called_for_the_first_time():
    recording = made_traces.Recording()
    model, given = recording.layer("net", "Net"), made_traces.spec(None, 4)
    with recording.call("Layer.__call__", model, [given], [given]):
        made_traces._dense3(recording, recording.layer("inner", "Dense"), 4, given, given)
    recording.graphs.append(made_traces.chain(model, weights=[0, 1]))
    text = story(recording.trace())
    assert "net is called on (None, 4), and that builds it." in text
    assert "inner (Dense) is called on (None, 4)" in text


def test_a_subclassed_model_has_no_graph_of_keras():
    recording = made_traces.Recording()
    model, given = recording.layer("net", "Net"), made_traces.spec(None, 4)
    inner = recording.layer("inner", "Dense")
    with recording.call("Layer.__call__", model, [given], [given]):
        made_traces._dense3(recording, inner, 4, given, given)
    graph = made_traces.chain(model, (inner, given), (inner, given), weights=[0, 1])
    recording.graphs.append(replace(graph, source="flow"))
    text = story(recording.trace())
    assert "net (Net): a subclassed model, whose own `call` connects its layers" in text
    assert "Keras maps no graph of this model; its tensors show how its layers connect." in text


def test_a_failing_build_says_where():
    text = story(made_traces.failing())
    assert "Outside of any model" in text
    assert "bad (Dense) is called on (None, 8). It is not built yet: Dense.build runs" in text
    assert "It fails: ValueError: units must be positive, got -1" in text
    assert "The build failed in Dense.build of bad (Dense) on (None, 8)" in text


def test_a_model_that_was_not_built_to_the_end_has_no_graph():
    trace = made_traces.failing()
    layer = trace.calls[0].layer
    recording = made_traces.Recording()
    graph = made_traces.chain(
        recording.layer("m", "Sequential"), (layer, made_traces.spec(8)), built=False
    )
    trace.graphs = (replace(graph, source="flow"),)
    text = story(trace)
    assert "m is not built." in text
    assert "It has no weights" not in text


def test_explain_tells_what_each_landmark_does():
    text = story(made_traces.mlp3(), explain=True)
    assert text.count("What map_graph is there for.") == 1
    assert "The article leaves Layer.__call__ out." in text
