"""What the plugin does when it is asked, on traces that are made by hand."""

from __future__ import annotations

import os

import made_traces
import pytest

from buildtrace import renderers, testing
from buildtrace.integrations import pytest_tracing
from buildtrace.renderers import Options

pytest_plugins = ["pytester"]

SECTION = [
    "*- Keras build -*",
    "keras 3.15.1*",
    "*✗ Layer.__call__  bad (Dense)  (None, 8)  ValueError",
    "*✗ Layer._maybe_build  ValueError",
    "*✗ Dense.build  ValueError: units must be positive,*got -1",
]

PROCESSES = [[], pytest.param(["-n", "2"], id="xdist", marks=pytest.mark.slow)]


@pytest.fixture(autouse=True)
def the_real_ones_come_back(monkeypatch):
    """A conftest.py of a run in this process puts others in their place."""
    for name in ("trace", "Tracing"):
        monkeypatch.setattr(pytest_tracing, name, getattr(pytest_tracing, name))
    from buildtrace import renderers

    monkeypatch.setattr(renderers, "RENDERERS", renderers.RENDERERS.copy())


def run(project, *arguments):
    """In this process where that does: it is five times as fast."""
    if "-n" in arguments:
        return project.runpytest_subprocess(*arguments)
    return project.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


# -- the section in a report ----------------------------------------------------------------------


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_test_that_fails_inside_a_build_shows_the_tree(synthetic, processes):
    result = run(synthetic(), "--buildtrace", *processes)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(SECTION)
    assert result.stdout.str().count("- Keras build -") == 1


def test_only_if_it_was_asked_for(synthetic):
    result = run(synthetic())
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.no_fnmatch_line("*Keras build*")


def test_the_fixture_alone_is_enough(synthetic):
    tests = """
    def test_one(buildtrace):
        with buildtrace() as trace:
            raise ValueError("units must be positive,\\ngot -1")

    def test_two(buildtrace):
        with buildtrace() as trace:
            pass
        assert trace is None
    """
    result = run(synthetic(tests=tests))
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(SECTION)
    assert result.stdout.str().count("- Keras build -") == 1
    result.stdout.fnmatch_lines(["buildtrace = <fixture buildtrace>"])


def test_an_error_that_came_of_the_builds(synthetic):
    tests = """
    class ModelError(Exception): pass

    def test_one():
        try:
            raise ValueError("units must be positive,\\ngot -1")
        except ValueError as error:
            raise ModelError("no model") from error
    """
    run(synthetic(tests=tests), "--buildtrace").stdout.fnmatch_lines(SECTION)


def test_a_report_ends_as_that_of_the_command(synthetic):
    tests = """
    def test_one():
        raise ValueError("Input 0 is not compatible.")
    """
    result = run(synthetic("misfit()", tests), "--buildtrace")
    ending = [
        "✗ The call failed in Layer.__call__ of hidden (Dense) on (2, 5)",
        "  ValueError: Input 0 is not compatible.",
        "  got        (2, 5)",
        "  expects    size 3 on axis -1, at least 2 axes",
        "  built for  (2, 3) by Dense.build: kernel (3, 4), bias (4,)",
        "             net.py:17*",
    ]
    result.stdout.fnmatch_lines(ending)
    command = renderers.plain(renderers.below(made_traces.misfit(), Options()).stream, 100)
    assert all(line.rstrip("*") in command for line in ending)


def test_what_failed_later_and_was_caught_is_not_told():
    recording = made_traces.Recording()
    layers = [recording.layer(name, "Dense") for name in ("mine", "later")]
    for layer in layers:
        error = made_traces.ErrorInfo(type="ValueError", message=f"not {layer.name}")
        with recording.call("Dense.build", layer, [made_traces.spec(2, 5)], error=error):
            pass
    text = pytest_tracing.section(recording.trace(), ValueError("not mine"))
    assert "The build failed in Dense.build of mine (Dense) on (2, 5)" in text
    assert "later" not in text


