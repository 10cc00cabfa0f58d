"""The graph as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.caption import TIMES, joined, without_middle
from buildtrace.renderers.drawing.diagram import Box, boxes
from buildtrace.renderers.drawing.kinds import FADED, FAILED_MARK, INK, KINDS, PALE
from buildtrace.renderers.drawing.levels import diagrams
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import BoxRow, Diagram, Group, Member
    from buildtrace.traces.trace import Trace

MOST_EDGES = 500
"""Mermaid refuses to draw more edges unless its page is configured otherwise."""


def render(trace: Trace, options: Options) -> str:
    """The file's content: the finest picture that Mermaid will draw."""
    for diagram in diagrams(trace, options):
        if len(diagram.connections) <= MOST_EDGES:
            break
    return source(diagram)


def source(diagram: Diagram) -> str:
    """The diagram in Mermaid's language; the same diagram gives the same text."""
    return "\n".join(["flowchart TD", *_body(diagram), ""])


def _body(diagram: Diagram) -> Iterator[str]:
    for note in diagram.notes:
        yield f"%% {note}"
    sending = {connection.source for connection in diagram.connections}
    yield from _members(diagram.models, "  ", sending)
    for connection in diagram.connections:
        label = f'|"{_text(connection.label)}"|' if connection.label else ""
        yield f"  {connection.source} -->{label} {connection.target}"
    yield from _classes(diagram)


def _members(members: Iterable[Member], indent: str, sending: set[str]) -> Iterator[str]:
    for member in members:
        if isinstance(member, Box):
            label = _label(member, member.id in sending)
            yield f'{indent}{member.id}["{label}"]:::{_class(member)}'
        else:
            yield f'{indent}subgraph {member.id}["{_title(member)}"]'
            yield f"{indent}  direction TB"  # without it, Mermaid turns a frame on its side
            yield from _members(member.members, indent + "  ", sending)
            yield f"{indent}end"


def _title(group: Group) -> str:
    title = f"{FAILED_MARK} {_text(group.title)}" if group.failed else _text(group.title)
    return joined(title, _text(group.note))


def _label(box: Box, sends: bool) -> str:
    """The layers of a box; what a single one sends is said by its connections."""
    if len(box.rows) == 1:
        row = box.rows[0]
        return _row(replace(row, shape="") if sends else row, "<br/>")
    return "<br/>".join(without_middle([_row(row, " ") for row in box.rows]))


def _row(row: BoxRow, between: str) -> str:
    facts = joined(
        row.class_name,
        row.shape,
        wording.count(row.parameters, "parameter") if row.parameters else "",
        row.note,
        "not built" if row.faded else "",
    )
    title = f"{FAILED_MARK} {_text(row.title)}" if row.failed else _text(row.title)
    return f"<b>{title}</b>{between}{_text(facts)}"


def _text(words: str) -> str:
    """The words with all that could mean anything to Mermaid, Markdown or HTML as codes."""
    # A code for "_" and "." too: "_x_" and "1. x" are Markdown, but not inside of a name.
    return re.sub(rf"[^\w ,()…·{TIMES}]|\b_|_\b", lambda m: f"#{ord(m[0])};", words)


def _class(box: Box) -> str:
    kinds = {row.kind.name for row in box.rows}
    name = kinds.pop() if len(kinds) == 1 else "several"
    return name if box.built or box.failed else "unbuilt"


def _classes(diagram: Diagram) -> Iterator[str]:
    used = {_class(box) for box in boxes(diagram.models)}
    for kind in KINDS:
        if kind.name in used:
            yield f"  classDef {kind.name} fill:{kind.fill},stroke:{kind.border},color:{INK}"
    if "several" in used:
        yield f"  classDef several fill:#FFFFFF,stroke:{FADED},color:{INK},text-align:left"
    if "unbuilt" in used:
        look = f"fill:{PALE},stroke:{FADED},color:{FADED},stroke-dasharray:5 5"
        yield f"  classDef unbuilt {look}"
