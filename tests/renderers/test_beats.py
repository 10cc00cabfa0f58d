# ruff: noqa: RUF001 - shapes are told with a multiplication sign
"""The story of a build in beats, on builds of both generations of Keras."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from generations_fixtures import imported_once, k

import buildtrace
from buildtrace.renderers import reasons
from buildtrace.renderers.beats import Beat, beats
from buildtrace.traces.schema import LayerRef, TensorSpec, Weight

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenarios import Keras

__all__ = ["imported_once", "k"]  # fixtures


def told(build: Callable[[], Any], *, full: bool = False) -> list[Beat]:
    with buildtrace.trace() as trace:
        build()
    return beats(trace, trace.index.outermost_graphs[0], full=full)


def texts(build: Callable[[], Any]) -> list[str]:
    return [beat.text for beat in told(build)]


def test_an_mlp_is_told_in_nine_beats(k: Keras) -> None:
    def build() -> None:
        dense = [k.layers.Dense(512, name="hidden"), k.layers.Dense(10, name="scores")]
        k.Sequential(dense, name="mlp").build((None, 784))

    story = told(build)
    source = story[1].subject
    assert source is not None
    assert [beat.text for beat in story] == [
        "mlp is asked to build itself for (None, 784).",
        f"{source.name} is the input: it stands for data of the shape (None, 784).",
        "hidden is called on (None, 784).",
        "hidden is not built yet. The last axis of its input is 784, so its kernel is 784 × 512.",
        "Dense.build has made kernel 784 × 512 by GlorotUniform and bias 512 by Zeros: "
        "401,920 parameters.",
        "hidden is built, and its output is (None, 512).",
        "scores gets (None, 512) and makes kernel 512 × 10 and bias 10: 5,130 parameters. "
        "It gives (None, 10).",
        "The graph of mlp is mapped, from the outputs back to the inputs: "
        "3 nodes and 2 connections.",
        "mlp is built, with 407,050 parameters in 4 weights.",
    ]
    assert [beat.part for beat in story] == [1, 1, 2, 2, 2, 2, 2, 3, 3]
    assert [beat.call.landmark for beat in story if beat.text.startswith("Dense.build")] == [
        "Layer.build"
    ]


def test_what_has_no_name_can_be_told_apart(k: Keras) -> None:
    def build() -> None:
        k.Sequential([k.Input((4,)), k.layers.Dense(2, name="")])

    assert "'' is called on (None, 4)." in texts(build)


def test_beats_are_in_the_order_of_their_moments(k: Keras) -> None:
    def build() -> None:
        x = image = k.Input((12, 12, 3))
        for _ in range(4):
            x = k.layers.ReLU()(k.layers.Conv2D(3, 3, padding="same")(x))
        k.Model(image, k.layers.Dense(2)(k.layers.Flatten()(x)))

    with buildtrace.trace() as trace:
        build()
    moments: list[tuple[int, bool]] = []

    def visit(call: Any) -> None:
        moments.append((call.id, False))
        for inner in trace.children(call):
            visit(inner)
        moments.append((call.id, True))

    for root in trace.roots:
        visit(root)
    story = beats(trace, trace.graphs[0])
    places = [moments.index((beat.call.id, beat.ended)) for beat in story]
    assert places == sorted(set(places))


def test_a_shared_layer_is_called_again(k: Keras) -> None:
    def build() -> None:
        a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
        shared = k.layers.Dense(2, name="shared")
        k.Model([a, b], k.layers.Add(name="sum")([shared(a), shared(b)]))

    story = texts(build)
    again = "shared is called again on (None, 4): it is built, so nothing is made."
    assert [text for text in story if again in text] == [f"{again} It gives (None, 2)."]
    assert "sum has no weights. It turns (None, 2), (None, 2) into (None, 2)." in story


def test_each_of_several_inputs_is_told_as_one_of_them(k: Keras) -> None:
    def build(order: int) -> None:
        both = [k.Input((4,), name="question"), k.Input((3,), name="answer")]
        k.Model(both[::order], k.layers.Concatenate(name="joined")(both), name="matcher")

    first = " is the first of the model's 2 inputs: it stands for data of the shape "
    second = " is the second of the model's 2 inputs: it stands for data of the shape "
    assert texts(lambda: build(1))[:2] == [
        f"question{first}(None, 4).",
        f"answer{second}(None, 3).",
    ]
    assert texts(lambda: build(-1))[:2] == [  # as the model has them, not as they were made
        f"question{second}(None, 4).",
        f"answer{first}(None, 3).",
    ]


def test_of_very_many_inputs_each_is_one_of_them(k: Keras) -> None:
    def build() -> None:
        many = [k.Input((1,), name=f"in_{n}") for n in range(9)]
        k.Model(many, k.layers.Concatenate(name="joined")(many))

    last = "in_8 is one of the model's 9 inputs: it stands for data of the shape (None, 1)."
    assert last in texts(build)


def test_inputs_of_no_model_are_not_numbered(k: Keras) -> None:
    def build() -> None:
        with pytest.raises(ValueError, match="shape"):
            k.layers.Concatenate()([k.Input((4, 2), name="one"), k.Input((3, 3), name="other")])

    with buildtrace.trace() as trace:
        build()
    assert [beat.text for beat in beats(trace)][:2] == [
        "one is an input: it stands for data of the shape (None, 4, 2).",
        "other is an input: it stands for data of the shape (None, 3, 3).",
    ]


def test_a_model_in_another_is_built_once_and_then_only_called(k: Keras) -> None:
    def build() -> None:
        inner = k.Sequential([k.Input((4,)), k.layers.Dense(2, name="d")], name="inner")
        x = k.Input((4,), name="x")
        k.Model(x, inner(x), name="outer")

    with buildtrace.trace() as trace:
        build()
    (outer,) = trace.index.outermost_graphs
    story = [beat.text for beat in beats(trace, outer)]
    called = "inner is called on (None, 4): it is built, so nothing is made. It gives (None, 2)."
    assert called in story
    assert sum("The graph of inner is mapped" in text for text in story) == 1
    assert sum("The graph of outer is mapped" in text for text in story) == 1
    assert sum("10 parameters in 2 weights" in text for text in story) == 2  # inner, then outer


def test_the_mapping_of_a_growing_stack_is_told_at_its_end(k: Keras) -> None:
    def build() -> None:
        stack = k.Sequential([k.Input((4,))], name="stack")
        for number in range(3):
            stack.add(k.layers.Dense(2, name=f"d{number}"))

    story = texts(build)
    mapped = [number for number, text in enumerate(story) if "of stack is mapped" in text]
    builds = sum("stack is asked to build itself" in text for text in story)  # of Keras 3, as told
    assert len(mapped) == max(builds, 1)
    assert not any(text.startswith("d2 ") for text in story[mapped[-1] :])


def test_a_subclassed_model_has_beats_too(k: Keras) -> None:
    class Net(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="net")
            self.dense = k.layers.Dense(3, name="inner")

        def call(self, x: Any) -> Any:
            return self.dense(x)

    story = texts(lambda: Net()(k.Input((5,))))
    assert any(text.startswith("net is called on (None, 5), and that builds it.") for text in story)
    reason = "The last axis of its input is 5, so its kernel is 5 × 3."
    assert f"inner is not built yet. {reason}" in story
    assert story[-1] == "net is built, with 18 parameters in 2 weights."


def test_a_failing_build_ends_with_what_failed(k: Keras) -> None:
    with pytest.raises(ValueError), buildtrace.trace() as trace:  # noqa: PT011
        k.Sequential(
            [k.layers.Dense(3, name="fits"), k.layers.Conv2D(3, 3, name="bad")], name="stack"
        ).build((None, 8))
    story = beats(trace, trace.graphs[0])
    failure = [beat for beat in story if beat.text.startswith("bad fails: ValueError: ")][-1]
    assert not failure.text.endswith("and the build goes on.")
    assert failure.ended
    assert not any(" nodes and " in beat.text for beat in story)  # the graph has them never
    assert "min_ndim=4" in failure.text
    assert [text for text in (beat.text for beat in story) if "is built, with" in text] == []


def test_a_model_that_was_built_before_and_fails_is_not_said_to_be_unbuilt(k: Keras) -> None:
    head = k.Sequential([k.layers.Dense(3)], name="head")
    image = k.Input((2, 2))
    with pytest.raises(ValueError), buildtrace.trace() as trace:  # noqa: PT011, PT012
        head.build((None, 8))
        head(k.layers.Flatten()(image))
    assert head.built
    stories = [beats(trace, graph) for graph in trace.index.outermost_graphs]
    said = [beat.text for story in stories for beat in story]
    assert not any("head is not built: " in text for text in said)
    assert "head fails on (None, 4): this ends the build, in ValueError." in said


def test_what_comes_again_is_told_once_unless_all_is_wanted(k: Keras) -> None:
    def build() -> None:
        k.Sequential([k.layers.Dense(4, name=f"dense_{n}") for n in range(30)], name="deep").build(
            (None, 4)
        )

    story = told(build)
    (more,) = [beat for beat in story if beat.first is not None]
    assert more.text.startswith("2")
    assert "like those before follow" in more.text
    assert len(story) < 16
    told_of = {beat.subject.name for beat in told(build, full=True) if beat.subject}
    assert told_of >= {f"dense_{n}" for n in range(30)}


@pytest.mark.parametrize(
    ("class_name", "given", "shape", "said"),
    [
        ("Dense", (None, 3), (3, 5), "3 × 5"),
        ("Conv2D", (None, 9, 9, 1), (3, 3, 1, 8), "1 channel,"),
        ("Conv2D", (None, 3, 9, 9), (3, 3, 3, 8), ""),  # channels first
        ("Dense", (None, None), (3, 5), ""),
        ("Dense", (None, 4), (3, 5), ""),  # a Dense of the user's
        ("Mine", (None, 3), (3, 5), ""),
        ("DepthwiseConv2D", (None, 9, 9, 4), (4,), ""),  # as a trace file may say
        ("Dense", (None, 4), (), ""),
    ],
)
def test_a_reason_is_told_only_if_the_numbers_agree(
    class_name: str, given: tuple[int | None, ...], shape: tuple[int, ...], said: str
) -> None:
    layer = LayerRef(id=1, name="layer", class_name=class_name)
    weight = Weight(
        id=0,
        call=0,
        layer=1,
        name="kernel",
        path="layer/kernel",
        shape=shape,
        dtype="float32",
        trainable=True,
    )
    reason = reasons.of(layer, (TensorSpec(shape=given),), (weight,))
    assert said in reason
    assert bool(reason) == bool(said)


# -- what training needs ------------------------------------------------------------------------


def classifier(k: Keras) -> Any:
    layers = [k.Input((784,), name="x"), k.layers.Dense(512), k.layers.Dense(10, name="scores")]
    model = k.Sequential(layers, name="mlp")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.ones((4, 784), "float32"), np.ones((4,), "int32"), epochs=2, verbose=0)
    return model


def test_what_training_needs_is_told_in_four_beats(k: Keras) -> None:
    story = [beat for beat in told(lambda: classifier(k)) if beat.part == 4]
    names = "m and v" if k.generation == 2 else "momentum and velocity"
    # Keras 2 gives a target an axis more; a Sequential of Keras 3 does not name its output.
    output, target = ("scores", "(None, 1)") if k.generation == 2 else ("the output", "(None,)")
    sentences = {
        "compile": "mlp is compiled: Adam is to train it. What that needs is built when the first "
        "batch comes.",
        "loss": "The loss is computed for the first time: sparse_categorical_crossentropy "
        f"compares {output} (None, 10) with the target {target} int32.",
        "optimizer": "The optimizer Adam is built: it makes 2 variables for each of the 4 "
        f"trainable weights, {names}: 814,100 numbers.",
        "metrics": "The metrics are built: accuracy with total and count.",
    }
    if k.tensorflow:
        assert [beat.text for beat in story] == list(sentences.values())
    else:  # in another order, on symbols
        assert {sentences["compile"], sentences["optimizer"], sentences["metrics"]} <= {
            beat.text for beat in story
        }
    assert {beat.subject and beat.subject.name for beat in story} == {"mlp"}


def test_a_stack_that_grows_is_said_to_be_whole_only_at_its_end(k: Keras) -> None:
    def build() -> None:
        net = k.Sequential([k.Input((4,))], name="net")
        net.add(k.layers.Dense(3, name="one"))
        net.add(k.layers.Dense(2, name="two"))

    said = texts(build)
    whole = [text for text in said if "23 parameters" in text or "3 nodes" in text]
    two = next(number for number, text in enumerate(said) if text.startswith("two gets ("))
    assert whole == said[two + 1 :]
    assert whole != []
    for text in said[:two]:
        assert "nodes" not in text
        assert "in 2 weights" not in text


def loaded(k: Keras, tmp_path: Path) -> list[str]:
    """What is told when a trained stack is loaded."""
    path = str(tmp_path / "net.keras")
    dense = [k.layers.Dense(3, name="one"), k.layers.Dense(2, name="two")]
    net = k.Sequential([k.Input((4,)), *dense], name="net")
    net.compile("adam", k.keras.losses.MeanSquaredError())
    net.fit(np.zeros((2, 4)), np.zeros((2, 2)), verbose=0)
    net.save(path)
    return texts(lambda: k.keras.models.load_model(path))


def test_a_loaded_stack_is_told_once_however_often_keras_builds_it(
    k: Keras, tmp_path: Path
) -> None:
    said = loaded(k, tmp_path)
    assert said[0] == "net is loaded from net.keras: its config says what to build."
    assert not any("called again" in text for text in said)
    mapped = [number for number, text in enumerate(said) if "3 nodes and 2 connections" in text]
    made = [number for number, text in enumerate(said) if "two gets (" in text]
    assert len(mapped) == len(made) == 1
    assert made < mapped
    assert sum("23 parameters in 4 weights" in text for text in said) == 1
    assert sum(text.startswith("net is asked to build itself") for text in said) == 1


def test_a_loaded_model_is_compiled_as_its_file_says(k: Keras, tmp_path: Path) -> None:
    said = loaded(k, tmp_path)
    place = said.index("net is compiled as the file says: Adam is to train it.")
    assert said[place + 1].startswith("The optimizer Adam is built: it makes 2 variables for each")
    assert not any("first batch" in text for text in said)


def test_a_loss_that_fails_is_told(k: Keras) -> None:
    def build() -> None:
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
        model.compile("adam", "categorical_crossentropy")
        with contextlib.suppress(Exception):
            model.fit(np.ones((4, 3), "float32"), np.ones((4, 7), "float32"), verbose=0)

    failing = [text for text in texts(build) if text.startswith("The loss")]
    assert failing
    assert all("categorical_crossentropy compares" in text for text in failing)
    assert " It fails: ValueError: " in failing[-1]  # on Torch, Keras tries more than once


def test_a_build_alone_has_no_fourth_part(k: Keras) -> None:
    story = told(lambda: k.Sequential([k.layers.Dense(2)]).build((None, 3)))
    assert {beat.part for beat in story} == {1, 2, 3}
