"""The graph as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.caption import TIMES, joined
from buildtrace.renderers.drawing.columns import MOST_ROWS
from buildtrace.renderers.drawing.diagram import Box, boxes
from buildtrace.renderers.drawing.kinds import KINDS
from buildtrace.renderers.drawing.picture import diagrams
from buildtrace.renderers.text.format import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Diagram, Group, Member, Row
    from buildtrace.traces.trace import Trace

MOST_LINES = 500
"""Mermaid refuses to draw more edges unless its page is configured otherwise."""

INK = "#111827"


def render(trace: Trace, options: Options) -> str:
    """The file's content: the finest picture that Mermaid will draw."""
    for diagram in diagrams(trace, options):
        if len(diagram.lines) <= MOST_LINES:
            break
    return source(diagram)


def source(diagram: Diagram) -> str:
    """The diagram in Mermaid's language; the same diagram gives the same text."""
    return "\n".join(["flowchart TD", *_body(diagram), ""])


def _body(diagram: Diagram) -> Iterator[str]:
    for note in diagram.notes:
        yield f"%% {note}"
    sending = {line.source for line in diagram.lines}
    yield from _members(diagram.models, "  ", sending)
    for line in diagram.lines:
        label = f'|"{_text(line.label)}"|' if line.label else ""
        yield f"  {line.source} -->{label} {line.target}"
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
    return joined(_text(group.title), _text(group.note))


def _label(box: Box, sends: bool) -> str:
    """The layers of a box; what a single one sends is said by its lines."""
    if len(box.rows) == 1:
        row = box.rows[0]
        return _row(replace(row, shape="") if sends else row, "<br/>")
    lines = [_row(row, " ") for row in box.rows]
    left = len(lines) - MOST_ROWS
    if left > 1:
        half = MOST_ROWS // 2
        lines = [*lines[:half], f"… {left} more layers …", *lines[half + left :]]
    return "<br/>".join(lines)


def _row(row: Row, between: str) -> str:
    facts = joined(
        row.class_name,
        row.shape,
        count(row.parameters, "parameter") if row.parameters else "",
        row.note,
        "" if row.built else "not built",
    )
    return f"<b>{_text(row.title)}</b>{between}{_text(facts)}"


def _text(words: str) -> str:
    """The words with all that could mean anything to Mermaid, Markdown or HTML as codes."""
    # A code for "_" and "." too: "_x_" and "1. x" are Markdown, but not inside of a name.
    return re.sub(rf"[^\w ,()…·{TIMES}]|\b_|_\b", lambda m: f"#{ord(m[0])};", words)


def _class(box: Box) -> str:
    kinds = {row.kind.name for row in box.rows}
    name = kinds.pop() if len(kinds) == 1 else "several"
    return name if box.built else "unbuilt"


def _classes(diagram: Diagram) -> Iterator[str]:
    used = {_class(box) for box in boxes(diagram.models)}
    for kind in KINDS:
        if kind.name in used:
            yield f"  classDef {kind.name} fill:{kind.fill},stroke:{kind.line},color:{INK}"
    if "several" in used:
        yield f"  classDef several fill:#FFFFFF,stroke:#6B7280,color:{INK},text-align:left"
    if "unbuilt" in used:
        yield "  classDef unbuilt fill:#FAFAFA,stroke:#6B7280,color:#6B7280,stroke-dasharray:5 5"
