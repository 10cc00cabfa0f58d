"""How the graphs of models that belong together differ, from what explains much to what is left.

First layers that one graph calls more often, then nodes that only one graph has, then how the nodes
that both have are connected. Each leaves out what those before it have explained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import in_order
from buildtrace.comparison.graph_matching import GraphMatching
from buildtrace.comparison.layers import kind_of, structural
from buildtrace.comparison.ranked_change import locations, ranked
from buildtrace.traces.wording import count, layer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.comparison.graph_matching import GraphSide
    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.ranked_change import RankedChange

MOST_WEIGHED = 300
"""Of so many nodes it is looked for which of two that changed places weighs less."""


def changes(matching: LayerMatching) -> Iterator[RankedChange]:
    """All differences of the graphs."""
    for left, right in matching.pairs():
        if left in matching.left.graphs and right in matching.right.graphs:
            graphs = GraphMatching(
                matching, matching.left.graphs[left], matching.right.graphs[right]
            )
            yield from _sharing(graphs)
            yield from _added_and_removed(graphs)
            yield from _connections(graphs)


# -- layers that one graph calls more often -----------------------------------------------------


def _sharing(graphs: GraphMatching) -> Iterator[RankedChange]:
    """What is shared now, and what no longer; nodes that take another's place are paired."""
    for more in (graphs.right, graphs.left):
        less = graphs.other(more)
        reported: set[int] = set()
        for node in more.unpaired():
            layer_id = more.layer(node)
            if layer_id is None or more.layer_partners.get(layer_id) not in less.layers:
                continue
            instead = _in_place_of(graphs, more, node)
            if instead is not None:
                graphs.pair(*((instead, node) if more is graphs.right else (node, instead)))
            if layer_id not in reported or instead is not None:
                reported.add(layer_id)
                yield _shared(graphs, more, layer_id, instead)


def _in_place_of(graphs: GraphMatching, more: GraphSide, node: int) -> int | None:
    """The node of a layer that only the other side has, and that has the same neighbors there."""
    less = graphs.other(more)
    more_skip, less_skip = frozenset(more.unpaired()), frozenset(less.unpaired())
    for candidate in sorted(less_skip):
        if less.layer(candidate) is None:
            continue
        if less.node(candidate).class_name != more.node(node).class_name:
            continue
        if all(
            sorted(less.mapped(less.beyond(candidate, less_skip, back=back)))
            == sorted(more.beyond(node, more_skip, back=back))
            for back in (True, False)
        ):
            return candidate
    return None


def _shared(
    graphs: GraphMatching, more: GraphSide, layer_id: int, instead: int | None
) -> RankedChange:
    less = graphs.other(more)
    partner = more.layer_partners[layer_id]
    forward = more is graphs.right
    numbers = [_number_of_nodes(less, partner), _number_of_nodes(more, layer_id)]
    left, right = (partner, layer_id) if forward else (layer_id, partner)
    before, after = numbers if forward else numbers[::-1]
    what = "shared: called" if forward else "called"
    message = (
        f"{layer(graphs.right.tree.layers[right])} is {what} {count(after, 'time')}, was {before}"
    )
    parameters = 0
    if instead is not None:
        other = less.layer(instead)
        assert other is not None
        parameters = less.tree.parameters(other)
        name = layer(less.tree.layers[other])
        message += f", also in place of {name}" if forward else f"; {name} is in its place"
    kind, severity = kind_of(parameters)
    return ranked(
        kind,
        message,
        *locations(graphs.layers, left, right),
        position=graphs.layers.position(graphs.layers.right, right),
        severity=severity,
        structural=True,
    )


def _number_of_nodes(side: GraphSide, layer_id: int) -> int:
    return sum(node.layer == layer_id for node in side.graph.nodes)


# -- nodes that only one graph has --------------------------------------------------------------


def _added_and_removed(graphs: GraphMatching) -> Iterator[RankedChange]:
    """What was removed, then what was added; nodes that hang together are one change."""
    for side, word in ((graphs.left, "removed"), (graphs.right, "added")):
        unpaired = frozenset(side.unpaired())
        for group in side.components(unpaired):
            layer_ids = [id_ for node in group if (id_ := side.layer(node)) is not None]
            new = [id_ for id_ in layer_ids if id_ not in side.layer_partners]
            if new or not layer_ids:  # else it is another call of a layer that both sides have
                yield _group(graphs, side, group, unpaired, word, new)


