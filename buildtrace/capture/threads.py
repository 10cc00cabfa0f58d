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
        interrupted: whether some of our own work was, so that some of it may be left to do.
        number: the thread's number in traces.
    """

    __slots__ = (
        "interrupted",
        "kind",
        "listening",
        "muted",
        "number",
        "records",
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
