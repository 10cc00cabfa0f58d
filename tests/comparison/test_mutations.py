"""One thing was done to a model: the first line says exactly that, on both generations."""

from __future__ import annotations

import re

import pytest
from scenarios import GENERATIONS

import buildtrace
from comparison.mutations import MUTATIONS

LONGER = {"weights", "graph", "outputs", "order"}


def traced(make, k):
    with buildtrace.trace() as trace:
        model = make(k)
    del model
    return trace


def pattern(line):
    """The line, with any name that Keras may have made in the place of "{stem}"."""
    return re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(line))


@pytest.mark.sampled(10)
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
@pytest.mark.parametrize("name", MUTATIONS)
def test_the_first_line_says_what_was_done(name, k):
    mutation = MUTATIONS[name]
    before, after = traced(mutation.base, k), traced(mutation.make, k)
    for left, right, line in ((before, after, mutation.line), (after, before, mutation.back)):
        difference = left.diff(right)
        assert not difference.same
        assert re.fullmatch(pattern(line), difference.changes[0].message), str(difference)
        assert not difference.changes[0].follows


@pytest.mark.sampled(10)
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
@pytest.mark.parametrize("name", MUTATIONS)
def test_the_same_model_again_is_the_same_build(name, k):
    once, again = (traced(MUTATIONS[name].make, k) for _ in range(2))
    difference = once.diff(again)
    assert difference.same
    assert str(difference) == "the same build"
    assert {step.state for step in difference.steps} == {"same"}
