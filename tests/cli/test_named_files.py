"""What a trace names need not be shown: no file that a saved trace names is ever opened."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import re
import subprocess
import sys

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.diagnosis import diagnose
from buildtrace.renderers import RENDERERS
from buildtrace.traces.schema import ErrorInfo, Finding, LayerState, Method, SourceLine, Use
from buildtrace.traces.trace_file import to_json
from cli.conftest import PACKAGE_ROOT

SECRET = "def build(self): PRIVATE = {}  # class Net, Layer.__call__, compute_output_spec\n"
"""Lines that look like any function of a trace."""

OUTPUT = "shown_"

SHOW = """
import contextlib, sys
from pathlib import Path

folder, names = Path(sys.argv[1]), sys.argv[2:]
opened = []

def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]) in names:
        opened.append(arguments)

sys.addaudithook(watch)

import buildtrace
from buildtrace.cli import main
from buildtrace.cli.check_formats import FORMATS
from buildtrace.renderers import RENDERERS, VIEWS

def command(*arguments):
    with contextlib.suppress(SystemExit):
        code = main([*arguments])
        assert code in (0, 1), (arguments, code)

def output(name):
    return str(folder / f"shown_{name}")

file = str(folder / "build.json")
trace = buildtrace.load(file)
for number, shown in enumerate([trace, trace.weights, *trace.graphs]):
    Path(output(f"notebook{number}")).write_text(str(shown._repr_mimebundle_()))
Path(output("printed")).write_text(str(trace))
views = [word for name in VIEWS for word in ("--view", name)]
command("--full", "--explain", *views, file)
for name in FORMATS:
    command("check", "--format", name, file)
command("diff", "--full", "-o", output("both.html"), "-o", output("both.json"), file, file)
for name in RENDERERS:
    command("--full", "--format", name, "-o", output(name), file)
Path(output("json")).rename(folder / "again.json")
command("--full", *views, "-o", output("again.html"), str(folder / "again.json"))
sys.stdout.flush()
assert not opened, opened
"""


def everything(made):
    """A trace with something in each of its parts that can name a file."""
    trace = getattr(made_traces, made)("net.py")
    line = SourceLine(file="net.py", line=2)
    error = ErrorInfo(type="ValueError", message="no", lines=(line,))
    method = Method(name="build", file="net.py", line=2, arguments=("shape",), required=1)
    layer = trace.calls[0].layer
    state = LayerState(layer=layer, after=0, built=True, file="net.py", line=1, methods=(method,))
    use = Use(name="Model.summary", generation="keras3", before=1, caller=line, error=error)
    graph = made_traces.chain(layer, (layer, made_traces.spec(None, 3)))
    trace = replace(trace, states=(*trace.states, state), uses=(use,), graphs=(graph,))
    finding = Finding(code="BT105", message="m", why="w", fix="f", calls=(0,), caller=line)
    return replace(trace, findings=(*diagnose(trace), finding))


def naming(trace, names, line):
    """The trace as a file that says one of the names for each file, and `line` for each line."""
    names = itertools.cycle(names)

    def named(value):
        if isinstance(value, list):
            return [named(one) for one in value]
        if not isinstance(value, dict):
            return value
        fields = {key: named(one) for key, one in value.items()}
        if "file" in fields:
            fields |= {"file": str(next(names)), "line": line}
        return fields

    fields = named(json.loads(to_json(trace)))
    fields["sources"] = [{"file": str(next(names)), "inside": {str(line): str(next(names))}}]
    return json.dumps(fields)


def show(folder, names):
    """All that one process shows of the trace file in a folder; fails if it opens one of these."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW, folder, *map(str, names)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": PACKAGE_ROOT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    shown = [path.read_bytes() for path in folder.iterdir() if path.name.startswith(OUTPUT)]
    assert len(shown) > len(RENDERERS) + 4
    text = b"\n".join([done.stdout, done.stderr, *shown])
    packed = re.findall(rb"H4sI[\w+/]+=*", text)  # the data of pages
    assert len(packed) >= 3
    return b"\n".join([text, *(gzip.decompress(base64.b64decode(data)) for data in packed)])


@pytest.fixture
def canary(tmp_path):
    """A file of secrets beside the trace."""
    path = tmp_path / "id_rsa"
    path.write_text("".join(SECRET.format(number) for number in range(1, 40)))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("made", "line"),
    [
        ("frozen", 3),
        *(
            pytest.param(made, line, marks=pytest.mark.slow)
            for made in ("frozen", "caught", "replaced")
            for line in (1, 4)
        ),
    ],
)
def test_a_file_that_a_trace_names_is_not_opened(tmp_path, canary, made, line):
    folder = tmp_path / "shown"
    folder.mkdir()
    (tmp_path / "folder").mkdir()
    names = [
        canary,
        canary,
        "/dev/zero",
        tmp_path / "folder",
        f"../{canary.name}",
        "~/id_rsa",
        "/dev/stdin",
    ]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        names.append(tmp_path / "fifo")
    trace = everything(made)
    modules = itertools.cycle(["keras.src.layers", f"keras...{canary}", str(canary), "keras", ""])
    calls = tuple(replace(call, module=next(modules)) for call in trace.calls)
    (folder / "build.json").write_text(naming(replace(trace, calls=calls), names, line))
    shown = show(folder, names)
    assert canary.name.encode() in shown
    assert b"PRIVATE" not in shown
