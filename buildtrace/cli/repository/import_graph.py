"""Which file imports which of the same project, and what runs with it: by their source alone."""

from __future__ import annotations

import tokenize
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.repository.file_facts import MAIN, MODULE, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from buildtrace.cli.repository.file_facts import CodeScope, FileFacts

MOST_STEPS = 8
"""A name that is passed on from module to module is followed so far."""


class UnreadableError(Exception):
    """A file cannot be read as Python; the text says why, as a clause.

    Attributes:
        line: where.
    """

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.line = line


class Reach(NamedTuple):
    """What is done if a file runs as a script.

    Attributes:
        builds: whether a layer or a model is made.
        required: the arguments that it wants of a command line.
    """

    builds: bool
    required: list[str]


class ImportGraph:
    """The files of a project, each read when it is asked for."""

    def __init__(self, root: Path, gone: frozenset[Path] = frozenset()) -> None:
        """Nothing is read yet.

        Args:
            root: the folder of the project: what is not below it is not looked at.
            gone: files that were there once, and are found as well.
        """
        self.root = root
        self._gone = gone
        self._facts: dict[Path, FileFacts | UnreadableError] = {}
        self._is_file: dict[Path, bool] = {}
        self._found: dict[tuple[Path, str], tuple[Path, str] | None] = {}

    def facts(self, path: Path) -> FileFacts:
        """What a file does.

        Raises:
            UnreadableError: it cannot be read.
        """
        if path not in self._facts:
            self._facts[path] = _facts(path)
        facts = self._facts[path]
        if isinstance(facts, UnreadableError):
            raise facts
        return facts

    def reach(self, path: Path) -> Reach:
        """What is done if a file runs as a script, by whatever of the project it uses.

        Raises:
            UnreadableError: it cannot be read.
        """
        self.facts(path)
        builds, required = False, []
        seen: set[tuple[Path, str]] = set()
        waiting = [(path, MODULE), (path, MAIN)]
        while waiting:
            at = waiting.pop()
            scope = None if at in seen else self._scope(*at)
            seen.add(at)
            if scope is not None:
                builds |= bool(scope.builds)
                required += [name for name in scope.required if name not in required]
                waiting += self._leads_to(at[0], scope)
        return Reach(builds, required)

    def imported(self, path: Path) -> set[Path]:
        """The files of the project that a file imports, at any distance; without itself."""
        seen, waiting = {path}, [path]
        while waiting:
            current = waiting.pop()
            for file in self._imported_directly(current) - seen:
                seen.add(file)
                waiting.append(file)
        return seen - {path}

    def _imported_directly(self, path: Path) -> set[Path]:
        try:
            scopes = self.facts(path).scopes.values()
        except UnreadableError:
            return set()
        return {
            file for scope in scopes for name in scope.imports for file in self._files(path, name)
        }

    def _files(self, path: Path, name: str) -> Iterator[Path]:
        """The file of a module, and those of the packages that it is in."""
        if (found := self.find(path, name)) is None:
            return
        file = found[0]
        yield file
        folder = file.parent
        while folder != self.root and self._exists(folder / "__init__.py"):
            yield folder / "__init__.py"
            folder = folder.parent

    def _scope(self, path: Path, name: str) -> CodeScope | None:
        try:
            return self.facts(path).scopes.get(name)
        except UnreadableError:
            return None

    def _leads_to(self, path: Path, scope: CodeScope) -> Iterator[tuple[Path, str]]:
        """The other scopes that run, or may, if this one does."""
        own = self.facts(path)
        for name in scope.imports:
            for file in self._files(path, name):
                yield file, MODULE
        for name in scope.uses | scope.calls:
            is_own = name in own.scopes
            found = (path, name) if is_own else self._defined(path, own.exports.get(name, name))
            # To name a class, as who registers it does, makes nothing of it.
            if found and (name in scope.calls or not self._is_class(*found)):
                yield found

    def _is_class(self, path: Path, name: str) -> bool:
        try:
            return name in self.facts(path).classes
        except UnreadableError:
            return False

    def _defined(self, path: Path, name: str) -> tuple[Path, str] | None:
        """Where a whole name is defined; modules may have it from other ones."""
        for _ in range(MOST_STEPS):
            found = self.find(path, name)
            if found is None or not found[1]:
                return found
            path, rest = found
            first, _, behind = rest.partition(".")
            try:
                facts = self.facts(path)
            except UnreadableError:
                return None
            if first in facts.scopes or first not in facts.exports:
                return path, first
            name = f"{facts.exports[first]}.{behind}".rstrip(".")
        return None

    # -- modules ----------------------------------------------------------------------------------

    def find(self, path: Path, name: str) -> tuple[Path, str] | None:
        """The file of the project that a whole name leads to, and what is left of the name.

        Args:
            path: the file that has the name: a module is looked for beside it, and in the folders
                above it up to the project's, and there in `src`, too.
            name: dots at its beginning are those of a relative import.
        """
        key = (path, name)
        if key not in self._found:
            self._found[key] = self._find(path, name)
        return self._found[key]

    def _find(self, path: Path, name: str) -> tuple[Path, str] | None:
        dots = len(name) - len(name.lstrip("."))
        parts = name[dots:].split(".") if name[dots:] else []
        if dots:
            if dots > len(path.parents):
                return None
            return self._below(path.parents[dots - 1], parts)
        for folder in path.parents:
            if not folder.is_relative_to(self.root):
                break
            places = (folder, folder / "src") if folder == self.root else (folder,)
            for place in places:
                found = self._below(place, parts)
                if found is not None and found[0] != place / "__init__.py":
                    return found
        return None

    def _below(self, folder: Path, parts: list[str]) -> tuple[Path, str] | None:
        for count in range(len(parts), -1, -1):
            place = folder.joinpath(*parts[:count])
            rest = ".".join(parts[count:])
            for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                is_inside = file.name == "__init__.py" or count > 0
                if is_inside and self._exists(file):
                    return file, rest
        return None

    def _exists(self, path: Path) -> bool:
        if path not in self._is_file:
            self._is_file[path] = path in self._gone or path.is_file()
        return self._is_file[path]


def _facts(path: Path) -> FileFacts | UnreadableError:
    try:
        with tokenize.open(path) as file:
            return read(file.read())
    except OSError as error:
        return UnreadableError(f"cannot be read: {error.strerror or error}")
    except SyntaxError as error:
        return UnreadableError(f"is no Python: {error.msg}", error.lineno or 1)
    except (ValueError, RecursionError, MemoryError) as error:
        return UnreadableError(f"cannot be read as Python: {str(error) or type(error).__name__}")
