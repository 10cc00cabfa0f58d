"""What a saved file holds, as a page: its picture, its layers and its weights, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.errors import BuildtraceError
from buildtrace.renderers.drawing import picture
from buildtrace.renderers.page import bundle, template
from buildtrace.renderers.page.pictures import Picture
from buildtrace.renderers.terminal import summary
from buildtrace.traces import wording
from buildtrace.traces.saved_layers import output_shapes, parameters_inside
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import SavedFile
    from buildtrace.traces.trace import Trace

MOST_ROWS = 5_000
"""So many layers, and so many weights, are listed."""

DEEPEST = 30
"""What is nested more deeply is no further indented."""


def render(trace: Trace, options: Options) -> str:
    """The page.

    Raises:
        UsageError: the trace has no model of the name that the options ask for.
    """
    from markupsafe import Markup

    trace = summary.subject(trace, options)
    assert trace.saved is not None
    markup, missing = _picture(trace, options)
    values = {
        "title": wording.sanitize(trace.saved.name),
        "facts": list(_facts(trace, trace.saved)),
        "notes": [wording.sanitize_long(note) for note in summary.file_notes(trace.saved)],
        "svg": Markup(markup),
        "missing": missing,
        "layers": list(_layers(trace, trace.saved)),
        "more_layers": max(len(trace.saved.layers) - MOST_ROWS, 0),
        "weights": list(_weights(trace)),
        "more_weights": max(len(trace.weights) - MOST_ROWS, 0),
    }
    rules = bundle.read("folder.css") + bundle.read("saved.css")
    return template.filled("saved.html.j2", values, rules=rules)


def _picture(trace: Trace, options: Options) -> tuple[str, str]:
    """The picture, or why there is none: a page without one is still a page."""
    options = options._replace(model=None)  # the trace has no other by now
    try:
        return Picture(picture.draw(trace, options, "svg", page=False)).markup, ""
    except BuildtraceError as error:
        return "", f"There is no picture: {wording.sanitize_long(str(error))}"


def _facts(trace: Trace, file: SavedFile) -> Iterator[tuple[str, str]]:
    """What stands above all, each with a label."""
    total = totals(trace.weights)
    yield "file", wording.size_in_memory(file.size)
    if versions := wording.versions(trace):
        yield "saved by", versions
    if file.date:
        yield "saved on", wording.sanitize(file.date)
    for key, value in file.compiled.items():
        yield wording.sanitize(key), wording.sanitize_long(value)
    weights = wording.count(total.weights, "weight")
    size = wording.size_in_memory(file.weight_size)
    yield "weights", f"{wording.count(total.parameters, 'parameter')} in {weights}, {size}"
    for state in file.states:
        arrays = wording.count(state.arrays, "array")
        yield (
            f"also of the {wording.sanitize(state.owner)}",
            f"{arrays}, {wording.size_in_memory(state.size)}",
        )


def _layers(trace: Trace, file: SavedFile) -> Iterator[dict[str, Any]]:
    shapes = output_shapes(trace)
    parameters = parameters_inside(trace, file)
    levels: dict[int, int] = {}
    for layer in file.layers[:MOST_ROWS]:
        levels[layer.id] = levels.get(-1 if layer.within is None else layer.within, -1) + 1
        settings = [f"{key}={value}" for key, value in layer.facts.items()]
        yield {
            "name": wording.sanitize(layer.name),
            "class_name": wording.sanitize(layer.class_name),
            "level": min(levels[layer.id], DEEPEST),
            "settings": wording.sanitize_long("  ".join(settings)),
            "shape": shapes.get(layer.id, ""),
            "parameters": f"{parameters[layer.id]:,}" if parameters.get(layer.id) else "",
        }


def _weights(trace: Trace) -> Iterator[dict[str, str]]:
    for weight in trace.weights[:MOST_ROWS]:
        layer = trace.layers.get(-1 if weight.layer is None else weight.layer)
        yield {
            "path": wording.sanitize(weight.path),
            "layer": wording.sanitize(layer.name) if layer else "",
            "shape": wording.shape(weight.shape),
            "dtype": wording.sanitize(weight.dtype),
            "parameters": f"{weight.parameters:,}",
        }
