"""What a `fit` is told of its logs and its classes: names that it will not log, weights of classes.

Read when a `fit` ends, or is ended by a dry fit: the metrics are built then, and have their names.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from buildtrace.capture import snapshot
from buildtrace.traces.schema import ClassWeights, Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.capture.record import UseRecord
    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter

_WATCHING = ("ModelCheckpoint", "EarlyStopping", "ReduceLROnPlateau")
"""Callbacks of Keras' own that look for a name in the logs of an epoch."""

_RATES = ("lr", "learning_rate")
"""Names that callbacks of Keras' own put into the logs."""


def begin(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a `fit` by name; empty if it does not take them."""
    try:
        return dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except TypeError:
        return {}


def end(use: UseRecord, given: dict[str, Any], recorder: Recorder) -> bool:
    """Note what a `fit` was told; says whether there is something to note.

    Args:
        use: takes the notes.
        given: its arguments by name.
        recorder: knows what a dry fit was given, which runs without its callbacks.
    """
    model = given["self"]
    callbacks = given.get("callbacks") or recorder.given_targets.callbacks_of(model)
    weights, targets = given.get("class_weight"), given.get("y")
    if callbacks and _logs_are_known(model, use.adapter):
        use.missing = tuple(_missing(callbacks, given, use.adapter))
    if isinstance(weights, dict) and all(isinstance(key, int) for key in weights):
        shape = getattr(targets, "shape", None)
        known = None if shape is None else snapshot.spec(shape, None).shape
        use.class_weights = ClassWeights(classes=tuple(sorted(weights)), targets=known)
    return bool(use.missing or use.class_weights)


def _missing(callbacks: Any, given: dict[str, Any], adapter: Adapter) -> Iterator[Monitor]:
    listed = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    if not all(adapter.is_own(one) and type(one).__name__ != "LambdaCallback" for one in listed):
        return  # it may put more into the logs
    names = adapter.names_of_logs(given["self"])
    validated = given.get("validation_data") is not None or bool(given.get("validation_split"))
    logs = [*names, *(f"val_{name}" for name in names if validated)]
    for one in listed:
        wanted = getattr(one, "monitor", None)
        if names and isinstance(wanted, str) and wanted not in (*logs, *_RATES) and _watches(one):
            yield Monitor(
                class_name=type(one).__name__, name=wanted, logs=tuple(logs), validated=validated
            )


def _watches(callback: Any) -> bool:
    """Whether it looks for that at the end of an epoch."""
    if type(callback).__name__ == "ModelCheckpoint":
        return bool(callback.save_best_only and callback.save_freq == "epoch")
    return type(callback).__name__ in _WATCHING


def _logs_are_known(model: Any, adapter: Adapter) -> bool:
    """Whether it is Keras' own code that says what is logged."""
    methods = ("train_step", "test_step", "compute_metrics", "get_metrics_result", "fit")
    return all(
        adapter.is_own_function(getattr(model, name)) for name in methods if hasattr(model, name)
    )
