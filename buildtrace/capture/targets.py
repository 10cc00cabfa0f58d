"""Finds the functions that the landmark tables name, and where else they are known."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from buildtrace.capture.callers import is_user_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import CodeType


class NotThereError(LookupError):
    """The installed Keras has nothing of this name."""


def own_names(owner: Any) -> Any:
    """What a class or module holds itself: no descriptors, no lazy loading, no inheritance."""
    return vars(owner)


def function_at(root: str, target: str) -> Any:
    """What a target names, as it stands in its class or module."""
    owner, name = resolve(root, target)
    return own_names(owner)[name]


def resolve(root: str, target: str) -> tuple[Any, str]:
    """The class or module that holds a target, and the target's name there.

    Raises:
        NotThereError: this Keras does not have it.
    """
    module, _, path = target.partition(":")
    *outer, name = path.split(".")
    try:
        owner: Any = importlib.import_module(f"{root}.{module}")
        for part in outer:
            owner = getattr(owner, part)
    except (AttributeError, ImportError):
        raise NotThereError(target) from None
    # What was a class may be a function by now, or something without names of its own.
    if not isinstance(owner, (type, ModuleType)) or name not in own_names(owner):
        raise NotThereError(target)
    return owner, name


class FunctionTable:
    """Functions that are looked up by name in a dict, as in a module: `vars` is that dict."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self.__dict__ = functions


def table_at(root: str, target: str) -> FunctionTable:
    """The table that a target names, as it is in this thread; empty if it is not filled yet."""
    module, _, path = target.partition(":")
    held: Any = sys.modules.get(f"{root}.{module}")
    for name in path.split("."):
        held = getattr(held, name, None)
    return FunctionTable(held if type(held) is dict else {})


def is_method(held: Any) -> bool:
    """Whether a class or a module holds a function under a name, or a class method of one."""
    return inspect.isfunction(plain_function(held))


def plain_function(held: Any) -> Any:
    """What a class holds as a method of its own: of a class method, the function in it."""
    return held.__func__ if type(held) is classmethod else held


def bound_as(held: Any, function: Any) -> Any:
    """The function in the form in which a class holds another one, `held`."""
    return classmethod(function) if type(held) is classmethod else function


def code_of(function: Any) -> CodeType:
    """The code of a function or static method, without decorators."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(function):
        raise NotThereError(repr(function))
    return function.__code__


def inner_code(code: CodeType, name: str) -> CodeType:
    """The code of the function called `name` that is defined inside of another."""
    for constant in code.co_consts:
        if inspect.iscode(constant) and constant.co_name == name:
            return constant
    raise NotThereError(name)


def parameters(function: Any) -> tuple[str, ...]:
    """The names of a method's positional arguments, without self."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return ("shape", "initializer", "dtype")  # Keras 3.15's add_weight(*args, ...)
    return tuple(parameter.name for parameter in parameters)


def aliases(functions: Collection[Any]) -> list[tuple[Any, str, Any]]:
    """Where functions are known: by their own names anywhere, in the user's code by any.

    They are told by identity: what else is there may be anything, and say that it is equal.

    Returns:
        Modules, the names in them, and the function that the name stands for.
    """
    wanted = {function.__name__ for function in functions}  # two of them may share one
    known = {id(function) for function in functions}
    aliases: list[tuple[Any, str, Any]] = []
    if not wanted:
        return aliases
    for module in modules():
        namespace = vars(module)
        names: Any = wanted & namespace.keys()
        file = namespace.get("__file__")
        if namespace.get("__name__") == "__main__" or (file and is_user_file(file)):
            names = list(namespace)
        for name in names:
            value = namespace.get(name)  # another thread may have deleted it
            if id(value) in known:
                aliases.append((module, name, value))
    return aliases


def classes_below(base: type) -> Iterator[type]:
    """A class, and all that are derived from it, each once, as they are now."""
    seen: set[type] = set()
    waiting = [base]
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            yield cls
            waiting.extend(type.__subclasses__(cls))


def modules() -> list[Any]:
    """All modules, and the lazy ones that TensorFlow does not enter in sys.modules."""
    modules = [module for module in list(sys.modules.values()) if inspect.ismodule(module)]
    lazy = vars(sys.modules["tensorflow"]).get("keras") if "tensorflow" in sys.modules else None
    if inspect.ismodule(lazy):
        modules.append(lazy)
    return modules
