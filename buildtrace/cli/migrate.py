"""`buildtrace check --keras 3 --migrate SCRIPT.py|FOLDER`: what of it Keras 3 does not take.

The files are read, and nothing in them is imported or run.
"""

from __future__ import annotations

import ast
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.repository.named_files import python_files
from buildtrace.cli.streams import say
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.check_result import CheckResult


class _FilesRead(NamedTuple):
    """The files of a request.

    Attributes:
        files: those that can be read, and what Python makes of each.
        problems: of each other one, why it cannot be.
    """

    files: dict[Path, ast.Module]
    problems: list[str]


def migrated(request: CheckRequest) -> CheckResult:
    """What is found in the files that a request names.

    Raises:
        UsageError: there is no such file, or none that can be read.
    """
    import msgspec

    from buildtrace.cli.check_result import CheckResult
    from buildtrace.diagnosis import all_rules, suppress
    from buildtrace.diagnosis.migration.migration_findings import of_files
    from buildtrace.traces.trace import Trace

    targets = request.several.targets if request.several else (request.program.target,)
    read = _FilesRead({}, [])
    for target in map(Path.absolute, map(Path, targets)):
        _read_folder(target, read) if target.is_dir() else _read_script(target, read)
    if not read.files:
        where = ", ".join(targets)
        raise UsageError(read.problems[0] if read.problems else f"no .py file is in {where}")
    for problem in read.problems:
        say(problem)
    # Of no run: it gives the source of files on this machine, and the comments in them.
    trace = Trace(sources=msgspec.UNSET)
    findings = of_files(trace, map(str, read.files), all_rules())
    return CheckResult(
        kept=suppress.keep(findings, trace.index.source_code, request.settings),
        trace=trace,
        folder=Path.cwd(),
        target=request.program.target,
        concise=request.concise,
        complete=not read.problems,
        files=len(read.files),
    )


def _read_folder(folder: Path, read: _FilesRead) -> None:
    for path in python_files(folder, [".py"]):
        _add(path, read)


def _read_script(script: Path, read: _FilesRead) -> None:
    """The script, and the modules beside it or below that it imports, at any distance."""
    seen, waiting = {script}, [script]
    while waiting:
        path = waiting.pop(0)
        tree = _add(path, read)
        for module in _own_modules(tree, path, script.parent) if tree else ():
            if module not in seen:
                seen.add(module)
                waiting.append(module)


def _add(path: Path, read: _FilesRead) -> ast.Module | None:
    """Read a file; returns what Python makes of it."""
    from buildtrace.diagnosis.migration import reading

    if path in read.files:
        return read.files[path]
    try:
        with tokenize.open(path) as file:
            code = file.read()
        tree = ast.parse(code)
        reading.read(code)  # kept for when its findings are asked for; here for what cannot be read
    except OSError as error:
        read.problems.append(f"cannot read {path}: {error.strerror or error}")
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        read.problems.append(f"{path} is no Python{where}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        read.problems.append(
            f"{path} cannot be read as Python: {str(error) or type(error).__name__}"
        )
    else:
        read.files[path] = tree
        return tree
    return None


def _own_modules(tree: ast.Module, path: Path, folder: Path) -> Iterator[Path]:
    """The files that a module imports from the script's own folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(folder, alias.name)
        elif isinstance(node, ast.ImportFrom):
            start = path.parents[node.level - 1] if 0 < node.level <= len(path.parents) else folder
            module = node.module or ""
            yield from _files_of(start, module)
            for alias in node.names:
                yield from _files_of(start, f"{module}.{alias.name}".lstrip("."))


def _files_of(folder: Path, module: str) -> Iterator[Path]:
    """The file of a module, and those of the packages that it is in; none if it is elsewhere."""
    parts = module.split(".") if module else []
    for count in range(len(parts) + 1):
        place = folder.joinpath(*parts[:count])
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if count and file.is_file():
                yield file
