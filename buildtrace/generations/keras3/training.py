"""How Keras 3 trains, on each of its backends."""

from __future__ import annotations

import importlib
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from buildtrace.generations.training_reader import Training, TrainingReader, TrainStep

if TYPE_CHECKING:
    from collections.abc import Callable

_TRAINERS = (
    "backend.{backend}.trainer:TensorFlowTrainer",
    "backend.{backend}.trainer:JAXTrainer",
    "backend.{backend}.trainer:TorchTrainer",
)
"""Each backend has one of its own."""

TRAINING = Training(
    fits=("trainers.trainer:Trainer.fit", "trainers.trainer:Trainer.train_on_batch"),
    builds=("trainers.trainer:Trainer._symbolic_build",),
    starts=tuple(f"{trainer}.make_train_function" for trainer in _TRAINERS),
    makes=(
        "backend.common.variables:Variable.__init__",
        "backend.common.variables:KerasVariable.__init__",
    ),
    losses=("trainers.trainer:Trainer.compute_loss",),
    steps=tuple(f"{trainer}.train_step" for trainer in _TRAINERS),
    updates=("optimizers.base_optimizer:BaseOptimizer.apply",),
    # The averages that an optimizer may keep: JAX's `fit` assigns them however it ends.
    idle=("optimizers.base_optimizer:BaseOptimizer.finalize_variable_values",),
    workers=("trainers.data_adapters.py_dataset_adapter:PyDatasetEnqueuer.start",),
    own_fits=tuple(f"{trainer}.fit" for trainer in _TRAINERS),
    others=tuple(f"{trainer}.{name}" for trainer in _TRAINERS for name in ("evaluate", "predict")),
)


class Keras3TrainingReader(TrainingReader):
    """Reads the first step of a training in Keras 3."""

    root: str

    def step(self, model: Any) -> TrainStep | None:
        """`train_function`, which `compile` sets back to `None`."""
        function = getattr(model, "train_function", None)
        is_made = isinstance(function, FunctionType)
        return TrainStep(function, _traces(function, 3)) if is_made else None

    def keep(self, model: Any) -> Callable[[], None]:
        """Weights and states of seeds; on Torch gradients, and buffers of modules not Keras' too.

        A step on JAX is given the state and returns the new one. But `fit` takes the values out
        of the variables for as long as it trains.
        """
        if self.backend == "jax":
            optimizer = getattr(model, "optimizer", None)
            held = (*model.variables, *model.metrics_variables)
            variables = [*held, *getattr(optimizer, "variables", ())]
            values = [(variable, variable._value) for variable in variables]
            return lambda: _set_values(values)
        if self.backend == "tensorflow" and not self._is_eager(model):
            return lambda: None
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        if self.backend == "tensorflow":
            kept = [(variable, variable.value.numpy().copy()) for variable in variables]
            return lambda: _assign(kept)
        kept = [(variable, variable.value.detach().clone()) for variable in variables]
        gradients = [(tensor, _copy(tensor.grad)) for tensor in model.parameters()]
        buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
        is_training = model.training

        def put_back() -> None:
            _assign(kept)
            for tensor, gradient in gradients:
                tensor.grad = gradient
            for buffer, value in buffers:
                buffer.copy_(value)
            model.train(is_training)

        return put_back

    def _is_eager(self, model: Any) -> bool:
        return bool(model.run_eagerly or sys.modules["tensorflow"].config.functions_run_eagerly())

    def gradients_given(self, args: Any, kwargs: Any) -> tuple[list[tuple[Any, Any]], Any]:
        """Of `apply(grads, trainable_variables)`: an optimizer knows its variables once built."""
        optimizer, *given = args
        gradients = given[0] if given else kwargs.get("grads")
        variables = given[1] if len(given) > 1 else kwargs.get("trainable_variables")
        if variables is None:
            variables = getattr(optimizer, "_trainable_variables", None)
        if not isinstance(gradients, (list, tuple)) or not isinstance(variables, (list, tuple)):
            return [], args
        same = len(gradients) == len(variables)
        return list(zip(gradients, variables, strict=True)) if same else [], args

    def make_history(self) -> Any:
        """An empty History."""
        return importlib.import_module(f"{self.root}.callbacks.history").History()


def _assign(kept: list[tuple[Any, Any]]) -> None:
    for variable, value in kept:
        variable.assign(value)


def _copy(gradient: Any) -> Any:
    return None if gradient is None else gradient.detach().clone()


def _set_values(kept: list[tuple[Any, Any]]) -> None:
    for variable, value in kept:
        variable._value = value


def _traces(function: Any, depth: int) -> int:
    """How often TensorFlow has made graphs of the functions that this one has in its closure."""
    count = 0
    for cell in getattr(function, "__closure__", None) or ():
        try:
            inner = cell.cell_contents
        except ValueError:  # empty
            continue
        if hasattr(inner, "experimental_get_tracing_count"):
            count += inner.experimental_get_tracing_count()
        elif depth and isinstance(inner, FunctionType):
            count += _traces(inner, depth - 1)
    return count
