"""A trace as lines that are the same in every run: the calls, and then the graphs.

Each line is indented by its depth, and nothing is folded. What differs from run to run is not in
it: times, threads, files and lines, and the numbers of layers that Keras named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.facts import WHOLE_WEIGHT, CallFacts, ordered
from buildtrace.traces import wording
from buildtrace.traces.normalize import steady
from buildtrace.traces.totals import totals_of_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.facts import FactKind, TermKind
    from buildtrace.traces.schema import Call, Graph, Node
    from buildtrace.traces.trace import Trace

INDENT = GAP = "  "

SHOWN: dict[FactKind, tuple[TermKind, ...]] = {
    "layer": ("layer", "class"),
    "flow": ("inputs", "outputs"),
    "change": ("change",),
    "weight": WHOLE_WEIGHT,
    "variable": ("variable", "for", "shape", "dtype", "initializer"),
    "loss": ("loss", "for", "logits"),
    "loaded": ("source", "fed"),
    "error": ("raised",),
}
"""What is said of a call, in this order."""


def outline(trace: Trace) -> list[str]:
    """The trace's calls and graphs, from the top."""
    trace = steady(trace)
    said = CallFacts(trace)
    lines: list[str] = []
    hidden: set[int] = set()
    for depth, call in trace.walk():
        parent = None if call.parent is None else trace.call(call.parent)
        repeats = parent is not None and call.step == "graph" and parent.name == call.name
        if repeats or call.parent in hidden:
            hidden.add(call.id)  # what a graph's mapper does inside itself, the graph says better
        else:
            lines.append(f"{INDENT * depth}{_call(said, call, parent)}".rstrip())
    for graph in trace.graphs:
        lines += _graph(trace, graph)
    return lines


def _call(said: CallFacts, call: Call, parent: Call | None) -> str:
    return GAP.join(part for part in _parts(said, call, parent) if part)


def _parts(said: CallFacts, call: Call, parent: Call | None) -> Iterator[str]:
    yield wording.sanitize(call.name)
    facts = [fact for fact in said.of(call, parent) if not fact.repeated]
    facts.sort(key=lambda fact: fact.about)
    for fact in ordered(facts, SHOWN):
        if not fact.about.startswith("_"):  # Keras' own affair
            yield fact.said(*SHOWN[fact.kind], whole=True)


def _graph(trace: Trace, graph: Graph) -> Iterator[str]:
    """The model with a line for each node: what it is, what comes in and what goes out."""
    sources: dict[int, list[str]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.target, []).append(_again(graph.nodes[edge.source]))
    total = wording.count(totals_of_model(trace, graph).parameters, "parameter")
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
