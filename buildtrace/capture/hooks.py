"""The functions that stand in for Keras' own while tracing is on.

A hook tells the recorder that its landmark starts and ends, and is otherwise not to be
noticed: it passes on arguments, result and exception, looks like the function it stands for,
and takes its own frame out of the traceback of an exception that goes through it.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import weakref
from types import MethodType
from typing import TYPE_CHECKING, Any

from buildtrace.capture.record import Function, HookedLandmark
from buildtrace.capture.targets import inner_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from buildtrace.capture.record import Record
    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Scope

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


def is_unlisted(code: CodeType) -> bool:
    """Whether it is the code of a function whose frames are not counted or listed."""
    return code.co_filename == FILE


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


_signatures: weakref.WeakKeyDictionary[Any, inspect.Signature | None] = weakref.WeakKeyDictionary()


def function_hook(
    function: Callable[..., Any],
    hooked: HookedLandmark,
    recorder: Recorder,
    begin: Callable[[HookedLandmark, Any, Any], Any] | None = None,
) -> Any:
    """A hook for a plain function or method; `begin` takes the place of the recorder's own."""
    begin, end = begin or recorder.begin, recorder.end

    def hook(*args: Any, **kwargs: Any) -> Any:
        try:
            record = begin(hooked, args, kwargs)
        except RecursionError as error:
            # There is no room for it, and so none for the function: it is the program's own error.
            error.__traceback__ = None
            raise
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            if record is not None:
                end(record, error=error)
            hide_frame(error)
            raise
        if record is not None:
            end(record, result)
        return result

    return disguise(hook, function)


