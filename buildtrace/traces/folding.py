"""Pure passes over a trace: each takes a trace and returns a smaller one.

`fold` hides what repeats, `limit_depth` what lies deep, `around` what lies beside some calls, and
`focus` what belongs to other models.
What a pass hid is written on the call that was kept (`Call.folded`), and the weights stay in
the trace, so totals are the same before and after. A call on the path down to the failing
call is never hidden.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from buildtrace.errors import UsageError
from buildtrace.traces.repeats import find_repeats, find_stretches
from buildtrace.traces.schema import Folded

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.traces.schema import Call, Variable, Weight
    from buildtrace.traces.trace import Trace

SMALL = 80
"""A trace of at most so many calls is shown whole: a small model is what people learn from."""

READABLE = 100
"""If folding leaves more than this, siblings are also folded that came earlier, further up."""

TOO_MANY = 150
"""If even that leaves more than this, the deepest levels are hidden."""

WIDEST = 50
"""Of more siblings than this, all of different kinds, only the first and the last few are kept."""

MOST_ROUNDS = 4
"""A recursion of fewer rounds is shown whole."""

LAST = 5
"""So many of the last siblings are kept then."""


class Hidden(NamedTuple):
    """What a fold hid at one call: the topmost calls that are gone, in order of start."""

    inside: list[Call]
    beside: list[Call]


# -- the passes -----------------------------------------------------------------------------


def fold(trace: Trace, depth: int | None = None, keep: AbstractSet[int] = frozenset()) -> Trace:
    """Hide what repeats, so that a big model becomes something a person can read.

    Three things are hidden: blocks of siblings that follow one another and are alike (the
    first block stays), the inside of a call whose inside was already shown, and recursion
    of the graph mappers (the first call stays), or on the way to the failing call (the first
    round and the last one stay). If that leaves too much, stretches of
    siblings go that are like earlier ones not next to them, and then the deepest levels. A
    small trace is returned as it is.

    Args:
        trace: what to fold.
        depth: keep this many levels; by default as many as stay readable.
        keep: ids of calls that are not to be hidden, nor what they are inside of.
    """
    shown = trace
    if len(trace.calls) > SMALL:
        folding = _Folding(without_recursion(trace, keep), keep)
        shown = folding.result()
        if len(shown.calls) > READABLE:
            shown = folding.result(tight=True)
        if depth is None and len(shown.calls) > TOO_MANY:
            shown = _limit_width(shown, keep)
            depth = _readable_depth(shown)
    return shown if depth is None else limit_depth(shown, depth, keep)


def without_recursion(trace: Trace, keep: AbstractSet[int] = frozenset()) -> Trace:
    """Hide the middle of a recursion that the run failed in.

    The last round stands in the first one then, as if it had been called from there.
    """
    way = trace.index.failing
    rounds = find_repeats([(call.name, call.layer and call.layer.class_name) for call in way])
    gone: set[int] = set()
    hosts: dict[int, int] = {}
    folded: dict[int, Folded] = {}
    for one in rounds:
        second, last = way[one.start + one.length], way[one.end - one.length]
        middle = _inside_of(trace, second, last)
        if one.repeats >= MOST_ROUNDS and not middle & keep:
            host = way[one.start + one.length - 1]
            hosts[last.id] = host.id
            folded[host.id] = Folded(reason="recursion", calls=len(middle))
            gone |= middle
    calls = (call for call in trace.calls if call.id not in gone)
    moved = [replace(c, parent=hosts[c.id]) if c.id in hosts else c for c in calls]
    return _keep(trace, moved, folded) if gone else trace


def _inside_of(trace: Trace, outer: Call, left: Call) -> set[int]:
    """The ids of a call and of all calls inside it, but for another call with what is in that."""
    inside = {outer.id}
    for call in trace.calls:  # parents come before their children
        if call.parent in inside and call.id != left.id:
            inside.add(call.id)
    return inside


def limit_depth(trace: Trace, levels: int, keep: AbstractSet[int] = frozenset()) -> Trace:
    """Hide all calls deeper than `levels`, except `keep`, the failing one, and the way there."""
    path = _never_hidden(trace, keep)
    return _hide(trace, lambda call, level: level < max(levels, 1) or call.id in path)


def around(trace: Trace, keep: AbstractSet[int] = frozenset()) -> Trace:
    """Hide what is inside of calls beside the way to `keep` and to the failing call."""
    path = _never_hidden(trace, keep)
    return _hide(trace, lambda call, level: not level or call.id in path or call.parent in path)


def _hide(trace: Trace, stays: Callable[[Call, int], bool]) -> Trace:
    """Hide the calls that do not stay; what a call that stays is inside of has to stay, too."""
    kept: list[Call] = []
    folded: dict[int, Folded] = {}
    # For each call seen: its level, and the nearest call (itself included) that is kept.
    nesting: dict[int | None, tuple[int, int]] = {None: (0, -1)}
    for call in trace.calls:
        level, host = nesting[call.parent]
        if stays(call, level):
            kept.append(call)
            nesting[call.id] = (level + 1, call.id)
        else:
            nesting[call.id] = (level + 1, host)
            old = folded.get(host) or Folded(reason="depth")
            gone = 1 + (call.folded.calls if call.folded else 0)
            folded[host] = replace(old, calls=old.calls + gone)
    return _keep(trace, kept, folded)


def focus(trace: Trace, model: str) -> Trace:
    """Keep only the calls, weights and graphs of the models called `model`.

    Raises:
        UsageError: no model of the trace has this name.
    """
    if not any(ref.name == model for ref in trace.layers.values()):
        known = ", ".join(dict.fromkeys(repr(g.model.name) for g in trace.graphs)) or "none"
        raise UsageError(f"no model is called {model!r} in this trace; its models: {known}")
    return part_of(trace, {ref.id for ref in trace.layers.values() if ref.name == model})


def part_of(trace: Trace, models: set[int]) -> Trace:
    """Keep only the calls, weights and graphs of the models with these ids."""
    layers = _layers_of(trace, models)
    roots = _roots_of(trace, layers)
    inside: dict[int | None, bool] = {}
    calls: list[Call] = []
    for call in trace.calls:
        parent_inside = inside.get(call.parent, False)
        belongs = call.layer is not None and call.layer.id in layers
        inside[call.id] = parent_inside or belongs or call.id in roots
        if inside[call.id]:
            calls.append(call if parent_inside else replace(call, parent=None))
    kept = {call.id for call in calls}
    weights = tuple(w for w in trace.weights if w.layer in layers or w.call in kept)
    return replace(
        trace,
        calls=tuple(calls),
        weights=weights,
        variables=variables_of(trace, kept, weights),
        graphs=tuple(g for g in trace.graphs if g.model.id in layers),
        saved=trace.saved
        and replace(
            trace.saved, layers=tuple(one for one in trace.saved.layers if one.id in layers)
        ),
    )


def variables_of(
    trace: Trace, calls: AbstractSet[int], weights: tuple[Weight, ...]
) -> tuple[Variable, ...]:
    """What these calls made, and what no call made of the optimizers and metrics of this part."""
    ids = {weight.id for weight in weights}
    own = {call.holder for call in trace.calls if call.id in calls}
    own |= {variable.holder for variable in trace.variables if variable.weight in ids}
    return tuple(
        variable
        for variable in trace.variables
        if variable.call in calls or (variable.call is None and variable.holder in own)
    )


def _roots_of(trace: Trace, layers: set[int]) -> set[int]:
    """The roots that belong to these layers without being a call on one of them.

    `Input` makes a layer and is on none. An operation between two layers belongs to the model
    that was being put together when it ran.
    """
    touching = {call.id for call in trace.calls if call.layer and call.layer.id in layers}
    ids = set()
    previous = False
    for root in trace.roots:
        makes_input = root.step == "input" and any(c.id in touching for _, c in trace.walk(root))
        between = previous and root.step == "connect" and root.landmark != "Layer.__call__"
        previous = root.id in touching or makes_input or between
        if makes_input or between:
            ids.add(root.id)
    return ids


def _never_hidden(trace: Trace, keep: AbstractSet[int]) -> frozenset[int]:
    """The failing path, and the ways to the calls that are to be kept."""
    kept = {call.id: call for call in trace.calls if call.id in keep}
    above = {outer.id for call in kept.values() for outer in trace.ancestors(call)}
    return trace.index.failing_ids | kept.keys() | above


# -- what renderers ask about folding ----------------------------------------------------------


def hidden(trace: Trace, shown: Trace) -> dict[int, Hidden]:
    """What is in `trace` and no longer in `shown`, by the id of the kept call that says so."""
    kept = {call.id: call for call in shown.calls}
    hidden_at: dict[int, Hidden] = {}
    last_kept: dict[int | None, Call] = {}
    for call in trace.calls:
        if call.id in kept:
            last_kept[call.parent] = kept[call.id]
        elif call.parent is None or call.parent in kept:
            sibling = last_kept.get(call.parent)
            repeats = sibling is not None and sibling.folded and sibling.folded.repeats > 1
            host = sibling.id if repeats and sibling else call.parent
            if host is not None:
                entry = hidden_at.setdefault(host, Hidden([], []))
                (entry.beside if repeats else entry.inside).append(call)
    return hidden_at


def sizes(trace: Trace) -> dict[int, int]:
    """How many calls each call stands for: itself and all inside it."""
    counts = {call.id: 1 for call in trace.calls}
    for call in reversed(trace.calls):
        if call.parent is not None:
            counts[call.parent] += counts[call.id]
    return counts


# -- how it is done --------------------------------------------------------------------------


class _Folding:
    """The folding of one trace: decides top down which calls stay and what each stands for."""

    def __init__(self, trace: Trace, keep: AbstractSet[int]) -> None:
        self.trace = trace
        self.tight = False
        self.path = _never_hidden(trace, keep)
        self.sizes = sizes(trace)
        self.folded: dict[int, Folded] = {}
        self.kept: set[int] = set()
        self.shown: set[int] = set()
        self.alike: dict[int, int] = {}
        self.same_inside: dict[int, int] = {}
        self._number()

    def result(self, tight: bool = False) -> Trace:
        """The folded trace.

        Args:
            tight: whether siblings are also folded that came earlier, further up.
        """
        self.tight = tight
        self.folded, self.kept, self.shown = {}, set(), set()
        stack = self._beside(self.trace.roots)[::-1]
        while stack:  # in the order in which a reader meets the calls
            stack += self._beside(self._inside(stack.pop()))[::-1]
        kept = [call for call in self.trace.calls if call.id in self.kept]
        return _keep(self.trace, kept, self.folded)

    def _number(self) -> None:
        """Give calls equal numbers if they and all inside them are alike.

        Alike are calls of one function, on layers of one class, ended by the same type of
        error or none. Names of layers and shapes do not count: Keras numbers the ones, and the
        others change from block to block. Same inside are calls that ran the same functions,
        whatever the classes were.
        """
        numbers: dict[Hashable, int] = {}
        names = {call.id: call.name for call in self.trace.calls}
        inner: dict[int, tuple[list[int], list[int]]] = {}
        nothing: tuple[list[int], list[int]] = ([], [])
        for call in reversed(self.trace.calls):
            id_, parent = call.id, call.parent
            alike, same = inner.pop(id_, nothing)
            error = call.error.type if call.error else None
            class_name = call.layer.class_name if call.layer else None
            # A call of the failing path is like no other.
            name = id_ if id_ in self.path else call.name
            same_number = numbers.setdefault((name, error, *same), len(numbers))
            number = numbers.setdefault((name, error, class_name, "", *alike), len(numbers))
            self.same_inside[id_], self.alike[id_] = same_number, number
            if parent is not None and not _recurses(call, names[parent]):
                if parent in inner:
                    lists = inner[parent]
                else:
                    lists = inner[parent] = ([], [])
                lists[0].append(number)
                lists[1].append(same_number)

    def _beside(self, calls: list[Call]) -> list[Call]:
        """Those of these siblings that stay."""
        tokens = [self._token(call) for call in calls]
        stay: list[Call] = []
        position = 0
        for start, end in find_stretches(tokens) if self.tight else []:
            stay += self._piece(calls[position : start - 1], tokens[position : start - 1])
            stay.append(calls[start - 1])
            self._mark(calls[start - 1], end - start + 1, calls[start:end])
            position = end
        stay += self._piece(calls[position:], tokens[position:])
        self.kept.update(call.id for call in stay)
        return stay

    def _piece(self, calls: list[Call], tokens: list[Hashable]) -> list[Call]:
        """Those of these siblings that stay when runs of alike blocks are folded."""
        stay: list[Call] = []
        position = 0
        for repeat in find_repeats(tokens):
            stay += calls[position : repeat.start]
            # The last of the block carries the mark; what repeats inside the block is folded too.
            first, last = repeat.start, repeat.start + repeat.length - 1
            stay += self._piece(calls[first:last], tokens[first:last])
            stay.append(calls[last])
            self._mark(calls[last], repeat.repeats, calls[last + 1 : repeat.end])
            position = repeat.end
        return stay + calls[position:]

    def _mark(self, call: Call, repeats: int, gone: list[Call]) -> None:
        """Write on `call` that these siblings after it are hidden."""
        number = sum(self.sizes[c.id] for c in gone)
        self.folded[call.id] = Folded(reason="repeat", repeats=repeats, calls=number)

    def _token(self, call: Call) -> Hashable:
        """Equal for siblings that may be folded into one."""
        if call.step == "weight" and call.layer is None and call.id not in self.path:
            return call.name  # which initializer fills a variable is no difference worth a line
        return self.alike[call.id]

    def _inside(self, call: Call) -> list[Call]:
        """The calls inside `call` that are still to be looked at."""
        calls = self.trace.children(call)
        number = self.same_inside[call.id]
        if number in self.shown and call.id not in self.path:
            self._hide(call, calls, "repeat")
            return []
        self.shown.add(number)
        deeper = [c for c in calls if _recurses(c, call.name) and c.id not in self.path]
        if not deeper:
            return calls
        self._hide(call, deeper, "recursion")
        gone = {c.id for c in deeper}
        return [c for c in calls if c.id not in gone]

    def _hide(self, call: Call, inner: list[Call], reason: str) -> None:
        gone = sum(self.sizes[c.id] for c in inner)
        if gone:
            old = self.folded.get(call.id) or Folded(reason=reason)  # type: ignore[arg-type]
            self.folded[call.id] = replace(old, calls=old.calls + gone)


def _recurses(call: Call, parent: str) -> bool:
    """Whether a mapper calls itself: a layer inside a layer runs one function too, and is none."""
    return call.step == "graph" and call.name == parent


def _readable_depth(trace: Trace) -> int:
    """The most levels that keep the number of calls readable; one at least."""
    depths = Counter(depth for depth, _ in trace.walk())
    total = 0
    for depth in sorted(depths):
        total += depths[depth]
        if total > TOO_MANY:
            return max(depth, 1)
    return len(depths)


def _limit_width(trace: Trace, keep: AbstractSet[int]) -> Trace:
    """Hide the middle of long lists of siblings, but for the calls that are to be kept.

    The call before a gap stands for it, for the reason "depth": they need not be like it.
    """
    path = _never_hidden(trace, keep)
    gone: set[int] = set()
    folded: dict[int, Folded] = {}
    below = sizes(trace)
    for calls in [trace.roots, *(trace.children(call) for call in trace.calls)]:
        for start, end in _gaps(calls, path) if len(calls) > WIDEST else []:
            hidden_before = sum(call.folded.calls for call in calls[start:end] if call.folded)
            number = sum(below[call.id] for call in calls[start:end]) + hidden_before
            last = calls[start - 1].id
            folded[last] = Folded(reason="depth", repeats=end - start + 1, calls=number)
            gone.update(call.id for call in calls[start:end])
    kept = []
    for call in trace.calls:
        if call.id in gone or call.parent in gone:
            gone.add(call.id)
        else:
            kept.append(call)
    return _keep(trace, kept, {id_: mark for id_, mark in folded.items() if id_ not in gone})


def _gaps(calls: list[Call], path: frozenset[int]) -> Iterator[tuple[int, int]]:
    """What to hide of many siblings: (start, end) of the stretches in their middle."""
    start, last = WIDEST - LAST, len(calls) - LAST
    while start and calls[start - 1].folded:
        start -= 1  # a call says one thing
    while 0 < start < last:
        end = start
        while end < last and calls[end].id not in path:
            end += 1
        if end - start > 1 and not calls[start - 1].folded:
            yield start, end
        start = end + 1


def _keep(trace: Trace, calls: Iterable[Call], folded: dict[int, Folded]) -> Trace:
    """`trace` with these calls only, which say what was hidden at them."""
    marked = []
    for call in calls:
        mark = folded.get(call.id)
        if mark is not None and call.folded is not None:
            mark = replace(call.folded, calls=call.folded.calls + mark.calls)
        marked.append(replace(call, folded=mark) if mark is not None else call)
    return replace(trace, calls=tuple(marked))


def _layers_of(trace: Trace, models: set[int]) -> set[int]:
    """The ids of these models, of their layers, and of those of models in them."""
    graphs = trace.index.graph_by_model
    owner = {weight.id: weight.layer for weight in trace.weights}
    saved: dict[int | None, list[int]] = {}
    for one in trace.saved.layers if trace.saved else ():
        saved.setdefault(one.within, []).append(one.id)
    waiting = list(models)
    inside: set[int] = set()
    while waiting:
        layer = waiting.pop()
        if layer in inside:
            continue
        inside.add(layer)
        waiting += saved.get(layer, ())
        if graph := graphs.get(layer):
            waiting += [node.layer for node in graph.nodes if node.layer is not None]
            owners = (owner.get(weight) for weight in graph.weights)
            waiting += [layer for layer in owners if layer is not None]
    return inside
