"""The row of the table that an exception speaks of, and what else its script has to change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.migration import changed as codes
from buildtrace.diagnosis.migration import changed_texts as texts
from buildtrace.diagnosis.migration.gone_arguments import GONE_ARGUMENTS
from buildtrace.diagnosis.migration.occurrence import Occurrence
from buildtrace.diagnosis.migration.reading import read
from buildtrace.diagnosis.migration.table import (
    gone_name,
    instead_of_name,
    keras_path,
    members,
)
from buildtrace.diagnosis.packages import LOADS
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.migration.changed import Changed
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.trace import Trace


_OF_THEIR_OWN = (codes.ORDER, codes.SYMBOL)
"""Their rules know such an exception by themselves."""


class Explained(NamedTuple):
    """An exception that a row explains.

    Attributes:
        raised: the exception.
        occurrence: the row, and the user's line.
        line: that line.
    """

    raised: Raised
    occurrence: Occurrence
    line: SourceLine


def explained(trace: Trace) -> Iterator[Explained]:
    """The exceptions of a trace that rows explain."""
    for raised in trace.index.raised:
        line = raised.line
        if line is None or any(said in raised.reported for said in LOADS):
            continue  # nobody wrote what is in a file
        at = _uses_at(trace, line)
        for looks in _LOOKS:
            occurrence = looks(trace, raised, line, at)
            if occurrence is not None:
                yield Explained(raised, occurrence, line)
                break


def others(trace: Trace) -> Iterator[tuple[SourceLine, Occurrence]]:
    """What else a program has to change that failed of a row: each would be the next failure.

    They are read in the files that the exception came through, as far as these are known.
    """
    if trace.error is None or not _failed_of_a_row(trace):
        return
    told = [(one.line.file, one.occurrence) for one in explained(trace)]
    told += [
        (line.file, use)
        for line in trace.error.lines[:1]
        for use in _uses_at(trace, line)
        if use.changed.code in _OF_THEIR_OWN
    ]
    for file in dict.fromkeys(line.file for line in trace.error.lines):
        for use in uses_in(trace, file):
            is_error = use.sure and use.changed.severity == "error"
            if is_error and (file, use) not in told and not _only_later(trace, use.changed):
                yield SourceLine(file=file, line=use.line), use


def _failed_of_a_row(trace: Trace) -> bool:
    assert trace.error is not None
    if any(one.raised.reported == trace.error.message for one in explained(trace)):
        return True
    lines = trace.error.lines[:1]
    return any(
        use.sure and not _only_later(trace, use.changed)
        for line in lines
        for use in _uses_at(trace, line)
    )


def _only_later(trace: Trace, row: Changed) -> bool:
    """Whether a program ran on Keras 2 alone, which still has what the row is about."""
    ran_on = {info.generation for info in trace.environment.keras}
    return ran_on == {"keras2"} and row.since == codes.KERAS_3


def uses_in(trace: Trace, file: str) -> tuple[Occurrence, ...]:
    """The uses in a file of a trace; none if it is not known as a whole, or is no Python."""
    try:
        return read(trace.index.source_code.whole(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _uses_at(trace: Trace, line: SourceLine) -> list[Occurrence]:
    return [one for one in uses_in(trace, line.file) if one.line <= line.line <= one.last]


def _made(
    row: Changed, line: SourceLine, shown: str, of: str = "", instead: str = ""
) -> Occurrence:
    return Occurrence(row, line.line, line.line, shown, of, instead or row.instead)


# -- names ----------------------------------------------------------------------------------------

_NO_NAME = (
    re.compile(r"^module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    re.compile(r"^cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"),
    re.compile(r"^No module named '(?P<module>[\w.]+)'"),
)
_LEGACY = re.compile(r"^`keras\.(?P<path>optimizers\.legacy)` is not supported in Keras 3")


def _name(
    _trace: Trace, raised: Raised, line: SourceLine, at: list[Occurrence]
) -> Occurrence | None:
    error = raised.error
    if error.type not in ("AttributeError", "ImportError", "ModuleNotFoundError"):
        return None
    whole = ""
    for pattern in _NO_NAME:
        if match := pattern.search(error.message):
            whole = ".".join(value for value in match.groupdict().values() if value)
            if "name" in match.groupdict():
                whole = f"{match['module']}.{match['name']}"
    legacy = _LEGACY.search(error.message)
    path = keras_path(f"keras.{legacy['path']}" if legacy else whole)
    if path is None:
        return None
    for use in at:
        below = use.shown.split(".keras.")[-1].removeprefix("keras.")
        if use.changed.code == codes.NAME and f"{below}.".startswith(f"{path.path}."):
            return use
    row = gone_name(path)
    if row is None:
        return None
    return _made(row, line, str(path), instead=instead_of_name(row, path.path))


# -- methods and attributes -----------------------------------------------------------------------

_NO_MEMBER = re.compile(r"'(?P<of>\w+)' object has no attribute '(?P<name>\w+)'")
_CLASSES = {
    "model": ("Functional", "Sequential", "Model"),
    "made model": (),
    "symbol": ("KerasTensor", "KerasHistory"),
    "shape": ("tuple",),
    "optimizer": (
        "Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "AdamW", "Ftrl", "Lion",
        "LossScaleOptimizer", "Nadam", "RMSprop", "SGD",
    ),
}  # fmt: skip


def _member(
    trace: Trace, raised: Raised, line: SourceLine, at: list[Occurrence]
) -> Occurrence | None:
    match = _NO_MEMBER.search(raised.error.message)
    if match is None or raised.error.type != "AttributeError":
        return None
    name, of = match["name"], match["of"]
    if of == "KerasHistory" and name == "layer":
        name = "_keras_history.layer"
    for use in at:
        if use.changed.code == codes.MEMBER and use.changed.name == name and use.sure:
            return use
    for row in members(name):
        if _only_later(trace, row):
            continue
        if row.alone == "same" or _is_of_keras(trace, of, row):
            return _made(row, line, name, of)
    return None


def _is_of_keras(trace: Trace, class_name: str, row: Changed) -> bool:
    """Whether a class is one of Keras', or of the user's that is made of one, of the row's kind."""
    if any(class_name in _CLASSES.get(kind, ()) for kind in row.of):
        return True
    layers = {ref.class_name for ref in trace.layers.values()}
    held = {one.class_name for one in trace.holders if one.kind in row.of}
    is_layer = class_name in layers and {"layer", "model"} & set(row.of)
    return bool(is_layer) or class_name in held


