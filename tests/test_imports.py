"""Imports point one way, and nothing heavy is imported before it must be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import buildtrace

PACKAGE = Path(buildtrace.__file__).parent
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "examples" not in path.relative_to(PACKAGE).parts
)

EVERYWHERE = {"errors", "traces"}
MAY_IMPORT = {
    "errors": set(),
    "traces": set(),
    "generations": set(),
    "capture": {"generations", "diagnosis"},
    "diagnosis": set(),
    "comparison": {"generations"},
    "renderers": {"comparison"},
}
"""What each part may import, besides itself and what may be imported everywhere; the parts on top
may import anything."""


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path: Path) -> set[str]:
    """The parts of buildtrace that a module imports when it is imported."""
    tree = ast.parse(path.read_text())
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "buildtrace":
            found.update(f"buildtrace.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.split(".")[1] for name in found if name.startswith("buildtrace.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    if part not in MAY_IMPORT:
        assert part in {"__init__", "__main__", "cli", "integrations", "testing"}
        return
    assert imports_of(path) <= MAY_IMPORT[part] | EVERYWHERE | {part}


@pytest.mark.parametrize("module", ["buildtrace", "buildtrace.cli", "buildtrace.renderers"])
def test_nothing_heavy_is_imported(module):
    heavy = (
        "{'tensorflow', 'keras', 'tf_keras', 'rich', 'graphviz', 'pygraphviz', 'jinja2', 'numpy'}"
    )
    program = f"import sys, {module}\nassert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_capture_imports_no_keras():
    keras = "{'tensorflow', 'keras', 'tf_keras'}"
    program = f"import sys, buildtrace.capture\nassert not {keras} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_public_names():
    assert set(buildtrace.__all__) == {"Trace", "__version__", "load", "trace"}
    for name in buildtrace.__all__:
        assert getattr(buildtrace, name) is not None
