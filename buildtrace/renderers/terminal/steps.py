"""The build as a story, in the article's three steps: the input, the layers, the graph.

What training needs besides, and what a saved file gives, comes after them.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from buildtrace.renderers.beats import LIMITS, Beat, Phrase, beats
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.terminal.story import Story, kind, stories
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.lines import Line, Lines, Part, flowing, wrapped
from buildtrace.traces import wording
from buildtrace.traces.gaps import gaps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.beats import PhraseKind
    from buildtrace.traces.schema import Call, Graph
    from buildtrace.traces.trace import Trace

TITLES = {
    1: "The input",
    2: "The layers are connected and built",
    3: "The graph",
    4: "What training needs: the loss, the metrics, the optimizer",
    5: "What the file gives: the config, and the values of the weights",
}

MARGIN = [Part("   ")]
ITEM = len("123  ")
"""The numbers of the layers' calls take so many columns."""

WIDEST = 100
"""Sentences in longer lines are hard to read."""

LOOKS: dict[PhraseKind, str] = {
    "layer": styles.NAME,
    "class": styles.QUIET,
    "shape": styles.WHOLE,
    "number": styles.WHOLE,
    "weight": styles.NAME,
    "error": styles.ERROR,
}
"""The styles of what sentences name; a function has that of its step."""

_BREAKS = {"shape": re.compile(r"(?<=\),) "), "error": re.compile(" ")}
"""Where a line may end inside of what is named; elsewhere it may not."""


def render(trace: Trace, options: Options) -> Lines:
    """A story for each model, and one for the layers that belong to none."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _Telling(trace, options, min(width, WIDEST)).lines())


class _Telling:
    """Tells all stories of a trace."""

    def __init__(self, trace: Trace, options: Options, width: int) -> None:
        self.trace = trace
        self.options = options
        self.width = width
        self.explained: set[tuple[str, str]] = set()

    def lines(self) -> Iterator[Line]:
        yield from summary.header(self.trace, self.width)
        for story in stories(self.trace, self.options.full):
            yield []
            if isinstance(story, Story):
                yield from self._story(story)
            else:
                yield from wrapped(story.text, self.width, [], [], styles.NOTE)

    def _story(self, story: Story) -> Iterator[Line]:
        yield from flowing(_title(story.graph), self.width, [], MARGIN)
        told = beats(story.trace, story.graph, full=self.options.full)
        parts = {
            1: [*_beginning(story), *self._paragraphs(told, 1)],
            2: list(_items(told)),
            3: [*_no_graph(story.graph), *self._paragraphs(told, 3), *_end(story.graph, told)],
            4: list(self._paragraphs(told, 4)),
            5: list(self._paragraphs(told, 5)),
        }
        for number, paragraphs in parts.items():
            yield from self._step(number, paragraphs, story.count(number))

    def _step(
        self, number: int, paragraphs: list[Line], ran: dict[tuple[str, str], list[Call]]
    ) -> Iterator[Line]:
        if not paragraphs and not ran:
            return
        if number > 1:
            yield []
        yield [Part(f"{number}. {TITLES[number]}", styles.HEADING)]
        for paragraph in paragraphs:
            # A list item hangs below its own beginning.
            item = paragraph[0].style == styles.QUIET
            first = [*MARGIN, paragraph[0]] if item else MARGIN
            rest = [*MARGIN, Part(" " * ITEM)] if item else MARGIN
            yield from flowing(paragraph[1:] if item else paragraph, self.width, first, rest)
        yield from self._landmarks(ran)

    def _paragraphs(self, told: Iterable[Beat], part: int) -> Iterator[Line]:
        """The beats of a step, one a paragraph; what comes again, as of many inputs, is folded."""
        of_part = [beat for beat in told if beat.part == part]
        start = 0
        for gap in [] if self.options.full else gaps([_form(beat) for beat in of_part], LIMITS):
            yield from (_flow([beat]) for beat in of_part[start : gap.start])
            yield [Part(gap.text, styles.NOTE)]
            start = gap.end
        yield from (_flow([beat]) for beat in of_part[start:])

    def _landmarks(self, ran: dict[tuple[str, str], list[Call]]) -> Iterator[Line]:
        """Which landmarks did this; each explained, if that is asked for, the first time."""
        if not ran:
            return
        line: Line = []
        for calls in ran.values():
            times = f" ×{len(calls):,}" if len(calls) > 1 else ""  # noqa: RUF001
            name = Part(
                wording.sanitize(calls[0].landmark), styles.STEP[calls[0].step], _link(calls[0])
            )
            line += [Part(", ") if line else Part("Ran: "), name, Part(times, styles.WHOLE)]
        yield from flowing(line, self.width, MARGIN, [*MARGIN, Part("     ")])
        if not self.options.explain:
            return
        for key, calls in ran.items():
            row = self.trace.landmark(calls[0])
            if row is None or key in self.explained:
                continue
            self.explained.add(key)
            first = [*MARGIN, Part("· ", styles.QUIET)]
            rest = [*MARGIN, Part("  ")]
            name = Part(wording.sanitize(row.name), styles.STEP[row.step], _link(calls[0]))
            summary_line = [name, Part(f": {wording.sanitize_long(row.summary)}")]
            yield from flowing(summary_line, self.width, first, rest)
            if row.article:
                yield from wrapped(row.article, self.width, rest, rest, styles.SWALLOWED)


# -- sentences ------------------------------------------------------------------------------


def _title(graph: Graph | None) -> Line:
    """The model by its name and class, and what kind of model it is."""
    if graph is None:
        return [Part("Outside of any model", styles.HEADING)]
    name = Part(wording.layer_title(graph.model), styles.HEADING)
    return [name, Part(f": {kind(graph)}")]


def _beginning(story: Story) -> Iterator[Line]:
    """Which call the story begins with, and where in the user's code."""
    for first in story.trace.roots[:1]:
        line = [Part("It begins with "), _function(first, wording.sanitize(first.name))]
        if first.caller:
            address = source_files.link(first.caller.file, first.caller.line)
            line += [Part(", at "), Part(wording.line(first.caller), styles.NAME, address)]
        yield [*line, Part(".")]


