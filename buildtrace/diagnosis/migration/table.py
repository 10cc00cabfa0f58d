"""The table: all rows, and the ways to look one up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.migration.changed import KERAS, TF_KERAS
from buildtrace.diagnosis.migration.changed_texts import CHANGED_TEXTS
from buildtrace.diagnosis.migration.gone_arguments import GONE_ARGUMENTS, MOVED_ARGUMENTS
from buildtrace.diagnosis.migration.gone_members import GONE_MEMBERS
from buildtrace.diagnosis.migration.gone_names import GONE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.migration.changed import Changed

TABLE = (*GONE_NAMES, *GONE_ARGUMENTS, *MOVED_ARGUMENTS, *GONE_MEMBERS, *CHANGED_TEXTS)

_NAMES: dict[str, list[Changed]] = {}
for _row in GONE_NAMES:
    _NAMES.setdefault(_row.name, []).append(_row)

_ROOTS = (
    ("tensorflow.compat.v1.keras", TF_KERAS),
    ("tensorflow.compat.v2.keras", TF_KERAS),
    ("tensorflow.python.keras", TF_KERAS),
    ("tensorflow.keras", TF_KERAS),
    ("tf_keras.api._v2.keras", TF_KERAS),
    ("keras.api._v2.keras", TF_KERAS),
    ("keras.api._tf_keras.keras", TF_KERAS),
    ("keras._tf_keras.keras", TF_KERAS),
    ("keras.api", "keras"),
    ("keras", "keras"),
)
"""Where Keras' names are: in a script, and in the text of an exception."""


class KerasPath(NamedTuple):
    """A name of Keras.

    Attributes:
        under: the way to it: `TF_KERAS` or `KERAS`.
        path: the name below `keras`; "" for Keras itself.
    """

    under: str
    path: str

    def __str__(self) -> str:
        return f"{self.under}.{self.path}" if self.path else self.under


def keras_path(name: str) -> KerasPath | None:
    """A whole name as one of Keras; `None` if it is none."""
    for root, under in _ROOTS:
        if name == root or name.startswith(f"{root}."):
            return KerasPath(under, name[len(root) + 1 :])
    return None


def gone_name(name: KerasPath) -> Changed | None:
    """The row that a name belongs to: its own, or that of the module that it is in."""
    parts = name.path.split(".")
    for count in range(len(parts), 0, -1):
        for row in _NAMES.get(".".join(parts[:count]), ()):
            if row.under in ("", name.under):
                return row
    return None


def gone_under_keras(name: KerasPath) -> Changed | None:
    """The row of a name that `tf.keras` still has, and `keras` has not."""
    return next((row for row in _NAMES.get(name.path, ()) if row.under == KERAS), None)


def instead_of_name(row: Changed, path: str) -> str:
    """What to write in the place of a name.

    Args:
        row: the row that it belongs to.
        path: the name below `keras`.
    """
    rest = path.removeprefix(row.name).lstrip(".")
    if "{rest}" not in row.instead:
        return row.instead
    return row.instead.replace("{rest}", rest or "...")


def arguments(function: str) -> Iterator[Changed]:
    """The rows of arguments of a function.

    Args:
        function: a path below `keras`, or a method as ".fit".
    """
    for row in GONE_ARGUMENTS:
        if _is_of(function, row.of):
            yield row


def _is_of(function: str, patterns: tuple[str, ...]) -> bool:
    matching = [pattern for pattern in patterns if _fits(function, pattern.removeprefix("!"))]
    return bool(matching) and not any(pattern.startswith("!") for pattern in matching)


def _fits(function: str, pattern: str) -> bool:
    if not pattern.endswith(".*"):
        return function == pattern
    module, _, name = function.rpartition(".")
    # Classes alone: the functions of such a module take other arguments.
    is_class_there = module == pattern[:-2] and name[:1].isupper()
    return is_class_there or (pattern.count(".") > 1 and function.startswith(pattern[:-1]))


def members(name: str) -> list[Changed]:
    """The rows of a method or an attribute."""
    return [row for row in GONE_MEMBERS if row.name == name]
