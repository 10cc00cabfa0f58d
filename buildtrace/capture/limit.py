"""Python's recursion limit, and the frames that hooks put on the stack."""

from __future__ import annotations

import threading
from sys import getrecursionlimit, setrecursionlimit

_HIGHEST = 2**31 - 1
"""Python takes no higher one."""

_DEEPER = 4
"""Python takes no limit that is lower than the depth at which it is set, and a build ends a few
frames deeper than it begins."""


class RecursionLimit:
    """Twice the program's own limit while something is built, and untouched otherwise.

    A hook adds one frame to one of the program's, so that what fits into the program's own limit
    fits into twice as much with the hooks. As not each frame has a hook, there is room for what
    the recorder does as well. Whoever runs out of room all the same has run into the program's
    own limit before: `RecursionError` is the program's then, wherever it is raised.

    Attributes:
        lock: held while builds begin and end, as all threads have the same limit.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._own = 0
        self._doubled = 0

    def double(self) -> None:
        """Double the limit, as a build begins.

        Raises:
            RecursionError: the program is so deep that its limit could not be put back here.
        """
        limit = getrecursionlimit()
        if limit == self._doubled:
            return  # another thread builds as well
        _descend(_DEEPER)
        self._own = limit
        # Not quite twice: no program sets such a limit itself.
        self._doubled = min(2 * limit + 1, _HIGHEST)
        setrecursionlimit(self._doubled)

    def restore(self) -> None:
        """Set the limit back, unless the program has set another one meanwhile."""
        if getrecursionlimit() == self._doubled:
            try:
                setrecursionlimit(self._own)
            except RecursionError:  # another thread is deeper than the one that began: later, then
                return
        self._doubled = 0


def _descend(frames: int) -> None:
    """Use so many frames; a RecursionError if there are not as many."""
    if frames:
        _descend(frames - 1)
