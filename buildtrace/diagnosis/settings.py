"""Which findings a project wants to hear of: `[tool.buildtrace]` in its pyproject.toml."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from buildtrace.diagnosis import all_rules
from buildtrace.errors import UsageError

FILE = "pyproject.toml"
TABLE = "[tool.buildtrace]"
ALL = "ALL"
"""Stands for every code, as in other linters."""


class Settings(NamedTuple):
    """What is to be reported.

    Codes are whole ones or their beginnings: "BT1" is every rule on builds.

    Attributes:
        select: report these; empty means all.
        ignore: but not these. Where both name a rule, the more exact code counts.
        keras: which Keras the project is checked on: a value of `--keras`.
        per_file: pattern of files, relative to `folder` or a name → not these there.
        include: patterns of the scripts that a check of folders looks at; empty means all.
        exclude: patterns of files and folders that it does not look at.
        jobs: how many scripts it runs at the same time; `None` for what the machine has room for.
        timeout: the seconds that each of them may take; `None` for the usual number.
        arguments: pattern of scripts → the arguments that they are run with.
        baseline: the file of known findings, relative to `folder`; "" if there is none.
        folder: where the file is that this was read from.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    keras: str = "auto"
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    jobs: int | None = None
    timeout: float | None = None
    arguments: tuple[tuple[str, tuple[str, ...]], ...] = ()
    baseline: str = ""
    folder: Path = Path()

    def arguments_of(self, file: Path) -> tuple[str, ...] | None:
        """What a script is run with; `None` if the settings do not say."""
        found = (given for pattern, given in self.arguments if self.matches(file, pattern))
        return next(found, None)

    def is_left_out(self, file: Path) -> bool:
        """Whether a check of folders is not to look at a file."""
        places = [file, *(p for p in file.parents if p.is_relative_to(self.folder))]
        if any(self.matches(place, pattern) for place in places for pattern in self.exclude):
            return True
        return bool(self.include) and not any(
            self.matches(place, pattern) for place in places for pattern in self.include
        )

    def matches(self, path: Path, pattern: str) -> bool:
        """Whether a pattern is about a path: about all of it from `folder` on, or its name."""
        name, pattern = path.name, pattern.rstrip("/")
        if path.is_relative_to(self.folder):
            path = path.relative_to(self.folder)
        return fnmatch(path.as_posix(), pattern) or fnmatch(name, pattern)


class _Table(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    """The table as it stands in the file."""

    select: list[str] = []
    ignore: list[str] = []
    keras: str | int = Settings().keras
    per_file_ignores: dict[str, list[str]] = {}
    include: list[str] = []
    exclude: list[str] = []
    jobs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0)] | None = None
    arguments: dict[str, list[str]] = {}
    baseline: str = ""


def read(start: Path) -> Settings:
    """The settings of the nearest pyproject.toml upwards from here that has some.

    Args:
        start: a folder.

    Raises:
        UsageError: the file is no TOML, or has what makes no sense; the text says what.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / FILE
        if path.is_file() and (table := _table_in(path)) is not None:
            return _settings(table, path)
    return Settings()


def _table_in(path: Path) -> object | None:
    try:
        document = msgspec.toml.decode(path.read_bytes())
    except (OSError, ValueError) as error:  # bad UTF-8, or no TOML
        raise UsageError(f"cannot read {path}: {error}") from error
    tool = document.get("tool", {})
    return tool.get("buildtrace") if isinstance(tool, dict) else None


def _settings(contents: object, path: Path) -> Settings:
    try:
        table = msgspec.convert(contents, _Table)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(_Table))
        raise UsageError(f"{path}: {TABLE}: {error}; it may have {known}") from error
    where = f"{path}: {TABLE}"
    return Settings(
        select=codes(table.select, f"{where} select"),
        ignore=codes(table.ignore, f"{where} ignore"),
        keras=str(table.keras),
        per_file=tuple(
            (pattern, codes(given, f"{where} per-file-ignores"))
            for pattern, given in table.per_file_ignores.items()
        ),
        include=tuple(table.include),
        exclude=tuple(table.exclude),
        jobs=table.jobs,
        timeout=table.timeout,
        arguments=tuple((pattern, tuple(given)) for pattern, given in table.arguments.items()),
        baseline=table.baseline,
        folder=path.parent,
    )


def codes(given: list[str], where: str) -> tuple[str, ...]:
    """The codes, as rules write them.

    Args:
        given: whole codes, beginnings of codes, or "ALL".
        where: who gave them, for the error.

    Raises:
        UsageError: no rule has such a code.
    """
    whole = ["" if code.upper() == ALL else code.strip().upper() for code in given]
    for code, text in zip(whole, given, strict=True):
        if not any(rule.code.startswith(code) for rule in all_rules()) or not text.strip():
            raise UsageError(f"{where}: no rule has the code {text!r} (see `buildtrace explain`)")
    return tuple(whole)
