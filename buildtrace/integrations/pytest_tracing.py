"""What the pytest plugin does once it is asked: traces tests, and has reports show their builds.

`Reports` is there for the fixture, and adds the build to the report of a test that fails in one.
`Tracer` does this for every test (`--buildtrace`), writes an HTML file beside each report
(`--buildtrace-html`), and with `Check` fails tests whose builds have findings
(`--buildtrace-check`). `Updater` lists the files that `assert_build_matches` wrote
(`--buildtrace-update`).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
import warnings
from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec.structs import replace

from buildtrace import diagnosis, renderers
from buildtrace.capture import Tracing, trace
from buildtrace.capture.raised import error_info
from buildtrace.diagnosis import settings, suppress
from buildtrace.errors import BuildtraceError
from buildtrace.integrations.at_start import stand_down
from buildtrace.renderers.terminal import failing, listing
from buildtrace.renderers.text.lines import Lines
from buildtrace.testing import golden
from buildtrace.testing.messages import folded, part_with
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from buildtrace.traces.schema import Call, ErrorInfo, Finding
    from buildtrace.traces.trace import Trace

NAME = "buildtrace-reports"

TOGETHER = 50
"""The hooks stay in Keras for so many tests: to put them in takes longer than a small test. Then
all is let go that was noted of the layers of these tests."""

TITLE = "Keras build"
FINDINGS = "Keras build: findings"

SUFFIX = ".html"

LONGEST_NAME = 120
"""A file's name may have 255 bytes; who runs in deep folders has less."""

_blocks = pytest.StashKey["Blocks"]()
UPDATES = pytest.StashKey[golden.Updates]()
"""Where the session notes which builds were written, if they are to be."""


class Block:
    """What `buildtrace()` gives: traces while a `with` block of a test runs."""

    def __init__(self) -> None:
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
        opened: the blocks of this test.
    """

    def __init__(self) -> None:
        self.opened: list[Block] = []

    def __call__(self) -> AbstractContextManager[Trace]:
        """One more block."""
        self.opened.append(Block())
        return self.opened[-1]

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
        for block in reversed(blocks.opened if blocks else []):
            if block.trace is not None and (text := section(block.trace, error)):
                report.sections.append((TITLE, text))
                return


class Tracer(Reports):
    """Traces every test, its fixtures included.

    Attributes:
        folder: where HTML reports go, if there are to be any.
        check: says what is wrong with builds, if a test is to fail for that.
    """

    def __init__(self, folder: Path | None, check: Check | None = None) -> None:
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
        text = section(trace, error)
        if self.folder is not None and trace.calls:
            path = self.folder / file_name(item.nodeid, report.when)
            text += save(trace, error, path)
        if self.check is not None and (findings := self.check.section(trace, error)):
            report.sections.append((FINDINGS, findings))
        if text:
            notes = "".join(f"note: {note}\n" for note in self.notes)
            report.sections.append((TITLE, text + notes))

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
        check_folder(folder)
        config.option.buildtrace_html = str(folder)  # absolute, for the processes of xdist
    stand_down()
    config.pluginmanager.register(Tracer(folder, Check.of(config) if check else None), NAME)


# -- what a report says ---------------------------------------------------------------------------


def section(trace: Trace, error: BaseException) -> str:
    """The tree down to the call that failed, and below it what the command says of a failure.

    It is "" if the error did not come out of a build.
    """
    root, info = _left_by(trace, error)
    if root is None:
        return ""
    part = part_with(trace, {root.id})
    tree = renderers.excerpt(part, folded(part, set())).strip("\n")
    before = sum(1 for call in trace.roots if call.start_ns < root.start_ns)
    lines = [wording.versions(trace), "", tree]
    if before:
        verb = "is" if before == 1 else "are"
        lines += ["", f"{wording.count(before, 'earlier call')} {verb} not shown"]
    until = (call for call in trace.calls if trace.index.root(call).start_ns <= root.start_ns)
    ended = replace(trace, error=info, calls=tuple(until))  # what failed later was caught
    ending = Lines(lambda width: failing.lines(ended, width))
    return "\n".join(lines) + "\n" + renderers.plain(ending.stream, None)


def _left_by(trace: Trace, error: BaseException) -> tuple[Call | None, ErrorInfo | None]:
    """The last outermost call that this error, or one that it was made of, came out of."""
    errors = {(info.type, info.message): info for info in map(error_info, _chain(error))}
    for root in reversed(trace.roots):
        if root.error and (info := errors.get((root.error.type, root.error.message))):
            return root, info
    return None, None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was made of."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and current not in seen:
            seen.append(current)
            yield current
            hidden = current.__suppress_context__
            waiting += [current.__cause__, None if hidden else current.__context__]
            waiting += getattr(current, "exceptions", ())  # of a group


# -- HTML files -----------------------------------------------------------------------------------


def check_folder(folder: Path) -> None:
    """Make the folder if it is not there, and see that files can be written into it.

    Raises:
        UsageError: pytest's, which ends the run with one line.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # asking for permission is not reliable
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"--buildtrace-html: cannot write into {folder}: {reason}"
        raise pytest.UsageError(wording.sanitize_long(message)) from None


