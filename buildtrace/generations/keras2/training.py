"""How Keras 2 trains."""

from __future__ import annotations

import importlib
import sys
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from buildtrace.generations.training_reader import Training, TrainingReader

if TYPE_CHECKING:
    from collections.abc import Callable

TRAINING = Training(
    fits=("engine.training:Model.fit", "engine.training:Model.train_on_batch"),
    builds=(),
    starts=("engine.training:Model.make_train_function",),
    makes=(),
    losses=("engine.training:Model.compute_loss", "engine.compile_utils:LossesContainer.__call__"),
    steps=("engine.training:Model.train_step",),
    updates=(
        "optimizers.optimizer:_BaseOptimizer.apply_gradients",
        "optimizers.legacy.optimizer_v2:OptimizerV2.apply_gradients",
        "engine.training_v1:Model._make_train_function",  # without eager execution: no steps to see
    ),
    idle=(),
    workers=("utils.data_utils:SequenceEnqueuer.start",),
    own_fits=("engine.training:Model.fit",),
    others=("engine.training:Model.evaluate", "engine.training:Model.predict"),
)


class Keras2TrainingReader(TrainingReader):
    """Reads the first step of a training in Keras 2."""

    root: str

    @abstractmethod
    def top_layers(self, model: Any) -> list[Any]:
        """The layers that the model itself holds."""

    def trained_as_compiled(self, model: Any) -> list[Any] | None:
        """By `_compiled_trainable_state`, which `fit` puts back for as long as it runs.

        That is RespectCompiledTrainableState in engine/training_utils.py of tf_keras 2.21.
        """
        flags = getattr(model, "_compiled_trainable_state", None)
        if not flags:
            return None

        def trained(layer: Any) -> list[Any]:
            if not flags.get(layer, layer.trainable):
                return []
            inside = [weight for child in self.top_layers(layer) for weight in trained(child)]
            return [*getattr(layer, "_trainable_weights", ()), *inside]

        return list({id(weight): weight for weight in trained(model)}.values())

    def as_called(self, function: Any) -> Any:
        """Converted by TensorFlow's autograph, where what calls it is."""
        if self.is_own_function(function):
            return function
        autograph = sys.modules["tensorflow"].__internal__.autograph
        return autograph.tf_convert(function, autograph.control_status_ctx())

    def keep(self, model: Any) -> Callable[[], None]:
        """The weights, if there are any yet."""
        if not model.run_eagerly:
            return lambda: None
        try:
            kept = [(weight, weight.numpy().copy()) for weight in model.weights]
        except ValueError:  # a subclassed model that is not built
            kept = []

        def put_back() -> None:
            for weight, value in kept:
                weight.assign(value)

        return put_back

    def gradients_given(self, args: Any, kwargs: Any) -> tuple[list[tuple[Any, Any]], Any]:
        """Of `apply_gradients(grads_and_vars)`, which is mostly given a `zip`."""
        given = args[1] if len(args) > 1 else kwargs.get("grads_and_vars")
        if len(args) > 1 and isinstance(given, Iterator):
            given = list(given)
            args = (args[0], given, *args[2:])
        if not isinstance(given, (list, tuple)) or not all(_is_pair(pair) for pair in given):
            return [], args
        return [(gradient, variable) for gradient, variable in given], args

    def make_history(self) -> Any:
        """An empty History."""
        return importlib.import_module(f"{self.root}.callbacks").History()


def _is_pair(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and len(given) == 2
