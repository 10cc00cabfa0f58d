"""Programs that were started with `BUILDTRACE` set, in a real environment where it is enabled."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from environments import Environment

from buildtrace.traces import journal
from buildtrace.traces.trace_file import load

TESTS = Path(__file__).parents[1]

BUILDS = """\
import keras
keras.layers.Dense(3, name="first").build((None, 2))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    new = Environment(tmp_path_factory.mktemp("launched") / "env")
    new.enable()
    return new


@pytest.fixture
def run(environment, tmp_path):
    """Run a program with this value of the variable."""

    def run(program: str, value: str, *options: str, **variables: str):
        (tmp_path / "program.py").write_text(program)
        return environment.run(
            *options, "program.py", "a", cwd=tmp_path, BUILDTRACE=value, **variables
        )

    return run


def layers(path: Path) -> list[str]:
    """The layers whose weights are in a trace, in order."""
    trace = load(path)
    return list(dict.fromkeys(trace.layers[weight.layer].name for weight in trace.weights))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"program.py", "output.txt", "__pycache__"}


def until(happened, process, folder) -> None:
    end = time.monotonic() + 200
    while not happened():
        said = (folder / "output.txt").read_text()
        assert time.monotonic() < end, said
        assert process.poll() is None, said
        time.sleep(0.1)


def our_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("buildtrace: ")]


def test_the_report_is_on_stderr_and_all_else_as_ever(run):
    program = (
        "import atexit, signal, sys, threading\n"
        "@atexit.register\n"
        "def _():\n"
        "    print('the end', len(threading.enumerate()))\n"
        "before = [str(signal.getsignal(n)) for n in signal.valid_signals()]\n"
        f"{BUILDS}"
        "print(sys.argv, sys.path[0], signal.set_wakeup_fd(-1))\n"
        "assert before == [str(signal.getsignal(n)) for n in signal.valid_signals()]\n"
        "sys.exit(7)\n"
    )
    plain, traced = run(program, "0"), run(program, "1")
    assert "the end 1" in plain.stdout
    assert (traced.returncode, traced.stdout) == (7, plain.stdout)
    assert re.fullmatch(
        r"buildtrace: what program.py \(process \d+\) has built:", our_lines(traced.stderr)[0]
    )
    assert "Dense.build  first" in traced.stderr
    assert not our_lines(plain.stderr)


def test_an_exception(run):
    program = BUILDS + "model = keras.layers.Dense(-3)\n"
    plain, traced = run(program, "0"), run(program, "1")
    traceback = plain.stderr[plain.stderr.index("Traceback") :]
    assert plain.returncode == traced.returncode == 1
    assert traceback in traced.stderr
    assert "✗" in traced.stderr


def test_a_wrong_value_ends_no_program(run, tmp_path):
    done = run(BUILDS + "print('ran')", "-o nowhere/x.json")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    (line,) = our_lines(done.stderr)
    assert "this program is not traced: BUILDTRACE: cannot write" in line


def test_pages_and_pictures_are_written_at_the_end(run, tmp_path):
    pytest.importorskip("pygraphviz")
    done = run(
        "import keras\nmodel = keras.Sequential([keras.layers.Dense(2)])\nmodel.build((None, 2))",
        "-o x.json -o x.html -o x.svg -o pages/",
        RANK="0",
    )
    assert done.returncode == 0
    assert files(tmp_path) == {"x.json", "x.html", "x.svg", "pages"}
    wrote = [line for line in our_lines(done.stderr) if line.startswith("buildtrace: wrote ")]
    assert len(wrote) == 4, done.stderr


IDLES = BUILDS + "print('idle', flush=True)\nimport time\ntime.sleep(1000)\n"


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_leaves_its_last_build(environment, tmp_path, number):
    (tmp_path / "program.py").write_text(IDLES)
    process = environment.start(
        "program.py", cwd=tmp_path, BUILDTRACE="-o build-{rank}.json", RANK="2"
    )
    until(lambda: files(tmp_path) == {"build-2.json"}, process, tmp_path)
    process.send_signal(number)
    assert process.wait() == -number
    assert files(tmp_path) == {"build-2.json"}
    assert layers(tmp_path / "build-2.json") == ["first"]


def test_a_build_just_before_the_end_is_in_the_journal(run, tmp_path):
    done = run(BUILDS + "import os\nos._exit(5)\n", "-o build.json")
    assert done.returncode == 5
    assert files(tmp_path) == {"build.json.partial"}
    makings = journal.load(tmp_path / "build.json.partial")
    assert [(making.layer, making.name, making.made) for making in makings] == [
        ("first", "kernel", True),
        ("first", "bias", True),
    ]


