"""Two builds side by side in the terminal."""

from __future__ import annotations

from contextlib import ExitStack
from io import BytesIO, TextIOWrapper

import made_traces
import pytest
from rich.cells import cell_len
from rich.console import Console

from buildtrace.renderers.terminal import side_by_side


def shown(left, right, width=120, full=False, **options):
    difference = left.diff(right, **options)
    return side_by_side.to_text(left, right, difference, full=full, width=width)


def columns(text, width):
    """The rows of both trees: (left cell, sign, right cell)."""
    room = (width - 3) // 2
    rows = text[text.rindex("\n\n", 0, text.rindex("call")) :].splitlines()
    return [(r[:room].rstrip(), r[room : room + 3].strip(), r[room + 3 :].strip()) for r in rows]


MADE = [
    made_traces.mlp2,
    made_traces.mlp3,
    made_traces.towers,
    made_traces.failing,
    made_traces.evil,
]


@pytest.mark.parametrize("left", MADE)
@pytest.mark.parametrize("right", MADE)
def test_no_line_is_too_wide(left, right):
    both = left(), right()
    difference = both[0].diff(both[1], times=True)
    for width in (40, 80, 120, 140):
        text = side_by_side.to_text(*both, difference, full=True, width=width)
        assert max(map(cell_len, text.splitlines())) <= width, width


def test_the_same_build_is_one_verdict_and_no_tree():
    text = shown(made_traces.mlp3(), made_traces.mlp3())
    assert "The same build" in text
    assert "Layer.__call__" not in text
    assert "Layer.__call__" in shown(made_traces.mlp3(), made_traces.mlp3(), full=True)


@pytest.mark.parametrize("left", MADE)
@pytest.mark.parametrize("right", MADE)
def test_only_what_fails_is_red(left, right):
    difference = left().diff(right())
    lines = side_by_side.render(left(), right(), difference, full=True).make(120)
    red = {part.text.strip() for line in lines for part in line if "red" in part.style}
    failing = {
        call.name
        for trace in (left(), right())
        for call in trace.calls
        if call.error is not None and not call.error.swallowed
    }
    assert red <= failing | {"✗"}
    assert bool(red) == bool(failing)


def test_generations_that_differ_name_the_columns():
    text = shown(made_traces.mlp2(), made_traces.mlp3())
    assert text.splitlines()[0].startswith("< Keras 2: ")
    assert columns(text, 120)[2] == ("Keras 2", "", "Keras 3")
    text = shown(made_traces.mlp3(), made_traces.mlp3((512, 64, 10)))
    assert columns(text, 120)[2] == ("left", "", "right")


def test_what_differs_is_marked_by_a_sign():
    rows = columns(shown(made_traces.mlp2(), made_traces.mlp3(), full=True), 120)
    names = [(left.strip().split(" ")[0], sign, right.split(" ")[0]) for left, sign, right in rows]
    assert ("make_variable", "≈", "Variable.__init__") in names
    assert ("Layer._set_connectivity_metadata", "<", "") in names
    assert ("", ">", "Operation.__call__") in names
    assert ("Dense.build", "", "Dense.build") in names


def test_an_arrow_says_where_the_other_side_does_the_same():
    rows = columns(shown(made_traces.mlp2(), made_traces.mlp3()), 120)
    names = [(left.strip(), sign, right) for left, sign, right in rows]
    assert any(
        left.startswith("Layer._functional_construction_call")
        and (sign, right) == ("<", "↓ Layer.symbolic_call")
        for left, sign, right in names
    )
    assert any(
        right.startswith("Layer.symbolic_call")
        and (left, sign) == ("↑ Layer._functional_construction_call", ">")
        for left, sign, right in names
    )


def test_what_is_equal_is_folded_and_counted():
    left, right = made_traces.mlp3((512, 64, 10)), made_traces.mlp3((512, 32, 10))
    text = shown(left, right)
    difference = left.diff(right)
    equal = sum(step.state == "same" for step in difference.steps)
    # All that is equal is in a line that says how much, or is around something that differs.
    assert "⋯ 16 equal calls" in text
    assert equal > 16
    assert "--full shows all" in text
    assert "⋯" not in shown(left, right, full=True)


def test_what_differs_in_two_calls_is_below_them():
    text = shown(made_traces.mlp3((512, 64, 10)), made_traces.mlp3((512, 32, 10)))
    rows = columns(text, 120)
    assert ("weights kernel (512, 64) float32 GlorotUniform", "≠") in [
        (left.strip(), sign) for left, sign, _ in rows
    ]
    assert sum("outputs (None, 64)" in left for left, _, _ in rows) == 1  # said once, not inside


def test_what_follows_is_below_what_it_follows_from():
    lines = shown(made_traces.mlp3(), made_traces.mlp3((512, 64, 10))).splitlines()
    number = lines.index(
        "✗ 'dense_1' (Dense) inserted between 'dense' (Dense) and 'dense_2' (Dense)"
    )
    assert lines[number + 1].startswith("  └ ✗ 'dense_2' (Dense): kernel (512, 10) → (64, 10): its")


def test_names_become_neither_markup_nor_lines():
    text = shown(made_traces.mlp3(), made_traces.evil(), full=True)
    assert "[bold]x" in text
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


def test_a_big_difference_is_folded():
    many = made_traces.layers(["Dense"] * 400)
    text = shown(made_traces.mlp3(), many)
    assert len(text.splitlines()) < 1_000
    assert "Folded: " in text


def test_a_very_deep_tree_stays_readable():
    def deep(levels):
        recording = made_traces.Recording()
        with ExitStack() as stack:
            for _ in range(levels):
                stack.enter_context(recording.call("_build_map_helper"))
        return recording.trace()

    text = shown(deep(300), deep(290), 80, full=True)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "[289] _build_map_helper" in text


def test_a_terminal_without_these_signs_gets_others():
    left, right = made_traces.mlp2(), made_traces.mlp3()
    file = TextIOWrapper(BytesIO(), encoding="ascii")
    console = Console(file=file, width=100, color_system=None, force_terminal=False, _environ={})
    side_by_side.render(left, right, left.diff(right)).stream(console)
    file.flush()
    text = file.buffer.getvalue().decode("ascii")
    assert "\\u" not in text
    assert " ~ " in text
