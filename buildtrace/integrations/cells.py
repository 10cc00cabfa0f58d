"""The names that a notebook's cells have for a reader: `In[5]`, not the name of their file."""

from __future__ import annotations

import linecache
import operator
import sys
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from buildtrace.traces.trace import Trace


def name_cells(trace: Trace, shell: InteractiveShell) -> None:
    """Name the cells that the trace speaks of as IPython's tracebacks do.

    A kernel runs each cell from a file whose name is another one in every session.
    """
    names: dict[str, str] = {}

    def renamed(value: Any) -> Any:
        """The value, with the files in it renamed; itself if there are none."""
        if isinstance(value, tuple):
            parts = tuple(map(renamed, value))
            return value if all(map(operator.is_, parts, value)) else parts
        if not isinstance(value, msgspec.Struct):
            return value
        changed = {}
        for field in value.__struct_fields__:
            before = getattr(value, field)
            after = name(before) if field == "file" else renamed(before)
            if after is not before:
                changed[field] = after
        return msgspec.structs.replace(value, **changed) if changed else value

    def name(file: str) -> str:
        if file not in names:
            names[file] = _name(file, shell)
        return names[file]

    for field in trace.__struct_fields__:
        if field != "weights":  # a tuple of its own kind, without a file in it
            setattr(trace, field, renamed(getattr(trace, field)))


def number_of_cell(shell: InteractiveShell) -> int:
    """The number of the cell that runs: the shell's own counter may be one ahead."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        label = shell.compile.format_code_name(frame.f_code.co_filename)
        if label is not None:
            return int(label[1].strip("In[]"))
    return shell.execution_count


def _name(file: str, shell: InteractiveShell) -> str:
    label = shell.compile.format_code_name(file)
    if label is None:
        return file
    name: str = label[1]
    if file in linecache.cache:  # the code can be found by the new name as well
        linecache.cache[name] = linecache.cache[file]
    return name
