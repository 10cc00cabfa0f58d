"""What a reader of a trace can ask for, the same for all renderers."""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """What to show of a trace.

    Attributes:
        views: names of the views (see `buildtrace.renderers.VIEWS`), in order.
        depth: levels of calls to show at most; `None` for as many as stay readable.
        full: hide nothing.
        model: show only the model of this name.
        explain: say of each landmark what it does, and what the article says of it.
    """

    views: tuple[str, ...] = ("tree",)
    depth: int | None = None
    full: bool = False
    model: str | None = None
    explain: bool = False