def noting_hook(
    function: Callable[..., Any],
    *,
    before: Callable[[Any, Any], None] | None = None,
    after: Callable[[Any, Any], None] | None = None,
) -> Any:
    """A hook for a function that is no landmark.

    Args:
        function: what it stands for.
        before: notes something before the function runs: it gets the arguments, by position and
            by name.
        after: notes something when it has returned: it gets the arguments by position, and what
            is returned.
    """

    def hook(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        if after is not None:
            after(args, result)
        return result

    return disguise(hook, function)


class MethodHook:
    """Stands in a class for a method that the maker of its objects has to find without a hook.

    Keras 3's `Layer.__new__` looks up the `build` of each layer that is made, and keeps it for
    good: it finds the plain function. For everybody else a call of this is one of the hook: by
    `super().build(...)` or `Dense.build(layer, ...)`. What else is asked of it is asked of the
    function; only its `type` is not that.
    """

    __slots__ = ("__call__", "__weakref__", "_function", "_maker")

    def __init__(self, function: Any, hook: Any, maker: CodeType) -> None:
        """`hook` is what runs in the place of the function, `maker` the code that finds that."""
        # `functools.wraps` takes this over for what it wraps, where `self` may be bound already.
        vars(hook).pop("__signature__", None)
        object.__setattr__(self, "__call__", hook)
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_maker", maker)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        is_maker = sys._getframe(1).f_code is _own(self, "_maker")
        # The hook itself: until Python 3.11, a call of this object counts as two levels of depth.
        return MethodType(_own(self, "_function" if is_maker else "__call__"), instance)

    def __getattribute__(self, name: str) -> Any:
        if name in ("__call__", "__get__", "__reduce_ex__"):
            return _own(self, name)
        return getattr(_own(self, "_function"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_own(self, "_function"), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_own(self, "_function"), name)

    def __repr__(self) -> str:
        return repr(_own(self, "_function"))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """As a function is pickled: by its name, or as it is if the class is sent as it is."""
        function = _own(self, "_function")
        if function.__module__ == "__main__" or "<locals>" in function.__qualname__:
            return operator.itemgetter(0), ((function,),)
        return function.__qualname__


_own = object.__getattribute__


def hook_in(method: MethodHook) -> Any:
    """The hook that runs when the method is called."""
    return _own(method, "__call__")


def retire(method: MethodHook) -> None:
    """Make it one with its function: somebody may have kept it, and put it back later."""
    object.__setattr__(method, "__call__", _own(method, "_function"))


def stood_for(function: Any) -> Any:
    """What a hook stands for, of this or an earlier trace; anything else is itself."""
    while inspect.isfunction(function):
        kind: type = type(function)
        if kind is MethodHook:
            function = _own(function, "_function")
        elif function.__code__.co_filename == FILE and hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            break
    return function


class ScopeHooks:
    """The hooks that see a method by the context that Keras runs it in, and where it is inherited.

    Keras keeps the method of each layer by itself, so that no hook on a class sees its call. But
    `super()` finds the methods of the classes above.
    """

    def __init__(
        self, scope: Scope, hooked: HookedLandmark, maker: CodeType, recorder: Recorder
    ) -> None:
        """`maker` is the code of the function that has the scope's wrapper in it."""
        self._scope = scope
        self._hooked = hooked
        self._name = hooked.landmark.name.rpartition(".")[2]
        self._maker = maker
        self.wrapper = inner_code(maker, scope.wrapper)
        self._recorder = recorder
        self._hooked_methods: dict[Any, HookedLandmark] = {}

    def method_hook(self, function: Callable[..., Any]) -> MethodHook:
        """What is to stand in a class for its own definition of the method."""
        recorder = self._recorder
        hook = function_hook(function, self._of(function), recorder, recorder.begin_inherited)
        return MethodHook(function, hook, self._maker)

    def enter_hook(self, function: Callable[..., Any]) -> Any:
        """A hook for what makes the context manager: adds ours, if it is the wrapper that asks."""
        wrapper = self.wrapper

        def hook(*args: Any, **kwargs: Any) -> Any:
            try:
                context = function(*args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
                raise
            frame = sys._getframe(1)
            if frame.f_code is not wrapper:
                return context
            try:
                return _Running(context, self._describe(frame.f_locals), self._recorder)
            except RecursionError:  # no room to see it: the program will hear of that itself
                return context

        return disguise(hook, function)

    def done_hook(self, function: Callable[..., Any]) -> Any:
        """A hook for what the wrapper calls at the very end."""
        wrapper, recorder = self.wrapper, self._recorder

        def hook(*args: Any, **kwargs: Any) -> Any:
            try:
                if sys._getframe(1).f_code is wrapper:
                    recorder.end_method(args[0])
            except RecursionError:  # no room: the call around this one says that it is over
                pass
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
                raise

        return disguise(hook, function)

    def _describe(
        self, wrapper_locals: dict[str, Any]
    ) -> tuple[HookedLandmark, tuple[Any, ...], dict[str, Any]]:
        method = wrapper_locals[self._scope.method]
        hooked = self._of(getattr(method, "__func__", method))
        return hooked, (wrapper_locals["obj"], *wrapper_locals["args"]), wrapper_locals["kwargs"]

    def _of(self, function: Any) -> HookedLandmark:
        """The landmark, as this definition of it."""
        hooked = self._hooked_methods.get(function)
        if hooked is None:
            described = Function.of(function, self._name)
            hooked = self._hooked_methods[function] = self._hooked.of_function(described)
            code = getattr(function, "__code__", None)
            own = (code.co_filename, code.co_firstlineno) if code else None
            hooked.is_decorated = own != (described.file, described.line)
        return hooked


class _Running:
    """The context manager around a method: Keras' own, and the recorder's call within it."""

    def __init__(self, context: Any, call: Any, recorder: Recorder) -> None:
        self._context = context
        self._call = call
        self._recorder = recorder
        self._record: Record | None = None

    def __enter__(self) -> Any:
        try:
            entered = self._context.__enter__()
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise
        hooked, args, kwargs = self._call
        try:
            self._record = self._recorder.begin(hooked, args, kwargs, sys._getframe(2))
        except RecursionError:  # no room to see it: the program will hear of that itself
            self._record = None
        return entered

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        if self._record is not None and error is not None:
            self._recorder.end(self._record, error=error)
        return self._context.__exit__(kind, error, traceback)


def disguise(hook: Any, function: Any) -> Any:
    """Make a hook look like the function, to Keras and to whoever inspects it."""
    functools.update_wrapper(hook, function)
    hook.__defaults__, hook.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    if function not in _signatures:
        _signatures[function] = _signature(function)
    signature = _signatures[function]
    if signature is not None:
        hook.__signature__ = signature
    hook.autograph_info__ = {}  # TensorFlow's autograph is not to convert the hook
    return unlisted(hook)


def _signature(function: Any) -> inspect.Signature | None:
    """What a hook has to give as its signature; `None` if wrapping the function is enough.

    It is not enough for inspect.getfullargspec, which does not look through wrappers, and by
    which Keras decides which arguments a layer takes. But where it finds only `*args, **kwargs`
    without us, as in methods that Keras has wrapped itself, it has to find that with us.
    """
    own = inspect.Signature.from_callable(function, follow_wrapped=False)
    kinds = [(parameter.name, parameter.kind) for parameter in own.parameters.values()]
    if kinds == [
        ("args", inspect.Parameter.VAR_POSITIONAL),
        ("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]:
        return None
    return inspect.signature(function) if hasattr(function, "__wrapped__") else own


def hook_code() -> CodeType:
    """The code that all hooks of functions share: by it, their frames are known."""
    codes = (constant for constant in function_hook.__code__.co_consts if inspect.iscode(constant))
    return unlisted_code(next(code for code in codes if code.co_name == "hook"))


HOOK_CODE = hook_code()
