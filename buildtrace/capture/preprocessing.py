"""Layers that are to learn from data in `adapt`, and have been used without that.

Only those are noted that nobody hears of otherwise: a Normalization, and Keras 2's Discretization.
The layers that look up a vocabulary raise an exception without one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from buildtrace.capture.hooks import noting_hook
from buildtrace.capture.record import UseRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from buildtrace.capture.record import Record
    from buildtrace.capture.snapshot import Layers


class Preprocessing:
    """The layers that had not learned anything when they were called, by number."""

    def __init__(self, layers: Layers) -> None:
        """Start with none; `layers` numbers the layers."""
        self._layers = layers
        self._taught: set[int] = set()
        self._called: dict[int, UseRecord] = {}

    def hook(self, function: Callable[..., Any]) -> Any:
        """A hook for `finalize_state`, which `adapt` and all that loads values run at their end."""

        def note(args: Any, _result: Any) -> None:
            caller = sys._getframe(2).f_code.co_name  # of the hook
            if args and caller != "build":  # nothing is known there yet
                self._taught.add(self._layers.number(args[0]))

        return noting_hook(function, after=note)

    def note(self, records: Sequence[Record], kind: type) -> None:
        """Note the layers that were called in a tree of calls that is over.

        Args:
            records: the calls.
            kind: the type of what the root was called on, if it is a layer.
        """
        root = records[0]
        on_data = root.hooked.calls_layer and not issubclass(kind, root.hooked.symbol)
        for record in records:
            layer, adapter = record.layer, record.hooked.adapter
            if not record.hooked.calls_layer or not isinstance(layer, adapter.preprocessing):
                continue
            number = record.number
            if number is None or number in self._taught or not adapter.wants_adapt(layer):
                continue
            known = self._called.get(number)
            if known is None or (on_data and not known.ran):
                use = UseRecord(f"{adapter.wants_adapt(layer)}.call", adapter, record.order)
                use.model, use.caller, use.ran = number, record.caller, on_data
                self._layers.read(layer, number)
                self._called[number] = use

    def read_rest(self) -> None:
        """Let go of what has learned something since."""
        for number, layer in self._layers.living():
            use = self._called.get(number)
            if use is not None and not use.adapter.wants_adapt(layer):
                self._taught.add(number)

    def uses(self) -> Iterator[UseRecord]:
        """The calls of layers that have not learned anything by now."""
        for number, use in self._called.items():
            if number not in self._taught:
                yield use
