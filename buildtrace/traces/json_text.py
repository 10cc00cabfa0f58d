"""JSON of what is in a trace, whatever its texts are."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What Python has in the place of bytes that are no text, as in a file's name; UTF-8 has none."""


def encoded(value: Any) -> bytes:
    r"""The value as JSON; `\udcff` and its like are written out in its texts."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", value)
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(inner) for inner in value]
    return value