def _group(
    graphs: GraphMatching,
    side: GraphSide,
    group: list[int],
    unpaired: AbstractSet[int],
    word: str,
    layer_ids: list[int],
) -> RankedChange:
    sources = _around(side, group, unpaired, back=True)
    targets = _around(side, group, unpaired, back=False)
    what = side.names(group)
    if _is_detour(graphs, side, frozenset(group), sources, targets):
        where = _where(side, sources, targets, word)
        verb = "inserted" if word == "added" else "removed from"
        message = f"{what} {verb}{where}" if where else f"{what} {word}"
    else:
        main = _main(graphs, side, sources, targets)
        start = side.names([n for n in sources if n not in main] or sources)
        end = side.names(targets) or "the outputs"
        start = f" from {start}" if start else ""
        message = f"branch {word}{start} to {end}: {what}"
    if layer_ids:
        return structural(graphs.layers, side.tree, layer_ids, message)
    position = graphs.layers.position(side.tree, side.graph.model.id) + 0.1
    return ranked("graph", message, position=position, structural=True)


def _around(
    side: GraphSide, group: list[int], unpaired: AbstractSet[int], *, back: bool
) -> list[int]:
    near = [n for node in group for n in side.beyond(node, unpaired, back=back)]
    return list(dict.fromkeys(near))


def _is_detour(
    graphs: GraphMatching,
    side: GraphSide,
    group: AbstractSet[int],
    sources: list[int],
    targets: list[int],
) -> bool:
    """Whether all went straight from the sources to the targets before these came between."""
    if any(len(side.sources[node]) > 1 or side.node(node).kind == "input" for node in group):
        return False
    other, partners = graphs.other(side), side.partners
    if group & set(side.graph.outputs) and any(
        s in side.graph.outputs or partners.get(s) not in other.graph.outputs for s in sources
    ):
        return False
    direct = side.links()
    straight = other.links() | other.bridges(frozenset(other.unpaired()))
    return all(
        (s, t) not in direct and (partners.get(s), partners.get(t)) in straight
        for s in sources
        for t in targets
    )


def _main(
    graphs: GraphMatching, side: GraphSide, sources: list[int], targets: list[int]
) -> list[int]:
    """The sources that went straight to the targets without these."""
    straight = graphs.other(side).links()
    partners = side.partners
    return [
        s for s in sources if any((partners.get(s), partners.get(t)) in straight for t in targets)
    ]


def _where(side: GraphSide, sources: list[int], targets: list[int], word: str) -> str:
    before, behind = side.names(sources), side.names(targets)
    if before and behind:
        return f" between {before} and {behind}"
    if before:
        return f" behind {before}" if word == "added" else f" the end, behind {before}"
    return f" before {behind}" if behind else ""


# -- how the nodes that both have are connected -------------------------------------------------


def _connections(graphs: GraphMatching) -> Iterator[RankedChange]:
    """What moved; then what differs without that, and without what was added or removed."""
    removed, added = frozenset(graphs.left.unpaired()), frozenset(graphs.right.unpaired())
    moved = _moved(graphs, removed, added)
    for node in moved:
        yield _move(graphs, node, removed, added)
    removed |= set(moved)
    added |= set(graphs.left.mapped(moved))
    yield from _inputs_of_nodes(graphs, removed, added)
    yield from _ends(graphs, removed, added)


def _moved(graphs: GraphMatching, removed: AbstractSet[int], added: AbstractSet[int]) -> list[int]:
    """The nodes on the left that are at another place among the same others now."""
    left, right = graphs.left, graphs.right
    pairs = sorted(left.partners.items())
    kept = {i for i, _ in _staying(left, pairs)}
    return [
        i
        for i, j in pairs
        if i not in kept
        and set(left.mapped(left.beyond(i, removed, back=True)))
        != set(right.beyond(j, added, back=True))
    ]


