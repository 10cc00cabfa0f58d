"""`--buildtrace-check`: what is wrong with the builds of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec.structs import replace

from buildtrace import diagnosis
from buildtrace.capture.snapshot import error_info
from buildtrace.diagnosis import settings, suppress
from buildtrace.errors import BuildtraceError
from buildtrace.renderers.terminal import listing
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace


class BuildFailed(pytest.fail.Exception):  # type: ignore[name-defined, misc]
    """A test went well, but what it built did not. pytest shows the text alone."""

    __module__ = "builtins"  # as pytest's own: the summary of a run has no room for more


class Check(NamedTuple):
    """Looks for findings, as a project wants them.

    Attributes:
        settings: which ones it wants to hear of.
        folder: paths are told from there.
    """

    settings: settings.Settings
    folder: Path

    @classmethod
    def of(cls, config: pytest.Config) -> Check:
        """As the project of this run has it in its pyproject.toml.

        Raises:
            UsageError: pytest's, which ends the run with one line.
        """
        try:
            return cls(settings.read(config.rootpath), config.rootpath)
        except BuildtraceError as error:
            raise pytest.UsageError(f"--buildtrace-check: {error}") from None

    def fail(self, trace: Trace) -> None:
        """Fail the test whose builds these are, if there is a finding that is more than a note.

        The test itself went well: it expected what its builds raised.
        """
        found = [one for one in self._problems(trace) if not _was_expected(one, trace)]
        if found:
            titles = dict.fromkeys(f"{finding.code} ({finding.title})" for finding in found)
            problems = wording.count(len(found), "problem")
            head = f"{problems} in the Keras build: {wording.listed(titles, 4)}"
            raise BuildFailed(f"{head}\n\n{self._text(found)}", pytrace=False)

    def section(self, trace: Trace, error: BaseException) -> str:
        """What a report says of the builds of a test that failed by itself; "" if nothing."""
        if isinstance(error, BuildFailed):
            return ""  # it says so already
        try:
            return self._text(self._problems(replace(trace, error=error_info(error))))
        except Exception as problem:  # of a rule: pytest would end here
            return f"the diagnosis itself failed: {problem!r}"

    def _problems(self, trace: Trace) -> tuple[Finding, ...]:
        return suppress.keep(diagnosis.diagnose(trace), self.settings).problems

    def _text(self, found: Sequence[Finding]) -> str:
        return listing.text(listing.lines(found, self.folder)) if found else ""


def _was_expected(finding: Finding, trace: Trace) -> bool:
    """Whether it says why something was raised that the test has caught."""
    errors = [trace.call(call).error for call in finding.calls]
    errors += [use.error for use in trace.uses if use.caller == finding.caller]
    return any(error is not None and not error.swallowed for error in errors)
