from __future__ import annotations

import re

import pygraphviz
import pytest
from renderers import graphs

from buildtrace.errors import RenderError, UsageError
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import dot
from buildtrace.renderers.drawing.caption import TIMES
from buildtrace.traces.trace import Trace


def parsed(trace, **options):
    return pygraphviz.AGraph(string=dot.render(trace, Options(**options)))


def labels(graph):
    return " ".join(str(node.attr["label"]) for node in graph.nodes())


def test_mlp_has_its_layers_shapes_and_parameters():
    graph = parsed(graphs.trace(graphs.mlp()))
    assert len(graph.nodes()) == 3
    assert [str(edge.attr["label"]).strip() for edge in graph.edges()] == [
        "(None, 784)",
        "(None, 512)",
    ]
    text = labels(graph)
    assert "hidden" in text
    assert "401,920 parameters" in text
    assert "(None, 10)" in text  # no edge says the shape of the output
    assert "407,050 parameters" in graph.graph_attr["label"]


def test_same_trace_same_bytes():
    assert dot.render(graphs.trace(graphs.residual()), Options()) == dot.render(
        graphs.trace(graphs.residual()), Options()
    )


@pytest.mark.parametrize("name", graphs.NASTY)
def test_a_name_is_never_markup(name):
    model = graphs.Model(name)
    first = model.add(name, "InputLayer")
    model.add(name, name, first)
    source = dot.render(graphs.trace(model, graphs.mlp(id=5)), Options())
    graph = pygraphviz.AGraph(string=source)
    assert len(graph.nodes()) == 5
    assert "<script" not in labels(graph)
    assert len(source) < 20_000


def test_never_orthogonal_and_never_without_limits():
    source = dot.render(graphs.trace(graphs.mlp()), Options())
    assert "ortho" not in source
    assert re.search(r"\bnslimit=\d", source)
    assert re.search(r"\bnslimit1=\d", source)


def test_unbuilt_is_dashed_and_said():
    model = graphs.Model()
    first = model.add("first", "Dense")
    model.add("second", "Dense", first, built=False)
    graph = parsed(graphs.trace(model))
    looks = [(str(node.attr["style"]), str(node.attr["label"])) for node in graph.nodes()]
    (style, words), (unbuilt_style, unbuilt_words) = looks
    assert "dashed" not in style
    assert "not built" not in words
    assert "dashed" in unbuilt_style
    assert "not built" in unbuilt_words


def test_shared_layer_counts_once():
    model = graphs.Model()
    inputs = [model.add(name, "InputLayer") for name in "ab"]
    for index, source in enumerate(inputs):
        model.add("shared", "Dense", source, layer=7, index=index)
    model.weights.append((7, 1_000))
    text = labels(parsed(graphs.trace(model)))
    assert text.count("1,000 parameters") == 1
    assert "shared · call 1 of 2" in text
    assert "call 2 of 2" in text


def test_nested_model_is_a_cluster_inside_its_parent_only():
    graph = parsed(graphs.trace(*graphs.siamese()))
    (cluster,) = graph.subgraphs()
    assert "features" in cluster.graph_attr["label"]
    assert len(cluster.nodes()) == 2
    assert labels(graph).count("inner_dense") == 1
    assert labels(graph).count("1,234 parameters") == 1
    assert len(graph.edges()) == 5


def test_depth_closes_nested_models():
    graph = parsed(graphs.trace(*graphs.siamese()), depth=1)
    assert graph.subgraphs() == []
    assert "2 layers inside" in labels(graph)


def test_big_nested_model_is_closed_unless_all_is_asked_for():
    inner = graphs.residual(blocks=20)
    outer = graphs.Model("outer", id=5_000)
    first = outer.add("in", "InputLayer")
    outer.add("residual", "Functional", first, layer=inner.ref.id, kind="model")
    trace = graphs.trace(outer, inner)
    assert "82 layers inside" in labels(parsed(trace))
    assert len(parsed(trace, full=True).nodes()) > 82


def test_alike_blocks_are_drawn_once():
    source = dot.render(graphs.trace(graphs.residual(blocks=8)), Options())
    assert repeated(source) == [f"{TIMES} 8: block0 … block7"]
    assert "880 parameters in all" in source
    assert "block1_conv" not in source


def repeated(source):
    return re.findall(rf"<B>({TIMES} [^<]*)</B>", source)


def test_blocks_of_other_sizes_are_not_the_same():
    model = graphs.residual(blocks=8)
    odd = next(node.layer for node in model.nodes if node.name == "block4_conv")
    model.weights = [(layer, n + (layer == odd)) for layer, n in model.weights]
    source = dot.render(graphs.trace(model), Options())
    assert repeated(source) == [f"{TIMES} 4: block0 … block3", f"{TIMES} 3: block5 … block7"]
    assert "block4_conv" in source


def test_full_draws_every_layer():
    graph = parsed(graphs.trace(graphs.residual(blocks=8)), full=True)
    text = labels(graph)
    assert all(f"block{i}_{layer}" in text for i in range(8) for layer in ("conv", "norm", "add"))


