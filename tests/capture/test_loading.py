"""What is loaded from files, compared with the live models and with the files themselves.

Nothing that is expected here comes from the code under test.
"""

from __future__ import annotations

import sys
import traceback
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from faithful import both, fresh, names, values, without_addresses
from loadings import LOADINGS, graph, path, stack

import buildtrace
from buildtrace.renderers.beats import beats
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from scenarios import Keras, Scenario

    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

BY_NAME = {loading.name: loading for loading in LOADINGS}


KEEP_FIRST_VALUES = {"load_weights_of_another", "load_weights_that_fit", "load_weights_unbuilt"}
"""Loadings of files that have no values that fit for some weights."""


def raised_by(error: Exception) -> tuple[str, str, list[tuple[str, int | None, str]]]:
    """What an exception says, and by which lines it came."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(frame.filename, frame.lineno, frame.name) for frame in frames]
    return type(error).__name__, without_addresses(str(error)), lines


def traced(k: Keras, loading: Scenario) -> tuple[Any, Trace]:
    if not loading.runs_on(k):
        pytest.skip("not for this Keras")
    made = loading.make(k)
    with buildtrace.trace() as trace:
        model = loading.build(k, made)
    return model, trace


def fed(trace: Trace) -> list[Call]:
    return [call for call in trace.calls if call.loaded and call.loaded.weights]


def path_of(weight: Any) -> str:
    return str(getattr(weight, "path", None) or weight.name.partition(":")[0])


def own(layer: Any) -> list[Any]:
    """The weights that a layer itself holds, not those of the layers in it."""
    kinds = "variables" if hasattr(layer, "_trainable_variables") else "weights"
    return [*getattr(layer, f"_trainable_{kinds}"), *getattr(layer, f"_non_trainable_{kinds}")]


def flattened(model: Any) -> list[Any]:
    flatten = model._flatten_layers
    return list({id(layer): layer for layer in flatten()}.values())


@pytest.mark.parametrize("name", ["load_stack", "load_graph", "load_trained", "load_hdf5"])
def test_the_root_is_the_loading_and_about_the_model_that_comes_out(k: Keras, name: str) -> None:
    model, trace = traced(k, BY_NAME[name])
    (root,) = trace.roots
    assert root.landmark == "load_model"
    assert root.layer is not None
    assert (root.layer.name, root.layer.class_name) == (model.name, type(model).__name__)
    assert root.loaded is not None
    assert root.loaded.source.endswith(f"{name.split('_')[1]}.keras".replace("hdf5.keras", "h5"))
    graph = trace.graph_of(root.layer.id)
    assert graph is not None
    held = [trace.weights[id_] for id_ in graph.weights]
    assert sum(weight.parameters for weight in held) == model.count_params()


@pytest.mark.parametrize("name", ["load_stack", "load_graph", "load_hdf5"])
def test_each_layer_comes_from_its_config(k: Keras, name: str) -> None:
    """Those of the model and of a model in it; what is around another has that made as well."""
    model, trace = traced(k, BY_NAME[name])
    ends = "deserialize_keras_object"
    made = {call.layer.name for call in trace.calls if call.layer and call.landmark.endswith(ends)}
    assert set(names(model)) - made <= {"x"}
    assert "GlorotUniform" not in {c.layer.class_name for c in trace.calls if c.layer}


@pytest.mark.parametrize("name", ["load_stack", "load_graph", "load_weights"])
def test_which_part_of_the_file_gives_which_weights(k: Keras, name: str) -> None:
    model, trace = traced(k, BY_NAME[name])
    calls = fed(trace)
    by_name = {layer.name: own(layer) for layer in flattened(model)}
    for call in calls:
        assert call.layer is not None
        assert call.loaded is not None
        loaded = [trace.weights[id_] for id_ in call.loaded.weights]
        live = by_name[call.layer.name]
        assert [weight.shape for weight in loaded] == [tuple(weight.shape) for weight in live]
        assert [weight.layer for weight in loaded] == [call.layer.id] * len(live)
    assert {call.layer.name for call in calls if call.layer} == {
        name for name, held in by_name.items() if held
    }


def test_the_part_of_the_file_is_where_the_values_are(k: Keras) -> None:
    model, trace = traced(k, BY_NAME["load_weights"])
    live = {path_of(weight): np.array(weight) for weight in model.weights}
    assert len(live) == len(model.weights)
    with h5py.File(path(k, "graph.weights.h5")) as file:
        for call in fed(trace):
            assert call.loaded is not None
            part = file[call.loaded.source]
            assert len(part) == len(call.loaded.weights)
            for number, id_ in enumerate(call.loaded.weights):
                np.testing.assert_array_equal(part[str(number)], live[trace.weights[id_].path])


def test_weights_for_a_model_that_was_built_before_are_a_tree_of_their_own(k: Keras) -> None:
    model, trace = traced(k, BY_NAME["load_weights"])
    (root,) = trace.roots
    assert root.landmark == "Model.load_weights"
    assert root.layer is not None
    assert root.layer.name == model.name
    assert {call.step for call in trace.calls} == {"load"}


def test_a_layer_that_does_not_fit_its_part_is_where_it_failed(k: Keras) -> None:
    stack(k).save_weights(path(k, "two.weights.h5"))
    x = k.Input((3,))
    other = k.Model(x, k.layers.Dense(7, name="seven")(x))
    with pytest.raises(ValueError), buildtrace.trace() as trace:  # noqa: PT011
        other.load_weights(path(k, "two.weights.h5"))
    assert trace.failed is not None
    assert trace.failed.landmark == "Layer.load_own_variables"
    assert trace.failed.layer is not None
    assert trace.failed.layer.name == "seven"
    assert trace.failed.loaded is not None
    assert trace.failed.loaded.weights == ()


@pytest.mark.parametrize("name", ["failing.keras", "failing.h5"])
def test_a_loading_that_fails_late_is_about_the_model_that_was_made(k: Keras, name: str) -> None:
    model = stack(k)
    model.save(path(k, name))
    _make_wider(path(k, name))
    with pytest.raises(ValueError), buildtrace.trace() as trace:  # noqa: PT011
        k.keras.models.load_model(path(k, name))
    (root,) = trace.roots
    assert root.landmark == "load_model"
    assert root.error is not None
    assert root.layer is not None
    assert root.layer.name == model.name


def _make_wider(file: str) -> None:
    """Have the config of a saved model want another number of units than the weights have."""
    if file.endswith(".h5"):
        with h5py.File(file, "r+") as opened:
            opened.attrs["model_config"] = _wider(opened.attrs["model_config"])
        return
    with zipfile.ZipFile(file) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    parts["config.json"] = _wider(parts["config.json"].decode()).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for each, content in parts.items():
            archive.writestr(each, content)


def _wider(config: str) -> str:
    changed = config.replace('"units": 2', '"units": 3')
    assert changed != config
    return changed


def test_a_layer_that_keeps_its_values_its_own_way_is_not_said_to_get_all(k: Keras) -> None:
    class Own(k.layers.Dense):  # type: ignore[name-defined, misc]
        def load_own_variables(self, store: Any) -> None:
            self.kernel.assign(np.array(store["0"]) * 2)

    def made() -> Any:
        return k.Sequential([k.Input((3,)), Own(2, name="own"), k.layers.Dense(2, name="after")])

    made().save_weights(path(k, "own.weights.h5"))
    model = made()
    with buildtrace.trace() as trace:
        model.load_weights(path(k, "own.weights.h5"))
    loaded = {call.layer.name: call.loaded for call in trace.calls[1:] if call.layer}
    assert len(loaded["after"].weights) == 2
    assert loaded["own"].weights == ()
    assert loaded["own"].source


def test_a_class_that_has_its_own_from_config(k: Keras) -> None:
    """A class method, of a class that was made while hooks were in: it is put back as it was."""

    def define() -> Any:
        class Wide(k.layers.Dense):  # type: ignore[name-defined, misc]
            @classmethod
            def from_config(cls, config: dict[str, Any]) -> Any:
                """Read what was written when units were called size."""
                return super().from_config({**config, "units": config["units"] + 0})

        return Wide

    with buildtrace.trace():
        wide = define()
    kept = vars(wide)["from_config"]
    k.Sequential([k.Input((3,)), wide(2, name="own")]).save(path(k, "own.keras"))
    with buildtrace.trace() as trace:
        k.keras.models.load_model(path(k, "own.keras"), custom_objects={"Wide": wide})
    assert vars(wide)["from_config"] is kept
    (call,) = [call for call in trace.calls if call.name.endswith("Wide.from_config")]
    assert call.file == __file__
    assert call.layer is not None
    assert (call.layer.name, call.layer.class_name) == ("own", "Wide")
    around, inside = trace.calls[call.parent or 0], trace.children(call)
    assert around.landmark == "deserialize_keras_object"
    assert [one.landmark for one in inside] == ["Layer.from_config"]
    assert all(one.layer == call.layer for one in inside)


def test_class_methods_that_somebody_kept_while_hooks_were_in(k: Keras) -> None:
    with buildtrace.trace():

        class Takes(k.layers.Layer):  # type: ignore[name-defined, misc]
            from_config = vars(k.keras.Sequential)["from_config"]

        class Other:
            from_config = vars(k.keras.Sequential)["from_config"]

    own = vars(k.keras.Sequential)["from_config"]
    assert vars(Takes)["from_config"] is own
    assert vars(Other)["from_config"] is own


def test_what_is_no_loading_leaves_no_record_of_it(k: Keras) -> None:
    """`deserialize_keras_object` runs for every copy of a layer."""
    model = graph(k)
    with buildtrace.trace() as trace:
        type(model).from_config(model.get_config())
        k.keras.models.clone_model(model)
    assert trace.calls
    assert not [call for call in trace.calls if call.step == "load"]


@pytest.mark.sampled(7)
@pytest.mark.parametrize("loading", LOADINGS, ids=lambda loading: loading.name)
def test_the_model_is_the_same_as_untraced(k: Keras, loading: Scenario) -> None:
    if not loading.runs_on(k):
        pytest.skip("not for this Keras")
    fresh(k)
    made = [loading.make(k) for _ in range(2)]

    def load() -> Any:
        return loading.build(k, made.pop())

    plain, seen = both(load)
    if isinstance(plain, Exception):
        *said, lines = raised_by(plain)
        assert raised_by(seen)[:2] == tuple(said)
        if sys.version_info >= (3, 11):
            assert raised_by(seen)[2] == lines
        return
    for a, b in zip(values(plain), values(seen), strict=True):
        if loading.name not in KEEP_FIRST_VALUES:
            np.testing.assert_array_equal(a, b)
    assert type(plain).__name__ == type(seen).__name__
    if "weights" not in loading.name:  # else the models were made before, one after the other
        assert names(plain) == names(seen)


@pytest.mark.parametrize("name", ["none.keras", "none.h5", "none.txt"])
def test_exceptions_are_those_of_plain_keras(k: Keras, name: str) -> None:
    def load() -> tuple[type, str]:
        with pytest.raises((ValueError, OSError)) as raised:
            k.keras.models.load_model(path(k, name))
        return type(raised.value), str(raised.value)

    plain, seen = both(load)
    assert plain == seen


@pytest.mark.sampled(10)
@pytest.mark.parametrize("loading", LOADINGS, ids=lambda loading: loading.name)
def test_the_trace_survives_a_file(k: Keras, loading: Scenario) -> None:
    _, trace = traced(k, loading)
    assert trace_file.from_json(trace_file.to_json(trace)).calls == trace.calls


def test_the_story_says_where_all_is_from(k: Keras) -> None:
    _, trace = traced(k, BY_NAME["load_stack"])
    (graph,) = trace.index.outermost_graphs
    told = [beat for beat in beats(trace, graph) if beat.part == 5]
    assert told[0].text == f"{graph.model.name} is loaded from {k.package}-stack.keras: " + (
        "its config says what to build."
    )
    (of_weights,) = {beat.text.partition(" from ")[0].partition(" gets ")[2] for beat in told[1:]}
    assert of_weights == "the values of its 2 weights"


def test_the_story_says_that_it_fails(k: Keras) -> None:
    stack(k).save_weights(path(k, "three.weights.h5"))
    x = k.Input((3,))
    other = k.Model(x, k.layers.Dense(7, name="seven")(x), name="other")
    with pytest.raises(ValueError), buildtrace.trace() as trace:  # noqa: PT011
        other.load_weights(path(k, "three.weights.h5"))
    told = [beat.text for beat in beats(trace)]
    assert told[0] == f"The weights of other are loaded from {k.package}-three.weights.h5."
    assert told[1].startswith("seven does not get the values of its weights: ValueError: ")
    assert told[-1] == "The loading of the weights ends here, in ValueError."


def test_many_layers_are_told_in_few_words(k: Keras) -> None:
    def made() -> Any:
        return k.Sequential([k.Input((3,)), *(k.layers.Dense(3, name=f"d{n}") for n in range(30))])

    made().save_weights(path(k, "deep.weights.h5"))
    model = made()
    with buildtrace.trace() as trace:
        model.load_weights(path(k, "deep.weights.h5"))
    (graph,) = trace.index.outermost_graphs
    told = beats(trace, graph)
    assert len(told) == 10
    assert told[-1].text == "22 more layers get their values from the file: d8 to d29."
    assert len(beats(trace, graph, full=True)) == 31


def test_a_use_is_no_use_of_its_own_while_a_model_is_loaded(k: Keras) -> None:
    """Keras itself compiles a model that it loads."""
    _, trace = traced(k, BY_NAME["load_trained"])
    assert [use.name for use in trace.uses] == ["load_model"]
