"""Which models of a trace are shown: of many that are alike, the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import wording
from buildtrace.traces.gaps import Limits, gaps

if TYPE_CHECKING:
    from collections.abc import Hashable

    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

LIMITS = Limits(few=6, many=10, most=15)
"""Of so many models each is shown."""


class More(NamedTuple):
    """Models that are not shown, and the line that says so."""

    graphs: list[Graph]
    text: str


def shown(trace: Trace, full: bool) -> list[Graph | More]:
    """The outermost models; of many that are alike, the first and how many more there are."""
    return folded(trace.index.outermost_graphs, full)


def folded(graphs: list[Graph], full: bool) -> list[Graph | More]:
    """These models; of many that are alike, the first and how many more there are."""
    kinds = [(graph.model.class_name, graph.built, form(graph)) for graph in graphs]
    entries: list[Graph | More] = []
    position = 0
    for gap in [] if full else gaps(kinds, LIMITS):
        hidden = graphs[gap.start : gap.end]
        names = [graph.model.name for graph in hidden]
        more = More(hidden, f"{gap.text}: {wording.span(names)}")
        entries += [*graphs[position : gap.start], more]
        position = gap.end
    return entries + graphs[position:]


def form(graph: Graph) -> Hashable:
    """Equal for graphs of the same classes, connected alike."""
    nodes = tuple((node.class_name, node.kind, node.built, node.failed) for node in graph.nodes)
    return nodes, tuple((edge.source, edge.target) for edge in graph.edges)
