"""Where a variable lies, in a few words: `/GPU:1`, `/CPU:0,1`, `(None, model)`.

Nothing here asks a variable for an attribute that it may not have: one that is distributed would
read its value to look there.
"""

from __future__ import annotations

import re
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEVICE = re.compile(
    r"(?:/job:(?P<job>\w+))?(?:/replica:\d+)?(?:/task:(?P<task>\d+))?/device:(?P<kind>\w+):(\d+)"
)
"""A device as TensorFlow names it: "/job:worker/replica:0/task:0/device:GPU:1"."""

USUAL = "/CPU:0"
"""Where all is that nobody has put anywhere."""

_AT_ONCE = 3
"""From so many devices in a row on, the first and the last are named."""


def of_layout(layout: Any) -> str:
    """The axes of a mesh that each axis of a variable is split along, `None` for no split.

    Args:
        layout: Keras' TensorLayout, a NamedSharding of JAX, or a layout of DTensor.
    """
    for name in ("axes", "spec", "sharding_specs"):
        axes = getattr(layout, name, None)
        if axes is not None:
            return _axes(axes)
    return type(layout).__name__


def _axes(axes: Iterable[Any]) -> str:
    words = [
        _axes(axis)
        if isinstance(axis, (list, tuple))
        else "None"
        if axis in (None, "unsharded")
        else str(axis)
        for axis in axes
    ]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def of_value(value: Any) -> str | None:
    """The devices that a backend's tensor or variable lies on; `None` if on the usual one."""
    package = type(value).__module__.partition(".")[0]
    if package in ("jax", "jaxlib"):
        devices = getattr(getattr(value, "sharding", None), "device_set", ())
        return _unusual(_in_words((f"/{d.platform.upper()}", d.id) for d in devices))
    if package == "torch":
        device = value.device
        kind = {"cuda": "GPU"}.get(device.type, device.type.upper())
        return _unusual(_in_words([(f"/{kind}", device.index or 0)]))
    return of_tensorflow(value)


def of_tensorflow(variable: Any) -> str | None:
    """The devices of a variable of TensorFlow, mirrored ones and those of DTensor included."""
    held = getattr(variable, "__dict__", {})
    if "_variable" in held:  # around another one, to cast what is read
        return of_tensorflow(held["_variable"])
    if "_values" in held:  # one for each replica
        return _tensorflow_devices(part.device for part in held["_values"]) or None
    if type(variable).__name__ == "ShardedVariable":  # in parts, on several parameter servers
        return _tensorflow_devices(part.device for part in held["_variables"]) or None
    if type(variable).__name__ == "DVariable":
        return of_layout(variable.layout)
    if _has_one_device():
        return None
    return _unusual(_tensorflow_devices([getattr(variable, "device", None) or ""]))


def _has_one_device() -> bool:
    """Whether TensorFlow has only the first CPU: to ask a variable for its device takes long."""
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    devices = getattr(context, "_logical_devices", None)
    return devices is not None and [device.name for device in devices] == ["/device:CPU:0"]


def _tensorflow_devices(names: Iterable[str]) -> str:
    found = [match for name in names if (match := _DEVICE.fullmatch(name))]
    return _in_words((_place(match), int(match[4])) for match in found)


def _place(device: re.Match[str]) -> str:
    job = device["job"] or "localhost"
    return ("" if job == "localhost" else f"/{job}:{device['task']}") + f"/{device['kind']}"


def _in_words(devices: Iterable[tuple[str, int]]) -> str:
    """Kinds of devices with their numbers: "/CPU:0 /GPU:0-3"."""
    kinds = groupby(sorted(set(devices)), key=lambda device: device[0])
    return " ".join(f"{kind}:{_numbers([n for _, n in group])}" for kind, group in kinds)


def _numbers(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if len(numbers) >= _AT_ONCE and last - first == len(numbers) - 1:
        return f"{first}-{last}"
    return ",".join(map(str, numbers))


def _unusual(place: str) -> str | None:
    return None if place in ("", USUAL) else place
