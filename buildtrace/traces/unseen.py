"""What a graph does not show, because nobody saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

MOST_PARTS = 4


def unseen_flow(trace: Trace, graph: Graph) -> str:
    """That nothing is known of the flow between a model's parts, and why; "" if that is not so.

    A model with a `train_step` of its own, or whose methods are called one by one, is often used
    without its `call`. A Sequential's order is known without.
    """
    model = graph.model
    if graph.source != "flow" or graph.edges or model.class_name == "Sequential":
        return ""
    parts = [wording.sanitize(node.name) for node in graph.nodes]
    if not parts or trace.index.calls_of(model.id):
        return ""
    where = "through" if len(parts) == 1 else "between"
    class_name = wording.sanitize(model.class_name)
    listed = wording.listed(parts, MOST_PARTS)
    return f"the flow {where} {listed} was not seen: {class_name}.call never ran"


def no_build(trace: Trace) -> str:
    """That no build was recorded; and if a model was used before it had any, where."""
    said = "No build was recorded"
    use = next((use for use in trace.uses if use.model is not None and not use.built), None)
    if use is None or use.model is None:
        return f"{said}."
    where = f" at {wording.line(use.caller)}" if use.caller else ""
    model = wording.layer_title(use.model)
    return wording.sanitize_long(f"{said}: {use.name}{where} came before {model} was built.")
