"""The forms in which `buildtrace plan` gives its plan: one table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.planning.planned import Plan
    from buildtrace.traces.trace import Trace


class PlanFormat(NamedTuple):
    """A form for a plan.

    Attributes:
        suffix: of files that have this form.
        summary: what it is, for the help.
        render: makes the text, given whether to leave nothing out.
        is_text: whether it may go to stdout.
    """

    suffix: str
    summary: str
    render: Callable[[Plan, Trace, bool], str]
    is_text: bool = True


def _text(plan: Plan, _: Trace, full: bool) -> str:
    from buildtrace.renderers import PLAIN_WIDTH
    from buildtrace.renderers.terminal import listing, plan_view

    return listing.text(plan_view.lines(plan, PLAIN_WIDTH, full)) + "\n"


def _json(plan: Plan, _: Trace, full: bool) -> str:  # noqa: ARG001 - it leaves out nothing
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()
    return wording.visible_in_json(text) + "\n"


def _page(plan: Plan, trace: Trace, full: bool) -> str:  # noqa: ARG001 - its rows fold
    from buildtrace.renderers.page import plan_page

    return plan_page.render(plan, trace)


FORMATS = {
    "text": PlanFormat(".txt", "what the terminal shows", _text),
    "json": PlanFormat(".json", "everything, for programs", _json),
    "html": PlanFormat(".html", "a page: the graph with what each layer takes", _page, False),
}
