"""What the report shows without scripts: the folded tree, the weights and the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.facts import WeightRow, text_of, weight_columns
from buildtrace.renderers.variable_columns import VARIABLE_COLUMNS, groups
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.facts import CallFacts, Fact
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

MOST_ROWS = 200
"""So many weights are listed."""


class StaticRow(NamedTuple):
    """A call in the tree.

    Attributes:
        call: which.
        name: of the function.
        layer: name and class of the layer at work.
        flow: shapes in and out.
        facts: state changes, weights, variables, losses, what is read of a file or hidden here.
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


def tree(shown: Trace, said: CallFacts) -> Iterator[StaticRow]:
    """The calls in order; each with how many of those that it is inside of end after it."""
    walked = list(shown.walk())
    depths = [depth for depth, _ in walked] + [0]
    for number, (depth, call) in enumerate(walked):
        inner = depths[number + 1] > depth
        closes = 0 if inner else depth - depths[number + 1]
        yield _row(call, [*said.of(call, None)], inner, closes)


def _row(call: Call, facts: list[Fact], inner: bool, closes: int) -> StaticRow:
    errors = [fact for fact in facts if fact.kind == "error"]
    return StaticRow(
        call=call,
        name=wording.sanitize(call.name),
        layer=text_of(facts, "layer"),
        flow=text_of(facts, "flow"),
        facts=[
            *(fact.said("change") for fact in facts if fact.kind == "change"),
            *(fact.said("weight", "shape") for fact in facts if fact.kind == "weight"),
            *(fact.said("variable", "for", "shape") for fact in facts if fact.kind == "variable"),
            *(fact.said() for fact in facts if fact.kind in ("loss", "loaded")),
            *_folded(call),
        ],
        error="".join(_error(fact) for fact in errors),
        caught=any(fact.caught for fact in errors),
        inner=inner,
        closes=closes,
    )


def _error(fact: Fact) -> str:
    return fact.said("error", whole=True) + (" (caught)" if fact.caught else "")


def _folded(call: Call) -> Iterator[str]:
    """What is hidden here."""
    if call.folded and call.folded.repeats > 1:
        yield f"and {call.folded.repeats - 1:,} more"
    elif call.folded:
        yield f"{wording.count(call.folded.calls, 'call')} inside not listed"


def weights(trace: Trace) -> tuple[list[list[str]], int]:
    """The texts of the first weights' cells, and how many more weights there are."""
    columns = weight_columns("static")
    rows = []
    for weight in trace.weights[:MOST_ROWS]:
        row = WeightRow(trace, weight)
        cells = [column.cell(row) for column in columns]
        rows.append([cell.owner + cell.text if cell else "" for cell in cells])
    return rows, len(trace.weights) - len(rows)


def held(trace: Trace) -> list[tuple[str, list[list[str]], int]]:
    """What each optimizer and metric holds: a title, the first rows' cells, and how many more."""
    return [
        (
            title,
            [
                [column.text(trace, variable) for column in VARIABLE_COLUMNS]
                for variable in variables[:MOST_ROWS]
            ],
            max(len(variables) - MOST_ROWS, 0),
        )
        for title, variables in groups(trace)
    ]
