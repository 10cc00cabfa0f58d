"""A script runs under buildtrace as it runs under python: the outputs are compared as text."""

import os
import py_compile
import re
import subprocess
import sys
import threading
import zipapp
import zipfile
from functools import partial
from pathlib import Path

import pytest

from cli.conftest import PACKAGE_ROOT

ADDRESS = re.compile(r"0x[0-9a-f]+|refcount : \d+")
OURS = re.compile(r"^buildtrace: .*\n", re.MULTILINE)

LOOK = """
import sys
for name, value in list(globals().items()):
    if name not in ("__loader__", "__spec__", "__builtins__", "name", "value"):
        print(name, repr(value))
print(list(globals()), type(__builtins__))
print(type(__loader__), __loader__.name, __loader__.path)
print(__spec__ and (__spec__.name, __spec__.parent, __spec__.origin))
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
"""

NESTED = """
def down(n):
    if n:
        return down(n - 1)
    try:
        int("x")
    except ValueError as error:
        raise RuntimeError("at the bottom") from error

down(2)
"""

PICKLE = """
import atexit, dataclasses, pickle

@dataclasses.dataclass
class Config:
    units: "int"

copy = pickle.loads(pickle.dumps(Config(3)))
print(copy, type(copy) is Config, Config.__module__)
atexit.register(lambda: print("at the end:", Config))
"""

SPAWN = """
import multiprocessing

class Number:
    def __init__(self, n):
        self.n = n

def double(number):
    return Number(2 * number.n)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print([number.n for number in pool.map(double, [Number(1), Number(2)])])
"""

OWN_HOOK = """
import sys
def hook(kind, error, traceback):
    print("mine:", kind, error, traceback.tb_frame.f_code.co_filename, file=sys.stderr)
sys.excepthook = hook
1 / 0
"""

BAD_HOOK = """
import sys
def hook(*_):
    raise TypeError("the hook is broken")
sys.excepthook = hook
1 / 0
"""

THREADS = """
import atexit, threading, time
from concurrent.futures import ThreadPoolExecutor

def late():
    time.sleep(0.3)
    print("late")

atexit.register(print, "at exit")
threading.Thread(target=late).start()
ThreadPoolExecutor(1).submit(time.sleep, 0)
"""

INTERRUPTED_THREADS = """
import os, signal, threading, time

def interrupt():
    time.sleep(0.5)
    # To the thread that waits: another one would leave it waiting.
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(2)

threading.Thread(target=interrupt).start()
print("main is done")
"""

HOOK = """
import sys
def hook(*_):
    {}
sys.excepthook = hook
{}
"""

TEXTLESS = """
import sys
class Textless(Exception):
    def __str__(self):
        raise {}
    __repr__ = __str__
{}
"""

