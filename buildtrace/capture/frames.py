"""Frames of ours among those of the traced program, and how they go unnoticed."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

FILE = "<frozen importlib._bootstrap>/tensorflow/python/buildtrace/hooks.py"
"""The file that the code of hooks claims to be from.

`warnings.warn(stacklevel=2)` and logging count frames, but not those of Python's import system;
TensorFlow says in errors in which frames an operation was made, but leaves out its own. Both
know theirs by such parts of the file's name.
"""


def unlisted(function: Any) -> Any:
    """The function, whose frames are from now on not counted or listed."""
    function.__code__ = unlisted_code(function.__code__)
    return function


@functools.cache
def unlisted_code(code: CodeType) -> CodeType:
    """The code with the file's name replaced; the same for the same code."""
    return code.replace(co_filename=FILE)


def hide_frame(error: BaseException) -> None:
    """Take the frame that is running, of a function that is unlisted, out of a traceback.

    From Python 3.11 on, a bare `raise` goes on with the traceback that the exception has now.
    Before, only the frames of such functions further in can be taken out.
    """
    own = error.__traceback__
    if own is None:
        return
    error.__traceback__ = own.tb_next
    if sys.version_info < (3, 11):
        inner = own
        while inner.tb_next is not None:
            if inner.tb_next.tb_frame.f_code.co_filename == FILE:
                inner.tb_next = inner.tb_next.tb_next
            else:
                inner = inner.tb_next
