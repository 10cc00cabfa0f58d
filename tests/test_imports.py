"""Imports point one way, and nothing heavy is imported before it must be."""

from __future__ import annotations

import ast
import collections
import functools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(buildtrace.__file__).parent
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "examples" not in path.relative_to(PACKAGE).parts
)

BY_NAME = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in MODULES
}

MAY_IMPORT = {
    "errors": set(),
    "traces": {"errors"},
    "files": {"errors", "traces"},
    "generations": {"errors", "traces"},
    "capture": {"errors", "traces", "generations"},
    "abstract": {"errors", "traces", "generations", "capture"},
    "diagnosis": {"errors", "traces"},
    "comparison": {"errors", "traces", "generations"},
    "planning": {"errors", "traces"},
    "renderers": {"errors", "traces", "comparison", "planning"},
}
"""What each part may import, besides itself; the parts on top may import anything."""

DOORS = {
    # A finished trace has its findings. The rules are loaded before anything is recorded: an
    # import that a fork interrupts is never over.
    "capture/__init__.py": {"diagnosis"},
    # The methods of a trace that show it, save it and compare it; imported when they are used.
    "traces/trace.py": {"renderers", "comparison"},
    # `%load_ext buildtrace` is asked of the package.
    "__init__.py": {"integrations"},
    # The text of an error is made safe to show, as all that is shown, when it is asked for.
    "errors.py": {"traces"},
    # A graph shows itself in a notebook.
    "traces/schema.py": {"renderers"},
}
"""The modules that may import more, and why."""

READERS = {
    "traces/source_origins.py": "the source of a trace that this process has recorded",
    "traces/installed_keras.py": "functions of the installed Keras",
    "traces/trace_file.py": "the trace file",
    "traces/journal.py": "the journal of a worker",
    "diagnosis/settings.py": "pyproject.toml",
    "diagnosis/said.py": "what the rules say of their bad examples",
    "renderers/page/bundle.py": "the page's own assets",
}
"""The only modules that read files, of those that a trace from anybody gets to."""

READING = {
    *("open", "read_text", "read_bytes", "findsource", "getsource", "getsourcelines"),
    *("getline", "getlines", "linecache", "fileinput"),
}

SAME_NAME = {
    "adapter": "each generation has its own",
    "landmarks": "each generation has its own, and there is a verb of the command",
    "saving": "each generation has its own",
    "schema": "the classes of a trace's data, and there is a verb of the command",
    "training": "each generation has its own",
}
"""Modules that share a name, and why."""

NOT_YET_UNIQUE: set[str] = set()
"""Names that stand for two things and are to be given up; this may only shrink."""


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


class Source(NamedTuple):
    """What the tests ask of a module's source.

    Attributes:
        imports: the modules that it imports, ever.
        imports_at_once: the same, as soon as it is imported itself.
        names: the names that it uses, those of attributes as well.
        defines: its classes and type aliases.
    """

    imports: set[str]
    imports_at_once: set[str]
    names: set[str]
    defines: set[str]


