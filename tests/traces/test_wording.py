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


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (29_304, "28.6 KiB"),
        (1_023_900, "1,000 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**62, "4.0 EiB"),
    ],
)
def test_a_number_of_bytes(number, text):
    assert wording.size_in_memory(number) == text
