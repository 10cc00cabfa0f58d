"""What models make of what they are given: keys that lead elsewhere, values without a place.

Only what the program gives as NumPy arrays is looked at for its values: never a tensor. NumPy is
imported when there is a model: before the program, it would hide how the program's own import ends.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

from buildtrace.capture.callers import find_caller
from buildtrace.capture.hooks import noting_hook
from buildtrace.capture.record import MissedRecord, UseRecord
from buildtrace.traces.schema import LARGEST, Cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from buildtrace.capture.record import Record
    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter

_LOOKED_AT = 100_000
"""So many numbers of each array are looked at."""


class Inputs:
    """Looks at what models are given, and notes once what each makes of it."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, str, str]] = set()

    def forget(self) -> None:
        """Note all anew."""
        self._seen.clear()

    def note_call(self, record: Record, recorder: Recorder) -> None:
        """Note what a model that is called makes of what it is called on."""
        adapter, model = record.hooked.adapter, record.layer
        if len(record.args) < 2 or not isinstance(model, adapter.model_class):
            return
        given = record.args[1]
        taken = adapter.taken_inputs(model, given) if type(given) is dict else {}
        use = UseRecord("Functional.call", adapter, record.order)
        use.model, use.caller, use.call, use.taken = record.number, record.caller, record, taken
        if taken and self._is_new(use, str(sorted(taken.items()))):
            recorder.uses.append(use)
        self._note_values(use, model, given, recorder)

    def hook(self, function: Callable[..., Any], adapter: Adapter, recorder: Recorder) -> Any:
        """A hook for Keras' own `evaluate` or `predict`."""
        name = f"Model.{function.__name__}"

        def note(args: Any, kwargs: Any) -> None:
            if recorder.listeners and args and isinstance(args[0], adapter.model_class):
                with recorder.muted(name):
                    self.note_data(name, adapter, args, kwargs, recorder)

        return noting_hook(function, before=note)

    def note_data(
        self, name: str, adapter: Adapter, args: Any, kwargs: Any, recorder: Recorder
    ) -> None:
        """Note what a model makes of the data that `fit` or the like is given."""
        given = args[1] if len(args) > 1 else kwargs.get("x")
        use = UseRecord(name, adapter, recorder.next_order())
        use.model = recorder.layers.number(args[0])
        self._note_values(use, args[0], given, recorder)

    def _note_values(self, use: UseRecord, model: Any, given: Any, recorder: Recorder) -> None:
        if not any(_is_array(part) for part in _parts(given)):
            return
        for place, name, dtype, array in _pairs(use.adapter.inputs_of(model), given):
            cast = None if array.dtype.name == dtype else _cast(name, array, dtype)
            missed = None if cast else _missed(use.adapter, model, place, name, array, recorder)
            if (cast is None and missed is None) or not self._is_new(use, name):
                continue
            use.cast, use.missed = cast, missed
            use.caller = use.caller or find_caller(sys._getframe(1), {})[0]
            recorder.layers.read(model, use.model or 0)
            recorder.uses.append(use)
            return

    def _is_new(self, use: UseRecord, kind: str) -> bool:
        key = use.model or 0, use.name, kind
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


def _is_array(thing: Any) -> TypeGuard[np.ndarray[Any, Any]]:
    import numpy as np

    return isinstance(thing, np.ndarray)


def _parts(given: Any) -> tuple[Any, ...]:
    if isinstance(given, dict):
        return tuple(given.values())
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _pairs(
    inputs: list[tuple[str, str]], given: Any
) -> Iterator[tuple[int, str, str, np.ndarray[Any, Any]]]:
    """Place, name and dtype of each input, and the array that it gets."""
    if isinstance(given, dict):
        arrays = [given.get(name) for name, _ in inputs]
    else:
        arrays = list(_parts(given))
    if len(arrays) != len(inputs):
        return
    for place, ((name, dtype), array) in enumerate(zip(inputs, arrays, strict=True)):
        if _is_array(array):
            yield place, name, dtype, array


def _missed(
    adapter: Adapter,
    model: Any,
    place: int,
    name: str,
    array: np.ndarray[Any, Any],
    recorder: Recorder,
) -> MissedRecord | None:
    """The index that the smallest Embedding behind an input has no row for, if there is one."""
    import numpy as np

    tables = adapter.tables_behind(model, place) if array.dtype.kind in "iuf" else []
    sizes = [(x.input_dim, x) for x in tables if isinstance(x.input_dim, (int, np.integer))]
    if not sizes or not array.size:
        return None
    rows, table = min(sizes, key=lambda size: size[0])
    sample = array.reshape(-1)[:_LOOKED_AT]
    smallest, largest = sample.min().item(), sample.max().item()
    if rows <= largest < LARGEST:
        return MissedRecord(name, recorder.layers.number(table), int(rows), int(largest))
    # Keras 3 counts from the last row.
    if -LARGEST < smallest <= -1 and adapter.generation == "keras2":
        return MissedRecord(name, recorder.layers.number(table), int(rows), int(smallest))
    return None


def _cast(name: str, array: np.ndarray[Any, Any], dtype: str) -> Cast | None:
    """The first value that is another one in the input's dtype; `None` if none is."""
    import numpy as np

    given = array.dtype.kind
    if given not in "iuf" or dtype == "string" or dtype.startswith(("float", "bfloat", "complex")):
        return None  # floats are rounded: nobody minds
    sample = array.reshape(-1)[:_LOOKED_AT]
    if dtype == "bool":
        changed = (sample != 0) & (sample != 1)
    else:
        limits = np.iinfo(dtype)
        changed = (sample < limits.min) | (sample > limits.max)
        if given == "f":
            changed |= sample != np.trunc(sample)
    if not changed.any():
        return None
    value = sample[changed][0].item()
    fits = dtype != "bool" and limits.min <= value <= limits.max
    return Cast(
        input=name,
        given=array.dtype.name,
        dtype=dtype,
        value=f"{value:.6g}" if given == "f" else str(value),
        becomes=str(int(value)) if fits else "True" if dtype == "bool" else "",
    )
