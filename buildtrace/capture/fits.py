"""What a `fit` trains: not always the weights that are trainable when it starts.

Read at the start of a `fit` and at its end, never for a batch. It is noted only if they are others:
the flag `trainable` of a layer was changed after `compile`, and the step does not know.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture import datasets, hooks, told_fits
from buildtrace.capture.callers import find_caller
from buildtrace.capture.dry_fit import TrainingReached
from buildtrace.capture.hooks import disguise
from buildtrace.capture.raised import error_info
from buildtrace.capture.record import UseRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter
    from buildtrace.generations.training_reader import TrainStep


class _Trained(NamedTuple):
    """What was trainable when a step was made, as numbers of weights, and that step."""

    function: weakref.ref[Any]
    weights: tuple[int, ...]


class Fits:
    """The hook of `fit`, and what the models' steps were made for, by number of the model.

    Keras 2 trains what was trainable at `compile`. Keras 3 reads the flags while it makes the step,
    in the first `fit` after `compile`; on TensorFlow, later ones run that step again.
    """

    def __init__(self) -> None:
        self._trained: dict[int, _Trained] = {}

    def forget(self) -> None:
        """Let go of all steps."""
        self._trained.clear()

    def hook(self, function: Callable[..., Any], adapter: Adapter, recorder: Recorder) -> Any:
        """A hook for Keras' own `fit`."""

        def hook(*args: Any, **kwargs: Any) -> Any:
            given = told_fits.begin(function, args, kwargs) if recorder.listeners else {}
            started = self._begin(adapter, recorder, given, args, kwargs)
            given = given if started is not None else {}
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                if started is not None and isinstance(error, Exception):
                    self._end(started, args[0], recorder, error)
                if given and isinstance(error, (Exception, TrainingReached)):
                    self._note_told(adapter, given, recorder, error)
                hooks.hide_frame(error)
                raise
            if started is not None:
                self._end(started, args[0], recorder, None)
            if given:
                self._note_told(adapter, given, recorder, None)
            return result

        return disguise(hook, function)

    def _begin(
        self, adapter: Adapter, recorder: Recorder, given: dict[str, Any], args: Any, kwargs: Any
    ) -> tuple[UseRecord, TrainStep | None] | None:
        if not recorder.listeners or not args or not isinstance(args[0], adapter.model_class):
            return None
        use = UseRecord("Model.fit", adapter, recorder.next_order())
        with recorder.muted(use.name):
            use.model = recorder.layers.number(args[0])
            use.trainable = _trainable(args[0], recorder, adapter)
            recorder.inputs.note_data(use.name, adapter, args, kwargs, recorder)
            if given:
                _note_unlike(use, given, recorder)
            return use, adapter.step(args[0])
        return None  # what hindered that is noted

    def _end(
        self,
        started: tuple[UseRecord, TrainStep | None],
        model: Any,
        recorder: Recorder,
        error: Exception | None,
    ) -> None:
        use, before = started
        with recorder.muted(use.name):
            after = use.adapter.step(model)
            compiled = use.adapter.trained_as_compiled(model)
            if compiled is not None:
                use.trained = recorder.models.numbers_of(compiled)
            elif before is not None and self._is_known(use, before):
                # It fails of the weights that the step was not made for, or runs as it was made.
                is_kept = error is not None or (before.traces > 0 and before == after)
                use.trained = self._trained[use.model or 0].weights if is_kept else use.trainable
            if use.trained and use.trainable and set(use.trained) != set(use.trainable):
                use.caller = find_caller(sys._getframe(2), {})[0]
                use.error = None if error is None else error_info(error)
                recorder.layers.read(model, use.model or 0)
                recorder.uses.append(use)
            elif error is None and after is not None:
                self._remember(use, after, _trainable(model, recorder, use.adapter))

    def _note_told(
        self,
        adapter: Adapter,
        given: dict[str, Any],
        recorder: Recorder,
        error: BaseException | None,
    ) -> None:
        use = UseRecord("Model.fit", adapter, recorder.next_order())
        with recorder.muted(use.name):
            if told_fits.end(use, given, recorder):
                model = given["self"]
                use.model = recorder.layers.number(model)
                use.caller = find_caller(sys._getframe(2), {})[0]
                use.error = error_info(error) if isinstance(error, Exception) else None
                recorder.layers.read(model, use.model)
                recorder.uses.append(use)

    def _is_known(self, use: UseRecord, step: TrainStep) -> bool:
        known = self._trained.get(use.model or 0)
        return known is not None and known.function() is step.function

    def _remember(self, use: UseRecord, step: TrainStep, now: tuple[int, ...]) -> None:
        """Remember what the step was made for; nothing if it was made for several sets."""
        before = use.trainable or now  # it may have been built in this `fit`
        if self._is_known(use, step) and self._trained[use.model or 0].weights != before:
            before = ()
        weights = before if before == now else ()
        self._trained[use.model or 0] = _Trained(weakref.ref(step.function), weights)


def _note_unlike(fit: UseRecord, given: dict[str, Any], recorder: Recorder) -> None:
    """Note if one of the datasets is not batched where the other one is."""
    unlike = datasets.unlike(given.get("x"), given.get("validation_data"))
    if unlike is not None:
        use = UseRecord(fit.name, fit.adapter, fit.order)
        use.model, use.unlike = fit.model, unlike
        use.caller = find_caller(sys._getframe(3), {})[0]
        recorder.layers.read(given["self"], fit.model or 0)
        recorder.uses.append(use)


def _trainable(model: Any, recorder: Recorder, adapter: Adapter) -> tuple[int, ...]:
    """The weights that are trainable by the flags as they are now; none if it is not built."""
    if not adapter.state(model).get("built", False):
        return ()
    return recorder.models.numbers_of(list(model.trainable_weights))
