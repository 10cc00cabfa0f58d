"""What the recorder knows of each thread, and who gets what is recorded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.capture.record import Record, Waiting


class Thread:
    """What is open in one thread.

    Attributes:
        stack: the open calls, the root first.
        waiting: the same, while the root is thought to build nothing.
        records: all calls of the root's tree so far, in order of start.
        kind: the type of what the root was called on.
        muted: how many calls are open that are not part of any build.
        listening: the call during which we hear of operations on concrete tensors.
        unlisten: ends that.
        limit: the program's own recursion limit when the root started.
        shallow: how many frames may be on the stack before room on it is scarce.
        lent: how much higher it is now, for our own frames.
        extra: how many frames of ours lie below the next root, of hooks of no landmark.
        interrupted: whether some of our own work was, so that the limit may be wrong now.
        number: the thread's number in traces.
    """

    __slots__ = (
        "extra",
        "interrupted",
        "kind",
        "lent",
        "limit",
        "listening",
        "muted",
        "number",
        "records",
        "shallow",
        "stack",
        "unlisten",
        "waiting",
    )

    def __init__(self) -> None:
        """With nothing open."""
        self.stack: list[Record] = []
        self.waiting: list[Waiting] = []
        self.records: list[Record] = []
        self.kind: type = type(None)
        self.muted = 0
        self.limit = 0
        self.shallow = 0
        self.lent = 0
        self.extra = 0
        self.interrupted = False
        self.listening: Record | None = None
        self.unlisten: Callable[[], None] = lambda: None
        self.number: int | None = None


class Local(threading.local):
    """The state of the thread that asks."""

    def __init__(self) -> None:
        """Runs once in each thread."""
        self.thread = Thread()


class Listener(Protocol):
    """Who wants the trees that are kept."""

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree, in order of start."""
