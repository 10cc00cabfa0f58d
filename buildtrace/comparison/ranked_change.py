"""A change as it is found, with what decides where it stands among the others; and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.comparison.result import Change, Location
from buildtrace.traces.wording import count as counted
from buildtrace.traces.wording import layer, listed
from buildtrace.traces.wording import shape_in_words as shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.result import ChangeKind
    from buildtrace.traces.schema import Severity, TensorSpec

__all__ = [
    "RankedChange",
    "counted",
    "found",
    "layer",
    "layers",
    "listed",
    "location",
    "shape",
    "specs",
]


class RankedChange(NamedTuple):
    """A change, and where it stands.

    Attributes:
        change: the change.
        place: of the layer that it is about, among all layers.
        structural: whether layers came, went or moved: what else changed there is owed to that.
        cause: whether others may follow from it.
    """

    change: Change
    place: float = 0
    structural: bool = False
    cause: bool = False


def found(
    kind: ChangeKind,
    message: str,
    left: Location | None = None,
    right: Location | None = None,
    *,
    place: float = 0,
    severity: Severity = "warning",
    why: str = "",
    follows: bool = False,
    structural: bool = False,
    cause: bool = False,
) -> RankedChange:
    """A change that was found; see `Change` and `RankedChange` for what goes in."""
    change = Change(
        kind=kind,
        severity=severity,
        message=message,
        why=why,
        follows=follows,
        left=left,
        right=right,
    )
    return RankedChange(change, place, structural, cause or structural)


def location(tree: LayerTree, layer: int, text: str = "", weights: Iterable[int] = ()) -> Location:
    """Where a change of a layer is to be seen: at its build, or else at its first call."""
    calls = tree.calls(layer)
    call = next((c for c in calls if c.landmark == "Layer.build"), calls[0] if calls else None)
    return Location(
        layer=tree.layers[layer],
        call=call.id if call else None,
        caller=call.caller if call else None,
        weights=tuple(weights),
        text=text,
    )


def layers(tree: LayerTree, ids: Iterable[int]) -> str:
    """Several layers in a sentence."""
    return listed([layer(tree.layers[id_]) for id_ in ids])


def specs(tensors: Iterable[TensorSpec]) -> str:
    """Shapes, with the dtypes that are not the usual one."""
    dtypes = ("float32", None)
    return listed(
        [shape(spec.shape) + ("" if spec.dtype in dtypes else f" {spec.dtype}") for spec in tensors]
    )