_DEPRECATED = re.compile(r"`add_metric\(\)` method is deprecated")


def _refused_member(
    _trace: Trace, raised: Raised, line: SourceLine, at: list[Occurrence]
) -> Occurrence | None:
    """What is there, and only raises; or is no method any more."""
    error = raised.error
    if _DEPRECATED.search(error.message):
        return next(
            (use for use in at if use.changed.name == "add_metric"),
            _made(members("add_metric")[0], line, "add_metric"),
        )
    refused = {
        "add_loss": error.type == "NotImplementedError" and not error.message.strip(),
        "variables()": error.message == "'list' object is not callable",
    }
    for use in at:
        if use.changed.code == codes.MEMBER and refused.get(use.changed.name):
            return use
    return None


# -- arguments ------------------------------------------------------------------------------------

_NO_ARGUMENT = (
    re.compile(r"(?:^|\n)(?P<of>[\w.]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'"),
    re.compile(r"^got an unexpected keyword argument '(?P<name>\w+)'"),
    re.compile(r"^Invalid value for argument `(?P<name>reduction)`.* Received: reduction=auto"),
    re.compile(r"Unrecognized keyword arguments passed to (?P<of>[^:\n]+): \{'(?P<name>\w+)':"),
    re.compile(r"Argument(?:s|\(s\)) not recognized: \{'(?P<name>\w+)':"),
    re.compile(r"^The `(?P<name>save_format)` argument is deprecated in Keras 3"),
    re.compile(r"^\('Keyword argument not understood:', '(?P<name>\w+)'\)"),
)


