"""The plugin is on in every run of pytest: it must cost nothing, and break nothing."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

pytest_plugins = ["pytester"]

HEAVY = {"tensorflow", "keras", "tf_keras", "numpy", "rich", "msgspec", "graphviz", "pygraphviz"}

PROBE = """
import sys
import pytest
code = pytest.main({arguments!r})
print("LOADED", int(code), *sys.modules)
"""

TEST = "def test_one(): pass"


def loaded(project, *arguments):
    """Exit code and modules of a run of pytest in a process of its own."""
    result = project.run(sys.executable, "-c", PROBE.format(arguments=[*arguments]))
    words = result.stdout.lines[-1].split()
    assert words[0] == "LOADED"
    return int(words[1]), set(words[2:])


def test_the_plugin_is_an_entry_point():
    (entry,) = {
        entry.value
        for entry in importlib.metadata.entry_points(group="pytest11")
        if entry.name == "buildtrace"
    }
    assert entry == "buildtrace.integrations.pytest_plugin"


OURS = {"buildtrace", "buildtrace.integrations", "buildtrace.integrations.pytest_plugin"}


@pytest.mark.parametrize("arguments", [["-q"], ["--collect-only", "-W", "error"], ["--help"]])
def test_next_to_nothing_is_imported(project, arguments):
    project.makepyfile(TEST)
    code, modules = loaded(project, *arguments)
    assert code == 0
    assert {name for name in modules if name.split(".")[0] == "buildtrace"} == OURS
    assert not HEAVY & modules


def test_the_version_needs_no_more(project):
    code, modules = loaded(project, "--version")
    assert code == 0
    assert {name for name in modules if name.split(".")[0] == "buildtrace"} <= OURS


def test_the_module_imports_nothing_that_pytest_does_not(project):
    program = (
        "import sys, pytest, pytest_probe; before = set(sys.modules)\n"
        "import buildtrace.integrations.pytest_plugin\n"
        "print('MORE', *sorted(set(sys.modules) - before))"
    )
    project.makepyfile(pytest_probe="")
    result = project.run(sys.executable, "-c", program)
    modules = result.stdout.lines[-1].split()[1:]
    assert [name for name in modules if not name.startswith("buildtrace")] == []


def test_it_can_be_left_out(project):
    project.makepyfile("def test_one(buildtrace): pass")
    code, modules = loaded(project, "-q", "-p", "no:buildtrace")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert not {name for name in modules if name.startswith("buildtrace")}


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "arguments",
    [
        ["-p", "no:terminal"],
        ["-p", "no:cacheprovider", "-p", "no:capture"],
        ["-p", "no:xdist"],
        ["--import-mode=importlib", "-W", "error", "--strict-config", "--strict-markers"],
        ["-n", "1", "-W", "error"],
    ],
    ids=" ".join,
)
def test_other_plugins_and_options(project, arguments):
    project.makepyfile(
        "def test_one(buildtrace):\n    with buildtrace() as t: pass\n    assert not t.calls"
    )
    assert project.runpytest_subprocess(*arguments).ret == 0


def test_buildtrace_that_was_imported_before_pytest(project):
    project.makepyfile(TEST)
    result = project.run(sys.executable, "-m", "buildtrace", "-m", "pytest", "-q", "-W", "error")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 passed*"])


def test_help(project):
    result = project.runpytest_inprocess("--help")
    result.stdout.fnmatch_lines(
        [
            "how Keras models get built:",
            "*--buildtrace *",
            "*--buildtrace-html=DIR*",
            "*--buildtrace-check*",
            "*--buildtrace-update*",
            "*buildtrace (bool):*",
            "*buildtrace_check (bool):*",
            "*buildtrace_html*",
        ]
    )


def test_the_fixture_says_what_it_is(project):
    project.makepyfile(TEST)
    result = project.runpytest_inprocess("--fixtures")
    result.stdout.fnmatch_lines(
        ["buildtrace -- *", "    Traces the Keras models that get built in a block of the test."]
    )
