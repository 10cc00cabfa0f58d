"""The report of a check of several scripts: one list of all files, and what was not run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.check_formats import FORMATS, FileNote, Summary
from buildtrace.cli.check_result import FAILURE, CheckResult
from buildtrace.cli.streams import own_output, say
from buildtrace.diagnosis.suppress import Kept
from buildtrace.traces import wording
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.repository.file_roles import Role
    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.failures import Failure
    from buildtrace.traces.schema import Finding


class SeveralReport(NamedTuple):
    """What is told of a check of several scripts.

    Attributes:
        results: of each script that ran, by the names of their files.
        outputs: script → the last that it printed, of those that did not come to their end.
        roles: the files that are not to be run.
        left: the scripts that an interrupt has kept from running.
        cached: how many results are those of earlier runs.
        files: how many files were looked at.
        folder: paths are shown from there.
        concise: leave the remedies out.
    """

    results: list[CheckResult]
    outputs: dict[str, tuple[str, ...]]
    roles: list[Role]
    left: list[Path]
    cached: int
    files: int
    folder: Path
    concise: bool

    @property
    def is_complete(self) -> bool:
        """Whether all that was to run came to its end, or failed of what is told or known."""
        return not self.left and all(result.is_fine for result in self.results)

    def notes(self) -> list[FileNote]:
        """The files that were not run, by their names."""
        from buildtrace.renderers.terminal import listing

        notes = [
            FileNote(listing.path_in(self.folder, str(one.path)), one.why_not, "note")
            for one in self.roles
        ]
        notes += [
            FileNote(listing.path_in(self.folder, str(path)), "has not run", "error")
            for path in self.left
        ]
        return sorted(notes)


def deliver(
    report: SeveralReport, request: CheckRequest, stdout: TextIO | None, attempts: Attempts
) -> None:
    """Print the report, and write each file that can be."""
    from buildtrace.renderers import write

    with attempts.attempt("the findings are not printed to their end"):
        _print(report, request.format, stdout)
    for path, form in request.files.items():
        with attempts.attempt(f"{path} is not written"):
            write(path, _rendered(report, form))
            say(f"wrote {path}")


def _print(report: SeveralReport, form: str, stdout: TextIO | None) -> None:
    if form != "text":
        with own_output(stdout) as stream:
            stream.write(_rendered(report, form))
        for line in [*_not_run(report), *totals(report)]:
            say(line)
        return
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.text.lines import Lines

    with own_console(sys.stdout) as console:
        Lines(lambda width: text_lines(report, width)).stream(console)


def _rendered(report: SeveralReport, name: str) -> str:
    form = FORMATS[name]
    if name == "text":
        from buildtrace.renderers import PLAIN_WIDTH
        from buildtrace.renderers.terminal import listing

        return listing.text(text_lines(report, PLAIN_WIDTH)) + "\n"
    texts = [
        form.render(result) for result in report.results if result.kept.findings or result.failure
    ]
    nothing = CheckResult(
        kept=Kept(()),
        trace=Trace(),
        folder=report.folder,
        target="",
        complete=report.is_complete,
        failure_known=True,  # whatever there was is told in another one
        files=report.files,
    )
    return form.join(texts, Summary(totals(report), report.notes(), form.render(nothing)))


# -- as text --------------------------------------------------------------------------------------


def text_lines(report: SeveralReport, width: int) -> Iterator[Line]:
    """The findings of all files by place, the failures, what was not run, and the sum."""
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part

    findings = _in_order(report)
    yield from _findings(findings, report)
    for result in report.results:
        if failure := result.failure:
            yield from _failure(result, failure, report, width)
    if not_run := _not_run(report):
        yield [Part("Not run:", styles.NAME)]
        yield from ([Part(f"  {line}", styles.QUIET)] for line in not_run)
        yield []
    first, *more = totals(report)
    yield [Part(first, styles.NAME)]
    yield from ([Part(line, styles.QUIET)] for line in more)
    if findings and not report.concise:
        codes = dict.fromkeys(finding.code for _, finding in findings)
        yield [Part(f"`buildtrace explain {' '.join(codes)}` says why.", styles.QUIET)]


def _in_order(report: SeveralReport) -> list[tuple[CheckResult, Finding]]:
    from buildtrace.renderers.terminal import listing

    def place(pair: tuple[CheckResult, Finding]) -> tuple[str, int, str]:
        result, finding = pair
        line = finding.caller
        if line is None:
            return result.target, 0, finding.code
        return listing.path_in(report.folder, line.file), line.line, finding.code

    pairs = [(result, finding) for result in report.results for finding in result.kept.findings]
    return sorted(pairs, key=place)


def _findings(pairs: list[tuple[CheckResult, Finding]], report: SeveralReport) -> Iterator[Line]:
    from itertools import groupby

    from buildtrace.renderers.terminal import listing

    # Of a finding without a line, the script is named.
    for target, group in groupby(pairs, lambda pair: "" if pair[1].caller else pair[0].target):
        findings = [finding for _, finding in group]
        if report.concise:
            yield from (listing.headline(one, report.folder, target) for one in findings)
        else:
            yield from listing.lines(findings, report.folder, target)


def _failure(
    result: CheckResult, failure: Failure, report: SeveralReport, width: int
) -> Iterator[Line]:
    """A script that failed, in a line as a finding has one; then what is known of the reason."""
    from buildtrace.renderers.terminal import failing, listing
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part

    place = failure.place
    where = result.target
    if place is not None:
        where = f"{listing.path_in(report.folder, place.file)}:{place.line}"
    by = "" if where.startswith(f"{result.target}:") else f" It was reached from {result.target}."
    said = wording.essence(failure.error)[0] if result.ended is None else failure.error.message
    yield [
        Part(wording.sanitize_long(f"{where}: "), styles.NAME),
        Part(f"{FAILURE} error: ", styles.SEVERITY["error"]),
        Part(wording.sanitize_long(f"{said}{by}")),
    ]
    if report.concise:
        return
    if failure.call is not None:
        lines = failing.lines(result.trace, width - 2, failure)
        yield from ([Part("  "), *line] if line else line for line in lines)
    for line in report.outputs.get(str(result.folder / result.target), ()):
        yield [Part(f"  | {wording.sanitize_long(line)}", styles.QUIET)]
    yield []


def _not_run(report: SeveralReport) -> list[str]:
    notes = report.notes()
    width = max((len(note.file) for note in notes), default=0)
    return [wording.sanitize_long(f"{note.file:{min(width, 40)}}  {note.text}") for note in notes]


def totals(report: SeveralReport) -> list[str]:
    """How much was found in how much: the last lines."""
    results = report.results
    problems = sum(len(result.kept.problems) for result in results)
    notes = sum(result.kept.notes for result in results)
    ignored = sum(result.kept.ignored for result in results)
    known = sum(len(result.known) + result.failure_known for result in results)
    failed = sum(not result.is_fine for result in results)
    models = sum(len(result.trace.index.graphs_of_models) for result in results)
    more = [wording.count(notes, "note")] if notes else []
    more += [f"{ignored:,} ignored"] if ignored else []
    more += [f"{known:,} in the baseline"] if known else []
    found = f"Found {wording.count(problems, 'problem')}" if problems else "No problems found"
    found += f" ({', '.join(more)})" if more else ""
    scripts = wording.count(len(results), "script")
    lines = [
        f"{found} in {scripts} of {wording.count(report.files, 'file')}, with "
        f"{wording.count(models, 'model')}"
    ]
    if failed:
        lines.append(f"{wording.count(failed, 'script')} failed, or did not end")
    if report.cached:
        lines.append(f"{wording.count(report.cached, 'result')} of earlier runs, unchanged since")
    return lines
