"""The hand-written scripts and styles, joined so that one page can carry them."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

from buildtrace.renderers.page import palette

ENTRY = "main.mjs"
"""The report's script, which all others of its are imported from, directly or not."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<file>[\w.]+)";\n', re.MULTILINE)

_COMMENT = re.compile(r"^ *(//[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
"""A comment on lines of its own; every page would carry it."""

_INDENT = re.compile(r"^(?:  )+", re.MULTILINE)
"""Spaces before a line, of which half will do. No text in the scripts goes over several lines."""

_SPACE = re.compile(r"/\*.*?\*/|\s*\n\s*|(?<=[:,;{}]) | (?=[{}])", re.DOTALL)
"""Comments in styles, and spaces that say nothing there. A string has none beside these signs."""


def read(name: str) -> str:
    """The text of an asset."""
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=4)
def script(entry: str = ENTRY) -> str:
    """A page's script and all that it imports, as one module.

    A page that is opened from disk may not import modules that lie beside it. Each file stands
    once and after those that it imports; a name on the top level means the same in all files.
    """
    joined: dict[str, str] = {}
    _join(entry, joined)
    return "".join(joined.values())


def _join(name: str, joined: dict[str, str]) -> None:
    if name in joined:
        return
    text = read(name)
    for imported in _IMPORT.finditer(text):
        _join(imported["file"], joined)
    code = _COMMENT.sub("", _IMPORT.sub("", text))
    code = _INDENT.sub(lambda spaces: " " * (len(spaces[0]) // 2), code)
    joined[name] = re.sub(r"^export ", "", code, flags=re.MULTILINE)


@lru_cache(maxsize=4)
def style(more: str = "") -> str:
    """The colors, the report's styles, those of its graph pane, and more rules."""
    return _SPACE.sub("", palette.variables() + read("report.css") + read("graph.css") + more)


def digest(text: str) -> str:
    """How a Content-Security-Policy names the one inline text that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
