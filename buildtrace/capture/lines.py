"""Finds the user's own line in the stack of Python frames."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType

_OURS = str(Path(__file__).parent.parent)
_EXAMPLES = str(Path(_OURS, "examples"))  # the user's code, as far as the reader is concerned
_LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_AUTOGRAPH = "__autograph_generated_file"

_known: dict[str, bool] = {}


def is_user_file(name: str) -> bool:
    """Whether code of this file is the user's own, not Python's, a library's or ours."""
    known = _known.get(name)
    if known is None:
        known = _known[name] = name.startswith(_EXAMPLES) or not name.startswith(
            (_OURS, "<frozen", *_LIBRARIES)
        )
    return known


def find_caller(
    frame: FrameType | None, hooks: tuple[CodeType, ...] | None
) -> tuple[tuple[str, int] | None, bool]:
    """The user's line nearest to `frame`, from there up to the next hook, if there is one.

    Returns:
        File and line, `None` if no user's code lies between; and whether a hook was met.
    """
    line = None
    while frame is not None:
        code = frame.f_code
        if hooks is not None and code in hooks:
            return line, True
        if line is None and is_user_file(code.co_filename):
            line = _line(frame)
            if hooks is None:
                break
        frame = frame.f_back
    return line, False


def _line(frame: FrameType) -> tuple[str, int]:
    """Where the code of `frame` is, in the file that the user wrote.

    TensorFlow's autograph runs a copy of the user's function from a file of its own, and
    keeps a map of lines with that copy.
    """
    file, line = frame.f_code.co_filename, frame.f_lineno
    if _AUTOGRAPH not in file:
        return file, line
    outer = frame.f_back
    while outer is not None and "converted_f" not in outer.f_code.co_varnames:
        outer = outer.f_back
    converted = None if outer is None else outer.f_locals.get("converted_f")
    for place, origin in getattr(converted, "ag_source_map", {}).items():
        if place.filename == file and place.lineno == line:
            return origin.loc.filename, origin.loc.lineno
    return file, line
