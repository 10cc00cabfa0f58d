"""What a `fit` is told: names that it will not log, weights of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import buildtrace
from buildtrace.capture import dry_fits

if TYPE_CHECKING:
    from scenarios import Keras

    from buildtrace.traces.schema import Use

X, Y = np.zeros((8, 3), "float32"), np.arange(8) % 2
LOGS = ("loss", "acc", "val_loss", "val_acc")


def fitted(k: Keras, *, dry: bool = False, **options: Any) -> list[Use]:
    """The uses of a `fit` that was given these options."""
    with buildtrace.trace() as trace:
        model = k.Sequential([k.layers.Dense(1, activation="sigmoid")])
        model.compile("sgd", "binary_crossentropy", metrics=["acc"])
        if dry:
            with dry_fits(goes_on=True):
                model.fit(X, Y, verbose=0, **options)
        else:
            model.fit(X, Y, verbose=0, **options)
    return [use for use in trace.uses if use.name == "Model.fit"]


def stop(k: Keras, name: str) -> Any:
    return k.keras.callbacks.EarlyStopping(name, mode="max")


@pytest.mark.parametrize("dry", [False, True])
def test_a_name_that_is_not_logged(k: Keras, dry: bool) -> None:
    (use,) = fitted(k, dry=dry, callbacks=[stop(k, "val_accuracy")], validation_split=0.25)
    (missing,) = use.missing
    assert (missing.class_name, missing.name) == ("EarlyStopping", "val_accuracy")
    assert set(missing.logs) == set(LOGS)
    assert missing.validated
    assert use.model is not None
    assert use.caller is not None
    assert use.caller.file == __file__


@pytest.mark.parametrize("dry", [False, True])
def test_names_that_are_logged(k: Keras, dry: bool) -> None:
    watching = [stop(k, name) for name in LOGS]
    assert fitted(k, dry=dry, callbacks=watching, validation_data=(X, Y)) == []


def test_a_callback_of_ones_own_may_log_more(k: Keras) -> None:
    class Own(k.keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            logs["f1"] = 0.5

    assert fitted(k, callbacks=[Own(), stop(k, "f1")]) == []


@pytest.mark.parametrize("dry", [False, True])
def test_weights_of_classes(k: Keras, dry: bool) -> None:
    (use,) = fitted(k, dry=dry, class_weight={1: 0.5, 0: 2.0})
    assert use.class_weights is not None
    assert use.class_weights.classes == (0, 1)
    assert use.class_weights.targets == (8,)
