"""Records → a trace: numbers everything anew, from 0, and lets go of the process's numbers."""

from __future__ import annotations

import platform
import sys
from bisect import bisect_left
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

import buildtrace
from buildtrace.capture.callers import line_of
from buildtrace.capture.frozen_layouts import FrozenLayouts
from buildtrace.capture.journaling import asked_weight
from buildtrace.capture.snapshot import spec
from buildtrace.capture.states import frozen
from buildtrace.generations import GENERATIONS
from buildtrace.traces.schema import (
    Call,
    Environment,
    GradientStop,
    Graph,
    Holder,
    LandmarkInfo,
    LayerRef,
    LayerWeights,
    Loaded,
    MissedRow,
    SavedPart,
    SourceLine,
    Use,
    Variable,
    Weight,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType

    from buildtrace.capture.built_models import GraphRecord
    from buildtrace.capture.callers import Caller
    from buildtrace.capture.distributions import Distributions
    from buildtrace.capture.file_contents import PartRecord
    from buildtrace.capture.held import Held, VariableRecord
    from buildtrace.capture.record import MissedRecord, Record, UseRecord, WeightRecord
    from buildtrace.capture.states import StateRecord
    from buildtrace.traces.schema import AskedWeight, KerasInfo, LayerState, Node
    from buildtrace.traces.trace import Trace


class _InstructionLines:
    """The lines of instructions, each looked for once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], int | None] = {}

    def __call__(self, code: CodeType | None, instruction: int) -> int | None:
        if code is None:
            return None
        key = id(code), instruction
        if key not in self._known:
            self._known[key] = line_of(code, instruction)
        return self._known[key]


class _Numbering:
    """Small numbers in order of appearance, for the process's numbers."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def __call__(self, number: int) -> int:
        return self._numbers.setdefault(number, len(self._numbers))

    def known(self, number: int) -> int | None:
        return self._numbers.get(number)


class _Holders:
    """The optimizers and metrics of a trace: their small numbers, in order of appearance."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._numbers = _Numbering()
        self._kept: dict[int, int] = {}

    def __call__(self, number: int | None) -> int | None:
        """The small number of one; `None` for what is neither optimizer nor metric."""
        if number is None or number not in self._held.holders:
            return None
        kept = self._kept[number] = self._numbers(number)
        return kept

    def models(self, graphs: Iterable[GraphRecord]) -> dict[int, int]:
        """The innermost model whose weights each holder keeps variables for, by its number."""
        weights: dict[int, set[int]] = {}
        for variable in list(self._held.variables.values()):
            if variable.weight is not None:
                weights.setdefault(variable.holder, set()).add(variable.weight)
        inner_first = sorted(graphs, key=lambda graph: len(graph.weights))
        return {
            holder: graph.model.id
            for graph in reversed(inner_first)
            for holder, kept in weights.items()
            if kept.issubset(graph.weights)
        }

    def variables(self, ids: dict[int, int]) -> list[VariableRecord]:
        """What those hold that were met by now, and what these calls made, in order of making."""
        made = [
            variable
            for variable in list(self._held.variables.values())
            if id(variable.call) in ids or variable.holder in self._kept
        ]
        return sorted(made, key=lambda variable: variable.order)

    def frozen(self) -> tuple[Holder, ...]:
        """All that were met."""
        return tuple(
            Holder(id=holder_id, **self._held.holders[number]._asdict())
            for number, holder_id in self._kept.items()
        )


def fill(
    trace: Trace,
    records: Sequence[Record],
    weights: Iterable[WeightRecord],
    held: Held,
    distributions: Distributions,
    first: int,
    graphs: Iterable[GraphRecord],
    states: Iterable[StateRecord],
    uses: Iterable[UseRecord],
    refs: dict[int, LayerRef],
    keras: Iterable[KerasInfo],
    start: int,
    *,
    abstract: bool = False,
) -> None:
    """Fill an empty trace.

    Args:
        trace: the trace.
        records: the calls to be in it.
        weights: all weights that were made in the process; the trace gets those that its calls
            made and those of its graphs.
        held: all optimizers and metrics of the process, and what they hold; the trace gets those
            that its calls are about.
        distributions: all of the process; the trace gets those that were on, and those of its
            variables.
        first: when the trace began, among all calls of the process.
        graphs: the models that were read, in the order of first building.
        states: what was read of layers in the process; the trace gets what its calls led to.
        uses: of models, by functions that are no landmarks.
        refs: the layers' names, by number.
        keras: the Keras packages that had hooks.
        start: when the trace began, in nanoseconds of the process's clock.
        abstract: whether weights were made without memory meanwhile.
    """
    records = sorted(records, key=lambda record: record.order)
    layers, holders, lines = _Numbering(), _Holders(held), _InstructionLines()
    spread = FrozenLayouts(distributions, first)
    ids = {id(record): call_id for call_id, record in enumerate(records)}
    now = perf_counter_ns()
    graphs = list(graphs)
    models = holders.models(graphs)
    calls = [
        _call(record, ids, refs, layers, holders, models, lines, start, now) for record in records
    ]
    variables = holders.variables(ids)
    kept = _kept(weights, graphs, ids, layers, {variable.weight for variable in variables})
    trained = _trained(kept, graphs)
    trace.weights = tuple(
        _weight(weight, weight_id, trained, ids, layers, spread)
        for weight_id, weight in enumerate(kept)
    )
    numbers = {weight.number: weight_id for weight_id, weight in enumerate(kept)}
    trace.calls = tuple(
        [_with_file(*each, numbers, layers) for each in zip(calls, records, strict=True)]
    )
    trace.variables = tuple(
        _variable(variable, variable_id, ids, holders, numbers, spread)
        for variable_id, variable in enumerate(variables)
    )
    trace.holders = holders.frozen()
    trace.distributions = spread.frozen(ids, partial(_line, lines=lines))
    trace.graphs = tuple(_graph(graph, layers, numbers, trained) for graph in graphs)
    trace.landmarks = _landmarks(records)
    trace.states = _states(states, ids, refs, layers)
    trace.uses = tuple(_use(use, records, refs, layers, numbers, lines) for use in uses)
    took_part = {record.hooked.adapter.package for record in records}
    took_part |= {use.adapter.package for use in uses}
    trace.environment = _environment(
        tuple(k for k in keras if k.package in took_part), abstract=abstract
    )


def _call(
    record: Record,
    ids: dict[int, int],
    refs: dict[int, LayerRef],
    layers: _Numbering,
    holders: _Holders,
    models: dict[int, int],
    lines: _InstructionLines,
    start: int,
    now: int,
) -> Call:
    landmark = record.hooked.landmark
    function = record.hooked.function
    parent = record.parent
    error = record.error
    number = record.number
    if number is None and landmark.reads == "optimizer" and record.holder is not None:
        number = models.get(record.holder)  # a program's own `train_step` may have several
    ref = None if number is None else refs.get(number)
    # Another thread may be going on with this very call: for the trace, its time ends now.
    began = min(record.start, now)
    ended = max(min(record.end or now, now), began)
    if error is not None and parent is not None and parent.end and parent.error is None:
        error = msgspec.structs.replace(error, swallowed=True)
    return Call(
        id=ids[id(record)],
        parent=None if parent is None else ids.get(id(parent)),
        name=function.name.rpartition("<locals>.")[2],
        module=function.module,
        file=function.file,
        line=function.line,
        landmark=landmark.name,
        step=landmark.step,
        generation=record.hooked.adapter.generation,
        thread=record.thread.number or 0,
        layer=None if ref is None else _layer(ref, layers),
        holder=holders(record.holder),
        loss=record.loss,
        inputs=record.inputs,
        outputs=record.outputs,
        changes=_changes(record),
        caller=_line(record.caller, lines),
        at=lines(record.code, record.instruction),
        mask_dropped=record.mask_dropped,
        foreign=record.foreign,
        start_ns=max(began - start, 0),
        duration_ns=ended - began,
        error=error,
        structures=record.structures,
        metrics=record.metrics,
        asked=_asked(record),
    )


def _asked(record: Record) -> AskedWeight | None:
    """The weight that a call has not made: it failed, or is still open."""
    if record.end or not record.hooked.makes_weight:
        return record.asked
    try:
        return asked_weight(record)
    except Exception:  # another thread has gone on with it by now
        return None


def _with_file(call: Call, record: Record, numbers: dict[int, int], layers: _Numbering) -> Call:
    """The call with what it takes from a file, if it reads one."""
    if record.source is None and record.config is None:
        return call
    loaded = Loaded(
        source=record.source or "",
        weights=tuple([numbers[number] for number in record.fed if number in numbers]),
        format=record.format,
        config=record.config,
        stored=tuple([_part(part, layers) for part in record.stored or ()]),
        wanted=tuple([_part(part, layers) for part in record.wanted]),
    )
    return msgspec.structs.replace(call, loaded=loaded)


def _part(part: PartRecord, layers: _Numbering) -> SavedPart:
    number = None if part.layer is None else layers(part.layer)
    return SavedPart(place=part.place, shapes=part.shapes, layer=number)


def _line(caller: Caller | None, lines: _InstructionLines) -> SourceLine | None:
    if caller is None:
        return None
    where, number = caller
    if isinstance(where, str):
        return SourceLine(file=where, line=number)
    line = lines(where, number)
    return SourceLine(file=where.co_filename, line=line or where.co_firstlineno)


def _changes(record: Record) -> dict[str, tuple[bool, bool]]:
    before, after = record.before or {}, record.after or {}
    if before is after:
        return {}
    return {
        name: (before.get(name, False), value)
        for name, value in after.items()
        if before.get(name, False) != value
    }


def _layer(ref: LayerRef, layers: _Numbering) -> LayerRef:
    return LayerRef(id=layers(ref.id), name=ref.name, class_name=ref.class_name)


def _kept(
    weights: Iterable[WeightRecord],
    graphs: Sequence[GraphRecord],
    ids: dict[int, int],
    layers: _Numbering,
    referred: set[int | None],
) -> list[WeightRecord]:
    """The weights of the trace, in order of making."""
    in_graphs = {number for graph in graphs for number in graph.weights}
    kept = [
        weight
        for weight in weights
        if id(weight.call) in ids
        or weight.number in in_graphs
        or weight.number in referred
        or _is_in(weight, layers)
    ]
    kept.sort(key=lambda weight: weight.order)
    return kept


def _trained(weights: Iterable[WeightRecord], graphs: Sequence[GraphRecord]) -> set[int]:
    """The weights that are trained, by the process's number: by an outermost model, if in one."""
    nested = {
        node.layer for graph in graphs for node in graph.nodes if node.layer != graph.model.id
    }
    trained = {weight.number for weight in weights if weight.facts.trainable}
    asked = [graph for graph in graphs if graph.model.id not in nested]
    told = {number for graph in asked if graph.trained is not None for number in graph.weights}
    by_models = {
        number
        for graph in asked
        for number in (
            trained.intersection(graph.weights) if graph.trained is None else graph.trained
        )
    }
    return (trained - told) | by_models


def _states(
    states: Iterable[StateRecord],
    ids: dict[int, int],
    refs: dict[int, LayerRef],
    layers: _Numbering,
) -> tuple[LayerState, ...]:
    kept = [(state, ids[id(state.root)]) for state in states if id(state.root) in ids]
    layer_states = (
        frozen(state, root, refs, partial(_layer, layers=layers)) for state, root in kept
    )
    return tuple(state for state in layer_states if state is not None)


def _use(
    use: UseRecord,
    records: Sequence[Record],
    refs: dict[int, LayerRef],
    layers: _Numbering,
    weights: dict[int, int],
    lines: _InstructionLines,
) -> Use:
    def ids(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([weights[number] for number in numbers if number in weights])

    def ref(number: int | None) -> LayerRef | None:
        return None if number is None else _layer(refs[number], layers)

    return Use(
        name=use.name,
        generation=use.adapter.generation,
        before=bisect_left(records, use.order, key=lambda record: record.order),
        model=ref(use.model),
        built=use.built,
        weights=use.weights,
        unbuilt=tuple(_layer(refs[number], layers) for number in use.unbuilt),
        optimizer=ref(use.optimizer),
        caller=_line(use.caller, lines),
        error=use.error if use.call is None else use.call.error,
        trainable=ids(use.trainable),
        trained=ids(use.trained),
        stops=tuple(
            [
                GradientStop(kind=stop.kind, line=_line(stop.line, lines), weights=ids(numbers))
                for stop, numbers in use.stops
            ]
        ),
        ran=use.ran,
        taken=use.taken,
        cast=use.cast,
        missed=None if use.missed is None else _missed(use.missed, refs, layers),
        variable=use.variable,
        missing=use.missing,
        class_weights=use.class_weights,
        unlike=use.unlike,
    )


def _missed(missed: MissedRecord, refs: dict[int, LayerRef], layers: _Numbering) -> MissedRow:
    return MissedRow(
        input=missed.input,
        layer=_layer(refs[missed.layer], layers),
        rows=missed.rows,
        index=missed.value,
    )


def _is_in(weight: WeightRecord, layers: _Numbering) -> bool:
    return weight.layer is not None and layers.known(weight.layer) is not None


def _weight(
    weight: WeightRecord,
    weight_id: int,
    trained: set[int],
    ids: dict[int, int],
    layers: _Numbering,
    spread: FrozenLayouts,
) -> Weight:
    facts = weight.facts
    tensor = spec(facts.shape, facts.dtype)
    return Weight(
        id=weight_id,
        call=ids.get(id(weight.call)),
        layer=None if weight.layer is None else layers(weight.layer),
        name=weight.name,
        path=facts.path,
        shape=tensor.shape or (),
        dtype=tensor.dtype or "",
        trainable=weight.number in trained,
        initializer=weight.initializer,
        regularizer=weight.regularizer,
        constraint=weight.constraint,
        placement=facts.placement,
        replaced=weight.replaced,
        layout=spread.layout(weight.layout),
    )


def _variable(
    variable: VariableRecord,
    variable_id: int,
    ids: dict[int, int],
    holders: _Holders,
    weights: dict[int, int],
    spread: FrozenLayouts,
) -> Variable:
    facts = variable.facts
    tensor = spec(facts.shape, facts.dtype)
    return Variable(
        id=variable_id,
        call=ids.get(id(variable.call)),
        holder=holders(variable.holder) or 0,
        name=variable.name,
        path=facts.path,
        shape=tensor.shape or (),
        dtype=tensor.dtype or "",
        initializer=variable.initializer,
        weight=None if variable.weight is None else weights.get(variable.weight),
        placement=facts.placement,
        layout=spread.layout(variable.layout),
    )


def _graph(
    graph: GraphRecord, layers: _Numbering, numbers: dict[int, int], trained: set[int]
) -> Graph:
    def ids(of: Iterable[int]) -> tuple[int, ...]:
        return tuple([numbers[number] for number in of if number in numbers])

    otherwise = () if graph.trained is None else set(graph.weights) & (graph.trained ^ trained)
    return Graph(
        model=_layer(graph.model, layers),
        source=graph.source,
        built=graph.built,
        nodes=tuple(_node(node, layers) for node in graph.nodes),
        edges=tuple(graph.edges),
        inputs=tuple(graph.inputs),
        outputs=tuple(graph.outputs),
        weights=ids(graph.weights),
        trained_otherwise=ids(sorted(otherwise)),
        layer_weights=tuple(
            LayerWeights(layer=layers(number), weights=ids(weights))
            for number, weights in graph.layer_weights.items()
        ),
        missing=tuple(graph.missing),
        unfinished=graph.unfinished,
    )


def _node(node: Node, layers: _Numbering) -> Node:
    if node.layer is None:
        return node
    return msgspec.structs.replace(node, layer=layers(node.layer))


def _landmarks(records: Iterable[Record]) -> tuple[LandmarkInfo, ...]:
    """The rows of the tables that were met, in the tables' order."""
    met = {(r.hooked.adapter.generation, r.hooked.landmark.name) for r in records}
    return tuple(
        LandmarkInfo(
            name=landmark.name,
            generation=generation.name,
            step=landmark.step,
            summary=landmark.summary,
            article=landmark.article,
            role=landmark.role,
            unpaired=landmark.unpaired,
            beat=landmark.beat,
        )
        for generation in GENERATIONS
        for landmark in {row.name: row for row in generation.landmarks}.values()
        if (generation.name, landmark.name) in met
    )


def _environment(keras: tuple[KerasInfo, ...], *, abstract: bool) -> Environment:
    tensorflow = sys.modules.get("tensorflow")
    return Environment(
        buildtrace=buildtrace.__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        tensorflow=getattr(tensorflow, "__version__", None),
        backend=_backend(keras),
        keras=keras,
        abstract=abstract,
    )


def _backend(keras: tuple[KerasInfo, ...]) -> str | None:
    module = sys.modules.get("keras.src.backend.config")
    if any(info.generation == "keras3" for info in keras) and module is not None:
        return str(module.backend())
    return "tensorflow" if keras else None
