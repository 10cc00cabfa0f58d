"""What a model was compiled with, and what is left of that after loading."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from buildtrace.generations.base import flat
from buildtrace.testing import kept_values
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.generations.saver import Saver

PARTS = ("loss", "loss_weights", "metrics", "weighted_metrics")
"""What `compile` takes besides the optimizer, and what a file is to give back."""


def is_compiled(model: Any) -> bool:
    """Whether there is anything to be saved of a `compile`."""
    return getattr(model, "optimizer", None) is not None


def own_objects(model: Any, saver: Saver) -> dict[str, Any]:
    """The functions and classes of the user's that a model was compiled with, by name."""
    given = flat([*_arguments(model).values(), getattr(model, "optimizer", None)])
    found = [x if inspect.isfunction(x) else type(x) for x in given]
    return {x.__name__: x for x in found if not _is_library(x, saver)}


def _is_library(thing: Any, saver: Saver) -> bool:
    root = thing.__module__.partition(".")[0]
    return root in ("builtins", saver.adapter.root.partition(".")[0])


def differences(model: Any, loaded: Any, saver: Saver) -> Iterator[str]:
    """What a model was compiled with and the loaded one is not, in lines."""
    if not is_compiled(loaded):
        is_own = not _is_library(inspect.unwrap(type(model).compile), saver)
        why = ": its class has a `compile` of its own" if is_own else ""
        yield f"it was compiled, and is not after loading{why}"
        return
    yield from _optimizer(model.optimizer, loaded.optimizer, saver)
    before, after = _arguments(model), _arguments(loaded)
    for name in PARTS:
        was, is_ = (_said(args.get(name), name, saver) for args in (before, after))
        if was != is_:
            yield f"its compiled `{name}` was {_listed(was)}, and is {_listed(is_)} after loading"


def _optimizer(optimizer: Any, loaded: Any, saver: Saver) -> Iterator[str]:
    """Another class, another setting, or other values of its variables."""
    cls, name = type(loaded).__name__, wording.sanitize(type(optimizer).__name__)
    if type(optimizer).__name__ != cls:
        yield f"its optimizer {name} is {wording.sanitize(cls)} after loading"
        return
    before, after = optimizer.get_config(), loaded.get_config()
    for key in before:
        if key != "name" and not kept_values.same(before[key], after.get(key), type(None)):
            was, is_ = (_value(config.get(key)) for config in (before, after))
            yield f"`{key}` of its optimizer {name} was {was}, and is {is_} after loading"
    yield from _state(optimizer, loaded, name, saver)


def _value(setting: Any) -> str:
    """A setting in a message; Keras 2 has numbers of NumPy."""
    return kept_values.shown(setting.item() if hasattr(setting, "item") else setting, type(None))


def _state(optimizer: Any, loaded: Any, name: str, saver: Saver) -> Iterator[str]:
    """What an optimizer has learned; one that was never used gets its variables by loading."""
    before, after = (saver.adapter.held_variables(x) for x in (optimizer, loaded))
    if len(before) > len(after):
        were = wording.count(len(before), "variable")
        yield f"its optimizer {name} had {were}, and has {len(after):,} after loading"
        return
    for variable, now in zip(before, after, strict=False):
        if saver.values(variable).tobytes() != saver.values(now).tobytes():
            yield (
                f"{wording.sanitize(variable.name)} of its optimizer {name} has other values after "
                "loading"
            )
            return


def _arguments(model: Any) -> dict[str, Any]:
    """What `compile` got, as Keras keeps it."""
    kept = getattr(getattr(model, "_compile_config", None), "config", None)
    return kept if isinstance(kept, dict) else {}


def _said(given: Any, part: str, saver: Saver) -> list[str]:
    """A part by the names of what is in it, in order; an older file has it nested otherwise."""
    return [_name(thing, part, saver) for thing in flat(given) if thing is not None]


def _name(thing: Any, part: str, saver: Saver) -> str:
    if isinstance(thing, str) and part == "loss":
        thing = saver.loss_named(thing)
    if isinstance(thing, (str, int, float)):
        return str(thing)
    own = getattr(thing, "__name__", None) or getattr(thing, "name", None)
    return str(own or type(thing).__name__)


def _listed(names: list[str]) -> str:
    return wording.listed([wording.quoted(name) for name in names], most=4) or "none"
