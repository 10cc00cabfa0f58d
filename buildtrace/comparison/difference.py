"""What a comparison says, as plain frozen data: it can be saved, and needs no trace to be read.

"Left" is the build before, "right" the one after.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from buildtrace.traces import json_text
from buildtrace.traces.schema import LayerRef, PlainData, Severity, SourceLine

ChangeKind = Literal[
    "failure", "weights", "graph", "outputs", "order", "findings", "landmarks", "times"
]
"""What a change is a change of, in the order of importance."""

KINDS: tuple[ChangeKind, ...] = (
    "failure",
    "weights",
    "graph",
    "outputs",
    "order",
    "findings",
    "landmarks",
    "times",
)

DECIDING: tuple[ChangeKind, ...] = KINDS[: KINDS.index("landmarks")]
"""Without these, two builds are the same, whatever ran to make them."""

AlignmentState = Literal["same", "counterpart", "differs", "left", "right"]
"""How two calls that stand side by side compare: nothing differs; another function of the same
role did the same; something that the function did differs; there is only the one, or the other."""


class AlignedCalls(PlainData, frozen=True, kw_only=True):
    """A row of the two trees of calls side by side.

    The rows are in an order for stepping: on each side, the calls come in the order of their
    start, thread by thread.

    Attributes:
        left: id of the call on the left, if there is one.
        right: id of the call on the right, if there is one.
        state: how they compare.
        elsewhere: of a call that is alone in its row, the id of the call on the other side that
            does the same there, before or after what is around it; it has a row of its own.
        differs: what differs: "function", "inputs", "outputs", "changes", "weights", "error".
    """

    left: int | None = None
    right: int | None = None
    state: AlignmentState
    elsewhere: int | None = None
    differs: tuple[str, ...] = ()


class Location(PlainData, frozen=True, kw_only=True):
    """Where a change is to be seen on one side.

    Attributes:
        layer: the layer that it is about.
        call: id of the call that shows it.
        weights: ids of the weights.
        caller: the user's line.
        text: how it is on this side, if that can be said in a few words.
    """

    layer: LayerRef | None = None
    call: int | None = None
    weights: tuple[int, ...] = ()
    caller: SourceLine | None = None
    text: str = ""


class Change(PlainData, frozen=True, kw_only=True):
    """One thing that differs.

    Attributes:
        kind: what it is a change of.
        severity: "error" if weights of the one cannot be loaded into the other, or if the build
            fails; "warning" if the models differ otherwise; "note" if only the process does.
        message: what was done, in one line.
        why: why it is so, if there is something to say.
        follows: true if it follows from a change above.
        left: where it is to be seen before.
        right: where it is to be seen after.
    """

    kind: ChangeKind
    severity: Severity = "warning"
    message: str
    why: str = ""
    follows: bool = False
    left: Location | None = None
    right: Location | None = None


class Build(PlainData, frozen=True, kw_only=True):
    """One of the two builds that were compared.

    Attributes:
        label: what to call it.
        versions: of what took part, in one line.
        calls: how many calls there were.
        weights: how many weights were made.
        parameters: how many scalars are in them.
    """

    label: str
    versions: str = ""
    calls: int = 0
    weights: int = 0
    parameters: int = 0


class Difference(PlainData, frozen=True, kw_only=True):
    """What differs between two builds.

    Attributes:
        left: the build before.
        right: the build after.
        kinds: what was compared.
        same: whether they are the same build: nothing of the kinds that were asked for differs;
            if none was asked for, other functions or times do not count.
        changes: the most important first.
        steps: the two trees of calls side by side.
        layers: pairs of layers that are the same one, by their ids.
    """

    left: Build
    right: Build
    kinds: tuple[ChangeKind, ...] = KINDS
    same: bool
    changes: tuple[Change, ...] = ()
    steps: tuple[AlignedCalls, ...] = ()
    layers: tuple[tuple[int, int], ...] = ()

    def of(self, *kinds: ChangeKind) -> list[Change]:
        """The changes of these kinds, in order."""
        return [change for change in self.changes if change.kind in kinds]

    def to_json(self) -> bytes:
        """All of it as JSON, for programs."""
        return msgspec.json.format(json_text.encoded(self), indent=1)

    def __str__(self) -> str:
        """The changes, one a line."""
        return "\n".join(change.message for change in self.changes) or "the same build"
