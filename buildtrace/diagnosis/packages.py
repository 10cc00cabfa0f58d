"""Two generations of Keras in a text: whose class that is, and whether it is about a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace

LOADS = ("deserializing class", "Could not deserialize", "Could not locate class", "Unknown")
"""What both say when the description of a saved model cannot be turned into one."""

_SHOWN = re.compile(
    r"(?:<class '|<)((?:tf_keras|keras\.src|tensorflow_hub)\.[\w.]+)(?:'>| object at)"
)


def classes_in(text: str) -> list[str]:
    """The classes of some Keras that a text shows, as Python shows a class or an object."""
    return list(dict.fromkeys(_SHOWN.findall(text)))


def generation_of(trace: Trace, class_name: str) -> str | None:
    """The generation that a class such as "tf_keras.src.layers.core.dense.Dense" is of.

    Returns:
        "keras2" or "keras3"; `None` for a class of neither.
    """
    root = class_name.partition(".")[0]
    # tensorflow_hub takes tf_keras wherever `tf.keras` is Keras 3.
    package = "tf_keras" if root == "tensorflow_hub" else root
    for info in trace.environment.keras:
        if info.package == package:
            return info.generation
    return {"tf_keras": "keras2", "keras": "keras3"}.get(package)
