"""A dry fit: Keras' own `fit` runs until an optimizer is about to change a weight, and no further.

The model, the loss, its gradients and the metrics are built and run as at the start of any
training: on symbols where Keras compiles the step, else on the first batch. Then `TrainingReached`
is raised, which ends the program, or `fit` alone, which then returns a History without a number
in it.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from buildtrace.capture import hooks
from buildtrace.generations.training_reader import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter

NAN = float("nan")
"""Stands for all that a dry fit did not compute."""


class TrainingReached(BaseException):
    """A weight was about to change, or the first step came to its end: no training follows.

    Attributes:
        is_in_graph: whether that was on TensorFlow's symbols, so that no data was read for it.
    """

    def __init__(self, *, is_in_graph: bool = False) -> None:
        super().__init__()
        self.is_in_graph = is_in_graph


@dataclass
class _RunningFit:
    """A `fit` that is running.

    Attributes:
        model: what is fitted.
        is_building: Keras builds it on symbols, before the first step.
        is_in_step: the `train_step` runs.
        put_back: sets the variables back to what they were before the step.
        rest: what Keras' own step does behind the update.
        workers: what loads data in the background for it.
    """

    model: Any
    is_building: bool = False
    is_in_step: bool = False
    put_back: Callable[[], None] | None = None
    rest: list[Callable[[], Any]] = field(default_factory=list)
    workers: list[Any] = field(default_factory=list)


class _NoNumbers(dict[str, list[float]]):
    """What a History knows after a dry fit, where it is the user's own code that names things."""

    def __init__(self, names: list[str], epochs: int) -> None:
        super().__init__({name: [NAN] * epochs for name in names})
        self.epochs = epochs

    def __missing__(self, name: str) -> list[float]:
        return self.setdefault(name, [NAN] * self.epochs)


_COMPILED = {"train_function", "train_tf_function"}
"""Attributes of a model that hold its compiled step."""


