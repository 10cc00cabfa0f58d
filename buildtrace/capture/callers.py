"""Finds the user's own line in the stack of Python frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from buildtrace.capture.libraries import is_library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, FrameType

Instruction: TypeAlias = "tuple[CodeType, int]"
"""A code and the offset of an instruction in it: to find the line of that takes long."""

Caller: TypeAlias = "Instruction | tuple[str, int]"
"""Where the user's code is: an instruction, or a file and a line."""

AUTOGRAPH = "__autograph_generated_file"
"""In the name of a file that TensorFlow's autograph has written, and nobody else."""

_LIBRARY, _USER, _HOOKS = range(3)
"""Kinds of files: of Python, a library or ours; of the user; with code in it that is a hook's."""

_kinds: dict[str, int] = {}


def is_user_file(name: str) -> bool:
    """Whether code of this file is the user's own, not Python's, a library's or ours."""
    return (_kinds[name] if name in _kinds else _add_kind(name)) == _USER


def _add_kind(name: str) -> int:
    kind = _kinds[name] = _LIBRARY if is_library(name) else _USER
    return kind


def add_hook(code: CodeType) -> None:
    """Mark this code as that of a hook, or of a part of one."""
    _kinds[code.co_filename] = _HOOKS


def find_caller(
    frame: FrameType | None,
    hooks: Mapping[int, CodeType],
    file: str = "",
    first: int = 0,
) -> tuple[Caller | None, bool, Instruction | None]:
    """The user's line nearest to `frame`, from there up to the next hook, if there is one.

    Args:
        frame: where to begin.
        hooks: what was given to `add_hook`, by id, since to compare codes takes long; none of
            them to look at the whole stack.
        file: of the function that the next hook is for.
        first: that function's first line.

    Returns:
        Where the user's code is, `None` if none lies between; whether there is a hook; and where
        in its function the hooked one is.
    """
    line: Caller | None = None
    instruction = None
    kinds = _kinds
    while frame is not None:
        code = frame.f_code
        name = code.co_filename
        kind = kinds.get(name)
        if kind is None:
            kind = _add_kind(name)
        if kind:
            if kind == _HOOKS:
                if id(code) in hooks:
                    return line, True, instruction
            elif line is None:
                line = (code, frame.f_lasti) if AUTOGRAPH not in name else _users_line(frame)
        if code.co_firstlineno == first and name == file:
            instruction = code, frame.f_lasti
        frame = frame.f_back
    return line, False, None


def find_first_caller(frame: FrameType) -> Caller | None:
    """The user's line nearest to `frame` on the whole stack: mostly it is his own frame."""
    code = frame.f_code
    name = code.co_filename
    if _kinds.get(name) == _USER and AUTOGRAPH not in name:
        return code, frame.f_lasti
    return find_caller(frame, {})[0]


def is_in(frame: FrameType, file: str, first: int) -> bool:
    """Whether this is the frame of the library's function that begins on this line of `file`."""
    code = frame.f_code
    return (
        code.co_firstlineno == first
        and code.co_filename == file
        and (_kinds[file] if file in _kinds else _add_kind(file)) != _USER
    )


def line_of(code: CodeType, instruction: int) -> int | None:
    """The line of an instruction, which takes a while to be found; `None` if it has none."""
    return next((n for a, z, n in code.co_lines() if a <= instruction < z), None)


def source_line(frame: FrameType, line: int | None = None) -> tuple[str, int] | None:
    """Where the code of `frame` is, in the file that somebody wrote; `None` if that is not known.

    `line` is that of the running instruction, unless another one is given.

    TensorFlow's autograph runs a copy of a function from a file of its own, and keeps a map of
    lines with that copy. The function may be Keras' own.
    """
    file, line = frame.f_code.co_filename, line or frame.f_lineno
    if AUTOGRAPH not in file:
        return file, line
    outer = frame.f_back
    while outer is not None and "converted_f" not in outer.f_code.co_varnames:
        outer = outer.f_back
    converted = None if outer is None else outer.f_locals.get("converted_f")
    for copied, original in getattr(converted, "ag_source_map", {}).items():
        if copied.filename == file and copied.lineno == line:
            return original.loc.filename, original.loc.lineno
    return None


def _users_line(frame: FrameType) -> tuple[str, int] | None:
    """The same if that file is the user's own."""
    place = source_line(frame)
    return place if place and is_user_file(place[0]) else None
