"""`buildtrace diff A B`: what differs between two builds, generations or backends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.attempts import Attempts
from buildtrace.cli.missing_keras import BACKENDS
from buildtrace.cli.parser import (
    Parser,
    add_files,
    add_no_train,
    check_comparison_file,
    keras_choices,
    program_of,
    split,
)
from buildtrace.cli.program import Program, check_program, same_program
from buildtrace.cli.streams import say
from buildtrace.cli.verbs import USAGE_ERROR, sentence
from buildtrace.errors import MissingPackageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from buildtrace.cli.child_processes import LabeledProgram
    from buildtrace.comparison import Difference
    from buildtrace.traces.trace import Trace

USAGE = """\
buildtrace diff [OPTIONS] A B   each a SCRIPT.py, TRACE.json, MODEL.keras
       buildtrace diff [OPTIONS] --keras 2,3 SCRIPT.py [ARGS…]
       buildtrace diff [OPTIONS] --backend jax,torch SCRIPT.py [ARGS…]"""

EPILOG = """\
formats:
{formats}

kinds for --only: {kinds}

The exit code is 0 if the builds are the same, 1 if they differ, and 2 if they
could not be compared. Without --only, builds are the same if their weights,
graphs, outputs, order of building and findings are the same: they may still
have run different functions. Of a saved model's file, weights are compared: do
they fit the other side?

  buildtrace diff before.json model.py
  buildtrace diff --keras 2,3 -m buildtrace.examples.mnist_mlp"""

FORMATS = {
    ".txt": ("text", "what the terminal shows"),
    ".json": ("json", "everything, for programs"),
    ".html": ("html", "a page that steps through two builds; one page for each pair"),
}
"""Suffix of a file → the format's name, and what it is."""

TEXT_WIDTH = 120


class Compared(NamedTuple):
    """Two builds, and what their comparison said."""

    left: Trace
    right: Trace
    difference: Difference


def main(arguments: Sequence[str]) -> int:
    """Compare, show, write; returns 0 if all builds are the same as the first, else 1.

    It is 2 if that could not be shown, or not be written.

    Raises:
        UsageError: the request makes no sense.
        MissingPackageError: a Keras or a backend is not installed.
        RunError: a script left no trace.
    """
    parser = build_parser()
    ours, theirs = split(parser, arguments)
    given = parser.parse_args(ours)
    only = _only(given.only)
    for path in given.output:
        check_comparison_file(parser, path, FORMATS)
    programs = _programs(parser, given, theirs)
    comparisons = _compare(programs, only, given.times)
    attempts = Attempts()
    with attempts.attempt("the comparison is not shown to its end"):
        _show(comparisons, given.format, full=given.full)
    for path in given.output:
        with attempts.attempt(f"{path} is not written"):
            _write(path, comparisons, full=given.full)
    attempts.end()
    if attempts.failed:
        return USAGE_ERROR
    return int(not all(comparison.difference.same for comparison in comparisons))


# -- what is asked for ------------------------------------------------------------------------


def build_parser() -> Parser:
    """The parser of all options that stand before what is compared."""
    from buildtrace.comparison import SELECTABLE

    parser = Parser(
        prog="buildtrace diff",
        usage=USAGE,
        description=sentence("diff"),
        epilog=EPILOG.format(
            kinds=", ".join(SELECTABLE),
            formats="\n".join(f"  {name}  {s:5}  {what}" for s, (name, what) in FORMATS.items()),
        ),
    )
    parser.add_argument(
        "--only",
        metavar="KINDS",
        help="compare only these kinds, separated by commas; the exit code is about them alone",
    )
    parser.add_argument("--times", action="store_true", help="also compare times")
    parser.add_argument(
        "--full", action="store_true", help="show everything, however much is the same"
    )
    parser.add_argument(
        "--format",
        choices=[name for name, _ in FORMATS.values() if name != "html"],
        default="text",
        help="the format of what goes to stdout (default: text)",
    )
    add_files(
        parser,
        "also write the comparison to a file, in the format that its suffix stands for "
        "(repeatable)",
    )
    parser.add_argument(
        "--keras",
        metavar="2,3",
        help="run the script once on each of these generations; a single one is for both scripts",
    )
    parser.add_argument(
        "--backend",
        metavar="NAMES",
        help=f"run the script once on each of these backends of Keras 3: {', '.join(BACKENDS)}",
    )
    parser.add_argument(
        "-m", dest="module", metavar="MODULE", help="run a module instead of a script"
    )
    add_no_train(parser)
    return parser


