"""The call tree: what called what while the model was built."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers import Options
from buildtrace.renderers.facts import CallFacts
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.lines import (
    Line,
    Lines,
    Part,
    cut,
    shorten,
    size,
    spread,
    width_of,
    wrapped,
)
from buildtrace.traces import folding, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.renderers.facts import FactKind, Term, TermKind
    from buildtrace.traces.schema import Call, Folded, LayerRef, SourceLine
    from buildtrace.traces.trace import Trace

WIDE = 110
"""From this width on there is room for a column with the source line."""

SOURCE_WIDTH = 24

GAP = 2
"""Spaces between two details."""


class Detail(NamedTuple):
    """Something to say about a call.

    Attributes:
        rank: details of the highest rank are left out first.
        part: the text.
        gap: spaces before it.
        least: to how many columns it may be cut; 0 if not at all.
        short: what to say instead where the text does not fit.
    """

    rank: int
    part: Part
    gap: int = GAP
    least: int = 0
    short: str = ""


class Look(NamedTuple):
    """How a kind of term looks in the tree; see `Detail`."""

    rank: int
    style: str = ""
    gap: int = GAP
    least: int = 0


LOOKS: dict[TermKind, Look] = {
    "layer": Look(0, styles.NAME),
    "class": Look(5, styles.QUIET, gap=1),
    "inputs": Look(2),
    "outputs": Look(1, gap=1),
    "error": Look(2, styles.ERROR, least=16),
    "change": Look(2, styles.CHANGE),
    "weight": Look(0, styles.NAME),
    "shape": Look(1, gap=1),
    "parameters": Look(1),
    "dtype": Look(3, styles.QUIET),
    "initializer": Look(2, styles.QUIET, least=7),
    "frozen": Look(4, styles.QUIET),
    "variable": Look(0, styles.NAME),
    "for": Look(2, gap=1),
    "loss": Look(0, styles.NAME),
    "logits": Look(2),
    "source": Look(1, styles.NAME),
    "fed": Look(3, gap=1),
    "caller": Look(4, styles.QUIET),
    "thread": Look(3, styles.QUIET),
}
"""The terms that the tree shows."""

AFTER_FOLDED: tuple[FactKind, ...] = ("caller", "thread")
"""What is said after what a call hides."""


class TreePosition(NamedTuple):
    """Where a line of the tree stands.

    Attributes:
        guide: what is drawn before it.
        inner: what is drawn before the lines inside it, their own corners left out.
        level: how deep.
    """

    guide: str
    inner: str
    level: int


TOP = TreePosition("", "", 0)

MARK, NO_MARK = "> ", "  "
"""What an excerpt has before a line that is meant, and before the others."""


def _folded(trace: Trace, options: Options) -> Trace:
    if not options.full:
        return folding.fold(trace, options.depth)
    return trace if options.depth is None else folding.limit_depth(trace, options.depth)


def render(trace: Trace, options: Options) -> Lines:
    """The tree with a header, and a footer that says what was folded."""
    return Lines(lambda width: Tree(trace, options, width).lines())


def excerpt(trace: Trace, shown: Trace, marks: AbstractSet[int] = frozenset()) -> Lines:
    """The tree alone, without times: for a message about some calls of it.

    Args:
        trace: what was recorded.
        shown: what a fold left of it.
        marks: ids of the calls that the message is about; their lines begin with a mark.
    """
    return Lines(lambda width: Tree(trace, Options(), width, shown, marks).branches())


class Tree:
    """One tree: its lines, or what there is to say at each place of it.

    Attributes:
        trace: all of what is to be shown.
        shown: what is left of it when repeats, recursion and depth are folded.
        facts: what its calls have to say.
        longest: so many columns a term of a kind may take.
    """

    def __init__(
        self,
        trace: Trace,
        options: Options,
        width: int,
        shown: Trace | None = None,
        marks: AbstractSet[int] | None = None,
    ) -> None:
        """Of a trace; `shown` is what a fold left of it, if that is not to be done here."""
        self.trace = trace = summary.subject(trace, options)
        self.shown = shown = shown or _folded(trace, options)
        self.width = width
        self.explain = options.explain
        self.longest: dict[TermKind, int] = {"layer": max(width // 4, 20), "class": 32}
        self.marks = marks
        self.top = TOP if marks is None else TreePosition(NO_MARK, NO_MARK, 0)
        self.explained: set[tuple[str, str]] = set()
        self.facts = CallFacts(trace, shown, going_on=marks is None)
        self.hidden = folding.hidden(trace, shown) if shown is not trace else {}
        self.parameters = _parameters_inside(trace) if self.hidden else {}
        self.sizes = folding.sizes(trace) if self.hidden else {}
        wide = width >= WIDE
        self.guides = ("├─ ", "└─ ", "│  ", "   ") if wide else ("├ ", "└ ", "│ ", "  ")

    def lines(self) -> Iterator[Line]:
        """All of it, from the header to the footer."""
        yield from summary.header(self.trace, self.width)
        yield from self.branches()
        if self.trace.calls:
            yield []
            yield summary.totals_line(self.trace)
            yield from summary.held_lines(self.trace)
        yield from summary.folded(self.trace, self.shown, self.width)

    def branches(self) -> Iterator[Line]:
        """The roots and all inside them, below the user's lines that led there."""
        caller: SourceLine | None = None
        for number, root in enumerate(self.shown.roots):
            if number == 0 or root.caller != caller:
                caller = root.caller
                yield []
                if caller:
                    yield [Part(self.top.guide), *self.caller(caller)]
            yield from self._branch(root)
            for line in self.hidden_after(root, size(self.top.guide)):
                yield [Part(self.top.guide), *line]

    def _branch(self, root: Call) -> Iterator[Line]:
        """A root and all inside it. Not recursive: a chain of calls may be very deep."""
        stack: list[tuple[Call | Line, Call | None, TreePosition]] = [(root, None, self.top)]
        while stack:
            item, parent, position = stack.pop()
            if isinstance(item, list):
                yield cut([Part(position.guide, styles.QUIET), *item], self.width)
                continue
            yield self._line(item, parent, position)
            children = self._children(item, position)
            if self.explain:
                yield from self._explanation(item, position, bool(children))
            if children:
                middle, last = self._inner_positions(position)
                stack.append((children[-1], item, last))
                stack += [(child, item, middle) for child in children[-2::-1]]

    def _children(self, call: Call, position: TreePosition) -> list[Call | Line]:
        """What stands below a call: the calls that are left, and lines on those that are not."""
        calls = self.shown.children(call)
        if not self.hidden:
            return [*calls]
        indent = size(self._inner_positions(position)[0].guide)
        items: list[Call | Line] = []
        rest = self._recursion(call)
        for child in calls:
            if rest and self.trace.call(child.id).parent != call.id:  # the last round stands here
                items, rest = [*items, *rest], []
            items.append(child)
            items += self.hidden_after(child, indent)
        return [*items, *rest]

    def _recursion(self, call: Call) -> list[Line]:
        """The line, if any, that stands for the calls in which this one called itself again."""
        if not call.folded or call.folded.reason != "recursion" or call.id not in self.hidden:
            return []
        name = wording.sanitize(self.hidden[call.id].inside[0].name)
        return [[Part(f"… {name} inside itself, {call.folded.calls:,} more", styles.NOTE)]]

    def _inner_positions(self, position: TreePosition) -> tuple[TreePosition, TreePosition]:
        """Where what is inside a call stands: all but the last of it, and the last.

        The guides end where half the screen is full; a number says the level from there on.
        """
        level = position.level + 1
        middle, last, line, blank = self.guides
        room = self.width // 2 - 4
        before = position.inner
        if len(before) + 2 * len(middle) > room:
            middle, last = f"{middle}[{level}] ", f"{last}[{level}] "
        if len(before) + len(line) > room:
            line = blank = ""
        return (
            TreePosition(before + middle, before + line, level),
            TreePosition(before + last, before + blank, level),
        )

    # -- one call -----------------------------------------------------------------------------

    def _line(self, call: Call, parent: Call | None, position: TreePosition) -> Line:
        guide = Part(position.guide, styles.QUIET)
        if self.marks and call.id in self.marks:
            guide = guide._replace(text=MARK + position.guide[len(MARK) :])
        left = [guide, *self.name(call, source_files.link(call.file, call.line))]
        right, right_width = self._right(call)
        used = width_of(left)
        room = self.width - used - right_width - 2
        for detail, width in _fitting([*self.details(call, parent)], room):
            left += [Part(" " * detail.gap), detail.part]
            used += detail.gap + width
        spare = self.width - used - right_width
        if spare < 2:
            return spread(left, right, self.width)
        return [*left, Part(" " * spare), *right]

    def name(self, call: Call, link: str = "") -> Line:
        """The function's name, marked if the call failed, and otherwise if that was caught."""
        name = wording.sanitize(call.name)
        if call.id in self.facts.failing:
            mark, style = styles.MARK["error"], styles.ERROR
        elif call.id in self.facts.caught:
            mark, style = styles.MARK["warning"], styles.SWALLOWED
        else:
            return [Part(name, styles.STEP[call.step], link)]
        return [Part(f"{mark} ", style), Part(name, style, link)]

    def _right(self, call: Call) -> tuple[Line, int]:
        """What stands at the right end of a call's line, and how wide it is."""
        if self.marks is not None:
            return [], 0
        time = Part(f"{wording.duration(call.duration_ns):>8}", styles.QUIET)
        # Every character of a time is one column wide.
        if self.width < WIDE:
            return [time], len(time.text)
        return [time, *_source(call.file, call.line)], len(time.text) + SOURCE_WIDTH + GAP

    def details(self, call: Call, parent: Call | None) -> Iterator[Detail]:
        """What there is to say of a call, `parent` being the one that it is shown in."""
        inside: Iterable[Detail] = self._inside(call)
        for fact in self.facts.of(call, parent, self._layer_inside(call)):
            if fact.repeated:
                continue
            if fact.kind in AFTER_FOLDED:
                yield from inside
                inside = ()
            for term in fact.terms:
                look = LOOKS.get(term.kind)
                if look and term.text and not self._is_usual(term):
                    text = term.lead + term.text
                    if term.kind in self.longest:
                        text = shorten(text, self.longest[term.kind])
                    style = styles.SWALLOWED if fact.caught else look.style
                    part = Part(text, style, term.link)
                    yield Detail(look.rank, part, look.gap, look.least, term.short)
        yield from inside

    def _is_usual(self, term: Term) -> bool:
        """Whether a term goes without saying where there is little room."""
        return term.kind == "dtype" and term.text == wording.USUAL_DTYPE and self.width < WIDE

    def _layer_inside(self, call: Call) -> LayerRef | None:
        """The layer that a call without one made, where the call that says so is hidden."""
        inside = self.hidden[call.id].inside if call.id in self.hidden else []
        return inside[0].layer if inside and call.step == "input" else None

    def _explanation(self, call: Call, position: TreePosition, children: bool) -> Iterator[Line]:
        """What the landmark does, the first time it is seen."""
        row = self.trace.landmark(call)
        if row is None or (row.generation, row.name) in self.explained:
            return
        self.explained.add((row.generation, row.name))
        guide = [Part(position.inner + self.guides[2 if children else 3], styles.QUIET)]
        width = min(self.width, WIDE)
        yield from wrapped(wording.sanitize_long(row.summary), width, guide, guide, styles.NOTE)
        if row.article:
            yield from wrapped(row.article, width, guide, guide, styles.SWALLOWED)

    def caller(self, caller: SourceLine) -> Line:
        """The heading of the calls that the user's line led to."""
        address = source_files.link(caller.file, caller.line)
        code = self.trace.index.source_code.line(caller)
        line = [
            Part(wording.line(caller), styles.HEADING, address),
            Part(f"  {wording.sanitize(code)}"),
        ]
        return cut(line, self.width - size(self.top.guide))

    # -- what is not there ----------------------------------------------------------------------

    def _inside(self, call: Call) -> Iterator[Detail]:
        """What a call whose inside is hidden says of it."""
        inside = self.hidden[call.id].inside if call.id in self.hidden else []
        if inside and call.folded and call.folded.reason != "recursion":
            calls = sum(self.sizes[c.id] for c in inside)
            yield Detail(4, Part(f"+{wording.count(calls, 'call')}", styles.NOTE))
            if parameters := sum(self.parameters.get(c.id, 0) for c in inside):
                yield Detail(3, Part(wording.count(parameters, "parameter"), styles.NOTE))

    def hidden_after(self, call: Call, indent: int) -> list[Line]:
        """The line that says how many like this call follow; its guide takes `indent` columns."""
        siblings = self.hidden[call.id].beside if call.id in self.hidden else []
        if not siblings or call.folded is None:
            return []
        details = [Detail(0, Part(_how_many(call, call.folded, siblings), styles.NOTE))]
        calls = sum(self.sizes[c.id] for c in siblings)
        names = [call.layer.name for call in siblings if call.layer]
        if siblings[0].layer and siblings[-1].layer:
            details.append(Detail(1, Part(f": {wording.span(names)}", styles.NOTE), gap=0))
        details.append(Detail(2, Part(wording.count(calls, "call"), styles.QUIET)))
        if parameters := sum(self.parameters.get(c.id, 0) for c in siblings):
            details.append(Detail(3, Part(wording.count(parameters, "parameter"), styles.QUIET)))
        line: Line = []
        for detail, _ in _fitting(details, self.width - indent):
            line += [Part(" " * (detail.gap if line else 0)), detail.part]
        return [line]


