"""`buildtrace enable`: have the variable `BUILDTRACE` switch tracing on in this environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from buildtrace.cli import pth_file
from buildtrace.cli.parser import Parser
from buildtrace.cli.streams import own_output, tolerate
from buildtrace.cli.verbs import sentence
from buildtrace.errors import UsageError
from buildtrace.integrations.launch_variable import VARIABLE
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = f"""\
It writes one file of one line, {pth_file.NAME}, among the packages of this
environment. Nothing is traced until the variable is set, and then what imports
Keras is:

  {VARIABLE}=1 python -c 'import keras; keras.layers.Dense(2).build((None, 3))'
  {VARIABLE}="-o traces/build-{{rank}}.json" torchrun --nproc-per-node 2 train.py
  {VARIABLE}="-o build.json" gunicorn app:server

`buildtrace disable` takes it out again: before you uninstall the package."""


def build_parser() -> Parser:
    """The parser of this verb, which takes no options."""
    return Parser(prog="buildtrace enable", description=sentence("enable"), epilog=EPILOG)


def main(arguments: Sequence[str]) -> int:
    """Put the file there.

    Raises:
        UsageError: it cannot be written, or would not be heard.
    """
    build_parser().parse_args(arguments)
    file = pth_file.wanted()
    was_there = file.is_current
    if not was_there:
        file.write()
    if not pth_file.is_heard():
        if not was_there:
            file.remove()
        raise UsageError(
            f"a new {sys.executable} does not find buildtrace at its start: install it in this "
            "environment (pip install buildtrace), then enable it"
        )
    tell(f"{'already enabled' if was_there else 'enabled'}: {file.path}")
    tell(f"{VARIABLE}=1 now traces what imports Keras in {sys.executable}")
    return 0


def tell(line: str) -> None:
    """Write a line on stdout."""
    tolerate(sys.stdout)
    with own_output(sys.stdout) as stdout:
        stdout.write(f"{wording.sanitize_long(line)}\n")
