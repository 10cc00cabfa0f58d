"""Says of names whether the installed generations of Keras have them, as JSON.

`python installed_names.py` reads names, one a line, such as "layers.Dense" or "Model.fit"; the ways
to them are `keras` of Keras 3, its `tf.keras`, and `tf_keras`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from types import ModuleType

WAYS = {"keras": "keras", "tf.keras": "keras._tf_keras.keras", "tf_keras": "tf_keras"}
"""How a generation's public names are called in the tests → the package."""

MISSING = object()


def find(way, path):
    """What a name stands for."""
    found = importlib.import_module(WAYS[way])
    for part in filter(None, path.split(".")):
        found = getattr(found, part, MISSING)
        if isinstance(found, ModuleType) and ".src" in found.__name__:
            return MISSING  # by accident: what is imported there is no public name
    return found


def public(way):
    """All public names that can be reached from a package."""
    names = {}
    waiting = [("", importlib.import_module(WAYS[way]))]
    while waiting:
        path, module = waiting.pop()
        for name in dir(module):
            value = getattr(module, name, None)
            whole = f"{path}.{name}".lstrip(".")
            if name.startswith("_") or whole.count(".") > 4 or name in ("src", "api"):
                continue
            if isinstance(value, ModuleType):
                root = value.__name__.partition(".")[0]
                if root not in ("keras", "tf_keras") or ".src" in value.__name__:
                    continue
                if "_tf_keras" in value.__name__ and way == "keras":
                    continue
                waiting.append((whole, value))
            names[whole] = isinstance(value, ModuleType)
    return names


def arguments(found):
    """The names of a function's or a class' arguments; `None` if it takes any."""
    function = found.__init__ if inspect.isclass(found) else found
    parameters = inspect.signature(function).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    return {
        "names": [parameter.name for parameter in parameters],
        "any": inspect.Parameter.VAR_KEYWORD in kinds,
    }


def main():
    request = json.load(sys.stdin)
    json.dump(
        {
            "names": {
                path: [way for way in WAYS if find(way, path) is not MISSING]
                for path in request["names"]
            },
            "public": {way: public(way) for way in WAYS},
            "arguments": {
                path: {
                    way: arguments(found)
                    for way in WAYS
                    if (found := find(way, path)) is not MISSING and callable(found)
                }
                for path in request["functions"]
            },
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
