"""The calls over time as Chrome Trace Event JSON: for Perfetto, chrome://tracing and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.renderers.export import timeline
from buildtrace.traces import json_text, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.export.timeline import CallSpan
    from buildtrace.traces.schema import Call, Weight
    from buildtrace.traces.trace import Trace

PROCESS = 1
"""Number of the one process. Numbers begin with 1: viewers give 0 a meaning of its own."""


def render(trace: Trace, options: Options) -> bytes:
    """The file's content: metadata events (M) that name the rows, complete events (X) in them."""
    trace = timeline.subject(trace, options)
    events = [_metadata("process_name", {"name": timeline.title(trace)})]
    for thread, spans in timeline.threads(trace).items():
        row = thread + 1
        events.append(_metadata("thread_name", {"name": f"thread {thread}"}, row))
        events.append(_metadata("thread_sort_index", {"sort_index": row}, row))
        events += [_complete(trace, span, row, options.explain) for span in spans]
    return json_text.encoded({"traceEvents": events, "displayTimeUnit": "ns"})


def _metadata(name: str, args: dict[str, Any], row: int = 0) -> dict[str, Any]:
    return {"ph": "M", "name": name, "pid": PROCESS, "tid": row, "args": args}


def _complete(trace: Trace, span: CallSpan, row: int, explain: bool) -> dict[str, Any]:
    call = span.call
    return {
        "ph": "X",
        "name": timeline.label(call),
        "cat": call.step,
        "pid": PROCESS,
        "tid": row,
        "ts": span.start / 1000,
        "dur": (span.end - span.start) / 1000,
        "args": dict(_args(trace, call, explain)),
    }


def _args(trace: Trace, call: Call, explain: bool) -> Iterator[tuple[str, Any]]:
    """What a viewer shows of a call that is clicked: the same facts as the terminal's tree."""
    if call.layer:
        yield "layer", wording.layer_title(call.layer)
    if call.inputs:
        yield "inputs", [wording.tensor(spec) for spec in call.inputs]
    if call.outputs:
        yield "outputs", [wording.tensor(spec) for spec in call.outputs]
    if call.changes:
        changes = call.changes.items()
        yield "changes", {wording.sanitize(name): f"{old} → {new}" for name, (old, new) in changes}
    if weights := trace.weights_made_by(call):
        yield "weights", [_weight(weight) for weight in weights]
    if call.error:
        error = wording.sanitize_long(wording.error(call.error))
        yield "error", f"swallowed: {error}" if call.error.swallowed else error
    if call.caller:
        yield "caller", f"{call.caller.file}:{call.caller.line}"
    if call.file:
        yield "defined", f"{call.file}:{call.line}"
    row = trace.landmark(call) if explain else None
    if row:
        yield "what it does", row.summary
    if row and row.article:
        yield "the article", row.article


def _weight(weight: Weight) -> str:
    parts = [
        " ".join(map(wording.sanitize, (weight.name, wording.shape(weight.shape), weight.dtype))),
        wording.count(weight.parameters, "parameter"),
        wording.sanitize(weight.initializer or ""),
        "" if weight.trainable else "not trainable",
    ]
    return ", ".join(filter(None, parts))
