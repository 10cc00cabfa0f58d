"""The build as a story, in the article's three steps: the input, the layers, the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.terminal import summary
from buildtrace.renderers.terminal.story import LayerFacts, Story, stories
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.lines import Line, Lines, Part, flowing, wrapped
from buildtrace.traces import wording
from buildtrace.traces.gaps import Gap, Limits, gaps
from buildtrace.traces.totals import totals, totals_of_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Call, LayerRef, TensorSpec, Weight
    from buildtrace.traces.trace import Trace

MARGIN = [Part("   ")]
WIDEST = 100
"""Sentences in longer lines are hard to read."""

LIMITS = Limits(few=10, many=40, most=60)
"""How many layers are told one by one."""

MOST_WEIGHTS = 4
"""So many weights of a layer are told one by one."""


def render(trace: Trace, options: Options) -> Lines:
    """A story for each model, and one for the layers that belong to none."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _Telling(trace, options, min(width, WIDEST)).lines())


def say(template: str, *parts: Part) -> Line:
    """A sentence with a part in the place of each `{}`."""
    line: Line = []
    for text, part in zip(template.split("{}"), [*parts, Part("")], strict=True):
        line += [Part(text), part]
    return line


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
        if story.graph:
            model = story.graph.model
            title = wording.layer_title(model)
        else:
            title = "Outside of any model"
        yield from wrapped(title, self.width, [], [], styles.HEADING)
        yield from self._step(1, "The input", _input(story), story)
        yield from self._step(2, "The layers are connected and built", self._layers(story), story)
        yield from self._step(3, "The graph", _graph(story), story)

    def _step(
        self, number: int, title: str, sentences: Iterable[Line], story: Story
    ) -> Iterator[Line]:
        texts = list(sentences)
        ran = story.count(number)
        if not texts and not ran:
            return
        if number > 1:
            yield []
        yield [Part(f"{number}. {title}", styles.HEADING)]
        for sentence in texts:
            # A list item hangs below its own beginning.
            item = sentence[0].style == styles.QUIET
            first = [*MARGIN, sentence[0]] if item else MARGIN
            rest = [*MARGIN, Part(" " * len(sentence[0].text))] if item else MARGIN
            yield from flowing(sentence[1:] if item else sentence, self.width, first, rest)
        yield from self._landmarks(ran)

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

    def _layers(self, story: Story) -> Iterator[Line]:
        """A sentence for each layer; what comes again is folded."""
        layers = story.layers
        kinds = [facts.kind for facts in layers]
        start = 0
        for gap in [] if self.options.full else gaps(kinds, LIMITS):
            for number in range(start, gap.start):
                yield _layer(number, layers[number])
            yield _more(layers[gap.start : gap.end], gap)
            start = gap.end
        for number in range(start, len(layers)):
            yield _layer(number, layers[number])


# -- sentences ------------------------------------------------------------------------------


def _input(story: Story) -> Iterator[Line]:
    """How the model's build began, and which inputs were made."""
    roots = story.trace.roots
    if not roots:
        return
    first = roots[0]
    model = story.graph.model if story.graph else None
    where = say(", at {}", _user(first)) if first.caller else []
    if model and first.layer == model and first.step == "build":
        text = "{} is asked to build {} for the shape {}"
        yield [*say(text, _function(first), _name(model), _tensors(first.inputs)), *where, END]
    elif model and first.layer == model and first.inputs:
        text = "{} is called on {} for the first time, and that builds it"
        yield [*say(text, _name(model), _tensors(first.inputs)), *where, END]
    else:
        yield [*say("It begins with {}", _function(first)), *where, END]
    for call in story.sources:
        if call.layer:
            text = "{} makes the input layer {} for {}."
            yield say(text, _function(call), _name(call.layer), _tensors(story.given(call)))
    if not story.sources and model:
        yield say("No input layer is made.")


