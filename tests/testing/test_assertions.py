"""Each assertion, passing and failing: what its message says, and which lines it marks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from made_traces import Recording, layers, mlp2, mlp3, replaced, spec, towers
from msgspec.structs import replace

from buildtrace import testing
from buildtrace.diagnosis import diagnose
from buildtrace.errors import UsageError
from buildtrace.traces.schema import Finding
from buildtrace.traces.trace import Trace

NOTHING = Trace()


def message(check, *arguments, **keywords):
    """What an assertion says when it fails."""
    with pytest.raises(AssertionError) as caught:
        check(*arguments, **keywords)
    return str(caught.value)


def head(text):
    return text.split("\n", 1)[0]


def marked(text):
    """The calls on the marked lines."""
    lines = [line for line in text.splitlines() if line.startswith(">")]
    return [" ".join(line.strip("> │├└─").split()[:2]) for line in lines]


def twice(name="twin"):
    """A layer that is built a second time by itself, on a wider input."""
    r = Recording()
    layer = r.layer(name, "Dense")
    with r.call("Layer.__call__", r.layer("other", "Dropout")):
        pass
    for size in (3, 4):
        with r.call("Dense.build", layer, [spec(None, size)]):
            r.add_weight(layer, "kernel", (size, 2))
    return r.trace()


def made_anywhere():
    """A layer that makes one weight each in `__init__`, `build` and `call`."""
    r = Recording()
    layer, outer = r.layer("mine", "Mine"), r.layer("outer", "Sequential")
    r.add_weight(layer, "early", (1,))
    with r.call("Sequential.build", outer), r.call("Layer.__call__", layer):
        with r.call("Mine.build", layer):
            r.add_weight(layer, "right", (2,))
        with r.call("Operation.__call__", layer):
            r.add_weight(layer, "late", (3,))
    return r.trace()


# -- the order of calls ---------------------------------------------------------------------------


@pytest.mark.parametrize("trace", [mlp2(), mlp3()], ids=["keras2", "keras3"])
def test_calls_in_order(trace):
    testing.assert_called_in_order(
        trace,
        "Sequential.build",
        "InputLayer.__init__",
        ("Dense.build", "dense"),
        "Layer.add_weight",
        ("Dense.build", "dense_1"),
        "Layer.add_weight",
    )
    testing.assert_called_in_order(trace)


def test_a_layer_can_stand_for_its_name():
    layer = SimpleNamespace(name="dense_1")  # as a layer of Keras has it
    testing.assert_called_in_order(mlp3(), ("Dense.build", layer))
    testing.assert_built_once(mlp3(), layer)


def test_calls_in_the_wrong_order():
    steps = ("Dense.build", "dense_1"), ("Dense.build", "dense")
    text = message(testing.assert_called_in_order, mlp3(), *steps)
    assert head(text) == (
        "expected Dense.build of 'dense' after Dense.build of 'dense_1', "
        "but it ran only before that"
    )
    assert marked(text) == ["Dense.build (None,", "Dense.build (None,"]


def test_a_call_that_is_missing():
    text = message(testing.assert_called_in_order, mlp3(), "Sequential.build", "Conv2D.build")
    assert head(text) == "expected Conv2D.build after Sequential.build, but it did not run"
    assert marked(text) == ["Sequential.build sequential"]


def test_a_call_on_other_layers_only():
    text = message(testing.assert_called_in_order, mlp3(), ("Dense.build", "conv"))
    assert head(text) == (
        "expected Dense.build of 'conv', but it ran on 'dense' and 'dense_1' only"
    )


# -- built once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("trace", [mlp2(), mlp3()], ids=["keras2", "keras3"])
def test_built_once(trace):
    testing.assert_built_once(trace)
    testing.assert_built_once(trace, "dense", "sequential")
    testing.assert_built_once(trace, "Dense")  # the class: both of them


def test_a_model_without_a_build_of_its_own_is_built_once():
    testing.assert_built_once(towers(), "two_towers", "head")


@pytest.mark.parametrize("layers", [["twin"], ["Dense"], []])
def test_built_twice(layers):
    text = message(testing.assert_built_once, twice(), *layers)
    assert head(text) == "expected 'twin' (Dense) to be built once, but it was built twice"
    assert marked(text) == ["Dense.build twin", "Dense.build twin"]


def test_the_build_of_the_base_class_is_no_second_one():
    r = Recording("keras2")
    layer, plain = r.layer("a", "Dense"), r.layer("b", "Flatten")
    with r.call("Layer._maybe_build", layer):
        with r.call("Dense.build", layer), r.call("Layer.build", layer):
            pass
        with r.call("Layer.build", layer):
            pass
    for _ in range(2):
        with r.call("Layer.build", plain):
            pass
    testing.assert_built_once(r.trace(), "a")
    assert "'b' (Flatten)" in head(message(testing.assert_built_once, r.trace()))


def test_never_built():
    text = message(testing.assert_built_once, twice(), "other")
    assert head(text) == "expected 'other' (Dropout) to be built once, but it was not built"
    assert marked(text) == ["Layer.__call__ other"]


def test_a_layer_that_is_not_there():
    text = message(testing.assert_built_once, mlp3(), "dens")
    assert head(text) == (
        "expected 'dens' to be built once, but there is no such layer; "
        "there are: 'sequential', 'input_layer', 'dense', 'dense_1' and 'functional'"
    )


# -- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("trace", [mlp2(), mlp3()], ids=["keras2", "keras3"])
def test_weights(trace):
    testing.assert_weights(trace, "dense", {"bias": [512], "kernel": (784, 512)})
    testing.assert_weights(trace, "sequential", {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"kernel": (784, 512)},
        {"kernel": (784, 512), "bias": (10,)},
        {"kernel": (784, 512), "b": (512,)},
    ],
    ids=["missing", "shape", "name"],
)
def test_other_weights(wrong):
    text = message(testing.assert_weights, mlp3(), "dense", wrong)
    assert head(text).startswith("expected 'dense' (Dense) to have the weights ")
    assert head(text).endswith("but it has kernel (784, 512), bias (512,)")
    assert all(f"{name} {shape}" in head(text) for name, shape in wrong.items())
    assert marked(text) == ["Layer.add_weight kernel", "Layer.add_weight bias"]


def test_a_layer_without_weights():
    text = message(testing.assert_weights, towers(), "late", {"kernel": (1, 1)})
    assert head(text).endswith("have the weights kernel (1, 1), but it has none")


def test_all_layers_of_a_class_need_the_weights():
    shapes = {"kernel": (4, 4), "bias": (4,)}
    testing.assert_weights(layers(["Dense"] * 3), "Dense", shapes)
    text = message(testing.assert_weights, mlp3(), "Dense", {"kernel": (784, 512), "bias": (512,)})
    assert "'dense_1' (Dense)" in head(text)


# -- parameters -----------------------------------------------------------------------------------


def test_parameters():
    testing.assert_parameters(mlp3(), 784 * 512 + 512 + 512 * 10 + 10)
    testing.assert_parameters(mlp3(), 0, trainable=False)
    testing.assert_parameters(towers(), 4 * 4 + 4, model="head")
    testing.assert_parameters(NOTHING, 0)


def test_other_parameters():
    text = message(testing.assert_parameters, mlp3(), 407_000)
    assert head(text) == "expected 407,000 parameters, but there are 407,050 in 4 weights"
    assert marked(text) == ["Layer.add_weight kernel", "Layer.add_weight bias"] * 2


def test_parameters_that_are_not_trainable():
    r = Recording()
    layer = r.layer("norm", "BatchNormalization")
    r.add_weight(layer, "gamma", (8,))
    r.add_weight(layer, "moving_mean", (8,), trainable=False)
    text = message(testing.assert_parameters, r.trace(), 16, trainable=True)
    assert head(text) == "expected 16 trainable parameters, but there are 8 in 1 weight"
    text = message(testing.assert_parameters, r.trace(), 1, trainable=False)
    assert head(text) == "expected 1 non-trainable parameter, but there are 8 in 1 weight"
    (line,) = [line for line in text.splitlines() if line.startswith(">")]
    assert "moving_mean" in line


def test_parameters_of_a_model_that_is_not_there():
    text = message(testing.assert_parameters, towers(), 1, model="heat")
    assert head(text) == (
        "expected 1 parameter in 'heat', but there is no such model; "
        "there are: 'head' and 'two_towers'"
    )


# -- left unbuilt, made outside of build ----------------------------------------------------------


def test_all_built():
    testing.assert_all_built(mlp3())


def test_a_layer_left_unbuilt():
    text = message(testing.assert_all_built, towers())
    assert head(text) == (
        "expected all layers to be built, but 'late' (Dense) in 'two_towers' is not"
    )
    assert marked(text) == ["Functional.__init__ two_towers"]


def test_weights_made_in_build():
    testing.assert_weights_made_in_build(mlp2())
    testing.assert_weights_made_in_build(mlp3())


def test_weights_made_elsewhere():
    text = message(testing.assert_weights_made_in_build, made_anywhere())
    assert head(text) == (
        "expected every weight to be made in build, "
        "but 'early' of 'mine' (Mine) and 'late' of 'mine' (Mine) were made outside"
    )
    assert marked(text) == ["Layer.add_weight mine", "Layer.add_weight late"]
    testing.assert_weights_made_in_build(made_anywhere(), "outer")


# -- findings -------------------------------------------------------------------------------------


def replaced_with_findings(*findings):
    trace = replaced(names=["a", "b"])
    return replace(trace, findings=findings or diagnose(trace))


def test_no_findings():
    testing.assert_no_findings(replace(mlp2(), findings=diagnose(mlp2())))
    testing.assert_no_findings(mlp3())


def test_findings_are_listed_and_their_calls_marked():
    text = message(testing.assert_no_findings, replaced_with_findings())
    assert head(text) == "expected a build without findings, but there are 2 findings"
    lines = text.splitlines()
    assert lines[2].startswith("model.py:12: BT105 error: Linear.build of 'a' (Linear) ran ")
    assert [line for line in lines if line.startswith("model.py:12: BT105 error: ")][1:]
    assert "    def build(self, input_shape):" in lines
    assert marked(text) == ["Linear.build a", "Linear.build a", "Linear.build b", "Linear.build b"]


@pytest.mark.parametrize("ignore", ["BT105", ["BT10", "BT1"], ["all"]])
def test_findings_that_are_ignored(ignore):
    testing.assert_no_findings(replaced_with_findings(), ignore)


def test_findings_that_are_ignored_by_a_comment(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("\n" * 11 + "model()  # buildtrace: ignore[BT105]\n")
    trace = replaced(str(path))
    testing.assert_no_findings(replace(trace, findings=diagnose(trace)))
    path.write_text("\n" * 11 + "the_model()\n")
    message(testing.assert_no_findings, replace(trace, findings=diagnose(trace)))


def test_notes_are_no_failure():
    note = Finding(code="BT105", severity="note", message="m", why="w", fix="f")
    testing.assert_no_findings(replaced_with_findings(note))


def test_a_rule_that_there_is_not():
    with pytest.raises(UsageError, match="ignore: no rule has the code 'BT0'"):
        testing.assert_no_findings(mlp3(), "BT0")


# -- the message ----------------------------------------------------------------------------------

EACH = {
    "assert_called_in_order": ("Dense.build",),
    "assert_built_once": (),
    "assert_weights": ("dense", {}),
    "assert_parameters": (1,),
    "assert_all_built": (),
    "assert_no_findings": (),
    "assert_weights_made_in_build": (),
}


@pytest.mark.parametrize(("name", "arguments"), EACH.items())
def test_nothing_passes_on_an_empty_trace(name, arguments):
    text = message(getattr(testing, name), NOTHING, *arguments)
    assert "nothing was recorded" in text
    assert "\n" not in text


@pytest.mark.parametrize("name", testing.__all__)
def test_the_last_frame_of_a_failure_is_the_tests(name):
    others = {"assert_build_matches": ("name",), "assert_survives_saving": ()}
    arguments = {**EACH, **others}[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        getattr(testing, name)(NOTHING, *arguments)
    shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
    assert [str(entry.path) for entry in shown] == [__file__]


def test_a_big_tree_is_folded_but_what_is_marked_is_there():
    r = Recording()
    for number in range(300):
        layer = r.layer(f"layer_{number}", "Dense")
        with (
            r.call("Sequential.build", r.layer(f"block_{number % 7}", "Sequential")),
            r.call("Layer.__call__", layer),
            r.call("Dense.build", layer),
        ):
            r.add_weight(layer, f"kernel_{number % 5}", (number, 1))
    text = message(testing.assert_weights, r.trace(), "layer_250", {})
    assert marked(text) == ["Layer.add_weight kernel_0"]
    assert len(text.splitlines()) < 20
    assert f"{299 * 6:,} calls elsewhere in the trace" in text
    text = message(testing.assert_called_in_order, r.trace(), "Nothing.build")
    assert len(text.splitlines()) < 80


def test_so_many_marks_are_enough():
    text = message(testing.assert_parameters, layers(["Dense"] * 30), 1)
    assert len(marked(text)) == 12
    assert text.endswith("… and 48 more calls like these")


def test_names_stay_on_their_line():
    text = message(testing.assert_built_once, twice("\x1b[31m\n[b]"), "Dense")
    assert head(text).startswith(r"expected '\x1b[31m\n[b]' (Dense) to be built once")
    assert "\x1b" not in text
