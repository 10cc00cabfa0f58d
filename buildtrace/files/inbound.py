"""Reads how the layers of a model are connected, as the configs of both generations have it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.errors import SavedFileError
from buildtrace.traces.schema import LARGEST, Edge, Graph, LayerRef, Node, Shape, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.files.configs import Config, ConfiguredLayer

MOST_EDGES = 200_000


class _TensorUse(NamedTuple):
    """A tensor that a layer gets: the n-th output of the n-th call of another one."""

    layer: str
    call: int
    output: int
    tensor: TensorSpec


class _ConfiguredCall(NamedTuple):
    """A call of a layer: a node of the graph."""

    layer: ConfiguredLayer
    turn: int
    gets: tuple[_TensorUse, ...]


def graph_of(model: ConfiguredLayer) -> Graph:
    """The graph of a functional or sequential model.

    Raises:
        SavedFileError: it has too many connections.
    """
    places = list(_functional(model) if _is_functional(model) else _sequential(model))
    ids: dict[tuple[str, int], int] = {}
    for number, place in enumerate(places):
        ids.setdefault((place.layer.name, place.turn), number)
    edges = list(_edges(places, ids))
    depths = _depths(len(places), edges)
    outputs = _outputs(places, edges)
    config = model.config
    ends = [
        [(u.layer, u.call) for u in _uses(config.get(key))]
        for key in ("input_layers", "output_layers")
    ]
    if not _is_functional(model) and places:
        ends = [[(p.layer.name, 0)] for p in (places[0], places[-1])]
    return Graph(
        model=LayerRef(id=model.id, name=model.name, class_name=model.class_name),
        built=True,
        nodes=tuple(
            Node(
                id=number,
                layer=None if _is_operation(place.layer) else place.layer.id,
                name=place.layer.name,
                class_name=place.layer.class_name,
                depth=depths[number],
                index=place.turn,
                kind=_kind(place.layer),
                outputs=outputs[number],
            )
            for number, place in enumerate(places)
        ),
        edges=tuple(edges),
        inputs=tuple(ids[end] for end in ends[0] if end in ids),
        outputs=tuple(ids[end] for end in ends[1] if end in ids),
    )


def _is_functional(model: ConfiguredLayer) -> bool:
    return any("inbound_nodes" in layer.entry for layer in model.members)


def _is_operation(layer: ConfiguredLayer) -> bool:
    """Whether it is a function of `keras.ops` that was called on tensors, which is no layer."""
    return ".ops." in f".{layer.module}."


def _kind(layer: ConfiguredLayer) -> Any:
    if layer.class_name == "InputLayer":
        return "input"
    if _is_operation(layer):
        return "operation"
    return "model" if layer.is_model else "layer"


# -- the calls --------------------------------------------------------------------------------


def _functional(model: ConfiguredLayer) -> Iterator[_ConfiguredCall]:
    for layer in model.members:
        calls = layer.entry.get("inbound_nodes")
        if not isinstance(calls, list) or not calls:
            yield _ConfiguredCall(layer, 0, ())
            continue
        for turn, call in enumerate(calls):
            yield _ConfiguredCall(layer, turn, tuple(_uses(call)))


def _sequential(model: ConfiguredLayer) -> Iterator[_ConfiguredCall]:
    before: ConfiguredLayer | None = None
    for layer in model.members:
        gets = (_TensorUse(before.name, 0, 0, _UNKNOWN),) if before else ()
        yield _ConfiguredCall(layer, 0, gets)
        before = layer


def _uses(value: Any) -> Iterator[_TensorUse]:
    """The tensors in the arguments of a call, in order, at any depth.

    Keras 3 writes each as an object with its shape, Keras 2 as a list: name of the layer, number
    of the call, number of the output, and perhaps the call's other arguments, in which there may be
    more.
    """
    if isinstance(value, dict):
        config = value.get("config")
        if value.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
            yield from _tensor(config)
        else:
            for inner in value.values():
                yield from _uses(inner)
    elif isinstance(value, list):
        match value:
            case [str(layer), int(call), int(output), *rest] if len(rest) < 2 and call >= 0:
                yield _TensorUse(layer, call, max(output, 0), _UNKNOWN)
                yield from _uses(rest[0] if rest else None)
            case _:
                for inner in value:
                    yield from _uses(inner)


def _tensor(config: Config) -> Iterator[_TensorUse]:
    match config.get("keras_history"):
        case [str(layer), int(call), int(output)]:
            dtype = config.get("dtype")
            spec = TensorSpec(
                shape=_shape(config.get("shape")), dtype=dtype if isinstance(dtype, str) else None
            )
            yield _TensorUse(layer, call, max(output, 0), spec)


# -- what connects them -----------------------------------------------------------------------


def _edges(places: list[_ConfiguredCall], ids: dict[tuple[str, int], int]) -> Iterator[Edge]:
    number = 0
    for target, place in enumerate(places):
        given = _input_shapes(place)
        for use, shape in zip(place.gets, given, strict=True):
            source = ids.get((use.layer, use.call), ids.get((use.layer, 0)))
            if source is None:
                continue
            number += 1
            if number > MOST_EDGES:
                raise SavedFileError(f"its config has more than {MOST_EDGES:,} connections")
            tensor = use.tensor if use.tensor.shape is not None else TensorSpec(shape=shape)
            yield Edge(
                source=source, target=target, tensor=tensor, output=min(use.output, 2**31 - 1)
            )


def _input_shapes(place: _ConfiguredCall) -> list[Shape | None]:
    """What the layer's build was given, for each of the tensors that it gets; as far as known.

    That is of its first call.
    """
    unknown: list[Shape | None] = [None] * len(place.gets)
    built = place.layer.entry.get("build_config")
    shape = built.get("input_shape") if isinstance(built, dict) else None
    if place.turn or not isinstance(shape, list):
        return unknown
    if len(place.gets) == 1 and (own := _shape(shape)) is not None:
        return [own]
    each = [_shape(inner) for inner in shape]
    return each if len(each) == len(unknown) else unknown


def _outputs(places: list[_ConfiguredCall], edges: list[Edge]) -> list[tuple[TensorSpec, ...]]:
    """What comes out of each call, as far as it is said by what is done with it.

    Of an input the layer itself says it.
    """
    found: list[dict[int, TensorSpec]] = [{} for _ in places]
    for edge in edges:
        if edge.tensor.shape is not None:
            found[edge.source].setdefault(edge.output, edge.tensor)
    outputs = []
    for place, tensors in zip(places, found, strict=True):
        own = _own_output(place.layer)
        known = [tensors[number] for number in sorted(tensors)]
        outputs.append((own,) if own and not known else tuple(known))
    return outputs


def _own_output(layer: ConfiguredLayer) -> TensorSpec | None:
    if layer.class_name != "InputLayer":
        return None
    shape = _shape(layer.config.get("batch_shape", layer.config.get("batch_input_shape")))
    dtype = layer.config.get("dtype")
    return TensorSpec(shape=shape, dtype=dtype if isinstance(dtype, str) else None)


def _shape(value: object) -> Shape | None:
    if not isinstance(value, list) or len(value) > 64:
        return None
    if all(s is None or (isinstance(s, int) and -(2**31) <= s <= LARGEST) for s in value):
        return tuple(value)
    return None


def _depths(number: int, edges: list[Edge]) -> list[int]:
    """How far each node is from the outputs, by the longest way; 0 in a circle."""
    sources: list[list[int]] = [[] for _ in range(number)]
    waiting = [0] * number
    for edge in edges:
        sources[edge.target].append(edge.source)
        waiting[edge.source] += 1
    depths = [0] * number
    ready = deque(node for node in range(number) if not waiting[node])
    while ready:
        node = ready.popleft()
        for source in sources[node]:
            depths[source] = max(depths[source], depths[node] + 1)
            waiting[source] -= 1
            if not waiting[source]:
                ready.append(source)
    return depths


_UNKNOWN = TensorSpec(shape=None)
