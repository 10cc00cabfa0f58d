"""How Keras 3 trains, on each of its backends."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from buildtrace.generations.training import Training, TrainingReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRAINING = Training(
    fits=("trainers.trainer:Trainer.fit", "trainers.trainer:Trainer.train_on_batch"),
    builds=("trainers.trainer:Trainer._symbolic_build",),
    starts=(
        "backend.{backend}.trainer:TensorFlowTrainer.make_train_function",
        "backend.{backend}.trainer:JAXTrainer.make_train_function",
        "backend.{backend}.trainer:TorchTrainer.make_train_function",
    ),
    makes=(
        "backend.common.variables:Variable.__init__",
        "backend.common.variables:KerasVariable.__init__",
    ),
    losses=("trainers.trainer:Trainer.compute_loss",),
    updates=("optimizers.base_optimizer:BaseOptimizer.apply",),
    idle=(
        # JAX's `fit` takes the values out of the variables for as long as it trains, and at its
        # end, however that comes, puts averages in their place if the optimizer keeps some.
        "backend.{backend}.trainer:JAXTrainer._purge_model_variables",
        "optimizers.base_optimizer:BaseOptimizer.finalize_variable_values",
    ),
    workers=("trainers.data_adapters.py_dataset_adapter:PyDatasetEnqueuer.start",),
)


class Keras3TrainingReader(TrainingReader):
    """Reads the first step of a training in Keras 3."""

    root: str

    def is_eager(self, model: Any) -> bool:
        """JAX's steps change nothing: they are given the state, and return the new one."""
        if self.backend == "tensorflow":
            eagerly = sys.modules["tensorflow"].config.functions_run_eagerly()
            return bool(eagerly or model.run_eagerly)
        return self.backend == "torch"

    def keep(self, model: Any) -> Callable[[], None]:
        """Weights and states of seeds; on Torch the buffers of modules that are not Keras' too."""
        backend = importlib.import_module(f"{self.root}.backend")
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        kept = [(variable, backend.convert_to_numpy(variable).copy()) for variable in variables]
        buffers = model.buffers() if self.backend == "torch" else ()
        foreign = [(buffer, buffer.detach().clone()) for buffer in buffers]
        mode = model.training if self.backend == "torch" else None

        def put_back() -> None:
            for variable, value in kept:
                variable.assign(value)
            for buffer, value in foreign:
                buffer.copy_(value)
            if mode is not None:
                model.train(mode)

        return put_back

    def rest_of_step(self, model: Any, loss: Any, data: Sequence[Any]) -> list[Callable[[], Any]]:  # noqa: ARG002
        """The metrics."""
        return [partial(model.compute_metrics, *data)]

    def make_history(self) -> Any:
        """An empty History."""
        return importlib.import_module(f"{self.root}.callbacks.history").History()
