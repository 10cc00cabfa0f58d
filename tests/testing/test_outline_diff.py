"""What differs between two outlines, and what of it is shown."""

from __future__ import annotations

import pytest
from made_traces import mlp2, mlp3

from buildtrace.renderers.text.outline import outline
from buildtrace.testing import outline_diff
from buildtrace.testing.outline_diff import ADDED, REMOVED, SAME, diff, differences, shown


def difference(before, after):
    """The lines that differ, each with its sign and without its indentation."""
    lines = diff(before.splitlines(), after.splitlines())
    return [f"{line[0]} {line[2:].strip()}" for line in lines if not line.startswith(SAME)]


def test_equal_outlines_do_not_differ():
    assert diff(["a", "  b", "c"], ["a", "  b", "c"]) == []


def test_a_line_that_was_added_and_one_that_was_removed():
    assert difference("a\n  b\n  c", "a\n  b\n  x\n  c") == ["+ x"]
    assert difference("a\n  b\n  x\n  c", "a\n  b\n  c") == ["- x"]


def test_a_line_that_changed_comes_with_what_it_was():
    before, after = "Dense.build  (None, 3)\n  x", "Dense.build  (None, 4)\n  x"
    assert difference(before, after) == ["- Dense.build  (None, 3)", "+ Dense.build  (None, 4)"]


def test_depth_counts():
    assert difference("a\n  b", "a\nb") == ["- b", "+ b"]


def test_a_change_deep_down_is_the_only_one():
    before = "a\n  b\n    c  1\n    d\n  e"
    assert difference(before, before.replace("1", "2")) == ["- c  1", "+ c  2"]


def test_what_is_new_does_not_move_the_rest():
    rest = "".join(f"call  layer{n} (Dense)\n  build\n" for n in range(20))
    new = "call  new (Dense)\n  build\n"
    assert difference(rest, new + rest) == ["+ call  new (Dense)", "+ build"]


def test_numbers_do_not_count():
    assert difference("call  dense#1 (Dense)\n  x", "call  dense#4 (Dense)\n  x") == []


def test_a_new_layer_does_not_renumber_the_rest():
    rest = "".join(f"call  dense#{n} (Dense)  ({n + 3},)\n" for n in range(1, 9))
    later = "".join(f"call  dense#{n + 1} (Dense)  ({n + 3},)\n" for n in range(1, 9))
    new = "call  dense#1 (Dense)  (1,)\n"
    # A number of its own: "dense#1" is another layer in the lines around it.
    assert difference(rest, new + later) == ["+ call  dense#9 (Dense)  (1,)"]


def test_a_layer_that_changed_keeps_its_number():
    before, after = "call  dense#1\ncall  dense#2  (3,)", "call  dense#4\ncall  dense#5  (4,)"
    assert difference(before, after) == ["- call  dense#2  (3,)", "+ call  dense#2  (4,)"]


def test_names_of_users_count():
    before, after = "call  dense_1 (Dense)", "call  dense_2 (Dense)"
    assert difference(before, after) == [f"- {before}", f"+ {after}"]
    assert difference("call  dense", "call  dense#1") == ["- call  dense", "+ call  dense#1"]


def test_one_layer_for_two_is_a_difference():
    shared, two = "call  dense#1\ncall  dense#1", "call  dense#1\ncall  dense#2"
    assert difference(shared, two) == ["- call  dense#1", "+ call  dense#2"]
    assert difference(two, shared) == ["- call  dense#2", "+ call  dense#1"]


def test_two_layers_that_change_places_are_a_difference():
    before = "build  a#1\nbuild  a#2\ngraph\n  from a#1, a#2"
    after = "build  a#1\nbuild  a#2\ngraph\n  from a#2, a#1"
    assert difference(before, after) == ["- from a#1, a#2", "+ from a#2, a#1"]


def test_everything_is_new():
    assert difference("", "a\n  b") == ["+ a", "+ b"]


@pytest.mark.parametrize("changed", [{700}, {50, 700, 701, 1_300}])
def test_long_and_deep_outlines_that_repeat(changed):
    layer = ["call", "  build", "    kernel  (8, 8)", "      zeros", "    bias  (8,)", "  graph"]
    before = [f"{'  ' * (n // 6)}{layer[n % 6]}" for n in range(1_500)]
    before += layer * 250
    after = [f"{line}  new" if n in changed else line for n, line in enumerate(before)]
    lines = diff(before, after)
    assert sum(line.startswith(ADDED) for line in lines) == len(changed)
    assert sum(line.startswith(REMOVED) for line in lines) == len(changed)
    assert shown(lines)


# -- what is shown --------------------------------------------------------------------------------


def drawn(before, after):
    return shown(diff(outline(before), outline(after)))


def test_what_a_change_is_inside_of_and_what_is_beside_it():
    lines = drawn(mlp3(), mlp3((512, 20)))
    assert lines[:13] == [
        "  Sequential.build  sequential#1 (Sequential)  (None, 784)  built: False → True",
        "    … 15 lines as expected",
        "      Node.__init__",
        "-   Layer.__call__  dense#2 (Dense)  (None, 512) → (None, 10)",
        "+   Layer.__call__  dense#2 (Dense)  (None, 512) → (None, 20)",
        "      Layer._maybe_build  (None, 512)  built: False → True",
        "        Dense.build  (None, 512)",
        "-         Layer.add_weight  kernel (512, 10) float32 GlorotUniform",
        "+         Layer.add_weight  kernel (512, 20) float32 GlorotUniform",
        "            Variable.__init__",
        "              GlorotUniform.__call__",
        "-         Layer.add_weight  bias (10,) float32 Zeros",
        "+         Layer.add_weight  bias (20,) float32 Zeros",
    ]
    assert not [line for line in lines if "(784, 512)" in line]  # is the same, so left out


def test_a_change_deep_down_is_shown_below_the_calls_that_it_is_inside_of():
    before = "a\n  b\n    c\n      d  1\n  e\n  f\n  g".splitlines()
    after = [line.replace("1", "2") for line in before]
    assert shown(diff([*before, "h"], [*after, "h"])) == [
        "  a",
        "    b",
        "      c",
        "-       d  1",
        "+       d  2",
        "    e",
        "  … 3 lines as expected",
    ]


def test_every_line_is_shown_or_counted():
    before, after = outline(mlp3()), outline(mlp3((512, 20, 10)))
    lines = shown(diff(before, after))
    counted = sum(int(line.split("… ")[1].split()[0]) for line in lines if "…" in line)
    signed = [line for line in lines if "…" not in line]
    for sign, all_lines in ((ADDED, before), (REMOVED, after)):
        there = [line for line in signed if not line.startswith(sign)]
        assert len(there) + counted == len(all_lines)


def test_what_is_new_is_shown_with_all_inside():
    lines = drawn(mlp3(), mlp3((512, 10, 5)))
    assert [line for line in lines if line.startswith(ADDED) and "kernel (10, 5)" in line]


def test_places_are_counted_not_lines():
    lines = diff(["a", "b", "c", "d", "e"], ["a", "x", "y", "c", "e"])
    assert differences(lines) == 2


def test_two_models_that_have_nothing_in_common_are_cut():
    lines = drawn(mlp3((5,) * 30), mlp2())
    assert len(lines) == outline_diff.LONGEST + 1
    assert lines[-1].endswith("more lines")
