"""One line on the terminal while a long build is going on.

rich's own progress bars stand in the way of what the script prints (they redirect its streams,
and erase whole lines), so the line is drawn by hand: the cursor goes back to its start, and the
line is erased from the cursor on, which leaves alone whatever the script has written meanwhile.
It is also erased at once when a build is over, before the script can write anything else.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, TextIO

from buildtrace.capture import Tracing
from buildtrace.cli.streams import is_terminal
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console

    from buildtrace.capture.journaling import Journal
    from buildtrace.capture.record import Record

INTERVAL = 0.2
PATIENCE = 0.5
"""Seconds between looks, and seconds that a build may take before anything is shown."""


class WatchedTracing(Tracing):
    """A tracing that tells when a tree of calls is over, in the thread that built."""

    def __init__(self, journal: Journal | None = None) -> None:
        """Not started, and not watched yet."""
        super().__init__(journal)
        self.tree_over: Callable[[], None] = lambda: None

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree that is over."""
        super().add(records)
        self.tree_over()


class Progress:
    """Watches a tracing from a thread, while a `with` block runs; silent if not on a terminal."""

    def __init__(self, tracing: WatchedTracing, stream: TextIO | None) -> None:
        self._tracing = tracing
        self._stream = stream
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._console: Console | None = None
        self._shown = False
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        dumb = os.environ.get("TERM") in ("dumb", "unknown")  # it could not erase the line
        if is_terminal(self._stream) and not dumb:
            self._tracing.tree_over = self._clear
            self._thread = threading.Thread(target=self._watch, name="buildtrace", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        since: float | None = None
        try:
            while not self._done.wait(INTERVAL):
                calls, layer = self._tracing.progress()
                if layer is None:
                    since = None
                    self._clear()
                    continue
                now = time.monotonic()
                since = now if since is None else since
                if now - since >= PATIENCE:
                    self._draw(calls, layer, now - since)
            self._clear()
        except (OSError, ValueError):
            return  # the terminal went away

    def _draw(self, calls: int, layer: str, seconds: float) -> None:
        from rich.console import Console
        from rich.text import Text

        if self._console is None:
            self._console = Console(file=self._stream)
        line = Text(
            f"  building {wording.sanitize(layer)}  {calls:,} calls  {seconds:.0f} s", style="dim"
        )
        line.truncate(self._console.width - 1, overflow="ellipsis")
        self._clear()
        with self._lock:
            if self._tracing.progress()[1] is not None:  # else it ended while we were at it
                self._console.print(line, end="\r", no_wrap=True, crop=False, highlight=False)
                self._shown = True

    def _clear(self) -> None:
        with self._lock:
            if self._shown and self._console is not None:
                from rich.control import Control
                from rich.segment import ControlType

                self._shown = False
                self._console.control(Control((ControlType.ERASE_IN_LINE, 0)))
