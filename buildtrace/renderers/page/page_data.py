"""A trace as the report's scripts read it: plain JSON, every text made safe to show."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from buildtrace.renderers.facts import TO_MAKER, WeightRow, ordered, weight_columns
from buildtrace.renderers.page import page_findings
from buildtrace.renderers.page.sources import Sources
from buildtrace.renderers.terminal.story import OF_STEP, part_of_call
from buildtrace.renderers.variable_columns import VARIABLE_COLUMNS
from buildtrace.traces import folding, wording
from buildtrace.traces.unseen import no_build

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.renderers.facts import Cell, Fact, FactKind, TermKind, WeightColumn
    from buildtrace.renderers.page.chapters import Chapter
    from buildtrace.renderers.page.page_context import PageContext
    from buildtrace.traces.schema import (
        Call,
        ErrorInfo,
        GenerationName,
        SourceLine,
        Variable,
        Weight,
    )
    from buildtrace.traces.trace import Trace

    RowPiece = tuple[str, str, str, str]

LONGEST_TEXT = 4_000
"""So many characters of a message are carried."""

PARTS = {1: "The input", 2: "The layers", 3: "The graph", 4: "Training", 5: "The file"}
"""The article's three steps, and what is there besides, as short as they are on the slider."""


_TRAINING = 4
"""From this part on, most builds have none of it."""

SAID: tuple[FactKind, ...] = ("flow", "change", "weight", "variable", "loss", "loaded", "error")
"""What a call's row and its card say, in this order."""

FLOW: tuple[tuple[str, TermKind, str], ...] = (
    ("gets", "inputs", "open"),
    ("gives", "outputs", ""),
)
"""How the card labels what goes in and comes out, and whether it says so from the beginning."""


def data(context: PageContext, chapters: Iterable[Chapter]) -> dict[str, Any]:
    """All that the scripts need."""
    trace = context.trace
    raised = _raised(context)
    sources = Sources(trace, raised.values())
    landmarks = {(row.generation, row.name): n for n, row in enumerate(trace.landmarks)}
    columns = weight_columns("page")
    failure = context.failure
    told = failure.call if failure else None
    parts = {OF_STEP[call.step] for call in trace.calls}
    return {
        "calls": [
            _call(context, call, sources, landmarks) | _raised_at(sources, raised.get(call.id))
            for call in trace.calls
        ],
        "functions": sources.functions,
        "files": sources.files,
        "layers": {
            id_: [wording.sanitize(ref.name), wording.sanitize(ref.class_name)]
            for id_, ref in trace.layers.items()
        },
        "holders": [
            [wording.sanitize(holder.name), wording.sanitize(holder.class_name)]
            for holder in trace.holders
        ],
        "landmarks": [
            {
                "name": wording.sanitize(row.name),
                "step": row.step,
                "summary": wording.sanitize_long(row.summary),
                "article": wording.sanitize_long(row.article or ""),
            }
            for row in trace.landmarks
        ],
        "weights": [_weight(context, weight, columns) for weight in trace.weights],
        "columns": ["number" if column.right else column.look for column in columns],
        "variables": [_variable(context, variable) for variable in trace.variables],
        "variable_columns": [
            "number" if column.right else column.look for column in VARIABLE_COLUMNS
        ],
        "findings": page_findings.reported(context),
        "hidden": sorted(_hidden(context)),
        "parts": {part: PARTS[part] for part in PARTS if part < _TRAINING or part in parts},
        "part_of_step": OF_STEP,
        "chapters": [chapter.data() for chapter in chapters],
        "nothing": no_build(trace),
        "failure": _position(context, told),
        "failed": None if failure is None or failure.swallowed else _position(context, told),
    }


def _raised(context: PageContext) -> dict[int, SourceLine]:
    """The user's line that raised what ended a call, by the call's id, where that is known."""
    ends = [(caught.call, caught.lines) for caught in context.swallowed]
    if context.failure and context.failure.call:
        ends.append((context.failure.call, context.failure.lines))
    return {call.id: lines[0] for call, lines in ends if lines}


def _raised_at(sources: Sources, line: SourceLine | None) -> dict[str, Any]:
    return {"raised": sources.line(line)} if line else {}


def _hidden(context: PageContext) -> Iterator[int]:
    """The topmost calls that are folded away at first."""
    numbers = context.call_numbers
    for hidden in folding.hidden(context.trace, context.shown).values():
        yield from (numbers[call.id] for call in (*hidden.inside, *hidden.beside))
    yield from (numbers[call.id] for call in _in_nested_models(context.trace, context.shown))


def _in_nested_models(trace: Trace, shown: Trace) -> Iterator[Call]:
    """The calls right inside those that build or call a model in a model."""
    nested = trace.index.nested_models
    path = trace.index.failing_ids
    kept = {call.id for call in shown.calls}
    for call in shown.calls:
        inner = [child for child in trace.children(call) if child.id in kept]
        if (
            nested
            and len(trace.calls) > folding.SMALL
            and call.layer
            and call.layer.id in nested
            and call.step in ("connect", "build")
            and not path & {child.id for child in inner}
        ):
            yield from inner


