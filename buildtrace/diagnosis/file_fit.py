"""How the layers of a model and the parts of a file that it is loaded from fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import wording
from buildtrace.traces.saved_parts import LISTS, renamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.traces.schema import Call, SavedPart
    from buildtrace.traces.trace import Trace

BY_ORDER, BY_NAME = "load_weights_from_hdf5_group", "load_weights_from_hdf5_group_by_name"
"""The landmarks that read older files: layer by layer in order, or by the layers' names."""


class Misfit(NamedTuple):
    """A layer that did not get its values.

    Attributes:
        wanted: what it wants, and where it looked for that first.
        stored: what the file has in that place; `None` if nothing.
        old: what the file has of just these shapes in a place that nobody looks at.
    """

    wanted: SavedPart
    stored: SavedPart | None
    old: SavedPart | None = None


class FileFit(NamedTuple):
    """What came of a file that was read for the layers of a model.

    Attributes:
        call: what read it.
        how: the landmark that looked the parts up, if that is one of an older file.
        layers: those that want something, each with the place that it is looked for first.
        stored: what the file has.
        misfits: the layers that got nothing.
    """

    call: Call
    how: str
    layers: Sequence[SavedPart]
    stored: Sequence[SavedPart]
    misfits: Sequence[Misfit]


def file_fits(trace: Trace) -> list[FileFit]:
    """One for each loading that left something out or failed over it, if the file is known."""
    calls = [call for call in trace.calls if call.loaded and call.loaded.stored]
    return [_fit(trace, call) for call in calls]


def _fit(trace: Trace, call: Call) -> FileFit:
    assert call.loaded is not None
    stored, wanted = call.loaded.stored, call.loaded.wanted
    inner = (c.landmark for c in trace.children(call) if c.landmark in (BY_ORDER, BY_NAME))
    how = next(inner, "")
    if how == BY_ORDER:
        return FileFit(call, how, wanted, stored, _by_order(stored, wanted))
    there = {part.place: part for part in stored}
    layers: dict[object, list[SavedPart]] = {}
    for part in wanted:
        layers.setdefault(part.layer, []).append(part)
    unread = [
        min(places, key=_is_listed)
        for places in layers.values()
        if not any(p.place in there and there[p.place].shapes == p.shapes for p in places)
    ]
    looked_for = {part.place for part in wanted}
    surplus = [part for part in stored if part.place not in looked_for]
    missing = [part for part in unread if part.place not in there]
    old = {} if how else _renamed(missing, surplus)
    misfits = [Misfit(p, there.get(p.place), old.get(p.place)) for p in unread]
    first = [min(places, key=_is_listed) for places in layers.values()]
    return FileFit(call, how, first, stored, misfits)


def _is_listed(part: SavedPart) -> bool:
    """Whether a place is in a model's list of layers: it says less than the attribute's name."""
    return any(name in LISTS for name in part.place.split("/"))


def _by_order(stored: Sequence[SavedPart], wanted: Sequence[SavedPart]) -> list[Misfit]:
    """The first that differs; those behind it would fit if nothing was left out or added."""
    pairs = zip(wanted, [*stored, *[None] * len(wanted)], strict=False)
    differing = [Misfit(w, s) for w, s in pairs if s is None or s.shapes != w.shapes]
    return differing if len(stored) == len(wanted) else differing[:1]


def _renamed(missing: Sequence[SavedPart], surplus: Sequence[SavedPart]) -> dict[str, SavedPart]:
    """For places that the file does not have the part that was in its place before."""
    found = renamed({p.place: p.shapes for p in missing}, {p.place: p.shapes for p in surplus})
    parts = {part.place: part for part in surplus}
    return {new: parts[old] for new, old in found.items() if attribute(new, old)}


def attribute(new: str, old: str) -> tuple[str, str] | None:
    """The one name in which two places differ, if that is one of an attribute, not of a class."""
    names = [place.split("/") for place in (new, old)]
    if len(names[0]) != len(names[1]):
        return None
    differing = [n for n, pair in enumerate(zip(*names, strict=True)) if pair[0] != pair[1]]
    if len(differing) != 1:
        return None
    (at,) = differing
    is_listed = at and names[0][at - 1] in LISTS
    return None if is_listed else (names[0][at], names[1][at])


def shapes(part: SavedPart) -> str:
    """The shapes of a part, in words."""
    return wording.listed([wording.shape_in_words(shape) for shape in part.shapes], most=4)
