"""What rules look up of distributions: what an entry of a layout map is for, and how it is said.

No pattern is matched here: Keras itself did that while it built, and what is in a trace may come
from a stranger.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from buildtrace.diagnosis import edits, remedies
from buildtrace.traces import wording
from buildtrace.traces.dtype_sizes import bytes_per_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import (
        Distribution,
        LayoutPattern,
        MeshAxes,
        PartMatch,
        Shape,
        UnmadeVariable,
        VariableLayout,
        Weight,
    )
    from buildtrace.traces.trace import Trace

WHOLE = (3, 14)
"""From this version of Keras on, a pattern is for the paths that it matches as a whole."""


def weights_of(trace: Trace, distribution: Distribution) -> list[Weight]:
    """The weights that a distribution spreads, but for those that were put aside."""
    return [
        weight
        for weight in trace.weights
        if weight.layout is not None
        and weight.layout.distribution == distribution.id
        and not weight.replaced
    ]


class Meant(NamedTuple):
    """A variable that is, or was to be, spread: one that could not be made is no weight.

    Attributes:
        path: Keras' full name.
        axes: what it is to be split along.
        place: of the entry of the layout map, from 0; `None` if none matched.
        entry: that.
        call: id of the call that made it, or failed to.
        layer: id of its layer.
    """

    path: str
    shape: Shape
    axes: MeshAxes
    place: int | None
    entry: LayoutPattern | None
    call: int | None
    layer: int | None


def meant(trace: Trace, distribution: Distribution) -> list[Meant]:
    """The weights that a distribution spreads, and what it made impossible to make."""
    made = [
        Meant(
            weight.path,
            weight.shape,
            weight.layout.axes,
            weight.layout.pattern,
            _entry(distribution, weight.layout.pattern),
            weight.call,
            weight.layer,
        )
        for weight in weights_of(trace, distribution)
        if weight.layout is not None
    ]
    return made + [_unmade(trace, distribution, one) for one in distribution.unmade]


def _unmade(trace: Trace, distribution: Distribution, unmade: UnmadeVariable) -> Meant:
    entry = _entry(distribution, unmade.pattern)
    ref = trace.calls[unmade.call].layer
    return Meant(
        unmade.path,
        unmade.shape,
        unmade.axes,
        unmade.pattern,
        entry,
        unmade.call,
        None if ref is None else ref.id,
    )


def entry_of(distribution: Distribution, layout: VariableLayout) -> LayoutPattern | None:
    """The entry of the layout map that a layout was taken from; `None` if none matched."""
    return _entry(distribution, layout.pattern)


def _entry(distribution: Distribution, place: int | None) -> LayoutPattern | None:
    known = place is not None and place < len(distribution.patterns)
    return distribution.patterns[place] if place is not None and known else None


def is_whole(layout: VariableLayout) -> bool:
    """Whether a variable with this layout is on every device, with all that is in it."""
    return not any(layout.axes)


def parts(distribution: Distribution, axes: MeshAxes) -> list[int]:
    """Into how many parts each axis of a variable is split."""
    sizes = dict(zip(distribution.mesh_axes, distribution.mesh_shape, strict=False))
    return [math.prod(sizes.get(name, 1) for name in names) for names in axes]


def size_of(weight: Weight) -> int:
    """How many bytes a weight takes; 0 if its dtype does not say."""
    return weight.parameters * (bytes_per_number(weight.dtype) or 0)


def version_of(trace: Trace) -> tuple[int, ...]:
    """The version of Keras 3 that ran, as two numbers; empty if none did."""
    versions = [info.version for info in trace.environment.keras if info.generation == "keras3"]
    numbers = re.findall(r"\d+", versions[0])[:2] if versions else []
    return tuple(int(number) for number in numbers if len(number) < 9)


def looks_for_parts(trace: Trace) -> bool:
    """Whether the Keras that ran takes an entry for paths that it matches in part."""
    return version_of(trace) < WHOLE


def place_of(path: str) -> str:
    """A path without its numbers: the same for a weight of each of several blocks."""
    return re.sub(r"\d+", "*", path)


Placed = TypeVar("Placed", "Weight", Meant)


def by_place(weights: Iterable[Placed]) -> dict[str, list[Placed]]:
    """Variables by where they are, whatever the number of the block is."""
    found: dict[str, list[Placed]] = defaultdict(list)
    for weight in weights:
        found[place_of(weight.path)].append(weight)
    return found


# -- in words and in code -----------------------------------------------------------------------


def mesh(distribution: Distribution) -> str:
    """The mesh in a sentence: "a mesh of 2 × 4 devices (batch, model)"."""  # noqa: RUF002
    return f"a mesh of {wording.mesh(distribution)}"


def places(weights: Iterable[Placed], most: int = 8) -> str:
    """Weights in a sentence, those of alike blocks together: "'block_*/kernel' (80 of them)"."""
    return wording.listed(
        (
            wording.quoted(of_place[0].path if len(of_place) == 1 else place)
            + f" ({', '.join(_facts(of_place))})"
            for place, of_place in by_place(weights).items()
        ),
        most=most,
    )


def _facts(weights: list[Placed]) -> list[str]:
    shapes: set[str] = {wording.sizes(weight.shape) for weight in weights}
    number: list[str] = [] if len(weights) == 1 else [f"{len(weights):,} of them"]
    return [*number, *(shapes if len(shapes) == 1 else ())]


def axes_in_code(axes: MeshAxes) -> str:
    """Axes as they are written in a program: `(None, "model")`."""
    words = [_names_in_code(names) for names in axes]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def _names_in_code(names: tuple[str, ...]) -> str:
    if not names:
        return "None"
    texts = [remedies.text(name) for name in names]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def said(entry: LayoutPattern) -> str:
    """An entry in a sentence: "the entry '.*kernel' of the layout map (model.py:8)"."""
    line = f" ({wording.line(entry.caller)})" if entry.caller else ""
    return f"the entry {wording.quoted(entry.pattern)} of the layout map{line}"


def setting(pattern: str, axes: MeshAxes) -> str:
    """What puts an entry into a layout map, in code."""
    return f"layout_map[{in_code(pattern)}] = {axes_in_code(axes)}"


def in_code(pattern: str) -> str:
    """A pattern as a string in code."""
    text = wording.sanitize(pattern)
    raw = "\\" in text and '"' not in text and not text.endswith("\\")
    return f'r"{text}"' if raw else json.dumps(text, ensure_ascii=False)


def widened(pattern: str, partly: Iterable[PartMatch]) -> str:
    """A pattern that matches as a whole the paths that this one matches in part."""
    matches = list(partly)
    before = ".*" if any(match.start > 0 for match in matches) else ""
    behind = ".*" if any(match.end < len(match.path) for match in matches) else ""
    outside = re.sub(r"\\.|\[[^\]]*\]|\([^()]*\)", "", pattern)
    inner = f"(?:{pattern})" if "|" in outside else pattern
    return before + inner + behind


def rewritten(
    trace: Trace, distribution: Distribution, entry: LayoutPattern, pattern: str
) -> Edits:
    """A wider pattern for an entry, where it stands in the user's code as it is.

    None if another entry is for one of the paths that are new, or may be: Keras refuses two.
    """
    new = {match.path for match in entry.partly}
    others = [other for other in distribution.patterns if other is not entry]
    near = {match.path for other in others for match in other.partly}
    place = distribution.patterns.index(entry)
    taken = {
        weight.path
        for weight in weights_of(trace, distribution)
        if weight.layout and weight.layout.pattern not in (None, place)
    }
    if new & (near | taken):
        return edits.NONE
    return edits.expression(trace, entry.caller, repr(entry.pattern), in_code(pattern))