def _call(
    context: PageContext,
    call: Call,
    sources: Sources,
    landmarks: dict[tuple[GenerationName, str], int],
) -> dict[str, Any]:
    """A call; what there is nothing to say of is left out."""
    facts = tuple(fact for fact in context.facts.of(call, None) if fact.kind in SAID)
    data: dict[str, Any] = {
        "parent": None if call.parent is None else context.call_numbers[call.parent],
        "function": sources.function(call),
        "landmark": landmarks.get((call.generation, call.landmark)),
        "step": call.step,
        "part": None if (part := part_of_call(context.trace, call)) == OF_STEP[call.step] else part,
        "layer": call.layer.id if call.layer else None,
        "holder": holder.id if (holder := context.facts.holder(call)) else None,
        "row": _row(facts),
        "card": (*_card(facts), _took(wording.duration(call.duration_ns))),
        "caller": sources.line(call.caller),
        "at": call.at,
        "error": _error(call.error, call.id in context.facts.caught) if call.error else None,
        "thread": call.thread or None,
        "id": call.id if call.id != context.call_numbers[call.id] else None,
    }
    return {key: value for key, value in data.items() if value or value == 0}


# A big build says the same of thousands of calls. They share the pieces, which are tuples: Python
# would look through as many lists again and again, in case they were garbage.


@lru_cache(maxsize=4_096)
def _row(facts: tuple[Fact, ...]) -> tuple[RowPiece, ...]:
    """What a call's row says beside its name and layer.

    Each piece has its look, what it says once the call is over, what while it is open, and what
    more to say to who points at it.
    """
    return tuple(map(_row_piece, ordered(facts, SAID)))


def _row_piece(fact: Fact) -> RowPiece:
    if fact.kind == "flow":
        return ("shape", fact.said(), fact.said("inputs"), "")
    if fact.kind == "change":
        return ("change", fact.said("became"), "", fact.said("change"))
    if fact.kind == "weight":
        return ("weight", fact.said("weight", "shape"), "", "")
    if fact.kind == "variable":
        return ("weight", fact.said("variable", "for", "shape"), "", "")
    if fact.kind in ("loss", "loaded"):
        return ("weight", fact.said(), "", "")
    if fact.caught:
        return ("error", f"{fact.text('exception')}, caught", "", "")
    return ("error", fact.said("exception"), "", "")


@lru_cache(maxsize=4_096)
def _card(facts: tuple[Fact, ...]) -> tuple[RowPiece, ...]:
    """What the card says of a call: labels, texts, looks, and whether already while it is open."""
    return tuple(piece for fact in ordered(facts, SAID) for piece in _card_pieces(fact))


def _card_pieces(fact: Fact) -> Iterator[RowPiece]:
    if fact.kind == "flow":
        for label, kind, when in FLOW:
            if text := fact.text(kind):
                yield (label, text, "shape", when)
    elif fact.kind == "change":
        yield (fact.about, fact.text("change"), "change", "")
    elif fact.kind == "weight":
        by = fact.text("initializer")
        name = fact.said("weight", "shape") + (f" by {by}" if by else "")
        yield ("makes", f"{name}, {fact.text('parameters')} parameters", "weight", "")
    elif fact.kind == "variable":
        yield ("makes", fact.said("variable", "for", "shape"), "weight", "")
    elif fact.kind == "loss":
        yield ("loss", fact.said(), "weight", "open")
    elif fact.kind == "loaded":
        yield ("reads", fact.said(), "weight", "open")


@lru_cache(maxsize=4_096)
def _took(duration: str) -> RowPiece:
    """The last piece of a card."""
    return ("took", duration, "time", "")


def _error(error: ErrorInfo, caught: bool) -> dict[str, Any]:
    text = "\n".join(wording.essence(error))[:LONGEST_TEXT].removeprefix(f"{error.type}: ")
    return {
        "type": wording.sanitize(error.type),
        "message": "\n".join(wording.sanitize_lines(text)),
        "swallowed": caught,
    }


def _weight(
    context: PageContext, weight: Weight, columns: Sequence[WeightColumn]
) -> dict[str, Any]:
    row = WeightRow(context.trace, weight)
    return {
        "call": _position(context, row.maker),
        "layer": weight.layer,
        "path": wording.sanitize(weight.path),
        "shape": wording.shape(weight.shape),
        "parameters": weight.parameters,
        "trainable": weight.trainable,
        **({"replaced": True} if weight.replaced else {}),
        "cells": [_cell(context, column.cell(row)) for column in columns],
    }


def _variable(context: PageContext, variable: Variable) -> dict[str, Any]:
    name, *texts = (column.text(context.trace, variable) for column in VARIABLE_COLUMNS)
    call = None if variable.call is None else context.call_numbers.get(variable.call)
    if call is None:
        return {"call": None, "cells": [name, *texts]}
    led = {"text": name, "call": call, "hint": TO_MAKER, "ended": True}
    return {"call": call, "cells": [led, *texts]}


def _cell(context: PageContext, cell: Cell | None) -> Any:
    """A cell of the table of weights: its text, and if there is more to it, all of that."""
    if cell is None or not (cell.owner or cell.call):
        return cell.text if cell else ""
    data = {
        "text": cell.text,
        "owner": cell.owner,
        "call": _position(context, cell.call),
        "hint": cell.hint,
        "ended": cell.ended,
    }
    return {key: value for key, value in data.items() if value not in (None, "", False)}


def _position(context: PageContext, call: Call | None) -> int | None:
    """Where the page has a call among its calls, if it has."""
    return context.call_numbers.get(call.id) if call else None
