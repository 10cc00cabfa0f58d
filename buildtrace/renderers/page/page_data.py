"""A trace as the report's scripts read it: plain JSON, every text made safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.errors import BuildtraceError
from buildtrace.renderers.models import build_around
from buildtrace.renderers.page import page_findings
from buildtrace.renderers.page.moments import Moments
from buildtrace.renderers.page.pictures import pictures
from buildtrace.renderers.page.sources import Sources
from buildtrace.renderers.terminal.story import OF_STEP, Story, stories
from buildtrace.traces import folding, wording
from buildtrace.traces.failures import failure, swallowed_path, went_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.page.pictures import Picture
    from buildtrace.traces.schema import Call, ErrorInfo, Graph, Weight
    from buildtrace.traces.trace import Trace

LONGEST_TEXT = 4_000
"""So many characters of a message are carried."""

PARTS = {1: "The input", 2: "The layers", 3: "The graph"}
"""The article's three steps, as short as they are called on the slider."""


class Report:
    """What one page shows of a trace.

    Attributes:
        trace: all of it, as the options want it.
        shown: the same, folded as it starts out.
        chapters: what the switcher offers: models, and what belongs to none.
    """

    def __init__(self, trace: Trace, options: Options) -> None:
        self.trace = trace
        self.options = options
        self.shown = trace if options.full else folding.fold(trace, options.depth)
        self.place = {call.id: place for place, call in enumerate(trace.calls)}
        self.weight_place = {weight.id: place for place, weight in enumerate(trace.weights)}
        self.caught = swallowed_path(trace)
        if went_on(trace):
            self.caught |= folding.failing_path(trace)
        self.moments = Moments(trace)
        self.chapters = [Chapter(self, story) for story in _stories(trace, options)]

    def data(self) -> dict[str, Any]:
        """All that the scripts need."""
        sources = Sources(self.trace)
        rows = {(row.generation, row.name): n for n, row in enumerate(self.trace.landmarks)}
        calls = [_call(self, call, sources, rows) for call in self.trace.calls]
        failed = failure(self.trace)
        ended = None if failed is None or failed.went_on else failed.call
        return {
            "calls": calls,
            "functions": sources.functions,
            "files": sources.files,
            "layers": {
                id_: [wording.sanitize(ref.name), wording.sanitize(ref.class_name)]
                for id_, ref in self.trace.layers.items()
            },
            "landmarks": [
                {
                    "name": wording.sanitize(row.name),
                    "step": row.step,
                    "summary": wording.sanitize_long(row.summary),
                    "article": wording.sanitize_long(row.article or ""),
                }
                for row in self.trace.landmarks
            ],
            "weights": [_weight(self, weight) for weight in self.trace.weights],
            "findings": page_findings.told(self),
            "hidden": sorted(self._hidden()),
            "parts": PARTS,
            "part_of_step": OF_STEP,
            "chapters": [chapter.data() for chapter in self.chapters],
            "failed": self.place[ended.id] if ended else None,
            "comparison": page_findings.comparison(self, failed) if failed else [],
        }

    def _hidden(self) -> Iterator[int]:
        """The topmost calls that are folded away at first."""
        for hidden in folding.hidden(self.trace, self.shown).values():
            yield from (self.place[call.id] for call in (*hidden.inside, *hidden.beside))
        yield from (self.place[call.id] for call in self._in_nested_models())

    def _in_nested_models(self) -> Iterator[Call]:
        """The calls right inside those that build or call a model in a model."""
        nested = {
            node.layer
            for graph in self.trace.graphs
            for node in graph.nodes
            if node.kind == "model" and node.layer != graph.model.id
        }
        path = folding.failing_path(self.trace)
        kept = {call.id for call in self.shown.calls}
        for call in self.shown.calls:
            inner = [child for child in self.trace.children(call) if child.id in kept]
            if (
                nested
                and len(self.trace.calls) > folding.SMALL
                and call.layer
                and call.layer.id in nested
                and call.step in ("connect", "build")
                and not path & {child.id for child in inner}
            ):
                yield from inner