def _only(text: str | None) -> tuple[str, ...]:
    from buildtrace.comparison import check_kinds

    kinds = tuple(_names(text))
    check_kinds(kinds)
    return kinds


def _names(text: str | None) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def _programs(parser: Parser, given: argparse.Namespace, theirs: list[str]) -> list[LabeledProgram]:
    """What is to be compared: the first is what all others are compared with."""
    from buildtrace.cli.child_processes import LabeledProgram

    generations, backends = _generations(parser, given), _backends(parser, given)
    if len(generations) > 1 and len(backends) > 1:
        parser.error("either several --keras or several --backend, but not both")
    if backends and "2" in generations:
        parser.error("--backend is for Keras 3: Keras 2 computes with TensorFlow alone")
    if len(generations) < 2 and len(backends) < 2:
        return _two(parser, given, theirs, generations, backends)
    program = _program(parser, given, theirs)
    if len(generations) > 1:
        program = program._replace(backend=next(iter(backends), None))
        return [
            LabeledProgram(f"Keras {name}", program._replace(keras=name)) for name in generations
        ]
    program = program._replace(keras=next(iter(generations), "auto"))
    return [LabeledProgram(name, program._replace(backend=name)) for name in backends]


def _program(parser: Parser, given: argparse.Namespace, theirs: list[str]) -> Program:
    """The one script, or module, and its arguments."""
    if given.module is None and not theirs:
        parser.error("which script? Name a SCRIPT.py")
    if given.module is None and (Program(theirs[0]).is_trace or Program(theirs[0]).is_saved):
        kind = "trace" if Program(theirs[0]).is_trace else "saved model"
        parser.error(f"{theirs[0]} is a {kind}, which cannot be run: name a SCRIPT.py")
    program = program_of(parser, given, theirs)._replace(no_train=given.no_train)
    _check_program(parser, program)
    return program


def _check_program(parser: Parser, program: Program) -> None:
    if program.is_stdin:
        parser.error("- cannot be compared: save the script, or name it as <(...)")
    check_program(program, takes_saved=True)


def _two(
    parser: Parser,
    given: argparse.Namespace,
    theirs: list[str],
    generations: list[str],
    backends: list[str],
) -> list[LabeledProgram]:
    """Two scripts or traces."""
    from buildtrace.cli.child_processes import LabeledProgram

    if given.module is not None or len(theirs) != 2:
        parser.error(_not_two(given, theirs))
    programs = [
        Program(
            target=name,
            keras=next(iter(generations), "auto"),
            backend=next(iter(backends), None),
            no_train=given.no_train,
        )
        for name in theirs
    ]
    for program in programs:
        _check_program(parser, program)
    return [LabeledProgram(program.target, program) for program in programs]


