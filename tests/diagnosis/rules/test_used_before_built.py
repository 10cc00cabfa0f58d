"""BT101, on traces made by hand."""

from __future__ import annotations

import pytest
from made_traces import Recording, chain, spec

from diagnosis.hand import error, line, said, use

NOT_BUILT = "This model has not yet been built. Build the model first by calling `build()`."


def of(name, recording=None, ended=None, **more):
    r = recording or Recording()
    model, dense = r.layer("sequential", "Sequential"), r.layer("dense", "Dense")
    more = {"built": False, "unbuilt": (dense,)} | more
    return said("BT101", r, uses=[use(name, r, model, **more)], ended=ended)


@pytest.mark.parametrize(
    ("name", "severity"),
    [("Model.summary", "warning"), ("Model.save_weights", "error"), ("Model.save", "error")],
)
def test_a_silent_one_is_told(name, severity):
    (finding,) = of(name)
    assert finding.severity == severity
    assert finding.caller == line(9)
    assert f"{name} was called on 'sequential' (Sequential)" in finding.message
    assert "'dense' (Dense) is not built" in finding.message
    assert "keras.Input(" in finding.fix


def test_an_error_is_told_with_its_type():
    (finding,) = of("Model.summary", error=error("ValueError", NOT_BUILT))
    assert finding.severity == "error"
    assert finding.message.endswith(": it raises ValueError.")


@pytest.mark.parametrize("name", ["Model.summary", "Model.save"])
def test_a_built_model_is_well(name):
    assert of(name, built=True, unbuilt=()) == []


def test_a_model_that_holds_nothing_unbuilt_is_well():
    """Such as one of built networks, with a `train_step` of its own: it is never called."""
    assert of("Model.summary", unbuilt=(), weights=4) == []


def test_another_error_is_not_told():
    assert of("Model.save", error=error("OSError", "No space left on device")) == []


def test_loading_before_the_build_is_well_if_it_does_not_fail():
    """Keras 2 keeps the values of TensorFlow's own format until the variables are made."""
    assert of("Model.load_weights", Recording("keras2")) == []
    text = "Layer 'dense' expected 0 variables, but received 2 variables during loading."
    assert of("Model.load_weights", Recording("keras2"), error=error("ValueError", text))


def test_compiling_needs_no_build():
    assert of("Model.compile") == []


def test_the_remedy_has_the_shape_that_is_known():
    r = Recording()
    with r.call("Layer.__call__", r.layer("sequential", "Sequential"), [spec(32, 7)]):
        pass
    assert "keras.Input((7,))" in of("Model.summary", r)[0].fix


def test_a_subclassed_model_is_called_on_what_another_one_was_called_on():
    r = Recording("keras2")
    with r.call(
        "Layer.__call__", r.layer("net", "Net"), [spec(2, 3), spec(None, 4, dtype="int32")]
    ):
        pass
    fresh = r.layer("net_1", "Net")
    text = "Layer 'dense' expected 0 variables, but received 2 variables during loading."
    uses = [use("Model.load_weights", r, fresh, built=False, error=error("ValueError", text))]
    (finding,) = said("BT101", r, uses=uses)
    assert finding.fix.startswith('net(tf.zeros((2, 3)), tf.zeros((1, 4), dtype="int32"))')
    assert finding.layer == fresh.id


def test_keras_2_says_why_a_built_model_in_front_does_not_help():
    (finding,) = of("Model.summary", Recording("keras2"), weights=2)
    assert "though it has 2 weights already" in finding.message
    assert "does not give it" in finding.why
    (finding,) = of("Model.summary", Recording("keras3"), weights=2)
    assert "does not give it" not in finding.why


@pytest.mark.parametrize(
    ("weights", "remedy"), [(2, "keras.Input((7,))"), (4, "keras.Input(shape)")]
)
def test_the_shape_is_that_of_the_model_in_front(weights, remedy):
    r = Recording("keras2")
    source, front = r.layer("input", "InputLayer"), r.layer("backbone", "Functional")
    r.graphs.append(chain(front, (source, spec(None, 7)), weights=range(2)))
    assert remedy in of("Model.summary", r, weights=weights)[0].fix


def test_a_use_inside_another_is_told_once():
    r = Recording()
    model, dense = r.layer("net", "Net"), r.layer("dense", "Dense")
    uses = [
        use(name, r, model, built=False, unbuilt=(dense,))
        for name in ("Model.save", "Model.save_weights")
    ]
    assert len(said("BT101", r, uses=uses)) == 1


def test_asking_for_weights_ended_the_run():
    text = "Weights for model 'net' have not yet been created. Weights are created when ..."
    (finding,) = said("BT101", Recording("keras2"), ended=error("ValueError", text, 12))
    assert finding.caller == line(12)
    assert "'net'" in finding.message
    assert said("BT101", Recording("keras2"), ended=error("ValueError", "another", 12)) == []
