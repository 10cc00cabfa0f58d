"""The JSON Schema of the trace file, made of the data's classes and what they say of themselves.

It says what each object may have: types, bounds, and what is meant. That an id is that of something
which is there (see `buildtrace.traces.soundness`) no schema can say: a `$comment` does.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from buildtrace.traces import schema
from buildtrace.traces.trace import Trace
from buildtrace.traces.trace_file import FORMAT, VERSION

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ABOUT = f"""\
What one run recorded: how the Keras models in it got built. Version {VERSION} grows by optional \
keys only. So an object may have keys that are not listed here, which a reader ignores; a key that \
is left out has its default. The id of a thing is its place in its list, from 0."""

NUMBER = "^-?(0|[1-9][0-9]*)$"
"""A number as the key of an object: JSON has no other keys than texts."""


def trace_file_schema() -> dict[str, Any]:
    """What a trace file holds, as a JSON Schema in plain data."""
    _, parts = msgspec.json.schema_components([Trace], ref_template="#/$defs/{name}")
    for name, part in parts.items():
        _describe(part, Trace if name == "Trace" else getattr(schema, name))
    head = {
        "format": {"const": FORMAT, "description": "what tells a trace from other JSON"},
        "version": {"const": VERSION, "description": "of the format"},
    }
    return {
        "$schema": DIALECT,
        "$id": f"urn:buildtrace:trace-file:{VERSION}",
        "title": "The trace file of buildtrace",
        "description": ABOUT,
        "type": "object",
        "required": list(head),
        "properties": head | parts.pop("Trace")["properties"],
        "$defs": dict(sorted(parts.items())),
    }


def _describe(part: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    """Put what the docstring of a class says to where a schema says it, and how keys look."""
    part["description"], attributes = _docstring(kind)
    for field in msgspec.structs.fields(kind):
        described = part["properties"][field.encode_name]
        if field.name in attributes:
            described["description"] = attributes[field.name]
        if _has_numbers_as_keys(field.type):
            described["propertyNames"] = {"pattern": NUMBER}


def _docstring(kind: type[msgspec.Struct]) -> tuple[str, dict[str, str]]:
    """What the docstring of a class says of it, and of each attribute."""
    about, _, attributes = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")
    items = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", attributes, flags=re.MULTILINE)
    return _in_one_line(about), {name: _in_one_line(text) for name, text in items}


def _in_one_line(text: str) -> str:
    """The text in the words of JSON."""
    return " ".join(text.split()).replace("`None`", "`null`")


def _has_numbers_as_keys(kind: Any) -> bool:
    found = msgspec.inspect.type_info(kind)
    return isinstance(found, msgspec.inspect.DictType) and isinstance(
        found.key_type, msgspec.inspect.IntType
    )
