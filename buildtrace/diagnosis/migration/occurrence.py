"""A place in a script that a row of the table is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.migration import changed as codes

if TYPE_CHECKING:
    from buildtrace.diagnosis.migration.changed import Changed
    from buildtrace.traces.schema import Severity


class Occurrence(NamedTuple):
    """A use of what is gone, or is taken otherwise.

    Attributes:
        changed: the row.
        line: where it begins, from 1.
        last: the last line of its statement or call.
        shown: what stands there, such as "keras.backend.mean", "workers" or "best.h5".
        of: what it is passed to, or asked of; "" if that says nothing.
        instead: what to write now.
        sure: whether it is known to be Keras'.
    """

    changed: Changed
    line: int
    last: int
    shown: str
    of: str
    instead: str
    sure: bool = True

    @property
    def severity(self) -> Severity:
        """How bad it is: of what is not sure, a note."""
        return self.changed.severity if self.sure else "note"


def sentence(found: Occurrence, where: str) -> str:
    """What is said of it.

    Args:
        found: the place.
        where: the same as a place in a text: "model.py:7".
    """
    row, shown = found.changed, found.shown
    since = "" if row.since == codes.KERAS_3 else f", since {row.since}"
    newer = "Keras 3" if row.since == codes.KERAS_3 else "Keras"
    if row.code == codes.NAME:
        return f"{where} uses `{shown}`, which {newer} does not have{since}."
    if row.code == codes.ARGUMENT:
        if row.severity == "note":
            return f"{where} passes `{shown}` to `{found.of}`, which {newer} would have elsewhere."
        if row.severity == "warning":
            return f"{where} passes `{shown}` to `{found.of}`, which {newer} ignores."
        return f"{where} passes `{shown}` to `{found.of}`, which {newer} does not take{since}."
    if row.code == codes.MEMBER:
        if found.sure or row.alone == "same":
            return f"{where} uses `{shown}`, which {newer} does not have{since}."
        whom = f"`{found.of}`" if found.of else "that"
        return (
            f"{where} uses `{shown}`: if {whom} is {_a(row.of[0])} of Keras, {newer} does not "
            f"have it{since}."
        )
    return f"{where} {_ELSE[row.code].format(shown=shown, of=found.of)}"


_ELSE = {
    codes.ORDER: "passes arguments to `{of}` in the order of Keras 2: {shown}.",
    codes.FILE: "gives `{of}` the name {shown}, and Keras 3 goes by the end of it.",
    codes.SLASH: "gives the name {shown}: in Keras 3 no name has a slash.",
    codes.SYMBOL: "passes a symbol to `{shown}`, which is TensorFlow's: in Keras 3 it takes none.",
}


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
