"""Models that are used through their parts only: one graph, of the whole, and what is not known."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from scenarios import Keras, data

import buildtrace
from buildtrace.renderers import Options, content
from buildtrace.traces.unseen import unseen_flow

if TYPE_CHECKING:
    from buildtrace.traces.schema import Graph

UNSEEN = "the flow between encoder and decoder was not seen: Pair.call never ran"


def pair(k: Keras, knows_its_input: bool = True) -> Any:
    """A model as a VAE has it: two models, and no `call`."""

    class Pair(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="pair")
            first = [k.Input((8,))] if knows_its_input else []
            second = [k.Input((2,))] if knows_its_input else []
            self.encoder = k.Sequential([*first, k.layers.Dense(2, name="down")], name="encoder")
            self.decoder = k.Sequential([*second, k.layers.Dense(8, name="up")], name="decoder")

        def encode(self, x: Any) -> Any:
            return self.encoder(x)

        def decode(self, x: Any) -> Any:
            return self.decoder(x)

    return Pair()


def parts(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def test_a_model_that_is_compiled_is_one_graph_with_its_parts(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = pair(k)
        model.compile()
    (whole,) = trace.index.outermost_graphs
    assert whole.model.name == "pair"
    assert parts(whole) == ["encoder", "decoder"]
    assert {graph.model.name for graph in trace.graphs} == {"pair", "encoder", "decoder"}
    assert unseen_flow(trace, whole) == UNSEEN
    assert list(trace.index.unbuilt()) == []
    assert sum(weight.parameters for weight in trace.index.weights_within(whole.model.id)) == 42
    options = Options()
    mermaid, dot, page = (content(trace, name, options) for name in ("mermaid", "dot", "html"))
    assert UNSEEN in mermaid
    assert "its flow was not seen" in mermaid
    assert UNSEEN in dot
    assert UNSEEN in page
    told = buildtrace.renderers.to_text(trace, Options(views=("graph",)), width=200)
    assert f"These are its parts; {UNSEEN}." in told


def test_a_model_whose_methods_are_called_one_by_one(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = pair(k)
        model.decode(model.encode(data(4, 8)))
    (whole,) = trace.index.outermost_graphs
    assert parts(whole) == ["encoder", "decoder"]
    assert unseen_flow(trace, whole) == UNSEEN


def test_it_may_be_gone_when_the_trace_ends(k: Keras) -> None:
    def build() -> None:
        pair(k).compile()

    with buildtrace.trace() as trace:
        build()
        gc.collect()
    assert [graph.model.name for graph in trace.index.outermost_graphs] == ["pair"]


def test_parts_that_are_built_later(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = pair(k, knows_its_input=False)
        model.compile()
        model.decode(model.encode(data(4, 8)))
    (whole,) = trace.index.outermost_graphs
    assert parts(whole) == ["encoder", "decoder"]
    assert all(node.built for node in whole.nodes)
    assert unseen_flow(trace, whole) == UNSEEN


def test_a_model_of_which_nothing_is_built_has_no_graph(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = pair(k, knows_its_input=False)
        model.compile()
    assert trace.graphs == ()


def test_a_model_whose_call_runs_after_all_has_its_flow(k: Keras) -> None:
    class Both(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="both")
            self.encoder = k.Sequential([k.Input((8,)), k.layers.Dense(2)], name="encoder")
            self.decoder = k.Sequential([k.Input((2,)), k.layers.Dense(8)], name="decoder")

        def call(self, x: Any) -> Any:
            return self.decoder(self.encoder(x))

    with buildtrace.trace() as trace:
        model = Both()
        model.compile()
        model(data(4, 8))
    (whole,) = trace.index.outermost_graphs
    assert len(whole.edges) == 2
    assert unseen_flow(trace, whole) == ""
