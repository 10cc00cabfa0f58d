"""The versions of Python, TensorFlow and Keras that the tests run on: `nox`, one session a row.

`package` builds the distributions first, and checks them: each row installs a wheel, and runs the
tests that the sdist has, where there is no package beside them.

Every row has a virtual environment of its own, and `nox --parallel 3` runs three of them at a time.
It runs the tests of what depends on these versions: the fast ones, and those that are left out of a
plain `pytest` only because there are so many. `nox -- --slice 2/6` runs one of six parts of it:
every other row, because to set one up takes as long as many tests, and a third of each of these.

`nox --list` shows the rows, `nox -s "versions(jax)"` runs one, `nox -s summary` prints what came
out of those that ran: which versions were installed, and how many tests passed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import nox

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.sessions = ["versions", "summary"]
nox.options.error_on_missing_interpreters = False  # the summary says so instead

RESULTS = Path(os.environ.get("NOX_RESULTS", ".nox/results")).resolve()
BUILT = Path(".nox/built").resolve()
UNPACKED = BUILT / "unpacked"
"""What the sdist holds, but for what is in the wheel."""

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
BUILD_SYSTEM = nox.project.load_toml("pyproject.toml")["build-system"]
SHOWN = ("keras", "tf_keras", "tensorflow", "jax", "torch")

OF_THE_VERSIONS = (
    "tests/abstract",
    "tests/capture",
    "tests/diagnosis/test_backends.py",
    "tests/files/test_models.py",
    "tests/planning/test_reality.py",
    "tests/testing/test_round_trip.py",
    "tests/examples",
    "tests/cli/test_real_keras.py",
)
"""What depends on Keras' version or on Python's: frames, tracebacks, signatures, recursion."""

INSTALLED = "tests/test_installed.py"
"""What a user does first with an installed package."""

OF_PYTHON = (
    *(
        f"tests/capture/test_{name}.py"
        for name in (
            "witness",
            "faithful_errors",
            "faithful_inspection",
            "faithful_process",
            "faithful_warnings",
            "left_behind",
            "callers",
            "raised_at",
            "recorder_faults",
        )
    ),
    "tests/examples",
    "tests/cli/test_real_keras.py",
)
"""Of these, what depends on the version of Python most."""

OF_THE_SYSTEM = ("forks", "interrupted_builds", "interrupts", "odd_objects", "overlaps")
"""Modules of tests/capture that depend on the operating system more than on these versions."""


class Row(NamedTuple):
    """A row of the matrix.

    Attributes:
        packages: what is installed in the place of buildtrace's own `tensorflow` and `tf_keras`.
        python: version of the interpreter; where that is not installed, it is the one at hand.
        by_pip: packages too, for what uv does not look up in the folders that pip is told of.
        oldest: buildtrace's other dependencies are the oldest that it allows.
        tests: what is run.
    """

    name: str
    packages: tuple[str, ...] = ()
    python: str = "3.11"
    by_pip: tuple[str, ...] = ()
    oldest: bool = False
    tests: tuple[str, ...] = OF_THE_VERSIONS

    @property
    def distribution(self) -> str:
        """What is installed: the one that brings TensorFlow, or the other."""
        has_it = any(package.startswith("tensorflow") for package in self.packages)
        return "buildtrace" if has_it else "buildtrace_core"


# Every other row runs at a time: each half has all Pythons, and older ones of both generations.
ROWS = (
    Row("tensorflow-2.13", ("tensorflow==2.13.1",), oldest=True),  # Keras 2 only
    Row("tensorflow-2.15", ("tensorflow==2.15.1",)),
    Row("keras-3.2", ("tensorflow==2.16.2", "keras==3.2.1"), "3.12"),  # Keras 3 only
    Row("keras-3.3", ("tensorflow==2.16.2", "keras==3.3.3", "tf_keras==2.16.0"), "3.10"),
    Row("keras-3.10", ("tensorflow==2.20.0", "keras==3.10.0", "tf_keras==2.20.1"), "3.13"),
    Row("jax", ("keras", "jax"), "3.12"),
    Row("torch", ("keras",), by_pip=("torch==2.13.0",)),
    Row("newest", ("tensorflow", "tf_keras"), "3.13"),
    Row("python-3.10", ("tensorflow", "tf_keras"), "3.10", tests=OF_PYTHON),
)

# pyenv's interpreters need not be activated to be found.
PYENV = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
os.environ["PATH"] = os.pathsep.join(
    [*map(str, sorted(PYENV.glob("versions/3.*/bin"))), os.environ["PATH"]]
)


def _python_of(row: Row) -> str | None:
    """The interpreter for nox to look for; None is the one that runs nox."""
    return row.python if shutil.which(f"python{row.python}") else None


@nox.session
def package(session: nox.Session) -> None:
    """Build the sdist and both wheels, check them, and try the smaller one where no Keras is."""
    session.install("build", "twine", "check-wheel-contents", *BUILD_SYSTEM["requires"])
    shutil.rmtree(BUILT, ignore_errors=True)
    _build(session, Path(), BUILT)
    (sdist,), wheels = BUILT.glob("*.tar.gz"), sorted(map(str, BUILT.glob("*.whl")))
    shutil.unpack_archive(sdist, UNPACKED, filter="data")
    (folder,) = UNPACKED.iterdir()
    _build(session, folder, BUILT / "again")
    session.run("python", "tests/distributions.py", str(BUILT), str(BUILT / "again"))
    session.run("twine", "check", "--strict", str(sdist), *wheels)
    session.run("check-wheel-contents", *wheels)
    shutil.rmtree(folder / "buildtrace")
    session.install(str(_wheel("buildtrace_core")), *_test_tools())
    session.chdir(folder)
    session.run("pytest", "-q", "-n", "0", "-m", "slow or not slow", INSTALLED)


def _build(session: nox.Session, project: Path, folder: Path) -> None:
    """Build all distributions of a source tree, without an environment for each of them."""
    build = ("python", "-m", "build", "--no-isolation", "--outdir", str(folder))
    session.run(*build, "--sdist", "--wheel", str(project), silent=True)
    session.run(*build, "--wheel", str(project / "core"), silent=True)


def _wheel(distribution: str) -> Path:
    (wheel,) = BUILT.glob(f"{distribution}-*.whl")
    return wheel


@nox.session(allow_parallel=True, requires=["package"])
@nox.parametrize(("python", "row"), [nox.param(_python_of(row), row, id=row.name) for row in ROWS])
def versions(session: nox.Session, row: Row) -> None:
    """Run what depends on these versions, with the installed package."""
    if (part := _part(row, session.posargs)) is None:
        session.skip("it is not in this part")
    RESULTS.mkdir(parents=True, exist_ok=True)
    tests, result = RESULTS / f"{row.name}.xml", RESULTS / f"{row.name}.json"
    tests.unlink(missing_ok=True)
    outcome = {"python": row.python, "installed": {}, **_counts(tests)}
    try:
        if row.by_pip:
            session.install("pip")
            session.run_install("python", "-m", "pip", "install", "--quiet", *row.by_pip)
        session.install(*row.packages, *_dependencies(oldest=row.oldest), *_test_tools())
        # What buildtrace-core asks for is there, or it asks for more than buildtrace does.
        alone = [] if row.distribution == "buildtrace_core" else ["--no-deps"]
        session.install(*alone, str(_wheel(row.distribution)))
        outcome |= {"python": _python(session), "installed": _installed(session)}
        session.chdir(next(UNPACKED.iterdir()))
        session.run("pytest", "-q", "-n", "0", "-m", "slow or not slow", INSTALLED)
        ignored = [f"--ignore=tests/capture/test_{name}.py" for name in OF_THE_SYSTEM]
        chosen = ["-m", "not slow or rest", *part, *ignored]
        session.run("pytest", "-q", "-n", "0", f"--junitxml={tests}", *chosen, *row.tests)
    finally:
        result.write_text(json.dumps(outcome | _counts(tests)))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of the docs, strict and offline: build/docs/site/index.html."""
    session.install(*PROJECT["optional-dependencies"]["docs"])
    session.run("python", "tests/docs_site.py")


