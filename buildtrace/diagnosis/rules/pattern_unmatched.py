"""BT901: an entry of a layout map that was found for nothing."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import Distribution, Finding, LayoutPattern, PartMatch, Weight
    from buildtrace.traces.trace import Trace

_OUTPUT = "output"
"""The paths of what layers give end so."""

_ALIKE = 0.75
"""From so much likeness on, a path may be what a pattern was meant for: a letter is wrong."""

_MOST = 300
"""So many paths are compared with a pattern."""


def _check(trace: Trace) -> Iterator[Finding]:
    for distribution in trace.distributions:
        weights = spread.weights_of(trace, distribution)
        if not weights or distribution.variables == 0:
            continue
        used = {weight.layout.pattern for weight in weights if weight.layout is not None}
        for number, entry in enumerate(distribution.patterns):
            if entry.variables or entry.outputs or number in used:
                continue
            if entry.partly:
                yield _in_part(trace, distribution, entry, weights)
            elif trace.error is None and not distribution.unmade and _is_over(distribution, entry):
                yield _not_at_all(distribution, entry, weights)


def _is_over(distribution: Distribution, entry: LayoutPattern) -> bool:
    """Whether Keras has asked about what the entry may be for: outputs, only in calls of layers."""
    is_of_output = _OUTPUT in entry.pattern.rpartition("/")[2]
    return distribution.outputs > 0 if is_of_output else True


# -- a part of a path ---------------------------------------------------------------------------


def _in_part(
    trace: Trace, distribution: Distribution, entry: LayoutPattern, weights: list[Weight]
) -> Finding:
    paths = {match.path for match in entry.partly}
    meant = [weight for weight in weights if weight.path in paths]
    free = [weight for weight in meant if weight.layout and weight.layout.pattern is None]
    wider = spread.widened(entry.pattern, entry.partly)
    return RULE.finding(
        f"Keras found {spread.said(entry)} for nothing. It matches a part of "
        f"{_paths(entry.partly, meant)}, and Keras wants the whole path since 3.14"
        f"{_became_of(distribution, free)}.",
        fix=spread.setting(wider, entry.axes),
        calls=_calls(meant),
        caller=entry.caller or distribution.caller,
        edits=spread.rewritten(trace, distribution, entry, wider),
    )


def _paths(partly: tuple[PartMatch, ...], meant: list[Weight]) -> str:
    if meant:
        return spread.places(meant)
    places = dict.fromkeys(spread.place_of(match.path) for match in partly)
    return wording.listed((wording.quoted(place) for place in places), most=4)


def _became_of(distribution: Distribution, weights: list[Weight]) -> str:
    if not weights:
        return ""
    is_one = len(weights) == 1
    whole = "is whole" if is_one else "are whole"
    return f": {'it' if is_one else 'they'} {whole} on each of {distribution.devices} devices"


# -- nothing of the kind ------------------------------------------------------------------------


def _not_at_all(distribution: Distribution, entry: LayoutPattern, weights: list[Weight]) -> Finding:
    near = _nearest(entry.pattern, weights)
    text = f"Keras found {spread.said(entry)} for nothing: no path matches it"
    if near is None:
        return RULE.finding(
            f"{text} of the {wording.count(distribution.variables, 'variable')} that were made.",
            fix="[v.path for v in model.variables]  # what a pattern has to match, from end to end",
            caller=entry.caller or distribution.caller,
            severity="note",
        )
    return RULE.finding(
        f"{text}. The path that is most like it is {spread.places([near])}"
        f"{_became_of(distribution, [near] if near.layout and not any(near.layout.axes) else [])}.",
        fix=f"{spread.setting(near.path, entry.axes)}  # or a pattern for several paths",
        calls=_calls([near]),
        caller=entry.caller or distribution.caller,
    )


def _nearest(pattern: str, weights: list[Weight]) -> Weight | None:
    """The weight that a pattern is meant for, as it seems: no entry is for it, and a word differs.

    Args:
        pattern: the pattern.
        weights: those that it may be meant for.
    """
    words = re.findall(r"[A-Za-z_]{2,}", re.sub(r"\\.", "", wording.sanitize(pattern)))
    places = {
        place: of_place[0]
        for place, of_place in spread.by_place(weights).items()
        if all(weight.layout and weight.layout.pattern is None for weight in of_place)
    }
    scored = [(_likeness(words, place), place) for place in list(places)[:_MOST]]
    best, place = max(scored, default=(0.0, ""))
    return places[place] if words and best >= _ALIKE else None


def _likeness(words: Iterable[str], path: str) -> float:
    """How much the words of a pattern are like those of a path: 1 if all are there."""
    there = re.findall(r"[A-Za-z_]+", wording.sanitize(path))
    alike = [
        max((SequenceMatcher(None, word, other.strip("_")).ratio() for other in there), default=0)
        for word in (word.strip("_") for word in words)
    ]
    return min(alike, default=0.0)


def _calls(weights: Iterable[Weight]) -> list[int]:
    return [weight.call for weight in weights if weight.call is not None]


RULE = Rule(
    code="BT901",
    title="an entry of a layout map that is found for nothing",
    severity="warning",
    generations=("keras3",),
    backend="jax",
    why="Keras looks a variable up in the layout map by its path, which begins with the names of "
    "the models that it was made in. Up to 3.13 it searched the path for the pattern "
    "(`re.search`), since 3.14 the pattern has to match all of it (`re.fullmatch`): "
    "LayoutMap.__getitem__ in distribution/distribution_lib.py of keras 3.15.1. A variable that "
    "no entry matches is put on every device as a whole, and nothing is said of it.",
    bad="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map["dense.*/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
dense = [keras.layers.Dense(8), keras.layers.Dense(8)]
model = keras.Sequential([keras.Input((16,)), *dense], name="toy")
""",
    good="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*dense.*/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
dense = [keras.layers.Dense(8), keras.layers.Dense(8)]
model = keras.Sequential([keras.Input((16,)), *dense], name="toy")
""",
    check=_check,
)