def _argument(
    trace: Trace, raised: Raised, line: SourceLine, at: list[Occurrence]
) -> Occurrence | None:
    match = next(
        (match for one in _NO_ARGUMENT if (match := one.search(raised.error.message))), None
    )
    if match is None:
        return None
    name, of = match["name"], match.groupdict().get("of") or ""
    for use in at:
        row = use.changed
        if row.code == codes.ARGUMENT and row.name == name and row.severity == "error":
            return use
    for row in GONE_ARGUMENTS:
        if row.name != name or row.severity != "error" or not _may_be(of, row):
            continue
        if _only_later(trace, row):
            continue
        return _made(row, line, name, of, row.instead.replace("{value}", "..."))
    return None


def _may_be(function: str, row: Changed) -> bool:
    """Whether what an exception calls a function can be one that the row is about."""
    names = function.removesuffix(".__init__").split(".")
    last = names[-1]
    if not function:
        return True
    for pattern in row.of:
        if pattern.startswith("!"):
            continue
        wanted = pattern.rpartition(".")[2]
        if wanted == last or (wanted == "*" and last[:1].isupper() and "Model" not in last):
            return True
    return False


# -- names of files and layers --------------------------------------------------------------------

_REFUSED = (
    (
        re.compile(r"^The filename must end in `\.weights\.h5`. Received: filepath=(?P<path>.*)"),
        texts.SAVED_WEIGHTS,
    ),
    (
        re.compile(
            r"^Invalid filepath extension for saving.*Received: filepath=(?P<path>.*)\.\s*$"
        ),
        texts.SAVED_MODEL,
    ),
    (
        re.compile(
            r"^File format not supported: filepath=(?P<path>.*?)\. Keras 3 only supports V3 "
            r"`\.keras` files, (?:and )?legacy H5"
        ),
        texts.LOADED_MODEL,
    ),
    (
        re.compile(
            r"^File format not supported: filepath=(?P<path>.*?)\. Keras 3 only supports V3 "
            r"`\.keras`"
        ),
        texts.LOADED_WEIGHTS,
    ),
    (
        re.compile(
            r"^When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided "
            r"must end in .*Received: filepath=(?P<path>.*)"
        ),
        texts.CHECKPOINT_OF_WEIGHTS,
    ),
    (
        re.compile(r"^The filepath provided must end in `\.keras`.*filepath=(?P<path>.*)"),
        texts.CHECKPOINT,
    ),
    (
        re.compile(
            r"^Argument `name` must be a string and cannot contain character `/`. Received: "
            r"name=(?P<path>[^/]*/.*?)(?: \(of type <class 'str'>\))?\.?$"
        ),
        texts.NAME_WITH_SLASH,
    ),
)


def _text(
    _trace: Trace, raised: Raised, line: SourceLine, at: list[Occurrence]
) -> Occurrence | None:
    if raised.error.type != "ValueError":
        return None
    for pattern, row in _REFUSED:
        match = pattern.search(raised.error.message)
        if match is None:
            continue
        for use in at:
            if use.changed == row:
                return use
        path = match["path"]
        stem = path.rstrip("/").replace("\\", "/").rpartition("/")[2].partition(".")[0]
        instead = row.instead.replace("{stem}", "model" if stem in ("", "weights") else stem)
        instead = instead.replace("{value}", repr(path.replace("/", "_")))
        shown = repr(path) if row.code == codes.SLASH else repr(path.rpartition("/")[2] or path)
        return _made(row, line, shown, row.name, instead)
    return None


_LOOKS = (_name, _member, _refused_member, _argument, _text)
