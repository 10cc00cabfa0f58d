"""The pytest plugin: its options, and the fixture `buildtrace`.

pytest imports this module at every start in an environment that has buildtrace, so it imports
nothing; what does the work is imported when an option or the fixture asks for it. Leave it out
altogether with `-p no:buildtrace`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from buildtrace.traces.trace import Trace


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and their like for pytest.ini and pyproject.toml."""
    group = parser.getgroup("buildtrace", "how Keras models get built")
    group.addoption(
        "--buildtrace",
        action="store_true",
        help="trace every test; one that fails inside a Keras build shows the calls down to there",
    )
    group.addoption(
        "--buildtrace-html",
        metavar="DIR",
        help="trace every test, and write an HTML report into DIR for each one that fails",
    )
    group.addoption(
        "--buildtrace-check",
        action="store_true",
        help="trace every test, and fail one whose Keras build has a finding",
    )
    group.addoption(
        "--buildtrace-update",
        action="store_true",
        help="write the builds that assert_build_matches compares with, instead of comparing",
    )
    parser.addini("buildtrace", "trace every test, as --buildtrace does", type="bool")
    parser.addini("buildtrace_check", "as --buildtrace-check", type="bool")
    parser.addini("buildtrace_html", "as --buildtrace-html; relative to the root directory")


def pytest_configure(config: pytest.Config) -> None:
    """Trace every test, if that was asked for."""
    given, folder = config.getoption("buildtrace_html"), config.getini("buildtrace_html")
    check = config.getoption("buildtrace_check") or config.getini("buildtrace_check")
    trace = config.getoption("buildtrace") or config.getini("buildtrace")
    if given or folder or check or trace:
        from buildtrace.integrations import pytest_tracing

        path = config.invocation_params.dir / given if given else None
        if folder and not given:
            path = config.rootpath / folder
        pytest_tracing.start(config, path, check=check)
    if config.getoption("buildtrace_update"):
        from buildtrace.integrations import pytest_tracing

        pytest_tracing.start_updates(config)


@pytest.fixture
def buildtrace(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[], AbstractContextManager[Trace]]]:
    """Traces the Keras models that get built in a block of the test.

    Use it as in `with buildtrace() as trace: model.build(...)`. The trace is filled when the
    block ends; `buildtrace.testing` has assertions on it.
    """
    from buildtrace.integrations import pytest_tracing

    with pytest_tracing.fixture(request) as blocks:
        yield blocks
