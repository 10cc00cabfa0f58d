"""Which findings a project wants to hear of: `[tool.buildtrace]` in its pyproject.toml."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

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
        folder: where the file is that this was read from.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    keras: str = "auto"
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    folder: Path = Path()


class _Table(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    """The table as it stands in the file."""

    select: list[str] = []
    ignore: list[str] = []
    keras: str | int = Settings().keras
    per_file_ignores: dict[str, list[str]] = {}


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
