"""Runs many scripts under the command, each in a process of its own, without waiting for Keras.

A server imports TensorFlow once for each generation of Keras, and forks for each script: what a
script leaves behind is gone with its process, and its names are counted from the start. Where
there is no fork, it starts a new Python for each.

As a program, this is the server: `python scripts.py 2` (or 3) reads one request a line.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.trace import Trace

ROOT = Path(__file__).parents[2]
JAX = "jax"
"""Stands in a generation's place for Keras 3 on JAX, where there need be no TensorFlow."""

TIMEOUT = 120
"""Seconds until a script is taken for hanging."""


@dataclass(frozen=True)
class Ran:
    """What came of a script.

    Attributes:
        path: the script; there is none there if its run was only recorded.
        code: its exit code.
        output: what it printed, its traceback included.
        trace: what was recorded.
        saved: what of the script's models and layers was saved and loaded again, if that was
            asked for.
        problem: what went wrong with that; empty if nothing did.
        source: the script's text.
    """

    path: Path
    code: int
    output: str
    trace: Trace
    saved: list[str] = field(default_factory=list)
    problem: str = ""
    source: str = ""

    def line_of(self, text: str) -> int:
        """The number of the script's one line that has this text, from 1."""
        lines = enumerate(self.source.splitlines(), 1)
        numbers = [number for number, line in lines if text in line]
        assert len(numbers) == 1, f"{text!r} is in the lines {numbers}"
        return numbers[0]


class Server:
    """A process with one generation of Keras that runs scripts; it ends when it is closed."""

    def __init__(self, generation: str, folder: Path) -> None:
        """Start it.

        Args:
            generation: "keras2" or "keras3", or "jax" for Keras 3 on that backend.
            folder: where scripts and traces go.
        """
        self.folder, self._count = folder, 0
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        self._process = subprocess.Popen(
            [
                sys.executable,
                __file__,
                "3" if generation == JAX else generation.removeprefix("keras"),
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path} | _backend(generation),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, source: str | Path, *, save: bool = False) -> Ran:
        """Run a script under `buildtrace`.

        Args:
            source: its text, or its path.
            save: afterwards save what it made and load it again.
        """
        from buildtrace.traces import trace_file

        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir()
        script = source if isinstance(source, Path) else folder / "model.py"
        if isinstance(source, str):
            script.write_text(source)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"script": str(script), "folder": str(folder), "save": save}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        output = (folder / "output.txt").read_text(errors="replace")
        assert answer, f"the server ended: {output}"
        trace = folder / "build.json"
        assert trace.exists(), f"no trace: {output}"
        return Ran(
            script,
            **json.loads(answer),
            output=output,
            trace=trace_file.load(trace),
            source=script.read_text(),
        )

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(TIMEOUT)


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Any]:
    """Gives a function from a generation's name to its server, which starts at the first use."""
    started: dict[str, Server] = {}

    def server(generation: str) -> Server:
        if generation not in started:
            own = folder / generation
            own.mkdir()
            started[generation] = Server(generation, own)
        return started[generation]

    try:
        yield server
    finally:
        for process in started.values():
            process.close()


def _backend(generation: str) -> dict[str, str]:
    return {"KERAS_BACKEND": JAX} if generation == JAX else {}


def can_run(generation: str) -> bool:
    """Whether scripts can be run on a generation here, or on a backend of Keras 3."""
    if generation == JAX:
        return all(importlib.util.find_spec(module) is not None for module in (JAX, "keras"))
    return generation in installed()


def installed() -> list[str]:
    """The generations that `tf.keras` can be here."""
    from buildtrace.cli import environment

    if importlib.util.find_spec("tensorflow") is None:
        return []
    return [f"keras{keras}" for keras in "23" if environment.package_of(keras) is not None]


# -- the server's side ------------------------------------------------------------------------


def serve(keras: str) -> None:
    """Answer each line of stdin: run the script that it names."""
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    requests = os.fdopen(os.dup(0), "r")
    os.dup2(null, 0)
    if hasattr(os, "fork"):
        import_all(keras)
    for line in requests:
        request = json.loads(line)
        code = _fork(keras, request) if hasattr(os, "fork") else _start(keras, line)
        result = Path(request["folder"]) / "saved.json"
        saved = json.loads(result.read_text()) if result.exists() else {}
        answers.write(json.dumps({"code": code, **saved}) + "\n")
        answers.flush()


def import_all(keras: str) -> None:
    """Import what every script waits for. Nothing is computed: TensorFlow starts no thread yet."""
    from buildtrace.cli import environment

    environment.choose_keras(keras)
    environment.quiet_tensorflow()
    from buildtrace import diagnosis

    if os.environ.get("KERAS_BACKEND") == JAX:
        importlib.import_module("keras")
    else:
        assert importlib.import_module("tensorflow").keras.layers.Dense
    for module in ("run", "report"):
        importlib.import_module(f"buildtrace.cli.{module}")
    diagnosis.all_rules()


def _fork(keras: str, request: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = perform(keras, request)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _start(keras: str, line: str) -> int:
    command = [sys.executable, __file__, keras, "once"]
    return subprocess.run(command, input=line, text=True).returncode


def perform(keras: str, request: dict[str, Any]) -> int:
    """Run one script in this process; returns its exit code."""
    from buildtrace.cli import main
    from diagnosis import saving

    folder = Path(request["folder"])
    os.chdir(folder)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.dump_traceback_later(TIMEOUT, exit=True)
    code = main(["--keras", keras, "-o", str(folder / "build.json"), request["script"]])
    if request["save"] and code == 0:
        result = {"saved": [], "problem": ""}
        try:
            result["saved"] = saving.save_and_load(vars(sys.modules["__main__"]), folder)
        except Exception:
            result["problem"] = traceback.format_exc()
        (folder / "saved.json").write_text(json.dumps(result))
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    if sys.argv[2:] == ["once"]:
        sys.exit(perform(sys.argv[1], json.loads(sys.stdin.readline())))
    serve(sys.argv[1])
