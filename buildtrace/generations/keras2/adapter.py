"""Reads the objects of Keras 2."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar

from buildtrace.generations import placement
from buildtrace.generations.base import (
    BUILT,
    NOT_BUILT,
    Adapter,
    WeightFacts,
    node_facts,
    nodes_behind,
    origin,
)
from buildtrace.generations.keras2.training import Keras2TrainingReader
from buildtrace.generations.losses import LossSettings, MetricSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from buildtrace.generations.base import NodeFacts


class Keras2Adapter(Keras2TrainingReader, Adapter):
    """Reads layers, variables and graphs of `keras` up to 2.15 and of `tf_keras`."""

    generation = "keras2"
    makes_nothing: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("_Merge", "Concatenate", "Dot", "Subtract"), ""),
        **dict.fromkeys(("GlobalPooling1D", "GlobalPooling2D", "GlobalPooling3D"), ""),
        **dict.fromkeys(("UnitNormalization", "BaseRandomLayer"), ""),  # the latter: Dropout's
        "Attention": "use_scale",
    }

    def __init__(self, package: str, root: str, version: str) -> None:
        super().__init__(package, root, version)
        self.layer_class = self._source("engine.base_layer").Layer
        self.model_class = self._source("engine.training").Model
        self.sequential_class = self._source("engine.sequential").Sequential
        self.tensor_class = self._source("engine.keras_tensor").KerasTensor
        normalization = self._source("layers.preprocessing.normalization").Normalization
        discretization = self._source("layers.preprocessing.discretization").Discretization
        self.preprocessing = (normalization, discretization)
        self.metric_class = self.uncounted = self._source("metrics.base_metric").Metric

    def _source(self, module: str) -> Any:
        return importlib.import_module(f"{self.root}.{module}")

    def is_operation(self, thing: Any) -> bool:
        """True for the layers that Keras 2 makes of plain TensorFlow functions."""
        return type(thing).__module__.endswith(".core.tf_op_layer")

    def state(self, layer: Any) -> Mapping[str, bool]:
        """`built` of every layer, and `_graph_initialized` of a Sequential."""
        flags = BUILT if getattr(layer, "built", False) else NOT_BUILT
        held = getattr(layer, "__dict__", {})
        if "_graph_initialized" in held:
            return {**flags, "_graph_initialized": bool(held["_graph_initialized"])}
        return flags

    def own_weights(self, layer: Any) -> list[Any]:
        """The variables in the layer's two lists, which may hold lookup tables as well."""
        trainable = getattr(layer, "_trainable_weights", ())
        others = getattr(layer, "_non_trainable_weights", ())
        if not trainable and not others:
            return []
        return [variable for variable in (*trainable, *others) if hasattr(variable, "shape")]

    def is_trainable(self, variable: Any, layer: Any) -> bool:
        """A variable knows of no frozen layer."""
        return bool(variable.trainable and (layer is None or layer.trainable))

    def model_weights(self, model: Any) -> list[Any]:
        """`model.weights`; it raises on a subclassed model that is not built."""
        try:
            return list(model.weights)
        except ValueError:
            return []

    def all_layers(self, model: Any) -> Iterable[Any]:
        """The model and all layers in it, at any depth."""
        return self._counted(model._flatten_layers())

    def top_layers(self, model: Any) -> list[Any]:
        """The layers that the model itself holds."""
        layers = model._flatten_layers(recursive=False, include_self=False)
        return self._counted(layers)

    def _counted(self, layers: Iterable[Any]) -> list[Any]:
        return [layer for layer in layers if not isinstance(layer, self.uncounted)]

    def weight_facts(self, variable: Any, layer: Any) -> WeightFacts:
        """From a tf.Variable: its name is "dense/kernel:0"."""
        path = variable.name.partition(":")[0]
        return WeightFacts(
            name=path.rpartition("/")[2],
            path=path,
            shape=variable.shape,
            dtype=variable.dtype,
            trainable=self.is_trainable(variable, layer),
            initializer=None,  # Keras 2 keeps these in add_weight's arguments only
            regularizer=None,
            constraint=None,
            placement=self.placement(variable),
        )

    def training_parts(self, model: Any) -> list[Any]:
        """The optimizer, and the containers of losses and metrics."""
        names = ("optimizer", "compiled_loss", "compiled_metrics")
        return [part for name in names if (part := getattr(model, name, None)) is not None]

    def loss_outputs(self, container: Any, outputs: Any, targets: Any) -> list[str]:
        """The names of those outputs that have a loss, and a target for it."""
        names = self.loss_settings(container, outputs).names
        pairs = zip(names, container._losses, strict=False)
        named = [name for name, loss in pairs if loss is not None]
        return [name for name in named if not isinstance(targets, dict) or name in targets]

    def loss_settings(self, container: Any, outputs: Any) -> LossSettings:
        """As they were given."""
        names = self._output_names(container, outputs)
        return LossSettings(names, container._user_losses, container._user_loss_weights)

    def _output_names(self, container: Any, outputs: Any) -> list[Any]:
        """A subclassed model's outputs are called by their numbers."""
        if isinstance(outputs, dict):
            return sorted(outputs)
        names: list[Any] | None = container._output_names
        if names is None:  # as in create_pseudo_output_names of engine/compile_utils.py
            several = isinstance(outputs, (list, tuple))
            names = [f"output_{n + 1}" for n in range(len(outputs) if several else 1)]
        return names

    def metric_settings(self, container: Any, outputs: Any) -> MetricSettings:
        """As they were given."""
        names = self._output_names(container, outputs)
        return MetricSettings(names, container._user_metrics, container._user_weighted_metrics)

    def metrics_of_outputs(self, container: Any) -> list[tuple[str, Any]]:
        """Each output has a list of metrics; where there is none, `None` is in it."""
        names = container._output_names or [""]
        lists = [*zip(names, container._metrics, strict=False)]
        lists += zip(names, container._weighted_metrics, strict=False)
        named = [(name, metric) for name, one in lists for metric in one if metric is not None]
        return named if len(names) > 1 else [("", metric) for _, metric in named]

    def parts(self, variable: Any) -> Sequence[Any]:
        """Of a variable that lies on several parameter servers, a layer holds each part."""
        if type(variable).__name__ == "ShardedVariable":
            return variable.__dict__["_variables"]  # type: ignore[no-any-return]
        return (variable,)

    def placement(self, variable: Any) -> str | None:
        """From the variable itself."""
        return placement.of_tensorflow(variable)

    def graph_nodes(self, model: Any) -> Iterator[NodeFacts] | None:
        """The nodes of a graph network, from `_nodes_by_depth`."""
        held = getattr(model, "__dict__", {})
        if not held.get("_is_graph_network") or "_nodes_by_depth" not in held:
            return None
        return node_facts(held["_nodes_by_depth"], "layer", "keras_inputs")

    def nodes_behind(self, outputs: list[Any]) -> Iterator[NodeFacts]:
        """The nodes that these symbolic tensors come from."""
        return node_facts(nodes_behind(outputs, "keras_inputs"), "layer", "keras_inputs")

    def output_tensors(self, model: Any) -> list[Any]:
        """`model.outputs` of a graph network."""
        is_graph = getattr(model, "__dict__", {}).get("_is_graph_network")
        return list(model.outputs or ()) if is_graph else []

    def inputs_of(self, model: Any) -> list[tuple[str, str]]:
        """By the names of its tensors' layers."""
        return [(x._keras_history.layer.name, x.dtype.name) for x in self.input_tensors(model)]

    def taken_inputs(self, model: Any, given: dict[Any, Any]) -> dict[str, str]:
        """A dict goes by the names of the inputs, but not always.

        Of a model whose `inputs` were no list and no dict, such as the values of a dict, it goes by
        its sorted keys (Functional._flatten_to_reference_inputs in engine/functional.py of tf_keras
        2.21).
        """
        names = [name for name, _ in self.inputs_of(model)]
        by_name = getattr(model, "_enable_dict_to_input_mapping", True)
        if by_name or not all(type(key) is str for key in given) or set(given) != set(names):
            return {}
        pairs = dict(zip(names, sorted(given), strict=False))
        return {} if all(name == key for name, key in pairs.items()) else pairs

    consumer = "layer"

    def input_tensors(self, model: Any) -> list[Any]:
        """`model.inputs` of a graph network."""
        is_graph = getattr(model, "__dict__", {}).get("_is_graph_network")
        return list(model.inputs) if is_graph else []

    def graph_ends(self, model: Any) -> tuple[list[int], list[int]]:
        """Keys of the nodes of `model.inputs` and `model.outputs`."""
        return [origin(t) for t in model.inputs], [origin(t) for t in model.outputs]


def make_adapter(package: str, version: str) -> Keras2Adapter:
    """The adapter of an imported Keras 2."""
    return Keras2Adapter(package, f"{package}.src", version)
