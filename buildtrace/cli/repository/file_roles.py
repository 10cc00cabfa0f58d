"""What is to be done with each file of a project: run it, or say why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.repository.import_graph import UnreadableError

if TYPE_CHECKING:
    from buildtrace.cli.repository.import_graph import ImportGraph
    from buildtrace.diagnosis.settings import Settings

NOTEBOOK = ".ipynb"

ABOUT = b"keras"
"""What is in a file that is about Keras, and cannot be read."""


class Role(NamedTuple):
    """What a file is.

    Attributes:
        path: the file.
        why_not: why it is not run, as a clause; "" if it is.
        wrong_at: the line that keeps it from being read as Python; 0 if none does.
        module: the name that it is run by as a module of its package; "" if it is run as a script.
        root: the folder that this name begins in.
        arguments: what it is run with.
    """

    path: Path
    why_not: str = ""
    wrong_at: int = 0
    module: str = ""
    root: Path = Path()
    arguments: tuple[str, ...] = ()


def role(path: Path, graph: ImportGraph, settings: Settings) -> Role | None:
    """What a file is; `None` if it has nothing to do with models.

    Args:
        path: the file, by its whole path.
        graph: reads the files of the project.
        settings: the project's.
    """
    if path.suffix == NOTEBOOK:
        why = "a notebook: `%load_ext buildtrace` in it, or make a script of it"
        return Role(path, why) if _is_about_keras(path) else None
    arguments = settings.arguments_of(path)
    try:
        reach, facts = graph.reach(path), graph.facts(path)
    except UnreadableError as error:
        return Role(path, str(error), error.line) if _is_about_keras(path) else None
    if not (reach.builds or facts.has_builds or facts.uses_keras or arguments is not None):
        return None
    if _is_test(path):
        return Role(path, "a test: `pytest --buildtrace-check` runs it")
    if arguments is None and not reach.builds:
        what = "defines models or layers" if facts.has_builds else "uses Keras"
        return Role(path, f"{what}, and builds none when it is run")
    if path.name == "__init__.py":
        return Role(path, "is run by what imports its package")
    if arguments is None and reach.required:
        why = f"needs arguments: {', '.join(reach.required)} (set them in pyproject.toml)"
        return Role(path, why)
    module, root = _module(path, graph)
    return Role(path, module=module, root=root, arguments=arguments or ())


def _is_test(path: Path) -> bool:
    stem = path.stem
    return path.suffix == ".py" and (
        stem.startswith("test_") or stem.endswith("_test") or stem == "conftest"
    )


def _is_about_keras(path: Path) -> bool:
    try:
        return ABOUT in path.read_bytes()
    except OSError:
        return False


def _module(path: Path, graph: ImportGraph) -> tuple[str, Path]:
    """The name of a module of a package, and where that begins; "" for a script.

    A file in a package that imports modules beside it by their bare names is meant to be a script.
    """
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    if folder == path.parent or _is_meant_as_script(path, folder, graph):
        return "", Path()
    parts = [*path.relative_to(folder).parts[:-1], path.stem]
    if parts[-1] == "__main__":
        parts.pop()
    is_name = all(part.isidentifier() for part in parts)
    return (".".join(parts), folder) if is_name else ("", Path())


def _is_meant_as_script(path: Path, root: Path, graph: ImportGraph) -> bool:
    for scope in graph.facts(path).scopes.values():
        for name in scope.imports:
            first = name.partition(".")[0]
            if not first:  # relative
                continue
            beside = (path.parent / f"{first}.py", path.parent / first / "__init__.py")
            at_root = (root / f"{first}.py", root / first / "__init__.py")
            if any(map(Path.is_file, beside)) and not any(map(Path.is_file, at_root)):
                return True
    return False