def _items(told: Iterable[Beat]) -> Iterator[Line]:
    """The calls of layers, numbered: those that are told in few words count as well."""
    number = 0
    of_part = (beat for beat in told if beat.part == 2)
    for _, group in groupby(of_part, key=lambda beat: beat.unit):
        together = list(group)
        calls = together[0].calls
        number += calls or 1
        mark = " " * ITEM if calls else f"{number:>{ITEM - 2}}  "
        name, *rest = _flow(together)
        subject = together[0].subject
        if subject is not None and together[0].sentence[0].kind == "layer":
            rest = [Part(" "), Part(wording.layer_class(subject), styles.QUIET), *rest]
        yield [Part(mark, styles.QUIET), name, *rest]


def _flow(together: Iterable[Beat]) -> Line:
    """Sentences that follow each other; "It" is what the one before is about as well."""
    line: Line = []
    subject: Phrase | None = None
    for beat in together:
        first, *rest = beat.sentence
        again = first.kind == "layer" and first == subject
        subject = first
        line += [Part(" ")] if line else []
        line += [Part("It")] if again else _parts(beat, first)
        for phrase in rest:
            line += _parts(beat, phrase)
    return line


def _parts(beat: Beat, phrase: Phrase) -> Line:
    """What a phrase looks like."""
    if not phrase.kind:
        return [Part(phrase.text)]
    if phrase.kind == "function":
        return [_function(beat.call, phrase.text)]
    style = LOOKS[phrase.kind]
    line: Line = []
    for text in (
        _BREAKS[phrase.kind].split(phrase.text) if phrase.kind in _BREAKS else [phrase.text]
    ):
        line += [Part(" ")] if line else []
        line.append(Part(text, style))
    return line


def _form(beat: Beat) -> tuple[str, ...]:
    """Equal for sentences that differ in names and numbers only."""
    return tuple(phrase.kind or phrase.text for phrase in beat.sentence)


def _no_graph(graph: Graph | None) -> Iterator[Line]:
    if graph is not None and graph.source == "flow" and graph.edges:
        text = "Keras maps no graph of this model; its tensors show how its layers connect."
        yield [Part(text)]


def _end(graph: Graph | None, told: list[Beat]) -> Iterator[Line]:
    """That the model is not built, if no beat says so."""
    if graph is None or graph.built:
        return
    own = [beat.text for beat in told if beat.part == 3 and beat.subject == graph.model]
    if not any(" not built" in text for text in own):
        yield [Part(wording.sanitize(graph.model.name), styles.NAME), Part(" is not built.")]


def _function(call: Call, name: str) -> Part:
    return Part(name, styles.STEP[call.step], _link(call))


def _link(call: Call) -> str:
    return source_files.link(call.file, call.line)
