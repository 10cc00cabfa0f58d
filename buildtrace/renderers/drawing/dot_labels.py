"""Boxes, frames and the legend as Graphviz' HTML-like labels.

Nothing but `text` and `tooltip` may bring a name into a label: they take all meaning from it.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import weight_areas
from buildtrace.renderers.drawing.caption import joined, without_middle
from buildtrace.renderers.drawing.diagram import boxes
from buildtrace.renderers.drawing.kinds import FADED, FAILED, FAILED_MARK, INK, KINDS, PALE
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.renderers.drawing.diagram import Box, BoxRow, Diagram, Group

_TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
_TOOLTIP_LENGTH = 400

AGAIN = "called again: nothing is built"
"""What a page says in the box of a later call of a layer: its script fills that one at once."""


def text(words: str) -> str:
    r"""The words as text of an HTML-like label; a `\N` in them is no name of a node either."""
    return html.escape(words).replace("\\", "\\\\")


def tooltip(words: str) -> str:
    r"""The words as a tooltip. Graphviz reads backslashes twice here, once for each writer."""
    import graphviz

    if len(words) > _TOOLTIP_LENGTH:
        words = words[: _TOOLTIP_LENGTH - 1] + "…"
    return str(graphviz.escape(words.replace("\\", "\\\\").replace("&", "&amp;")))


def box(drawn: Box, says_shape: bool, live: bool = False, weights: bool = False) -> dict[str, str]:
    """The attributes of a box.

    Args:
        drawn: the box.
        says_shape: whether it says its output's shape because no connection does.
        live: whether a page shows how it comes to be.
        weights: whether it has its weights in it then.
    """
    tip = tooltip(joined(*(row.tooltip for row in drawn.rows)))
    if len(drawn.rows) > 1:
        return {"label": f"<{_run(drawn, says_shape)}>", "shape": "plain", "tooltip": tip}
    row = drawn.rows[0]
    look = {"style": "filled,rounded", "fillcolor": row.kind.fill, "color": row.kind.border}
    if row.failed:
        look["penwidth"] = "3"
    elif row.faded:
        look = {"style": "filled,rounded,dashed", "fillcolor": PALE, "color": row.kind.border}
    more = _areas(drawn) if weights else ""
    label = _single(row, says_shape, AGAIN if live and row.again else "", more)
    return {"label": f"<{label}>", "tooltip": tip, "margin": "0.12,0.05", **look}


def _single(row: BoxRow, says_shape: bool, again: str, more: str) -> str:
    """One layer, a line for each thing to say; `more` is what stands below these."""
    color = FADED if row.faded else INK
    title = f"{FAILED_MARK} {row.title}" if row.failed else row.title
    lines = [
        _font(_bold(title), color),
        _font(text(joined(row.class_name, _parameters(row))), color, 11),
        _font(text(joined(row.note, "not built" if row.faded else "")), color, 10),
        _font(text(again), color, 10),
        _font(text(row.shape if says_shape else ""), color, 10),
        more,
    ]
    return f"{_TABLE}{_rows(lines)}</TABLE>"


def _areas(drawn: Box) -> str:
    """The weights of a box, each as an area and its name; both have an id with the weight's in it.

    An area is a table of its own, since a cell grows with the others of its row.
    """
    rows = []
    areas, more = weight_areas.areas(drawn)
    fill = drawn.rows[0].kind.border
    for area in areas:
        id_ = f"{drawn.id}-w{area.weight}"
        tip = text(area.tooltip[:_TOOLTIP_LENGTH])
        rectangle = (
            f'<TABLE ID="{id_}-0" TITLE="{tip}" BORDER="0" CELLBORDER="0" CELLSPACING="0" '
            f'CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="{area.width}" HEIGHT="{area.height}" '
            f'BGCOLOR="{fill}"><TR><TD></TD></TR></TABLE>'
        )
        label = _font(text(area.label), INK, 10)
        rows.append(
            f'<TR><TD WIDTH="{weight_areas.LONGEST}">{rectangle}</TD>'
            f'<TD ID="{id_}-1" TITLE="{tip}" ALIGN="LEFT">{label}</TD></TR>'
        )
    if more:
        label = _font(text(f"and {wording.count(more, 'more weight')}"), INK, 10)
        rows.append(f'<TR><TD></TD><TD ALIGN="LEFT">{label}</TD></TR>')
    return f"{_TABLE}{''.join(rows)}</TABLE>" if rows else ""


def _run(drawn: Box, says_shape: bool) -> str:
    """Several layers, a row each; a shape is said where it changes."""
    rows = list(drawn.rows)
    texts = []
    for number, row in enumerate(rows):
        is_last = number == len(rows) - 1
        changes = not is_last and row.shape != rows[number + 1].shape
        shape = row.shape if changes or (is_last and says_shape) else ""
        texts.append(_row(row, shape, f"{drawn.id}-{number}"))
    style = "" if drawn.built else ' STYLE="dashed"'
    return (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{FADED}"{style}>'
        f"{''.join(without_middle(texts, _gap))}</TABLE>"
    )


def _gap(words: str) -> str:
    return f'<TR><TD COLSPAN="3" BGCOLOR="white">{_font(words, FADED, 10)}</TD></TR>'


def _row(row: BoxRow, shape: str, id_: str) -> str:
    """A row of a box; each of its cells has an id that begins with the row's."""
    color = FADED if row.faded else INK
    fill = PALE if row.faded else row.kind.fill
    note = joined(row.note, "not built" if row.faded else "")
    name = _font(_bold(row.title), color, 11)
    kind = _font(text(joined(row.class_name, note)), color, 11)
    facts = _font(text(joined(shape, f"{row.parameters:,}" if row.parameters else "")), color, 10)
    cells = [("LEFT", name), ("LEFT", kind), ("RIGHT", facts)]
    tip = text(row.tooltip[:_TOOLTIP_LENGTH])
    return "<TR>{}</TR>".format(
        "".join(
            f'<TD ID="{id_}-{number}" TITLE="{tip}" ALIGN="{side}" BGCOLOR="{fill}">{words}</TD>'
            for number, (side, words) in enumerate(cells)
        )
    )


