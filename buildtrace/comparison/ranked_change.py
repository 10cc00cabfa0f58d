"""A change with its rank: what decides where it stands among the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.comparison.difference import DECIDING, KINDS, Change, Location
from buildtrace.traces.wording import USUAL_DTYPE, listed, shape_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.comparison.difference import ChangeKind
    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.traces.schema import Severity, TensorSpec


class RankedChange(NamedTuple):
    """A change, and what decides where it stands among the others.

    Attributes:
        change: the change.
        position: of the layer that it is about, among all layers.
        structural: whether layers were added, removed or moved: what else changed there is owed
            to that.
        cause: whether others may follow from it.
    """

    change: Change
    position: float = 0
    structural: bool = False
    cause: bool = False


def ranked(
    kind: ChangeKind,
    message: str,
    left: Location | None = None,
    right: Location | None = None,
    *,
    position: float = 0,
    severity: Severity = "warning",
    why: str = "",
    follows: bool = False,
    structural: bool = False,
    cause: bool = False,
) -> RankedChange:
    """A change with its rank; see `Change` and `RankedChange` for what goes in."""
    change = Change(
        kind=kind,
        severity=severity,
        message=message,
        why=why,
        follows=follows,
        left=left,
        right=right,
    )
    return RankedChange(change, position, structural, cause or structural)


def by_rank(changes: Iterable[RankedChange]) -> list[RankedChange]:
    """The most important first; what follows from something comes after it.

    A change that brings about one of a more important kind is as important: a layer without
    weights that came before others may have changed the shapes of all their weights.
    """
    changes = list(changes)
    effects = [c for c in changes if c.change.follows]

    def rank(cause: RankedChange) -> int:
        own = KINDS.index(cause.change.kind)
        if cause.change.kind not in ("graph", "outputs"):
            return own
        later = [KINDS.index(e.change.kind) for e in effects if e.position >= cause.position]
        return min([own, *later])

    causes = sorted(
        (c for c in changes if not c.change.follows),
        key=lambda cause: (rank(cause), not cause.structural, cause.position),
    )
    for effect in sorted(effects, key=lambda effect: effect.position, reverse=True):
        causes.insert(_behind(causes, effect), effect)
    return causes


def _behind(causes: list[RankedChange], effect: RankedChange) -> int:
    """Where an effect belongs: behind the nearest change before it that it can follow from."""
    able = [c for c in causes if c.cause and c.position <= effect.position]
    if not able:
        return len([c for c in causes if c.change.kind in DECIDING])
    return causes.index(max(able, key=lambda cause: cause.position)) + 1


# -- where a change is to be seen, and how it is said -------------------------------------------


def location(
    tree: LayerTree, layer_id: int, text: str = "", weights: Iterable[int] = ()
) -> Location:
    """Where a change of a layer is to be seen: at its build, or else at its first call."""
    builds = tree.trace.index.builds_of(layer_id)
    call = builds[0] if builds else tree.first_calls.get(layer_id)
    return Location(
        layer=tree.layers[layer_id],
        call=call.id if call else None,
        caller=call.caller if call else None,
        weights=tuple(weights),
        text=text,
    )


def locations(matching: LayerMatching, left: int, right: int) -> tuple[Location, Location]:
    """Where a change of two layers that belong together is to be seen."""
    return location(matching.left, left), location(matching.right, right)


def specs(tensors: Iterable[TensorSpec]) -> str:
    """Shapes, with the dtypes that are not the usual one."""
    dtypes = (USUAL_DTYPE, None)
    return listed(
        [
            shape_in_words(spec.shape) + ("" if spec.dtype in dtypes else f" {spec.dtype}")
            for spec in tensors
        ]
    )
