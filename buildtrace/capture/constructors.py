"""Constructors of layers that failed: no hook is in them, but the exception came out of them.

A model has hundreds of layers, and each has a constructor for every class that it inherits from:
hooks in them would cost too much for what they show. Where one fails, the traceback tells it all.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture.callers import is_user_file
from buildtrace.capture.raised import error_info
from buildtrace.capture.record import Function, Record
from buildtrace.capture.targets import classes_below
from buildtrace.capture.tracebacks import original

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from buildtrace.capture.callers import Caller
    from buildtrace.capture.record import HookedLandmark, Thread

_WRONG_ARGUMENTS = re.compile(r"([\w.]+)\.__init__\(\) (missing|takes|got)\b")
"""What Python says where a constructor cannot begin; then there is no frame of it."""


class FailedConstructor(NamedTuple):
    """A constructor that an exception came out of.

    Attributes:
        layer: what was being made; `None` if the constructor could not begin.
        function: the constructor, that of the layer's own class.
        caller: the user's line that makes the layer.
        error: what came out of it.
    """

    layer: Any
    function: Function
    caller: Caller | None
    error: BaseException


def constructor_records(
    hooked: HookedLandmark,
    thread: Thread,
    error: BaseException,
    parent: Record | None,
    now: int,
    orders: Iterator[int],
) -> Iterator[Record]:
    """The constructors of layers that an exception came out of, as calls; outermost first.

    Args:
        hooked: what stands for constructors of layers.
        thread: where that is.
        error: the exception.
        parent: the innermost call that it came out of, if there is one.
        now: when that ended: how long they took is not known.
        orders: their places among all calls.
    """
    around = None if parent is None else parent.layer
    for layer, function, caller, raised in failed_constructors(
        error, hooked.adapter.layer_class, around
    ):
        parent = Record(
            hooked.of_function(function),
            None,
            None,
            thread,
            now,
            now,
            next(orders),
            None,
            0,
            parent,
            layer,
            None,
            caller,
            error=error_info(raised),
        )
        yield parent


def failed_constructors(
    error: BaseException, layer_class: type, around: Any
) -> list[FailedConstructor]:
    """The constructors of layers that an exception came out of, outermost first.

    Args:
        error: the exception.
        layer_class: what makes something a layer.
        around: the layer of the call that it came out of first: its constructor is no news.
    """
    found = list(_constructors(error, layer_class, around))
    first = None if found else original(error)
    if first is not None:
        found = list(_constructors(first, layer_class, around))
    return found


def _constructors(
    error: BaseException, layer_class: type, around: Any
) -> Iterator[FailedConstructor]:
    seen = {id(around)}
    caller: Caller | None = None
    level = error.__traceback__
    while level is not None:
        code, made = level.tb_frame.f_code, None
        if code.co_name == "__init__" and code.co_varnames:
            made = level.tb_frame.f_locals.get(code.co_varnames[0])
        if isinstance(made, layer_class) and id(made) not in seen:
            seen.add(id(made))
            yield FailedConstructor(made, _function(type(made), code), caller, error)
        if is_user_file(code.co_filename):
            caller = code, level.tb_lasti
        level = level.tb_next
    wrong = _WRONG_ARGUMENTS.match(str(error)) if isinstance(error, TypeError) else None
    cls = wrong and _class_named(wrong[1], layer_class)
    if cls is not None:
        yield FailedConstructor(None, Function.of(cls.__init__), caller, error)


def _function(cls: type, code: CodeType) -> Function:
    """The constructor that has this code, of a class or of one that it inherits from."""
    for base in cls.__mro__:
        function = vars(base).get("__init__")
        if function is not None and getattr(inspect.unwrap(function), "__code__", None) is code:
            return Function.of(function)
    return Function(
        f"{cls.__name__}.__init__", cls.__module__, code.co_filename, code.co_firstlineno
    )


def _class_named(name: str, base: type) -> Any:
    """The class of this qualified name among those below `base`; `None` if there is none."""
    return next((cls for cls in classes_below(base) if cls.__qualname__ == name), None)
