"""Scripts in processes of their own. These need no Keras: what is built is another matter."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from buildtrace.cli.program import Program
from buildtrace.cli.repository.script_runs import (
    ROOM,
    Work,
    ended_by_sigterm,
    run_all,
    usual_jobs,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes end in another way there")


def run(folder, *names, timeout=60.0, jobs=4, **program):
    works = [Work(folder / f"{name}.py", Program(f"{name}.py", **program)) for name in names]
    return {run.work.path.stem: run for run in run_all(works, jobs, timeout)}


def is_running(pid_file):
    """Whether it still runs, after a while: the system takes its time to end a process."""
    deadline = time.monotonic() + 10
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(int(pid_file.read_text()))
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return True
            time.sleep(0.02)
    return False


def test_a_script_runs_as_python_would_run_it(project, monkeypatch):
    monkeypatch.setenv("BUILDTRACE", "1")
    monkeypatch.setenv("MPLBACKEND", "svg")  # what the user has set stays
    folder = project(
        sub__in__main="""
            import sys, os, near
            print(sys.argv, sys.path[0], os.getcwd(), __name__, sys.stdin.read() == "")
            assert os.environ["MPLBACKEND"] == "svg" and "BUILDTRACE" not in os.environ
            assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
        """,
        sub__in__near="",
        fails="import json\nraise ValueError('so it is')",
        ends="import sys\nsys.exit('enough')",
    )
    works = [
        Work(folder / "sub" / "main.py", Program("sub/main.py", arguments=("-x", "a b"))),
        Work(folder / "fails.py", Program("fails.py")),
        Work(folder / "ends.py", Program("ends.py")),
    ]
    runs = {run.work.path.stem: run for run in run_all(works, 3, 60)}
    main, fails, ends = (runs[name] for name in ("main", "fails", "ends"))
    argv = ["sub/main.py", "-x", "a b"]
    assert main.output == (f"{argv} {folder / 'sub'} {folder} __main__ True",)
    assert (main.record.code, main.problem) == (0, "")
    assert main.record.files == tuple(str(folder / "sub" / n) for n in ("main.py", "near.py"))
    assert (fails.record.code, fails.problem) == (1, "")
    assert (fails.trace.error.type, fails.trace.error.message) == ("ValueError", "so it is")
    assert fails.output[-1] == "ValueError: so it is"
    assert (ends.record.code, ends.record.exit.type) == (1, "SystemExit")


@pytest.mark.slow
def test_what_autograph_imports_is_no_file_of_the_user(project):
    pytest.importorskip("tensorflow")
    folder = project(
        graph="""
            import sys
            import tensorflow as tf

            @tf.function
            def sign(x):
                if x > 0:
                    return 1
                return -1

            print(int(sign(tf.constant(3))))
            files = [str(getattr(module, "__file__", "")) for module in sys.modules.values()]
            print(sum("__autograph_generated_file" in file for file in files) > 0)
        """
    )
    (done,) = run(folder, "graph").values()
    assert done.output[-2:] == ("1", "True"), done.output
    assert done.record.files == (str(folder / "graph.py"),)


@pytest.mark.slow
def test_a_module_of_a_package_in_another_folder(project):
    folder = project(
        src__in__pkg__in____init__="",
        src__in__pkg__in__main="from . import near\nprint(__name__, __package__)",
        src__in__pkg__in__near="",
    )
    path = folder / "src" / "pkg" / "main.py"
    work = Work(path, Program("pkg.main", is_module=True), folder / "src")
    (done,) = run_all([work], 1, 60)
    assert done.output == ("__main__ pkg",)
    assert str(path.with_name("near.py")) in done.record.files


@pytest.mark.slow
def test_one_that_does_not_end_is_ended_with_its_children(project):
    folder = project(
        main=f"""
            import subprocess, time
            from pathlib import Path
            child = subprocess.Popen(
                [{sys.executable!r}, "-c", "import time; time.sleep(60)"], start_new_session=True
            )
            Path("pid").write_text(str(child.pid))
            print("waiting", flush=True)
            time.sleep(60)
        """,
    )
    began = time.monotonic()
    done = run(folder, "main", timeout=15.0)["main"]
    assert time.monotonic() - began < 50
    assert done.problem == "did not end in 15 seconds, and was ended here"
    assert done.trace.error.lines[0].line == 9  # where it was
    assert done.output == ("waiting",)
    assert not is_running(folder / "pid")


@pytest.mark.slow
def test_one_that_does_not_listen_is_ended_as_well(project):
    folder = project(
        main="""
            import signal, time
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            time.sleep(60)
        """,
    )
    done = run(folder, "main", timeout=4.0)["main"]
    assert done.problem == "did not end in 4 seconds, and was ended here"
    assert (done.record, done.trace) == (None, None)


@pytest.mark.slow
def test_one_that_crashes(project):
    folder = project(main="import os\nprint('so far', flush=True)\nos.abort()")
    done = run(folder, "main")["main"]
    assert done.problem == "ended by SIGABRT and without a trace"
    assert done.output == ("so far",)


@pytest.mark.slow
def test_what_a_script_leaves_running_ends_with_it(project):
    folder = project(
        main=f"""
            import subprocess
            from pathlib import Path
            child = subprocess.Popen([{sys.executable!r}, "-c", "import time; time.sleep(60)"])
            Path("pid").write_text(str(child.pid))
        """,
    )
    assert run(folder, "main")["main"].problem == ""
    assert not is_running(folder / "pid")


def test_so_many_run_at_the_same_time(project):
    code = """
        import sys, time
        from pathlib import Path
        Path(__file__).with_suffix(".began").touch()
        other = Path(sys.argv[1])
        deadline = time.monotonic() + 40
        while not other.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    """
    folder = project(a=code, b=code)
    works = [
        Work(folder / f"{name}.py", Program(f"{name}.py", arguments=(f"{other}.began",)))
        for name, other in (("a", "b"), ("b", "a"))
    ]
    told = []
    runs = [*run_all(works, 2, 60, lambda paths: told.append(len(paths)))]
    assert [run.record.code for run in runs] == [0, 0]  # each has waited for the other
    assert max(told) == 2


@pytest.mark.slow
def test_one_at_a_time(project):
    code = "import time\nfrom pathlib import Path\nprint(time.time(), flush=True)\ntime.sleep(0.5)"
    folder = project(a=code, b=code)
    runs = run(folder, "a", "b", jobs=1)
    began = sorted(float(run.output[0]) for run in runs.values())
    assert began[1] - began[0] >= 0.5


def test_an_interrupt_leaves_nothing_running(project):
    code = """
        import os, time
        from pathlib import Path
        Path("part").write_text(str(os.getpid()))
        Path("part").rename("pid")
        time.sleep(60)
    """
    folder = project(main=code, quick="pass")
    works = [Work(folder / f"{name}.py", Program(f"{name}.py")) for name in ("quick", "main")]
    runs = run_all(works, 2, 60)
    assert next(runs).work.path.stem == "quick"
    deadline = time.monotonic() + 40
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(KeyboardInterrupt):
        runs.throw(KeyboardInterrupt)
    assert not is_running(folder / "pid")


def test_as_many_as_the_machine_has_room_for(monkeypatch):
    class Memory:
        available = 0

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    for rooms, jobs in ((0, 1), (1, 1), (3, 3), (100, 8)):
        Memory.available = rooms * ROOM
        assert usual_jobs() == jobs


def test_sigterm_stays_whose_it_is(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_sigterm(), pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
    with monkeypatch.context() as patched:  # what Python says of a handler in C
        patched.setattr(signal, "getsignal", lambda _: None)
        patched.setattr(signal, "signal", lambda *_: pytest.fail("it could not be put back"))
        with ended_by_sigterm():
            pass


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_ended_ends_its_scripts(project, number):
    folder = project(
        main="""
            import os, sys, time
            from pathlib import Path
            Path("part").write_text(str(os.getpid()))
            Path("part").rename("pid")
            time.sleep(60)
            import keras
            keras.Input((3,))
        """,
    )
    command = [sys.executable, "-m", "buildtrace", "check", "--no-cache", "."]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(60) == (143 if number == signal.SIGTERM else -number)
    assert not is_running(folder / "pid")
