"""The command `buildtrace`: one module a verb, and `main`, which finds the verb.

Start-up matters here: `--help` must not wait for rich, msgspec or Keras, so every module of
this package imports what it needs where it needs it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from buildtrace.cli.streams import say, tolerate
from buildtrace.cli.verbs import USAGE_ERROR, VERBS
from buildtrace.integrations.at_start import stand_down

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: the arguments after the command's name; those of this process if not given.

    Raises:
        KeyboardInterrupt: the command, or what it ran, was interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    stand_down()
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        # Python ends itself by the signal then, which tells a shell to stop as well. Whoever is to
        # know has been told by now.
        sys.excepthook = lambda *_: None
        raise
    except Exception as error:
        from buildtrace.cli.attempts import reason

        say(f"error: {reason(error)}")
        return USAGE_ERROR


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in VERBS:
        tolerate(sys.stdout)
        verb = importlib.import_module(f"buildtrace.cli.{arguments[0]}")
        code: int = verb.main(arguments[1:])
        return code
    from buildtrace.cli.parser import parse

    program, request = parse(arguments)
    if program.is_trace or program.is_saved:
        from buildtrace.cli.show import show

        return show(program, request)
    from buildtrace.cli.run import run

    return run(program, request)
