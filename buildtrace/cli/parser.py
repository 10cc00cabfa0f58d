"""The arguments of `buildtrace [OPTIONS] SCRIPT.py [ARGS…]`.

Choices and help come from the tables of renderers, views and generations.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from buildtrace.cli.streams import own_output, tolerate
from buildtrace.cli.verbs import END, SHELLS, SKIP, VERBS
from buildtrace.errors import UsageError
from buildtrace.generations import GENERATIONS
from buildtrace.renderers import RENDERERS, VIEWS, Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from buildtrace.cli.program import Program
    from buildtrace.cli.request import Request

USAGE = """\
buildtrace [OPTIONS] SCRIPT.py [ARGS…]
       buildtrace [OPTIONS] -m MODULE [ARGS…]
       buildtrace [OPTIONS] TRACE.json
       buildtrace [OPTIONS] MODEL.keras | X.weights.h5 | X.h5"""

DESCRIPTION = """\
Run a script as python would, and show how each Keras model in it gets built.
Options stand before the script; everything after it belongs to the script.
Of a saved model's file, show what it holds: nothing in it is run."""

TABLES = """\
views:
{views}

formats:
{formats}"""

EPILOG = """\
{tables}

verbs (a script that has such a name is run as ./landmarks):
{verbs}

try it on one of the examples that come with buildtrace:
  buildtrace -m buildtrace.examples.mnist_mlp
  buildtrace --view steps --explain -m buildtrace.examples.mnist_mlp
  buildtrace -o build.svg -o build.json -m buildtrace.examples.functional_shared
  buildtrace --view weights build.json
other examples: buildtrace.examples.{{any_backend, resnet50, subclassed}}

The report goes to stdout if that is a terminal or if an option asks for it, and
to stderr otherwise, so that it does not mix with what the script prints. The
exit code is the script's own, or 2 if the arguments make no sense and nothing
was run."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one clear line, and whose help is at most 98 wide."""

    def __init__(self, **keywords: object) -> None:
        width = min(shutil.get_terminal_size().columns - 2, 98)
        super().__init__(
            allow_abbrev=False,
            add_help=False,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, max_help_position=22, width=width
            ),
            **keywords,  # type: ignore[arg-type]
        )
        self.add_argument("-h", "--help", action="help", help="show this help and exit")

    def format_help(self) -> str:
        """The help, for a stdout that may lack some signs of it."""
        tolerate(sys.stdout)
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Print the help on stdout, or in `file`; that it cannot be is no reason for two lines."""
        with own_output(file or sys.stdout) as stream:
            stream.write(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage: `main` prints one line."""
        name = message.removeprefix("argument ").removesuffix(": expected one argument")
        action = self._option_string_actions.get(name.partition("/")[0])
        if action is not None and name != message:
            value = action.metavar or f"one of {', '.join(map(str, action.choices or ()))}"
            message = f"{name} needs a value behind it: {value}"
        raise UsageError(f"{message} (see `{self.prog} --help`)")


