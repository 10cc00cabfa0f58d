"""What two sequences have in common."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from buildtrace.comparison.alignment import in_order, matches, out_of_order, stretches


def longest(left, right):
    """The length of the longest common subsequence, by the book."""
    rows = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            rows[i + 1][j + 1] = rows[i][j] + 1 if a == b else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


def words(letters="abcdefgh"):
    """Pairs of sequences: the same ones in every run."""
    for seed in range(200):
        random_ = random.Random(seed)
        yield tuple([random_.choice(letters) for _ in range(random_.randrange(15))] for _ in "lr")


def test_what_is_matched_is_equal_and_in_order():
    for left, right in words():
        pairs = matches(left, right)
        assert all(left[i] == right[j] for i, j in pairs), (left, right)
        assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs)), (left, right)


def test_without_anchors_it_is_the_longest_that_there_is():
    # Nothing is there only once, and the ends, which are taken off first, have nothing in common.
    for some, others in words("abc"):
        left, right = ["<", "<", *3 * some, "<", "<"], [">", ">", *3 * others, ">", ">"]
        assert len(matches(left, right)) == longest(left, right), (left, right)


def test_stretches_cover_both_sides():
    for left, right in words():
        ends = (0, 0)
        for same, (a, b), (c, d) in stretches(left, right):
            assert (a, c) == ends, (left, right)
            assert (left[a:b] == right[c:d]) if same else (b > a or d > c), (left, right)
            ends = (b, d)
        assert ends == (len(left), len(right))
        equal = sum(b - a for same, (a, b), _ in stretches(left, right) if same)
        assert equal == len(matches(left, right)), (left, right)


def test_a_row_that_grows_is_as_long_as_can_be():
    for seed in range(50):
        pairs = list(enumerate(random.Random(seed).sample(range(12), 12)))
        row = in_order(pairs)
        assert all(a < c and b < d for (a, b), (c, d) in pairwise(row)), pairs
        assert len(row) == longest([j for _, j in pairs], range(12)), pairs


def test_what_moved_is_known_by_both_indexes():
    assert out_of_order("abcd", "abcd") == []
    assert out_of_order("abcd", "bcda") == [(0, 3)]
    assert out_of_order("abcd", "dabc") == [(3, 0)]


def test_one_that_was_added_does_not_move_the_rest():
    left = [f"layer {n}" for n in range(20)]
    right = [*left[:7], "new", *left[7:]]
    assert matches(left, right) == [(n, n if n < 7 else n + 1) for n in range(20)]


def test_an_anchor_is_worth_more_than_what_is_there_everywhere():
    left = ["x", "x", "a", "x", "x", "b", "x"]
    right = ["a", "x", "b"]
    assert {(2, 0), (5, 2)} <= set(matches(left, right))


@pytest.mark.parametrize("letters", [1, 50, 10**9])
def test_long_sequences_take_no_time_to_speak_of(letters):
    random_ = random.Random(0)
    left = [random_.randrange(letters) for _ in range(20_000)]
    right = [-1 if n % 100 == 7 else token for n, token in enumerate(left)]
    start = time.process_time()
    pairs = matches(left, right)
    assert time.process_time() - start < 5  # comparing each with each would take minutes
    assert len(pairs) >= 19_000
