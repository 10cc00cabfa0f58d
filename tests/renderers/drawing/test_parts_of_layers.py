"""Layers whose parts are known, and not how the tensors go between them."""

from __future__ import annotations

import json

import msgspec
import pygraphviz
import pytest
from renderers import graphs
from renderers.drawing import wiring

from buildtrace import renderers
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import dot, mermaid
from buildtrace.renderers.drawing.diagram import NodeRef, boxes
from buildtrace.renderers.drawing.levels import LEVELS, diagrams
from buildtrace.renderers.drawing.topology import diagram_of
from buildtrace.traces.schema import LayerRef, LayerState

UNSEEN = "the flow inside of Decoder was not seen"


def decoders(blocks=3):
    """Decoder blocks of an attention, which has two parts, and a norm; each reads a mask."""
    model, states = graphs.Model("backbone"), []
    ids, mask = model.add("ids", "InputLayer"), model.add("mask", "InputLayer")
    last = model.add("embedding", "Embedding", ids)
    for number in range(blocks):
        last = model.add(f"block_{number}", "Decoder", last, mask)
        block = 10_000 + 10 * number
        names = ("attention", "Attention"), ("norm", "Norm"), ("query", "Dense"), ("key", "Dense")
        attention, norm, query, key = (
            LayerRef(id=block + n, name=name, class_name=class_name)
            for n, (name, class_name) in enumerate(names)
        )
        outer = LayerRef(id=model.nodes[last].layer, name=f"block_{number}", class_name="Decoder")
        held = (outer, (attention, norm)), (attention, (query, key))
        states += [LayerState(layer=a, after=0, built=True, children=b) for a, b in held]
    model.add("out", "Norm", last)
    return msgspec.structs.replace(graphs.trace(model), states=tuple(states))


def test_a_block_is_one_box_unless_everything_is_asked_for():
    assert "query" not in dot.render(decoders(), Options())
    source = dot.render(decoders(), Options(full=True))
    assert source.count("<B>query</B>") == source.count("<B>norm</B>") == 3
    assert UNSEEN in source
    closed = dot.render(decoders(), Options(full=True, depth=1))
    assert "query" not in closed
    assert UNSEEN not in closed


def test_connections_end_at_the_frame_of_a_block():
    graph = pygraphviz.AGraph(string=dot.render(decoders(), Options(full=True)))
    assert graph.graph_attr["compound"] == "true"
    ends = [
        (edge.attr["ltail"] or edge[0], edge.attr["lhead"] or edge[1]) for edge in graph.edges()
    ]
    frames = [f"cluster_m1_{n}" for n in (3, 4, 5)]
    begin = [("m1_0", "m1_2"), ("m1_2", frames[0])]
    inner = list(zip(frames, [*frames[1:], "m1_6"], strict=True))
    assert sorted(ends) == sorted([*begin, *inner, *(("m1_1", frame) for frame in frames)])
    assert b"<svg" in renderers.content(decoders(), "svg", Options(full=True))
    source = mermaid.render(decoders(), Options(full=True))
    assert 'm1_4 -->|"(None, 8)"| m1_5' in source


@pytest.mark.parametrize("blocks", [3, 40])
def test_opened_blocks_are_folded_as_closed_ones_are(blocks):
    trace = decoders(blocks)
    for coarsen in LEVELS:
        diagram = diagram_of(trace, Options(full=True), coarsen)
        assert len(wiring.places(diagram)) == 4 + 3 * blocks
    (frame,) = wiring.frames(diagram.models).values()
    assert frame.repeats == blocks
    assert [row.title for box in boxes([frame]) for row in box.rows] == ["query", "key", "norm"]
    assert len(list(diagrams(trace, Options(full=True)))) > 1


def test_the_page_and_other_viewers_know_the_parts():
    page = renderers.content(decoders(), "html", Options(full=True))
    assert "query" in str(page)
    (graph,) = json.loads(renderers.content(decoders(), "model-explorer", Options()))["graphs"]
    ids = {node["id"] for node in graph["nodes"]}
    sent = {edge["sourceNodeId"] for node in graph["nodes"] for edge in node["incomingEdges"]}
    assert sent <= ids


def test_no_layer_holds_itself():
    trace = decoders(1)
    (block, attention) = trace.states
    loop = msgspec.structs.replace(attention, children=(block.layer, attention.layer))
    trace = msgspec.structs.replace(trace, states=(block, loop))
    (diagram, *_) = diagrams(trace, Options(full=True))
    refs = [ref for box in boxes(diagram.models) for row in box.rows for ref in row.node_refs]
    assert NodeRef(block.layer.id, 1) in refs


def test_a_model_inside_of_a_layer_is_drawn_there_and_not_beside_it():
    trace = decoders(2)
    (*_, attention) = trace.states
    inner = graphs.mlp("projection", id=attention.children[0].id)
    trace = msgspec.structs.replace(trace, graphs=(*trace.graphs, inner.graph()))
    (diagram, *_) = diagrams(trace, Options())
    assert [model.title for model in diagram.models] == ["backbone"]
    assert diagram.notes == ("models inside of other layers: projection",)
    (whole, *_) = diagrams(trace, Options(full=True))
    assert [model.title for model in whole.models] == ["backbone"]
    rows = [row.title for box in boxes(whole.models) for row in box.rows]
    assert rows.count("pixels") == 1
    (alone, *_) = diagrams(trace, Options(model="projection"))
    assert [model.title for model in alone.models] == ["projection"]


def test_many_parts_that_nothing_connects_stand_in_rows():
    model = graphs.Model()
    for number in range(10):
        model.add(f"part_{number}", f"Kind{number}")
    graph = pygraphviz.AGraph(string=dot.render(graphs.trace(model), Options(full=True)))
    assert all(edge.attr["style"] == "invis" for edge in graph.edges())
    graph.layout(prog="dot")
    heights = {node.attr["pos"].split(",")[1] for node in graph.nodes()}
    assert len(heights) == 3
