"""The chapters of a page: each model's part of the build, with its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.errors import BuildtraceError
from buildtrace.renderers import variable_columns
from buildtrace.renderers.beats import beats
from buildtrace.renderers.page.pictures import pictures
from buildtrace.renderers.terminal.story import Story, stories
from buildtrace.traces import wording
from buildtrace.traces.totals import totals_of_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.beats import Beat
    from buildtrace.renderers.page.page_context import PageContext
    from buildtrace.renderers.page.pictures import Picture
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace


class Chapter:
    """A model's part of the build, or what belongs to no model."""

    def __init__(self, context: PageContext, story: Story) -> None:
        self._context = context
        self.graph: Graph | None = story.graph
        self.calls = story.trace.calls
        told = beats(story.trace, story.graph, full=context.options.full)
        self._beats = [*_where_it_failed(story.trace, told)]
        self.title, self.note = _title(story)
        self._held = [
            [title, [context.variable_numbers[variable.id] for variable in held]]
            for title, held in variable_columns.groups(story.trace)
        ]
        self._besides = list(variable_columns.besides(story.trace))
        self.pictures: list[Picture] = []
        self.missing = ""
        own = self.graph.weights if self.graph else ()
        ids = dict.fromkeys([*own, *(weight.id for weight in story.trace.weights)])
        self._weights = [
            context.weight_numbers[id_] for id_ in ids if id_ in context.weight_numbers
        ]
        if self.graph is None:
            self.missing = "No model was built here, so there is no graph."
        else:
            try:
                self.pictures = pictures(context.trace, self.graph, context.options)
            except BuildtraceError as error:  # a page without a picture is still a page
                self.missing = f"There is no picture: {wording.sanitize_long(str(error))}"

    def data(self) -> dict[str, Any]:
        """What the scripts need to know of it."""
        context = self._context
        numbers = context.call_numbers, context.weight_numbers
        graphs = [drawn.parts(context.moments, *numbers) for drawn in self.pictures]
        for drawn, graph in list(zip(self.pictures, graphs, strict=True))[1:]:
            graph["svg"] = drawn.markup  # the first one is in the page itself
        return {
            "title": self.title,
            "note": self.note,
            "calls": _ranges(sorted(context.call_numbers[call.id] for call in self.calls)),
            "beats": [_beat(context, beat) for beat in self._beats],
            "weights": self._weights,
            "held": self._held,
            "besides": self._besides,
            "graphs": graphs,
            "missing": self.missing,
        }


def _where_it_failed(trace: Trace, told: list[Beat]) -> Iterator[Beat]:
    """The beats; the one that tells how a layer fails is where the exception comes from.

    That is deeper than the layer's call, and it is what the page opens at.
    """
    failed = trace.failed
    for beat in told:
        if failed and beat.ended and beat.call.id in trace.index.failing_ids:
            yield beat._replace(call=failed)
            failed = None
        else:
            yield beat


def _beat(context: PageContext, beat: Beat) -> dict[str, Any]:
    """A beat as the scripts read it; what there is nothing to say of is left out."""
    first = beat.first
    data = {
        "call": context.call_numbers[beat.call.id],
        "ended": beat.ended,
        "says": [
            [phrase.text, phrase.kind] if phrase.kind else phrase.text for phrase in beat.sentence
        ],
        "layer": beat.subject.id if beat.subject else None,
        "part": beat.part,
        "from": context.call_numbers[first.id] if first else None,
    }
    return {key: value for key, value in data.items() if value is not None and value is not False}


def chapters_of(context: PageContext) -> list[Chapter]:
    """What the switcher offers: models, and if they are not one and the whole, everything."""
    trace = context.trace
    models = [story for story in stories(trace, context.options.full) if isinstance(story, Story)]
    if len(models) != 1 or len(models[0].trace.calls) < len(trace.calls):
        models.append(Story(trace, None))
    return [Chapter(context, story) for story in models]


def _title(story: Story) -> tuple[str, str]:
    number = wording.count(len(story.trace.calls), "call")
    if not story.trace.calls:
        return "No build", number
    if story.graph is None:
        return ("Everything" if story.trace.graphs else "Outside of any model"), number
    model = story.graph.model
    total = totals_of_model(story.trace, story.graph)
    parameters = wording.count(total.parameters, "parameter")
    return wording.sanitize(
        model.name
    ), f"{wording.sanitize(model.class_name)} · {parameters} · {number}"


def _ranges(numbers: list[int]) -> list[list[int]]:
    """Numbers as [first, last] of each run without a gap."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges
