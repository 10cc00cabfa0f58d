"""How Keras was told to spread variables over devices (`keras.distribution`), and what came of it.

Keras asks the distribution that is on for a layout of each variable that it makes, and of each
output of a layer: hooks note the question and the answer. Where none is set, none of them runs.
"""

from __future__ import annotations

import sys
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture import snapshot
from buildtrace.capture.callers import find_caller
from buildtrace.capture.hooks import noting_hook
from buildtrace.generations import layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.capture.callers import Caller
    from buildtrace.capture.record import Record
    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter
    from buildtrace.generations.layouts import DistributionFacts
    from buildtrace.traces.schema import MeshAxes


class LayoutRecord(NamedTuple):
    """How a variable is spread; the distribution by the process's number."""

    distribution: int
    axes: MeshAxes
    pattern: str | None


@dataclass
class PatternRecord:
    """An entry of a layout map; `outputs` are the paths that it was found for, each once."""

    axes: MeshAxes
    caller: Caller | None
    variables: int = 0
    outputs: dict[str, None] = field(default_factory=dict)


class UnmadeRecord(NamedTuple):
    """A variable that a failing call was to make."""

    call: Record
    path: str
    shape: Any
    dtype: Any
    axes: MeshAxes
    pattern: str | None


@dataclass
class DistributionRecord:
    """A distribution.

    Attributes:
        number: the process's.
        facts: what it is like.
        reference: to itself.
        last: when it was last seen on, among all calls of the process.
        caller: the user's line that set it.
        patterns: the entries of its layout map.
        variables: how many variables it was asked about.
        outputs: the paths of the outputs that it was asked about, each once.
        unmade: the variables that could not be made as it says.
    """

    number: int
    facts: DistributionFacts
    reference: weakref.ref[Any]
    last: int = -1
    caller: Caller | None = None
    patterns: dict[str, PatternRecord] = field(default_factory=dict)
    variables: int = 0
    outputs: dict[str, None] = field(default_factory=dict)
    unmade: list[UnmadeRecord] = field(default_factory=list)


class _Question(NamedTuple):
    """A variable that Keras has asked a distribution about, and the pattern that was found."""

    order: int
    distribution: int
    pattern: str | None
    path: str
    shape: Any
    dtype: Any
    axes: MeshAxes


class Distributions:
    """The distributions that were seen, by number.

    Attributes:
        records: what is known of each.
    """

    def __init__(self) -> None:
        """Start with none seen."""
        self.records: dict[int, DistributionRecord] = {}
        self._numbers = snapshot.Numbers()
        self._maps = snapshot.Numbers()
        self._lines: dict[tuple[int, str], Caller | None] = {}
        self._variables = snapshot.Numbers()
        self._asked: dict[int, _Question] = {}
        self._latest: dict[int, _Question] = {}

    # -- what the hooks note --------------------------------------------------------------------

    def note_set(self, distribution: Any, caller: Caller | None, order: int) -> None:
        """Note that the program has set a distribution."""
        record = self._record(distribution)
        record.last = order
        record.caller = record.caller or caller

    def note_entry(self, layout_map: Any, pattern: str, caller: Caller | None) -> None:
        """Note the line that put an entry into a layout map."""
        self._lines[self._maps.number(layout_map), pattern] = caller

    def note_variable(self, distribution: Any, variable: Any, layout: Any, order: int) -> None:
        """Note which layout a distribution has given for a variable that is being made."""
        if getattr(variable, "_layout", None) is not None:
            return  # it has one, and not from here
        record = self._record(distribution)
        pattern = self._found(record, distribution, layout, variable.path)
        asked = _Question(
            order,
            record.number,
            pattern,
            variable.path,
            variable._shape,
            variable._dtype,
            layouts.mesh_axes(layout),
        )
        number = self._variables.number(variable)
        if number not in self._asked:  # a user's class may pass it on to the one above
            record.variables += 1
            if pattern is not None:
                record.patterns[pattern].variables += 1
        self._asked[number] = self._latest[threading.get_ident()] = asked

    def note_output(self, distribution: Any, path: str, layout: Any) -> None:
        """Note which layout a distribution has given for an output of a layer."""
        record = self._record(distribution)
        record.outputs[path] = None
        pattern = self._found(record, distribution, layout, path) if layout is not None else None
        if pattern is not None:
            record.patterns[pattern].outputs[path] = None

    def note_current(self, adapter: Adapter, order: int) -> None:
        """Note the distribution that is on now, if one is."""
        distribution = adapter.distribution()
        if distribution is not None:
            record = self._record(distribution)
            record.last = max(record.last, order)

    def note_failed(self, record: Record) -> None:
        """Note that a call has failed which was to make a variable."""
        asked = self._latest.pop(threading.get_ident(), None)
        if asked is not None and asked.order > record.order:
            made = UnmadeRecord(record, *asked[3:], asked.pattern)
            self.records[asked.distribution].unmade.append(made)

    # -- what is asked of it --------------------------------------------------------------------

    def layout_of(
        self, variable: Any, adapter: Adapter, model: LayoutRecord | None = None
    ) -> LayoutRecord | None:
        """How a variable is spread by a distribution; `None` if by none, or if that is not known.

        Args:
            variable: of Keras.
            adapter: of its Keras.
            model: how the weight is spread that it is kept for, if it is kept for one.
        """
        layout = getattr(variable, "_layout", None)
        if layout is None:
            return None
        axes = layouts.mesh_axes(layout)
        number = self._variables.known(variable)
        asked = None if number is None else self._asked.get(number)
        if asked is not None:
            return LayoutRecord(asked.distribution, axes, asked.pattern)
        if model is not None and model.axes == axes:
            return model
        return self._unasked(variable.path, axes, adapter)

    def read_rest(self) -> None:
        """Read the layout maps that have grown since, of what is still there."""
        for record in list(self.records.values()):
            distribution = record.reference()
            if distribution is not None:
                self._read_patterns(record, layouts.layout_map(distribution))

    def paths(self, number: int) -> list[str]:
        """What a distribution was asked about: the paths of variables, and of layers' outputs."""
        asked = [one.path for one in list(self._asked.values()) if one.distribution == number]
        return list(dict.fromkeys([*asked, *self.records[number].outputs]))

    def since(self, first: int) -> list[int]:
        """The numbers of those that were on at this moment or later."""
        return [record.number for record in list(self.records.values()) if record.last >= first]

    # -- helpers --------------------------------------------------------------------------------

    def _record(self, distribution: Any) -> DistributionRecord:
        number = self._numbers.number(distribution)
        record = self.records.get(number)
        if record is None:
            facts = layouts.distribution_facts(distribution)
            record = DistributionRecord(number, facts, weakref.ref(distribution))
            self.records[number] = record
            self._read_patterns(record, layouts.layout_map(distribution))
        return record

    def _read_patterns(self, record: DistributionRecord, layout_map: Any) -> None:
        number = None if layout_map is None else self._maps.number(layout_map)
        for pattern, layout in list((layouts.entries(layout_map) or {}).items()):
            if pattern not in record.patterns:
                line = None if number is None else self._lines.get((number, pattern))
                record.patterns[pattern] = PatternRecord(layouts.mesh_axes(layout), line)

    def _found(
        self, record: DistributionRecord, distribution: Any, layout: Any, path: str
    ) -> str | None:
        layout_map = layouts.layout_map(distribution)
        if layout_map is None:
            return None
        pattern = layouts.pattern_of(layout_map, layout, path)
        if pattern is not None and pattern not in record.patterns:
            self._read_patterns(record, layout_map)
        return pattern

    def _unasked(self, path: str, axes: MeshAxes, adapter: Adapter) -> LayoutRecord | None:
        """Of a variable that was made before the trace, or was given its layout: by what is on."""
        distribution = adapter.distribution()
        if distribution is None:
            return None
        record = self._record(distribution)
        if not {name for names in axes for name in names}.issubset(record.facts.mesh_axes):
            return None
        layout_map = layouts.layout_map(distribution)
        layout = None if layout_map is None else layout_map[path]
        if layout is None or layouts.mesh_axes(layout) != axes:
            return LayoutRecord(record.number, axes, None)
        return LayoutRecord(record.number, axes, self._found(record, distribution, layout, path))


# -- the hooks ----------------------------------------------------------------------------------


def hooks(recorder: Recorder) -> Iterator[tuple[str, Callable[[Any], Any], bool]]:
    """What is hooked in Keras' module of distributions.

    Yields:
        A function's name there, what makes its hook, and whether classes below may have it anew.
    """
    yield "set_distribution", _set_hook(recorder), False
    yield "LayoutMap.__setitem__", _hook(recorder, _note_entry), False
    yield "Distribution.get_variable_layout", _hook(recorder, _note_variable), True
    yield "Distribution.get_tensor_layout", _hook(recorder, _note_output), True


def _hook(recorder: Recorder, note: Callable[..., None]) -> Callable[[Any], Any]:
    """What makes a hook that notes something of each call which has returned."""

    def after(args: Any, result: Any) -> None:
        if recorder.listeners and args:
            with recorder.muted("a distribution"):
                note(recorder, args, result)

    return lambda function: noting_hook(function, after=after)


def _set_hook(recorder: Recorder) -> Callable[[Any], Any]:
    def before(args: Any, kwargs: Any) -> None:
        given = args[0] if args else kwargs.get("value")
        if recorder.listeners and given is not None:
            with recorder.muted("a distribution"):
                order = recorder.next_order()
                caller = find_caller(sys._getframe(2), {})[0]
                recorder.models.distributions.note_set(given, caller, order)

    return lambda function: noting_hook(function, before=before)


def _note_entry(recorder: Recorder, args: Any, _result: Any) -> None:
    caller = find_caller(sys._getframe(3), {})[0]
    recorder.models.distributions.note_entry(args[0], args[1], caller)


def _note_variable(recorder: Recorder, args: Any, result: Any) -> None:
    order = recorder.next_order()
    recorder.models.distributions.note_variable(args[0], args[1], result, order)


def _note_output(recorder: Recorder, args: Any, result: Any) -> None:
    recorder.models.distributions.note_output(args[0], args[1], result)