def file_name(nodeid: str, when: str | None) -> str:
    """A name for the report of a test: readable, good on every system, and no other test's."""
    name = nodeid if when in (None, "call") else f"{nodeid} {when}"
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", name.replace("/", "-").replace(".py::", "::"))
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{readable[:LONGEST_NAME].strip('-.')}-{digest}{SUFFIX}"


def save(trace: Trace, error: BaseException, path: Path) -> str:
    """Write the trace of a failed test; returns the line that says so, or why it could not be."""
    try:
        replace(trace, error=error_info(error)).save(path)
    except (BuildtraceError, OSError) as problem:
        return wording.sanitize_long(f"cannot write {path}: {problem}") + "\n"
    return wording.sanitize_long(f"report: {path}") + "\n"


# -- findings -------------------------------------------------------------------------------------


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
        problems = [f for f in self._problems(trace) if not _was_expected(f, trace)]
        if problems:
            titles = dict.fromkeys(f"{finding.code} ({finding.title})" for finding in problems)
            number = wording.count(len(problems), "problem")
            head = f"{number} in the Keras build: {wording.listed(titles, 4)}"
            raise BuildFailed(f"{head}\n\n{self._text(problems)}", pytrace=False)

    def section(self, trace: Trace, error: BaseException) -> str:
        """What a report says of the builds of a test that failed by itself; "" if nothing."""
        if isinstance(error, BuildFailed):
            return ""  # it says so already
        try:
            return self._text(self._problems(replace(trace, error=error_info(error))))
        except Exception as problem:  # of a rule: pytest would end here
            return f"the diagnosis itself failed: {problem!r}"

    def _problems(self, trace: Trace) -> tuple[Finding, ...]:
        found = diagnosis.diagnose(trace)
        return suppress.keep(found, trace.index.source_code, self.settings).problems

    def _text(self, findings: Sequence[Finding]) -> str:
        return listing.text(listing.lines(findings, self.folder)) if findings else ""


def _was_expected(finding: Finding, trace: Trace) -> bool:
    """Whether it says why something was raised that the test has caught."""
    errors = [trace.call(call).error for call in finding.calls]
    errors += [use.error for use in trace.uses if use.caller == finding.caller]
    return any(error is not None and not error.swallowed for error in errors)


# -- builds in files ------------------------------------------------------------------------------


ATTRIBUTE = "buildtrace_written"
"""Of a report: pytest-xdist brings it from the process that ran the test."""


class Updater:
    """Collects which files were written, by whichever process, and lists them at the end."""

    def __init__(self, updates: golden.Updates) -> None:
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
        """Collect what was written, where the reports of all processes arrive."""
        self.written += getattr(report, ATTRIBUTE, [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the files."""
        terminalreporter.section("builds of Keras models")
        for path in sorted(self.written):
            terminalreporter.write_line(f"wrote {path}")
        if not self.written:
            terminalreporter.write_line("no file had to be written")
        else:
            terminalreporter.write_line(f"{wording.count(len(self.written), 'file')} in all")


def start_updates(config: pytest.Config) -> None:
    """Have builds written from now on."""
    config.stash[UPDATES] = updates = golden.Updates()
    config.pluginmanager.register(Updater(updates), "buildtrace-updates")
