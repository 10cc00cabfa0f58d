"""`buildtrace merge A.json B.json …`: whether the workers of one program make the same weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.cli.attempts import Attempts
from buildtrace.cli.parser import Parser, add_files, check_comparison_file
from buildtrace.cli.streams import say
from buildtrace.cli.verbs import USAGE_ERROR, sentence
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.comparison.workers import MergedWorkers, Worker

USAGE = "buildtrace merge [OPTIONS] A.json B.json [C.json …]"

EPILOG = """\
formats:
  .txt   text   what the terminal shows
  .json  json   everything, for programs

Each worker of a distributed program writes its own trace:
  buildtrace -o trace-{rank}.json train.py
and beside it, while it runs, a journal (trace-0.json.partial) with each weight
before it is made. The journal of a worker that hangs or was killed stays, and
stands for its trace. Of one journal alone, the weights are listed.

The exit code is 0 if all workers make the same weights in the same order, 1 if
one does not, and 2 if they could not be compared."""

FORMATS = {".txt": "text", ".json": "json"}
"""Suffix of a file → the format's name."""

TEXT_WIDTH = 120


def main(arguments: Sequence[str]) -> int:
    """Compare, show, write; returns 0 if all workers do the same, else 1.

    It is 2 if that could not be shown, or not be written.

    Raises:
        UsageError: the request makes no sense.
        TraceFileError: a file cannot be read.
        OSError: a file cannot be read.
    """
    from buildtrace.comparison.workers import compare_workers

    parser = build_parser()
    given = parser.parse_args(arguments)
    if len(given.files) < 2 and not any(map(_is_journal, given.files)):
        parser.error("whose builds are to be merged? Name the traces of two workers or more")
    for path in given.output:
        check_comparison_file(parser, path, FORMATS)
    labels = _labels(given.files)
    workers = [_worker(path, label) for path, label in zip(given.files, labels, strict=True)]
    if not any(worker.makings for worker in workers):
        raise UsageError("none of these workers has made a weight: there is nothing to compare")
    merged = compare_workers(workers)
    attempts = Attempts()
    with attempts.attempt("the comparison is not shown to its end"):
        _show(merged, given.format, full=given.full)
    for path in given.output:
        with attempts.attempt(f"{path} is not written"):
            _write(path, merged, full=given.full)
    attempts.end()
    return USAGE_ERROR if attempts.failed else int(not merged.same)


def build_parser() -> Parser:
    """The parser of the verb's arguments."""
    parser = Parser(
        prog="buildtrace merge", usage=USAGE, description=sentence("merge"), epilog=EPILOG
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="A.json", help="a worker's trace")
    parser.add_argument(
        "--full", action="store_true", help="show everything, however much is the same"
    )
    parser.add_argument(
        "--format",
        choices=[*FORMATS.values()],
        default="text",
        help="the format of what goes to stdout (default: text)",
    )
    add_files(
        parser,
        "also write the comparison to a file, in the format that its suffix stands for "
        "(repeatable)",
    )
    return parser


def _labels(files: Sequence[Path]) -> list[str]:
    """What to call the workers: the names of their files, or the paths if names come twice."""
    names = [path.name for path in files]
    labels = names if len({*names}) == len(names) else [str(path) for path in files]
    if len({*labels}) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise UsageError(f"{twice} is named twice: each worker has a trace of its own")
    return labels


def _is_journal(path: Path) -> bool:
    from buildtrace.traces import journal

    return path.name.endswith(journal.SUFFIX)


def _worker(path: Path, label: str) -> Worker:
    """What a worker made, of its trace, or of its journal if there is one.

    A run that comes to its end takes its journal away. So where there is one, the trace beside it
    is of an earlier run.
    """
    from buildtrace.comparison.workers import Worker, worker_of
    from buildtrace.traces import journal, trace_file

    beside = path if _is_journal(path) else journal.beside(path)
    if not beside.is_file():
        if not path.exists():
            raise UsageError(f"there is no file {path}, and no journal {beside.name} beside it")
        return worker_of(trace_file.load(path), label)
    if path != beside and path.exists():
        say(f"{path} is of an earlier run: {beside.name} is read, which a later one has left")
    return Worker(label=label, makings=journal.load(beside), whole=False)


def _show(merged: MergedWorkers, form: str, *, full: bool) -> None:
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.terminal import merged as view

    with own_console(sys.stdout) as console:
        if form == "json":
            console.file.write(_json(merged))
        else:
            view.render(merged, full=full).stream(console)


def _json(merged: MergedWorkers) -> str:
    from buildtrace.traces import wording

    return wording.visible_in_json(merged.to_json().decode()) + "\n"


def _write(path: Path, merged: MergedWorkers, *, full: bool) -> None:
    from buildtrace.renderers import write
    from buildtrace.renderers.terminal import merged as view

    is_json = FORMATS[path.suffix.lower()] == "json"
    write(path, _json(merged) if is_json else view.to_text(merged, full=full, width=TEXT_WIDTH))
    say(f"wrote {path}")
