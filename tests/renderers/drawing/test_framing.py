"""Frames around blocks: each layer stays, in the order and with the connections that it had."""

from __future__ import annotations

import pytest
from renderers import graphs

from buildtrace.renderers import Options
from buildtrace.renderers.drawing import coarsening, framing
from buildtrace.renderers.drawing.diagram import Box, boxes
from buildtrace.renderers.drawing.topology import diagram_of

FULL = Options(full=True)


def drawn(*models):
    trace = graphs.trace(*models)
    return diagram_of(trace, FULL, framing.blocks), diagram_of(trace, FULL, coarsening.nothing)


def tree(members):
    """Names of layers, and of frames with what is in them."""
    return [
        member.rows[0].name if isinstance(member, Box) else (member.title, tree(member.members))
        for member in members
    ]


def chain(*names, kinds=None):
    model = graphs.Model("chain")
    last = model.add("image", "InputLayer")
    for number, name in enumerate(names):
        kind = kinds[number] if kinds else "Conv2D"
        last = model.add(name, kind, last, shape=(None, 8 + number))
    return model


def transformer(blocks, name="{kind}_{number}"):
    """Blocks with the names that Keras gives."""
    model = graphs.Model("transformer")
    counts = {}

    def add(class_name, *sources):
        number = counts[class_name] = counts.get(class_name, -1) + 1
        given = name.format(kind=class_name.lower(), number=number)
        return model.add(given, class_name, *sources)

    last = model.add("tokens", "InputLayer")
    for _ in range(blocks):
        attended = add("Attention", add("Norm", last))
        last = add("Add", last, attended)
        last = add("Add", last, add("Dense", add("Norm", last)))
    model.add("head", "Dense", last, shape=(None, 3))
    return model


@pytest.mark.parametrize(
    "model",
    [graphs.residual(6), transformer(5), chain(*(f"block{n // 3}_conv{n}" for n in range(18)))],
    ids=["residual", "transformer", "chain"],
)
def test_layers_and_connections_stay(model):
    framed, plain = drawn(model)
    assert [box.id for box in boxes(framed.models)] == [box.id for box in boxes(plain.models)]
    assert framed.connections == plain.connections
    assert framed.models[0].members != plain.models[0].members


def test_few_layers_get_no_frames():
    framed, plain = drawn(graphs.residual(2))
    assert framed.models[0].members == plain.models[0].members


def test_names_tell_of_blocks_in_blocks():
    names = [
        f"conv{stage}_block{block}_{i}_conv"
        for stage in (1, 2)
        for block in (1, 2)
        for i in range(4)
    ]
    framed, _ = drawn(chain(*names))
    expected = [
        (
            f"conv{stage}",
            [
                (
                    f"conv{stage}_block{block}",
                    [f"conv{stage}_block{block}_{i}_conv" for i in range(4)],
                )
                for block in (1, 2)
            ],
        )
        for stage in (1, 2)
    ]
    assert tree(framed.models[0].members) == ["image", *expected]


def test_names_that_keras_gives_tell_of_nothing():
    framed, _ = drawn(chain(*(f"conv2d_{n}" for n in range(20))))
    assert tree(framed.models[0].members) == ["image", *(f"conv2d_{n}" for n in range(20))]


def test_a_name_that_is_its_block_s_alone_gets_no_frame():
    names = [f"unit_{n}_conv" for n in range(16)]
    framed, _ = drawn(chain(*names, kinds=[f"Kind{n}" for n in range(16)]))
    assert tree(framed.models[0].members) == ["image", *names]


def test_blocks_that_come_again_are_found_by_their_connections():
    framed, _ = drawn(transformer(5))
    image, *frames, head = tree(framed.models[0].members)
    assert (image, head) == ("tokens", "head")
    assert [len(members) for _, members in frames] == [6] * 5
    assert frames[0] == (
        "norm_0 to add_1",
        ["norm_0", "attention_0", "add_0", "norm_1", "dense_0", "add_1"],
    )


def test_blocks_of_other_sizes_are_found():
    model = graphs.Model("widening")
    last = model.add("image", "InputLayer")
    for number in range(6):
        for kind in ("Conv", "Conv", "Pool"):
            last = model.add(f"{kind}{number}".lower(), kind, last, shape=(None, 2**number))
    framed, _ = drawn(model)
    frames = [member for member in tree(framed.models[0].members) if isinstance(member, tuple)]
    assert [len(members) for _, members in frames] == [3] * 6


def test_what_a_frame_says():
    framed, _ = drawn(graphs.residual(6))
    frame = framed.models[0].members[1]
    assert (frame.title, frame.note) == ("block0", "4 layers · 110 parameters")


def test_names_with_thousands_of_parts_do_no_harm():
    framed, _ = drawn(chain(*("a1_" * 3_000 + str(n) for n in range(20))))
    assert len([*boxes(framed.models)]) == 21