class _Version(argparse.Action):
    """`--version`, without asking for the installed distribution (that takes 15 ms)."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from buildtrace import __version__

        with own_output(sys.stdout) as stdout:
            stdout.write(f"buildtrace {__version__}\n")
        parser.exit()


class _PrintCompletion(argparse.Action):
    """`--print-completion SHELL`, which needs all parsers, and shtab."""

    def __call__(
        self, parser: argparse.ArgumentParser, _: object, shell: object, *__: object
    ) -> None:
        from buildtrace.cli.completion import script

        with own_output(sys.stdout) as stdout:
            stdout.write(script(str(shell), parser))
        parser.exit()


def keras_choices() -> list[str]:
    """The values of `--keras`: a generation is called by its number."""
    return ["auto", *(generation.name.removeprefix("keras") for generation in GENERATIONS)]


def _depth(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of levels, from 1 up")
    return int(text)


def _rows(table: dict[str, str]) -> str:
    width = max(map(len, table))
    return "\n".join(f"  {name:{width}}  {summary}" for name, summary in table.items())


def tables() -> str:
    """The views and the formats with their summaries, for the end of a help."""
    width = max(map(len, RENDERERS))
    formats = {
        f"{renderer.name:{width}}  {renderer.suffix or '--format':8}": renderer.summary
        for renderer in RENDERERS.values()
    }
    views = {view.name: view.summary for view in VIEWS.values()}
    return TABLES.format(views=_rows(views), formats=_rows(formats))


def build_parser() -> argparse.ArgumentParser:
    """The parser of all options that stand before the script."""
    parser = Parser(
        prog="buildtrace",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG.format(tables=tables(), verbs=_rows(VERBS)),
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=SHELLS,
        metavar="SHELL",
        help=f"print a script that makes this shell complete arguments, and exit: one for "
        f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}",
    )
    add_report_options(parser)
    add_file_options(parser)
    _add_run_options(parser)
    return parser


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to show; `request_of` reads them."""
    group = parser.add_argument_group("what to show")
    group.add_argument(
        "--view",
        action="append",
        choices=list(VIEWS),
        metavar="VIEW",
        help=f"one of the views below (default: {Options().views[0]}; repeatable)",
    )
    group.add_argument("--depth", type=_depth, metavar="N", help="show N levels of calls")
    group.add_argument(
        "--full", action="store_true", help="show everything, however big the model is"
    )
    group.add_argument("--model", metavar="NAME", help="show only the model with this name")
    group.add_argument("--explain", action="store_true", help="say what each function does and why")


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to write; `request_of` reads them."""
    group = parser.add_argument_group("what to write")
    group.add_argument(
        "-o",
        dest="output",
        action="append",
        default=[],
        metavar="PATH",
        help="write a file, in the format that its suffix stands for; a FOLDER/ gets a page for "
        "each model, and one that links them; {rank} in PATH is the rank of this process, by "
        "TF_CONFIG, RANK, SLURM_PROCID and the like, {pid} its number (repeatable)",
    )
    group.add_argument(
        "--format",
        choices=list(RENDERERS),
        metavar="NAME",
        help="write the files in this format, whatever their suffix",
    )
    group.add_argument(
        "--open",
        action="store_true",
        help="open the page in the browser: the first that -o names, or else one in a temporary "
        "file",
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = add_program_options(parser, keras="auto")
    add_no_train(group)
    group.add_argument(
        "--abstract",
        action="store_true",
        help="make weights without memory, however large the model is; the script ends with an "
        "error where it reads one",
    )


def add_program_options(
    parser: argparse.ArgumentParser, keras: str | None
) -> argparse._ArgumentGroup:
    """The options that say what to run, and on what; `program_of` reads the first.

    Args:
        parser: gets them.
        keras: the value of `--keras` if it is not given.

    Returns:
        Their group.
    """
    group = parser.add_argument_group("how to run")
    group.add_argument(
        "-m", dest="module", metavar="MODULE", help="run a module, as `python -m` does"
    )
    add_keras(group, keras)
    return group


def add_keras(group: argparse._ActionsContainer, keras: str | None) -> None:
    """The option that says what `tf.keras` is; `keras` is its value if it is not given."""
    group.add_argument(
        "--keras",
        choices=keras_choices(),
        default=keras,
        help="which Keras `tf.keras` is; auto, the default, is the one that the script gets anyway",
    )


def add_files(group: argparse._ActionsContainer, help: str) -> None:  # noqa: A002 - as argparse
    """The option that names the files of a verb's result."""
    group.add_argument(
        "-o", dest="output", action="append", type=Path, default=[], metavar="PATH", help=help
    )


