"""The models of a script that is planned, kept until its end, and what optimizers keep for them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from buildtrace.cli.progress import WatchedTracing
from buildtrace.errors import UsageError
from buildtrace.generations import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.capture.record import Record


class KeepingTracing(WatchedTracing):
    """A tracing that keeps the layers alive: those of a script's function would be gone.

    Attributes:
        layers: those at work in a build, by identity, in order of appearance.
    """

    def __init__(self) -> None:
        """Not started, and nothing kept yet."""
        super().__init__()
        self.layers: dict[int, Any] = {}

    def add(self, records: list[Record]) -> None:
        """Take the calls of a tree that is over."""
        for record in records:
            if record.layer is not None:
                self.layers[id(record.layer)] = record.layer
        super().add(records)


def models_of(layers: list[Any]) -> list[Any]:
    """The models that are built; if there are none, all that is built and no model."""
    built = [layer for layer in layers if getattr(layer, "built", False)]
    return [layer for layer in built if _is_model(layer)] or built


def outermost(models: list[Any]) -> list[Any]:
    """As many of the models as have all weights: not those whose weights another one has."""
    seen: set[int] = set()
    kept = []
    for model in sorted(models, key=lambda model: -len(model.weights)):
        weights = {id(weight) for weight in model.weights}
        if weights - seen:
            kept.append(model)
            seen |= weights
    return kept


def build_optimizers(models: list[Any], name: str) -> None:
    """Have Keras' own optimizers make what they keep for the weights of models.

    Args:
        models: which may be trained; the outermost of them are, if an optimizer is named.
        name: of an optimizer of Keras; "" for those that the models were compiled with.

    Raises:
        UsageError: Keras has none of this name.
    """
    for model in outermost(models) if name else models:
        optimizer = _made(model, name) if name else getattr(model, "optimizer", None)
        variables = list(model.trainable_variables)
        if optimizer is None or not variables:
            continue
        if not getattr(optimizer, "built", False) and hasattr(optimizer, "build"):
            with _distribution_scope(model):
                optimizer.build(variables)


def _made(model: Any, name: str) -> Any:
    """An optimizer of this name, of the Keras that the model is of."""
    keras = _keras_of(model)
    try:
        return keras.optimizers.get(name)
    except (ValueError, TypeError) as error:
        raise UsageError(f"--optimizer {name}: Keras has none of this name") from error


def _keras_of(model: Any) -> Any:
    import importlib

    for base in type(model).__mro__:
        package = base.__module__.partition(".")[0]
        if package in PACKAGES:
            return importlib.import_module(package)
    raise UsageError(f"--optimizer: of which Keras is {type(model).__name__}?")


def _is_model(layer: Any) -> bool:
    return any(
        base.__name__ == "Model" and base.__module__.partition(".")[0] in PACKAGES
        for base in type(layer).__mro__
    )


@contextlib.contextmanager
def _distribution_scope(model: Any) -> Iterator[None]:
    """The scope of the strategy of `tf.distribute` that the model was made in, if it was."""
    strategy = getattr(model, "distribute_strategy", None)
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        yield
