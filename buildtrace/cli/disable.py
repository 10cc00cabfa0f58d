"""`buildtrace disable`: have the variable `BUILDTRACE` mean nothing in this environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from buildtrace.cli import pth_file
from buildtrace.cli.enable import tell
from buildtrace.cli.parser import Parser
from buildtrace.cli.verbs import sentence
from buildtrace.integrations.launch_variable import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence


def build_parser() -> Parser:
    """The parser of this verb, which takes no options."""
    return Parser(prog="buildtrace disable", description=sentence("disable"))


def main(arguments: Sequence[str]) -> int:
    """Take the file out, of each folder where it is.

    Raises:
        UsageError: it cannot be removed.
    """
    build_parser().parse_args(arguments)
    there = [file for file in pth_file.all_files() if file.is_there]
    for file in there:
        file.remove()
        tell(f"disabled: removed {file.path}")
    if not there:
        tell("not enabled: there is nothing to remove")
    tell(f"{VARIABLE} now means nothing in {sys.executable}")
    return 0
