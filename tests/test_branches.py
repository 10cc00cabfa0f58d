"""Trees of lines, in and out of files."""

from __future__ import annotations

from buildtrace.branches import Branch, read, walk, write

TREE = [Branch("a", [Branch("b", [Branch("c")]), Branch("d")]), Branch("e")]
TEXT = "# what it is\n\na\n  b\n    c\n  d\ne\n"


def same(ours, theirs):
    return [(d, b.text) for d, b in walk(ours)] == [(d, b.text) for d, b in walk(theirs)]


def test_walk():
    lines = [(depth, branch.text) for depth, branch in walk(TREE)]
    assert lines == [(0, "a"), (1, "b"), (2, "c"), (1, "d"), (0, "e")]


def test_out_and_in():
    assert write(TREE, ["what it is"]) == TEXT
    tree, comment = read(TEXT)
    assert same(tree, TREE)
    assert comment == ["what it is"]


def test_what_editors_do():
    tree, _ = read(TEXT.replace("\n", "\r\n").replace("  d", "\n  d   "))
    assert same(tree, TREE)


def test_lines_that_are_too_deep():
    tree, comment = read("a\n      b\n   c\n# d\n")
    assert same(tree, [Branch("a", [Branch("b"), Branch("c")]), Branch("# d")])
    assert comment == []


def test_nothing():
    assert read("") == ([], [])


def test_depth():
    tree = [Branch("bottom")]
    for _ in range(5_000):
        tree = [Branch("x", tree)]
    text = write(tree)
    assert len(text.splitlines()) == 5_001
    assert write(read(text)[0]) == text
