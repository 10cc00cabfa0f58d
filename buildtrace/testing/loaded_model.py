"""What differs between a model and the one that was loaded from its file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from buildtrace.capture import snapshot
from buildtrace.capture.raised import error_info
from buildtrace.errors import UsageError
from buildtrace.generations.base import flat
from buildtrace.testing import compiled, lost_arguments
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from buildtrace.generations import Adapter
    from buildtrace.generations.saver import Saver

BATCH, UNKNOWN = 2, 32
"""The sizes that a made-up input has where the model takes any: examples, and everything else."""

LONGEST = 500
"""So many characters of an exception are shown."""

NEAR = 1e-5
"""By how much outputs may differ, relatively: parallel sums have no order."""


def differences(
    model: Any, loaded: Any, saver: Saver, given: Any, *, is_compiled: bool = False
) -> list[str]:
    """What was lost, in lines; the first kind of loss that there is.

    Args:
        model: as it was saved.
        loaded: as it came back.
        saver: of their Keras.
        given: what to call both on; `None` if that is to be made up.
        is_compiled: whether the loaded one should be compiled as the other one is.

    Raises:
        UsageError: no input can be made up, or the model does not take it.
    """
    lines = lost_arguments.once(_arguments(model, loaded, saver))
    if lines:
        return lines
    lines = (
        list(_layers(model, loaded, saver.adapter))
        or list(_weights(model, loaded, saver))
        or list(_computations(model, loaded, saver, given))
    )
    if lines:
        return [*lines, *lost_arguments.unseen(own_layers(model, saver), saver)]
    return list(compiled.differences(model, loaded, saver)) if is_compiled else []


def own_layers(model: Any, saver: Saver) -> list[Any]:
    """The layers of the user's classes, the innermost first; the model as well, if it is one."""
    layers = list(saver.adapter.all_layers(model))
    return [layer for layer in reversed(layers) if not saver.adapter.is_own(layer)]


def title(layer: Any) -> str:
    """A layer in a message: its name and class."""
    return wording.layer(snapshot.layer_ref(layer, 0))


def cause(error: BaseException) -> str:
    """The exception that Keras wrapped in others, in one line."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    text = " ".join(" ".join(wording.essence(error_info(error))).split())
    return wording.sanitize_long(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _arguments(model: Any, loaded: Any, saver: Saver) -> Iterator[str]:
    adapter = saver.adapter
    for layer, other in _pairs(model, loaded, adapter):
        if _class(layer) == _class(other) and not adapter.is_own(layer):
            yield from lost_arguments.by_value(layer, other, saver)
    if adapter.graph_nodes(model) is None:  # layers that a model makes itself are in no config
        return
    for layer, other in _children(model, loaded, adapter):
        if _class(layer) == _class(other) and not adapter.is_own(layer):
            yield from lost_arguments.of_any_layer(layer, other)


def _pairs(model: Any, loaded: Any, adapter: Adapter) -> Iterator[tuple[Any, Any]]:
    """The two, and each layer inside with the loaded one in its place, the outermost first."""
    waiting, seen = [(model, loaded)], set()
    for layer, other in waiting:
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer, other
            if _class(layer) == _class(other):
                waiting += _children(layer, other, adapter)


def _children(layer: Any, other: Any, adapter: Adapter) -> list[tuple[Any, Any]]:
    """What the two hold directly.

    By their names, if those are the same, as in a graph: Keras 3.2 loads its layers in another
    order. Others have numbers in their names that they get anew.
    """
    before, after = adapter.top_layers(layer), adapter.top_layers(other)
    named = [{x.name: x for x in layers} for layers in (before, after)]
    if named[0].keys() == named[1].keys() and len(named[0]) == len(before):
        return [(x, named[1][name]) for name, x in named[0].items()]
    return list(zip(before, after, strict=False))


def _class(layer: Any) -> str:
    """A class by its place: one that is made in a function is another one each time."""
    return f"{type(layer).__module__}.{type(layer).__qualname__}"


def _layers(model: Any, loaded: Any, adapter: Adapter) -> Iterator[str]:
    """Other layers, or the same ones in another graph."""
    for layer, other in _pairs(model, loaded, adapter):
        if _class(layer) != _class(other):
            name = wording.sanitize(type(other).__name__)
            yield f"{title(layer)} is of the class {name} after loading"
            continue
        was, is_ = (len(adapter.top_layers(x)) for x in (layer, other))
        if was != is_:
            layers = wording.count(was, "layer")
            yield f"{title(layer)} had {layers} inside, and has {is_:,} after loading"
    if _edges(model, adapter) != _edges(loaded, adapter):
        yield f"the layers of {title(model)} are connected differently after loading"


def _edges(model: Any, adapter: Adapter) -> Counter[int]:
    """What runs in the model's graph, each as a number for what it is and all that it hangs on.

    Operations such as `x + y` may have other names after loading, and nodes another order.
    """
    made: dict[int, int] = {}
    for node in adapter.graph_nodes(model) or ():  # the deepest first
        operation = node.operation
        label = _class(operation) if adapter.is_operation(operation) else operation.name
        made[node.key] = hash((label, *(made.get(key) for key, _ in node.inputs)))
    return Counter(made.values())


def _weights(model: Any, loaded: Any, saver: Saver) -> Iterator[str]:
    """Weights of another name, shape or dtype, that are trained or not, or have other values."""
    # A frozen layer freezes those in it, whatever they say themselves.
    trained = {id(variable) for m in (model, loaded) for variable in m.trainable_weights}
    for layer, other in _pairs(model, loaded, saver.adapter):
        before, after = (_facts(x, trained, saver.adapter) for x in (layer, other))
        if [facts for facts, _ in before] != [facts for facts, _ in after]:
            was, is_ = (", ".join(facts for facts, _ in w) or "none" for w in (before, after))
            yield f"{title(layer)} had the weights {was}, and has {is_} after loading"
            continue
        for (facts, variable), (_, now) in zip(before, after, strict=True):
            if saver.values(variable).tobytes() != saver.values(now).tobytes():
                yield f"{facts} of {title(layer)} has other values after loading"


def _facts(layer: Any, trained: Container[int], adapter: Adapter) -> list[tuple[str, Any]]:
    """The layer's own weights: name, shape, dtype and whether it is trained, as text."""
    found = []
    for variable in adapter.own_weights(layer):
        facts = adapter.weight_facts(variable, layer)
        shape = wording.shape(snapshot.spec(facts.shape).shape)
        frozen = "" if id(variable) in trained else " not trained"
        name, dtype = wording.sanitize(facts.name), snapshot.dtype_name(facts.dtype)
        found.append((f"{name} {shape} {dtype}{frozen}", variable))
    return found