@nox.session(python=False)
def summary(session: nox.Session) -> None:
    """Print the table of the rows that ran."""
    print("| row | Python | versions | passed | failed | skipped |\n|---|---|---|---|---|---|")
    for row in ROWS:
        if _part(row, session.posargs) is None:
            continue
        path = RESULTS / f"{row.name}.json"
        if not path.exists():
            print(f"| {row.name} | {row.python} | not on this machine | | | |")
            continue
        outcome = json.loads(path.read_text())
        installed = ", ".join(f"{name} {version}" for name, version in outcome["installed"].items())
        installed = installed or "could not be installed"
        counts = " | ".join(str(outcome[name]) for name in ("passed", "failed", "skipped"))
        print(f"| {row.name} | {outcome['python']} | {installed} | {counts} |")


def _part(row: Row, options: list[str]) -> list[str] | None:
    """What pytest is told to run the row's share of the part `--slice I/N`; None if it has none.

    A row is in every other part, with twice as much. All parts together have all of each row.
    """
    parser = argparse.ArgumentParser(prog="nox --")
    parser.add_argument("--slice")
    if not (given := parser.parse_args(options).slice):
        return []
    number, parts = map(int, given.split("/"))
    if parts % 2:
        parser.error("--slice I/N needs an even N: a row is in every other part")
    share, rest = divmod((number + ROWS.index(row)) % parts, 2)
    return None if rest else ["--slice", f"{share + 1}/{parts // 2}"]


def _dependencies(*, oldest: bool) -> list[str]:
    """Buildtrace's dependencies besides TensorFlow and Keras, which the row names."""
    ours = [
        dependency
        for dependency in PROJECT["dependencies"]
        if re.split(r"[<>=]", dependency)[0] not in SHOWN
    ]
    return [dependency.replace(">=", "==") for dependency in ours] if oldest else ours


def _test_tools() -> list[str]:
    tools: list[str] = PROJECT["optional-dependencies"]["test"]
    return [tool for tool in tools if tool.startswith("pytest")]


def _python(session: nox.Session) -> str:
    program = "import platform; print(platform.python_version())"
    return str(session.run("python", "-c", program, silent=True)).strip()


def _installed(session: nox.Session) -> dict[str, str]:
    """Versions of the packages that make a row what it is, by name."""
    program = "import json, importlib.metadata as m; "
    program += "print(json.dumps({d.name: d.version for d in m.distributions()}))"
    listed = json.loads(str(session.run("python", "-c", program, silent=True)))
    versions = {name.lower().replace("-", "_"): version for name, version in listed.items()}
    return {name: versions[name] for name in SHOWN if name in versions}


def _counts(report: Path) -> dict[str, int]:
    """How many tests passed, failed and were skipped; none if pytest did not get to its end."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if report.exists():
        suite = next(ET.parse(report).iter("testsuite"))
        total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        counts = {"passed": total - skipped - failed, "failed": failed, "skipped": skipped}
    return counts