SCRIPTS = {
    "interrupt": "import atexit; atexit.register(print, 'at exit'); raise KeyboardInterrupt",
    "a kind of interrupt": "class Stop(KeyboardInterrupt): pass\nraise Stop('it')",
    "a hook that exits": HOOK.format("sys.exit(5)", "1 / 0"),
    "a hook that exits at an interrupt": HOOK.format("sys.exit(5)", "raise KeyboardInterrupt"),
    "a hook that is interrupted": HOOK.format("raise KeyboardInterrupt", "1 / 0"),
    "a hook that fails at an interrupt": HOOK.format("1 / 0", "raise KeyboardInterrupt"),
    "no hook": "import sys; del sys.excepthook; 1 / 0",
    "an error without a text": TEXTLESS.format("ValueError", "raise Textless"),
    "an exit without a text": TEXTLESS.format("ValueError", "sys.exit(Textless())"),
    "an interrupt for a text": TEXTLESS.format("KeyboardInterrupt", "sys.exit(Textless())"),
    "exit with an exit": "import sys; sys.exit(SystemExit(7))",
    "exit with a big number": "import sys; sys.exit(2**70)",
    "exit text without stderr": "import sys; sys.stderr.close(); sys.exit('text')",
    "exit text and no stderr": "import sys; sys.stderr = None; sys.exit('text')",
    "an error without stderr": "import sys; sys.stderr.close(); 1 / 0",
    "an error at exit": "import atexit; atexit.register(lambda: 1 / 0)",
    "an exit at exit": "import atexit, sys; atexit.register(sys.exit, 4)",
    "an end at once": "import os; print('lost'); os._exit(6)",
    "a termination": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "a group": "raise ExceptionGroup('both', [ValueError(1), KeyError(2)])",
    "threads": THREADS,
    "threads and an error": THREADS + "1 / 0",
    "a thread that fails": "import threading; threading.Thread(target=lambda: 1 / 0).start()",
    "a daemon": "from threading import Timer\nt = Timer(99, print)\nt.daemon = True\nt.start()",
    "globals": LOOK,
    "output": 'import sys; print("out"); print("err", file=sys.stderr); print("no end", end="")',
    "traceback": NESTED,
    "syntax": "x = 1\ndef f(:\n    pass\n",
    "encoding": '# -*- coding: latin-1 -*-\nprint(ascii("é"))\nassert 0\n',
    "import": "import no_such_module_anywhere",
    "exit 3": "import sys; sys.exit(3)",
    "exit -1": "import sys; sys.exit(-1)",
    "exit none": "import sys; sys.exit()",
    "exit text": 'import sys; sys.exit("cannot go on")',
    "exit other": "import sys; sys.exit((1, 2))",
    "pickle": PICKLE,
    "spawn": SPAWN,
    "own hook": OWN_HOOK,
    "bad hook": BAD_HOOK,
    "closed stdout": "import sys; print(1); sys.stdout.close()",
    "other stdout": "import io, sys; print(1); sys.stdout = io.StringIO(); print('lost')",
    "warning": "import warnings; warnings.warn('careful')",
}


def same(command, *arguments):
    plain, ours = command(*arguments), command("-m", "buildtrace", *arguments)
    assert ours.out == plain.out
    assert ADDRESS.sub("", OURS.sub("", ours.err)) == ADDRESS.sub("", plain.err)
    assert ours.code == plain.code
    return plain


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_what_it_does_under_python(command, script, name):
    same(command, script(SCRIPTS[name]), "a b", "--depth", "3", "--", "-o", "x.svg")


def test_the_comparison_can_fail(command, script):
    name = script("import sys; print(len(sys.argv))")
    with pytest.raises(AssertionError):
        assert command(name).out == command("-m", "buildtrace", name, "more").out


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["./model.py", "sub/../model.py"])
def test_the_path_of_the_script_stays_as_given(command, script, tmp_path, path):
    (tmp_path / "sub").mkdir()
    script(LOOK + "1 / 0")
    same(command, path)


def test_a_script_in_another_folder_imports_its_neighbors(command, script):
    script("where = 'next to the script'", "code/helper.py")
    script("where = 'in the current folder'", "helper.py")
    assert same(command, script("import helper; print(helper.where)", "code/main.py")).out == (
        "next to the script\n"
    )


@pytest.mark.sampled(3)
@pytest.mark.parametrize("module", ["single", "package", "package.module"])
def test_a_module_does_what_it_does_under_python(command, script, module):
    script("", "package/__init__.py")
    for name in ("single.py", "package/__main__.py", "package/module.py"):
        script(LOOK, name)
    same(command, "-m", module, "a b", "--depth", "-m")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("source", "code"),
    [("1 / 0", 1), ("raise KeyboardInterrupt", -2), ("x = ", 1), ("import package.none", 1)],
)
def test_a_module_ends_as_it_does_under_python(command, script, source, code):
    script(source, "package/__main__.py")
    assert same(command, "-m", "package").code == code


# -- all that python runs -----------------------------------------------------------------------


needs_safe_path = pytest.mark.skipif(sys.version_info < (3, 11), reason="it has no -P")


