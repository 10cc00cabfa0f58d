import re

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.renderers import Options, to_text


def story(trace, **options):
    text = to_text(trace, Options(views=("steps",), **options), width=100)
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("make", [made_traces.mlp2, made_traces.mlp3])
def test_the_three_steps_of_the_article(make):
    text = story(make())
    assert "Sequential.build is asked to build sequential for the shape (None, 784)" in text
    dense = (
        "dense (Dense) gets (None, 784) and gives (None, 512). Dense.build makes kernel (784, 512)"
        " by GlorotUniform and bias (512,) by Zeros: 401,920 parameters."
    )
    assert dense in text
    assert "_build_map_helper goes back from the outputs to the inputs, in 3 calls" in text
    assert "The graph has 3 nodes and 2 connections, from depth 2" in text
    assert "sequential is built, with 407,050 parameters, all trainable." in text
    steps = [text.index(f"{n}. ") for n in (1, 2, 3)]
    assert steps == sorted(steps)


def test_a_functional_model_with_shared_nested_and_operation():
    text = story(made_traces.towers())
    assert "It begins with Input, at model.py:7." in text
    assert "makes the input layer left for (None, 8)" in text
    assert "shared (Dense) gets (None, 8) and gives (None, 4)." in text
    assert "It is called 2 times and built once." in text
    assert "inner (Dense) gets (None, 4)" in text
    assert "makes the input layer head_input" not in text
    assert "mapper" not in text
    assert "The state of two_towers changes, built: False → True." in text
    assert "Outside of any model" not in text


def test_many_layers_are_folded_unless_all_are_asked_for():
    trace = made_traces.mlp3([64] * 20)
    assert "… and 19 more like it: dense_1 to dense_19, with 79,040 parameters." in story(trace)
    assert "dense_18 (Dense)" in story(trace, full=True)


def test_a_model_called_for_the_first_time():
    recording = made_traces.Recording()
    model, given = recording.layer("net", "Net"), made_traces.spec(None, 4)
    with recording.call("Layer.__call__", model, [given], [given]):
        made_traces._dense3(recording, recording.layer("inner", "Dense"), 4, given, given)
    recording.graphs.append(made_traces.chain(model, weights=[0, 1]))
    text = story(recording.trace())
    assert "net is called on (None, 4) for the first time, and that builds it" in text
    assert "inner (Dense) gets (None, 4)" in text


def test_a_failing_build_says_where():
    text = story(made_traces.failing())
    assert "Outside of any model" in text
    assert "bad (Dense) gets (None, 8)." in text
    assert "This ends in ValueError." in text
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
    assert "The build did not get as far as the graph." in text
    assert "m is not built" in text
    assert "It has no weights" not in text


def test_explain_tells_what_each_landmark_does():
    text = story(made_traces.mlp3(), explain=True)
    assert text.count("What map_graph is there for.") == 1
    assert "The article leaves Layer.__call__ out." in text