def _computations(model: Any, loaded: Any, saver: Saver, given: Any) -> Iterator[str]:
    """What comes out for one input, as far as it is no chance."""
    if given is None:
        given = _input(model, saver)
    first, again = _outputs_twice(model, given, saver)
    _set_states(model, loaded, saver)
    try:
        after = _outputs(loaded, given, saver)
    except Exception as error:
        yield f"{title(model)} cannot be called after loading: {cause(error)}"
        return
    if len(first) != len(after) or not all(
        _near(one, other) or not _near(one, repeated)
        for one, repeated, other in zip(first, again, after, strict=True)
    ):
        yield f"{title(model)} computes something else after loading"


def _input(model: Any, saver: Saver) -> Any:
    """Something that the model takes, which was tried."""
    takes = saver.inputs(model)
    if takes is None:
        raise UsageError(f"what {title(model)} takes is not known: give an input, by x=")
    given = _made_up(takes)
    try:
        _outputs_twice(model, given, saver)
    except Exception as error:
        text = f"{title(model)} cannot be called on an input that was made up: give one, by x="
        raise UsageError(text) from error
    return given


def _outputs_twice(model: Any, given: Any, saver: Saver) -> tuple[list[Any], list[Any]]:
    """The outputs of two calls, each from the state that the model is in, and is left in."""
    kept = [(variable, saver.values(variable)) for variable in saver.variables(model)]
    outputs = []
    for _ in range(2):
        try:
            outputs.append(_outputs(model, given, saver))
        finally:
            for variable, value in kept:  # such as the states of a recurrent layer
                _set(variable, value, saver)
    return outputs[0], outputs[1]


def _set_states(model: Any, loaded: Any, saver: Saver) -> None:
    """Have the loaded model begin in the same state, which is no part of what is saved."""
    for variable, other in zip(saver.variables(model), saver.variables(loaded), strict=False):
        _set(other, saver.values(variable), saver)


def _set(variable: Any, value: Any, saver: Saver) -> None:
    if saver.values(variable).tobytes() != value.tobytes():
        variable.assign(value)


def _outputs(model: Any, given: Any, saver: Saver) -> list[Any]:
    return [saver.values(tensor) for tensor in flat(model(given))]


def _near(one: Any, other: Any) -> bool:
    import numpy as np

    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if _is_float(one):
        return bool(np.allclose(one, other, rtol=NEAR, atol=NEAR, equal_nan=True))
    return bool(np.array_equal(one, other))


def _is_float(array: Any) -> bool:
    return array.dtype.kind in "fcV"  # bfloat16 is a kind of its own


def _made_up(takes: Any) -> Any:
    """Something that a model takes: numbers from -1 to 1, zeros for whole ones, or no text."""
    import numpy as np

    if isinstance(takes, dict):
        return {key: _made_up(part) for key, part in takes.items()}
    if not hasattr(takes, "shape"):
        return type(takes)(_made_up(part) for part in takes)
    spec = snapshot.spec(takes.shape, takes.dtype)
    sizes = spec.shape or ()
    shape = [
        BATCH if size is None and not axis else size or UNKNOWN for axis, size in enumerate(sizes)
    ]
    if spec.dtype == "string":
        return np.full(shape, "")
    if "float" not in (spec.dtype or "float"):
        return np.zeros(shape, spec.dtype)
    dtype = "float32" if spec.dtype == "bfloat16" else spec.dtype
    return np.sin(np.arange(np.prod(shape))).reshape(shape).astype(dtype)
