"""The reader in the docs, which knows nothing of buildtrace, sees the tree that buildtrace has."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import made_traces
import pytest

from buildtrace.traces import trace_file

READER = Path(__file__).parents[2] / "docs" / "examples" / "read_trace.py"
DATA = Path(__file__).parent / "data"


def run(*arguments, code=0):
    command = [sys.executable, "-I", str(READER), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def expected(trace):
    """The lines by what a trace answers to questions, not by its file."""
    for depth, call in trace.walk():
        layer = f"  {call.layer.name} ({call.layer.class_name})" if call.layer else ""
        made = [weight for weight in trace.weights if weight.call == call.id]
        shapes = [json.dumps(weight.shape) for weight in made]
        weights = "".join(f"  {w.name} {s}" for w, s in zip(made, shapes, strict=True))
        yield "  " * depth + call.name + layer + weights


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_its_tree_is_ours(tmp_path, suffix):
    trace = trace_file.load(DATA / "with_training.json.gz")
    trace.save(tmp_path / f"build{suffix}")
    lines = run(tmp_path / f"build{suffix}").splitlines()
    assert lines == list(expected(trace))
    assert any(line.endswith("Layer.add_weight  side (Dense)  kernel [4, 2]") for line in lines)


@pytest.mark.parametrize("make", [made_traces.towers, made_traces.mlp3, made_traces.saved_model])
def test_its_tree_of_other_traces(tmp_path, make):
    trace = make()
    trace.save(tmp_path / "build.json")
    assert run(tmp_path / "build.json").splitlines() == (list(expected(trace)) or [""])


def test_what_is_no_trace(tmp_path):
    for content in ({}, {"format": "buildtrace", "version": 2}):
        (tmp_path / "x.json").write_text(json.dumps(content))
        assert "not a trace file of version 1" in run(tmp_path / "x.json", code=1)


def test_it_is_thirty_lines_of_plain_python():
    text = READER.read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line]) <= 30
    imports = re.findall(r"^(?:import|from) (\w+)", text, flags=re.MULTILINE)
    assert set(imports) <= sys.stdlib_module_names
    assert ast.get_docstring(ast.parse(text))
