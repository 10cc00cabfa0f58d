"""Workers of a real MultiWorkerMirroredStrategy on the loopback, and what their traces tell."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scenarios import GENERATIONS, Keras

import buildtrace
from buildtrace.traces import journal
from buildtrace.traces.trace_file import load

ROOT = str(Path(buildtrace.__file__).parents[1])
LIMIT = 240
"""Seconds until a worker is taken for hanging where it should not: an import alone takes long."""

SCRIPT = """\
import json, os, sys, time
import tensorflow as tf
import PACKAGE as keras

kind = sys.argv[1]
rank = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
layers = keras.layers

def left():
    return layers.Dense(8, name="left")

def right():
    return layers.Dense(6 if kind == "shapes" else 8, name="right")

with tf.distribute.MultiWorkerMirroredStrategy().scope():
    branches = [left(), right()]
    if rank == 1 and kind in ("order", "shapes"):
        branches.reverse()
    for branch in branches:
        branch.build((None, 4))
    if rank == 1 and kind in ("more", "hang"):
        extra = layers.Dense(3, name="extra")
        extra.build((None, 8))
if kind == "hang":
    time.sleep(1000)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals of Unix"),
]


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Workers:
    """Two workers of the script, each under the command."""

    def __init__(self, folder: Path, k: Keras, kind: str) -> None:
        self.folder = folder
        (folder / "train.py").write_text(SCRIPT.replace("PACKAGE", k.package))
        addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
        self.processes = [self._start(kind, rank, addresses) for rank in range(2)]

    def _start(self, kind: str, rank: int, addresses: list[str]) -> subprocess.Popen[bytes]:
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        env = os.environ | {"PYTHONPATH": ROOT, "TF_CONFIG": json.dumps(config)}
        env |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        command = [sys.executable, "-m", "buildtrace", "-o", "trace-{rank}.json", "train.py", kind]
        with (self.folder / f"{rank}.txt").open("wb") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=output, stderr=subprocess.STDOUT
            )

    def wait(self) -> list[int]:
        return [process.wait(LIMIT) for process in self.processes]

    def until(self, happened) -> None:
        """Wait for something that is about to happen while both run."""
        end = time.monotonic() + LIMIT
        while not happened():
            assert time.monotonic() < end, self.printed()
            time.sleep(0.2)

    def path(self, rank: int) -> Path:
        return self.folder / f"trace-{rank}.json"

    def partial(self, rank: int) -> tuple[journal.Making, ...]:
        file = journal.beside(self.path(rank))
        return journal.load(file) if file.exists() and file.stat().st_size else ()

    def printed(self) -> str:
        return "\n".join((self.folder / f"{rank}.txt").read_text() for rank in range(2))


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start two workers; they are gone after the test."""
    monkeypatch.chdir(tmp_path)
    started: list[Workers] = []

    def workers(k: Keras, kind: str) -> Workers:
        if not k.tensorflow:
            pytest.skip("for TensorFlow")
        started.append(Workers(tmp_path, k, kind))
        return started[0]

    yield workers
    for process in [process for one in started for process in one.processes]:
        process.kill()
        process.wait()


def merged(cli) -> tuple[int, list[dict], str]:
    """The exit code of `merge`, what it found of the second worker, and its text."""
    result = cli("merge", "--format", "json", "-o", "merged.txt", "trace-0.json", "trace-1.json")
    found = json.loads(result.out)
    return result.code, found["compared"][0].get("changes", []), Path("merged.txt").read_text()


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_workers_that_do_the_same(start, cli, k):
    workers = start(k, "same")
    assert workers.wait() == [0, 0], workers.printed()
    code, changes, text = merged(cli)
    assert (code, changes) == (0, [])
    assert text.splitlines() == [
        "trace-0.json  4 weights",
        "trace-1.json  4 weights",
        "",
        "All workers make the same weights, in the same order.",
    ]
    assert not [*Path().glob("*.partial")]


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_another_order_with_the_same_shapes_which_no_error_tells(start, cli, k):
    workers = start(k, "order")
    assert workers.wait() == [0, 0], workers.printed()
    code, changes, text = merged(cli)
    assert (code, [change["kind"] for change in changes]) == (1, ["order"])
    assert changes[0]["silent"]
    assert [changes[0][side]["layer"] for side in ("left", "right")] == ["left", "right"]
    assert text.count("train.py:20  branch.build((None, 4))") == 2


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_another_order_with_other_shapes(start, cli, k):
    workers = start(k, "shapes")
    assert 0 not in workers.wait(), workers.printed()
    code, changes, text = merged(cli)
    assert code == 1
    assert [change["kind"] for change in changes] == ["other"]
    assert not changes[0].get("silent")
    assert [changes[0][side]["shape"] for side in ("left", "right")] == [[4, 8], [4, 6]]
    assert "failed in weight 1: left/kernel (4, 8) at train.py:20" in text
    assert "failed in weight 1: right/kernel (4, 6) at train.py:20" in text


def is_in_extra(makings: tuple[journal.Making, ...]) -> bool:
    return bool(makings) and makings[-1].layer == "extra" and not makings[-1].made


@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_one_more_layer_while_the_other_one_is_done(start, cli, k):
    workers = start(k, "more")
    codes = workers.wait()
    assert codes[0] == 0, workers.printed()
    assert codes[1] != 0
    code, changes, text = merged(cli)
    assert (code, [change["kind"] for change in changes]) == (1, ["more"])
    assert "trace-1.json makes 1 weight that trace-0.json does not make" in text
    assert "failed in weight 5: extra/kernel (8, 3) at train.py:23" in text
    assert "train.py:23  extra.build((None, 8))" in text


@pytest.mark.parametrize("ended_by", ["SIGKILL", "SIGINT"])
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
def test_one_more_layer_while_both_hang(start, cli, k, ended_by):
    """Whatever ends the worker that waits in it; the other one is killed."""
    workers = start(k, "hang")
    workers.until(lambda: is_in_extra(workers.partial(1)) and len(workers.partial(0)) == 4)
    time.sleep(1)
    assert all(process.poll() is None for process in workers.processes), "they do not hang"
    first, second = workers.processes
    second.send_signal(getattr(signal, ended_by))
    if ended_by == "SIGINT":
        workers.until(lambda: workers.path(1).exists())
        assert any(call.landmark == "Layer.add_weight" for call in load(workers.path(1)).calls)
        workers.until(lambda: not journal.beside(workers.path(1)).exists())
        assert second.poll() is None, "untraced, nothing ends it there but SIGKILL"
        assert "the program does not answer Ctrl-C" in workers.printed()
    first.kill()
    first.wait(LIMIT)
    code, changes, text = merged(cli)
    assert (code, [change["kind"] for change in changes]) == (1, ["behind"])
    assert changes[0]["right"]["layer"] == "extra"
    assert "trace-1.json goes on to weight 5, which trace-0.json has not begun" in text
    assert "trace-0.json  4 weights (of its journal: it left no trace)" in text
    assert "was still in weight 5: extra/kernel (8, 3) at train.py:23" in text
    assert "train.py:23  extra.build((None, 8))" in text
