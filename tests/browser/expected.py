"""What a page should show at each step, worked out from the trace alone."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace


class Moment(NamedTuple):
    """A step: a call that has just begun or ended, and all that ran before."""

    call: Call
    ended: bool
    begun: set[int]
    over: set[int]


def moments(trace: Trace) -> Iterator[Moment]:
    """All steps, in order."""
    begun: set[int] = set()
    over: set[int] = set()

    def visit(call: Call) -> Iterator[Moment]:
        begun.add(call.id)
        yield Moment(call, False, set(begun), set(over))
        for child in trace.calls:
            if child.parent == call.id:
                yield from visit(child)
        over.add(call.id)
        yield Moment(call, True, set(begun), set(over))

    for root in trace.calls:
        if root.parent is None:
            yield from visit(root)


def stack(trace: Trace, call: Call) -> list[Call]:
    """The call and those around it, innermost first."""
    calls = [call]
    while calls[-1].parent is not None:
        calls.append(trace.calls[calls[-1].parent])
    return calls


def shapes(specs) -> str:
    return ", ".join(str(spec.shape) for spec in specs)


def facts(trace: Trace, moment: Moment) -> list[tuple[str, str]]:
    """Names and values of what is told of the call at this moment."""
    call = moment.call
    pairs = [("gets", shapes(call.inputs))] if call.inputs else []
    if not moment.ended:
        return pairs
    if call.outputs:
        pairs.append(("gives", shapes(call.outputs)))
    pairs += [(name, f"{old} → {new}") for name, (old, new) in call.changes.items()]
    for weight in trace.weights:
        if weight.call == call.id:
            by = f" by {weight.initializer}" if weight.initializer else ""
            size = 1
            for length in weight.shape:
                size *= length
            pairs.append(("makes", f"{weight.name} {weight.shape}{by}, {size:,} parameters"))
    return pairs


def definition(call: Call) -> int:
    """The line of the `def`, decorators stand before."""
    line = call.line
    while not linecache.getline(call.file, line).lstrip().startswith(("def ", "async def ")):
        line += 1
    return line


def marked_line(trace: Trace, call: Call, inner: Call | None) -> int:
    """The line that a function on the stack is at."""
    at = getattr(inner, "at", None) if inner else None
    return at if at is not None else definition(call)


def layer_state(trace: Trace, moment: Moment, layer: str) -> tuple[bool, float]:
    """Whether the build has come to a layer, and which part of its weights is made."""
    own = [c for c in trace.calls if c.layer and c.layer.name == layer and c.step != "graph"]
    seen = bool({c.id for c in own} & moment.begun)
    ids = {c.layer.id for c in own}
    weights = [w for w in trace.weights if w.layer in ids]
    if not weights:
        outer = own[0]
        return seen, float(outer.id in moment.over)
    done = [w for w in weights if w.call in moment.over]
    return seen, len(done) / len(weights) if seen else 0.0


def edge_state(trace: Trace, moment: Moment, target: str) -> str:
    """Of the edge to a layer: "todo", "making" or "made"."""
    (node,) = (c for c in trace.find("Node.__init__") if c.layer and c.layer.name == target)
    if moment.call.id == node.id:
        return "making"
    return "made" if node.id in moment.begun else "todo"
