"""A notebook or an IPython that was started with `BUILDTRACE` set: each cell shows its builds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from buildtrace.integrations import jupyter

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from buildtrace.cli.request import Request

RUNS_A_CELL = "run_cell_async"
"""IPython's function that does."""


def show(shell: InteractiveShell, request: Request) -> None:
    """Show below each cell what it builds, from the one on that runs now.

    Args:
        shell: IPython's.
        request: what to show; its files are of the whole session, and not of a cell.
    """
    of_cell = request._replace(outputs=(), folders=(), open=False, format=None)
    asked = jupyter.MagicRequest("", of_cell, jupyter.VARIABLE, views=request.view_asked)
    jupyter.magics_of(shell).trace_all(asked, in_cell=_in_cell())


def _in_cell() -> bool:
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == RUNS_A_CELL:
            return True
    return False
