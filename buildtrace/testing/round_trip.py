"""Saves a model, loads it again, and sees what is left of it."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace import capture, generations
from buildtrace.errors import UsageError
from buildtrace.testing import compiled, loaded_model, lost_arguments
from buildtrace.testing.messages import failure
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from buildtrace.generations.saver import Saver

FORMATS = (".keras", ".h5")


def assert_survives_saving(
    model: Any,
    *,
    format: str = ".keras",  # noqa: A002 - what Keras calls it
    x: Any = None,
    custom_objects: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """The model can be saved, and is the same again when it is loaded.

    The same are its layers and the arguments of their constructors, how they are connected, the
    weights, bit for bit, and what comes out for one input. The user's own layers are the ones that
    lose something; the message names the argument. The classes of the model's layers need not be
    registered: they are custom objects while it is loaded. If the model is compiled, the optimizer
    is the same as well, with its settings and what it has learned, and so are the loss and the
    metrics, by name; with `compile=False` nobody asks for that.

    It takes a model, not a trace of one: a trace has no weights, and no layer that could be saved.

    Nothing is left behind: the file is gone, the names that Keras numbers and the random numbers
    of Python, NumPy, TensorFlow and Keras go on as if there had been no saving; only what a call
    draws by an operation of TensorFlow with a seed of its own goes on with the next ones.

    Args:
        model: a built model of any Keras.
        format: ".keras", or ".h5" for the older file.
        x: what to call the model on, before and after. By default it is made up: numbers of the
            shapes that the model takes, zeros where they are whole ones.
        custom_objects: more of them, by name, such as functions of yours.
        options: more for Keras' `load_model`, such as `safe_mode=False` for layers of lambdas, or
            `compile=False`.

    Raises:
        UsageError: it is no model, or not built, or there is no such format, or no input can be
            made up.
    """
    __tracebackhide__ = True
    saver = _saver(model)
    if format not in FORMATS:
        raise UsageError(f"cannot save as {format!r}; there are {', '.join(FORMATS)}")
    if not model.built:
        raise UsageError(f"{loaded_model.title(model)} is not built: there is nothing to save yet")
    found = {type(x).__name__: type(x) for x in loaded_model.own_layers(model, saver)}
    is_compiled = compiled.is_compiled(model)
    if is_compiled:
        found.update(compiled.own_objects(model, saver))
    with (
        saver.unchanged(),
        saver.custom_objects({**found, **(custom_objects or {})}),
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of a test's own, which may make errors of them
        path = Path(folder, f"model{format}")
        _check(model, saver, path, x, {"compile": is_compiled, **options})


def _saver(model: Any) -> Saver:
    __tracebackhide__ = True
    package = generations.package_of(model)
    if package is not None:
        _, adapter = generations.adapter_for(package)
        if isinstance(model, adapter.model_class):
            return generations.saver_for(adapter)
    kind = wording.sanitize(type(model).__name__)
    raise UsageError(f"assert_survives_saving takes a model of Keras, not a {kind}")


def _check(model: Any, saver: Saver, path: Path, x: Any, options: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    wanted = f"expected {loaded_model.title(model)} to survive saving as {path.suffix}"
    try:
        model.save(str(path))
    except Exception as error:
        own = loaded_model.own_layers(model, saver)
        lines = [
            *lost_arguments.of_unsaved(own, saver),
            f"it cannot be saved: {loaded_model.cause(error)}",
        ]
        raise AssertionError(_text(wanted, lines)) from error
    try:
        loaded = saver.load(path, options)
    except Exception as error:
        if options["compile"] and _loads(saver, path, {**options, "compile": False}):
            raised = f"what it was compiled with cannot be loaded: {loaded_model.cause(error)}"
            raise AssertionError(_text(wanted, [raised])) from error
        text = _text(wanted, _reasons(model, saver, error))
        raise _with_tree(text, saver, path, options) from error
    is_compiled = compiled.is_compiled(model) and options["compile"]
    lines = loaded_model.differences(model, loaded, saver, x, is_compiled=is_compiled)
    if lines:
        raise AssertionError(_text(wanted, lines))


def _loads(saver: Saver, path: Path, options: Mapping[str, Any]) -> bool:
    try:
        saver.load(path, options)
    except Exception:
        return False
    return True


def _reasons(model: Any, saver: Saver, error: Exception) -> list[str]:
    """Why it could not be loaded: what its layers lose, as far as that can be seen."""
    own = loaded_model.own_layers(model, saver)
    lost = lost_arguments.of_failure(own, saver)
    raised = f"it cannot be loaded: {loaded_model.cause(error)}"
    return [*lost, raised] if lost else [raised, *lost_arguments.unseen(own, saver)]


def _with_tree(text: str, saver: Saver, path: Path, options: Mapping[str, Any]) -> AssertionError:
    """The error that says so, with the calls down to the one that failed, if it was in a build."""
    try:
        with capture.trace() as trace:
            saver.load(path, options)
    except Exception:  # the same again: the trace has it
        if any(call.step != "load" for call in trace.index.failing):
            return failure(trace, text)
    return AssertionError(text)


def _text(wanted: str, lines: list[str]) -> str:
    return "\n  ".join([f"{wanted}, but {lines[0]}", *lines[1:]])
