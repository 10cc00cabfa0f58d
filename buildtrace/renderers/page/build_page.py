"""The build as one page that opens anywhere: to be stepped through like a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.renderers.facts import weight_columns
from buildtrace.renderers.page import fallback as static
from buildtrace.renderers.page import page_data, page_findings, template
from buildtrace.renderers.page.chapters import chapters_of
from buildtrace.renderers.page.page_context import PageContext
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.variable_columns import VARIABLE_COLUMNS, besides
from buildtrace.traces import wording
from buildtrace.traces.totals import totals_of_trace
from buildtrace.traces.unseen import no_build

if TYPE_CHECKING:
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace

KEYS = (
    (("→", "←"), "to the next beat of the story, and back"),
    (("shift →", "shift ←"), "to the next beginning or end of a call, and back"),
    ((".", ","), "over the call, and back over it"),
    (("home", "end"), "to the beginning and the end"),
    (("space",), "play, pause"),
    (("/",), "find a layer, a call or a weight"),
    (("↑", "↓", "enter"), "in the tree and the graph: choose, and go there"),
    (("+", "-"), "in the tree: unfold and fold"),
    (("p",), "for a projector, and back"),
    (("?",), "these keys"),
)
"""What the page's keys do, for who asks."""


def render(trace: Trace, options: Options) -> str:
    """The page.

    Raises:
        UsageError: the trace has no model of the name that the options ask for.
    """
    context = PageContext(summary.subject(trace, options), options)
    return template.filled("report.html.j2", _values(context))


def _values(context: PageContext) -> dict[str, Any]:
    """What the template is filled with."""
    from markupsafe import Markup

    trace = context.trace
    chapters = chapters_of(context)
    weights, more_weights = static.weights(trace)
    return {
        "data": template.pack(page_data.data(context, chapters)),
        "title": chapters[0].title if chapters else "no build",
        "versions": " · ".join(
            [wording.versions(trace), *map(wording.distribution, trace.distributions)]
        ),
        "totals": _totals(context),
        "missing": [*_missing(trace), *page_findings.interrupted(trace)],
        "parts": page_data.PARTS,
        "chapters": [
            {
                "title": chapter.title,
                "note": chapter.note,
                "svg": Markup(chapter.pictures[0].markup) if chapter.pictures else "",
                "notes": chapter.pictures[0].diagram.notes if chapter.pictures else (),
                "missing": chapter.missing,
            }
            for chapter in chapters
        ],
        "tree": list(static.tree(context.shown, context.facts)),
        "folded": len(trace.calls) - len(context.shown.calls),
        "columns": weight_columns("page"),
        "static_columns": weight_columns("static"),
        "weights": weights,
        "more_weights": more_weights,
        "held": static.held(trace),
        "besides": list(besides(trace)),
        "variable_columns": VARIABLE_COLUMNS,
        "keys": KEYS,
        "panel": page_findings.panel(context),
        "failure": page_findings.failed(context),
    }


def _totals(context: PageContext) -> str:
    trace = context.trace
    if not trace.calls:
        return no_build(trace)
    total = totals_of_trace(trace)
    words = [
        wording.count(len(trace.index.graphs_of_models), "model"),
        wording.count(len(trace.calls), "call"),
        wording.count(total.weights, "weight"),
        wording.count(total.parameters, "parameter")
        + (f", {total.not_trainable:,} not trainable" if total.not_trainable else ""),
        wording.duration(sum(call.duration_ns for call in trace.roots)),
    ]
    return " · ".join(words)


def _missing(trace: Trace) -> list[str]:
    """What the installed Keras lacks of the landmarks: the trace has a gap there."""
    return [
        wording.sanitize_long(
            f"{keras.package} {keras.version} lacks {wording.listed(keras.missing, 6)}"
        )
        for keras in trace.environment.keras
        if keras.missing
    ]
