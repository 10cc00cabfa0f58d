"""Raises an exception in the middle of a landmark of Keras, patching nothing.

The interpreter calls a profile hook when a frame begins and ends; what the hook raises comes
out of that frame, as if the frame's own code had raised it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from witness import Table

EVENTS = {"call": "entry", "return": "exit"}


@dataclass(frozen=True)
class Place:
    """A moment of a run: the begin or end of a landmark's frame.

    Attributes:
        number: which of all such moments in the run.
        path: the landmarks that are open there, the outermost first.
        builds: whether something has been built in the outermost one by then.
    """

    number: int
    event: str
    path: tuple[str, ...]
    builds: bool

    @property
    def name(self) -> str:
        return f"{EVENTS[self.event]} of {self.path[-1]}"


class Injector:
    """Within the block, notes each such moment, and raises `error` at one of them."""

    def __init__(self, table: Table, at: int | None = None, error: BaseException | None = None):
        self.places: list[Place] = []
        self._table = table
        self._at = at
        self._error = error
        self._open: list[tuple[FrameType, str, str]] = []

    def __enter__(self) -> Injector:
        sys.setprofile(self._hook)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        self._open.clear()

    def _hook(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            row = self._table.row(frame)
            if row is None or ("P" in row.flags and not self._reads_file()):
                return
            if not self._open:
                self._builds = False
            self._builds = self._builds or "E" in row.flags
            self._open.append((frame, row.name, row.flags))
        elif event != "return" or not self._open or self._open[-1][0] is not frame:
            return
        names = tuple(name for _, name, _ in self._open)
        if self._open[0][2] != "N":  # recorded only inside of others
            self.places.append(Place(len(self.places), event, names, self._builds))
            if self._at == len(self.places) - 1:
                assert self._error is not None
                raise self._error
        if event == "return":
            self._open.pop()

    def _reads_file(self) -> bool:
        return any("F" in flags for _, _, flags in self._open)


def places_of(table: Table, run: Callable[[], Any]) -> list[Place]:
    """All the moments in a run."""
    with Injector(table) as injector:
        run()
    return injector.places
