"""Pages in a real browser. Nothing here starts one unless a test that is marked `browser` runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import chromium
import pytest

from buildtrace import examples, renderers
from buildtrace.cli import environment
from buildtrace.cli.parser import keras_choices
from buildtrace.comparison import compare
from buildtrace.renderers.page import lockstep as lockstep_page
from buildtrace.traces import trace_file

ROOT = str(Path(__file__).parents[2])


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """What pytest-playwright starts the browser with."""
    return {"executable_path": chromium.path(), "args": chromium.ARGUMENTS}


class Report:
    """A report in the browser, and all that it did besides being shown."""

    def __init__(self, page, path):
        self.page, self.path = page, path
        self.told, self.asked, self.dialogs = [], [], []
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    @property
    def address(self):
        return self.path.as_uri()

    def open(self, fragment=""):
        self.page.goto("about:blank")
        self.page.goto(self.address + fragment)
        self.page.wait_for_selector("html[data-ready]")
        return self

    def js(self, code, argument=None):
        return self.page.evaluate(code, argument)

    def until(self, code):
        """Wait for something to be true; the page's policy forbids Playwright's own way."""
        end = time.monotonic() + 10
        while not self.js(code):
            assert time.monotonic() < end, code
            self.page.wait_for_timeout(50)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def check_quiet(self):
        """Nothing was complained of, asked for from anywhere, or run that is not ours."""
        assert self.told == []
        assert self.dialogs == []
        assert {url.split("#")[0] for url in self.asked} <= {self.address, "about:blank"}


@pytest.fixture
def opened(request, tmp_path):
    """Opens a page, made by a function of a path; at the end, sees that it did nothing unseemly."""
    pytest.importorskip("pytest_playwright", reason="pip install '.[browser]'")
    if chromium.path() is None:
        pytest.skip(chromium.MISSING)
    pages = []

    def show(make, size=(1600, 950), scripts=True, **more):
        path = tmp_path / "build.html"
        make(path)
        new = request.getfixturevalue("new_context")
        width, height = size
        context = new(
            viewport={"width": width, "height": height}, java_script_enabled=scripts, **more
        )
        shown = Report(context.new_page(), path)
        pages.append(shown)
        if scripts:
            return shown.open()
        shown.page.goto(shown.address)
        return shown

    yield show
    for shown in pages:
        shown.check_quiet()


@pytest.fixture
def report(opened):
    """Opens the report of a trace."""

    def show(trace, options=None, **more):
        return opened(lambda path: renderers.save(trace, path, options=options), **more)

    return show


@pytest.fixture
def lockstep(opened):
    """Opens the page of two traces."""

    def show(left, right, **more):
        difference = compare(left, right, labels=("before", "after"))
        page = lockstep_page.render(left, right, difference)
        return opened(lambda path: path.write_text(page, encoding="utf-8"), **more)

    return show


@pytest.fixture(scope="session")
def example_on(tmp_path_factory):
    """Gives the trace of the example on a real Keras, if that is installed, up to some text."""

    @cache
    def trace(keras, end=None):
        if environment.package_of(keras) is None:
            pytest.skip(f"Keras {keras} is not installed")
        folder = tmp_path_factory.mktemp(f"keras{keras}")
        script = folder / "mnist_mlp.py"
        script.write_text(
            Path(examples.__file__).with_name("mnist_mlp.py").read_text().partition(end or "\0")[0]
        )
        command = ["-m", "buildtrace", "--keras", keras, "-o", "build.json"]
        done = subprocess.run(
            [sys.executable, *command, str(script)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": ROOT},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return trace_file.load(folder / "build.json")

    return trace


@pytest.fixture(scope="session")
def mlp_on(example_on):
    """Gives the trace of the article's model on a real Keras: of its build alone."""
    return lambda keras: example_on(keras, "# Numbers of the same shape")


@pytest.fixture(scope="session", params=keras_choices()[1:])
def trained(request, example_on):
    """The trace of the article's model and its training."""
    return example_on(request.param)


@pytest.fixture(scope="session", params=keras_choices()[1:])
def mlp(request, mlp_on):
    """The trace of the article's model, on each generation that is installed."""
    return mlp_on(request.param)


@pytest.fixture(scope="session")
def both_mlps(mlp_on):
    """The traces of the article's model on Keras 2 and on Keras 3."""
    return mlp_on("2"), mlp_on("3")


@pytest.fixture(scope="session")
def traced(tmp_path_factory):
    """Gives the trace of a script, or of a module by its name, on Keras 3."""

    @cache
    def trace(program):
        if environment.package_of("3") is None:
            pytest.skip("Keras 3 is not installed")
        folder = tmp_path_factory.mktemp("traced")
        what = ["-m", program]
        if "\n" in program:
            (folder / "model.py").write_text(program)
            what = ["model.py"]
        done = subprocess.run(
            [sys.executable, "-m", "buildtrace", "--keras", "3", "-o", "build.json", *what],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": ROOT},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (folder / "build.json").exists(), done.stderr
        return trace_file.load(folder / "build.json")

    return trace