@functools.cache  # not the syntax itself: there is a lot of it
def source_of(path: Path) -> Source:
    """What there is in a module."""
    tree = ast.parse(path.read_text())
    nodes = [*ast.walk(tree)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return Source(
        imports=modules_imported(tree, at_once=False),
        imports_at_once=modules_imported(tree, at_once=True),
        names=names,
        defines={*definitions(tree)},
    )


def modules_imported(tree: ast.Module, *, at_once: bool) -> set[str]:
    """The modules that a module imports, ever or as soon as it is imported itself."""
    names = set()
    for node in _run(tree, at_once=at_once):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                names.add(name if name in BY_NAME else node.module)
    return names


def _run(tree: ast.Module, *, at_once: bool) -> Iterator[ast.AST]:
    """What of a module is ever run, or as soon as it is imported."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if not ((at_once and isinstance(node, functions)) or _is_for_types(node)):
            yield node
            nodes += ast.iter_child_nodes(node)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def definitions(tree: ast.Module) -> Iterator[str]:
    """The names of classes, at any depth, and of type aliases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    top = [*tree.body]
    top += [inner for node in tree.body if isinstance(node, ast.If) for inner in node.body]
    for node in top:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            name = target.id if isinstance(target, ast.Name) else ""
            if name.lstrip("_")[:1].isupper() and not name.isupper():
                yield name


def parts_of(modules: set[str]) -> set[str]:
    """The parts of buildtrace that these modules are in."""
    return {name.split(".")[1] for name in modules if name.startswith("buildtrace.")}


def test_imports_point_one_way():
    for path in MODULES:
        part, place = part_of(path), path.relative_to(PACKAGE).as_posix()
        if part in MAY_IMPORT:
            more = parts_of(source_of(path).imports) - MAY_IMPORT[part] - {part}
            assert more <= DOORS.get(place, set()), place
        else:
            assert part in {"__init__", "__main__", "cli", "integrations", "testing"}, place


def test_no_file_imports_another_that_imports_it():
    """Not by a way over others either, nor in a function; but for the doors."""
    imports = {
        name: source_of(path).imports
        for name, path in BY_NAME.items()
        if path.relative_to(PACKAGE).as_posix() not in DOORS
    }
    for leaves in iter(lambda: {n for n in imports if not imports[n] & imports.keys()}, set()):
        for name in leaves:
            del imports[name]
    assert not imports, "these are in circles, or import what is"


def test_a_trace_has_one_door_to_files():
    """What it names must not be read, so that few modules know how to."""
    readers = set()
    for path in MODULES:
        if part_of(path) not in ("traces", "diagnosis", "comparison", "planning", "renderers"):
            continue
        source = source_of(path)
        if (source.names | {name.rpartition(".")[2] for name in source.imports}) & READING:
            readers.add(path.relative_to(PACKAGE).as_posix())
    assert readers == READERS.keys()


@pytest.mark.parametrize("room", ["traces"])
def test_the_doors_of_a_trace_are_opened_when_they_are_used(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert parts_of(source_of(path).imports_at_once) <= MAY_IMPORT[room] | {room}


def test_no_class_and_no_module_has_the_name_of_another():
    places = collections.defaultdict(set)
    for path in MODULES:
        place = path.relative_to(PACKAGE).as_posix()
        for name in source_of(path).defines:
            places[name.lstrip("_")].add(place)
        module = path.parent.name if path.stem == "__init__" else path.stem
        if path.parent != PACKAGE or path.stem != "__main__":
            places[module].add(place)
    double = {name: sorted(where) for name, where in places.items() if len(where) > 1}
    assert double.keys() - SAME_NAME.keys() <= NOT_YET_UNIQUE, double
    assert double.keys() >= NOT_YET_UNIQUE, "take what is unique by now off NOT_YET_UNIQUE"
    assert double.keys() >= SAME_NAME.keys()


@pytest.mark.parametrize("module", ["buildtrace", "buildtrace.cli", "buildtrace.renderers"])
def test_nothing_heavy_is_imported(module):
    heavy = (
        "{'tensorflow', 'keras', 'tf_keras', 'rich', 'graphviz', 'pygraphviz', 'jinja2', 'numpy'}"
    )
    program = f"import sys, {module}\nassert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "module", ["buildtrace.abstract", "buildtrace.capture", "buildtrace.testing"]
)
def test_importing_what_works_on_keras_imports_none(module):
    keras = "{'tensorflow', 'keras', 'tf_keras'}"
    program = f"import sys, {module}\nassert not {keras} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_public_names():
    assert set(buildtrace.__all__) == {"Trace", "__version__", "abstract", "load", "trace"}
    for name in buildtrace.__all__:
        assert getattr(buildtrace, name) is not None
