"""What datasets say of their elements before anything is read of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.capture.snapshot import spec
from buildtrace.generations.base import flat
from buildtrace.traces.schema import UnlikeData

if TYPE_CHECKING:
    from buildtrace.traces.schema import TensorSpec


def unlike(data: Any, validation_data: Any) -> UnlikeData | None:
    """The one of two datasets that is not batched where the other one is; `None` if none is."""
    trained, checked = _elements(data), _elements(validation_data)
    if not trained or len(trained) != len(checked):
        return None
    if all(_is_one_of(one, many) for one, many in zip(checked, trained, strict=True)):
        return UnlikeData(argument="validation_data", element=checked[0], batch=trained[0])
    if all(_is_one_of(one, many) for one, many in zip(trained, checked, strict=True)):
        return UnlikeData(argument="x", element=trained[0], batch=checked[0])
    return None


def _elements(data: Any) -> list[TensorSpec]:
    """What a dataset of TensorFlow's yields; nothing of anything else, or if it is not known."""
    if not type(data).__module__.startswith("tensorflow."):
        return []
    parts = flat(getattr(data, "element_spec", None))
    if not all(hasattr(part, "shape") and hasattr(part, "dtype") for part in parts):
        return []
    specs = [spec(part.shape, part.dtype) for part in parts]
    return specs if all(one.shape is not None for one in specs) else []


def _is_one_of(one: TensorSpec, many: TensorSpec) -> bool:
    """Whether the one may be an element of the other, which is a batch."""
    return many.shape is not None and len(many.shape) > 0 and one.shape == many.shape[1:]