class DryFits:
    """Makes the hooks of dry fits, which do nothing but pass on while nobody wants any.

    Attributes:
        users: who wants them, and whether the program is to go on behind each `fit`.
        count: how many the program went on behind, since somebody wants any.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.users: dict[object, bool] = {}
        self.count = 0
        self._running: list[_RunningFit] = []
        self._depth = threading.local()
        self._tried: dict[int, weakref.ref[Any]] = {}

    def hook_makers(self) -> dict[str, Callable[..., Any]]:
        """What makes the hook of a function, by the field of `Training` that names the function.

        It makes `None` for a function that needs none.
        """
        return {
            "fits": self._fit_hook,
            "builds": self._build_hook,
            "starts": self._start_hook,
            "makes": self._make_hook,
            "losses": self._loss_hook,
            "steps": self._step_hook,
            "updates": self._update_hook,
            "idle": self._idle_hook,
            "workers": self._worker_hook,
        }

    # -- the fit itself -----------------------------------------------------------------------

    def _fit_hook(self, function: Any, adapter: Adapter) -> Any:
        if not adapter.is_own_function(function):
            return None  # a user's `fit`: Keras' own, if it calls that, has the hook

        def act(args: Any, kwargs: Any) -> Any:
            if self.users and not self._running:
                return self._fit(function, adapter, args, kwargs)
            return function(*args, **kwargs)

        return _hook(function, act)

    @hooks.unlisted
    def _fit(self, function: Any, adapter: Adapter, args: Any, kwargs: Any) -> Any:
        bound = _bind(function, args, kwargs)
        if bound is None:  # Keras is to say so
            return function(*args, **kwargs)
        given = dict(bound.arguments)
        model = given["self"]
        goes_on = all(self.users.values())
        make_result = _history if "epochs" in given else _logs
        if goes_on and make_result is _logs and self._was_tried(model):
            return _logs(adapter, given)  # a loop of thousands
        bound.arguments.update({name: SILENT[name] for name in SILENT.keys() & given.keys()})
        try:
            return self._run(
                function, model, bound, given.get("callbacks")
            )  # to its end only if there was no data
        except TrainingReached as error:
            end = error  # what is raised from here on has nothing to do with it
        if end.is_in_graph:
            adapter.take_batch(given.get("x"))
        if not goes_on:
            raise end
        self.count += 1
        self._tried[id(model)] = weakref.ref(model)
        return make_result(adapter, given)

    def _was_tried(self, model: Any) -> bool:
        reference = self._tried.get(id(model))
        return reference is not None and reference() is model

    @hooks.unlisted
    def _run(self, function: Any, model: Any, bound: inspect.BoundArguments, callbacks: Any) -> Any:
        """Run Keras' fit, without these callbacks, and leave the model as it was."""
        fit = _RunningFit(model)
        functions = {name: vars(model)[name] for name in _COMPILED & vars(model).keys()}
        self._running.append(fit)
        given = bound.arguments
        targets, rows = given.get("y"), given.get("batch_size")
        data = self._recorder.given_targets.begin(model, targets, rows, callbacks)
        try:
            for name in functions:  # what was compiled before has no hooks in it
                setattr(model, name, None)
            return function(*bound.args, **bound.kwargs)
        finally:
            self._recorder.given_targets.end(data)
            self._running.remove(fit)
            for name, value in functions.items():  # made for a step that never came to its end
                setattr(model, name, value)
            for worker in fit.workers:
                with contextlib.suppress(Exception):  # of a batch that nobody has asked for
                    worker.stop()
            if fit.put_back is not None:
                fit.put_back()

    # -- what runs in it ----------------------------------------------------------------------

    def _build_hook(self, function: Any, adapter: Adapter) -> Any:  # noqa: ARG002
        def act(args: Any, kwargs: Any) -> Any:
            fit = self._fit_of(args[0])
            if fit is None:
                return function(*args, **kwargs)
            # The loss that it computes is none of a step: that may be the user's own, and fail.
            fit.is_building = True
            try:
                return function(*args, **kwargs)
            finally:
                fit.is_building = False

        return _hook(function, act)

    def _start_hook(self, function: Any, adapter: Adapter) -> Any:
        def act(args: Any, kwargs: Any) -> Any:
            fit = self._fit_of(args[0])
            if fit is not None and fit.put_back is None:
                with contextlib.suppress(Exception):  # a variable of a kind that we do not know
                    fit.put_back = adapter.keep(fit.model)
            return function(*args, **kwargs)

        return _hook(function, act)

    def _make_hook(self, function: Any, adapter: Adapter) -> Any:
        def act(args: Any, kwargs: Any) -> Any:
            if not self._running:
                return function(*args, **kwargs)
            with adapter.outside_of_graph():
                return function(*args, **kwargs)

        return _hook(function, act)

    def _loss_hook(self, function: Any, adapter: Adapter) -> Any:
        def act(args: Any, kwargs: Any) -> Any:
            called = adapter.as_called(function)
            depth = getattr(self._depth, "now", 0)
            self._depth.now = depth + 1
            try:
                loss = called(*args, **kwargs)
            finally:
                self._depth.now = depth
            fit = None if depth else self._fit_of(args[0])  # it may be that of a superclass
            if fit is not None and not fit.is_building:
                self._has_loss(fit, adapter, args, kwargs)
            return loss

        return _hook(function, act)

    @hooks.unlisted
    def _has_loss(self, fit: _RunningFit, adapter: Adapter, args: Any, kwargs: Any) -> None:
        if args[0] is not fit.model or not adapter.has_own_step(fit.model):
            return
        names = ("x", "y", "y_pred", "sample_weight")  # Keras' step gives them so
        given = {**dict(zip(names, args[1:], strict=False)), **kwargs}
        rest = adapter.rest_of_step(fit.model, [given.get(name) for name in names])
        if adapter.backend == "jax":  # outside of the function that it differentiates, JAX refuses
            rest()
        else:
            fit.rest.append(rest)

    def _step_hook(self, function: Any, adapter: Adapter) -> Any:
        def act(args: Any, kwargs: Any) -> Any:
            fit, called = self._fit_of(args[0]), adapter.as_called(function)
            if fit is None or fit.is_in_step:  # it may be that of a superclass
                return called(*args, **kwargs)
            fit.is_in_step = True
            try:
                called(*args, **kwargs)
            finally:
                fit.is_in_step = False
            # No optimizer of Keras' is in it, or none for this batch, or nothing is trainable.
            raise TrainingReached(is_in_graph=adapter.is_in_graph())

        return _hook(function, act)

    def _update_hook(self, function: Any, adapter: Adapter) -> Any:
        def act(args: Any, kwargs: Any) -> Any:
            if not self.users:
                return function(*args, **kwargs)
            pairs, args = adapter.gradients_given(args, kwargs)
            self._recorder.gradients.note(adapter, self._recorder, args, kwargs)
            if pairs and all(gradient is None for gradient, _ in pairs):
                function(*args, **kwargs)  # Keras refuses, before it changes any
            for fit in self._running:
                for rest in fit.rest:
                    rest()
            raise TrainingReached(is_in_graph=adapter.is_in_graph())

        return _hook(function, act)

    def _idle_hook(self, function: Any, adapter: Adapter) -> Any:  # noqa: ARG002
        def act(args: Any, kwargs: Any) -> Any:
            return None if self._running else function(*args, **kwargs)

        return _hook(function, act)

    def _worker_hook(self, function: Any, adapter: Adapter) -> Any:  # noqa: ARG002
        def act(args: Any, kwargs: Any) -> Any:
            for fit in self._running:
                if args[0] not in fit.workers:
                    fit.workers.append(args[0])
            return function(*args, **kwargs)

        return _hook(function, act)

    def _fit_of(self, owner: Any) -> _RunningFit | None:
        """The running fit of a model, or of the model whose `compiled_loss` this is."""
        for fit in self._running:
            if owner is fit.model or owner is getattr(fit.model, "compiled_loss", None):
                return fit
        return None


