"""What is said of a saved file is true of the model that was saved."""

from __future__ import annotations

from collections import Counter

import pytest

from buildtrace import files
from files.models import MODELS, connections, custom, ends, members, shapes, subclassed

SUFFIXES = (".keras", ".h5")


@pytest.fixture(params=MODELS)
def model(request, k):
    return MODELS[request.param](k)


def save(model, path):
    try:
        (model.save_weights if path.name.endswith(".weights.h5") else model.save)(str(path))
    except ValueError as error:  # Keras 3.2, of weights in cells and models
        if "name already exists" in str(error):
            pytest.skip("this Keras cannot save it")
        raise
    return files.load(path)


def weights_by_layer(trace):
    """Shapes of the weights of each layer, those of the layers in it included, by name."""
    around = {layer.id: layer.within for layer in trace.saved.layers}
    names = {layer.id: layer.name for layer in trace.saved.layers}
    found = {name: Counter() for name in names.values()}
    for weight in trace.weights:
        layer = weight.layer
        while layer is not None:
            found[names[layer]][weight.shape] += 1
            layer = around[layer]
    return found


@pytest.mark.sampled(3)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_saved_model(model, tmp_path, suffix):
    trace = save(model, tmp_path / f"model{suffix}")
    named = {layer.name: layer.class_name for layer in trace.saved.layers}
    for layer in members(model):
        assert named[layer.name] == type(layer).__name__
    by_layer = weights_by_layer(trace)
    assert {layer.name: shapes(layer) for layer in members(model)} == {
        layer.name: by_layer[layer.name] for layer in members(model)
    }
    assert by_layer[model.name] == shapes(model)
    assert trace.parameters == model.count_params()
    assert {weight.dtype for weight in trace.weights} == {"float32"}
    assert trace.saved.weight_size == 4 * model.count_params()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_connections_of_a_saved_model(model, tmp_path, suffix):
    trace = save(model, tmp_path / f"model{suffix}")
    models = [model, *(layer for layer in members(model) if hasattr(layer, "layers"))]
    assert {graph.model.name for graph in trace.graphs} == {one.name for one in models}
    for one in models:
        graph = trace.graph(one.name)
        names = {node.id: node.name for node in graph.nodes}
        found = Counter((names[edge.source], names[edge.target]) for edge in graph.edges)
        if type(one).__name__ == "Sequential":  # Keras' own graph of it may begin elsewhere
            expected = list(zip(one.layers, one.layers[1:], strict=False))
            assert set(found) >= {(a.name, b.name) for a, b in expected}
        else:
            assert set(found) == set(connections(one))
            assert [names[id_] for id_ in graph.inputs] == ends(one.inputs)
            assert [names[id_] for id_ in graph.outputs] == ends(one.outputs)


def test_a_layer_that_is_called_twice_is_two_nodes_with_one_set_of_weights(k, tmp_path):
    trace = save(MODELS["shared"](k), tmp_path / "model.keras")
    graph = trace.graph("two")
    twice = [node for node in graph.nodes if node.name == "shared"]
    assert [node.index for node in twice] == [0, 1]
    of_old = k.generation == 3 and k.version < (3, 3)  # whose file has the shapes of the first call
    given = [tensor.shape for node in twice for tensor in node.outputs]
    assert given == [(None, 4)] * (1 if of_old else 2)
    sources = {edge.target: graph.nodes[edge.source].name for edge in graph.edges}
    assert [sources[node.id] for node in twice] == ["left", "right"]
    assert sum(weight.layer == twice[0].layer for weight in trace.weights) == 2


def test_shapes_are_those_of_the_model(k, tmp_path):
    model = MODELS["sequential"](k)
    trace = save(model, tmp_path / "model.keras")
    known = {node.name: node.outputs for node in trace.graph("mlp").nodes if node.outputs}
    assert len(known) >= 3
    for layer in model.layers:
        if layer.name in known:
            assert known[layer.name][0].shape == tuple(layer.output.shape)


def test_who_saved_it_and_how_it_was_compiled(k, tmp_path):
    trace = save(MODELS["shared"](k), tmp_path / "model.keras")
    (keras,) = trace.environment.keras
    assert (keras.generation, keras.version) == (k.name, k.keras.__version__)
    assert trace.saved.date.startswith("20")
    assert trace.saved.compiled["optimizer"] == "SGD(learning_rate=0.25)"
    assert trace.saved.compiled["loss"] == "mse, mae"
    old = save(MODELS["sequential"](k), tmp_path / "model.h5")
    assert old.environment.keras[0].version == k.keras.__version__
    assert "Adam(learning_rate=0.001)" in old.saved.compiled["optimizer"]
    assert old.saved.compiled["loss"] == "mse"
    assert old.saved.compiled["metrics"] == "mae"


