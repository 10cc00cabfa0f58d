"""Room on the stack: our frames must not cost the traced program any of its recursion limit.

While a landmark runs, each open hook has a frame on the stack that the untraced program would
not have: the limit is higher by as many. And where the program is about to reach its limit, our
own reading needs room for a moment, or it would fail where the program does not.

To change the limit is not free. So far away from it, it is raised by a few frames at once, and
lowered when the tree of calls is over; near it, it is always what it has to be, to the frame.
"""

from __future__ import annotations

import sys
import threading
from sys import getrecursionlimit, setrecursionlimit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.capture.threads import Thread

HEADROOM = 30
"""Frames that our own reading may need on top of the traced program's."""

IN_ADVANCE = 12
"""Frames by which the limit is raised at once, far away from it."""

COUNTED = 1 if sys.version_info >= (3, 12) else 2
"""How often at most Python counts a frame: up to 3.11, calls through C code count as well."""


class Room:
    """Raises and lowers the recursion limit, which all threads share.

    Attributes:
        lock: held while the limit is changed; a signal's handler may build a model meanwhile.
    """

    def __init__(self) -> None:
        """With the limit as it is."""
        self.lock = threading.RLock()
        self._lent = 0  # to all threads

    def lend(self, thread: Thread, frames: int) -> None:
        """Have the limit higher by so many frames, for what this thread has open."""
        with self.lock:
            try:
                setrecursionlimit(getrecursionlimit() + frames - thread.lent)
                self._lent += frames - thread.lent
                thread.lent = frames
            except RecursionError:  # too deep for a lower limit at this very moment: later
                pass

    def reset(self, thread: Thread) -> None:
        """Nothing is lent any more; the limit is the program's, as this thread's tree met it."""
        with self.lock:
            thread.lent = self._lent = 0
            setrecursionlimit(thread.limit)

    def limit(self) -> int:
        """The program's own limit: without what is lent to any thread."""
        with self.lock:
            return getrecursionlimit() - self._lent
