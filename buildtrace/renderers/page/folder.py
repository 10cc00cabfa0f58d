"""A folder with a page for each model of a trace, and an index that links them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.page import build_page, bundle, template
from buildtrace.renderers.terminal import ending, summary
from buildtrace.renderers.terminal.story import Story, kind, stories
from buildtrace.traces import failures, wording
from buildtrace.traces.folding import part_of
from buildtrace.traces.shown_models import More, folded
from buildtrace.traces.totals import totals_of_trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

SUFFIX = ".html"
INDEX = f"index{SUFFIX}"

OUTSIDE = "Outside of any model"

LONGEST_NAME = 100
"""A file's name may have 255 bytes; who runs in deep folders has less."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""What no file may be called on Windows."""


class ModelPage(NamedTuple):
    """The page of one model, or of the calls that belong to none.

    Attributes:
        file: the file's name, which no other page of the folder has.
        story: the model and its calls.
        trace: what is on the page, with the findings that are about it.
    """

    file: str
    story: Story
    trace: Trace

    def content(self, options: Options) -> str:
        """The page."""
        return build_page.render(self.trace, options._replace(model=None))


class Pages(NamedTuple):
    """What a folder gets.

    Attributes:
        pages: one for each model that is shown.
        more: of models that are like others: how many have no page, and which.
    """

    pages: list[ModelPage]
    more: list[str]


def pages(trace: Trace, options: Options) -> Pages:
    """A page for each model that the options want to see, be it in another one or not.

    Raises:
        UsageError: the trace has no model of the name that the options ask for.
    """
    trace = summary.subject(trace, options)
    entries = folded(_models(trace), full=options.full)
    told = [Story(part_of(trace, {e.model.id}), e) for e in entries if not isinstance(e, More)]
    every = (story for story in stories(trace, full=True) if isinstance(story, Story))
    told += [story for story in every if story.graph is None]
    files = file_names(story.graph.model.name if story.graph else OUTSIDE for story in told)
    made = [
        ModelPage(file, story, ending.with_own_findings(trace, story.trace))
        for file, story in zip(files, told, strict=True)
    ]
    return Pages(made, [entry.text for entry in entries if isinstance(entry, More)])


def _models(trace: Trace) -> list[Graph]:
    """The graphs of models; a layer that has one as well is a part of its model."""
    outermost = {graph.model.id for graph in trace.index.outermost_graphs}
    return [
        graph
        for graph in trace.index.graphs_of_models
        if graph.source == "keras" or graph.model.id in outermost
    ]


def file_names(names: Iterable[str]) -> Iterator[str]:
    """A file's name for each of these: good on every system, and no other's."""
    taken = {INDEX}
    for name in names:
        stem = _UNSAFE.sub("-", name)[:LONGEST_NAME].strip("-.") or "model"
        stem = f"{stem}-model" if _DEVICE.fullmatch(stem) else stem
        file, number = f"{stem}{SUFFIX}", 1
        while file.lower() in taken:  # some systems take large and small letters for the same
            number += 1
            file = f"{stem}-{number}{SUFFIX}"
        taken.add(file.lower())
        yield file


def index(trace: Trace, written: Iterable[ModelPage], more: Iterable[str]) -> str:
    """The page that links the pages that were written, and says which models have none."""
    rows = [_row(page) for page in written]
    values = {
        "title": wording.count(len(rows), "page"),
        "versions": wording.versions(trace),
        "rows": rows,
        "more": list(more),
    }
    return template.filled("folder.html.j2", values, rules=bundle.read("folder.css"))


def _row(page: ModelPage) -> dict[str, str]:
    story, graph = page.story, page.story.graph
    total = totals_of_trace(story.trace)
    return {
        "file": page.file,
        "name": (wording.sanitize(graph.model.name) or page.file) if graph else OUTSIDE,
        "class_name": wording.sanitize(graph.model.class_name) if graph else "",
        "kind": kind(graph).replace("`", "") if graph else "",
        "nodes": f"{len(graph.nodes):,}" if graph else "",
        "parameters": f"{total.parameters:,}",
        "calls": f"{len(story.trace.calls):,}",
        "state": _state(page),
    }


def _state(page: ModelPage) -> str:
    """How the build ended: "failed", "built", "not built"."""
    if page.trace.failed is not None and not failures.was_swallowed(page.trace):
        return "failed"
    if page.story.graph is None:
        return ""
    return "built" if page.story.graph.built else "not built"
