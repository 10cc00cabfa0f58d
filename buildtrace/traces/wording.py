"""How findings say things: layers, shapes and lists of them in a sentence."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.traces.schema import LayerRef, Shape, SourceLine, TensorSpec


def layer(ref: LayerRef) -> str:
    """'dense' (Dense)."""
    return f"'{ref.name}' ({ref.class_name})" if ref.name else f"a {ref.class_name}"


def shape(sizes: Shape | None) -> str:
    """(None, 784), as Python writes it."""
    return "of unknown shape" if sizes is None else repr(tuple(sizes))


def shapes(specs: Sequence[TensorSpec]) -> str:
    """The shapes of several tensors, with "and" before the last."""
    return listed([shape(spec.shape) for spec in specs])


def listed(parts: Sequence[str]) -> str:
    """A, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def counted(number: int, what: str) -> str:
    """1 weight, 2 weights."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def line(place: SourceLine | None) -> str:
    """model.py:12."""
    return "" if place is None else f"{PurePath(place.file).name}:{place.line}"
