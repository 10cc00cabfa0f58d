"""What tracing costs apart from a build: start and end, calls, training, memory."""

from __future__ import annotations

import gc
import resource
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import child, timing
from buildtrace.capture import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras

BATCH, FEATURES = 32, 64


def measure(k: Keras, rounds: int, calls: int, steps: int, many: int) -> dict[str, Any]:
    """Ratios of CPU time under tracing to that without, and what `many` calls leave behind.

    Args:
        k: the Keras.
        rounds: how often each is measured.
        calls: how many calls of the model one run makes.
        steps: how many steps of training one run makes.
        many: how many calls memory is watched for.
    """
    model = k.Sequential([k.layers.Dense(64, activation="relu"), k.layers.Dense(10)])
    model.compile("sgd", "mse")
    inputs = np.zeros((BATCH * steps, FEATURES), "float32")
    targets = np.zeros((BATCH * steps, 10), "float32")
    batch = inputs[:BATCH]

    def call() -> None:
        for _ in range(calls):
            model(batch)

    def fit() -> None:
        model.fit(inputs, targets, batch_size=BATCH, verbose=0)

    def build() -> None:
        k.Sequential([k.Input((FEATURES,)), k.layers.Dense(64), k.layers.Dense(10)])

    call()
    fit()
    return {
        "nothing": _compare(build, {"nothing": lambda: _settled(_nothing)}, rounds),
        "call": _compare_traced(call, rounds),
        "fit": _compare_traced(fit, rounds),
        "grown": {
            "untraced": _grown(call, many // calls),
            "traced": _grown_traced(call, many, calls),
        },
    }


def _compare(
    work: Callable[[], object], others: dict[str, Callable[[], float]], rounds: int
) -> dict[str, Any]:
    """What others take, as a multiple of what a piece of work takes, and that itself."""
    plain: list[float] = []

    def untraced() -> float:
        plain.append(_settled(work))
        return plain[-1]

    ratios = timing.compare(untraced, others, rounds)
    return {"ratios": ratios, "plain": timing.spread(plain).median}


def _settled(work: Callable[[], object]) -> float:
    timing.settle()
    return timing.cpu(work)


def _nothing() -> None:
    tracing = Tracing()
    tracing.start()
    tracing.stop()


def _compare_traced(work: Callable[[], object], rounds: int) -> dict[str, Any]:
    def traced() -> float:
        timing.settle()
        tracing = Tracing()
        tracing.start()
        try:
            return timing.cpu(work)
        finally:
            tracing.stop()

    others = {"traced": traced, "untraced again": lambda: _settled(work)}
    return _compare(work, others, rounds)


def _grown(work: Callable[[], None], times: int) -> dict[str, int]:
    """What a piece of work, done many times, leaves behind: objects, and KiB at the peak."""
    work()
    gc.collect()
    objects, peak = len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(times):
        work()
    gc.collect()
    return {
        "objects": len(gc.get_objects()) - objects,
        "KiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak,
    }


def _grown_traced(work: Callable[[], None], many: int, calls: int) -> dict[str, int]:
    tracing = Tracing()
    tracing.start()
    try:
        found = _grown(work, many // calls)
    finally:
        tracing.stop()
    return found | {"recorded": len(tracing.trace.calls)}


def table(generations: list[int], rounds: int, calls: int, steps: int, many: int) -> str:
    """A row for each generation."""
    lines = [
        "| after the build | Keras | untraced | traced | untraced again |",
        "|---|---|---|---|---|",
    ]
    begun = [
        "| a trace of nothing | Keras | untraced build of two layers | as a multiple of it |",
        "|---|---|---|---|",
    ]
    grown = [
        f"| left by {many:,} calls | Keras | objects | memory | recorded calls |",
        "|---|---|---|---|---|",
    ]
    for keras in generations:
        found = child.measure("steady", keras, rounds=rounds, calls=calls, steps=steps, many=many)
        nothing = found["nothing"]
        plain, ratio = timing.duration(nothing["plain"]), timing.ratio(nothing["ratios"]["nothing"])
        begun.append(f"| start and end | {keras} | {plain} | {ratio} |")
        for what, title, count in (
            ("call", "call of the model", calls),
            ("fit", "step of training", steps),
        ):
            ratios = found[what]["ratios"]
            cells = timing.ratio(ratios["traced"]), timing.ratio(ratios["untraced again"])
            plain = timing.duration(found[what]["plain"] / count)
            lines.append(f"| {title} | {keras} | {plain} | {' | '.join(cells)} |")
        for how, left in found["grown"].items():
            recorded = left.get("recorded", "")
            grown.append(
                f"| {how} | {keras} | {left['objects']} | {left['KiB']} KiB | {recorded} |"
            )
    return "\n".join([*begun, "", *lines, "", *grown])
