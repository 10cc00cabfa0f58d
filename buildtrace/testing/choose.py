"""Which layers of a trace an assertion speaks of, by name or class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from typing import Protocol

    from buildtrace.traces.trace import Trace

    class Named(Protocol):
        """A layer or model of Keras."""

        @property
        def name(self) -> str:
            """Its name."""


def name_of(layer: str | Named) -> str:
    """The name that was given, or that a layer of Keras has."""
    return layer if isinstance(layer, str) else layer.name


def known(trace: Trace) -> str:
    """The layers that there are, for a message."""
    names = dict.fromkeys(wording.quoted(ref.name) for ref in trace.layers.values())
    return wording.listed(names, 12) or "none"
