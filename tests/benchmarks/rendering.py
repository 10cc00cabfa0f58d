"""How long a trace takes to be shown, drawn, written and read; no Keras is needed."""

from __future__ import annotations

import time
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import made_traces
import msgspec
from renderers import graphs
from rich.console import Console

from benchmarks import timing
from buildtrace import renderers
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import picture
from buildtrace.renderers.page import build_page
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.traces.trace import Trace

CLASSES = ("Conv2D", "BatchNormalization", "Activation")


def synthetic(calls: int) -> Trace:
    """About so many calls: a row of layers of three classes by turns, as in a convolutional net."""
    each = len(made_traces.layers(CLASSES[:1]).calls)
    classes = [CLASSES[i % len(CLASSES)] for i in range(calls // each)]
    trace = made_traces.layers(classes)
    rows = [(call.layer, made_traces.spec(None, 4)) for call in trace.roots if call.layer]
    model = msgspec.structs.replace(rows[0][0], id=len(rows), name="model")
    return msgspec.structs.replace(
        trace, graphs=(made_traces.chain(model, *rows, weights=range(len(trace.weights))),)
    )


def one_to_many() -> Trace:
    """One input that feeds every twelfth of 500 layers."""
    model = graphs.Model("one_to_many")
    source = last = model.add("input", "InputLayer")
    for number in range(500):
        also = [source] if number % 12 == 0 and last != source else []
        last = model.add(f"layer_{number}", "Add" if also else "Dense", last, *also)
    return graphs.trace(model)


def long_skips() -> Trace:
    """300 layers in a row, and 38 skips that end in the mirror image of where they start."""
    model = graphs.Model("long_skips")
    last = model.add("input", "InputLayer")
    length, skips = 300, 38
    starts = {round((i + 1) * length / 2 / (skips + 1)) for i in range(skips)}
    for number in range(1, length):
        mirror = length - number
        also = [mirror] if mirror in starts and mirror < number - 1 else []
        last = model.add(f"layer_{number}", "Add" if also else "Dense", last, *also)
    return graphs.trace(model)


def measure(trace: Trace, rounds: int) -> dict[str, float]:
    """Seconds that each output of a trace takes: the median, of wall time (layout has a child)."""
    text = trace_file.to_json(trace)
    return {
        "tree": _time(partial(_terminal, trace, Options()), rounds),
        "tree, --full": _time(partial(_terminal, trace, Options(full=True)), rounds),
        "SVG": _time(partial(picture.svg, trace, Options()), rounds),
        "page": _time(partial(build_page.render, trace, Options()), rounds),
        "JSON out": _time(partial(trace_file.to_json, trace), rounds),
        "JSON in": _time(partial(trace_file.from_json, text), rounds),
    }


def _terminal(trace: Trace, options: Options) -> None:
    console = Console(file=StringIO(), width=120, force_terminal=True)
    # A copy, so that what the trace has looked up before is not there yet.
    renderers.show(msgspec.structs.replace(trace), console, options)


def _time(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return timing.spread(taken).median


def table(sizes: list[int], rounds: int) -> str:
    """A row for each size of trace, and one for each graph that is hard to draw."""
    traces = [synthetic(size) for size in sizes]
    found = [measure(trace, rounds) for trace in traces]
    head = [*found[0], "size of the JSON"]
    lines = [f"| trace of | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for trace, taken in zip(traces, found, strict=True):
        cells = [f"{len(trace.calls):,} calls", *map(timing.duration, taken.values())]
        cells.append(f"{len(trace_file.to_json(trace)) / 2**20:.1f} MiB")
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| graph with long skips | SVG | SVG, --full |", "|---|---|---|"]
    for title, make in HARD.items():
        trace = make()
        taken = [
            timing.duration(_time(partial(picture.svg, trace, Options(full=full)), rounds))
            for full in (False, True)
        ]
        lines.append(f"| {title} | {' | '.join(taken)} |")
    return "\n".join(lines)


HARD: dict[str, Callable[[], Trace]] = {
    "one input into every twelfth of 500 layers": one_to_many,
    "38 skips over 300 layers": long_skips,
}
