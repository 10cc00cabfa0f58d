"""The table of what optimizers and metrics hold: its columns, and a group of rows for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.facts import kept_for
from buildtrace.traces import wording
from buildtrace.traces.totals import totals_of_holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.traces.schema import Holder, Variable
    from buildtrace.traces.trace import Trace


class VariableColumn(NamedTuple):
    """A column of the table.

    Attributes:
        title: its heading.
        text: what it says of a variable, safe to show; "" for nothing.
        look: "name", "shape", "quiet", or "" for plain.
        right: whether its text stands at the right.
        least: to how many characters a terminal may cut it; 0 if it is never cut.
        tail: whether the end of its text is kept then.
        rank: a terminal leaves out columns of the highest rank first.
    """

    title: str
    text: Callable[[Trace, Variable], str]
    look: str = ""
    right: bool = False
    least: int = 0
    tail: bool = False
    rank: int = 0


VARIABLE_COLUMNS = (
    VariableColumn("variable", lambda _, one: wording.sanitize(one.name), "name", least=12),
    VariableColumn("shape", lambda _, one: wording.shape(one.shape), "shape", least=12),
    VariableColumn("numbers", lambda _, one: f"{one.size:,}", right=True),
    VariableColumn("for the weight", kept_for, least=20, tail=True, rank=1),
    VariableColumn(
        "initializer", lambda _, one: wording.sanitize(one.initializer or ""), least=13, rank=2
    ),
    VariableColumn("dtype", lambda _, one: wording.sanitize(one.dtype), "quiet", rank=3),
)
"""The columns in their order, for every view that has the table."""


def groups(trace: Trace) -> Iterator[tuple[str, list[Variable]]]:
    """Each optimizer and metric that holds anything: a title, and its variables."""
    variables: dict[int, list[Variable]] = {holder.id: [] for holder in trace.holders}
    for variable in trace.variables:
        variables[variable.holder].append(variable)
    for holder in trace.holders:
        if variables[holder.id]:
            title = f"{wording.sanitize(holder.name)}, {held(trace, holder)}"
            yield title, variables[holder.id]


def besides(trace: Trace) -> Iterator[str]:
    """What each optimizer holds besides the parameters; of a part of a trace, those of that."""
    at_work = {variable.holder for variable in trace.variables}
    at_work |= {call.holder for call in trace.calls if call.holder is not None}
    for holder in trace.holders:
        if holder.kind == "optimizer" and holder.id in at_work:
            yield f"and besides, held by {held(trace, holder)}"


def held(trace: Trace, holder: Holder) -> str:
    """How much a holder holds: "Adam: 814,100 + 2", the first of these for weights."""
    total = totals_of_holder(trace, holder)
    numbers = [f"{number:,}" for number in (total.of_weights, total.others) if number]
    return f"{wording.sanitize(holder.class_name)}: {' + '.join(numbers) or '0'}"
