from __future__ import annotations

import dataclasses
import json
from collections import Counter

import made_traces
import pytest
from renderers import graphs

import buildtrace
from buildtrace.errors import RenderError, UsageError
from buildtrace.renderers import Options
from buildtrace.renderers.export import model_explorer


def content(trace, options=None):
    return json.loads(model_explorer.render(trace, options or Options()))["graphs"]


def by_label(graph):
    return {node["label"]: node for node in graph["nodes"]}


def attributes(node):
    return {item["key"]: item["value"] for item in node["attrs"]}


def test_mlp():
    (graph,) = content(made_traces.mlp3())
    nodes = by_label(graph)
    assert graph["id"] == "sequential"
    assert list(nodes) == ["input_layer", "dense", "dense_1"]
    assert attributes(nodes["dense"]) == {
        "class": "Dense",
        "name": "dense",
        "parameters": "401,920",
        "weight kernel": "(784, 512) · float32 · GlorotUniform",
        "weight bias": "(512,) · float32 · Zeros",
        "depth": "1",
        "built": "yes",
    }
    (output,) = nodes["dense"]["outputsMetadata"]
    assert output["id"] == "0"
    assert attributes(output) == {"shape": "(None, 512)", "dtype": "float32"}
    assert nodes["dense_1"]["incomingEdges"] == [
        {"sourceNodeId": nodes["dense"]["id"], "sourceNodeOutputId": "0", "targetNodeInputId": "0"}
    ]
    assert graph["groupNodeAttributes"][""] == {"model": "Sequential · 407,050 parameters"}


def test_edges_go_into_nested_models():
    (graph,) = content(graphs.trace(*graphs.siamese()))
    nodes = by_label(graph)
    assert nodes["inner_dense"]["namespace"] == "features"
    assert nodes["left"]["namespace"] == ""
    (edge,) = nodes["inner_input"]["incomingEdges"]
    assert edge["sourceNodeId"] == nodes["left"]["id"]
    again = nodes["features"]  # the second call of the same model
    assert attributes(again)["note"] == "call 2 of 2"
    sources = [edge["sourceNodeId"] for edge in nodes["difference"]["incomingEdges"]]
    assert sources == [nodes["inner_dense"]["id"], again["id"]]
    inputs = [edge["targetNodeInputId"] for edge in nodes["difference"]["incomingEdges"]]
    assert inputs == ["0", "1"]


def test_every_layer_is_a_node():
    (graph,) = content(graphs.trace(graphs.residual(40)))
    assert len(graph["nodes"]) == 1 + 40 * 4 + 1


def test_blocks_are_namespaces_with_all_their_layers():
    (graph,) = content(graphs.trace(graphs.residual(6)))
    inside = Counter(node["namespace"] for node in graph["nodes"])
    assert inside == {"": 2} | {f"block{number}": 4 for number in range(6)}
    assert graph["groupNodeAttributes"]["block3"] == {"block": "4 layers · 110 parameters"}


def test_blocks_in_a_nested_model_are_inside_of_it():
    inner = graphs.residual(6)
    outer = graphs.Model("outer", id=2000)
    first = outer.add("picture", "InputLayer")
    outer.add("residual", "Functional", first, layer=inner.ref.id, kind="model")
    (graph,) = content(graphs.trace(outer, inner))
    inside = Counter(node["namespace"] for node in graph["nodes"])
    assert inside["residual/block5"] == 4
    attributes = graph["groupNodeAttributes"]
    assert [*attributes["residual"], *attributes["residual/block5"]] == ["model", "block"]


def test_labels_are_in_letters_that_its_font_has():
    model = graphs.Model("m")
    model.add("a" * 100, "Dense", model.add("x", "InputLayer"))
    (graph,) = content(graphs.trace(model))
    assert all(node["label"].isascii() for node in graph["nodes"])


def test_a_layer_that_is_not_built_says_so():
    late = by_label(content(made_traces.towers())[0])["late"]
    assert attributes(late)["built"] == "no"


def test_names_that_are_the_same_are_told_apart():
    model = graphs.Model("outer", id=1)
    inner = [graphs.Model("a/b", "Sequential", id=100 * n) for n in (2, 3)]
    for nested in inner:
        nested.add("x", "Dense")
        model.add("a/b", "Sequential", layer=nested.ref.id, kind="model")
    (graph,) = content(graphs.trace(model, *inner))
    assert [node["namespace"] for node in graph["nodes"]] == ["a|b", "a|b (2)"]
    assert len({node["id"] for node in graph["nodes"]}) == 2
    twins = content(graphs.trace(graphs.mlp(id=10), graphs.mlp(id=20)))
    assert [graph["id"] for graph in twins] == ["mlp", "mlp (2)"]


def test_every_edge_comes_from_a_node():
    for trace in (made_traces.towers(), made_traces.evil(), graphs.trace(*graphs.siamese())):
        for graph in content(trace):
            ids = {node["id"] for node in graph["nodes"]}
            edges = [edge for node in graph["nodes"] for edge in node["incomingEdges"]]
            assert edges
            assert {edge["sourceNodeId"] for edge in edges} <= ids


@pytest.mark.parametrize("name", graphs.NASTY)
def test_names_are_short_and_visible(name):
    model = graphs.Model(name)
    model.add(name, name, model.add(name, "InputLayer"))
    (graph,) = content(graphs.trace(model))
    for node in graph["nodes"]:
        assert len(node["label"]) < 50
        assert node["label"].isprintable()


def test_without_a_model_there_is_nothing_to_explore():
    with pytest.raises(RenderError, match="no model was built"):
        model_explorer.render(buildtrace.Trace(), Options())
    with pytest.raises(UsageError, match="no model named x"):
        model_explorer.render(made_traces.mlp3(), Options(model="x"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [made_traces.mlp2, made_traces.mlp3, made_traces.evil, made_traces.towers]
)
def test_model_explorers_own_classes_accept_it(make):
    reason = 'pip install ".[formats]"'
    builder = pytest.importorskip("model_explorer.graph_builder", reason=reason)
    dacite = pytest.importorskip("dacite", reason=reason)
    text = model_explorer.render(make(), Options())
    strict = dacite.Config(strict=True)
    read = dacite.from_dict(builder.GraphCollection, json.loads(text), config=strict)
    assert dataclasses.asdict(read)["graphs"][0]["nodes"][0]["label"]
    wrong = json.loads(text) | {"more": 1}
    with pytest.raises(dacite.UnexpectedDataError):
        dacite.from_dict(builder.GraphCollection, wrong, config=strict)