def test_an_error_that_the_test_expected_is_not_shown(synthetic):
    tests = """
    import pytest

    def test_one(buildtrace):
        with pytest.raises(ValueError):
            with buildtrace() as trace:
                raise ValueError("units must be positive,\\ngot -1")
        assert trace is None
    """
    result = run(synthetic(tests=tests), "--buildtrace")
    result.stdout.no_fnmatch_line("*Keras build*")


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_fixture_that_fails_inside_a_build(synthetic, phase):
    tests = f"""
    import pytest

    @pytest.fixture
    def model():
        if "{phase}" == "after": yield
        raise ValueError("units must be positive,\\ngot -1")
        yield

    def test_one(model): pass
    """
    result = run(synthetic(tests=tests), "--buildtrace")
    result.assert_outcomes(errors=1, passed=int(phase == "after"))
    result.stdout.fnmatch_lines(SECTION)


def test_skips_and_expected_failures_show_nothing(synthetic):
    tests = """
    import pytest

    @pytest.mark.xfail
    def test_one(): raise ValueError("units must be positive,\\ngot -1")

    def test_two(): pytest.skip("not today")
    """
    result = run(synthetic(tests=tests), "--buildtrace", "-rA")
    result.assert_outcomes(xfailed=1, skipped=1)
    result.stdout.no_fnmatch_line("*Keras build*")


def test_tracers_overlap_so_that_hooks_stay_and_all_are_stopped(synthetic, monkeypatch):
    monkeypatch.setattr(pytest_tracing, "TOGETHER", 2)
    tests = "import pytest\n\n@pytest.mark.parametrize('n', range(5))\ndef test_one(n): pass"
    run(synthetic(tests=tests), "--buildtrace").assert_outcomes(passed=5)
    assert pytest_tracing.Tracing.counts == [1, 2, 1, 0, 1, 2, 1, 0, 1, 0]


@pytest.mark.parametrize("file", ["pytest.ini", "pyproject.toml"])
def test_the_option_in_a_file(synthetic, file):
    project = synthetic()
    head = "[tool.pytest.ini_options]" if file.endswith("toml") else "[pytest]"
    value = "true"
    (project.path / file).write_text(f"{head}\nbuildtrace = {value}\n")
    run(project).stdout.fnmatch_lines(SECTION)
    run(project, "-o", "buildtrace=false").stdout.no_fnmatch_line("*Keras build*")


# -- HTML -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_report_for_each_test_that_fails(synthetic, processes):
    project = synthetic()
    result = run(project, "--buildtrace-html", "out/new", *processes)
    result.stdout.fnmatch_lines(SECTION)
    files = sorted(path.name for path in (project.path / "out/new").iterdir())
    assert [name[: name.rindex("-")] for name in files] == [
        "test_model-test_inside_a_build",
        "test_model-test_outside",
    ]
    for file in files:
        path = project.path / "out/new" / file
        assert "Dense.build" in path.read_text()
        result.stdout.fnmatch_lines([f"report: {path}"])


def test_the_folder_in_a_file_is_relative_to_it(synthetic):
    project = synthetic()
    project.makeini("[pytest]\nbuildtrace_html = out")
    project.mkdir("deeper")
    os.chdir("deeper")
    run(project, "-c", "../tox.ini", "--rootdir", "..", "../test_model.py")
    assert len(list((project.path / "out").iterdir())) == 2


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(synthetic, processes):
    project = synthetic()
    (project.path / "file").touch()
    result = run(project, "--buildtrace-html", "file/out", *processes)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line]
    assert line.startswith("ERROR: --buildtrace-html: cannot write into ")
    assert "passed" not in result.stdout.str()


def test_a_report_that_cannot_be_written_breaks_nothing(synthetic):
    project = synthetic()
    tests = (project.path / "test_model.py").read_text()
    (project.path / "test_model.py").write_text(f"import shutil\nshutil.rmtree('out')\n{tests}")
    result = run(project, "--buildtrace-html", "out")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["cannot write *out*"])


