"""A trace as lines that are the same in every run: the calls, and then the graphs.

Nothing is folded. What differs from run to run is not in it: times, threads, files and lines,
and the numbers of layers that Keras named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.branches import Branch
from buildtrace.traces import wording
from buildtrace.traces.normalize import steady
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Graph, Node, Weight
    from buildtrace.traces.trace import Trace

GAP = "  "


def outline(trace: Trace) -> list[Branch]:
    """The trace's calls and graphs, from the top."""
    trace = steady(trace)
    inside: dict[int | None, list[Branch]] = {}
    for call in reversed(trace.calls):  # inner ones first
        parent = None if call.parent is None else trace.call(call.parent)
        if not (parent and call.step == "graph" and parent.name == call.name):
            # What a graph's mapper does inside itself, the graph says better.
            branch = Branch(_call(trace, call, parent), inside.get(call.id, [])[::-1])
            inside.setdefault(call.parent, []).append(branch)
    return [*inside.get(None, [])[::-1], *(_graph(trace, graph) for graph in trace.graphs)]


def _call(trace: Trace, call: Call, parent: Call | None) -> str:
    return GAP.join(part for part in _parts(trace, call, parent) if part)


def _parts(trace: Trace, call: Call, parent: Call | None) -> Iterator[str]:
    yield wording.sanitize(call.name)
    if call.layer and (parent is None or parent.layer != call.layer):
        yield wording.layer_title(call.layer)
    flow = (call.inputs, call.outputs)
    if parent is None or flow != (parent.inputs, parent.outputs) or call.layer != parent.layer:
        given, made = (", ".join(map(wording.tensor, specs)) for specs in flow)
        yield (f"{given} → {made}" if made else given).lstrip()
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
    found = [
        wording.sanitize(weight.name),
        wording.shape(weight.shape),
        wording.sanitize(weight.dtype),
    ]
    extras = (weight.initializer, weight.regularizer, weight.constraint)
    found += [wording.sanitize(extra) for extra in extras if extra]
    if not weight.trainable:
        found.append("not trainable")
    return " ".join(found)


def _graph(trace: Trace, graph: Graph) -> Branch:
    """The model with a line for each node: what it is, what comes in and what goes out."""
    sources: dict[int, list[str]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.target, []).append(_again(graph.nodes[edge.source]))
    weights = [trace.weights[number] for number in graph.weights]
    total = wording.count(totals(weights).parameters, "parameter")
    built = "" if graph.built else "not built"
    head = ["graph", wording.layer_title(graph.model), total, built]
    nodes = [Branch(_node(node, sources.get(node.id, []))) for node in graph.nodes]
    return Branch(GAP.join(filter(None, head)), nodes)


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