def test_what_the_optimizer_and_the_metrics_hold_are_no_weights(k, tmp_path):
    model = MODELS["shared"](k)
    for suffix in (".keras", ".h5", ".weights.h5"):
        trace = save(model, tmp_path / f"model{suffix}")
        assert trace.parameters == model.count_params()
        states = {state.owner: state.arrays for state in trace.saved.states}
        assert states["optimizer"] >= 1


def test_settings_that_say_most(k, tmp_path):
    trace = save(MODELS["sequential"](k), tmp_path / "model.keras")
    facts = {layer.name: layer.facts for layer in trace.saved.layers}
    assert facts["hidden"] == {"units": "64", "activation": "relu"}
    assert next(f for name, f in facts.items() if name.startswith("dropout")) == {"rate": "0.2"}


def test_a_frozen_layer(k, tmp_path):
    trace = save(MODELS["frozen"](k), tmp_path / "model.keras")
    hidden = next(layer.id for layer in trace.saved.layers if layer.name == "hidden")
    assert {w.layer for w in trace.weights if not w.trainable} == {hidden}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_layer_of_a_class_of_the_user_s(k, tmp_path, suffix):
    model = custom(k)
    trace = save(model, tmp_path / f"model{suffix}")
    scale = next(layer for layer in trace.saved.layers if layer.name == "scale")
    assert (scale.class_name, scale.facts) == ("Scale", {"factor": "3.5"})
    assert weights_by_layer(trace)["scale"] == shapes(model.get_layer("scale"))


def test_a_subclassed_model(k, tmp_path):
    model = subclassed(k)
    trace = save(model, tmp_path / "model.keras")
    assert trace.saved.layers[0].class_name == "Net"
    assert trace.saved.layers[0].facts == {"units": "3"}
    assert trace.graphs == ()
    assert trace.parameters == model.count_params()
    assert Counter(weight.shape for weight in trace.weights) == shapes(model)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_weights_alone(k, model, tmp_path, suffix):
    if suffix == ".h5" and k.generation == 3:
        pytest.skip("Keras 3 saves weights as .weights.h5 only")
    model.save_weights(str(tmp_path / f"x{suffix}"))
    trace = files.load(tmp_path / f"x{suffix}")
    assert not trace.saved.has_config
    assert trace.graphs == ()
    assert trace.parameters == model.count_params()
    assert Counter(weight.shape for weight in trace.weights) == shapes(model)


def test_weights_of_keras_3_are_with_their_layers_names(k, tmp_path):
    if k.generation == 2 or k.version < (3, 9):
        pytest.skip("the names are not in the file")
    model = MODELS["nested"](k)
    trace = save(model, tmp_path / "x.weights.h5")
    by_layer = weights_by_layer(trace)
    for layer in members(model):
        if layer.weights:
            assert by_layer[layer.name] == shapes(layer)


@pytest.mark.parametrize("name", ["MobileNet", "EfficientNetB0"])
def test_applications(k, tmp_path, name):
    make = getattr(k.keras.applications, name)
    model = make(weights=None, input_shape=(32, 32, 3), classes=5)
    trace = save(model, tmp_path / "model.keras")
    assert [layer.name for layer in trace.saved.layers[1:]] == [
        layer.name for layer in model.layers
    ]
    by_layer = weights_by_layer(trace)
    assert {layer.name: shapes(layer) for layer in model.layers} == {
        layer.name: by_layer[layer.name] for layer in model.layers
    }
    assert trace.parameters == model.count_params()
    assert len(trace.graph(model.name).nodes) == len(model.layers)


@pytest.fixture
def traced(k):
    """A run that builds a model, its trace and the model."""
    import buildtrace

    def build(name):
        with buildtrace.trace() as trace:
            model = MODELS[name](k)
            if not model.built:
                model.build()
        return trace, model

    return build


@pytest.mark.sampled(5)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
@pytest.mark.parametrize("name", ["sequential", "nested", "recurrent", "many_alike"])
def test_the_weights_of_a_file_fit_the_model_that_was_saved(k, traced, tmp_path, name, suffix):
    trace, model = traced(name)
    saved = save(model, tmp_path / f"model{suffix}")
    if not saved.saved.has_names:
        pytest.skip("the names are not in the file")
    assert [change.message for change in trace.diff(saved).changes] == []
    assert saved.diff(trace).same


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_the_weights_of_a_file_do_not_fit_another_model(k, traced, tmp_path, suffix):
    saved = save(MODELS["sequential"](k), tmp_path / f"model{suffix}")
    if not saved.saved.has_names:
        pytest.skip("the names are not in the file")
    trace, _ = traced("many_alike")
    assert not trace.diff(saved).same
