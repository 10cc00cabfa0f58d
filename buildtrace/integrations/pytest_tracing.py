"""What the pytest plugin does once it is asked: traces tests, and has reports show the build."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

import pytest

from buildtrace.capture import Tracing, trace
from buildtrace.integrations import pytest_reports
from buildtrace.testing import golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from buildtrace.integrations.pytest_check import Check
    from buildtrace.traces.trace import Trace

NAME = "buildtrace-reports"

TOGETHER = 50
"""The hooks stay in Keras for so many tests: to put them in takes longer than a small test. Then
all is let go that was noted of the layers of these tests."""

_blocks = pytest.StashKey["Blocks"]()
UPDATES = pytest.StashKey[golden.Updates]()
"""Where the session notes which builds were written, if they are to be."""


class Block:
    """What `buildtrace()` gives: traces while a `with` block of a test runs."""

    def __init__(self) -> None:
        """Not started yet."""
        self.trace: Trace | None = None
        self._manager = trace()

    def __enter__(self) -> Trace:
        """Begin; the trace is filled at the end."""
        __tracebackhide__ = True
        self.trace = self._manager.__enter__()
        return self.trace

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; an exception goes on."""
        __tracebackhide__ = True
        self._manager.__exit__(kind, error, traceback)


class Blocks:
    """The fixture's value: each call of it is a block.

    Attributes:
        made: the blocks of this test.
    """

    def __init__(self) -> None:
        """With no block yet."""
        self.made: list[Block] = []

    def __call__(self) -> AbstractContextManager[Trace]:
        """One more block."""
        self.made.append(Block())
        return self.made[-1]

    def __repr__(self) -> str:
        return "<fixture buildtrace>"


@contextlib.contextmanager
def fixture(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[], AbstractContextManager[Trace]]]:
    """The fixture `buildtrace` of one test."""
    config, item = request.config, request.node
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(Reports(), NAME)
    test = golden.Test(
        module=item.path,
        root=config.rootpath,
        updates=config.stash.get(UPDATES, None),
    )
    item.stash[_blocks] = blocks = Blocks()
    try:
        with golden.running(test):
            yield blocks
    finally:
        del item.stash[_blocks]  # pytest keeps the item to its end


class Reports:
    """Adds the build to the reports of tests that fail inside one, under the fixture."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Look at a report after all others made it what it is."""
        report: pytest.TestReport = yield  # type: ignore[assignment]
        if report.failed and call.excinfo is not None:
            self.add(item, call.excinfo.value, report)
        return report  # type: ignore[return-value]

    def add(self, item: pytest.Item, error: BaseException, report: pytest.TestReport) -> None:
        """Add a section, if the error came out of a build."""
        blocks = item.stash.get(_blocks, None)
        for block in reversed(blocks.made if blocks else []):
            if block.trace is not None and (text := pytest_reports.section(block.trace, error)):
                report.sections.append((pytest_reports.TITLE, text))
                return


class Tracer(Reports):
    """Traces every test, its fixtures included.

    Attributes:
        folder: where HTML reports go, if there are to be any.
        check: says what is wrong with builds, if a test is to fail for that.
    """

    def __init__(self, folder: Path | None, check: Check | None = None) -> None:
        """Nothing is traced yet."""
        self.folder = folder
        self.check = check
        self.tracing: Tracing | None = None
        self.notes: dict[str, None] = {}
        self._earlier: Tracing | None = None
        self._tests = 0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Trace from before a test's first fixture until after the last one's end."""
        self.tracing = Tracing()
        with self._noting():
            self.tracing.start()
        self._stop_earlier()
        try:
            return (yield)
        finally:
            self._tests += 1
            self._earlier, self.tracing = self.tracing, None
            if self._tests % TOGETHER == 0:
                self._stop_earlier()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Fail a test that went well, if its build did not."""
        yield
        if self.check is not None and self.tracing is not None:
            self.check.fail(self.tracing.snapshot())

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Trace no more."""
        self._stop_earlier()

    def _stop_earlier(self) -> None:
        if self._earlier is not None:
            with self._noting():
                self._earlier.stop()
            self._earlier = None

    def add(self, item: pytest.Item, error: BaseException, report: pytest.TestReport) -> None:
        """Add a section, and write the report that was asked for."""
        if self.tracing is None:
            super().add(item, error, report)
            return
        trace = self.tracing.snapshot()
        text = pytest_reports.section(trace, error)
        if self.folder is not None and trace.calls:
            path = self.folder / pytest_reports.file_name(item.nodeid, report.when)
            text += pytest_reports.save(trace, error, path)
        if self.check is not None and (found := self.check.section(trace, error)):
            report.sections.append((pytest_reports.FINDINGS, found))
        if text:
            notes = "".join(f"note: {note}\n" for note in self.notes)
            report.sections.append((pytest_reports.TITLE, text + notes))

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Our own warnings belong to no test, and must not end one where they are errors."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        self.notes |= {str(warning.message): None for warning in caught}


def start(config: pytest.Config, folder: Path | None, *, check: bool = False) -> None:
    """Trace every test from now on.

    Args:
        config: of this run.
        folder: where HTML reports go, if there are to be any.
        check: whether a test fails whose build has a finding.

    Raises:
        UsageError: pytest's; nothing can be written into the folder, or the project's settings
            make no sense.
    """
    if folder is not None:
        pytest_reports.check_folder(folder)
        config.option.buildtrace_html = str(folder)  # absolute, for the processes of xdist
    config.pluginmanager.register(Tracer(folder, _check(config) if check else None), NAME)


def _check(config: pytest.Config) -> Check:
    from buildtrace.integrations.pytest_check import Check

    return Check.of(config)
