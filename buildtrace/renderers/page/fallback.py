"""What the report shows without scripts: the folded tree, the weights and the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import wording
from buildtrace.traces.failures import swallowed_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Weight
    from buildtrace.traces.trace import Trace

MOST_ROWS = 200
"""So many weights are listed."""


class Row(NamedTuple):
    """A call in the tree.

    Attributes:
        call: which.
        name: of the function.
        layer: name and class of the layer at work.
        flow: shapes in and out.
        facts: state changes, weights, and what is hidden here.
        error: the exception that ended it.
        caught: whether a call around it caught that.
        inner: whether calls follow that are inside of it.
        closes: how many calls end with this one.
    """

    call: Call
    name: str
    layer: str
    flow: str
    facts: list[str]
    error: str
    caught: bool
    inner: bool
    closes: int


def tree(trace: Trace) -> Iterator[Row]:
    """The calls in order; each with how many of those that it is inside of end after it."""
    caught = swallowed_path(trace)
    walked = list(trace.walk())
    depths = [depth for depth, _ in walked] + [0]
    for number, (depth, call) in enumerate(walked):
        inner = depths[number + 1] > depth
        closes = 0 if inner else depth - depths[number + 1]
        yield _row(trace, call, call.id in caught, inner, closes)


def _row(trace: Trace, call: Call, caught: bool, inner: bool, closes: int) -> Row:
    facts = [f"{wording.sanitize(n)}: {old} → {new}" for n, (old, new) in call.changes.items()]
    facts += [weight(made) for made in trace.weights_made_by(call)]
    if call.folded and call.folded.repeats > 1:
        facts.append(f"and {call.folded.repeats - 1:,} more")
    elif call.folded:
        facts.append(f"{wording.count(call.folded.calls, 'call')} inside not listed")
    error = call.error
    text = "\n".join(wording.essence(error)) + (" (caught)" if caught else "") if error else ""
    return Row(
        call=call,
        name=wording.sanitize(call.name),
        layer=wording.layer_title(call.layer) if call.layer else "",
        flow=wording.flow(call.inputs, call.outputs),
        facts=facts,
        error=wording.sanitize_long(text),
        caught=caught,
        inner=inner,
        closes=closes,
    )


def weight(made: Weight) -> str:
    """A weight in one line."""
    return f"{wording.sanitize(made.name)} {wording.shape(made.shape)}"


def weights(trace: Trace) -> tuple[list[dict[str, str]], int]:
    """The first weights, and how many more there are."""
    rows = [
        {
            "path": wording.sanitize(made.path),
            "shape": wording.shape(made.shape),
            "parameters": f"{made.parameters:,}",
            "initializer": wording.sanitize(made.initializer or ""),
            "trainable": "yes" if made.trainable else "no",
        }
        for made in trace.weights[:MOST_ROWS]
    ]
    return rows, len(trace.weights) - len(rows)
