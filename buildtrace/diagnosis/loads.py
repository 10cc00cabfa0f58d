"""The user's line that makes a model from a file or a config, where that has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.parsed_files import find_call
from buildtrace.traces import wording

if TYPE_CHECKING:
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import SourceLine
    from buildtrace.traces.trace import Trace

_FUNCTIONS = {
    "load_model": "reads a file",
    "model_from_json": "reads a text",
    "from_config": "reads a config",
    "deserialize_keras_object": "reads a config",
    "deserialize": "reads a config",
    "clone_model": "makes the layers anew from their configs",
    "clone": "makes a layer anew from its config",
}
"""Functions that make layers of what they read, and what they do in a sentence."""

_TAKE_OBJECTS = ("load_model", "model_from_json", "from_config", "deserialize_keras_object")
"""Those with an argument `custom_objects`."""

PLACE_OF_OBJECTS = 1
"""The number of that argument, from 0."""


class LoadingLine(NamedTuple):
    """A line that makes layers of what it reads.

    Attributes:
        line: the line.
        name: of the function that is called there.
        code: what is called, as it stands there.
    """

    line: SourceLine
    name: str
    code: str

    @property
    def where(self) -> str:
        """The function and the line."""
        return f"{self.name} at {wording.line(self.line)}"

    @property
    def does(self) -> str:
        """What it does, in a sentence."""
        return f"{self.where} {_FUNCTIONS[self.name]}"

    @property
    def takes_objects(self) -> bool:
        """Whether the function has an argument `custom_objects`."""
        return self.name in _TAKE_OBJECTS


def loading_line(trace: Trace, raised: Raised) -> LoadingLine | None:
    """The line that an exception came out of, if all that it calls of Keras is such a function."""
    for name in _FUNCTIONS:
        found = find_call(trace, raised.line, name)
        if found is not None and raised.line is not None:
            return LoadingLine(raised.line, name, found[0].code(found[1].func))
    return None
