import pytest

from buildtrace.traces.repeats import Repeat, find_repeats, find_stretches


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", []),
        ("abc", []),
        ("aa", []),
        ("aaa", [Repeat(0, 1, 3)]),
        ("xababab", [Repeat(1, 2, 3)]),
        ("abcdabcd", [Repeat(0, 4, 2)]),
        ("abcabc", []),
        ("aaab" * 3, [Repeat(0, 4, 3)]),
        ("xyaaaaxyaaaaa", [Repeat(2, 1, 4), Repeat(8, 1, 5)]),
    ],
)
def test_runs(text, runs):
    assert find_repeats(list(text)) == runs


def test_stretches():
    text = "abcdefghij" + "-" + "abcdefghij" + "+" + "bcdefghijk"
    assert find_stretches(list(text)) == [(11, 21), (22, 31)]
    assert find_stretches(list("abcabcabd")) == []
