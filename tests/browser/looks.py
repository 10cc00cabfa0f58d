"""What is read off a page, and how it has to fit the trace."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest

from browser import expected

HERE = Path(__file__).parent
SEEN, CONTRAST = (
    (HERE / name).read_text().strip().rstrip(";") for name in ("seen.js", "contrast.js")
)

STILL = {"reduced_motion": "reduce"}
"""So that no color is seen on its way."""

PARTS = {"input": "1 The input", "graph": "3 The graph"}


def check(trace, shown, moment, number, count):
    """Every pane is right at this moment."""
    call, ended = moment.call, moment.ended
    layer = call.layer
    inputs, outputs = expected.shapes(call.inputs), expected.shapes(call.outputs)
    # The card.
    assert shown["step"] == call.step
    assert shown["verb"] == ("Done:" if ended else "Enter")
    assert shown["name"] == call.name
    assert shown["layer"] == (f"{layer.name} {layer.class_name}" if layer else None)
    assert shown["summary"] == trace.landmark(call).summary.replace("`", "")
    told = [tuple(fact) for fact in shown["facts"] if fact[0] != "took"]
    assert told == expected.facts(trace, moment)
    # The tree.
    row = shown["row"]
    around = expected.stack(trace, call)
    assert (row["name"], row["layer"]) == (call.name, layer.name if layer else None)
    assert row["level"] == len(around)
    assert row["inside"]
    if ended and outputs:
        assert row["shape"] == f"{inputs} → {outputs}".strip()
    else:
        assert row["shape"] == (inputs or None)
    weights = [f"{w.name} {w.shape}" for w in trace.weights if w.call == call.id]
    assert row["weights"] == (weights if ended else [])
    # No row is folded, so that the n-th row is the n-th call.
    for row_number, state in shown["rows"].items():
        id_ = int(row_number)
        assert state == (
            "done" if id_ in moment.over else "open" if id_ in moment.begun else "todo"
        )
    assert len(shown["rows"]) > 5
    # The stack, and the source of its innermost function.
    inner = [None, *around]
    lines = [expected.marked_line(trace, c, i) for c, i in zip(around, inner, strict=False)]
    assert [name for name, _ in shown["stack"]] == [c.name for c in around]
    assert [int(place.split(":")[1]) for _, place in shown["stack"]] == lines
    assert shown["head"] == call.name
    line, text = shown["source"]
    assert line == lines[0]
    assert text == linecache.getline(call.file, lines[0]).strip()
    assert shown["user"][0] == call.caller.line
    assert shown["user"][1] == linecache.getline(call.caller.file, call.caller.line).rstrip()
    # The graph: dashes and shadows first, and in the end all of it.
    names = [node.name for node in trace.graphs[0].nodes]
    assert sorted(shown["boxes"]) == sorted(names)
    for name in names:
        seen, full = expected.layer_state(trace, moment, name)
        assert shown["boxes"][name]["seen"] == seen, name
        assert shown["boxes"][name]["full"] == pytest.approx(full), name
    at_work = [c.layer.name for c in around if c.layer and c.layer.name in names]
    active = [name for name, box in shown["boxes"].items() if box["active"]]
    assert active == at_work[:1]
    targets = [names[edge.target] for edge in trace.graphs[0].edges]
    states = [expected.edge_state(trace, moment, name) for name in targets]
    assert sorted(shown["edges"]) == sorted(states)
    # The totals, and the controls.
    done = [w for w in trace.weights if w.call in moment.over]
    size = sum(w.parameters for w in done)
    assert shown["weights"].startswith(f"{len(done)} of 4 made · {size:,} of 407,050 parameters")
    assert shown["count"] == count
    assert shown["slider"] == number
    assert shown["part"] == PARTS.get(call.step, "2 The layers")