def _layer(number: int, facts: LayerFacts) -> Line:
    """What happened to a layer."""
    line = [Part(f"{number + 1:>3}  ", styles.QUIET), _name(facts.layer)]
    line += [Part(" "), Part(wording.layer_class(facts.layer), styles.QUIET)]
    if facts.inputs:
        line += say(" gets {}", _tensors(facts.inputs))
    if facts.outputs:
        line += say(" and gives {}" if facts.inputs else " gives {}", _tensors(facts.outputs))
    line.append(END)
    if facts.weights:
        maker = _function(facts.build) if facts.build else _name(facts.layer)
        line += [*say(" {} makes ", maker), *_weights(facts.weights), END]
    elif not facts.error:
        line += say(" It has no weights.")
    if facts.times > 1:
        line += say(f" It is called {facts.times:,} times and built once.")
    if facts.error and facts.error.error:
        error = Part(wording.sanitize(facts.error.error.type), styles.ERROR)
        line += say(" ✗ This ends in {}.", error)
    return line


def _weights(weights: tuple[Weight, ...]) -> Line:
    line: Line = []
    for number, weight in enumerate(weights[:MOST_WEIGHTS]):
        if number:
            line.append(Part(" and " if number == len(weights) - 1 else ", "))
        line += say(
            "{} {}",
            Part(wording.sanitize(weight.name), styles.NAME),
            _whole(wording.shape(weight.shape)),
        )
        if weight.initializer:
            line += say(" by {}", _whole(wording.sanitize(weight.initializer)))
    if len(weights) > MOST_WEIGHTS:
        line += say(f" and {len(weights) - MOST_WEIGHTS} more")
    return [*line, *say(": {} parameters", _whole(f"{totals(weights).parameters:,}"))]


def _more(layers: list[LayerFacts], gap: Gap) -> Line:
    """That more layers follow, like the ones before or not."""
    weights = {weight.id: weight for facts in layers for weight in facts.weights}
    number = _whole(wording.count(totals(weights.values()).parameters, "parameter"))
    names = Part(wording.span([facts.layer.name for facts in layers]), styles.NAME)
    return [Part("     ", styles.QUIET), *say(gap.text + ": {}, with {}.", names, number)]


def _graph(story: Story) -> Iterator[Line]:
    """How the graph came to be, what it is, and what the model is in the end."""
    mapping = [calls[0] for calls in story.count(3).values()]
    if mapping:
        line = say("{} starts the mapping", _function(mapping[0]))
        inner = mapping[-1]
        runs = sum(call.name == inner.name for call in story.trace.calls)
        line += say(
            "; at the bottom of it, {} goes back from the outputs to the inputs, in {}.",
            _function(inner),
            _whole(wording.count(runs, "call")),
        )
        yield line
    graph = story.graph
    if graph is None:
        return
    if graph.source == "flow" and graph.edges:
        yield say("Keras maps no graph of this model; its tensors show how its layers connect.")
    if graph.edges:
        depths = [node.depth for node in graph.nodes]
        text = "The graph has {} and {}, from depth {} at the inputs down to {} at the outputs."
        counts = (
            wording.count(len(graph.nodes), "node"),
            wording.count(len(graph.edges), "connection"),
        )
        ends = f"{max(depths)}", f"{min(depths)}"
        yield say(text, *(_whole(word) for word in (*counts, *ends)))
    elif not graph.built:
        yield say("The build did not get as far as the graph.")
    for name, (before, after) in story.changes.items():
        changed = Part(f"{wording.sanitize(name)}: {before} → {after}", styles.CHANGE)
        yield say("The state of {} changes, {}.", _name(graph.model), changed)
    total = totals_of_model(story.trace, graph)
    parameters = wording.count(total.parameters, "parameter")
    rest = ", all trainable" if total.weights else ""
    if total.not_trainable:
        rest = f", {total.not_trainable:,} of them not trainable"
    state = "built" if graph.built else "not built"
    yield say("{} is " + state + ", with {}" + rest + ".", _name(graph.model), _whole(parameters))


END = Part(".")


def _name(layer: LayerRef) -> Part:
    return Part(wording.sanitize(layer.name), styles.NAME)


def _function(call: Call) -> Part:
    return Part(wording.sanitize(call.name), styles.STEP[call.step], _link(call))


def _whole(text: str) -> Part:
    return Part(text, styles.WHOLE)


def _tensors(specs: tuple[TensorSpec, ...]) -> Part:
    return _whole(wording.tensors(specs) or "an unknown shape")


def _user(call: Call) -> Part:
    caller = call.caller
    assert caller is not None
    return Part(wording.line(caller), styles.NAME, source_files.link(caller.file, caller.line))


def _link(call: Call) -> str:
    return source_files.link(call.file, call.line)
