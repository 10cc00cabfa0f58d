import pytest

from buildtrace.traces.repeats import Run, find_runs, find_stretches


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", []),
        ("abc", []),
        ("aa", []),
        ("aaa", [Run(0, 1, 3)]),
        ("xababab", [Run(1, 2, 3)]),
        ("abcdabcd", [Run(0, 4, 2)]),
        ("abcabc", []),
        ("aaab" * 3, [Run(0, 4, 3)]),
        ("xyaaaaxyaaaaa", [Run(2, 1, 4), Run(8, 1, 5)]),
    ],
)
def test_runs(text, runs):
    assert find_runs(list(text)) == runs


def test_stretches():
    text = "abcdefghij" + "-" + "abcdefghij" + "+" + "bcdefghijk"
    assert find_stretches(list(text)) == [(11, 21), (22, 31)]
    assert find_stretches(list("abcabcabd")) == []