def check_comparison_file(parser: Parser, path: Path, formats: Iterable[str]) -> None:
    """See that a comparison can be written to a file.

    Raises:
        UsageError: not to one of this suffix, or not in this folder.
    """
    from buildtrace.cli.request import check_writable
    from buildtrace.traces import wording

    if path.suffix.lower() not in formats:
        parser.error(f"{path}: a comparison is written to {wording.listed(formats, 4)} files")
    check_writable(path.absolute())


def add_no_train(group: argparse._ActionsContainer) -> None:
    """The option that says how to do without training."""
    group.add_argument(
        "--no-train",
        nargs="?",
        choices=[END, SKIP],
        const=END,
        default="",
        metavar="skip",
        help="end the script where the first weight is about to change, once a loss is computed; "
        "`--no-train=skip` ends each fit so, and goes on behind it",
    )


def split(parser: argparse.ArgumentParser, argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split arguments into our options and the script with what belongs to it.

    argparse cannot do this itself: it looks for options behind the script as well.
    """
    takes_value = {
        name for action in parser._actions if action.nargs is None for name in action.option_strings
    }
    at = 0
    while at < len(argv):
        argument = argv[at]
        if argument == "--":
            return list(argv[:at]), list(argv[at + 1 :])
        if argument.startswith("-m"):
            own = 1 if len(argument) > 2 else 2
            return list(argv[: at + own]), list(argv[at + own :])
        if not argument.startswith("-") or argument == "-":
            break
        at += 2 if argument in takes_value else 1
    return list(argv[:at]), list(argv[at:])


def parse(argv: Sequence[str]) -> tuple[Program, Request]:
    """The program that these arguments name, and what they ask to see of it.

    Raises:
        UsageError: they make no sense; the text says why and what to do.
    """
    parser = build_parser()
    ours, theirs = split(parser, argv)
    given = parser.parse_args(ours)
    from buildtrace.cli.program import check_program  # not before: --help has ended here
    from buildtrace.cli.request import check_outputs

    program = program_of(parser, given, theirs)
    program = program._replace(keras=given.keras, no_train=given.no_train, abstract=given.abstract)
    request = request_of(parser, given)
    check_program(program, takes_saved=True)
    check_outputs(request)
    return program, request


def program_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace, theirs: list[str]
) -> Program:
    """What is to be run or shown.

    Raises:
        UsageError: nothing is named.
    """
    from buildtrace.cli.program import Program

    if given.module is not None:
        return Program(given.module, is_module=True, arguments=tuple(theirs))
    if not theirs:
        parser.error("which script? Name a SCRIPT.py, a TRACE.json, a MODEL.keras, or -m MODULE")
    return Program(theirs[0], arguments=tuple(theirs[1:]))


def request_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace, folder: Path | None = None
) -> Request:
    """What the options for the report and the files ask for.

    Args:
        parser: says what makes no sense.
        given: what it has read.
        folder: what the paths of files are relative to; that in which we are, if not given.

    Raises:
        UsageError: they make no sense together.
    """
    from buildtrace.cli.request import Request, is_folder

    if given.format and not given.output:
        parser.error("--format names the format of a file: name the file with -o PATH")
    view_options = (given.view, given.depth, given.full, given.model, given.explain)
    names = [_absolute(name, folder or Path.cwd()) for name in given.output]
    return Request(
        outputs=tuple(Path(name) for name in names if not is_folder(name)),
        folders=tuple(Path(name) for name in names if is_folder(name)),
        open=given.open,
        format=given.format,
        options=Options(
            views=tuple(dict.fromkeys(given.view or Options().views)),
            depth=given.depth,
            full=given.full,
            model=given.model,
            explain=given.explain,
        ),
        view_asked=any(view_options),
    )


def _absolute(name: str, folder: Path) -> str:
    """The whole path, and at its end the sign that it means a folder, if there was one."""
    from buildtrace.cli.rank import named

    return os.path.join(folder, os.path.expanduser(named(name)))  # noqa: PTH111, PTH118 - keeps it
