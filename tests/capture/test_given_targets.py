"""Which numbers are in the first batch of the targets of a dry fit."""

from __future__ import annotations

import numpy as np
import pytest

from buildtrace.capture.given_targets import GivenTargets

MODEL, OTHER = object(), object()
NAMES = ("a", "b")


def bounds(targets, output="", *, rows=None, without=None, model=MODEL):
    given = GivenTargets()
    begun = given.begin(MODEL, targets, rows)
    try:
        return given.bounds(model, output, NAMES, without=without)
    finally:
        given.end(begun)
        assert given.bounds(MODEL, output, NAMES) is None


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (np.array([3, 1, 2]), (1, 3)),
        (np.array([[3.0], [-1.0]]), (-1, 3)),
        (np.array([True, False]), (0, 1)),
        (np.array([0.5, 1.0]), None),
        (np.array([np.nan, 1.0]), None),
        (np.array([np.inf, 1.0]), None),
        (np.array([2.0**40]), None),
        (np.array(["a"]), None),
        (np.array([]), None),
        (None, None),
        ([3, 1, 2], None),
    ],
)
def test_the_smallest_and_the_largest(targets, expected):
    assert bounds(targets) == expected


def test_one_batch_is_looked_at():
    targets = np.arange(100)
    assert bounds(targets) == (0, 31)
    assert bounds(targets, rows=8) == (0, 7)


def test_a_number_that_does_not_count():
    assert bounds(np.array([255, 0, 3]), without=255) == (0, 3)
    assert bounds(np.array([255]), without=255) is None


def test_of_one_output():
    first, second = np.array([1, 2]), np.array([5, 6])
    assert bounds([first, second], "b") == (5, 6)
    assert bounds({"b": first, "a": second}, "b") == (1, 2)
    assert bounds([first], "b") is None
    assert bounds([first, second], "c") is None


def test_of_another_model():
    assert bounds(np.array([1, 2]), model=OTHER) is None


def test_fits_in_fits():
    given = GivenTargets()
    outer = given.begin(MODEL, np.array([1]), None)
    inner = given.begin(OTHER, np.array([2]), None)
    assert given.bounds(MODEL, "", ()) == (1, 1)
    given.end(inner)
    assert given.bounds(OTHER, "", ()) is None
    given.end(outer)