def _hook(function: Any, act: Callable[[Any, Any], Any]) -> Any:
    """A hook that does this with the arguments, and is in no traceback."""
    hooks.unlisted(act)

    def hook(*args: Any, **kwargs: Any) -> Any:
        try:
            return act(args, kwargs)
        except BaseException as error:
            hooks.hide_frame(error)
            while error.__traceback__ and hooks.is_unlisted(error.__traceback__.tb_frame.f_code):
                error.__traceback__ = error.__traceback__.tb_next
            raise

    return hooks.disguise(hook, function)


def _bind(function: Any, args: Any, kwargs: Any) -> inspect.BoundArguments | None:
    """The arguments by name, defaults included; `None` if the function does not take them."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    return bound


# -- what a dry fit returns -------------------------------------------------------------------


def _history(adapter: Adapter, given: dict[str, Any]) -> Any:
    """The History of a training of so many epochs, without a number."""
    model = given["self"]
    epochs = range(given.get("initial_epoch") or 0, given["epochs"])
    names = adapter.log_names(model)
    if given.get("validation_data") is not None or given.get("validation_split"):
        names += [f"val_{name}" for name in names]
    history = adapter.make_history()
    history.set_model(model)
    history.set_params({"verbose": 0, "epochs": given["epochs"], "steps": None})
    history.epoch = list(epochs)
    numbers = _NoNumbers(names, len(epochs))
    history.history = dict(numbers) if adapter.has_own_step(model) else numbers
    model.history = history
    return history


def _logs(adapter: Adapter, given: dict[str, Any]) -> Any:
    """What `train_on_batch` returns, without a number."""
    logs = dict.fromkeys(adapter.log_names(given["self"]), NAN)
    if given.get("return_dict"):
        return logs
    return NAN if len(logs) == 1 else [NAN] * len(logs)
