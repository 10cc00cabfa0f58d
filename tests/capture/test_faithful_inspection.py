"""What Keras and users inspect looks as it does untraced."""

from __future__ import annotations

import inspect
import pickle
from types import FunctionType
from typing import TYPE_CHECKING, Any

from faithful import both
from patches import is_ours, snapshot
from scenarios import imported

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras

LOOKS: dict[str, Callable[[Any], Any]] = {
    "signature": inspect.signature,
    "getfullargspec": inspect.getfullargspec,
    "getsource": inspect.getsource,
    "getsourcefile": lambda f: inspect.getsourcefile(inspect.unwrap(f)),
    "getdoc": inspect.getdoc,
    "getmodule": inspect.getmodule,
    "kind": lambda f: (f.__class__, inspect.isfunction(f), inspect.iscoroutinefunction(f)),
    "repr": lambda f: repr(f).partition(" at 0x")[0],
    "name": lambda f: (f.__name__, f.__qualname__, f.__module__),
    "defaults": lambda f: (f.__defaults__, f.__kwdefaults__),
    "annotations": lambda f: f.__annotations__,
    "is default": lambda f: getattr(f, "_is_default", None),  # by which Keras knows its own
}
"""Ways to look at a function. Its code and its identity are the two things that do differ, and for
`build` of Keras 3 its type."""


def seen(look: Callable[[Any], Any], function: Any) -> str:
    try:
        return repr(look(function))
    except (TypeError, ValueError, OSError) as error:
        return repr(error)


def hooked() -> list[tuple[Any, str]]:
    """The classes and modules, and the names in them, that get a hook when tracing starts."""
    before = snapshot()
    with buildtrace.trace():
        return [
            (owner, name)
            for (_, _, name), (owner, value) in before.items()
            if inspect.isfunction(value) and is_ours(vars(owner).get(name))
        ]


def test_every_hook_looks_like_what_it_stands_for(k: Keras) -> None:
    places = hooked()
    assert len(places) > 50
    plain, traced = both(
        lambda: {
            (owner, name, what): seen(look, vars(owner)[name])
            for owner, name in places
            for what, look in LOOKS.items()
        }
    )
    assert [place for place in plain if traced[place] != plain[place]] == []
    with buildtrace.trace():
        odd = {name for owner, name in places if type(vars(owner)[name]) is not FunctionType}
    assert odd == ({"build"} if 3 in {other.generation for other in imported()} else set())


def test_methods_of_an_object_and_classes_look_the_same(k: Keras) -> None:
    def look() -> list[str]:
        layer = k.layers.Dense(1)
        things = [
            layer.build,
            layer.__call__,
            k.layers.InputLayer,
            k.keras.Model,
            k.keras.Sequential,
            k.layers.Dense.from_config,
            k.keras.Sequential.from_config,
            layer.from_config,
        ]
        return [
            seen(way, thing)
            for thing in things
            for way in (
                inspect.signature,
                inspect.getfullargspec,
                inspect.getsource,
                inspect.getdoc,
            )
        ]

    plain, traced = both(look)
    assert traced == plain


def test_what_a_class_has_taken_from_another_is_the_same_function(k: Keras) -> None:
    class Takes(k.layers.Dense):  # type: ignore[name-defined, misc]
        build = k.layers.Dense.build

    plain, traced = both(lambda: (Takes.build is k.layers.Dense.build, inspect.getdoc(Takes.build)))
    assert traced == plain
    assert plain[0]


def test_what_was_pickled_while_traced_is_what_it_stood_for(k: Keras) -> None:
    """Functions are pickled by their names."""

    def given() -> list[Any]:
        of_class = k.layers.Dense.from_config
        return [k.keras.Input, k.layers.Dense.build, k.layers.Layer.__call__, of_class]

    functions = given()
    with buildtrace.trace():
        current = given()
        pickled = pickle.dumps(current)
    assert pickle.loads(pickled) == functions
    assert all(x != y for x, y in zip(current, functions, strict=True)), "no hook to notice"
