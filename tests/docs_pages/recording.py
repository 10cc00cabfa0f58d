"""What the pages of the landmarks tell of the real Keras: where each function is, and a call of it.

It is in `recorded.json`, so that the pages can be made without Keras. `python tests/docs_pages
--record` writes it anew, with the Keras of each generation that is installed.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import buildtrace
from buildtrace import renderers
from buildtrace.cli import landmarks
from buildtrace.testing.messages import folded, part_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.generations import Generation, Landmark
    from buildtrace.traces.schema import Call, KerasInfo

FOLDER = Path(__file__).parent
FILE = FOLDER / "recorded.json"

EXAMPLES = ("mnist_mlp", "functional_shared", "subclassed")
"""The bundled examples of which calls are shown, the first choice first."""

WIDTH = 80
"""So many columns has a block on a page without being pushed to and fro."""


def recorded() -> dict[str, Any]:
    """What is kept, by generation."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def record() -> None:
    """Run all programs, and keep what the pages tell of them."""
    kept = recorded() if FILE.exists() else {}
    for generation, info in landmarks.of_all():
        if info:
            kept[generation.name] = installed(generation, info)
    FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def installed(generation: Generation, info: KerasInfo) -> dict[str, Any]:
    """What the pages tell of this Keras, seen anew."""
    examples = dict(_examples(generation.name))
    return {
        "package": info.package,
        "version": info.version,
        "landmarks": {
            row.name: place(row, info) | examples.get(row.name, {})
            for row in generation.landmarks_of(info.version)
        },
    }


def place(row: Landmark, info: KerasInfo) -> dict[str, Any]:
    """Where a landmark is in an installed Keras: `file`, `line`, and `head`, how it begins there.

    Empty if it is not found.
    """
    source = landmarks.source_of(row, info)
    if source is None:
        return {}
    path, line = source
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and line in range(_start(node), node.lineno + 1):
            # To where the signature ends: of Keras' own text nothing else is quoted.
            lines = text.splitlines()[node.lineno - 1 : node.body[0].lineno - 1]
            end = next(i for i, each in enumerate(lines, 1) if each.rstrip().endswith(":"))
            margin = len(lines[0]) - len(lines[0].lstrip())
            head = "\n".join(each[margin:] for each in lines[:end])
            root = next(p for p in path.parents if p.name == info.package)
            file = path.relative_to(root.parent).as_posix()
            return {"file": file, "line": line, "head": head}
    return {}


def _start(node: ast.FunctionDef) -> int:
    return min(part.lineno for part in [node, *node.decorator_list])


def _examples(generation: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The first call of each landmark, in the first program that has one, in the last place."""
    programs = [("-m", f"buildtrace.examples.{name}") for name in EXAMPLES]
    programs += [(str(path),) for path in sorted((FOLDER / "programs").glob("*.py"))]
    for program in reversed(programs):
        trace = _trace(generation, program)
        name = program[-1].rpartition(".")[2] if program[0] == "-m" else Path(program[0]).stem
        calls: dict[str, Call] = {}
        for call in trace.calls if trace else ():
            calls.setdefault(call.landmark, call)
        for landmark, call in calls.items():
            yield landmark, {"program": name, "call": _tree(trace, call)}


def _trace(generation: str, program: tuple[str, ...]) -> buildtrace.Trace | None:
    """The trace of a program; `None` if this generation cannot run it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "build.json")
        keras = ["--keras", generation.removeprefix("keras")]
        command = [sys.executable, "-m", "buildtrace", *keras, "-o", str(path), *program]
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        quiet["PYTHONPATH"] = str(Path(buildtrace.__file__).parents[1])  # programs write files
        done = subprocess.run(command, cwd=folder, env=quiet, capture_output=True, check=False)
        return buildtrace.load(path) if done.returncode == 0 else None


def _tree(trace: buildtrace.Trace, call: Call) -> str:
    """Where a call stands among others, as plain text."""
    part = part_with(trace, {call.id})
    text = renderers.excerpt(part, folded(part, {call.id}), {call.id}, WIDTH)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
