from __future__ import annotations

import pytest

from buildtrace.traces import wording


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["dense_1", "dense_2", "dense_3"], "dense_1 to dense_3"),
        (["functional_7", "functional_7"], "functional_7"),
        (["functional_7"], "functional_7"),
        (["encoder", "decoder"], "encoder and decoder"),
        (["a", "b", "c", "a"], "a, b and c"),
        (["a", "b", "a"], "a and b"),
        (["a\n", "b\n", "c\n"], r"a\n to c\n"),
    ],
)
def test_a_span_names_each_thing_once(names, said):
    assert wording.span(names) == said
