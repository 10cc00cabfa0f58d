"""Code for remedies, made of what the trace knows of a layer."""

from __future__ import annotations

import json
import keyword
import re
from typing import TYPE_CHECKING

from buildtrace.traces import wording
from buildtrace.traces.index import is_users
from buildtrace.traces.wording import USUAL_DTYPE

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from buildtrace.traces.schema import Call, LayerRef, LayerState, Shape, TensorSpec
    from buildtrace.traces.trace import Trace

_ATTRIBUTE = re.compile(r"[^\W\d]\w*(\[\d+\])?")
"""What code calls an attribute, or a place in a list that is one."""

_WAY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*|\[\d+\]|\['\w+'\])*")
"""What code calls something that is in an attribute, or in an object or a list that is one."""

OF_ANY_LAYER = ("name", "trainable", "dtype")
"""What each layer saves, and `super().__init__` takes."""

_MODELS = {"Sequential": "keras.Sequential", "Functional": "keras.Model", "Model": "keras.Model"}


def variable(ref: LayerRef) -> str:
    """A name for the layer in code: its own one without the number that Keras gave it."""
    return made_up(ref.name)


def made_up(name: str) -> str:
    """A name in code for a layer that has this one."""
    name = re.sub(r"_\d+$", "", name)
    return name if _is_a_name(name) else "layer"


def variables(refs: Sequence[LayerRef]) -> list[str]:
    """Names for several layers in code, each another one."""
    short = [variable(ref) for ref in refs]
    return [
        ref.name if short.count(name) > 1 and _is_a_name(ref.name) else name
        for ref, name in zip(refs, short, strict=True)
    ]


def attributes(state: LayerState | None, refs: Sequence[LayerRef]) -> list[str]:
    """How the code of a layer's class names layers in it: "self.dense"; made up if not known."""
    known = {} if state is None else state.attributes
    held = [known.get(ref.id, "") for ref in refs]  # a trace from a stranger may have any text
    names = [name if _ATTRIBUTE.fullmatch(name) else "" for name in held]
    made_up = zip(names, variables(refs), strict=True)
    return [f"self.{name or instead}" for name, instead in made_up]


def is_way(way: str) -> bool:
    """Whether this text may stand in code: a trace from a stranger may have any."""
    return bool(_WAY.fullmatch(way))


def text(name: str) -> str:
    """A name as a string in code, whatever is in it."""
    return json.dumps(wording.sanitize(name), ensure_ascii=False)


def _is_a_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def constructor(trace: Trace, ref: LayerRef) -> str:
    """What makes a layer of this one's class, in code: "keras.layers.Dense", "keras.Sequential"."""
    state = trace.index.state_of(ref.id)
    own = trace.index.builds_of(ref.id) + trace.index.calls_of(ref.id)
    if (state is not None and state.file) or any(is_users(call) for call in own):
        return ref.class_name
    return _MODELS.get(ref.class_name, f"keras.layers.{ref.class_name}")


def get_config(
    arguments: Iterable[str], kept: Container[str] | None, objects: Container[str] = ()
) -> str:
    """A `get_config` that saves just what the constructor takes.

    Args:
        arguments: of the constructor, by name, but those of any layer.
        kept: the attributes that the class keeps them in, with or without an underscore before
            the name; `None` if that is not known.
        objects: the names of those that are layers or other objects of Keras.
    """
    pairs, unkept = [], []
    has = kept or ()
    for name in arguments:
        attribute = name if name in has or f"_{name}" not in has else f"_{name}"
        value = f"self.{attribute}"
        if attribute not in has:
            unkept.append(name)
        if name in objects:
            value = f"keras.utils.serialize_keras_object({value})"
        pairs.append(f'"{name}": {value}')
    lines = [
        "def get_config(self):",
        f"    return {{{', '.join(['**super().get_config()', *pairs])}}}",
    ]
    if unkept:
        assigned = "; ".join(f"self.{name} = {name}" for name in unkept)
        where = "in" if kept is not None else "if not kept there yet, in"
        lines.append(f"# {where} __init__: {assigned}")
    return "\n".join(lines)


def zeros(generation: str, spec: TensorSpec) -> str:
    """Code that makes a tensor of this kind, with 1 for each size that is not known.

    Args:
        generation: "keras2" or "keras3".
        spec: the kind.
    """
    module = "tf" if generation == "keras2" else "keras.ops"
    sizes = tuple(1 if size is None else size for size in spec.shape or (None,))
    kind = "" if spec.dtype in (None, USUAL_DTYPE) else f', dtype="{spec.dtype}"'
    return f"{module}.zeros({sizes}{kind})"


def call_on_data(trace: Trace, ref: LayerRef, generation: str, name: str = "") -> str:
    """Code that calls a layer on data, of the shapes that it or one of its class was called on.

    Args:
        trace: the trace.
        ref: the layer.
        generation: "keras2" or "keras3".
        name: the layer's name in the code, if it is not to be made from its own.
    """
    known = inputs(trace, ref)
    data = ", ".join(zeros(generation, spec) for spec in known) if known else "x"
    said = "" if known else "  # x: one batch of your data"
    return f"{name or variable(ref)}({data}){said}"


def call_on_symbols(trace: Trace, ref: LayerRef, chain: Iterable[Call]) -> str:
    """Code that calls a layer on symbols as it was called in one of these calls, for Keras 3.

    Args:
        trace: the trace.
        ref: the layer.
        chain: calls of it or around it, the outermost first.
    """
    calls = (call.inputs for call in chain if call.layer == ref and call.inputs)
    given = next(calls, ())
    if not given or not all(spec.shape for spec in given):
        return call_on_data(trace, ref, "keras3")
    symbols = ", ".join(map(_symbol, given))
    state = trace.index.state_of(ref.id)
    is_list = state is not None and len(given) > 1 and len(needed(state)) == 1
    return f"{variable(ref)}({f'[{symbols}]' if is_list else symbols})"


def _symbol(spec: TensorSpec) -> str:
    assert spec.shape
    sizes = "" if spec.shape[0] is None else f"batch_shape={tuple(spec.shape)}"
    kind = "" if spec.dtype in (None, USUAL_DTYPE) else f', dtype="{spec.dtype}"'
    return f"keras.Input({sizes or without_batch(spec.shape)}{kind})"


def inputs(trace: Trace, ref: LayerRef) -> Sequence[TensorSpec]:
    """What a layer was called on or built from, or else another one of its class; may be empty."""
    same = [one.id for one in trace.layers.values() if one.class_name == ref.class_name]
    for layer in sorted(same, key=lambda one: one != ref.id):
        used: list[Call] = trace.index.calls_of(layer) + trace.index.builds_of(layer)
        for call in used:
            if call.inputs and all(spec.shape for spec in call.inputs):
                return call.inputs
    return ()


def needed(state: LayerState) -> list[str]:
    """The tensors that the layer's `call` cannot do without, by the names of its arguments.

    Keras itself gives `training` and `mask`.
    """
    call = state.method("call")
    names = () if call is None else call.arguments[: call.required]
    return [name for name in names if name not in ("training", "mask")]


def without_batch(sizes: Shape | None) -> str:
    """The shape of one sample, as `keras.Input` wants it."""
    return repr(tuple((sizes or ())[1:]))


def any_batch(sizes: Shape) -> str:
    """The shape with its batch size left open, as `build` wants it."""
    return repr((None, *sizes[1:]))
