"""BT602, on traces made by hand."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording, spec

from buildtrace.diagnosis.rules.replaced import gist
from diagnosis.hand import error, line, said, state

CAUSE = "int() argument must be a string, not 'NoneType'"
INFER = "We could not automatically infer the shape of the Lambda's output."
BURIED = (
    "Could not automatically infer the output shape / dtype of 'pos' (of type Pos). Either the "
    "`Pos.call()` method is incorrect, or ... Error encountered:\n\n"
)


def plain(text, where="Lambda.call()"):
    """As Keras 3 says it of any layer's call."""
    return (
        f"Exception encountered when calling {where}.\n\n\x1b[1m{text}\x1b[0m\n\n"
        f"Arguments received by {where}:\n  • inputs=<KerasTensor shape=(None, 4)>"
    )


def chain(outer, inner, generation="keras3", ended=None):
    """A layer's call fails with one exception, and the trial of its `call` inside with another."""
    r, given = Recording(generation), [spec(None, 4)]
    layer = r.layer("lambda", "Lambda")
    with (
        r.call("Layer.__call__", layer, given, error=outer),
        r.call("Lambda.compute_output_shape", layer, given, error=outer),
        r.call("compute_output_spec", layer, given, error=inner),
    ):
        pass
    return said("BT602", r, ended=ended or outer)


def test_the_one_that_was_raised_is_told():
    (finding,) = chain(error("NotImplementedError", plain(INFER)), error("TypeError", CAUSE, 10))
    assert finding.caller == line(10)
    assert f"TypeError: {CAUSE} at model.py:10 in 'lambda' (Lambda)" in finding.message
    assert "Keras raised NotImplementedError instead" in finding.message
    assert finding.fix.splitlines()[-1].startswith("layer(")  # `lambda` is no name in Python


def test_the_program_itself_may_have_raised_the_other_one():
    outer = error("RuntimeError", "no way out", 12)
    (finding,) = chain(outer, error("TypeError", CAUSE, 10))
    assert "; the program raised RuntimeError instead." in finding.message


def test_it_is_seen_by_itself_with_what_the_call_was_given():
    (finding,) = chain(error("TypeError", plain(BURIED + CAUSE)), error("TypeError", CAUSE, 10))
    assert finding.fix.splitlines() == [
        "# correct model.py:10; to see it by itself:",
        "layer(keras.Input((4,)))",
    ]


@pytest.mark.parametrize(
    ("in_keras", "fix"), [(True, "layer(x, value, key)  #"), (False, "# correct model.py:10;")]
)
def test_what_a_call_lacks_is_given(in_keras, fix):
    text = "call() missing 2 required positional arguments: 'value' and 'key'"
    inner = error("TypeError", text, 10)
    if in_keras:
        inner = msgspec.structs.replace(inner, raised_at=line(3))
    (finding,) = chain(error("ValueError", "Only one argument."), inner)
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("in_keras", "fix"), [(True, "a tensor stands where Python's own numbers"), (False, "correct")]
)
def test_keras_wants_numbers_and_got_a_tensor(in_keras, fix):
    """On data that goes well, so that it is of no use to see it by itself there."""
    inner = error("TypeError", "len is not well defined for a symbolic Tensor (pads:0).", 10)
    if in_keras:
        inner = msgspec.structs.replace(inner, raised_at=line(3))
    (finding,) = chain(error("TypeError", plain(BURIED + inner.message)), inner)
    assert fix in finding.fix
    assert ("to see it by itself" in finding.fix) is not in_keras


def test_one_that_is_buried_is_told():
    (finding,) = chain(error("TypeError", plain(BURIED + CAUSE)), error("TypeError", CAUSE, 10))
    assert "Keras buried it" in finding.message


def test_the_same_with_keras_words_around_it_is_plain_enough():
    assert chain(error("TypeError", plain(CAUSE), 10), error("TypeError", CAUSE, 10)) == []


def test_one_that_the_script_caught_is_over():
    r = error("NotImplementedError", plain(INFER)), error("TypeError", CAUSE, 10)
    trace = Recording("keras3")
    with (
        trace.call("Layer.__call__", trace.layer("lambda", "Lambda"), error=r[0]),
        trace.call("compute_output_spec", trace.layer("lambda", "Lambda"), error=r[1]),
    ):
        pass
    assert said("BT602", trace) == []
    assert said("BT602", trace, ended=error("OSError", "No space left on device", 40)) == []


def test_values_that_do_not_fit_are_summed_up_and_hide_nothing():
    fits_not = "The shape of the target variable and that of the value must match."
    outer = error(
        "ValueError", f"A total of 1 objects could not be loaded.\n\n{fits_not}\n\n[a]", 3
    )
    inner = error("ValueError", f"{fits_not}\nvalue=[[1.]\n [2.]]", 3)
    r = Recording("keras3")
    with (
        r.call("Model.load_weights", r.layer("net", "Functional"), error=outer, step="load"),
        r.call("Layer.load_own_variables", r.layer("a", "Dense"), error=inner, step="load"),
    ):
        pass
    assert said("BT602", r, ended=outer) == []


def test_a_call_that_fails_while_its_model_is_loaded_is_told():
    outer = error("NotImplementedError", INFER, 3)
    r = Recording("keras3")
    with (
        r.call("load_model", error=outer, step="load"),
        r.call("compute_output_spec", r.layer("b", "Lambda"), error=error("TypeError", CAUSE, 10)),
    ):
        pass
    (finding,) = said("BT602", r, ended=outer)
    assert f"TypeError: {CAUSE}" in finding.message


FLOATS = (
    "You cannot build your model by calling `build` if your layers do not support float type "
    "inputs. Instead, ... call your model on real tensor data (of the correct dtype).\n\n"
    f"The actual error from `call` is: {CAUSE}."
)


def built_on_floats(inner=None):
    r, outer = Recording("keras2"), error("ValueError", FLOATS)
    model, layer = r.layer("net", "Net"), r.layer("lay", "Lay")
    with r.call("Model.build", model, [spec(None, 3)], error=outer):
        if inner:
            with r.call("Layer.__call__", layer, [spec(None, 3)], error=inner):
                pass
    return said("BT602", r, [state(model, 0, built=False, call=["x"])], ended=outer)


def test_keras_2_takes_it_for_one_about_floats():
    (finding,) = built_on_floats()
    assert f"The cause is: {CAUSE}, in the `call` of 'net' (Net)" in finding.message
    assert finding.caller == line(2)  # where `call` is defined: Keras 2 has lost the line itself
    assert finding.fix.endswith("net(tf.zeros((1, 3)))")


def test_a_layer_inside_knows_the_line():
    (finding,) = built_on_floats(error("TypeError", CAUSE, 4))
    assert finding.caller == line(4)


def test_keras_2_is_plain():
    outer, inner = error("NotImplementedError", plain(INFER)), error("TypeError", CAUSE, 10)
    assert chain(outer, inner, "keras2") == []


@pytest.mark.parametrize(
    ("message", "last"),
    [
        ("", ""),
        ("one line", "one line"),
        (plain("the cause"), "the cause"),
        (plain(BURIED + "the cause"), "the cause"),
        (
            "calling layer 'a'.\n\nthe cause\n\nCall arguments received by layer 'a':\n  • x",
            "the cause",
        ),
    ],
)
def test_the_gist_of_a_message(message, last):
    assert gist(message) == last
