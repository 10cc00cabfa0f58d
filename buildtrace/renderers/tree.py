"""The call tree: what called what while the model was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace import transforms
from buildtrace.renderers import format as fmt
from buildtrace.renderers import styles, summary
from buildtrace.renderers.lines import Line, Lines, Part, cut, shorten, spread, width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.options import Options
    from buildtrace.trace import Call, Folded, LayerRef, SourceLine, Trace

WIDE = 110
"""From this width on there is room for a column with the source line."""

SOURCE_WIDTH = 24

GAP = 2
"""Spaces between two details."""


class Detail(NamedTuple):
    """Something to say about a call.

    Attributes:
        rank: details of the highest rank are left out first.
        parts: the text.
        gap: spaces before it.
        least: to how many columns it may be cut; 0 if not at all.
        short: what to say instead where the text does not fit.
    """

    rank: int
    parts: Line
    gap: int = GAP
    least: int = 0
    short: Line | None = None


class Place(NamedTuple):
    """Where a line of the tree stands.

    Attributes:
        prefix: the guides of the levels above.
        last: whether nothing of the same level follows.
        level: how deep.
    """

    prefix: str
    last: bool
    level: int


def render(trace: Trace, options: Options) -> Lines:
    """The tree with a header, and a footer that says what was folded."""
    trace = summary.subject(trace, options)
    shown = trace
    if not options.full:
        shown = transforms.fold(trace, options.depth)
    elif options.depth is not None:
        shown = transforms.limit_depth(trace, options.depth)
    return Lines(lambda width: _Tree(trace, shown, options, width).lines())


class _Tree:
    """The lines of one tree."""

    def __init__(self, trace: Trace, shown: Trace, options: Options, width: int) -> None:
        self.trace = trace
        self.shown = shown
        self.width = width
        self.explain = options.explain
        self.explained: set[tuple[str, str]] = set()
        self.path = transforms.failing_path(trace)
        self.hidden = transforms.hidden(trace, shown) if shown is not trace else {}
        self.parameters = _parameters_inside(trace) if self.hidden else {}
        self.told_inside = _told_inside(shown)
        self.sizes = transforms.sizes(trace) if self.hidden else {}
        wide = width >= WIDE
        self.guides = ("├─ ", "└─ ", "│  ", "   ") if wide else ("├ ", "└ ", "│ ", "  ")

    def lines(self) -> Iterator[Line]:
        """All of it, from the header to the footer."""
        yield from summary.header(self.trace, self.width)
        caller: SourceLine | None = None
        roots = self.shown.roots
        for number, root in enumerate(roots):
            if number == 0 or root.caller != caller:
                caller = root.caller
                yield []
                if caller:
                    yield self._caller(caller)
            yield from self._branch(root)
            yield from self._beside(root, Place("", True, 0))
        if self.trace.calls:
            yield []
            yield summary.totals(self.trace)
        yield from summary.folded(self.trace, self.shown, self.width)
        yield from summary.failure(self.trace, self.width)

    def _branch(self, root: Call) -> Iterator[Line]:
        """A root and all inside it. Not recursive: a chain of calls may be very deep."""
        stack: list[tuple[Call | Line, Call | None, Place]] = [(root, None, Place("", True, 0))]
        while stack:
            item, parent, place = stack.pop()
            if isinstance(item, list):
                guide = Part(place.prefix + self._corner(place), styles.QUIET)
                yield cut([guide, *item], self.width)
                continue
            inner = self._prefix(place)
            children = self._children(item, Place(inner, True, place.level + 1))
            yield self._line(item, parent, place)
            if self.explain:
                yield from self._explanation(item, inner, bool(children))
            for number, child in enumerate(reversed(children)):
                stack.append((child, item, Place(inner, number == 0, place.level + 1)))

    def _children(self, call: Call, place: Place) -> list[Call | Line]:
        """What stands below a call: the calls that are left, and lines on those that are not."""
        found: list[Call | Line] = []
        for child in self.shown.children(call):
            found.append(child)
            found += self._beside(child, place)
        if call.folded and call.folded.reason == "recursion" and call.id in self.hidden:
            inside = sum(self.sizes[c.id] for c in self.hidden[call.id].inside)
            name = fmt.clean(call.name)
            found.append([Part(f"… {name} inside itself, {inside:,} more", styles.NOTE)])
        return found

    def _prefix(self, place: Place) -> str:
        """The guides in front of what is inside a call; they end where half the screen is full."""
        if place.level == 0:
            return ""
        longer = place.prefix + self.guides[3 if place.last else 2]
        return longer if len(longer) <= self.width // 2 - 4 else place.prefix

    def _corner(self, place: Place) -> str:
        if place.level == 0:
            return ""
        corner = self.guides[1 if place.last else 0]
        deepest = len(place.prefix) + 2 * len(corner) > self.width // 2 - 4
        return f"{corner}[{place.level}] " if deepest else corner

    # -- one call -----------------------------------------------------------------------------

    def _line(self, call: Call, parent: Call | None, place: Place) -> Line:
        failing = call.id in self.path
        guide = Part(place.prefix + self._corner(place), styles.QUIET)
        style = styles.ERROR if failing else styles.STEP[call.step]
        name = Part(fmt.clean(call.name), style, fmt.link(call.file, call.line))
        left = [guide, Part("✗ ", styles.ERROR), name] if failing else [guide, name]
        right = self._right(call)
        room = self.width - width_of(left) - width_of(right) - 2
        for detail in _fitting(self._details(call, parent), room):
            left += [Part(" " * detail.gap), *detail.parts]
        return spread(left, right, self.width)

    def _right(self, call: Call) -> Line:
        """The columns at the right: time, and the line in Keras if there is room."""
        time = Part(f"{fmt.duration(call.duration_ns):>8}", styles.QUIET)
        if self.width < WIDE:
            return [time]
        source = fmt.place(call.file, call.line)
        if len(source) > SOURCE_WIDTH:
            source = "…" + source[1 - SOURCE_WIDTH :]
        pad = Part("  " + " " * (SOURCE_WIDTH - len(source)))
        return [time, pad, Part(source, styles.QUIET, fmt.link(call.file, call.line))]

    def _details(self, call: Call, parent: Call | None) -> Iterator[Detail]:
        layer = call.layer or self._layer_inside(call)
        if layer and (parent is None or parent.layer != layer):
            name = shorten(fmt.clean(layer.name), max(self.width // 4, 20))
            if name:
                yield Detail(0, [Part(name, styles.NAME)])
            yield Detail(5, [Part(shorten(fmt.layer(layer), 32), styles.QUIET)], gap=1)
        if not (parent and _same_flow(call, parent)):
            if call.inputs:
                yield Detail(2, [Part(fmt.tensors(call.inputs))])
            if call.outputs:
                yield Detail(1, [Part(f"→ {fmt.tensors(call.outputs)}")], gap=1)
        if call.error:
            yield Detail(0, [self._error(call)])
        for attribute, (before, after) in call.changes.items():
            if (call.id, attribute) in self.told_inside:
                continue
            text = f"{fmt.clean(attribute)}: {before} → {after}"
            short = f"→ {'' if after else 'not '}{fmt.clean(attribute)}"
            yield Detail(2, [Part(text, styles.CHANGE)], short=[Part(short, styles.CHANGE)])
        for weight in self.trace.weights_made_by(call):
            yield Detail(0, [Part(fmt.clean(weight.name), styles.NAME)])
            yield Detail(1, [Part(fmt.shape(weight.shape))], gap=1)
            yield Detail(1, [Part(f"{weight.parameters:,}")])
            if self.width >= WIDE or weight.dtype != fmt.USUAL_DTYPE:
                yield Detail(3, [Part(fmt.clean(weight.dtype), styles.QUIET)])
            if weight.initializer:
                yield Detail(2, [Part(fmt.clean(weight.initializer), styles.QUIET)], least=7)
            if not weight.trainable:
                yield Detail(4, [Part("not trainable", styles.QUIET)])
        yield from self._inside(call)
        if call.caller and parent and parent.caller != call.caller:
            address = fmt.link(call.caller.file, call.caller.line)
            yield Detail(4, [Part(f"from {fmt.user_line(call.caller)}", styles.QUIET, address)])
        if parent is None and call.thread:
            yield Detail(3, [Part(f"thread {call.thread}", styles.QUIET)])

    def _layer_inside(self, call: Call) -> LayerRef | None:
        """The layer that a call without one made, where the call that says so is hidden."""
        inside = self.hidden[call.id].inside if call.id in self.hidden else []
        return inside[0].layer if inside and call.step == "input" else None

    def _error(self, call: Call) -> Part:
        error = call.error
        assert error is not None
        if call.id in self.path and self.trace.failed != call:
            return Part(error.type, styles.ERROR)
        text = fmt.clean(f"{error.type}: {error.message}")
        if call.id in self.path or not error.swallowed:
            return Part(text, styles.ERROR)
        return Part(f"swallowed: {text}", styles.SWALLOWED)

    def _explanation(self, call: Call, prefix: str, children: bool) -> Iterator[Line]:
        """What the landmark does, the first time it is seen."""
        row = self.trace.landmark(call)
        if row is None or (row.generation, row.name) in self.explained:
            return
        self.explained.add((row.generation, row.name))
        guide = [Part(prefix + (self.guides[2] if children else self.guides[3]), styles.QUIET)]
        width = min(self.width, WIDE)
        yield from wrapped(fmt.clean_long(row.summary), width, guide, guide, styles.NOTE)
        if row.article:
            yield from wrapped(row.article, width, guide, guide, styles.SWALLOWED)

    def _caller(self, caller: SourceLine) -> Line:
        address = fmt.link(caller.file, caller.line)
        code = "".join(fmt.code_of(caller.file)[caller.line - 1 : caller.line]).strip()
        return spread(
            [Part(fmt.user_line(caller), styles.HEADING, address), Part(f"  {fmt.clean(code)}")],
            [],
            self.width,
        )

    # -- what is not there ----------------------------------------------------------------------

    def _inside(self, call: Call) -> Iterator[Detail]:
        """What a call whose inside is hidden says of it."""
        inside = self.hidden[call.id].inside if call.id in self.hidden else []
        if inside and call.folded and call.folded.reason != "recursion":
            calls = sum(self.sizes[c.id] for c in inside)
            yield Detail(4, [Part(f"+{fmt.count(calls, 'call')}", styles.NOTE)])
            if made := sum(self.parameters[c.id] for c in inside):
                yield Detail(3, [Part(fmt.count(made, "parameter"), styles.NOTE)])

    def _beside(self, call: Call, place: Place) -> list[Line]:
        """The line that says how many like this call follow."""
        beside = self.hidden[call.id].beside if call.id in self.hidden else []
        if not beside or call.folded is None:
            return []
        details = [Detail(0, [Part(_how_many(call, call.folded, beside), styles.NOTE)])]
        calls = sum(self.sizes[c.id] for c in beside)
        names = [fmt.clean(c.layer.name) for c in (beside[0], beside[-1]) if c.layer]
        if len(names) == 2:
            text = names[0] + (f" to {names[1]}" if names[1] != names[0] else "")
            details.append(Detail(1, [Part(f": {text}", styles.NOTE)], gap=0))
        details.append(Detail(2, [Part(fmt.count(calls, "call"), styles.QUIET)]))
        if made := sum(self.parameters[c.id] for c in beside):
            details.append(Detail(3, [Part(fmt.count(made, "parameter"), styles.QUIET)]))
        room = self.width - len(place.prefix) - len(self._corner(place))
        line: Line = []
        for detail in _fitting(iter(details), room):
            line += [Part(" " * (detail.gap if line else 0)), *detail.parts]
        return [line]


def _fitting(details: Iterator[Detail], room: int) -> list[Detail]:
    """As many details as there is room for, the most important ones first."""
    found = list(details)
    kept = set()
    for number in sorted(range(len(found)), key=lambda number: found[number].rank):
        rank, parts, gap, least, short = found[number]
        if least and room >= least + gap:
            found[number] = found[number]._replace(parts=cut(parts, room - gap))
        if short is not None and width_of(parts) + gap > room:
            found[number] = found[number]._replace(parts=short)
        needed = width_of(found[number].parts) + gap
        if needed <= room or rank == 0:
            kept.add(number)
            room -= needed
    return [detail for number, detail in enumerate(found) if number in kept]


def _how_many(call: Call, folded: Folded, beside: list[Call]) -> str:
    """How many siblings are hidden after `call`, and what they are like."""
    blocks = folded.repeats - 1
    length = len(beside) // blocks
    if folded.reason == "depth":
        return f"… and {len(beside):,} more"
    if length > 1:
        return f"… and {blocks:,} more like these {length}"
    return f"… and {blocks:,} more like {'it' if _alike(call, beside[0]) else 'those above'}"


def _alike(call: Call, other: Call) -> bool:
    names = [c.layer.class_name if c.layer else None for c in (call, other)]
    return call.name == other.name and names[0] == names[1]


def _same_flow(call: Call, parent: Call) -> bool:
    return (call.layer, call.inputs, call.outputs) == (parent.layer, parent.inputs, parent.outputs)


def _parameters_inside(trace: Trace) -> dict[int, int]:
    """How many parameters each call made, with all calls inside it."""
    found = dict.fromkeys((call.id for call in trace.calls), 0)
    for weight in trace.weights:
        if weight.call in found:
            found[weight.call] += weight.parameters
    for call in reversed(trace.calls):
        if call.parent is not None:
            found[call.parent] += found[call.id]
    return found


def _told_inside(shown: Trace) -> set[tuple[int, str]]:
    """The changes, by call and attribute, that a call inside is nearer to."""
    return {
        (call.parent, attribute)
        for call in shown.calls
        if call.changes and call.parent is not None
        for attribute in call.changes
        if shown.call(call.parent).layer == call.layer
    }
