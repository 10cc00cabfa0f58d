"""What differs between two trees of lines."""

from __future__ import annotations

from buildtrace.branches import Branch, read
from buildtrace.difference import compare, differing


def difference(before, after):
    """The lines that differ, as (before, after)."""
    found = differing(compare(read(before)[0], read(after)[0]))
    return [(c.before and c.before.text, c.after and c.after.text) for c in found]


def test_equal_trees_do_not_differ():
    assert difference("a\n  b\nc", "a\n  b\nc") == []


def test_a_line_that_came_and_one_that_went():
    assert difference("a\n  b\n  c", "a\n  b\n  x\n  c") == [(None, "x")]
    assert difference("a\n  b\n  x\n  c", "a\n  b\n  c") == [("x", None)]


def test_lines_that_begin_alike_are_one_line_that_changed():
    before, after = "Dense.build  (None, 3)\n  x", "Dense.build  (None, 4)\n  x"
    assert difference(before, after) == [("Dense.build  (None, 3)", "Dense.build  (None, 4)")]


def test_layers_of_another_class_are_not_the_same_line():
    before, after = "call  a (Dense)  (3,)", "call  a (Conv)  (3,)"
    assert difference(before, after) == [(before, None), (None, after)]


def test_a_change_deep_down_is_the_only_one():
    before = "a\n  b\n    c  1\n    d\n  e"
    assert difference(before, before.replace("1", "2")) == [("c  1", "c  2")]


def test_what_came_before_does_not_move_the_rest():
    rest = "".join(f"call  layer{n} (Dense)\n  build\n" for n in range(20))
    new = "call  new (Dense)\n  build\n"
    assert difference(rest, new + rest) == [(None, "call  new (Dense)")]


def test_numbers_do_not_count():
    assert difference("call  dense#1 (Dense)\n  x", "call  dense#4 (Dense)\n  x") == []
    rest = "".join(f"call  dense#{n} (Dense)  ({n + 3},)\n" for n in range(2, 9))
    later = "".join(f"call  dense#{n + 1} (Dense)  ({n + 3},)\n" for n in range(2, 9))
    new = "call  dense#2 (Dense)  (1,)\n"
    assert difference(rest, new + later) == [(None, new.strip())]


def test_names_of_users_count():
    found = difference("call  dense_1 (Dense)", "call  dense_2 (Dense)")
    assert found == [("call  dense_1 (Dense)", "call  dense_2 (Dense)")]


def test_one_layer_for_two_is_a_difference():
    shared, two = "call  dense#1\ncall  dense#1", "call  dense#1\ncall  dense#2"
    assert difference(shared, two) == [("call  dense#1", "call  dense#2")]
    assert difference(two, shared) == [("call  dense#2", "call  dense#1")]


def test_two_layers_that_change_places_are_a_difference():
    before = "build  a#1\nbuild  a#2\ngraph\n  from a#1, a#2"
    after = "build  a#1\nbuild  a#2\ngraph\n  from a#2, a#1"
    assert difference(before, after) == [("from a#1, a#2", "from a#2, a#1")]


def test_everything_is_new():
    assert difference("", "a\n  b") == [(None, "a")]


def test_deep_and_wide_trees():
    deep = [Branch("bottom  1")], [Branch("bottom  2")]
    for _ in range(3_000):
        deep = tuple([Branch("x", inside)] for inside in deep)
    (change,) = differing(compare(*deep))
    assert change.after.text == "bottom  2"
    wide = [Branch(f"line{n}") for n in range(3_000)]
    (change,) = differing(compare(wide, [*wide[:1_500], Branch("new"), *wide[1_500:]]))
    assert change.after.text == "new"
