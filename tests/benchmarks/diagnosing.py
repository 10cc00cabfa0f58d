"""How long the rules take for a trace; no Keras is needed."""

from __future__ import annotations

import statistics

import msgspec

from benchmarks import timing
from benchmarks.rendering import synthetic
from buildtrace.diagnosis import diagnose
from buildtrace.traces.schema import LayerState, Method
from buildtrace.traces.trace import Trace

METHODS = tuple(
    Method(name=name, file="model.py", line=line, arguments=(argument,), required=1)
    for line, (name, argument) in enumerate((("build", "input_shape"), ("call", "x")), 1)
)


def with_states(calls: int) -> Trace:
    """A trace of about so many calls, in which every layer is of a class of the user's."""
    trace = synthetic(calls)
    states = [
        LayerState(layer=layer, after=0, built=True, file="model.py", line=1, methods=METHODS)
        for layer in trace.layers.values()
    ]
    return msgspec.structs.replace(trace, states=tuple(states))


def seconds(trace: Trace, rounds: int) -> float:
    """CPU time of all rules: the median. Each round has a trace that nothing was asked of yet."""
    diagnose(Trace())  # imports the rules
    copies = [msgspec.structs.replace(trace) for _ in range(rounds)]
    return statistics.median(timing.cpu(lambda: diagnose(copies.pop())) for _ in range(rounds))


def table(sizes: list[int], rounds: int) -> str:
    """A row for each size."""
    lines = ["| findings of | CPU time |", "|---|---|"]
    for size in sizes:
        trace = with_states(size)
        took = timing.duration(seconds(trace, rounds))
        lines.append(f"| {len(trace.calls):,} calls of {len(trace.states):,} layers | {took} |")
    return "\n".join(lines)
