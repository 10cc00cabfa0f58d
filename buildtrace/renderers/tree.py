"""The call tree: what called what while the model was built."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, NamedTuple

from buildtrace import transforms
from buildtrace.renderers import format as fmt
from buildtrace.renderers import styles, summary
from buildtrace.renderers.lines import Line, Lines, Part, spread, width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.options import Options
    from buildtrace.trace import Call, SourceLine, Trace

WIDE = 100
"""From this width on there is room for a column with the source line."""

SOURCE_WIDTH = 24


class Detail(NamedTuple):
    """Something to say about a call; what has the highest rank is left out first."""

    rank: int
    parts: Line


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
            yield from self._beside(root)
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
                yield [Part(place.prefix + self._corner(place), styles.QUIET), *item]
                continue
            inner = self._prefix(place)
            children = self._children(item)
            yield self._line(item, parent, place)
            if self.explain:
                yield from self._explanation(item, inner, bool(children))
            for number, child in enumerate(reversed(children)):
                stack.append((child, item, Place(inner, number == 0, place.level + 1)))

    def _children(self, call: Call) -> list[Call | Line]:
        """What stands below a call: the calls that are left, and lines on those that are not."""
        found: list[Call | Line] = []
        for child in self.shown.children(call):
            found.append(child)
            found += self._beside(child)
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
            left += [Part("  "), *detail.parts]
        return spread(left, right, self.width)

    def _right(self, call: Call) -> Line:
        """The columns at the right: time, and the line in Keras if there is room."""
        time = Part(f"{fmt.duration(call.duration_ns):>8}", styles.QUIET)
        if self.width < WIDE:
            return [time]
        source = fmt.place(call.file, call.line)[-SOURCE_WIDTH:]
        pad = Part("  " + " " * (SOURCE_WIDTH - len(source)))
        return [time, pad, Part(source, styles.QUIET, fmt.link(call.file, call.line))]

    def _details(self, call: Call, parent: Call | None) -> Iterator[Detail]:
        if call.layer and (parent is None or parent.layer != call.layer):
            yield Detail(0, [Part(fmt.clean(call.layer.name), styles.NAME)])
            yield Detail(5, [Part(fmt.layer(call.layer), styles.QUIET)])
        flow = fmt.flow(call.inputs, call.outputs)
        if flow and not (parent and _same_flow(call, parent)):
            yield Detail(1, [Part(flow)])
        if call.error:
            yield Detail(0, [self._error(call)])
        for attribute, (before, after) in call.changes.items():
            text = f"{fmt.clean(attribute)}: {before} → {after}"
            yield Detail(2, [Part(text, styles.CHANGE)])
        for weight in self.trace.weights_made_by(call):
            yield Detail(0, [Part(fmt.clean(weight.name), styles.NAME)])
            yield Detail(1, [Part(fmt.shape(weight.shape))])
            yield Detail(2, [Part(f"{weight.parameters:,}")])
            yield Detail(6, [Part(fmt.clean(weight.dtype), styles.QUIET)])
            if weight.initializer:
                yield Detail(3, [Part(fmt.clean(weight.initializer), styles.QUIET)])
            if not weight.trainable:
                yield Detail(4, [Part("not trainable", styles.QUIET)])
        if inside := self._inside(call):
            yield Detail(2, [Part(inside, styles.NOTE)])
        if call.caller and parent and parent.caller != call.caller:
            address = fmt.link(call.caller.file, call.caller.line)
            yield Detail(4, [Part(f"from {fmt.user_line(call.caller)}", styles.QUIET, address)])
        if parent is None and call.thread:
            yield Detail(3, [Part(f"thread {call.thread}", styles.QUIET)])

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
            text = f"The article: {fmt.clean_long(row.article)}"
            yield from wrapped(text, width, guide, guide, styles.SWALLOWED)

    def _caller(self, caller: SourceLine) -> Line:
        address = fmt.link(caller.file, caller.line)
        code = linecache.getline(caller.file, caller.line).strip()
        return spread(
            [Part(fmt.user_line(caller), styles.HEADING, address), Part(f"  {fmt.clean(code)}")],
            [],
            self.width,
        )

    # -- what is not there ----------------------------------------------------------------------

    def _inside(self, call: Call) -> str:
        """What a call whose inside is hidden says of it."""
        if call.folded is None or call.id not in self.hidden or not self.hidden[call.id].inside:
            return ""
        if call.folded.reason == "recursion":
            return ""
        inside = self.hidden[call.id].inside
        calls = sum(self.sizes[c.id] for c in inside)
        parts = [f"+{fmt.count(calls, 'call')}"]
        if made := sum(self.parameters[c.id] for c in inside):
            parts.append(fmt.count(made, "parameter"))
        return ", ".join(parts)

    def _beside(self, call: Call) -> list[Line]:
        """The line that says how many like this call follow."""
        if call.folded is None or call.folded.repeats < 2 or call.id not in self.hidden:
            return []
        beside = self.hidden[call.id].beside
        blocks = call.folded.repeats - 1
        length = len(beside) // blocks
        like = "it" if length == 1 else f"these {length}"
        text = f"… and {blocks:,} more like {like}"
        names = [fmt.clean(c.layer.name) for c in (beside[0], beside[-1]) if c.layer]
        if len(names) == 2:
            text += f": {names[0]}" + (f" to {names[1]}" if names[1] != names[0] else "")
        calls = sum(self.sizes[c.id] for c in beside)
        note = fmt.count(calls, "call")
        if made := sum(self.parameters[c.id] for c in beside):
            note += f", {fmt.count(made, 'parameter')}"
        return [[Part(text, styles.NOTE), Part(f"  ({note})", styles.QUIET)]]


def _fitting(details: Iterator[Detail], room: int) -> list[Detail]:
    """As many details as there is room for."""
    found = list(details)
    needed = sum(width_of(detail.parts) + 2 for detail in found)
    while needed > room:
        worst = max(found, key=lambda detail: detail.rank)
        if worst.rank == 0:
            break
        found.remove(worst)
        needed -= width_of(worst.parts) + 2
    return found


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
