"""Which arguments of its constructor a layer does not get back when it is loaded, and why."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from buildtrace.testing import kept_values
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from buildtrace.generations.saver import Saver

WAS = ": it was "
"""What a line says before the values of the one layer that it is about."""

_OF_ANY_LAYER = ("name", "trainable", "dtype")
"""What each layer takes, as `super().__init__` does."""


def of_failure(layers: Iterable[Any], saver: Saver) -> list[str]:
    """What these layers lose, found by making each one again; each thing is said once."""
    lines = [line for layer in layers for line in _lost(layer, saver)]
    return once(lines)


def once(lines: Iterable[str]) -> list[str]:
    """What several layers of a class lose, said of the first one."""
    first: dict[str, str] = {}
    for line in lines:
        first.setdefault(line.partition(WAS)[0], line)
    return list(first.values())


def _lost(layer: Any, saver: Saver) -> list[str]:
    try:
        again = saver.made_again(layer)
    except Exception:
        return list(by_signature(layer, saver))
    return list(by_value(layer, again, saver))


def of_unsaved(layers: Iterable[Any], saver: Saver) -> list[str]:
    """The classes that say nothing of how they are saved, though Keras needs that."""
    lines: dict[str, None] = {}
    for layer in layers:
        owner = next(cls for cls in type(layer).__mro__ if "get_config" in vars(cls))
        if saver.adapter.is_own_class(owner) and _raises(layer.get_config):
            parameters = kept_values.all_parameters(type(layer), saver.adapter)
            names = wording.listed(f"`{wording.sanitize(name)}`" for _, name in parameters)
            lines[f"{_name(type(layer))} has no get_config, which is to save {names}"] = None
    return list(lines)


def _raises(function: Callable[[], Any]) -> bool:
    try:
        function()
    except Exception:
        return True
    return False


def by_signature(layer: Any, saver: Saver) -> Iterator[str]:
    """What stands in the way of making this layer of its config."""
    cls = type(layer)
    if not saver.hands_config_on(cls):
        return
    config = layer.get_config()
    owner = next((c for c in cls.__mro__ if "__init__" in vars(c)), cls)
    if saver.adapter.is_own_class(owner):
        return
    name, constructor = _name(cls), f"{_name(owner)}.__init__"
    parameters = kept_values.parameters(owner)
    for parameter in parameters:
        if parameter.name not in config and parameter.default is inspect.Parameter.empty:
            saved = f'config["{parameter.name}"] = {_kept(layer, parameter.name)}'
            yield (
                f"{name}.get_config leaves out `{parameter.name}`, which {constructor} needs: "
                f"{saved}"
            )
    if not _takes_any(owner):
        unknown = [key for key in config if key not in {p.name for p in parameters}]
        if unknown:
            names = wording.listed(f"`{wording.sanitize(key)}`" for key in unknown)
            remedy = ""
            if any(key in _OF_ANY_LAYER for key in unknown):
                remedy = ": have it take **kwargs, and pass them on to super().__init__(**kwargs)"
            yield f"{constructor} does not take {names}, which {name}.get_config saves{remedy}"
    for parameter in parameters:
        kept = kept_values.value(layer, parameter.name)
        if parameter.name in config and isinstance(kept, saver.adapter.layer_class):
            yield _not_made(cls, parameter.name)


def by_value(layer: Any, loaded: Any, saver: Saver) -> Iterator[str]:
    """The arguments of the user's own classes whose values differ on the loaded layer."""
    layer_class = saver.adapter.layer_class
    config = None
    for owner, name in kept_values.all_parameters(type(layer), saver.adapter):
        was, is_ = (kept_values.value(thing, name) for thing in (layer, loaded))
        if name in _OF_ANY_LAYER or was is kept_values.MISSING:
            continue
        if kept_values.same(was, is_, layer_class):
            continue
        if isinstance(was, layer_class) and isinstance(is_, dict):
            yield _not_made(type(layer), name)
            continue
        config = layer.get_config() if config is None else config
        values = (
            f"{WAS}{kept_values.shown(was, layer_class)}, and is "
            f"{kept_values.shown(is_, layer_class)} after loading"
        )
        if name in config:
            yield f"{_name(owner)} does not get back `{name}` that get_config saves{values}"
        else:
            saved = f'config["{name}"] = {_kept(layer, name)}'
            yield f"{_name(type(layer))}.get_config leaves out `{name}`{values}; {saved}"


def of_any_layer(layer: Any, loaded: Any) -> Iterator[str]:
    """What `super().__init__` was to get, and did not when the layer was loaded."""
    for name in _OF_ANY_LAYER:
        attribute = "compute_dtype" if name == "dtype" else name
        was, is_ = getattr(layer, attribute), getattr(loaded, attribute)
        if was != is_:
            yield (
                f"{_name(type(layer))} does not pass `{name}` on to super().__init__{WAS}"
                f"{wording.sanitize(repr(was))}, and is {wording.sanitize(repr(is_))} after loading"
            )


def unseen(layers: Iterable[Any], saver: Saver) -> list[str]:
    """Arguments that are not saved, and that a layer keeps under no name of theirs."""
    lines: dict[str, None] = {}
    for layer in layers:
        config = layer.get_config()
        for owner, name in kept_values.all_parameters(type(layer), saver.adapter):
            if name not in config and kept_values.value(layer, name) is kept_values.MISSING:
                lines[f"{_name(owner)}.get_config leaves out `{name}`, which may be why"] = None
    return list(lines)


def _takes_any(cls: type) -> bool:
    parameters = inspect.signature(vars(cls)["__init__"]).parameters.values()
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)


def _not_made(cls: type, name: str) -> str:
    return (
        f"{_name(cls)} gets `{name}` back as a dict, the config of a layer: in {_name(cls)}."
        f'from_config, config["{name}"] = keras.utils.deserialize_keras_object(config["{name}"])'
    )


def _kept(layer: Any, name: str) -> str:
    """Where the value of an argument is, as `get_config` is to write it."""
    return (
        f"self._{name}" if name not in dir(layer) and f"_{name}" in dir(layer) else f"self.{name}"
    )


def _name(cls: type) -> str:
    return wording.sanitize(cls.__name__)
