import re

import made_traces
import pytest
from msgspec.structs import replace
from renderers import graphs

from buildtrace.renderers import Options, to_text
from buildtrace.renderers.text.lanes import Lanes


def draw(order, edges, dot="●"):
    sources = {node: [a for a, b in edges if b == node] for node in order}
    lanes = Lanes(order, sources)
    return [lanes.draw(node, dot) for node in order]


def test_a_chain_is_one_lane():
    assert draw([0, 1, 2], [(0, 1), (1, 2)]) == ["●", "●", "●"]


def test_a_skip_keeps_its_lane_until_it_joins():
    edges = [(0, 1), (1, 2), (0, 3), (2, 3)]
    assert draw([0, 1, 2, 3], edges) == ["●", "├─●", "│ ●", "●─╯"]


def test_two_inputs_stand_side_by_side():
    assert draw([0, 1, 2], [(0, 2), (1, 2)]) == ["●", "│ ●", "●─╯"]


def test_a_lane_that_is_crossed_goes_on():
    edges = [(0, 3), (1, 4), (2, 3), (3, 4)]
    drawing = draw([0, 1, 2, 3, 4], edges)
    assert drawing == ["●", "│ ●", "│ │ ●", "●─┼─╯", "●─╯"]


def test_a_connection_that_goes_upwards_is_left_out():
    assert draw([0, 1], [(1, 0)]) == ["●", "●"]


def test_every_node_has_its_row():
    lines = to_text(made_traces.towers(), Options(views=("graph",)), width=100).splitlines()
    assert lines[0] == "two_towers (Functional)"
    assert lines[1].startswith("7 nodes · 6 connections")
    names = ["left", "right", "shared", "shared", "add", "head", "head_input", "inner", "late"]
    assert [_name(text) for text in lines[3:]] == names
    assert lines[6].split().count("shared") == 2  # its name, and in the place of its parameters
    assert "operation" in lines[7]
    assert "not built" in lines[-1]
    assert lines[7].endswith("2, 3")


def test_a_wrapper_counts_the_weights_made_in_it():
    recording = made_traces.Recording()
    wrapper, cell = recording.layer("wrapper", "Bidirectional"), recording.layer("cell", "Cell")
    with recording.call("Bidirectional.build", wrapper), recording.call("Cell.build", cell):
        recording.add_weight(cell, "kernel", (100, 10))
    given = made_traces.spec(None, 4)
    model, source = recording.layer("m", "Model"), recording.layer("in", "InputLayer")
    recording.graphs.append(made_traces.chain(model, (source, given), (wrapper, given)))
    lines = to_text(recording.trace(), Options(views=("graph",)), width=100).splitlines()
    assert "1,000" in next(text for text in lines if "Bidirectional" in text)


def _name(text):
    words = [word for word in text.split() if word[0].isalpha()]
    return words[0]


def test_a_nested_model_like_another_is_not_repeated():
    recording = made_traces.Recording()
    given = made_traces.spec(None, 4)
    source = recording.layer("in", "InputLayer")
    models = [recording.layer(f"block_{n}", "Block") for n in range(3)]
    for model in models:
        rows = [(recording.layer(f"{model.name}_{n}", "Dense"), given) for n in "ab"]
        recording.graphs.append(made_traces.chain(model, *rows))
    top = made_traces.chain(
        recording.layer("top", "Functional"), (source, given), *((m, given) for m in models)
    )
    recording.graphs.append(top)
    text = to_text(recording.trace(), Options(views=("graph",)), width=100)
    assert "block_0_b" in text
    assert "block_2_b" not in text
    assert "block_2 (inside as block_0)" in text
    full = to_text(recording.trace(), Options(views=("graph",), full=True), width=100)
    assert "block_2_b" in full


def shown(trace, **options):
    return to_text(trace, Options(views=("graph",), **options), width=120).splitlines()


def test_many_alike_nodes_are_one_row_and_none_is_lost():
    trace = made_traces.mlp3([16] * 500)
    lines = shown(trace)
    assert len(lines) < 20
    (gap,) = (text for text in lines if "more like" in text)
    nodes = [text for text in lines if re.match(r"[●○] ", text)]
    left, parameters = (
        int(n.replace(",", "")) for n in re.findall(r"(\d[\d,]*) (?:more|para)", gap)
    )
    assert left + len(nodes) == 501
    told = sum(
        int(n.replace(",", ""))
        for text in nodes
        for n in re.findall(r"\) +([\d,]+) ", text)[-1:]
        if "Dense" in text
    )
    assert told + parameters == trace.parameters
    assert lines[-1] == f"Folded: {left} of 501 rows; --full shows all."
    assert len(shown(trace, full=True)) == 501 + 3


def test_after_a_gap_the_lines_go_on():
    lines = shown(graphs.trace(graphs.residual(blocks=60)))
    row = next(number for number, text in enumerate(lines) if "more like" in text)
    assert lines[row].startswith(("│  ", "● "))
    origin = lines[row + 1][lines[2].index("from") :]
    assert origin.strip() == "240"  # it is not the row above, so it is said
    assert len(lines) < 60


@pytest.mark.parametrize("layers", [100, 1_000])
def test_a_model_of_which_no_two_layers_are_alike_is_cut_in_the_middle(layers):
    model = graphs.Model()
    last = model.add("in", "InputLayer")
    for number in range(layers):
        last = model.add(f"layer_{number}", f"Kind{number}", last)
    lines = shown(graphs.trace(model))
    assert len(lines) < 110
    assert f"layer_{layers - 1}" in "".join(lines)


def test_what_failed_is_told_from_what_is_not_built():
    model = graphs.Model()
    model.add("bad", "Dense", model.add("in", "InputLayer"), failed=True, built=False)
    model.add("later", "Dense", built=False)
    graph = replace(model.graph(built=False), unfinished=True)
    lines = shown(replace(graphs.trace(model), graphs=(graph,)))
    assert "An exception ended the build: this is as far as it came." in lines
    bad, later = (next(text for text in lines if name in text) for name in ("bad", "later"))
    assert bad.startswith("✗ ")
    assert "failed" in bad
    assert "not built" not in bad
    assert "not built" in later