def folder(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text(LOOK + "import beside; 1 / 0")
    (tmp_path / "app" / "beside.py").write_text("print(__name__, __file__)")
    return "app"


def application(tmp_path, **keywords):
    folder(tmp_path)
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz", **keywords)
    return "app.pyz"


def compiled(tmp_path, name="look.pyc"):
    (tmp_path / "look.py").write_text(LOOK + "1 / 0")
    py_compile.compile(str(tmp_path / "look.py"), cfile=str(tmp_path / name))
    return name


def written(data, name="look"):
    def write(tmp_path):
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return name

    return write


def link(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "look.py").write_text(LOOK + "1 / 0")
    (tmp_path / "link.py").symlink_to(tmp_path / "code" / "look.py")
    return "link.py"


RUNNABLE = {
    "a folder": folder,
    "a folder, another way": lambda tmp_path: f"./{folder(tmp_path)}/",
    "an application": application,
    "an application with a shebang": lambda p: application(p, interpreter="/usr/bin/env python3"),
    "an application that is compressed": lambda p: application(p, compressed=True),
    "compiled": compiled,
    "compiled without a suffix": lambda tmp_path: compiled(tmp_path, "look"),
    "no suffix": written(LOOK + "1 / 0"),
    "another suffix": written(LOOK + "1 / 0", "look.txt"),
    "begins like an archive": written("PK = 1\nprint(PK)"),
    "a mark of UTF-8": written(b"\xef\xbb\xbf" + LOOK.encode() + b"1 / 0"),
    "a mark and an encoding": written(b"\xef\xbb\xbf# coding: utf-8\nprint(1)"),
    "an encoding in the second line": written(
        b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\nprint(ascii('\x80'))"
    ),
    "lines of Windows": written("if 1:\r\n    print(__file__)\r\n1 / 0\r\n"),
    "no line end": written("print(1) # the end"),
    "nothing": written(""),
    "a link": link,
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("kind", RUNNABLE)
def test_what_python_runs_is_run(command, tmp_path, kind):
    same(command, RUNNABLE[kind](tmp_path), "a b", "--depth")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "source",
    [b"\xef\xbb\xbf# coding: latin-1\nprint(1)", b"# coding: klingon", b"print('\xe9')"],
)
def test_bytes_that_are_no_text_are_a_syntax_error(command, tmp_path, source):
    # In other words: Python's own are of its reader of files, which nothing else can use.
    (tmp_path / "look.py").write_bytes(source)
    for result in (command("look.py"), command("-m", "buildtrace", "look.py")):
        assert (result.code, result.out) == (1, "")
        assert OURS.sub("", result.err).splitlines()[-1].startswith("SyntaxError: ")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no pipes with names here")
@pytest.mark.parametrize("option", ["", pytest.param("-P", marks=needs_safe_path)])
def test_a_pipe_of_the_shell_is_run(tmp_path, option):
    (tmp_path / "look.py").write_text(LOOK + "1 / 0")
    shell = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, check=False)
    environment = os.environ | {"PYTHONPATH": PACKAGE_ROOT}
    line = f'"{sys.executable}" {option} {{}} <(cat look.py) a --depth'
    plain = shell(["bash", "-c", line.format("")], env=environment)
    ours = shell(["bash", "-c", line.format("-m buildtrace")], env=environment)
    assert "ZeroDivisionError" in plain.stderr
    assert (ours.returncode, ours.stdout) == (plain.returncode, plain.stdout)
    assert OURS.sub("", ours.stderr) == plain.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_with_a_name_is_read_once(command, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(LOOK))
    writer.start()
    ours = command("-m", "buildtrace", "pipe")
    writer.join()
    assert (ours.code, ours.err.count("\n")) == (0, 1)
    assert f"__file__ {str(tmp_path / 'pipe')!r}" in ours.out


def test_a_script_from_stdin(tmp_path):
    run = partial(
        subprocess.run,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": PACKAGE_ROOT},
        input=LOOK + "print(sys.stdin.read()); 1 / 0",
        capture_output=True,
        text=True,
        check=False,
    )
    plain = run([sys.executable, "-", "a", "--depth"])
    ours = run([sys.executable, "-m", "buildtrace", "-", "a", "--depth"])
    assert (ours.returncode, ours.stdout) == (plain.returncode, plain.stdout)
    assert OURS.sub("", ours.stderr) == plain.stderr