def _not_two(given: argparse.Namespace, theirs: list[str]) -> str:
    """What to do instead of naming this, which is not two files."""
    runs = "one script with --keras 2,3 or --backend NAME,NAME"
    options = [name for name in theirs if name.startswith("-") and name != "-"]
    if options and given.module is None:
        return f"{options[0]} is behind a file: options stand first, as in -o both.html A B"
    if given.module is not None or not theirs:
        return (
            "what is to be compared? Name two files, each a SCRIPT.py, a TRACE.json or "
            "a MODEL.keras, or " + runs
        )
    if len(theirs) == 1:
        taken = [str(path) for path in given.output if path.exists()]
        hint = f"; {taken[0]} is the file to write, as -o names it" if taken else ""
        return (
            f"what is {theirs[0]} to be compared with? Name a second SCRIPT.py or TRACE.json, or "
            f"{runs}{hint}"
        )
    wanted = [name for name in theirs if Path(name).suffix in FORMATS and not Path(name).exists()]
    if wanted:
        return f"is {wanted[0]} a file to write? Then say so before the others: -o {wanted[0]}"
    return f"two builds are compared, and these are {len(theirs)} files: {', '.join(theirs)}"


def _generations(parser: Parser, given: argparse.Namespace) -> list[str]:
    from buildtrace.cli import environment

    names = _names(given.keras)
    known = keras_choices()[1:]
    for name in names:
        if name not in known:
            parser.error(f"--keras takes {' and '.join(known)}, as in --keras {','.join(known)}")
        if environment.package_of(name) is None:
            raise MissingPackageError(f"--keras {name}: {environment.missing(name)}")
    return names


def _backends(parser: Parser, given: argparse.Namespace) -> list[str]:
    from buildtrace.cli import environment

    names = _names(given.backend)
    for name in names:
        if name not in BACKENDS:
            parser.error(f"no backend {name!r}; there are {', '.join(BACKENDS)}")
        if not environment.installed(name):
            raise MissingPackageError(
                f"--backend {name}: {name} is not installed: pip install {name}"
            )
    if names and environment.major(environment.version("keras")) != 3:
        raise MissingPackageError("--backend: Keras 3, which has backends, is not installed")
    return names


# -- what comes out ---------------------------------------------------------------------------


def _compare(programs: list[LabeledProgram], only: tuple[str, ...], times: bool) -> list[Compared]:
    """Each against the first."""
    from buildtrace.cli.child_processes import traces
    from buildtrace.comparison import compare

    first, *others = traces(programs)
    comparisons = []
    for (label, program), trace in zip(programs[1:], others, strict=True):
        difference = compare(
            first,
            trace,
            only=only,
            times=times,
            # A name that differs in two runs of one program was made up by it.
            names=not same_program(programs[0].program, program),
            labels=(programs[0].label, label),
        )
        comparisons.append(Compared(first, trace, difference))
    return comparisons


def _show(comparisons: list[Compared], form: str, *, full: bool) -> None:
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.terminal import side_by_side

    with own_console(sys.stdout) as console:
        if form == "json":
            console.file.write(_json(comparisons))
            return
        for number, comparison in enumerate(comparisons):
            if number:
                console.print()
            side_by_side.render(*comparison, full=full).stream(console)


def _json(comparisons: list[Compared]) -> str:
    """One comparison, or a list of several."""
    from buildtrace.traces import wording

    texts = [comparison.difference.to_json().decode() for comparison in comparisons]
    text = texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
    return wording.visible_in_json(text) + "\n"


def _write(path: Path, comparisons: list[Compared], *, full: bool) -> None:
    from buildtrace.renderers import write

    for name, text in _files(path, comparisons, full):
        write(name, text)
        say(f"wrote {name}")


def _files(path: Path, comparisons: list[Compared], full: bool) -> Iterator[tuple[Path, str]]:
    """What to write where: a page has room for two builds only, so further ones get their own."""
    from buildtrace.renderers.terminal import side_by_side

    kind = FORMATS[path.suffix.lower()][0]
    if kind == "html":
        from buildtrace.renderers.page import lockstep

        for number, comparison in enumerate(comparisons, 1):
            name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
            yield name, lockstep.render(*comparison, full=full)
    elif kind == "json":
        yield path, _json(comparisons)
    else:
        texts = [side_by_side.to_text(*c, full=full, width=TEXT_WIDTH) for c in comparisons]
        yield path, "\n".join(texts)
