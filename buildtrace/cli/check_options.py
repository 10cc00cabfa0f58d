"""The arguments of `buildtrace check [OPTIONS] SCRIPT.py [ARGS…]`, and the project's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.check_formats import FORMATS
from buildtrace.cli.parser import (
    Parser,
    add_files,
    add_no_train,
    add_program_options,
    keras_choices,
    program_of,
    split,
)
from buildtrace.cli.several_options import (
    Several,
    add_baseline_options,
    add_several_options,
    baseline_of,
    several_of,
    with_settings,
)
from buildtrace.cli.verbs import END, sentence
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from buildtrace.cli.baseline import Baseline
    from buildtrace.cli.program import Program
    from buildtrace.diagnosis.settings import Settings

USAGE = """\
buildtrace check [OPTIONS] SCRIPT.py [ARGS…]
       buildtrace check [OPTIONS] -m MODULE [ARGS…]
       buildtrace check [OPTIONS] TRACE.json
       buildtrace check [OPTIONS] FOLDER [FOLDER | SCRIPT.py | 'PATTERN' …]
       buildtrace check --each [OPTIONS] [FOLDER | SCRIPT.py | 'PATTERN' …]
       buildtrace check --keras 3 --migrate [OPTIONS] SCRIPT.py | FOLDER"""

EPILOG = """\
formats:
{formats}

`buildtrace explain` lists the rules. To ignore a finding, put a comment on its
line, or anywhere in its statement: # buildtrace: ignore[BT105]
Settings are read from the first pyproject.toml in the folder of the script or
above it:

  [tool.buildtrace]
  select = ["BT1", "BT2"]
  ignore = ["BT105"]
  keras = "3"
  [tool.buildtrace.per-file-ignores]
  "tests/*" = ["BT3"]

Of folders, those files are run that build models by their source, each in a
process of its own; what is not run is listed with the reason.

The exit code is 0 if there are no findings or only notes, 1 if there is an
error or a warning, and 2 if nothing was found but a script failed or could not
be run. After --fix, what it has mended does not count; with --diff it is 1
if there is a patch, and else 0.

A script that must not be run a second time has a comment that says so:
# buildtrace: run once

