"""The environment variable that switches tracing on in programs that others start."""

from __future__ import annotations

VARIABLE = "BUILDTRACE"
"""Its name. It is "1", or has options of the command."""

ON = ("1", "true", "yes", "on")
OFF = ("", "0", "false", "no", "off")
