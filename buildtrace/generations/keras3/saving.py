"""Saves and loads models of Keras 3."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from buildtrace.generations.saver import InputFacts, Saver

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS, _DRAWS = "object_name_uids", "global_seed_generator"
"""What Keras calls its global state."""


class Keras3Saver(Saver):
    """Saves and loads models of `keras` from 3.2."""

    def inputs(self, model: Any) -> Any:
        """Those of its graph, or else what a subclassed model was built for."""
        for graph in (model, self.adapter.inner_model(model)):
            if hasattr(graph, "_inputs_struct"):
                return graph._inputs_struct
        shapes = list((getattr(model, "_build_shapes_dict", None) or {}).values())
        return _facts(shapes[0]) if len(shapes) == 1 else None

    def values(self, tensor: Any) -> Any:
        """The backend's conversion."""
        return np.asarray(self._source("backend").convert_to_numpy(tensor))

    @contextlib.contextmanager
    def _counters(self) -> Iterator[None]:
        """The numbers that names have got to, and what draws without a seed."""
        state = self._source("backend.common.global_state")
        counted = dict(state.get_global_attribute(_NUMBERS) or {})
        generator = state.get_global_attribute(_DRAWS)
        drawn = None if generator is None else self.values(generator.state)
        try:
            yield
        finally:
            numbers = state.get_global_attribute(_NUMBERS)
            if numbers is not None:
                numbers.clear()
                numbers.update(counted)
            if generator is None:
                state.set_global_attribute(_DRAWS, None)
            else:
                generator.state.assign(drawn)


def _facts(shapes: Any) -> Any:
    """Shapes as they are nested, each of a tensor of numbers."""
    if isinstance(shapes, dict):
        return {key: _facts(shape) for key, shape in shapes.items()}
    if any(isinstance(part, (list, tuple, dict)) for part in shapes):
        return [_facts(shape) for shape in shapes]
    return InputFacts(tuple(shapes), "float32")


def make_saver(adapter: Any) -> Keras3Saver:
    """The saver of an imported Keras 3."""
    return Keras3Saver(adapter)