What the script prints goes to stdout, before the findings. With --format json,
sarif or github and no -o it goes to stderr, and only the findings to stdout."""


TRY, DIFF, FIX = "try", "diff", "fix"
"""What to do with remedies that are edits: try them; show what helps as a patch; or write it."""


class CheckRequest(NamedTuple):
    """What one command line asks for.

    Attributes:
        program: what to run, or the trace to look at.
        settings: which findings are wanted: the project's, and what options say.
        format: the form of the findings on stdout.
        files: path → the form of the findings in it.
        concise: leave the remedies out.
        migrate: read the script, and list what of it Keras 3 does not take.
        trial: what to do with the remedies that are edits: `TRY`, `DIFF` or `FIX` them, or "".
        untried: show or write also those that could not be tried.
        several: the folders and files to check, each script by itself; `None` for one program.
        baseline: the findings that are known; `None` if there is no file of them.
    """

    program: Program
    settings: Settings
    format: str
    files: dict[Path, str]
    concise: bool
    migrate: bool = False
    trial: str = ""
    untried: bool = False
    several: Several | None = None
    baseline: Baseline | None = None


def build_parser() -> Parser:
    """The parser of all options that stand before the script."""
    width = max(map(len, FORMATS))
    parser = Parser(
        prog="buildtrace check",
        usage=USAGE,
        description=f"{sentence('check')}\nThe script ends before it changes a weight.",
        epilog=EPILOG.format(
            formats="\n".join(
                f"  {name:{width}}  {form.suffix or '':7} {form.summary}"
                for name, form in FORMATS.items()
            )
        ),
    )
    group = parser.add_argument_group("what to report")
    for option, says in (("--select", "report only"), ("--ignore", "do not report")):
        group.add_argument(
            option,
            action="append",
            metavar="CODES",
            help=f"{says} these rules: codes or beginnings of codes, as in BT1,BT203 (repeatable)",
        )
    group.add_argument(
        "--migrate",
        action="store_true",
        help="run nothing: read the script and its own modules, or all files of a folder, and list "
        "what Keras 3 does not take as Keras 2 did, with what to write now",
    )
    group.add_argument("--concise", action="store_true", help="leave out the remedies")
    group.add_argument(
        "--format",
        choices=list(FORMATS),
        metavar="NAME",
        help="the format of the findings: one of those below (default: text)",
    )
    add_files(
        group,
        "also write the findings to a file, in the format that --format or the suffix "
        "stands for; stdout has them as text, or with --format github as annotations "
        "(repeatable)",
    )
    add_baseline_options(group)
    _add_trial_options(parser)
    add_several_options(parser)
    group = add_program_options(parser, keras=None)
    group.add_argument(
        "--train", action="store_true", help="do not end the script: train all that it trains"
    )
    add_no_train(group)
    return parser


def _add_trial_options(parser: Parser) -> None:
    """The options that say what to do with remedies that are edits."""
    group = parser.add_argument_group("what to do with remedies")
    one_of = group.add_mutually_exclusive_group()
    for name, says in (
        (
            TRY,
            "try each remedy that is a change of the source: run the script with it, in a copy "
            "of the folder that is removed then, and say what comes of it",
        ),
        (DIFF, "try them, and print only what has helped, as a patch"),
        (FIX, "try them, and write what has helped into the files"),
    ):
        one_of.add_argument(f"--{name}", dest="trial", action="store_const", const=name, help=says)
    group.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="with --diff and --fix: also the remedies that could not be tried",
    )


def parse(argv: Sequence[str]) -> CheckRequest:
    """The request that these arguments make.

    Raises:
        UsageError: they make no sense, or the project's settings do not.
    """
    parser = build_parser()
    ours, theirs = split(parser, argv)
    given = parser.parse_args(ours)
    from buildtrace.cli.program import check_program

    several = several_of(parser, given, theirs)
    targets = list(several.targets[:1]) if several else theirs
    program = program_of(parser, given, targets)._replace(no_train=_no_train(parser, given))
    _check_trial(parser, given, program)
    if given.migrate:
        for target in several.targets if several else [program.target]:
            _check_migrate(program._replace(target=target), given)
    elif several is None:
        check_program(program, parser.prog)
    settings, files = _settings(given, program, several), _files(given.output, given.format)
    return CheckRequest(
        program=program._replace(keras=settings.keras),
        settings=settings,
        format=_printed(given.format, files),
        files=files,
        concise=given.concise,
        migrate=given.migrate,
        trial=given.trial or "",
        untried=given.unsafe_fixes,
        several=several and with_settings(several, settings, given),
        baseline=baseline_of(parser, given, settings),
    )


def _check_migrate(program: Program, given: argparse.Namespace) -> None:
    """See that there is something to read.

    Raises:
        UsageError: there is not, or something is asked for that only a run can tell.
    """
    if given.keras == "2":
        raise UsageError("--migrate is about the way to Keras 3: use --keras 3")
    if program.is_module:
        raise UsageError("--migrate reads files: name the SCRIPT.py or the FOLDER, not a module")
    if given.train or given.no_train or given.trial:
        raise UsageError(
            "--migrate runs nothing: leave out --train, --no-train, --try and the like"
        )
    path = Path(program.target)
    if not path.exists():
        raise UsageError(f"there is no file {program.target}")
    if not (path.is_dir() or path.is_file()):
        raise UsageError(f"{program.target} is no file and no folder")
    if program.is_trace or program.is_saved:
        raise UsageError(f"{program.target} is no script: --migrate reads SCRIPT.py or a FOLDER")
    if program.arguments:
        raise UsageError(
            f"--migrate runs nothing: leave out {' '.join(program.arguments)}, or use --each"
        )


def _check_trial(parser: Parser, given: argparse.Namespace, program: Program) -> None:
    if given.trial and program.is_trace:
        parser.error(f"--{given.trial} needs the script: nothing of a saved trace is run")
    if given.unsafe_fixes and given.trial not in (DIFF, FIX):
        parser.error("--unsafe-fixes goes with --diff or --fix")
    if given.trial == DIFF and given.format and not given.output:
        parser.error("--diff prints a patch: write the findings to a file with -o PATH")


def _no_train(parser: Parser, given: argparse.Namespace) -> str:
    if given.train and given.no_train:
        parser.error("either --train or --no-train, but not both")
    return "" if given.train else given.no_train or END


def _settings(
    given: argparse.Namespace, program: Program, several: Several | None = None
) -> Settings:
    """The project's settings; what the options say goes before them."""
    from buildtrace.diagnosis.settings import codes, read

    here = program.is_module or program.is_trace
    target = Path(program.target)
    folder = Path.cwd() if here else target if target.is_dir() else target.parent
    settings = read(several.folder if several else folder)
    if settings.keras not in keras_choices():
        raise UsageError(
            f"{settings.folder / 'pyproject.toml'}: no Keras {settings.keras!r}; "
            f"there are {', '.join(keras_choices())}"
        )
    select = codes(_split(given.select), "--select")
    ignore = codes(_split(given.ignore), "--ignore")
    return settings._replace(
        select=select or settings.select,
        ignore=ignore if select else settings.ignore + ignore,
        keras=given.keras or settings.keras,
    )


def _split(given: Iterable[str] | None) -> list[str]:
    return [code for text in given or () for code in text.split(",")]


def _printed(name: str | None, files: dict[Path, str]) -> str:
    """The form of what is printed: the one asked for, unless that is what a file gets."""
    return "text" if name is None or name in files.values() else name


def _files(paths: Sequence[Path], name: str | None) -> dict[Path, str]:
    from buildtrace.cli.rank import named
    from buildtrace.cli.request import check_writable

    files = {}
    suffixes = {form.suffix: name for name, form in FORMATS.items() if form.suffix}
    in_log = name is not None and FORMATS[name].in_log
    for given in paths:
        path = Path(named(str(given))).expanduser().absolute()
        by_suffix = suffixes.get(path.suffix.lower())
        form = by_suffix or name if in_log else name or by_suffix
        if form is None:
            raise UsageError(
                f"{given}: which format? Use --format NAME, or one of these suffixes: "
                f"{', '.join(suffixes)}"
            )
        check_writable(path)
        files[path] = form
    return files
