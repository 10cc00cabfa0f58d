"""Where a Chromium is, and how it is started: headless, offline, with a profile of its own."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import contextmanager

import pytest

VARIABLE = "BUILDTRACE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = f"no Chromium: none of {', '.join(NAMES)} is on the path, and {VARIABLE} is not set"

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READS_FILES = "--allow-file-access-from-files"


def path() -> str | None:
    """The browser's executable, if there is one."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture
def new_page(request):
    """Opens a page, whose errors fail the test; skips the test where there is no browser.

    It may read files: the viewers of other tools that are tried here come as folders.
    """
    pytest.importorskip("pytest_playwright", reason="pip install '.[browser]'")
    if path() is None:
        pytest.skip(MISSING)
    # The one that all tests share: a process can have no second one beside it.
    driver = request.getfixturevalue("playwright")

    @contextmanager
    def new(width=1400, height=800, **options):
        errors = []
        browser = driver.chromium.launch(executable_path=path(), args=[*ARGUMENTS, READS_FILES])
        try:
            page = browser.new_page(viewport={"width": width, "height": height}, **options)
            page.on("pageerror", lambda error: errors.append(str(error)))
            yield page
        finally:
            browser.close()
        assert errors == []

    return new


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
