"""Graphs made by hand for the tests of pictures."""

from __future__ import annotations

from buildtrace.traces.schema import Edge, Graph, LayerRef, Node, TensorSpec, Weight
from buildtrace.traces.trace import Trace

NASTY = (
    '"<b>\n',
    "<script>alert(1)</script>",
    r"\N \G",
    "[bold]x",
    "é漢😀",
    "]]>&amp;--",
    "a" * 10_000,
    "",
    " ",
)


def spec(*shape):
    return TensorSpec(shape=shape, dtype="float32")


class Model:
    """Nodes and edges of one model, added one by one; a node's id is its layer's unless given."""

    def __init__(self, name="model", class_name="Functional", id=1000):  # noqa: A002
        self.ref = LayerRef(id=id, name=name, class_name=class_name)
        self.nodes, self.edges, self.weights = [], [], []

    def add(self, name, class_name, *sources, shape=(None, 8), parameters=0, **more):
        number = len(self.nodes)
        more.setdefault("layer", self.ref.id + 1 + number)
        kind = "input" if class_name == "InputLayer" else "layer"
        self.nodes.append(
            Node(
                id=number,
                name=name,
                class_name=class_name,
                depth=0,
                outputs=(spec(*shape),),
                **{"kind": kind, **more},
            )
        )
        for source in sources:
            tensor = self.nodes[source].outputs[0]
            self.edges.append(Edge(source=source, target=number, tensor=tensor))
        if parameters:
            self.weights.append((more["layer"], parameters))
        return number

    def graph(self, built=True):
        sent = {edge.source for edge in self.edges}
        return Graph(
            model=self.ref,
            built=built,
            nodes=tuple(self.nodes),
            edges=tuple(self.edges),
            inputs=tuple(n.id for n in self.nodes if n.kind == "input"),
            outputs=tuple(n.id for n in self.nodes if n.id not in sent),
        )


def trace(*models, built=True):
    sizes = [size for model in models for size in model.weights]
    weights = tuple(
        Weight(
            id=i,
            call=None,
            layer=layer,
            name="kernel",
            path="",
            shape=(n,),
            dtype="float32",
            trainable=True,
        )
        for i, (layer, n) in enumerate(sizes)
    )
    return Trace(graphs=tuple(model.graph(built) for model in models), weights=weights)


def mlp(name="mlp", **more):
    model = Model(name, "Sequential", **more)
    first = model.add("pixels", "InputLayer", shape=(None, 784))
    second = model.add("hidden", "Dense", first, shape=(None, 512), parameters=401_920)
    model.add("digits", "Dense", second, shape=(None, 10), parameters=5_130)
    return model


def residual(blocks=6):
    """`blocks` residual blocks of four layers that differ in their names alone."""
    model = Model("residual")
    last = model.add("image", "InputLayer")
    for number in range(blocks):
        conv = model.add(f"block{number}_conv", "Conv2D", last, parameters=100)
        norm = model.add(f"block{number}_norm", "BatchNormalization", conv, parameters=10)
        joined = model.add(f"block{number}_add", "Add", last, norm)
        last = model.add(f"block{number}_relu", "ReLU", joined)
    model.add("head", "Dense", last, shape=(None, 3), parameters=7)
    return model


def siamese():
    """A nested model that is called twice, and the model around it."""
    inner = Model("features", "Sequential", id=100)
    first = inner.add("inner_input", "InputLayer")
    inner.add("inner_dense", "Dense", first, parameters=1_234)
    outer = Model("siamese")
    left, right = outer.add("left", "InputLayer"), outer.add("right", "InputLayer")
    calls = [
        outer.add("features", "Sequential", side, layer=100, kind="model", index=i)
        for i, side in enumerate((left, right))
    ]
    outer.add("difference", "Subtract", *calls)
    return outer, inner