def test_no_report_where_nothing_was_recorded(synthetic):
    project = synthetic("Trace()")
    run(project, "--buildtrace-html", "out").stdout.no_fnmatch_line("*Keras build*")
    assert list((project.path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "nodeid",
    [
        "tests/test_a.py::TestB::test_c[x/y-<b>]",
        "../../etc/passwd::test",
        "C:\\Windows\\test_a.py::test",
        'a::b[\0\n"%s*?|é 日本]',
        "x" * 1_000,
        "test.py::test[" + "\ud800" + "]",
        "-rf::.",
    ],
)
def test_file_names_are_safe(nodeid):
    name = pytest_tracing.file_name(nodeid, "call")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert name[0] not in "-."
    assert ".." not in name
    assert len(name) < 150
    assert name.endswith(".html")


def test_file_names_differ():
    ids = ["a/b.py::t", "a-b.py::t", "a/b::t", "A/b.py::t", "a/b.py::t[x]", "a/b.py::t[x ]"]
    names = {pytest_tracing.file_name(nodeid, "call").lower() for nodeid in ids}
    names |= {pytest_tracing.file_name(ids[0], when).lower() for when in ("setup", "teardown")}
    assert len(names) == len(ids) + 2


# -- findings -------------------------------------------------------------------------------------

CHECK = """
import pytest
import unittest

def test_that_passes():
    pass

def test_that_fails():
    assert 1 == 2

@pytest.mark.xfail
def test_expected():
    pass

def test_skipped():
    pytest.skip("not today")

class TestOld(unittest.TestCase):
    def test_old(self):
        pass
"""

REPORT = [
    "1 problem in the Keras build: BT105 (weights replaced by a second build)",
    "",
    "model.py:12: BT105 error: Linear.build of 'linear' (Linear) ran a second time and *",
    "  fix:",
    "    def build(self, input_shape):",
]


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_finding_fails_a_test(synthetic, processes):
    result = run(synthetic("replaced()", CHECK), "--buildtrace-check", *processes)
    result.assert_outcomes(failed=3, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["*_ test_that_passes _*", *REPORT], consecutive=not processes)
    result.stdout.fnmatch_lines(["*- Keras build: findings -*", *REPORT[2:]], consecutive=True)
    text = result.stdout.str()
    assert text.count("- Keras build: findings -") == 1  # of the test that fails by itself
    failures = text.partition("short test summary info")[0]  # which is long where CI is set
    assert failures.count("  fix:") == 3
    assert "pytest_tracing.py" not in text
    result.stdout.fnmatch_lines(["FAILED test_model.py::test_that_passes - BuildFailed: 1 prob*"])


def test_findings_fail_nothing_unless_asked(synthetic):
    run(synthetic("replaced()", CHECK), "--buildtrace").assert_outcomes(
        passed=2, failed=1, skipped=1, xpassed=1
    )


def test_builds_without_findings_pass(synthetic):
    result = run(synthetic("mlp3()", CHECK), "--buildtrace-check")
    result.assert_outcomes(passed=2, failed=1, skipped=1, xpassed=1)
    assert "BT" not in result.stdout.str()


@pytest.mark.parametrize("file", ["pytest.ini", "pyproject.toml"])
def test_the_check_in_a_file(synthetic, file):
    project = synthetic("replaced()", "def test_one(): pass")
    head = "[tool.pytest.ini_options]" if file.endswith("toml") else "[pytest]"
    (project.path / file).write_text(f"{head}\nbuildtrace_check = true\n")
    run(project).assert_outcomes(failed=1)


def test_the_projects_settings_hold(synthetic):
    project = synthetic("replaced()", "def test_one(): pass")
    (project.path / "pyproject.toml").write_text("[tool.buildtrace]\nignore = ['BT105']\n")
    run(project, "--buildtrace-check").assert_outcomes(passed=1)


@pytest.mark.parametrize("processes", PROCESSES)
def test_settings_that_make_no_sense_end_the_run(synthetic, processes):
    project = synthetic("replaced()", "def test_one(): pass")
    (project.path / "pyproject.toml").write_text("[tool.buildtrace]\nignore = ['XY']\n")
    result = run(project, "--buildtrace-check", *processes)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line]
    assert line.startswith("ERROR: --buildtrace-check: ")
    assert "no rule has the code 'XY'" in line


@pytest.mark.parametrize(("line", "failed"), [(11, 1), (12, 0)])
def test_a_comment_holds(synthetic, line, failed):
    tests = ["def test_one(): pass", *["..." for _ in range(20)]]
    tests[line - 1] = "...  # buildtrace: ignore[BT105]"
    beside = "__file__.replace('conftest', 'test_model')"
    project = synthetic(f"replaced({beside})", "\n".join(tests))
    run(project, "--buildtrace-check").assert_outcomes(passed=1 - failed, failed=failed)


