"""A tree of lines of text: what can be kept in a file, read by people, and compared.

In a file, each line is indented by its depth. Lines that begin with "#" before the first other
one are a comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

INDENT = "  "


class Branch(NamedTuple):
    """A line, and the branches inside it."""

    text: str
    inside: Sequence[Branch] = ()


def walk(branches: Iterable[Branch]) -> Iterator[tuple[int, Branch]]:
    """Depth first: (depth, branch) of all of them. Not recursive: a tree may be very deep."""
    stack = [(0, branch) for branch in reversed([*branches])]
    while stack:
        depth, branch = stack.pop()
        yield depth, branch
        stack += [(depth + 1, inner) for inner in reversed(branch.inside)]


def write(branches: Iterable[Branch], comment: Iterable[str] = ()) -> str:
    """The file's text."""
    head = [f"# {line}".rstrip() for line in comment]
    lines = [f"{INDENT * depth}{branch.text}".rstrip() for depth, branch in walk(branches)]
    return "\n".join([*head, *([""] if head else []), *lines]) + "\n"


def read(text: str) -> tuple[list[Branch], list[str]]:
    """The branches in a file's text, and its comment. Empty lines mean nothing."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    comment = []
    while lines and lines[0].startswith("#"):
        comment.append(lines.pop(0).lstrip("# "))
    roots: list[Branch] = []
    open_: list[list[Branch]] = [roots]
    for line in lines:
        body = line.lstrip(" ")
        # Somebody may have edited it: a line cannot be deeper than the one before allows.
        depth = min((len(line) - len(body)) // len(INDENT), len(open_) - 1)
        inside: list[Branch] = []
        open_[depth].append(Branch(body, inside))
        open_[depth + 1 :] = [inside]
    return roots, comment
