"""A script runs under buildtrace as it runs under python: the outputs are compared as text."""

import re

import pytest

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
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.3)

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


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_what_it_does_under_python(command, script, name):
    same(command, script(SCRIPTS[name]), "a b", "--depth", "3", "--", "-o", "x.svg")


def test_the_comparison_can_fail(command, script):
    name = script("import sys; print(len(sys.argv))")
    with pytest.raises(AssertionError):
        assert command(name).out == command("-m", "buildtrace", name, "more").out


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


@pytest.mark.parametrize("module", ["single", "package", "package.module"])
def test_a_module_does_what_it_does_under_python(command, script, module):
    script("", "package/__init__.py")
    for name in ("single.py", "package/__main__.py", "package/module.py"):
        script(LOOK, name)
    same(command, "-m", module, "a b", "--depth", "-m")


def test_a_module_that_fails_shows_no_frames_of_ours(command, script):
    script("1 / 0", "single.py")
    ours = command("-m", "buildtrace", "-m", "single")
    assert ours.code == 1
    files = re.findall(r'File "(.*?)"', ours.err)
    assert [file.endswith("single.py") for file in files] == [True]


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
