"""The colors of the terminal views: the terminal's own, which fit dark and light backgrounds."""

from __future__ import annotations

STEP = {
    "input": "cyan",
    "connect": "bright_blue",
    "build": "green",
    "weight": "magenta",
    "graph": "yellow",
    "compile": "bright_red",
    "load": "bright_magenta",
}
"""Style of a landmark's name, by its step."""

KIND = {"input": "cyan", "layer": "", "model": "bold", "operation": "italic yellow"}
"""Style of a node's name, by its kind."""

SEVERITY = {"error": "bold red", "warning": "yellow", "note": "cyan"}
"""Style of a finding, by how bad it is."""

PATCH = {"-": "red", "+": "green"}
"""Style of a line that a remedy takes away, or puts there."""

MARK = {"error": "✗", "warning": "!", "note": "·"}
"""What stands before a finding, as a call that failed or that somebody caught is marked as well."""

QUIET = "dim"
NAME = "bold"
CHANGE = "green"
ERROR = SEVERITY["error"]
SWALLOWED = SEVERITY["warning"]
HEADING = "bold"
NOTE = "italic"
WHOLE = "none"
"""No style of its own, but not to be broken at the end of a line: shapes, for instance."""
