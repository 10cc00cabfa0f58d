"""Reads the objects of Keras 3, on any backend."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar

from buildtrace.generations import placement
from buildtrace.generations.base import (
    BUILT,
    NOT_BUILT,
    Adapter,
    WeightFacts,
    class_name,
    node_facts,
    nodes_behind,
    origin,
)
from buildtrace.generations.keras3.training import Keras3TrainingReader
from buildtrace.generations.losses import LossSettings, MetricSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from buildtrace.generations.base import NodeFacts


class Keras3Adapter(Keras3TrainingReader, Adapter):
    """Reads layers, variables and graphs of `keras` from 3.2."""

    generation = "keras3"
    fills = (83, 89)  # in compute_output_spec of the Torch backend, and of older JAX ones
    makes_nothing: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("Merge", "Concatenate", "Dot", "Subtract"), ""),
        **dict.fromkeys(("AugMix", "RandAugment", "RandomColorJitter", "TextVectorization"), ""),
        "Attention": "use_scale",
    }

    def __init__(self, package: str, root: str, version: str) -> None:
        super().__init__(package, root, version)
        self.backend = self._source("backend.config").backend()
        self.layer_class = self._source("layers.layer").Layer
        self.model_class = self._source("models.model").Model
        self.tensor_class = self._source("backend").KerasTensor
        self.sequential_class = self._source("models.sequential").Sequential
        normalization = self._source("layers.preprocessing.normalization").Normalization
        self.preprocessing = (normalization,)
        self.metric_class = self._source("metrics.metric").Metric
        self._distribution_lib = self._source("distribution.distribution_lib")
        self._variable_class = self._source("backend").Variable

    def _source(self, module: str) -> Any:
        return importlib.import_module(f"{self.root}.{module}")

    def is_operation(self, thing: Any) -> bool:
        """True for an operation that is not a layer."""
        return not isinstance(thing, self.layer_class)

    def state(self, layer: Any) -> Mapping[str, bool]:
        """`built` of every layer, and whether a Sequential has its `_functional`."""
        flags = BUILT if getattr(layer, "built", False) else NOT_BUILT
        if isinstance(layer, self.sequential_class):
            return {**flags, "_functional": self.inner_model(layer) is not None}
        return flags

    def kind_of_variable(self, thing: Any) -> str:
        """Keras has its own, around one of the backend."""
        is_own = isinstance(thing, self._variable_class)
        return "keras.Variable" if is_own else super().kind_of_variable(thing)

    def own_weights(self, layer: Any) -> list[Any]:
        """The variables in the layer's two lists."""
        return [
            *getattr(layer, "_trainable_variables", ()),
            *getattr(layer, "_non_trainable_variables", ()),
        ]

    def is_trainable(self, variable: Any, layer: Any) -> bool:
        """Both say so."""
        return bool(variable.trainable and (layer is None or layer.trainable))

    def model_weights(self, model: Any) -> list[Any]:
        """`model.weights`."""
        return list(model.weights)

    def all_layers(self, model: Any) -> Iterable[Any]:
        """The model and all layers in it, at any depth."""
        layers: Iterable[Any] = model._flatten_layers()
        return layers

    def top_layers(self, model: Any) -> list[Any]:
        """The layers that the model itself holds."""
        return list(model._flatten_layers(include_self=False, recursive=False))

    def attributes(self, layer: Any) -> Iterator[Any]:
        """Keras 3 never forgets a layer; but a Sequential has its layers in that list alone."""
        for name, value in vars(layer).items():
            is_list = name == "_layers" and not isinstance(layer, self.sequential_class)
            if not is_list or name in self.overwritten(layer):
                yield value

    def overwritten(self, layer: Any) -> list[str]:
        """What the layer's tracker fills is no longer what is in the attribute of that name."""
        kept = getattr(getattr(layer, "_tracker", None), "config", None)
        held = vars(layer)
        lists = kept.items() if isinstance(kept, dict) else ()
        return [
            f"_{name}"
            for name, (_, filled) in lists
            if f"_{name}" in held and held[f"_{name}"] is not filled
        ]

    def weight_facts(self, variable: Any, layer: Any) -> WeightFacts:
        """From a keras.Variable.

        `_dtype`, because `dtype` answers for the autocast scope; `_shape`, because TensorFlow's
        `shape` makes a TensorShape of it each time; `_name` and `_path`, because this is asked of
        each weight while a model is built, and a property's function takes ten times as long.
        """
        return WeightFacts(
            getattr(variable, "_name", None) or variable.name,
            getattr(variable, "_path", None) or variable.path,
            getattr(variable, "_shape", None) or variable.shape,
            getattr(variable, "_dtype", None) or variable.dtype,
            self.is_trainable(variable, layer),
            class_name(getattr(variable, "_initializer", None)),
            class_name(getattr(variable, "regularizer", None)),
            class_name(getattr(variable, "constraint", None)),
            self.placement(variable),
        )

    def placement(self, variable: Any) -> str | None:
        """From the layout that Keras has set, or else from the backend's own variable."""
        layout = getattr(variable, "_layout", None)
        if layout is not None:
            return placement.of_layout(layout)
        return placement.of_value(getattr(variable, "_value", None))

    def distribution(self) -> Any:
        """`keras.distribution.distribution()`."""
        return self._distribution_lib.distribution()

    def training_parts(self, model: Any) -> list[Any]:
        """The optimizer, and what `compile` made of the losses and metrics."""
        names = ("optimizer", "_compile_loss", "_compile_metrics")
        return [part for name in names if (part := getattr(model, name, None)) is not None]

    def loss_outputs(self, container: Any, outputs: Any, targets: Any) -> list[str]:  # noqa: ARG002
        """The names of the outputs, or else the keys that lead to them.

        Where there are none, Keras calls its losses something else.
        """
        named = container.output_names is not None
        losses = getattr(container, "_flat_losses", None)
        if losses is not None:
            return [loss.name if named else _keys(loss.path) for loss in losses]
        losses = container.flat_losses  # before 3.7: one for each output, or `None`
        names = container.output_names if named else [""] * len(losses)
        return [name for name, loss in zip(names, losses, strict=False) if loss is not None]

    def loss_settings(self, container: Any, outputs: Any) -> LossSettings:
        """As they were given; outputs of a Sequential or a subclassed model have no names."""
        is_dict = isinstance(outputs, dict)
        names = sorted(outputs) if is_dict else list(container.output_names or ())
        weights = getattr(container, "_user_loss_weights", None)
        return LossSettings(names, container._user_loss, weights)

    def metric_settings(self, container: Any, outputs: Any) -> MetricSettings:
        """As they were given."""
        is_dict = isinstance(outputs, dict)
        names = sorted(outputs) if is_dict else list(container.output_names or ())
        weighted = container._user_weighted_metrics
        return MetricSettings(names, container._user_metrics, weighted)

    def metrics_of_outputs(self, container: Any) -> list[tuple[str, Any]]:
        """Each output has a list of metrics, or `None`; a single one is not named there."""
        lists = [*container._flat_metrics, *container._flat_weighted_metrics]
        return [
            (one.output_name or "", metric)
            for one in lists
            if one is not None
            for metric in one.metrics
        ]

    def inner_model(self, model: Any) -> Any:
        """A Sequential keeps a functional model inside."""
        return getattr(model, "_functional", None)

    def graph_nodes(self, model: Any) -> Iterator[NodeFacts] | None:
        """The nodes of a functional model, or of the functional model in a Sequential."""
        function = self._function(model)
        if function is None:
            return None
        return node_facts(function._nodes_by_depth, "operation", "input_tensors")

    def _function(self, model: Any) -> Any:
        if isinstance(model, self.sequential_class):
            model = self.inner_model(model)
        return model if hasattr(model, "_nodes_by_depth") else None

    def nodes_behind(self, outputs: list[Any]) -> Iterator[NodeFacts]:
        """The nodes that these symbolic tensors come from."""
        return node_facts(nodes_behind(outputs, "input_tensors"), "operation", "input_tensors")

    def output_tensors(self, model: Any) -> list[Any]:
        """Those of a functional model, or of the functional model in a Sequential."""
        function = self._function(model)
        return [] if function is None else list(function._outputs)

    def inputs_of(self, model: Any) -> list[tuple[str, str]]:
        """By the names of its tensors' layers."""
        return [(x._keras_history[0].name, x.dtype) for x in self.input_tensors(model)]

    def input_tensors(self, model: Any) -> list[Any]:
        """Those of a functional model, or of the functional model in a Sequential."""
        function = self._function(model)
        return [] if function is None else list(function._inputs)

    def taken_inputs(self, model: Any, given: dict[Any, Any]) -> dict[str, str]:
        """Both dicts are made flat by sorted keys, and go together as far as the inputs go.

        That is Functional._standardize_inputs in models/functional.py of keras 3.15.1.
        """
        wanted = getattr(model, "_inputs_struct", None)
        if type(wanted) is not dict or not all(type(key) is str for key in (*wanted, *given)):
            return {}
        if any(isinstance(value, (dict, list, tuple)) for value in given.values()):
            return {}
        pairs = list(zip(sorted(wanted), sorted(given), strict=False))
        is_well = len(pairs) < len(wanted) or all(name == key for name, key in pairs)
        return {} if is_well else dict(pairs)

    def graph_ends(self, model: Any) -> tuple[list[int], list[int]]:
        """Keys of the nodes of the model's inputs and outputs."""
        function = self._function(model)
        return [origin(t) for t in function._inputs], [
            origin(t) for t in self.output_tensors(model)
        ]


def _keys(path: tuple[Any, ...]) -> str:
    """Where an output is among others, if it has a name there."""
    named = path and all(isinstance(key, str) for key in path)
    return "/".join(path) if named else ""


def make_adapter(package: str, version: str) -> Keras3Adapter:
    """The adapter of an imported Keras 3."""
    return Keras3Adapter(package, f"{package}.src", version)