def _staying(left: GraphSide, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest row that is in order; of two such, the one with more weights in it."""
    longest = in_order(pairs)
    if len(longest) == len(pairs) or len(pairs) > MOST_WEIGHED:
        return longest
    rows: list[tuple[float, list[tuple[int, int]]]] = []
    for i, j in pairs:
        before = max((row for row in rows if row[1][-1][1] < j), default=(0.0, []))
        layer_id = left.layer(i)
        weight = 1.5 if layer_id is not None and left.tree.parameters(layer_id) else 1.0
        rows.append((before[0] + weight, [*before[1], (i, j)]))
    return max(rows, default=(0.0, []))[1]


def _move(
    graphs: GraphMatching, node: int, removed: AbstractSet[int], added: AbstractSet[int]
) -> RankedChange:
    left, right = graphs.left, graphs.right
    partner = left.partners[node]
    was = left.names(left.beyond(node, removed, back=True))
    now = right.names(right.beyond(partner, added, back=True))
    behind = [f"behind {names}" if names else "at the start" for names in (now, was)]
    message = f"{right.name(partner)} moved {behind[0]}, was {behind[1]}"
    return _of_a_node(graphs, partner, left.layer(node), message, 0.2, structural=True)


def _inputs_of_nodes(
    graphs: GraphMatching, removed: AbstractSet[int], added: AbstractSet[int]
) -> Iterator[RankedChange]:
    """Nodes that take their inputs from others, or in another order."""
    left, right, partners = graphs.left, graphs.right, graphs.left.partners
    was = {(partners[a], partners[b]) for a, b in left.links(removed)}
    bridged = {(partners[a], partners[b]) for a, b in left.bridges(removed)}
    now = right.links(added)
    lost: dict[int, list[int]] = {}
    new: dict[int, list[int]] = {}
    for source, target in sorted(was - now - right.bridges(added)):
        lost.setdefault(target, []).append(source)
    for source, target in sorted(now - was - bridged):
        new.setdefault(target, []).append(source)
    for target in sorted({*lost, *new}):
        yield _inputs(graphs, target, lost.get(target, []), new.get(target, []))
    for i, j in partners.items():
        before = [partners.get(n) for n in left.sources[i]]
        after = right.sources[j]
        if before != after and sorted(map(str, before)) == sorted(map(str, after)):
            yield _inputs(graphs, j, [], [])


def _inputs(graphs: GraphMatching, target: int, lost: list[int], new: list[int]) -> RankedChange:
    right = graphs.right
    name, old, fresh = right.name(target), right.names(lost), right.names(new)
    if lost and new:
        message = f"{name} takes its input from {fresh} instead of {old}"
    elif new:
        message = f"{name} also takes its input from {fresh}"
    elif lost:
        message = f"{name} no longer takes its input from {old}"
    else:
        message = f"{name} takes its inputs in another order"
    layer_id = right.layer(target)
    partner = None if layer_id is None else right.layer_partners.get(layer_id)
    return _of_a_node(graphs, target, partner, message, 0.3)


def _of_a_node(
    graphs: GraphMatching,
    node: int,
    partner: int | None,
    message: str,
    offset: float,
    *,
    structural: bool = False,
) -> RankedChange:
    """A change of a node on the right, at its layer, or else just behind the model.

    Args:
        graphs: both graphs.
        node: the node.
        partner: the layer on the left, if there is one.
        message: what was done.
        offset: how far behind the model.
        structural: as in `RankedChange`.
    """
    layer_id = graphs.right.layer(node)
    if layer_id is None or partner is None:
        position = graphs.position + offset
        return ranked("graph", message, position=position, structural=structural, cause=True)
    return ranked(
        "graph",
        message,
        *locations(graphs.layers, partner, layer_id),
        position=graphs.layers.position(graphs.layers.right, layer_id),
        structural=structural,
        cause=True,
    )


def _ends(
    graphs: GraphMatching, removed: AbstractSet[int], added: AbstractSet[int]
) -> Iterator[RankedChange]:
    """Outputs that come from other nodes, and inputs in another order."""
    left, right = graphs.left, graphs.right
    model = layer(right.graph.model)
    position = graphs.position + 0.4
    was, now = left.mapped(left.outputs(removed)), right.outputs(added)
    straight = [n for n in left.graph.outputs if n not in removed]
    lost = [n for n in left.mapped(straight) if n not in now]
    new = [n for n in right.graph.outputs if n not in added and n not in was]
    swapped = was != now and sorted(was) == sorted(now)
    if lost or new or swapped:
        message = _outputs(model, right.names(lost), right.names(new))
        yield ranked("graph", message, position=position, cause=True)
    starts = left.mapped(left.graph.inputs)
    others = [n for n in right.graph.inputs if n in right.partners]
    if starts != others and sorted(starts) == sorted(others):
        message = f"the inputs of {model} are in another order: {right.names(others)}"
        yield ranked("graph", message, position=position)


def _outputs(model: str, lost: str, new: str) -> str:
    if new and lost:
        return f"the output of {model} comes from {new} instead of {lost}"
    if new:
        return f"{model} also gives the output of {new}"
    if lost:
        return f"{model} no longer gives the output of {lost}"
    return f"the outputs of {model} are in another order"
