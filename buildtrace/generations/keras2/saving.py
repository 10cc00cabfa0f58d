"""Saves and loads models of Keras 2."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from buildtrace.generations.saver import InputFacts, Saver

if TYPE_CHECKING:
    from collections.abc import Iterator


class Keras2Saver(Saver):
    """Saves and loads models of `keras` up to 2.15 and of `tf_keras`."""

    def inputs(self, model: Any) -> Any:
        """Those of its graph, or else what a subclassed model was first called or built on."""
        held = vars(model)
        if held.get("_is_graph_network"):
            return model._nested_inputs
        called = held.get("_saved_model_inputs_spec")
        if called is not None:
            return called
        shape = held.get("_build_input_shape")
        return None if shape is None else InputFacts(shape, "float32")

    def values(self, tensor: Any) -> Any:
        """TensorFlow's own conversion."""
        return np.asarray(tensor)

    @contextlib.contextmanager
    def _counters(self) -> Iterator[None]:
        """The numbers that names of the current graph have got to, and Keras' own draws."""
        backend = self._source("backend")
        numbers, graph = backend.PER_GRAPH_OBJECT_NAME_UIDS, backend.get_graph()
        counted = dict(numbers.get(graph, {}))
        observed: set[str] = getattr(backend, "OBSERVED_NAMES", set())
        seen = set(observed)
        draws = getattr(getattr(backend, "_SEED_GENERATOR", None), "generator", None)
        drawn = draws and draws.getstate()
        try:
            yield
        finally:
            if graph in numbers:
                numbers[graph].clear()
                numbers[graph].update(counted)
            observed.intersection_update(seen)
            if draws:
                draws.setstate(drawn)


def make_saver(adapter: Any) -> Keras2Saver:
    """The saver of an imported Keras 2."""
    return Keras2Saver(adapter)
