"""The console of the command: rich's own, that leaves it to us what a broken pipe means."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console

from buildtrace.cli.streams import own_output, tolerate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise it again: rich would end the process, and with that all that is to follow."""
        raise


@contextlib.contextmanager
def own_console(stream: TextIO | None) -> Iterator[Console]:
    """A console on the stream, for a block of output of our own.

    Raises:
        OSError: it could not be written, as in `own_output`.
    """
    with own_output(stream) as own:
        tolerate(own)
        yield _Console(file=own)