def test_an_exception_that_the_test_expected_is_no_finding(synthetic, monkeypatch):
    """As `with pytest.raises(ValueError): model.build(...)`."""
    from buildtrace import diagnosis
    from buildtrace.traces.schema import Finding

    finding = Finding(code="BT301", message="It raised.", why="", fix="", calls=(0,))
    monkeypatch.setattr(diagnosis, "diagnose", lambda trace: (finding,))
    result = run(synthetic("failing()"), "--buildtrace-check")
    result.assert_outcomes(passed=1, failed=2)
    assert result.stdout.str().count("BT301 warning: It raised.") == 2  # of those that fail


def test_a_rule_that_fails_does_not_end_the_run(synthetic, monkeypatch):
    from buildtrace import diagnosis

    def diagnose(_):
        raise KeyError("no such layer")

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    result = run(synthetic("mlp3()", CHECK), "--buildtrace-check")
    result.assert_outcomes(failed=3, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["the diagnosis itself failed: KeyError('no such layer')"])


# -- builds in files ------------------------------------------------------------------------------

GOLDEN = """
import made_traces
from buildtrace.testing import assert_build_matches

def test_one(buildtrace):
    assert_build_matches(made_traces.mlp3({units}), "one")

def test_two(buildtrace):
    assert_build_matches(made_traces.mlp2(), "two")
"""


@pytest.mark.parametrize("processes", PROCESSES)
def test_builds_in_files(project, processes):
    path = project.mkdir("sub")
    (path / "test_model.py").write_text(GOLDEN.replace("{units}", ""))
    result = run(project, *processes)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["E *there is no build 'one' * --buildtrace-update writes sub/*/test_model/one.txt"]
    )
    result = run(project, "--buildtrace-update", *processes)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "wrote sub/__builds__/test_model/one.txt",
            "wrote sub/__builds__/test_model/two.txt",
            "2 files in all",
        ]
    )
    run(project, *processes).assert_outcomes(passed=2)
    (path / "test_model.py").write_text(GOLDEN.replace("{units}", "(512, 11)"))
    result = run(project, *processes)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *the build is not as in sub/__builds__/test_model/one.txt: 5 differences *",
            "E  *- * Layer.add_weight  kernel (512, 10) float32 GlorotUniform",
            "E  *+ * Layer.add_weight  kernel (512, 11) float32 GlorotUniform",
        ]
    )
    result = run(project, "--buildtrace-update", *processes)
    result.stdout.fnmatch_lines(["wrote *one.txt", "1 file in all"])
    result.stdout.no_fnmatch_line("wrote *two.txt")


def test_an_update_that_has_nothing_to_do(project):
    project.makepyfile("def test_one(): pass")
    result = run(project, "--buildtrace-update")
    result.stdout.fnmatch_lines(["no file had to be written"])


# -- assertions -----------------------------------------------------------------------------------


def test_a_failing_assertion_ends_at_the_tests_own_line(project):
    project.makepyfile(
        """
        import made_traces
        from buildtrace.testing import assert_built_once

        def test_one():
            assert_built_once(made_traces.mlp3(), "hidden")
        """
    )
    result = run(project)
    result.stdout.fnmatch_lines(
        [
            '>*assert_built_once(made_traces.mlp3(), "hidden")',
            "E *AssertionError: expected 'hidden' to be built once, but there is no such layer; *",
            "E  *├ Layer.__call__  dense *",
            "*test_a_failing_assertion_ends_at_the_tests_own_line.py:5: AssertionError",
        ]
    )
    assert "assertions.py" not in result.stdout.str()


def test_traces_are_let_go_when_their_test_is_over(synthetic):
    project = synthetic(
        "mlp3()",
        """
        import gc
        from buildtrace.integrations.pytest_tracing import Blocks, Block

        def test_one(buildtrace):
            with buildtrace(): pass

        def test_two():
            assert not [o for o in gc.get_objects() if type(o) in (Blocks, Block)]
        """,
    )
    # In a process of its own: here, pytest holds what earlier tests left when they failed.
    project.runpytest_subprocess().assert_outcomes(passed=2)


def test_all_assertions_are_named_alike():
    assert all(name.startswith("assert_") for name in testing.__all__)
