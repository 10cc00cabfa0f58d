"""The colors of the terminal views: the terminal's own, which fit dark and light backgrounds."""

from __future__ import annotations

STEP = {
    "input": "cyan",
    "connect": "bright_blue",
    "build": "green",
    "weight": "magenta",
    "graph": "yellow",
}
"""Style of a landmark's name, by its step."""

KIND = {"input": "cyan", "layer": "", "model": "bold", "operation": "italic yellow"}
"""Style of a node's name, by its kind."""

QUIET = "dim"
NAME = "bold"
CHANGE = "green"
ERROR = "bold red"
SWALLOWED = "yellow"
HEADING = "bold"
NOTE = "italic"
WHOLE = "none"
"""No style of its own, but not to be broken at the end of a line: shapes, for instance."""