@needs_safe_path
def test_safe_path(command, script, tmp_path):
    script("print('beside')", "beside.py")
    name = script("import sys; print('beside' in sys.modules, sys.path[0]); import beside")
    plain, ours = command("-P", name), command("-P", "-m", "buildtrace", name)
    assert "ModuleNotFoundError" in plain.err
    assert (ours.code, OURS.sub("", ours.err)) == (plain.code, plain.err)
    folder(tmp_path)
    plain, ours = command("-P", "app"), command("-P", "-m", "buildtrace", "app")
    assert (ours.code, ours.out, OURS.sub("", ours.err)) == (plain.code, plain.out, plain.err)


def saved_model(tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "saved_model.pb").write_bytes(b"\x00")
    return "it"


def keras_2_model(tmp_path):
    saved_model(tmp_path)
    (tmp_path / "it" / "keras_metadata.pb").write_bytes(b"\x00")
    return "it"


def archive(name):
    def write(tmp_path):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            file.writestr("config.json", "{}")
        return name

    return write


HDF5 = b"\x89HDF\r\n\x1a\n\0"

SAVED = {
    "a saved model": (archive("model.keras"), "a saved model: name the script that"),
    "an older one": (written(HDF5, "model.h5"), "a saved model: name the script"),
    "weights": (written(HDF5, "it.weights.h5"), "a file of weights: name the"),
}
"""What is shown and compared, and never run."""

NOT_RUNNABLE = {
    "HDF5 with another suffix": (written(HDF5, "it.bin"), "HDF5: if Keras has saved it, name it"),
    "a SavedModel": (saved_model, "a SavedModel of TensorFlow, which has functions and no layers"),
    "a SavedModel of Keras 2": (
        keras_2_model,
        "a SavedModel of Keras 2, which only TensorFlow can read: name the script that builds or "
        'loads it, or make one file of it by tf_keras.models.load_model("it").save("model.keras")',
    ),
    "an archive": (archive("it.zip"), "an archive without a __main__.py"),
    "an empty folder": (lambda p: (p / "it").mkdir() or "it", "a folder without a __main__.py"),
    "a compressed trace": (
        written(b"\x1f\x8b\x08\0", "x.gz"),
        "compressed with gzip: if it is a trace, name it",
    ),
    "a picture": (written(b"\x89PNG\r\n\x1a\n\0\0", "it.png"), "no script: it is not a text"),
    "UTF-16": (written("print(1)".encode("utf-16"), "it.py"), "a text in UTF-16"),
    "of another Python": (written(b"\x00\x0d\r\n" + bytes(12), "it.pyc"), "compiled by another"),
}


CASES = [
    *((kind, verb) for kind in NOT_RUNNABLE for verb in ([], ["check"], ["diff", "build.json"])),
    *((kind, ["check"]) for kind in SAVED),
]
CASES.remove(("an empty folder", ["check"]))  # it checks all that is in a folder


@pytest.mark.parametrize(("kind", "verb"), CASES)
def test_what_is_no_script_is_one_clear_line(cli, tmp_path, trace_file, kind, verb):
    make, says = (SAVED | NOT_RUNNABLE)[kind]
    name = make(tmp_path)
    result = cli(*verb, name)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"buildtrace: error: {name} is {says}")
    assert result.err.count("\n") == 1


@pytest.mark.slow
def test_an_interrupt_while_python_waits_for_threads_is_no_other_end(command, script):
    plain = command(script(INTERRUPTED_THREADS))
    ours = command("-m", "buildtrace", script(INTERRUPTED_THREADS))
    assert (ours.out, ours.code) == (plain.out, plain.code) == ("main is done\n", 0)
    for result in (plain, ours):
        assert result.err.startswith("Exception ignored ")
        assert re.search(r"^KeyboardInterrupt", result.err, re.MULTILINE)


def test_what_a_thread_says_comes_before_the_report(command, script):
    result = command(
        "-m",
        "buildtrace",
        script(
            THREADS.replace('"late"', '"late", file=sys.stderr').replace(
                "import atexit", "import sys, atexit"
            )
        ),
    )
    assert result.err.startswith("late\nbuildtrace: nothing to show")


def test_the_main_module_is_real(cli, script):
    import sys

    assert cli(script("class Model: pass\nmodel = Model()")).code == 0
    main = sys.modules["__main__"]
    assert type(main.model) is main.Model
    assert main.Model.__module__ == "__main__"
