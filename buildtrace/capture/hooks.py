"""The functions that stand in for Keras' own while tracing is on.

A hook tells the recorder that its landmark starts and ends, and is otherwise not to be
noticed: it passes on arguments, result and exception, looks like the function it stands for,
and takes its own frame out of the traceback of an exception that goes through it.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.capture.record import Function, Probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from buildtrace.capture.record import Record
    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Scope


_signatures: weakref.WeakKeyDictionary[Any, inspect.Signature] = weakref.WeakKeyDictionary()


def function_hook(function: Callable[..., Any], probe: Probe, recorder: Recorder) -> Any:
    """A hook for a plain function or method."""
    begin, end, fail = recorder.begin, recorder.end, recorder.fail

    def hook(*args: Any, **kwargs: Any) -> Any:
        record = begin(probe, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            if record is not None:
                fail(record, error)
            _hide_hook(error)
            raise
        if record is not None:
            end(record, result)
        return result

    return _disguise(hook, function)


def conversion_hook(function: Callable[..., Any], recorder: Recorder) -> Any:
    """A hook that learns which tensors a layer's `call` gets."""

    def hook(*args: Any, **kwargs: Any) -> Any:
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _hide_hook(error)
            raise
        recorder.convert_inputs(args[0], result)
        return result

    return _disguise(hook, function)


class ScopeHooks:
    """The two hooks that see a method by the context that Keras runs it in."""

    def __init__(self, scope: Scope, probe: Probe, wrapper: CodeType, recorder: Recorder) -> None:
        """`wrapper` is the code of the function that runs the method."""
        self._scope = scope
        self._probe = probe
        self._wrapper = wrapper
        self._recorder = recorder

    def enter_hook(self, function: Callable[..., Any]) -> Any:
        """For what makes the context manager: adds ours, if it is the wrapper that asks."""
        wrapper = self._wrapper

        def hook(*args: Any, **kwargs: Any) -> Any:
            context = function(*args, **kwargs)
            frame = sys._getframe(1)
            if frame.f_code is not wrapper:
                return context
            return _Running(context, self._describe(frame.f_locals), self._recorder)

        return _disguise(hook, function)

    def done_hook(self, function: Callable[..., Any]) -> Any:
        """For what the wrapper calls at the very end."""
        wrapper, recorder = self._wrapper, self._recorder

        def hook(*args: Any, **kwargs: Any) -> Any:
            if sys._getframe(1).f_code is wrapper:
                recorder.end_method(args[0])
            return function(*args, **kwargs)

        return _disguise(hook, function)

    def _describe(self, found: dict[str, Any]) -> tuple[Probe, tuple[Any, ...], dict[str, Any]]:
        method = Function.of(found[self._scope.method], "build")
        probe = self._probe._replace(function=method)
        return probe, (found["obj"], *found["args"]), found["kwargs"]


class _Running:
    """The context manager around a method: Keras' own, and the recorder's call within it."""

    def __init__(self, context: Any, call: Any, recorder: Recorder) -> None:
        self._context = context
        self._call = call
        self._recorder = recorder
        self._record: Record | None = None

    def __enter__(self) -> Any:
        entered = self._context.__enter__()
        probe, args, kwargs = self._call
        self._record = self._recorder.begin(probe, args, kwargs, frames=0)
        return entered

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        if self._record is not None and error is not None:
            self._recorder.fail(self._record, error, frames=0)
        return self._context.__exit__(kind, error, traceback)


def _disguise(hook: Any, function: Any) -> Any:
    """Make a hook look like the function, to Keras and to whoever inspects it."""
    functools.update_wrapper(hook, function)
    # That is not enough: inspect.getfullargspec does not look through wrappers, and Keras
    # decides by it which arguments a layer takes.
    if function not in _signatures:
        _signatures[function] = inspect.signature(function)
    hook.__signature__ = _signatures[function]
    hook.autograph_info__ = {}  # TensorFlow's autograph is not to convert the hook
    return hook


def hook_code() -> CodeType:
    """The code that all hooks of functions share: by it, their frames are known."""
    codes = (constant for constant in function_hook.__code__.co_consts if inspect.iscode(constant))
    return next(code for code in codes if code.co_name == "hook")


HOOK_CODE = hook_code()


def _hide_hook(error: BaseException) -> None:
    """Take the frame of the hook that is running out of the error's traceback.

    From Python 3.11 on, a bare `raise` goes on with the traceback that the exception has now.
    Before, only the frames of hooks further in can be taken out.
    """
    own = error.__traceback__
    if own is None:
        return
    error.__traceback__ = own.tb_next
    if sys.version_info < (3, 11):
        inner = own
        while inner.tb_next is not None:
            if inner.tb_next.tb_frame.f_code is HOOK_CODE:
                inner.tb_next = inner.tb_next.tb_next
            else:
                inner = inner.tb_next
