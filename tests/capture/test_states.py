"""What a trace tells of the user's layers, and of layers that failed."""

from __future__ import annotations

import contextlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scenarios import Keras, data, mlp

import buildtrace
from buildtrace.generations import adapter_for

if TYPE_CHECKING:
    from buildtrace.traces.schema import LayerState
    from buildtrace.traces.trace import Trace


def block_class(k: Keras) -> type:
    class Block(k.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self, units: int, **more: Any) -> None:
            super().__init__(**more)
            self.dense = k.layers.Dense(units, name="inner")
            self.late = k.layers.Dense(units, name="late")
            self.drop = k.layers.Dropout(0.5, name="drop")

        def call(self, x: Any, training: bool = False, *rest: Any, **more: Any) -> Any:
            return self.drop(self.dense(x))

    return Block


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.endswith(f"  # {mark}"))


def state_of(trace: Trace, name: str) -> LayerState:
    return [state for state in trace.states if state.layer.name == name][-1]


def test_how_the_code_of_a_class_names_its_children(k: Keras) -> None:
    class Named(k.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__(name="named")
            self.fc1 = k.layers.Dense(3, name="a")
            self._hidden = k.layers.Dense(3, name="b")
            self.more = [k.layers.Dense(3, name="c"), k.layers.Dense(3, name="d")]

        def call(self, x: Any) -> Any:
            for layer in (self.fc1, self._hidden, *self.more):
                x = layer(x)
            return x

    with buildtrace.trace() as trace:
        Named()(data(2, 3))
    state = state_of(trace, "named")
    names = {child.name: state.attributes.get(child.id) for child in state.children}
    assert names == {"a": "fc1", "b": "_hidden", "c": "more[0]", "d": "more[1]"}


def test_children_and_methods(k: Keras) -> None:
    cls = block_class(k)
    with buildtrace.trace() as trace:
        cls(3, name="block")(data(2, 4))
    state = state_of(trace, "block")
    assert [child.name for child in state.children] == ["inner", "late", "drop"]
    late = next(child.id for child in state.children if child.name == "late")
    assert state.unbuilt == (late,)
    assert state.built
    assert trace.call(state.after).parent is None
    assert trace.call(state.after).layer == state.layer
    assert [method.name for method in state.methods] == ["__init__", "call"]
    call = state.method("call")
    assert call is not None
    assert call.arguments == ("x", "training", "*rest", "**more")
    assert call.required == 1
    assert state.method("build") is None
    lines, first = inspect.getsourcelines(cls)
    assert (state.file, state.line) == (__file__, first)
    assert lines[call.line - first].strip().startswith("def call(")


def test_layers_of_keras_are_not_read(k: Keras) -> None:
    with buildtrace.trace() as trace:
        mlp(k).build((None, 3))
    assert trace.states == ()


def test_a_state_for_each_tree(k: Keras) -> None:
    block = block_class(k)(3, name="block")
    with buildtrace.trace() as trace:
        block.build((None, 4))
        block(data(2, 4))
    states = [state for state in trace.states if state.layer.name == "block"]
    inner = states[0].children[0]
    assert inner.name == "inner"
    assert inner.id in states[0].unbuilt
    assert inner.id not in states[-1].unbuilt
    assert [trace.call(state.after).name for state in states] == ["Layer.build", "Layer.__call__"]


def test_a_layer_that_was_replaced(k: Keras) -> None:
    """Keras 2 forgets it; Keras 3 goes on to have it in summaries and files."""
    block = block_class(k)(3, name="block")
    block.parts = [k.layers.Dense(1, name="part"), {"key": k.layers.Dense(1, name="keyed")}]
    block._own = k.layers.Dense(1, name="own")
    block.late = k.layers.Dense(3, name="later")
    with buildtrace.trace() as trace:
        block(data(2, 4))
    state = state_of(trace, "block")
    names = {child.id: child.name for child in state.children}
    assert {"later", "part", "keyed", "own", "inner"} <= {*names.values()}
    assert ("late" in names.values()) == (k.generation == 3)
    assert [names[id_] for id_ in state.replaced] == (["late"] if k.generation == 3 else [])


def test_models_of_keras_own_kinds_replace_nothing(k: Keras) -> None:
    class Stack(k.keras.Sequential):  # type: ignore[name-defined, misc]
        pass

    class Graph(k.keras.Model):  # type: ignore[name-defined, misc]
        pass

    with buildtrace.trace() as trace:
        Stack([k.layers.Dense(2), k.layers.Dense(3)], name="stack").build((None, 3))
        i = k.Input((3,))
        Graph(i, k.layers.Dense(2)(i), name="graph")(data(1, 3))
    assert {state.layer.name for state in trace.states} >= {"stack", "graph"}
    assert all(state.children and not state.replaced for state in trace.states)


def test_methods_of_a_base_of_the_users(k: Keras) -> None:
    class Base(k.layers.Layer):  # type: ignore[name-defined, misc]
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return mask

    class Derived(Base):
        def call(self, x: Any) -> Any:
            return x

    with buildtrace.trace() as trace:
        Derived(name="derived")(data(2, 4))
    state = state_of(trace, "derived")
    assert {method.name for method in state.methods} == {"build", "call", "compute_mask"}


def test_what_a_layer_that_failed_wants(k: Keras) -> None:
    dense = k.layers.Dense(4, name="dense")
    with buildtrace.trace() as trace:
        dense(data(2, 3))
        with pytest.raises(ValueError, match="expected axis -1"):
            dense(data(2, 5))
    (expected,) = state_of(trace, "dense").expects
    assert (expected.min_ndim, expected.axes) == (2, {-1: 3})


# -- failing calls of what is built ---------------------------------------------------------------


def test_a_built_model_that_fails(k: Keras) -> None:
    """Recorded with all that led there, though nothing is built."""
    model = k.Sequential([k.layers.Flatten(), k.layers.Dense(4, name="head")])
    with buildtrace.trace() as trace:
        model(data(2, 2, 3))
        for _ in range(3):
            model(data(2, 2, 3))
        before = len(trace.calls)
        with pytest.raises(ValueError, match="expected axis -1"):
            model(data(2, 3, 3))  # here
    assert before == 0
    failing = [call for call in trace.calls if call.error]
    assert [call.name for call in failing][:1] == ["Layer.__call__"]
    innermost = failing[-1]
    assert innermost.layer is not None
    assert innermost.layer.name == "head"
    assert [call.parent for call in failing[1:]] == [call.id for call in failing[:-1]]
    assert {call.caller.line for call in failing if call.caller} == {line_of("here")}
    assert [spec.shape for spec in innermost.inputs] == [(2, 9)]


def test_the_same_failure_is_kept_once(k: Keras) -> None:
    dense = k.layers.Dense(4)
    dense(data(2, 3))
    with buildtrace.trace() as trace:
        for _ in range(50):
            with pytest.raises(ValueError, match="expected axis -1"):
                dense(data(2, 5))
    assert len({call.parent for call in trace.calls if call.error}) == len(trace.calls)
    assert len([call for call in trace.calls if call.parent is None]) == 1


def test_many_different_failures_are_not_all_kept(k: Keras) -> None:
    dense = k.layers.Dense(4)
    dense(data(2, 3))
    with buildtrace.trace() as trace:
        for size in range(4, 154):
            with pytest.raises(ValueError, match="expected axis -1"):
                dense(data(2, size))
    assert len(trace.roots) == 100


def test_lines_of_the_calls_around_a_failure(k: Keras) -> None:
    """Each call has the line that made it, also if it became a record only as it failed."""

    class Net(k.keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(x[:, :3] if x.shape[0] == 2 else x)  # inner

    net = Net()
    net(data(2, 4))
    with buildtrace.trace() as trace:
        net(data(2, 4))
        with pytest.raises(Exception, match="expected axis -1"):
            net(data(1, 4))  # outer
    lines = {call.layer.name: call.caller for call in trace.calls if call.error and call.layer}
    assert {name: line and line.line for name, line in lines.items()} == {
        net.name: line_of("outer"),
        net.dense.name: line_of("inner"),
    }


# -- exceptions -----------------------------------------------------------------------------------


def test_where_an_exception_was_raised(k: Keras) -> None:
    class Typo(k.layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, x: Any) -> Any:
            return self.no_such_attribute + x  # raised

    with buildtrace.trace() as trace, pytest.raises(Exception, match="no_such_attribute"):
        Typo()(k.Input((3,)))  # called
    innermost = trace.failed
    assert innermost is not None
    assert innermost.error is not None
    assert [line.line for line in innermost.error.lines] == [line_of("raised")]
    assert {line.file for line in innermost.error.lines} == {__file__}


def test_arguments_of_another_keras(k: Keras) -> None:
    tf_keras, keras = pytest.importorskip("tf_keras"), pytest.importorskip("keras")
    if keras.__version__ < "3":
        pytest.skip("one Keras only")
    other = keras if k.generation == 2 else tf_keras
    symbol = other.Input((3,))
    with buildtrace.trace() as trace, contextlib.suppress(Exception):  # Keras 3 takes it
        k.layers.Dense(2, name="mixed")(symbol)
    cls = type(symbol)
    (root,) = (call for call in trace.roots if call.layer and call.layer.name == "mixed")
    assert root.foreign == (f"{cls.__module__}.{cls.__qualname__}",)


# -- masks ----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_a_dropped_mask(k: Keras) -> None:
    class Plain(k.layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, x: Any) -> Any:
            return x * 1.0

    class Kept(Plain):
        def __init__(self, **more: Any) -> None:
            super().__init__(**more)
            self.supports_masking = True

    with buildtrace.trace() as trace:
        x = k.layers.Embedding(10, 4, mask_zero=True)(k.Input((5,)))
        x = Plain(name="drops")(Kept(name="keeps")(x))
        k.layers.LSTM(3)(Plain(name="after")(x))
    dropped = [call.layer.name for call in trace.calls if call.mask_dropped and call.layer]
    assert dropped == ["drops"]


# -- models that could not be made ----------------------------------------------------------------


def test_the_graph_of_a_disconnected_model(k: Keras) -> None:
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    out = k.layers.Add()([k.layers.Dense(4)(a), k.layers.Dense(4)(b)])
    try:
        with buildtrace.trace() as trace:
            k.Model(a, out)
    except ValueError:
        pass
    else:
        pytest.skip("this Keras does not look")
    (graph,) = trace.graphs
    assert not graph.built
    assert [graph.nodes[n].name for n in graph.missing] == ["b"]
    assert [graph.nodes[n].name for n in graph.inputs] == ["a"]
    assert len(graph.nodes) == 5
    assert len(graph.edges) == 4


def test_the_graph_of_a_model_with_one_name_twice(k: Keras) -> None:
    x = i = k.Input((3,))
    for _ in range(20):  # many ways from the input to the output
        x = k.layers.Add()([x, x])
    out = k.layers.Dense(3, name="fc")(k.layers.Dense(3, name="fc")(x))
    with buildtrace.trace() as trace, pytest.raises(ValueError, match="used 2 times"):
        k.Model(i, out)
    (graph,) = trace.graphs
    assert [node.name for node in graph.nodes].count("fc") == 2
    assert graph.missing == ()
    assert max(node.depth for node in graph.nodes) == 22


@pytest.mark.filterwarnings("error:buildtrace could not read")
@pytest.mark.parametrize("ends", [(), ("a", "b"), ({"a": "b"}, [None])], ids=str)
def test_a_model_made_of_nothing(k: Keras, ends: tuple[Any, ...]) -> None:
    with buildtrace.trace() as trace, contextlib.suppress(Exception):
        k.keras.models.Model(*ends)
    assert all(not graph.nodes for graph in trace.graphs)


def test_what_ran_without_building_what_is_left(k: Keras) -> None:
    """A layer that nobody uses is not one that was forgotten."""

    class Block(k.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.spare = k.layers.Dense(3), k.layers.Dense(3)

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    with buildtrace.trace() as trace:
        used, left = Block(), Block()
        for block in (used, left):
            block.build((None, 4))
        for _ in range(3):
            used(data(2, 4))
    assert [(len(state.unbuilt), state.ran) for state in trace.states] == [(1, True), (1, False)]


def test_a_layer_that_makes_nothing_is_not_left_unbuilt(k: Keras) -> None:
    class Block(k.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.add, self.attention = k.layers.Add(), k.layers.Attention()
            self.scaled = k.layers.Attention(use_scale=True, name="scaled")
            self.inside = k.Sequential([k.layers.Dropout(0.5), k.layers.Concatenate()])

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    with buildtrace.trace() as trace:
        Block().build((None, 4))
    (state,) = trace.states
    unbuilt = {child.name for child in state.children if child.id in state.unbuilt}
    assert unbuilt - {"sequential"} == {"scaled"}  # Keras 3 builds even an idle Sequential


@pytest.mark.slow
def test_what_is_said_to_make_nothing_makes_nothing(k: Keras) -> None:
    """Of all layers that Keras has, built for whatever shapes they take."""
    assert k.keras
    _, adapter = adapter_for(k.package)
    shapes: list[Any] = [(None, 4), (None, 4, 4), (None, 4, 4, 3), (None, 4, 4, 4, 3)]
    shapes += [[(None, 4), (None, 4)], [(None, 4, 4), (None, 4, 4)]]
    weights = {}
    for cls in (cls for cls in vars(k.layers).values() if inspect.isclass(cls)):
        for arguments in ((), (0.1,), (1,), (2, 2)):
            for shape in shapes:
                with contextlib.suppress(Exception):
                    layer = cls(*arguments)
                    if not layer.built and not adapter.makes_state(layer):
                        layer.build(shape)
                        weights[cls.__name__] = adapter.own_weights(layer)
    assert {"Add", "Concatenate", "Subtract", "Dot", "Attention"} <= set(weights)
    assert not any(weights.values())


def test_a_functional_model_that_gets_more_layers_later(k: Keras) -> None:
    """They are set when its graph is made already: it is read again when it runs."""

    class Net(k.keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            inputs = k.Input((4,))
            super().__init__(inputs, k.layers.Dense(2)(inputs))
            self.spare, self.kept = k.layers.Dense(3), [k.layers.Dense(3)]  # makes
            self.other = k.layers.Dense(3, name="other")  # names

    with buildtrace.trace() as trace:
        net = Net()
        net(data(2, 4))
    if net.other not in list(net._flatten_layers()):
        pytest.skip("this Keras knows of no other layers in a functional model")
    (state,) = trace.states
    assert state.ran
    assert len(state.unbuilt) == 3
    lines = [state.made[number] for number in state.unbuilt]
    assert {line.file for line in lines} == {__file__}
    assert sorted(line.line for line in lines) == [line_of("makes")] * 2 + [line_of("names")]
