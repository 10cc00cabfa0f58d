"""What the variable `BUILDTRACE` asks for: "1", or options of the command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli import environment
from buildtrace.cli import parser as cli
from buildtrace.cli.request import check_outputs
from buildtrace.errors import UsageError
from buildtrace.integrations.launch_variable import ON, VARIABLE

if TYPE_CHECKING:
    from buildtrace.cli.request import Request

TAKES = (
    "it takes 1, or of the options of `buildtrace --help` those for what to show and what to "
    "write, and --keras"
)


class LaunchOptions(NamedTuple):
    """What is to be shown and written of a program.

    Attributes:
        request: as of the command.
        keras: the value of `--keras`.
    """

    request: Request
    keras: str = "auto"

    @property
    def shows(self) -> bool:
        """Whether there is to be a report: with files alone, there is none."""
        request = self.request
        return request.view_asked or not (request.outputs or request.folders or request.open)


def parse(value: str, folder: str) -> LaunchOptions:
    """Read a value of the variable.

    Args:
        value: that.
        folder: what the paths of files are relative to.

    Raises:
        UsageError: it makes no sense; the text says why and what to do.
    """
    try:
        parser = _parser()
        words = [] if value.strip().lower() in ON else shlex.split(value)
        given, rest = parser.parse_known_args(words)
        if rest or given.help:
            raise UsageError(f"{(rest or ['--help'])[0]} is not for this variable: {TAKES}")
        request = cli.request_of(parser, given, Path(folder))
    except (UsageError, ValueError) as error:  # of shlex: a quote without its end
        raise UsageError(f"{VARIABLE}={value!r}: {error}") from None
    return LaunchOptions(request, given.keras)


def checked(value: str, folder: str) -> LaunchOptions:
    """As `parse`; the files can be written as well.

    Raises:
        UsageError: it makes no sense, or a file cannot be written.
    """
    options = parse(value, folder)
    try:
        check_outputs(options.request)
    except UsageError as error:
        raise UsageError(f"{VARIABLE}: {error}") from None
    return options


def choose_keras(value: str, folder: str) -> None:
    """Make `tf.keras` the generation that is asked for.

    Raises:
        UsageError: the value makes no sense.
        MissingPackageError: that generation is not installed.
    """
    environment.choose_keras(parse(value, folder).keras)


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="buildtrace", conflict_handler="resolve")
    cli.add_report_options(parser)
    cli.add_file_options(parser)
    cli.add_keras(parser, keras="auto")
    parser.add_argument("-h", "--help", action="store_true")  # nobody would read it
    return parser
