"""Reads a model's config as a tree of layers. It is data all the way: nothing is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from buildtrace.errors import SavedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

Config = dict[str, Any]
"""A JSON object of a config."""

MOST_LAYERS = 50_000

DEEPEST = 60
"""So deep layers may be in layers."""

LAYERS = "layers"
"""Where a functional or sequential model has its layers."""


class ConfiguredLayer:
    """A layer or model, as the config of a saved file has it.

    Attributes:
        entry: the whole object: class, module, config, and where it is connected.
        config: its own settings.
        name: its name; the class' if the config has none.
        class_name: its class; "" if the config does not say.
        module: where the class is to be imported from when the file is loaded; "" if unknown.
        attribute: under which name of the config of the layer around it this one stands.
        members: the layers of a functional or sequential model.
        parts: the other layers in its config, as a wrapper has.
        id: its place in the file's order, from 0, given by `numbered`.
    """

    def __init__(self, entry: Config, attribute: str = "", level: int = 0) -> None:
        """Of an object in a config; `level` says in how many layers this one is."""
        if level > DEEPEST:
            raise SavedFileError(f"its config has layers that are nested more than {DEEPEST} deep")
        config = entry.get("config")
        if isinstance(config, list):  # a Sequential, before Keras 2.2
            config = {LAYERS: config}
        self.entry = entry
        self.config: Config = config if isinstance(config, dict) else {}
        self.class_name = _text(entry.get("class_name"))
        self.module = _text(entry.get("module"))
        name = _text(self.config.get("name")) or _text(entry.get("name"))
        self.name = name or self.class_name
        self.attribute = attribute
        self.members = [
            ConfiguredLayer(e, level=level + 1) for e in _objects(self.config.get(LAYERS))
        ]
        self.parts = list(_parts(self.config, level + 1))
        self.id = 0

    @property
    def is_model(self) -> bool:
        """Whether its config has the layers in it and how they are connected."""
        return bool(self.members)

    @property
    def is_trainable(self) -> bool:
        """Whether the config does not say that it is frozen."""
        return self.config.get("trainable") is not False

    @property
    def inside(self) -> list[ConfiguredLayer]:
        """The layers right inside of it."""
        return [*self.members, *self.parts]

    def walk(self) -> Iterator[tuple[ConfiguredLayer | None, ConfiguredLayer]]:
        """Each layer with the one around it, this one first, what is in it right behind it."""
        stack: list[tuple[ConfiguredLayer | None, ConfiguredLayer]] = [(None, self)]
        while stack:
            around, layer = stack.pop()
            yield around, layer
            stack += [(layer, inner) for inner in reversed(layer.inside)]


def layers_of(config: Config) -> ConfiguredLayer:
    """The tree of layers in a model's config, each with its number.

    Raises:
        SavedFileError: there are too many, or they are nested too deeply.
    """
    root = ConfiguredLayer(config)
    for number, (_, layer) in enumerate(root.walk()):
        if number == MOST_LAYERS:
            raise SavedFileError(f"its config has more than {MOST_LAYERS:,} layers")
        layer.id = number
    return root


def decoded(text: bytes | str, what: str) -> Config:
    """The JSON object in a text.

    Args:
        text: the JSON.
        what: what to call it in an error.

    Raises:
        SavedFileError: it is none.
        RecursionError: it is nested too deeply.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SavedFileError(f"its {what} is no JSON, or damaged: {error}") from None
    if not isinstance(value, dict):
        raise SavedFileError(f"its {what} is damaged: it is no JSON object")
    return value


def _parts(config: Config, level: int) -> Iterator[ConfiguredLayer]:
    """The layers in a config that are not a model's: a wrapper's, a recurrent layer's cells."""
    for key, value in config.items():
        if key == LAYERS:
            continue
        for entry in _objects(value if isinstance(value, list) else [value]):
            if is_layer(entry):
                yield ConfiguredLayer(entry, key, level)


def is_layer(value: object) -> bool:
    """Whether an object in a config stands for a layer: of all kinds, only these can be frozen."""
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        return False
    config = value.get("config")
    return isinstance(config, dict) and "name" in config and "trainable" in config


def _objects(value: object) -> list[Config]:
    return [e for e in value if isinstance(e, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
