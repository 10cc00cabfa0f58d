"""What holds in every trace, however its run ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace


def faults_of(trace: Trace) -> list[str]:
    """What is wrong with the trace in itself: nothing, one hopes."""
    faults = []
    for place, call in enumerate(trace.calls):
        if call.id != place:
            faults.append(f"call {place} has the id {call.id}")
        if call.start_ns < 0 or call.duration_ns < 0:
            faults.append(f"{call.name} has the times {call.start_ns}, {call.duration_ns}")
        if call.parent is None:
            continue
        if not 0 <= call.parent < place:
            faults.append(f"{call.name} at {place} has the parent {call.parent}")
            continue
        parent = trace.calls[call.parent]
        if parent.thread != call.thread:
            faults.append(f"{call.name} has a parent in another thread")
        if call.start_ns < parent.start_ns:
            faults.append(f"{call.name} starts before its parent {parent.name}")
        if call.start_ns + call.duration_ns > parent.start_ns + parent.duration_ns:
            faults.append(f"{call.name} ends after its parent {parent.name}")
    calls, weights = range(len(trace.calls)), range(len(trace.weights))
    for place, weight in enumerate(trace.weights):
        if weight.id != place or not (weight.call is None or weight.call in calls):
            faults.append(f"weight {place} is {weight}")
    for graph in trace.graphs:
        nodes = range(len(graph.nodes))
        ends = [*graph.inputs, *graph.outputs]
        ends += [end for edge in graph.edges for end in (edge.source, edge.target)]
        if not all(end in nodes for end in ends):
            faults.append(f"the graph of {graph.model.name} has an end that is no node")
        if not all(number in weights for number in graph.weights):
            faults.append(f"the graph of {graph.model.name} has a weight that is not there")
    return faults


def survives_a_file(trace: Trace) -> bool:
    """Whether the trace is the same once it was saved and loaded."""
    return trace_file.from_json(trace_file.to_json(trace)) == trace
