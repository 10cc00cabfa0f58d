"""`--buildtrace-update`: says at the end which files were written, by whichever process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from buildtrace.integrations.pytest_tracing import UPDATES
from buildtrace.testing import golden
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTRIBUTE = "buildtrace_written"
"""Of a report: pytest-xdist brings it from the process that ran the test."""


class Updater:
    """Passes on what was written, and tells it."""

    def __init__(self, updates: golden.Updates) -> None:
        """Nothing was told yet."""
        self.updates = updates
        self.written: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        """Note in a report what was written since the last one."""
        report = yield
        setattr(report, ATTRIBUTE, self.updates.written[:])
        self.updates.written.clear()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect it, where the reports of all processes arrive."""
        self.written += getattr(report, ATTRIBUTE, [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say it."""
        terminalreporter.section("builds of Keras models")
        for path in sorted(self.written):
            terminalreporter.write_line(f"wrote {path}")
        if not self.written:
            terminalreporter.write_line("no file had to be written")
        else:
            terminalreporter.write_line(f"{wording.count(len(self.written), 'file')} in all")


def start(config: pytest.Config) -> None:
    """Have builds written from now on."""
    config.stash[UPDATES] = updates = golden.Updates()
    config.pluginmanager.register(Updater(updates), "buildtrace-updates")
