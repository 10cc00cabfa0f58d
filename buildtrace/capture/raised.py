"""Exceptions → plain data: the text, the lines that one came through, and what was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from buildtrace.capture.conditions import compared
from buildtrace.capture.tracebacks import lines_of, raised_at, raising_level
from buildtrace.traces.schema import ErrorInfo, SourceLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.traces.schema import ComparedValues

_Read = TypeVar("_Read")

_MESSAGE_LIMIT = 4000  # of an exception's text: Keras prints whole arguments into some
_LINES_LIMIT = 20  # of the user's lines that an exception came through: it may be a recursion
_MOST_BEFORE = 10  # exceptions that one was raised in the place of


def error_info(error: BaseException, before: ErrorInfo | None = None) -> ErrorInfo:
    """The plain form of an exception; never raises, whatever its `__str__` does.

    Args:
        error: the exception.
        before: what was read of it further inside: who raised it is known then.

    Raises:
        RecursionError: the exception is one, and there is no room on the stack to read it.
    """
    places: list[tuple[str, int]] = _read(lines_of, error, [])
    lines = tuple(SourceLine(file=file, line=line) for file, line in places[:_LINES_LIMIT])
    if before is not None:
        return msgspec.structs.replace(before, message=_message(error), lines=lines)
    at = _read(raised_at, error, None)
    return ErrorInfo(
        type=type(error).__name__,
        message=_message(error),
        lines=lines,
        raised_at=SourceLine(file=at[0], line=at[1]) if at else None,
        compared=_read(_compared, error, None),
    )


def info_of_the_end(error: BaseException) -> ErrorInfo:
    """The same of the exception that ended a run, with those that it was raised in the place of."""
    before: list[BaseException] = []
    one = _before(error)
    while one is not None and len(before) < _MOST_BEFORE:
        before.append(one)
        one = _before(one)
    named = tuple(dict.fromkeys(f"{type(one).__name__}: {_message(one)}" for one in before))
    return msgspec.structs.replace(error_info(error), instead_of=named)


def _before(error: BaseException) -> BaseException | None:
    """The exception that was handled when this one was raised, or that it was raised from.

    `from None` hides it in a traceback: it is what happened nevertheless.
    """
    return error.__context__ if error.__cause__ is None else error.__cause__


def _message(error: BaseException) -> str:
    message = _read(str, error, "(this exception's text cannot be made)")
    if len(message) <= _MESSAGE_LIMIT:
        return message
    # TensorFlow's of a compiled step begins with the stack, and ends with what went wrong.
    half = _MESSAGE_LIMIT // 2
    return f"{message[:half]}…{message[-half:]}"


def _compared(error: BaseException) -> ComparedValues | None:
    """Asked at each call that an exception comes out of: a recursion has too many of these."""
    level = None if isinstance(error, RecursionError) else raising_level(error)
    return None if level is None else compared(*level)


def _read(read: Callable[[BaseException], _Read], error: BaseException, otherwise: _Read) -> _Read:
    """What can be read of an exception, or `otherwise`: its traceback may be as odd as its text."""
    try:
        return read(error)
    except Exception as problem:
        if isinstance(problem, RecursionError) and isinstance(error, RecursionError):
            raise
        return otherwise
