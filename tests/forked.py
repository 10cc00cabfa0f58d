"""Programs that need Keras, without its import: forked from a process that has imported it.

The first test that asks starts the server (fork_server.py) for all processes of the test run. What
a program leaves behind is gone with its process. What is about imports or about Python's start
needs a Python of its own, and so does everything where there is no fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CAN_FORK = hasattr(os, "fork") and find_spec("tensorflow") is not None
SERVER = Path(__file__).with_name("fork_server.py")
TIMEOUT = 300
"""Seconds until a program is taken for hanging."""


class Python:
    """Runs `python ARGUMENTS…` for programs that need Keras.

    Attributes:
        forks: whether from a process that has imported Keras; otherwise by a new Python.
    """

    def __init__(self, *, forks: bool) -> None:
        self.forks = forks

    def __call__(
        self,
        *arguments: object,
        cwd: Path,
        env: Mapping[str, str],
        keras: str = "3",
        together: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a script or `-m MODULE` or `-c PROGRAM`, with its arguments.

        Args:
            *arguments: Python's.
            cwd: where it runs.
            env: its environment. What is forked gets it after Python's start.
            keras: which generation is imported, where it is forked.
            together: what goes to stderr is in `stdout` as well, in order, as a terminal has it.
        """
        command = [*map(str, arguments)]
        run = _fork if self.forks else _start
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = run(command, cwd, dict(env), (out, out if together else err), keras)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())


@pytest.fixture(
    params=[
        pytest.param("forked", marks=pytest.mark.skipif(not CAN_FORK, reason="no fork here")),
        pytest.param("anew", marks=[pytest.mark.slow] if CAN_FORK else []),
    ]
)
def python(request: pytest.FixtureRequest) -> Python:
    """Runs programs that need Keras: forked in a plain `pytest`, by a Python of their own in CI."""
    return Python(forks=request.param == "forked")


@pytest.fixture
def forked_python() -> Python:
    """The same without a Python of their own in CI: for the later ones of many programs."""
    return Python(forks=CAN_FORK)


def _start(
    command: list[str], cwd: Path, env: dict[str, str], outputs: tuple[Any, Any], keras: str
) -> int:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=outputs[0],
        stderr=outputs[1],
        timeout=TIMEOUT,
    ).returncode


def _fork(
    command: list[str], cwd: Path, env: dict[str, str], outputs: tuple[Any, Any], keras: str
) -> int:
    with _connected(keras) as connection:
        socket.send_fds(connection, [b"!"], [output.fileno() for output in outputs])
        connection.sendall(json.dumps({"arguments": command, "cwd": str(cwd), "env": env}).encode())
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(TIMEOUT)
        return int(connection.recv(16))


@contextlib.contextmanager
def _connected(keras: str) -> Iterator[socket.socket]:
    """A connection to this test run's server, which is started if need be."""
    import fcntl

    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir(), f"buildtrace-forks-{owner}-{keras}")
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "socket").exists():
            _start_server(folder, keras, owner)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "socket"))
        yield connection


def _start_server(folder: Path, keras: str, owner: int) -> None:
    log = folder / "log.txt"
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, str(SERVER), str(folder), keras, str(owner)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the tests
        )
    assert server.stdout is not None
    with server.stdout as answers:
        if answers.readline() != b"ready\n":
            raise RuntimeError(f"no server: {log.read_text()}")
    server.returncode = 0  # it outlives this object: Python is not to warn of that
