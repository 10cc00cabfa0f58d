from __future__ import annotations

import made_traces
import markup
import pytest

import buildtrace
from buildtrace.errors import UsageError
from buildtrace.renderers import Options
from buildtrace.renderers.notebook import details

ALLOWED = {"details", "summary", "div", "span", "pre"}


def page(trace, options=None):
    return markup.parse(details.render(trace, options or Options()))


def summaries(element):
    return [details.find("summary")[0].text for details in element.find("details")]


@pytest.mark.parametrize(
    "make", [made_traces.mlp2, made_traces.mlp3, made_traces.towers, made_traces.failing]
)
def test_the_nesting_is_that_of_the_calls(make):
    trace = make()
    waiting = [
        (root, element) for root, element in zip(trace.roots, tops(page(trace)), strict=True)
    ]
    seen = 0
    while waiting:
        call, element = waiting.pop()
        seen += 1
        assert said(element).startswith((call.name, f"✗ {call.name}"))
        inside = trace.children(call)
        if not inside:
            assert element.tag == "div"
            continue
        below = [c for c in element.children if c.tag in ("details", "div")]
        waiting += zip(inside, below, strict=True)
    assert seen == len(trace.calls)


def tops(root):
    """The elements of the calls without a parent."""
    (box,) = [c for c in root.children if c.tag == "div"]
    return [c for c in box.children if "margin-left" in c.attributes.get("style", "")]


def said(element):
    return element.find("summary")[0].text if element.tag == "details" else element.text


def test_it_tells_what_the_tree_tells():
    text = page(made_traces.mlp3()).text
    assert "keras 3.15.1 · TensorFlow 2.21.0" in text
    assert "model.py:7" in text
    assert "Layer.add_weight  kernel (784, 512)  401,408" in text
    assert "Sequential.build  sequential (Sequential)  (None, 784)" in text
    assert "407,050 parameters in 4 weights" in text


def test_a_failed_build_is_open_down_to_the_call_that_failed():
    root = page(made_traces.failing(before=40), Options(full=True))
    failing = [details for details in root.find("details") if said(details).startswith("✗")]
    assert len(failing) == 2
    assert all("open" in details.attributes for details in failing)
    assert "units must be positive" in root.text
    closed = [said(details) for details in root.find("details") if "open" not in details.attributes]
    assert any(text.startswith("Dense.build") for text in closed)


def test_what_repeats_is_folded_and_said():
    text = page(made_traces.layers(["Dense"] * 40)).text
    assert "… and 39 more like it: layer_1 to layer_39" in text
    whole = page(made_traces.layers(["Dense"] * 40), Options(full=True))
    assert len([s for s in summaries(whole) if s.startswith("Dense.build")]) == 40


def test_options_choose_the_calls():
    assert all(not c.find("details") for c in tops(page(made_traces.mlp3(), Options(depth=1))))
    with pytest.raises(UsageError, match="no model is called 'x'"):
        details.render(made_traces.mlp3(), Options(model="x"))


@pytest.mark.parametrize(
    "make",
    [made_traces.evil, made_traces.mlp2, made_traces.failing, made_traces.towers, buildtrace.Trace],
)
def test_names_are_never_markup(make):
    text = details.render(make(), Options())
    assert markup.tags(text) <= ALLOWED
    assert len(text) < 100_000


def test_a_tree_of_any_depth():
    recording = made_traces.Recording()
    made_traces.mapping(recording, "map_graph", 3_000)
    text = details.render(recording.trace(), Options(full=True))
    assert text.count("<details") == text.count("</details>") > 3_000


def test_of_a_saved_model_the_layers_are_shown():
    shown = page(made_traces.saved_model())
    assert "No build was recorded" not in shown.text
    for layer in made_traces.saved_model().saved.layers:
        assert layer.name in shown.text


def test_what_an_optimizer_holds_is_said_below_the_tree():
    assert "and besides, held by Adam: 814,100 + 1" in page(made_traces.trained()).text
    assert "and besides" not in page(made_traces.mlp3()).text
