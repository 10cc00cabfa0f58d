"""The command `buildtrace`: one module a verb, and `main`, which finds the verb.

Start-up matters here: `--help` must not wait for rich, msgspec or Keras, so every module of
this package imports what it needs where it needs it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from buildtrace.cli.streams import flush, say, tolerate
from buildtrace.cli.verbs import INTERRUPTED, USAGE_ERROR, VERBS
from buildtrace.errors import BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: the arguments after the command's name; those of this process if not given.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except BuildtraceError as error:
        say(f"error: {error}")
        return USAGE_ERROR
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        flush()


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in VERBS:
        tolerate(sys.stdout)
        verb = importlib.import_module(f"buildtrace.cli.{arguments[0]}")
        code: int = verb.main(arguments[1:])
        return code
    from buildtrace.cli.parser import parse

    program, request = parse(arguments)
    if program.is_trace:
        from buildtrace.cli.show import show

        return show(program.target, request)
    from buildtrace.cli.run import run

    return run(program, request)
