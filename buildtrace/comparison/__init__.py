"""Compares two builds: plain traces in, a plain `Difference` out.

`layer_matching` finds out which layer is which, `calls` puts the two trees of calls side by side,
and a module for each kind of change says what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison import calls, fit, graphs, layers, order, outputs, process, weights
from buildtrace.comparison.difference import (
    DECIDING,
    KINDS,
    AlignedCalls,
    Build,
    Change,
    Difference,
    Location,
)
from buildtrace.comparison.layer_matching import LayerMatching
from buildtrace.comparison.ranked_change import by_rank
from buildtrace.errors import UsageError
from buildtrace.traces.totals import totals_of_trace
from buildtrace.traces.wording import versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison.difference import ChangeKind
    from buildtrace.comparison.ranked_change import RankedChange
    from buildtrace.traces.trace import Trace

__all__ = [
    "DECIDING",
    "KINDS",
    "SELECTABLE",
    "AlignedCalls",
    "Build",
    "Change",
    "Difference",
    "Location",
    "check_kinds",
    "compare",
]

SELECTABLE: tuple[ChangeKind, ...] = KINDS[1:-1]
"""What a comparison can be limited to; that a build fails is always reported."""


def check_kinds(only: Sequence[str]) -> None:
    """See that these are kinds that a comparison can be limited to.

    Raises:
        UsageError: one of them is not.
    """
    unknown = [kind for kind in only if kind not in SELECTABLE]
    if unknown:
        raise UsageError(f"cannot compare {unknown[0]!r}; there are {', '.join(SELECTABLE)}")


def compare(
    left: Trace,
    right: Trace,
    *,
    only: Sequence[str] = (),
    times: bool = False,
    names: bool = True,
    labels: tuple[str, str] = ("left", "right"),
) -> Difference:
    """How the build on the right differs from the one on the left.

    Args:
        left: the build before.
        right: the build after.
        only: kinds of changes to look for, and to decide by; all if there are none.
        times: whether to compare times as well.
        names: whether names that users gave count; they do not if both are runs of one program,
            where a name that differs can only have been made up.
        labels: what to call the two, unless their generations of Keras tell them apart.

    Raises:
        UsageError: there is no such kind, or a saved file has nothing of it.
    """
    check_kinds(only)
    if left.saved or right.saved:
        return _of_files(left, right, only, labels)
    kinds = tuple(k for k in KINDS if k == "failure" or (k in only if only else k != "times"))
    kinds += ("times",) if times else ()
    matching = LayerMatching(left, right, names=names, labels=labels)
    changes = tuple(
        ranked.change
        for ranked in by_rank(_changes(matching, kinds))
        if ranked.change.kind in kinds
    )
    deciding = kinds if only else DECIDING
    return Difference(
        left=_build(left, matching.labels[0]),
        right=_build(right, matching.labels[1]),
        kinds=kinds,
        same=not any(c.kind in deciding and c.kind != "times" for c in changes),
        changes=changes,
        steps=calls.steps(matching),
        layers=tuple(matching.pairs()),
    )


def _of_files(
    left: Trace, right: Trace, only: Sequence[str], labels: tuple[str, str]
) -> Difference:
    """The comparison where one side is a saved file: whether its weights fit the other."""
    if others := [kind for kind in only if kind != "weights"]:
        raise UsageError(f"of a saved file, only weights are compared, not {others[0]}")
    for trace, label in ((left, labels[0]), (right, labels[1])):
        if trace.saved and trace.saved.unread:
            raise UsageError(f"{label}: its weights are not known: {trace.saved.unread}")
        if trace.saved and not trace.saved.has_names:
            raise UsageError(
                f"{label}: which layers its weights are of is not in it, as Keras 2 writes no "
                "names into such files: compare the whole model's file"
            )
    changes = tuple(fit.changes(left, right))
    return Difference(
        left=_build(left, labels[0]),
        right=_build(right, labels[1]),
        kinds=("weights",),
        same=not changes,
        changes=changes,
    )


def _changes(matching: LayerMatching, kinds: Sequence[ChangeKind]) -> Iterator[RankedChange]:
    """Everything that differs, of these kinds and of others that come with them."""
    yield from process.failures(matching)
    structure = [*graphs.changes(matching), *layers.changes(matching)]
    yield from structure
    yield from weights.changes(matching, other_graph=bool(structure))
    yield from outputs.changes(matching)
    moved = {
        ranked.change.left.layer.id
        for ranked in structure
        if ranked.structural and ranked.change.left and ranked.change.left.layer
    }
    yield from order.changes(matching, frozenset(moved))
    yield from process.findings(matching)
    yield from process.landmarks(matching)
    if "times" in kinds:
        yield from process.times(matching)


def _build(trace: Trace, label: str) -> Build:
    total = totals_of_trace(trace)
    return Build(
        label=label,
        versions=versions(trace),
        calls=len(trace.calls),
        weights=total.weights,
        parameters=total.parameters,
    )
