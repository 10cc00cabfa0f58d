"""The baseline: a file of findings that are known, so that only new ones are reported.

Lines may move: a finding is known by its rule, its file and the text of its line. A script that
fails, or does not end, is known by how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from buildtrace.cli.check_result import FAILURE
from buildtrace.cli.streams import say
from buildtrace.diagnosis.fingerprints import digest, fingerprints, relative
from buildtrace.errors import UsageError
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from buildtrace.cli.check_result import CheckResult
    from buildtrace.traces.failures import Failure
    from buildtrace.traces.schema import Finding

FORMAT, VERSION = "buildtrace-baseline", 1

MOST_BYTES = 50_000_000

UPDATE = "--update-baseline"


class KnownFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, or a failure, that is not to be reported.

    Attributes:
        code: of its rule; `FAILURE` for a script that failed.
        file: where it is, from the baseline's folder on.
        text: what stands in its line, or else what it says: for people.
        script: what was run when it was found; another one may find it as well.
        fingerprint: what it is known by.
    """

    code: str
    file: str
    text: str
    script: str
    fingerprint: str


class _BaselineFile(msgspec.Struct, kw_only=True):
    format: str = FORMAT
    version: int = VERSION
    findings: list[KnownFinding] = []


class Baseline(NamedTuple):
    """A baseline as it was before anything ran.

    Attributes:
        path: the file.
        known: what is in it.
        update: whether it is to be written anew.
        all_rules: whether all rules were asked; if not, what was not found is not gone.
    """

    path: Path
    known: list[KnownFinding]
    update: bool = False
    all_rules: bool = True

    def take_out(self, results: Sequence[CheckResult]) -> list[CheckResult]:
        """The results without what is known; the file is brought up to date if that is asked.

        Raises:
            OSError: it cannot be written.
        """
        found = compared(results, self.known, self.path.parent)
        if not self.all_rules:
            found = found._replace(gone=[])
        _tell(self.path, found, update=self.update)
        if self.update:  # all of it is known now
            return compared(results, [*found.known, *found.new], self.path.parent).results
        return found.results


class BesideBaseline(NamedTuple):
    """Results beside a baseline.

    Attributes:
        results: without the findings that are in it.
        known: all that is in it and was found, or may still be there.
        new: what was found and is not in it.
        gone: what is in it, and was not found again by a script that came to its end.
    """

    results: list[CheckResult]
    known: list[KnownFinding]
    new: list[KnownFinding]
    gone: list[KnownFinding]


def beside(baseline: Baseline | None, results: list[CheckResult]) -> list[CheckResult]:
    """The results without what is in the baseline, if there is one.

    Raises:
        OSError: it was to be written, and cannot be.
    """
    return baseline.take_out(results) if baseline else results