FORKS = """
import os, sys
def build(name):
    keras.layers.Dense(3, name=name).build((None, 2))
def forked(work, exits):
    number = os.fork()
    if not number:
        work()
        exits(0)
    assert os.waitpid(number, 0)[1] == 0
forked(lambda: build("child"), sys.exit)
forked(lambda: None, sys.exit)
build("last")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_processes_that_are_forked_off(run, tmp_path):
    done = run(BUILDS + FORKS, "-o build.json")
    assert done.returncode == 0, done.stderr
    of_child = files(tmp_path) - {"build.json"}
    assert len(of_child) == 1, done.stderr
    assert re.fullmatch(r"build\.\d+\.json", *of_child)
    assert layers(tmp_path / "build.json") == ["first", "last"]
    assert layers(tmp_path / of_child.pop()) == ["first", "child"]


FORKS_WHILE_WRITING = """\
import os, signal, threading
from buildtrace import renderers
def fork(*_):
    number = os.fork()
    if not number:
        os._exit(0)
    print("forked", os.waitpid(number, 0)[1])
signal.signal(signal.SIGUSR1, fork)
content = renderers.content
def signalled(*given):
    if threading.current_thread() is threading.main_thread():
        signal.raise_signal(signal.SIGUSR1)
    return content(*given)
renderers.content = signalled
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_signal_that_forks_while_the_trace_is_written(run, tmp_path):
    done = run(BUILDS + FORKS_WHILE_WRITING, "-o build.json")
    assert (done.returncode, done.stdout) == (0, "forked 0\n"), done.stderr
    assert files(tmp_path) == {"build.json"}
    assert layers(tmp_path / "build.json") == ["first"]


MULTIPROCESSING = """\
import multiprocessing, sys
def build(name):
    import keras
    keras.layers.Dense(3, name=name).build((None, 2))
if __name__ == "__main__":
    process = multiprocessing.get_context(METHOD).Process(target=build, args=("child",))
    process.start()
    process.join()
    build("parent")
    sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run, tmp_path, method):
    if method != "spawn" and not hasattr(os, "fork"):
        pytest.skip("no forks here")
    done = run(MULTIPROCESSING.replace("METHOD", repr(method)), "-o build-{pid}.json")
    assert done.returncode == 0, done.stderr
    found = sorted(layers(tmp_path / name) for name in files(tmp_path))
    assert found == [["child"], ["parent"]]


@pytest.mark.parametrize("how", ["command", "pytest"])
def test_what_traces_itself_is_not_traced_twice(run, environment, tmp_path, how):
    (tmp_path / "test_it.py").write_text(f"def test():\n    {BUILDS.replace(chr(10), '; ')}")
    options = {
        "command": ("-m", "buildtrace", "-o", "own.json", "test_it.py"),
        "pytest": ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--buildtrace", "test_it.py"),
    }
    if how == "command":
        (tmp_path / "test_it.py").write_text(BUILDS)
    done = environment.run(*options[how], cwd=tmp_path, BUILDTRACE="-o other.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "other.json" not in files(tmp_path)
    assert ("own.json" in files(tmp_path)) == (how == "command")


def test_a_server_that_builds_without_end(run, tmp_path):
    program = (
        "import keras, time\n"
        "from buildtrace.integrations import launched\n"
        "launched.MOST_CALLS = 50\n"
        "for number in range(100):\n"
        "    keras.layers.Dense(2, name=f'made_{number}').build((None, 3))\n"
        "end = time.monotonic() + 60\n"
        "while launched.start and time.monotonic() < end:\n"
        "    from buildtrace.capture import _recorder\n"
        "    if not _recorder.listeners: break\n"
        "    time.sleep(0.1)\n"
        "keras.layers.Dense(2, name='late').build((None, 3))\n"
    )
    done = run(program, "-o build.json")
    assert done.returncode == 0, done.stderr
    told = [line for line in our_lines(done.stderr) if "no more is" in line]
    assert told == ["buildtrace: more than 50 calls were recorded: no more is, from now on"]
    assert "made_99" in layers(tmp_path / "build.json")
    assert "late" not in layers(tmp_path / "build.json")


WITNESS = """\
import keras
from scenarios import GENERATIONS, SCENARIOS
from witness import Table, Witness, differences, seen_lines, trace_lines

k = next(k for k in GENERATIONS if k.package == "keras")
with Witness(Table(k.generation, k.root)) as witness:
    for scenario in SCENARIOS[::4]:
        if scenario.runs_on(k):
            scenario.build(k, scenario.make(k))
assert witness.roots
from buildtrace.integrations import at_start
trace = at_start._launches[0].run._tracing.snapshot()
print(differences(seen_lines(witness.roots), trace_lines(trace)) or "the same")
"""


def test_the_trace_is_what_the_interpreter_saw(run):
    done = run(WITNESS, "-o build.json", PYTHONPATH=str(TESTS))
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["the same"]), done.stderr


@pytest.mark.parametrize("first", ["", "import keras\n"])
def test_which_keras_tf_keras_is(run, first):
    pytest.importorskip("tf_keras")
    program = (
        f"{first}import tensorflow as tf\n"
        "layer = tf.keras.layers.Dense(2)\n"
        "layer.build((None, 3))\n"
        "print(type(layer).__module__)\n"
    )
    done = run(program, "--keras 2")
    assert done.stdout.startswith(("tf_keras.", "keras.src.")), done.stderr
    assert "Dense.build  dense" in done.stderr
    assert "keras 2." in done.stderr