class Chapter:
    """A model's part of the build, or what belongs to no model."""

    def __init__(self, report: Report, story: Story) -> None:
        self._report = report
        self.graph: Graph | None = story.graph
        self.calls = story.trace.calls
        self.title, self.note = _title(story)
        self.pictures: list[Picture] = []
        self.missing = ""
        own = self.graph.weights if self.graph else ()
        ids = dict.fromkeys([*own, *(weight.id for weight in story.trace.weights)])
        self._weights = [report.weight_place[id_] for id_ in ids if id_ in report.weight_place]
        if self.graph is None:
            self.missing = "No model was built here, so there is no graph."
        else:
            try:
                self.pictures = pictures(report.trace, self.graph, report.options)
            except BuildtraceError as error:  # a page without a picture is still a page
                self.missing = f"There is no picture: {wording.sanitize_long(str(error))}"

    def data(self) -> dict[str, Any]:
        """What the scripts need to know of it."""
        report = self._report
        places = report.place, report.weight_place
        graphs = [drawn.parts(report.moments, *places) for drawn in self.pictures]
        for drawn, graph in list(zip(self.pictures, graphs, strict=True))[1:]:
            graph["svg"] = drawn.markup  # the first one is in the page itself
        return {
            "title": self.title,
            "note": self.note,
            "calls": _ranges(sorted(report.place[call.id] for call in self.calls)),
            "weights": self._weights,
            "graphs": graphs,
            "missing": self.missing,
        }


def _stories(trace: Trace, options: Options) -> Iterator[Story]:
    """The stories that are told, and if they are not one and the whole, one of everything."""
    found = [story for story in stories(trace, options.full) if isinstance(story, Story)]
    yield from found
    if len(found) != 1 or len(found[0].trace.calls) < len(trace.calls):
        yield Story(trace, None)


def _title(story: Story) -> tuple[str, str]:
    number = wording.count(len(story.trace.calls), "call")
    if not story.trace.calls:
        return "No build", number
    if story.graph is None:
        return ("Everything" if story.trace.graphs else "Outside of any model"), number
    model = story.graph.model
    parameters = wording.count(story.trace.parameters, "parameter")
    return wording.sanitize(
        model.name
    ), f"{wording.sanitize(model.class_name)} · {parameters} · {number}"


def _ranges(places: list[int]) -> list[list[int]]:
    """Numbers as [first, last] of each run without a gap."""
    found: list[list[int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


def _call(
    report: Report, call: Call, sources: Sources, rows: dict[tuple[str, str], int]
) -> dict[str, Any]:
    """A call; what there is nothing to say of is left out."""
    found: dict[str, Any] = {
        "parent": None if call.parent is None else report.place[call.parent],
        "function": sources.function(call),
        "landmark": rows.get((call.generation, call.landmark)),
        "step": call.step,
        "layer": call.layer.id if call.layer else None,
        "in": wording.tensors(call.inputs),
        "out": wording.tensors(call.outputs),
        "changes": [
            [wording.sanitize(name), before, after]
            for name, (before, after) in call.changes.items()
        ],
        "caller": sources.caller(call),
        "at": getattr(call, "at", None),
        "error": _error(call.error, call.id in report.caught) if call.error else None,
        "took": wording.duration(call.duration_ns),
        "thread": call.thread or None,
        "id": call.id if call.id != report.place[call.id] else None,
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def _error(error: ErrorInfo, caught: bool) -> dict[str, Any]:
    text = "\n".join(wording.essence(error))[:LONGEST_TEXT].removeprefix(f"{error.type}: ")
    return {
        "type": wording.sanitize(error.type),
        "message": "\n".join(wording.sanitize_lines(text)),
        "swallowed": caught,
    }


def _weight(report: Report, weight: Weight) -> dict[str, Any]:
    trace = report.trace
    maker = trace.call(weight.call) if weight.call in report.place else None
    build = build_around(trace, maker) if maker else None
    return {
        "call": report.place[maker.id] if maker else None,
        "build": report.place[build.id] if build else None,
        "layer": weight.layer,
        "name": wording.sanitize(weight.name),
        "path": wording.sanitize(weight.path),
        "shape": wording.shape(weight.shape),
        "parameters": weight.parameters,
        "trainable": weight.trainable,
        "dtype": wording.sanitize(weight.dtype),
        "initializer": wording.sanitize(weight.initializer or ""),
        "more": wording.sanitize(
            ", ".join(filter(None, (weight.regularizer, weight.constraint, weight.placement)))
        ),
    }