def _fitting(details: list[Detail], room: int) -> list[tuple[Detail, int]]:
    """As many details as there is room for, the most important ones first, with their widths."""
    fitting = [(detail, size(detail.part.text)) for detail in details]
    if sum(detail.gap + width for detail, width in fitting) <= room:
        return fitting
    kept = set()
    for number in sorted(range(len(fitting)), key=lambda number: details[number].rank):
        detail, width = fitting[number]
        text = detail.part.text
        if detail.least and room >= detail.least + detail.gap:
            text = shorten(text, room - detail.gap)
        elif detail.short and width + detail.gap > room:
            text = detail.short
        detail, width = detail._replace(part=detail.part._replace(text=text)), size(text)
        if width + detail.gap <= room or detail.rank == 0:
            fitting[number] = detail, width
            kept.add(number)
            room -= width + detail.gap
    return [pair for number, pair in enumerate(fitting) if number in kept]


@lru_cache(maxsize=4096)
def _source(file: str, line: int) -> Line:
    """The column with the line in Keras."""
    source = wording.location(file, line)
    if len(source) > SOURCE_WIDTH:
        source = "…" + source[1 - SOURCE_WIDTH :]
    pad = Part(" " * (GAP + SOURCE_WIDTH - len(source)))
    return [pad, Part(source, styles.QUIET, source_files.link(file, line))]


def _how_many(call: Call, folded: Folded, siblings: list[Call]) -> str:
    """How many siblings are hidden after `call`, and what they are like."""
    blocks = folded.repeats - 1
    length = len(siblings) // blocks
    if folded.reason == "depth":
        return f"… and {len(siblings):,} more"
    if length > 1:
        return f"… and {blocks:,} more like these {length}"
    return f"… and {blocks:,} more like {'it' if _alike(call, siblings[0]) else 'those above'}"


def _alike(call: Call, other: Call) -> bool:
    names = [c.layer.class_name if c.layer else None for c in (call, other)]
    return call.name == other.name and names[0] == names[1]


def _parameters_inside(trace: Trace) -> dict[int, int]:
    """How many parameters the calls made that made any, with all calls inside each."""
    parameters: dict[int, int] = {}
    for weight in trace.weights:
        if weight.call is not None:
            parameters[weight.call] = parameters.get(weight.call, 0) + weight.parameters
    for call in reversed(trace.calls):
        if call.parent is not None and call.id in parameters:
            parameters[call.parent] = parameters.get(call.parent, 0) + parameters[call.id]
    return parameters
