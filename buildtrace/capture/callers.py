"""Finds the user's own line in the stack of Python frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from buildtrace.capture.libraries import is_library

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType, FrameType, TracebackType

Instruction: TypeAlias = "tuple[CodeType, int]"
"""A code and the offset of an instruction in it: to find the line of that takes long."""

Caller: TypeAlias = "Instruction | tuple[str, int]"
"""Where the user's code is: an instruction, or a file and a line."""

_AUTOGRAPH = "__autograph_generated_file"

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
                line = (code, frame.f_lasti) if _AUTOGRAPH not in name else _line(frame)
        if code.co_firstlineno == first and name == file:
            instruction = code, frame.f_lasti
        frame = frame.f_back
    return line, False, None


def find_first_caller(frame: FrameType) -> Caller | None:
    """The user's line nearest to `frame` on the whole stack: mostly it is his own frame."""
    code = frame.f_code
    name = code.co_filename
    if _kinds.get(name) == _USER and _AUTOGRAPH not in name:
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


def lines_of(error: BaseException) -> list[tuple[str, int]]:
    """The user's lines that an exception came through until now, the innermost first."""
    # What autograph runs has a traceback of its own: the exception's begins after it.
    converted = getattr(getattr(error, "ag_error_metadata", None), "translated_stack", ())
    lines = [(frame.filename, frame.lineno) for frame in converted]
    lines += _traceback_lines(error.__traceback__)
    return [
        (file, line)
        for file, line in dict.fromkeys(lines)
        if is_user_file(file) and _AUTOGRAPH not in file
    ]


def _traceback_lines(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    """Files and lines, the innermost first, each once: a recursion repeats a few."""
    levels: list[TracebackType] = []
    while traceback is not None:
        levels.append(traceback)
        traceback = traceback.tb_next
    seen: set[tuple[int, int]] = set()
    for level in reversed(levels):
        instruction = id(level.tb_frame.f_code), level.tb_lasti
        if instruction not in seen:
            seen.add(instruction)
            source_line = _line(level.tb_frame, level.tb_lineno)
            if source_line is not None:
                yield source_line


def _line(frame: FrameType, line: int | None = None) -> tuple[str, int] | None:
    """Where the code of `frame` is, in the file that the user wrote; `None` if he did not.

    `line` is that of the running instruction, unless another one is given.

    TensorFlow's autograph runs a copy of a function from a file of its own, and keeps a map of
    lines with that copy. The function may be Keras' own.
    """
    file, line = frame.f_code.co_filename, line or frame.f_lineno
    if _AUTOGRAPH not in file:
        return file, line
    outer = frame.f_back
    while outer is not None and "converted_f" not in outer.f_code.co_varnames:
        outer = outer.f_back
    converted = None if outer is None else outer.f_locals.get("converted_f")
    for copied, original in getattr(converted, "ag_source_map", {}).items():
        if copied.filename == file and copied.lineno == line:
            file = original.loc.filename
            return (file, original.loc.lineno) if is_user_file(file) else None
    return None
