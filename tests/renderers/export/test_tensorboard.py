"""The events file for TensorBoard, as TensorBoard itself reads it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import made_traces
import msgspec
import pytest
from events_file import graph_in
from renderers import graphs

import buildtrace
from buildtrace.errors import RenderError, UsageError
from buildtrace.renderers import Options
from buildtrace.renderers.export import tensorboard as exported
from buildtrace.traces.schema import TensorSpec

pytest.importorskip("tensorboard", reason='pip install ".[test]"')


def read(trace, options=None):
    """The graph in a file of ours."""
    return graph_in(exported.render(trace, options or Options()))


def by_name(graph):
    assert len({node.name for node in graph.node}) == len(graph.node)
    return {node.name: node for node in graph.node}


def shapes(node):
    return [[axis.size for axis in shape.dim] for shape in node.attr["_output_shapes"].list.shape]


def test_mlp():
    nodes = by_name(read(made_traces.mlp3()))
    assert list(nodes) == ["input_layer", "dense", "dense_1"]
    assert [node.op for node in nodes.values()] == ["InputLayer", "Dense", "Dense"]
    assert [list(node.input) for node in nodes.values()] == [[], ["input_layer:0"], ["dense:0"]]
    assert shapes(nodes["dense"]) == [[-1, 512]]
    attributes = {key: value.s.decode() for key, value in nodes["dense"].attr.items() if value.s}
    assert attributes == {
        "class": "Dense",
        "name": "dense",
        "parameters": "401,920",
        "weight kernel": "(784, 512), float32, GlorotUniform",
        "weight bias": "(512,), float32, Zeros",
        "depth": "1",
        "built": "yes",
    }


def test_blocks_and_nested_models_are_scopes():
    inner = graphs.residual(6)
    outer = graphs.Model("outer", id=2000)
    first = outer.add("picture", "InputLayer")
    outer.add("residual", "Functional", first, layer=inner.ref.id, kind="model")
    nodes = by_name(read(graphs.trace(outer, inner)))
    assert list(nodes["residual/image"].input) == ["picture:0"]
    assert "residual/block3/block3_conv" in nodes
    assert list(nodes["residual/block1/block1_conv"].input) == ["residual/block0/block0_relu:0"]


def test_several_models_are_scopes_of_their_own():
    nodes = by_name(read(graphs.trace(graphs.mlp(id=10), graphs.mlp(id=20))))
    assert {name.partition("/")[0] for name in nodes} == {"mlp", "mlp_2"}
    assert {
        n.partition("/")[0]
        for n in by_name(
            read(graphs.trace(graphs.mlp("a", id=10), graphs.mlp("b", id=20)), Options(model="b"))
        )
    } == {"pixels", "hidden", "digits"}


def test_no_node_has_the_name_of_a_scope():
    """TensorBoard would have to tell them apart: the second call of a model is a node."""
    nodes = by_name(read(graphs.trace(*graphs.siamese())))
    assert "features/inner_dense" in nodes
    assert "features_2" in nodes
    scopes = {name.rpartition("/")[0] for name in nodes}
    assert not scopes & nodes.keys()
    assert list(nodes["difference"].input) == ["features/inner_dense:0", "features_2:0"]


def test_every_input_is_a_node():
    for trace in (made_traces.towers(), made_traces.evil(), graphs.trace(*graphs.siamese())):
        nodes = by_name(read(trace))
        inputs = [name.partition(":")[0] for node in nodes.values() for name in node.input]
        assert inputs
        assert set(inputs) <= nodes.keys()


def test_an_unknown_rank():
    model = graphs.Model("m")
    model.add("x", "InputLayer", shape=())
    model.nodes[0] = msgspec.structs.replace(model.nodes[0], outputs=(TensorSpec(shape=None),))
    assert by_name(read(graphs.trace(model)))["x"].attr["_output_shapes"].list.shape[0].unknown_rank


@pytest.mark.parametrize("name", graphs.NASTY)
def test_names_are_such_as_tensorflow_has(name):
    model = graphs.Model(name)
    model.add(name, name, model.add(name, "InputLayer"))
    for node in read(graphs.trace(model)).node:
        assert re.fullmatch(r"[\w.>-]*", node.name + node.op, re.ASCII)
        assert len(node.name) < 60


def test_a_name_that_none_may_begin_with():
    model = graphs.Model("_")
    model.add("-in", "Dense", model.add("_x", "InputLayer"))
    assert set(by_name(read(graphs.trace(model)))) == {"x", "in"}
    inside = set(by_name(read(graphs.trace(model, graphs.mlp(id=20)))))
    assert {"unnamed/_x", "unnamed/-in"} < inside


def test_the_same_trace_makes_the_same_file():
    assert len({exported.render(made_traces.towers(), Options()) for _ in range(3)}) == 1


def test_without_a_model_there_is_nothing_to_write():
    with pytest.raises(RenderError, match="no model was built"):
        exported.render(buildtrace.Trace(), Options())
    with pytest.raises(UsageError, match="no model named x"):
        exported.render(made_traces.mlp3(), Options(model="x"))


def test_without_tensorboard_it_says_what_to_install(monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorboard" else found(name)
    )
    with pytest.raises(UsageError, match="takes the package tensorboard: pip install tensorboard"):
        made_traces.mlp3().save(tmp_path / "x.tfevents")
    assert not list(tmp_path.iterdir())


def test_it_needs_no_tensorflow(tmp_path):
    made_traces.mlp3().save(tmp_path / "build.json")
    program = (
        "import sys, buildtrace\n"
        "buildtrace.load(sys.argv[1]).save(sys.argv[2])\n"
        "assert 'tensorboard' in sys.modules\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & set(sys.modules)"
    )
    paths = [str(tmp_path / "build.json"), str(tmp_path / "build.tfevents")]
    subprocess.run([sys.executable, "-c", program, *paths], check=True)
    assert (tmp_path / "build.tfevents").stat().st_size > 500
