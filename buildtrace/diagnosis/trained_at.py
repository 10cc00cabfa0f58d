"""Which of the user's lines train a model, or run it as training does: in a graph, on data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.traces.schema import SourceLine
    from buildtrace.traces.trace import Trace

_METHOD = re.compile(r"\.(fit|evaluate|predict|train_on_batch|test_on_batch)\(")


def method_at(trace: Trace, line: SourceLine | None) -> str:
    """The method that a line calls, such as "fit"; "" if it calls none, or is not known."""
    called = _METHOD.search(trace.index.source_code.statement(line)) if line else None
    return called[1] if called else ""