def read(path: Path, *, may_miss: bool = False) -> list[KnownFinding]:
    """What is in a baseline.

    Args:
        path: the file.
        may_miss: nothing is in one that there is not.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is too large for a baseline")
        known = msgspec.json.decode(path.read_bytes(), type=_BaselineFile)
    except FileNotFoundError:
        if may_miss:
            return []
        raise UsageError(f"there is no baseline {path}: {UPDATE} writes it") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or other fields
        raise UsageError(f"{path} is no baseline of buildtrace: {error}") from error
    if known.format != FORMAT:
        raise UsageError(f"{path} is no baseline of buildtrace")
    if known.version > VERSION:
        raise UsageError(f"{path} was written by a newer buildtrace: update this one")
    return known.findings


def compared(
    results: Iterable[CheckResult], baseline: Iterable[KnownFinding], folder: Path
) -> BesideBaseline:
    """Take the known findings out of results.

    Args:
        results: of scripts, in any number.
        baseline: what is known.
        folder: the baseline's: files are named from there on.
    """
    baseline, results = [*baseline], [*results]
    known_by = {one.fingerprint for one in baseline}
    new: list[KnownFinding] = []
    left: list[CheckResult] = []
    seen: set[str] = set()
    ended = {_script(result, folder) for result in results if result.complete}
    entries = _entries(results, folder)
    for number, result in enumerate(results):
        known: list[Finding] = []
        kept: list[Finding] = []
        for finding, entry in entries[number]:
            seen.add(entry.fingerprint)
            is_known = entry.fingerprint in known_by
            (known if is_known else kept).append(finding)
            new += [] if is_known else [entry]
        result = result._replace(
            kept=result.kept._replace(findings=tuple(kept)), known=tuple(known)
        )
        if failure := result.failure:
            entry = _of_failure(result, failure, folder)
            seen.add(entry.fingerprint)
            is_known = entry.fingerprint in known_by
            result = result._replace(failure_known=is_known)
            new += [] if is_known else [entry]
        left.append(result)
    gone = [e for e in baseline if e.fingerprint not in seen and e.script in ended]
    lost = {*gone}  # a list would take long to look through, for each of many
    return BesideBaseline(left, [entry for entry in baseline if entry not in lost], new, gone)


def write(path: Path, findings: Iterable[KnownFinding]) -> None:
    """Write a baseline, in an order that makes small changes small ones in the file.

    Raises:
        OSError: it cannot be written.
    """
    from buildtrace.renderers import write as write_text

    in_order = sorted({*findings}, key=lambda one: (one.file, one.code, one.text, one.fingerprint))
    text = msgspec.json.encode(_BaselineFile(findings=in_order))
    write_text(path, msgspec.json.format(text, indent=2).decode() + "\n")


def _tell(path: Path, found: BesideBaseline, *, update: bool) -> None:
    """Say on stderr what has come of a baseline, after it is written if that is asked for.

    Raises:
        OSError: it cannot be written.
    """
    if update:
        write(path, [*found.known, *found.new])
        parts = [f"{len(found.known) + len(found.new):,} known", f"{len(found.new):,} new"]
        say(f"wrote {path}: {', '.join([*parts, f'{len(found.gone):,} gone'])}")
    elif found.gone:
        count = wording.count(len(found.gone), "finding")
        verb = "is" if len(found.gone) == 1 else "are"
        say(f"{count} of the baseline {verb} gone: {UPDATE} takes them out")


def _entries(
    results: Sequence[CheckResult], folder: Path
) -> list[list[tuple[Finding, KnownFinding]]]:
    """The findings of each result, with what they would be in a baseline."""
    pairs = [
        (finding, result.trace.index.source_code)
        for result in results
        for finding in result.kept.findings
    ]
    made = iter(fingerprints(pairs, folder))
    return [
        [(finding, _of_finding(result, finding, next(made), folder)) for finding in kept]
        for result in results
        for kept in [result.kept.findings]
    ]


def _of_finding(
    result: CheckResult, finding: Finding, fingerprint: str, folder: Path
) -> KnownFinding:
    line, script = finding.caller, _script(result, folder)
    return KnownFinding(
        code=finding.code,
        file=relative(line.file, folder) if line else script,
        text=result.trace.index.source_code.line(line).strip() if line else finding.message,
        script=script,
        fingerprint=fingerprint,
    )


def _of_failure(result: CheckResult, failure: Failure, folder: Path) -> KnownFinding:
    """The failure of a script; where one was when its time was over is a matter of chance."""
    script = _script(result, folder)
    line = failure.place if result.ended is None else None
    text = result.trace.index.source_code.line(line).strip() if line else failure.error.type
    return KnownFinding(
        code=FAILURE,
        file=relative(line.file, folder) if line else script,
        text=text,
        script=script,
        fingerprint=digest(FAILURE, script, failure.error.type, " ".join(text.split())),
    )


def _script(result: CheckResult, folder: Path) -> str:
    path = result.folder / result.target
    return relative(str(path), folder) if path.is_file() else result.target
