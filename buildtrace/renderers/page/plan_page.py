"""A plan as a page: the graph with what each layer takes, and tables of where the bytes go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.errors import BuildtraceError
from buildtrace.planning import placements
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import picture
from buildtrace.renderers.drawing.heat import COLD, HEATS, Heat
from buildtrace.renderers.page import bundle, template
from buildtrace.renderers.page.pictures import Picture
from buildtrace.renderers.page.plan_tables import tables
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.planning.planned import Plan
    from buildtrace.traces.trace import Trace

ALT = "The layers and how they are connected, each with what it takes: as in the tables below."
"""What is said of the picture to whoever cannot see it."""

LONGEST = 30.0
"""After so many seconds there is no picture."""


def render(plan: Plan, trace: Trace) -> str:
    """The page.

    Args:
        plan: what is shown.
        trace: what it was made of: the graph is drawn from it.
    """
    from markupsafe import Markup

    markup, legend, missing = _picture(plan, trace)
    names = [wording.layer_title(model.model) for model in plan.models]
    values = {
        "title": wording.listed(names, 4) or wording.sanitize(plan.target) or "no model",
        "target": wording.sanitize_long(plan.target),
        "versions": wording.versions(trace),
        "verdict": _verdict(plan),
        "facts": list(_facts(plan)),
        "told": list(_told(plan)),
        "svg": Markup(markup),
        "legend": legend,
        "missing": missing,
        "where": "on one device" if plan.mesh else "in all",
        "tables": list(tables(plan)),
    }
    rules = "".join(map(bundle.read, ("folder.css", "saved.css", "plan.css"))) + _swatches()
    return template.filled("plan.html.j2", values, rules=rules)


def _swatches() -> str:
    """The colors of the legend: the page's policy allows no style on an element."""
    kinds = [COLD, *(kind for _, kind in HEATS)]
    return "".join(f".plan .{kind.name}{{fill:{kind.fill};stroke:{kind.border}}}" for kind in kinds)


def _picture(plan: Plan, trace: Trace) -> tuple[str, list[dict[str, str]], str]:
    """The picture, what its colors mean, and why there is none if so: a page is still a page."""
    heat = Heat(trace, plan)
    try:
        drawing = picture.draw(
            trace, Options(), "svg", page=False, longest=LONGEST, dressed=heat.of
        )
    except BuildtraceError as error:
        return "", [], f"There is no picture: {wording.sanitize_long(str(error))}"
    legend = [
        {
            "name": step.kind.name,
            "text": f"up to {wording.size_in_memory(step.most)}" if step.most else step.kind.title,
        }
        for step in heat.steps()
    ]
    markup = Picture(drawing).markup.replace('role="img"', f'role="img" aria-label="{ALT}"', 1)
    return markup, legend, ""


def _verdict(plan: Plan) -> dict[str, Any] | None:
    """Whether it fits into a device, and by how much."""
    fit = plan.fit
    if fit is None:
        return None
    most = max(fit.needed, fit.available, 1)
    words = wording.size_in_memory(abs(fit.available - fit.needed))
    text = f"It fits, with {words} to spare" if fit.fits else f"It does not fit: {words} too much"
    return {
        "fits": fit.fits,
        "mark": "✓" if fit.fits else "✗",
        "text": text,
        "needed": wording.size_in_memory(fit.needed),
        "available": wording.size_in_memory(fit.available),
        "needs": round(100 * fit.needed / most, 1),
        "has": round(99.3 * fit.available / most, 1),
        "counted": wording.listed(fit.counted),
    }


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    """What stands above all, each with a label."""
    amount = plan.amount
    trained = "all of them trained"
    if amount.trainable < amount.parameters:
        trained = f"{amount.trainable:,} of them trained"
    weights = wording.count(amount.weights, "weight")
    yield "weights", f"{wording.count(amount.parameters, 'parameter')} in {weights}, {trained}"
    if plan.mesh is not None:
        mesh = plan.mesh
        devices = wording.count(mesh.devices, "device")
        shape = placements.of_mesh(mesh)
        yield "devices", f"{devices}: {shape}, {wording.sanitize(mesh.class_name)} of {mesh.source}"
        if mesh.batch_axis:
            yield "batches", f"split along {wording.sanitize(mesh.batch_axis)}"
    if plan.optimizer:
        yield "optimizer", wording.sanitize(plan.optimizer)


def _told(plan: Plan) -> Iterator[dict[str, str]]:
    """What a reader has to know to trust the numbers: where it stopped, what cannot be placed."""
    stop = plan.stop
    if stop is not None:
        where = f" at {wording.line(stop.caller)}" if stop.caller else ""
        what = wording.sanitize_long(stop.what)
        if stop.is_failure:
            text = f"The script failed{where}: {what}. The plan is of what it had built by then."
        else:
            text = f"Planned up to {what}{where}, which needs values."
        yield {"severity": "error" if stop.is_failure else "note", "text": text}
        for lack in stop.lacks:
            yield {"severity": "warning", "text": wording.sanitize_long(lack)}
    if plan.indivisible:
        number = wording.count(len(plan.indivisible), "dimension")
        text = f"{number} cannot be divided: Keras will not place these weights; see below."
        yield {"severity": "error", "text": text}
    for note in plan.notes:
        yield {"severity": "warning", "text": wording.sanitize_long(note)}
