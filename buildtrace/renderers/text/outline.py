"""A trace as lines that are the same in every run: the calls, and then the graphs.

Each line is indented by its depth, and nothing is folded. What differs from run to run is not in
it: times, threads, files and lines,
and the numbers of layers that Keras named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording
from buildtrace.traces.normalize import steady
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Graph, Node, Weight
    from buildtrace.traces.trace import Trace

INDENT = GAP = "  "


def outline(trace: Trace) -> list[str]:
    """The trace's calls and graphs, from the top."""
    trace = steady(trace)
    lines: list[str] = []
    hidden: set[int] = set()
    for depth, call in trace.walk():
        parent = None if call.parent is None else trace.call(call.parent)
        repeats = parent is not None and call.step == "graph" and parent.name == call.name
        if repeats or call.parent in hidden:
            hidden.add(call.id)  # what a graph's mapper does inside itself, the graph says better
        else:
            lines.append(f"{INDENT * depth}{_call(trace, call, parent)}".rstrip())
    for graph in trace.graphs:
        lines += _graph(trace, graph)
    return lines


def _call(trace: Trace, call: Call, parent: Call | None) -> str:
    return GAP.join(part for part in _parts(trace, call, parent) if part)


def _parts(trace: Trace, call: Call, parent: Call | None) -> Iterator[str]:
    yield wording.sanitize(call.name)
    if call.layer and (parent is None or parent.layer != call.layer):
        yield wording.layer_title(call.layer)
    flow = (call.inputs, call.outputs)
    if parent is None or flow != (parent.inputs, parent.outputs) or call.layer != parent.layer:
        inputs, outputs = (", ".join(map(wording.tensor, specs)) for specs in flow)
        yield (f"{inputs} → {outputs}" if outputs else inputs).lstrip()
    inside = [c.changes for c in trace.children(call) if c.layer == call.layer]
    for attribute, (before, after) in sorted(call.changes.items()):
        if attribute.startswith("_") or any(attribute in changes for changes in inside):
            continue  # Keras' own affair, or told by a call that is nearer to it
        yield f"{wording.sanitize(attribute)}: {before} → {after}"
    for weight in trace.weights_made_by(call):
        yield _weight(weight)
    if call.error:
        first = (call.error.message.splitlines() or [""])[0]
        caught = "swallowed: " if call.error.swallowed else ""
        yield f"✗ {caught}{wording.sanitize(f'{call.error.type}: {first}')}"


def _weight(weight: Weight) -> str:
    words = [
        wording.sanitize(weight.name),
        wording.shape(weight.shape),
        wording.sanitize(weight.dtype),
    ]
    extras = (weight.initializer, weight.regularizer, weight.constraint)
    words += [wording.sanitize(extra) for extra in extras if extra]
    if not weight.trainable:
        words.append("not trainable")
    return " ".join(words)


def _graph(trace: Trace, graph: Graph) -> Iterator[str]:
    """The model with a line for each node: what it is, what comes in and what goes out."""
    sources: dict[int, list[str]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.target, []).append(_again(graph.nodes[edge.source]))
    weights = [trace.weights[number] for number in graph.weights]
    total = wording.count(totals(weights).parameters, "parameter")
    built = "" if graph.built else "not built"
    head = ["graph", wording.layer_title(graph.model), total, built]
    yield GAP.join(filter(None, head)).rstrip()
    for node in graph.nodes:
        yield f"{INDENT}{_node(node, sources.get(node.id, []))}".rstrip()


def _node(node: Node, sources: list[str]) -> str:
    parts = [
        f"{_again(node)} ({wording.sanitize(node.class_name)})",
        f"from {', '.join(sources)}" if sources else "",
        f"→ {', '.join(map(wording.tensor, node.outputs))}" if node.outputs else "",
        "" if node.built else "not built",
    ]
    return GAP.join(filter(None, parts))


def _again(node: Node) -> str:
    """The node's name, and which call of a shared layer it is."""
    return wording.sanitize(node.name) + (f" call {node.index + 1}" if node.index else "")