def _parameters(row: BoxRow) -> str:
    return wording.count(row.parameters, "parameter") if row.parameters else ""


def _font(words: str, color: str, size: int = 12) -> str:
    return f'<FONT COLOR="{color}" POINT-SIZE="{size}">{words}</FONT>' if words.strip() else ""


def _bold(words: str) -> str:
    return f"<B>{text(words)}</B>" if words.strip() else ""


def _rows(lines: Iterable[str], look: str = "") -> str:
    """A table's rows, one for each line that says something; Graphviz refuses a table without."""
    rows = [f"<TR><TD{look}>{line}</TD></TR>" for line in lines if line]
    return "".join(rows) or "<TR><TD></TD></TR>"


def group(drawn: Group) -> dict[str, str]:
    """The attributes of a frame."""
    repeated = drawn.repeats > 1
    style = "rounded,filled" if drawn.built else "rounded,filled,dashed"
    color = INK if drawn.built or drawn.failed else FADED
    title = f"{FAILED_MARK} {drawn.title}" if drawn.failed else drawn.title
    lines = (_font(_bold(title), color, 13), _font(text(drawn.note), color, 10))
    rows = _rows(lines, ' ALIGN="LEFT"')
    border, width = ("#B45309", "2") if repeated else (FADED, "1")
    if drawn.failed:
        border, width = FAILED.border, "3"
    return {
        "label": f"<{_TABLE}{rows}</TABLE>>",
        "labeljust": "l",
        "style": style,
        "fillcolor": "#FFFBEB" if repeated else PALE,
        "color": border,
        "penwidth": width,
        "peripheries": "1",
        "margin": "10",
        "tooltip": tooltip(joined(drawn.title, drawn.note)),
    }


def header(diagram: Diagram) -> str:
    """What stands above the picture: the model if there is one only, the legend, the notes."""
    lines = []
    if len(diagram.models) == 1:
        model = diagram.models[0]
        lines.append(_font(_bold(model.title), INK, 18))
        lines.append(_font(text(model.note), INK, 12))
    lines += [_font(text(note), FADED, 11) for note in diagram.notes]
    lines.append(_legend(diagram))
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">'
    return f"<{table}{_rows(lines)}</TABLE>>"


def _legend(diagram: Diagram) -> str:
    """The kinds that are in the picture; "" if nothing is."""
    rows = [row for drawn in boxes(diagram.models) for row in drawn.rows]
    used = {row.kind for row in rows}
    cells = [
        f'<TD BORDER="1" COLOR="{kind.border}" BGCOLOR="{kind.fill}">'
        f"{_font(text(kind.title), INK, 10)}</TD>"
        for kind in KINDS
        if kind in used
    ]
    if any(row.faded for row in rows):
        cells.append(f'<TD BORDER="1" STYLE="dashed">{_font("not built", FADED, 10)}</TD>')
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3">'
    return f"{table}<TR>{''.join(cells)}</TR></TABLE>" if cells else ""
