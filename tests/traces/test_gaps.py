from __future__ import annotations

import itertools

import pytest

from buildtrace.traces.gaps import LAST, Limits, gaps

LIMITS = Limits(few=6, many=20, most=30)


def shown(kinds, limits=LIMITS):
    """What is left of a list, with the text of each gap in its place."""
    rows, start = [], 0
    for gap in gaps(kinds, limits):
        rows += [*kinds[start : gap.start], gap.text]
        start = gap.end
    return [*rows, *kinds[start:]]


def test_few_are_all_shown():
    assert shown("aaaaaa") == [*"aaaaaa"]


def test_alike_members_are_left_out():
    assert shown("xaaaaaaay") == ["x", "a", "… and 6 more like it", "y"]


def test_alike_blocks_are_left_out_and_what_is_alike_in_the_first():
    assert shown("xy" + "abcccccd" * 3) == [
        *"xyabc",
        "… and 4 more like it",
        "d",
        "… and 16 more like the last 8",
    ]


def test_what_came_before_is_left_out_if_much_would_be_left():
    # The letters between two blocks keep them from being a run.
    kinds = "".join(f"abcdefghij{letter}" for letter in "12345678")
    left = shown(kinds)
    assert "… and 10 more like those above" in left
    assert shown(kinds[:19]) == [*kinds[:19]]


def test_of_many_different_members_the_middle_is_left_out():
    kinds = list(range(1_000))
    left = shown(kinds)
    assert left[: 30 - LAST] == kinds[: 30 - LAST]
    assert left[30 - LAST] == "… and 970 more"
    assert left[-LAST:] == kinds[-LAST:]


@pytest.mark.parametrize("length", [7, 19, 50, 300, 2_000])
@pytest.mark.parametrize("kinds", ["a", "ab", "aab", "abcd", "abcdefghijkl"])
def test_what_is_left_is_never_long_and_nothing_is_lost(length, kinds):
    # A letter that occurs once, here and there, keeps everything from being one run.
    many = [
        n if n % 97 == 13 else kind
        for n, kind in zip(range(length), itertools.cycle(kinds), strict=False)
    ]
    hidden_gaps = gaps(many, LIMITS)
    hidden = [index for gap in hidden_gaps for index in range(gap.start, gap.end)]
    assert hidden == sorted(set(hidden))
    assert all(0 <= gap.start < gap.end <= length for gap in hidden_gaps)
    assert length - len(hidden) <= LIMITS.most
    assert all(a.end < b.start for a, b in itertools.pairwise(hidden_gaps))
