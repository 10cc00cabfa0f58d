"""What an exception's traceback tells: the user's lines that it came through, and who raised it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from buildtrace.capture.callers import AUTOGRAPH, is_user_file, source_line
from buildtrace.capture.libraries import is_below_keras

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_RERAISES = "traceback_utils.py"
"""Where Keras catches exceptions to raise them again, with words added or frames left out."""

_MARKS = ("_keras_call_info_injected", "ag_error_metadata")
"""Attributes of exceptions that were made to take the place of others."""


def lines_of(error: BaseException) -> list[tuple[str, int]]:
    """The user's lines that an exception came through until now, the innermost first."""
    places = chain(_not_compiled(error), _places(error))
    return [place for place in dict.fromkeys(places) if is_user_file(place[0])]


def _not_compiled(error: BaseException) -> Iterator[tuple[str, int]]:
    """The line that Python could not compile: no code of it ever ran, to be in a traceback."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        yield error.filename, error.lineno


def raised_at(error: BaseException) -> tuple[str, int] | None:
    """The library's line that raised an exception; `None` if that was the user's own, or unknown.

    An exception out of TensorFlow, JAX, NumPy or Python itself mostly comes from a line that
    raises all of them (`raise core._status_to_exception(e)`), which explains none. What an engineer
    looks for is what asked them for something that cannot be: the line nearest to that which is
    Keras', or of a library of layers. If the user's code asked them itself, its line is among
    `lines_of`, and there is no other to tell.
    """
    for file, line in _places(original(error) or error):
        if is_user_file(file):
            return None
        if is_telling(file):
            return file, line
    return None


def raising_level(error: BaseException) -> tuple[TracebackType, str, int] | None:
    """The level, file and line of a traceback that `raised_at` tells of, or leaves to the user."""
    for level, (file, line) in _levels((original(error) or error).__traceback__):
        if is_user_file(file) or is_telling(file):
            return level, file, line
    return None


def is_telling(file: str) -> bool:
    """Whether a line of a library's file tells more than that there was an exception."""
    return not is_below_keras(file) and not file.endswith(_RERAISES)


def original(error: BaseException) -> BaseException | None:
    """The exception that Keras, or autograph, has put this one in the place of; mostly none.

    The new one has words added to the text, and a traceback without their own frames.
    """
    first = error.__context__
    is_made = any(hasattr(error, mark) for mark in _MARKS)
    return first if is_made and first is not None and str(first) in str(error) else None


def _places(error: BaseException) -> Iterator[tuple[str, int]]:
    """The files and lines that an exception came through, the innermost first."""
    # What autograph runs has a traceback of its own: the exception's begins after it.
    converted = getattr(getattr(error, "ag_error_metadata", None), "translated_stack", ())
    inner = ((frame.filename, frame.lineno) for frame in converted)
    for place in chain(inner, (place for _, place in _levels(error.__traceback__))):
        if AUTOGRAPH not in place[0]:
            yield place


def _levels(traceback: TracebackType | None) -> Iterator[tuple[TracebackType, tuple[str, int]]]:
    """Levels, files and lines, the innermost first, each once: a recursion repeats a few."""
    levels: list[TracebackType] = []
    while traceback is not None:
        levels.append(traceback)
        traceback = traceback.tb_next
    seen: set[tuple[int, int]] = set()
    for level in reversed(levels):
        instruction = id(level.tb_frame.f_code), level.tb_lasti
        if instruction not in seen:
            seen.add(instruction)
            place = source_line(level.tb_frame, level.tb_lineno)
            if place is not None:
                yield level, place