def test_each_model_of_its_own_is_a_cluster_and_one_can_be_chosen():
    trace = graphs.trace(graphs.mlp("one"), graphs.mlp("two", id=500))
    assert len(parsed(trace).subgraphs()) == 2
    chosen = parsed(trace, model="two")
    assert len(chosen.nodes()) == 3
    assert "two" in chosen.graph_attr["label"]
    with pytest.raises(UsageError, match=r"three.*one, two"):
        dot.render(trace, Options(model="three"))


def test_nothing_built_is_an_error():
    with pytest.raises(RenderError, match="no model was built"):
        dot.render(Trace(), Options())


def test_a_cycle_and_an_edge_to_nowhere_do_no_harm():
    model = graphs.Model()
    for name in "ab":
        model.add(name, "Dense")
    tensor = graphs.spec(None, 1)
    model.edges = [
        graphs.Edge(source=s, target=t, tensor=tensor) for s, t in ((0, 1), (1, 0), (0, 99))
    ]
    assert len(parsed(graphs.trace(model)).edges()) == 2


def test_an_input_that_is_read_everywhere_does_not_keep_blocks_apart():
    model = graphs.Model()
    first = last = model.add("in", "InputLayer")
    for number in range(500):
        sources = (last, first) if number % 12 == 5 else (last,)
        last = model.add(f"layer{number}", "Add" if len(sources) > 1 else "Dense", *sources)
    source = dot.render(graphs.trace(model), Options())
    assert f"{TIMES} 41: layer0 … layer480" in source
    assert len(pygraphviz.AGraph(string=source)) < 10


def test_a_few_models_stand_side_by_side_and_many_in_rows():
    many = [graphs.mlp(f"model{number}", id=1000 * (number + 1)) for number in range(30)]
    for number, model in enumerate(many):
        last = 2
        for _ in range(number % 7):
            last = model.add(f"more_{last}", "Dense", last)
    assert "packmode" not in dot.render(graphs.trace(*many[:2]), Options())
    source = dot.render(graphs.trace(*many), Options(full=True))
    (across,) = re.findall(r"packmode=array_ut(\d+)", source)
    assert 2 < int(across) < 15
    graph = pygraphviz.AGraph(string=source)
    graph.layout(prog="dot")
    width, height = (float(side) for side in graph.graph_attr["bb"].split(",")[2:])
    assert 1 / 3 < width / height < 3


def test_a_model_without_layers_is_an_empty_frame():
    empty = graphs.Model("empty", id=5)
    assert len(parsed(graphs.trace(empty)).nodes()) == 0
    assert len(parsed(graphs.trace(empty, graphs.mlp())).nodes()) == 3


@pytest.mark.parametrize("blocks", [50, 300])
def test_a_big_model_is_some_dozens_of_boxes_that_stand_for_all_layers(blocks):
    trace = graphs.trace(graphs.residual(blocks=blocks))
    source = dot.render(trace, Options())
    boxes = len(pygraphviz.AGraph(string=source))
    assert boxes < 60
    assert f"{TIMES} {blocks}: block0 … block{blocks - 1}" in source
    assert f"{4 * blocks + 2:,} layers drawn as {boxes} boxes" in source


def test_a_long_chain_drawn_whole_is_no_strip():
    model = graphs.Model()
    last = model.add("in", "InputLayer")
    for number in range(600):
        last = model.add(f"layer{number}", f"Kind{number}", last)
    graph = parsed(graphs.trace(model), full=True)
    graph.layout(prog="dot")
    width, height = (float(side) for side in graph.graph_attr["bb"].split(",")[2:])
    assert len([node for node in graph.nodes() if node.startswith("m1_")]) == 601
    assert 1 / 3 < width / height < 3


def test_of_many_models_that_are_alike_one_is_drawn():
    many = [graphs.mlp(f"model{number}", id=1000 * (number + 1)) for number in range(30)]
    source = dot.render(graphs.trace(*many), Options())
    assert len(pygraphviz.AGraph(string=source)) == 3
    assert "… and 29 more like it: model1 to model29" in source
    whole = dot.render(graphs.trace(*many), Options(full=True))
    assert len(pygraphviz.AGraph(string=whole)) == 90


@pytest.mark.parametrize("full", [False, True])
def test_what_failed_is_marked_and_says_what_it_got(full):
    model = graphs.Model()
    last = model.add("in", "InputLayer")
    for number in range(100):
        last = model.add(f"layer{number}", "Dense", last, shape=(None, 8))
    model.add("bad", "Dense", last, failed=True, built=False)
    model.add("later", "Dense", built=False)
    graph = parsed(graphs.trace(model), full=full)
    (box,) = (node for node in graph.nodes() if node.attr["penwidth"] == "3")
    label = box.attr["label"]
    assert "✗ bad" in label
    assert "failed on (None, 8)" in label
    assert "layer" not in label
    assert "later" not in label
    assert "not built" not in label
