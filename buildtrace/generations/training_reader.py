"""How a generation trains, as far as a dry fit needs to know it: the table, and its reader.

A dry fit runs Keras' own `fit` up to where a weight is about to change, and no further.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager


class Training(NamedTuple):
    """Where a generation trains. All are targets like a family's.

    Attributes:
        fits: train a model on the data that they get. Keras' own definitions of them matter, which
            a user's definition calls.
        builds: run on symbols before the first step, to build what is not built yet.
        starts: run right before the first step.
        makes: make a variable, which in TensorFlow's compiled functions has no value before the
            function has run.
        losses: compute the loss of a step; called on the model, or on its `compiled_loss`.
        steps: train on one batch: the user's own definitions matter as well.
        updates: are about to change weights: they get gradients.
        idle: change weights at the end of a training; do nothing in a dry fit.
        workers: start what loads data in the background; the `stop` of their self ends that.
        own_fits: Keras' own `fit` itself.
        others: Keras' own functions that take data besides, to evaluate a model or to predict.
    """

    fits: tuple[str, ...]
    builds: tuple[str, ...]
    starts: tuple[str, ...]
    makes: tuple[str, ...]
    losses: tuple[str, ...]
    steps: tuple[str, ...]
    updates: tuple[str, ...]
    idle: tuple[str, ...]
    workers: tuple[str, ...]
    own_fits: tuple[str, ...]
    others: tuple[str, ...]


class TrainStep(NamedTuple):
    """What a model runs for each batch of a `fit`.

    Attributes:
        function: the one that it keeps for that.
        traces: how often TensorFlow has made a graph of it; 0 if it runs as it stands.
    """

    function: Any
    traces: int


SILENT = {"callbacks": None, "verbose": 0}
"""Arguments of a dry `fit`: whoever would write files or lines about the training is not asked."""


class TrainingReader(ABC):
    """Reads the first step of a training. A base of the adapters."""

    backend: str
    _own: str

    def is_own_function(self, function: Any) -> bool:
        """Whether a function or method is defined in Keras' own sources."""
        return str(getattr(function, "__module__", "")).startswith(self._own)

    def has_own_step(self, model: Any) -> bool:
        """Whether the model's `train_step` is Keras' own, not the user's."""
        return self.is_own_function(model.train_step)

    def as_called(self, function: Any) -> Any:
        """The function as the user's code around would call it, if a hook calls it instead."""
        return function

    def is_in_graph(self) -> bool:
        """Whether what runs now is on TensorFlow's symbols: no data was read for it then."""
        if self.backend != "tensorflow":
            return False
        tensorflow = sys.modules["tensorflow"]
        is_of_tensorflow_2 = tensorflow.compat.v1.executing_eagerly_outside_functions()
        return bool(is_of_tensorflow_2 and not tensorflow.executing_eagerly())

    def outside_of_graph(self) -> AbstractContextManager[Any]:
        """A block that runs at once, though a graph of TensorFlow is being made around it."""
        if self.is_in_graph():
            scope: AbstractContextManager[Any] = sys.modules["tensorflow"].init_scope()
            return scope
        return nullcontext()

    def take_batch(self, x: Any) -> None:
        """Have a `tf.data` pipeline make its first batch: it may fail in that."""
        tensorflow = sys.modules.get("tensorflow")
        if tensorflow is not None and isinstance(x, tensorflow.data.Dataset):
            next(iter(x), None)

    @abstractmethod
    def keep(self, model: Any) -> Callable[[], None]:
        """Copy what a step changes even if no gradient is applied; returns what puts it back.

        That is little of a compiled step. One that runs on data moves a batch normalization's
        averages and the seeds of what is random.
        """

    def rest_of_step(self, model: Any, data: Sequence[Any]) -> Callable[[], Any]:
        """What Keras' own `train_step` does behind the update: it computes the metrics.

        Args:
            model: the model.
            data: what `compute_loss` was given: inputs, targets, outputs, weights of the samples.
        """
        return partial(model.compute_metrics, *data)

    @abstractmethod
    def gradients_given(self, args: Any, kwargs: Any) -> tuple[list[tuple[Any, Any]], Any]:
        """The gradients that an update is given, each with its variable; and its arguments.

        There are none if they are not given as Keras says. The arguments are to be used in the
        place of those that came, of which some can be read only once.
        """

    def step(self, model: Any) -> TrainStep | None:  # noqa: ARG002
        """The step that the model keeps since its last `compile`, if it was made by then."""
        return None

    def trained_as_compiled(self, model: Any) -> list[Any] | None:  # noqa: ARG002
        """The weights that `fit` trains, if the flags at `compile` say that; else `None`."""
        return None

    @abstractmethod
    def make_history(self) -> Any:
        """An empty History, as `fit` returns it."""

    def log_names(self, model: Any) -> list[str]:
        """What a step of the model logs, as far as Keras knows: the names of its metrics."""
        return self.names_of_logs(model) or ["loss"]

    def names_of_logs(self, model: Any) -> list[str]:
        """The same; empty if no step got so far that this is known."""
        try:
            return list(model.get_metrics_result())
        except Exception:  # metrics of the user's own, or not built
            return []
