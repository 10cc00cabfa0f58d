"""The progress of many runs, in one line on a terminal."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from buildtrace.cli.streams import is_terminal
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import TextIO

MOST_NAMES = 3


class RunsProgress:
    """A bar, with the scripts that run; nothing if nobody sees it."""

    def __init__(self, total: int, done: int, stream: TextIO | None) -> None:
        """Nothing is shown yet.

        Args:
            total: so many scripts there are.
            done: so many of them need not run.
            stream: the terminal, if it is one.
        """
        self._is_shown = is_terminal(stream) and total > done
        self._total, self._done, self._stream = total, done, stream
        self._stack = ExitStack()

    def __enter__(self) -> RunsProgress:
        """Show the bar."""
        if self._is_shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (
                MofNCompleteColumn(),
                BarColumn(20),
                TextColumn("{task.description}", markup=False),
            )
            # What else is written to the streams is ours, and is written when the bar is gone.
            bar = Progress(*columns, console=Console(file=self._stream), transient=True)
            self._bar = self._stack.enter_context(bar)
            self._task = bar.add_task("", total=self._total, completed=self._done)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take it away."""
        self._stack.close()

    def show(self, running: Sequence[Path]) -> None:
        """Show which scripts run now."""
        if self._is_shown:
            names = wording.listed((path.name for path in running), MOST_NAMES)
            self._bar.update(self._task, description=wording.sanitize(names))

    def advance(self) -> None:
        """One more is over."""
        if self._is_shown:
            self._bar.advance(self._task)
