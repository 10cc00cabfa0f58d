"""Which layers of a trace an assertion speaks of, by name or class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from typing import Protocol

    from buildtrace.traces.schema import LayerRef
    from buildtrace.traces.trace import Trace

    class Named(Protocol):
        """A layer or model of Keras."""

        @property
        def name(self) -> str:
            """Its name."""


def name_of(layer: str | Named) -> str:
    """The name that was given, or that a layer of Keras has."""
    return layer if isinstance(layer, str) else layer.name


def layers_called(trace: Trace, layer: str | Named) -> list[LayerRef]:
    """The layers of this name, or else of this class, in order of appearance."""
    name = name_of(layer)
    layers = list(trace.layers.values())
    named = [ref for ref in layers if ref.name == name]
    return named or [ref for ref in layers if ref.class_name == name]


def known(trace: Trace) -> str:
    """The layers that there are, for a message."""
    names = dict.fromkeys(wording.quoted(ref.name) for ref in trace.layers.values())
    return wording.listed(names, 12) or "none"
