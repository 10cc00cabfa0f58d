"""Records → a trace: numbers everything anew, from 0, and lets go of the process's numbers."""

from __future__ import annotations

import platform
import sys
from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

import buildtrace
from buildtrace.capture.snapshot import spec
from buildtrace.generations import GENERATIONS
from buildtrace.trace import (
    Call,
    Environment,
    Graph,
    LandmarkInfo,
    LayerRef,
    SourceLine,
    Trace,
    Weight,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from buildtrace.capture.models import GraphRecord
    from buildtrace.capture.record import Record, WeightRecord
    from buildtrace.trace import KerasInfo, Node


class _Numbering:
    """Small numbers in order of appearance, for the process's numbers."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def __call__(self, number: int) -> int:
        return self._numbers.setdefault(number, len(self._numbers))

    def known(self, number: int) -> int | None:
        return self._numbers.get(number)


def fill(
    trace: Trace,
    records: Sequence[Record],
    weights: Iterable[WeightRecord],
    graphs: Iterable[GraphRecord],
    keras: Iterable[KerasInfo],
    start: int,
) -> None:
    """Fill an empty trace.

    Args:
        trace: the trace.
        records: the calls to be in it.
        weights: all weights that were made in the process; the trace gets those that its calls
            made and those of its graphs.
        graphs: the models that were read, in the order of first building.
        keras: the Keras packages that had hooks.
        start: when the trace began, in nanoseconds of the process's clock.
    """
    vars(trace).clear()  # what was asked of the empty trace, and kept
    records = sorted(records, key=lambda record: record.order)
    layers = _Numbering()
    names = _names(records)
    ids = {id(record): place for place, record in enumerate(records)}
    now = perf_counter_ns()
    trace.calls = tuple(_call(record, ids, names, layers, start, now) for record in records)
    graphs = list(graphs)
    trace.weights, numbers = _weights(weights, graphs, ids, layers)
    trace.graphs = tuple(_graph(graph, layers, numbers) for graph in graphs)
    trace.landmarks = _landmarks(records)
    took_part = {record.probe.adapter.package for record in records}
    trace.environment = _environment(tuple(k for k in keras if k.package in took_part))


def _names(records: Sequence[Record]) -> dict[int, LayerRef]:
    """The last that was known of each layer: inside its `__init__` it has no name yet."""
    return {record.ref.id: record.ref for record in records if record.ref and record.ref.name}


def _call(
    record: Record,
    ids: dict[int, int],
    names: dict[int, LayerRef],
    layers: _Numbering,
    start: int,
    now: int,
) -> Call:
    landmark = record.probe.landmark
    function = record.function
    parent = record.parent
    error = record.error
    ref = record.ref and names.get(record.ref.id, record.ref)
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
        generation=record.probe.adapter.generation,
        thread=record.thread,
        layer=None if ref is None else _layer(ref, layers),
        inputs=record.inputs,
        outputs=record.outputs,
        changes=_changes(record),
        caller=None if record.caller is None else _line(record.caller),
        start_ns=max(record.start - start, 0),
        duration_ns=(record.end or now) - record.start,
        error=error,
    )


def _line(caller: tuple[str, int]) -> SourceLine:
    return SourceLine(file=caller[0], line=caller[1])


def _changes(record: Record) -> dict[str, tuple[bool, bool]]:
    before, after = record.before or {}, record.after or {}
    return {
        name: (before.get(name, False), value)
        for name, value in after.items()
        if before.get(name, False) != value
    }


def _layer(ref: LayerRef, layers: _Numbering) -> LayerRef:
    return LayerRef(id=layers(ref.id), name=ref.name, class_name=ref.class_name)


def _weights(
    weights: Iterable[WeightRecord],
    graphs: Sequence[GraphRecord],
    ids: dict[int, int],
    layers: _Numbering,
) -> tuple[tuple[Weight, ...], dict[int, int]]:
    """The weights of the trace, and their new ids by the process's number."""
    in_graphs = {number for graph in graphs for number in graph.weights}
    kept = [
        weight
        for weight in weights
        if id(weight.call) in ids or weight.number in in_graphs or _is_in(weight, layers)
    ]
    kept.sort(key=lambda weight: weight.order)
    numbers = {weight.number: place for place, weight in enumerate(kept)}
    return tuple(_weight(weight, place, ids, layers) for place, weight in enumerate(kept)), numbers


def _is_in(weight: WeightRecord, layers: _Numbering) -> bool:
    return weight.layer is not None and layers.known(weight.layer) is not None


def _weight(weight: WeightRecord, place: int, ids: dict[int, int], layers: _Numbering) -> Weight:
    facts = weight.facts
    made = spec(facts.shape, facts.dtype)
    return Weight(
        id=place,
        call=ids.get(id(weight.call)),
        layer=None if weight.layer is None else layers(weight.layer),
        name=facts.name,
        path=facts.path,
        shape=made.shape or (),
        dtype=made.dtype or "",
        trainable=facts.trainable,
        initializer=weight.initializer,
        regularizer=facts.regularizer,
        constraint=facts.constraint,
        placement=facts.placement,
    )


def _graph(graph: GraphRecord, layers: _Numbering, numbers: dict[int, int]) -> Graph:
    return Graph(
        model=_layer(graph.model, layers),
        source=graph.source,
        built=graph.built,
        nodes=tuple(_node(node, layers) for node in graph.nodes),
        edges=tuple(graph.edges),
        inputs=tuple(graph.inputs),
        outputs=tuple(graph.outputs),
        weights=tuple(numbers[number] for number in graph.weights if number in numbers),
    )


def _node(node: Node, layers: _Numbering) -> Node:
    if node.layer is None:
        return node
    return msgspec.structs.replace(node, layer=layers(node.layer))


def _landmarks(records: Iterable[Record]) -> tuple[LandmarkInfo, ...]:
    """The rows of the tables that were met, in the tables' order."""
    met = {(r.probe.adapter.generation, r.probe.landmark.name) for r in records}
    return tuple(
        LandmarkInfo(
            name=landmark.name,
            generation=generation.name,
            step=landmark.step,
            summary=landmark.summary,
            article=landmark.article,
        )
        for generation in GENERATIONS
        for landmark in {row.name: row for row in generation.landmarks}.values()
        if (generation.name, landmark.name) in met
    )


def _environment(keras: tuple[KerasInfo, ...]) -> Environment:
    tensorflow = sys.modules.get("tensorflow")
    return Environment(
        buildtrace=buildtrace.__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        tensorflow=getattr(tensorflow, "__version__", None),
        backend=_backend(keras),
        keras=keras,
    )


def _backend(keras: tuple[KerasInfo, ...]) -> str | None:
    module = sys.modules.get("keras.src.backend.config")
    if any(info.generation == "keras3" for info in keras) and module is not None:
        return str(module.backend())
    return "tensorflow" if keras else None
