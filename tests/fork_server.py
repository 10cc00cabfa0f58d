"""Imports Keras once, and forks for each program: the other side of forked.py.

As a program: `python fork_server.py FOLDER KERAS PID` answers at the socket in that folder until
the process with that number is gone. It computes nothing before it forks: TensorFlow's threads
would not survive that.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any


def serve(folder: Path, keras: str, owner: int) -> None:
    """Fork for each connection, until the owner is gone."""
    import_all(keras)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        listening.listen()
        listening.settimeout(1)
        os.write(1, b"ready\n")
        null = os.open(os.devnull, os.O_RDWR)
        for output in (1, 2):
            os.dup2(null, output)
        while _is_alive(owner):
            with contextlib.suppress(TimeoutError):
                connection, _ = listening.accept()
                connection.settimeout(None)
                if os.fork() == 0:
                    listening.close()
                    answer(connection)
                connection.close()
    shutil.rmtree(folder, ignore_errors=True)


def import_all(keras: str) -> None:
    """Import what every program waits for."""
    del sys.path[0]  # this folder: its modules have names of their own
    from buildtrace.cli import environment

    environment.choose_keras(keras)
    environment.quiet_tensorflow()
    import tensorflow as tf

    assert tf.keras.layers.Dense
    for module in ("run", "report"):
        importlib.import_module(f"buildtrace.cli.{module}")
    importlib.import_module("buildtrace.diagnosis").all_rules()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def answer(connection: socket.socket) -> None:
    """Read what is to be run, run it in a process of its own, and send its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, outputs, _, _ = socket.recv_fds(connection, 1, 2)
    request = json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))
    child = os.fork()
    if child == 0:
        connection.close()
        for number, output in enumerate(outputs, 1):
            os.dup2(output, number)
            os.close(output)
        perform(**request)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(str(code).encode())
    os._exit(0)


def perform(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Be Python, from where it has read its arguments to the end of the process."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    more = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [path for path in more if path not in sys.path]
    code = 1
    try:
        try:
            code = _exit_code(arguments)
        except KeyboardInterrupt:
            code = -signal.SIGINT
        threading._shutdown()  # type: ignore[attr-defined]
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        if code == -signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(code)


def _exit_code(arguments: list[str]) -> int:
    """Run the program; an error is shown as Python would."""
    try:
        _run(arguments)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)  # noqa: T201
        return 1
    except BaseException as error:
        error.__traceback__ = _of_the_program(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        if type(error) is KeyboardInterrupt:
            raise
        return 1
    return 0


def _run(arguments: list[str]) -> None:
    first, *rest = arguments
    if first == "-m":
        sys.argv = ["-m", *rest[1:]]
        sys.path.insert(0, str(Path.cwd()))
        runpy._run_module_as_main(rest[0])  # type: ignore[attr-defined]
        return
    main = sys.modules["__main__"] = type(sys)("__main__")
    main.__builtins__ = __builtins__  # type: ignore[attr-defined]
    if first == "-c":
        sys.argv, source, name = ["-c", *rest[1:]], rest[0], "<string>"
        sys.path.insert(0, "")
    else:
        sys.argv, source, name = arguments, Path(first).read_text(), str(Path.cwd() / first)
        sys.path.insert(0, str(Path(name).parent))
        main.__file__ = name
    exec(compile(source, name, "exec", dont_inherit=True), main.__dict__)


def _of_the_program(traceback: Any) -> Any:
    """Without the frames of this module, and of runpy."""
    while traceback and traceback.tb_frame.f_code.co_filename in (__file__, runpy.__file__):
        traceback = traceback.tb_next
    return traceback


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
