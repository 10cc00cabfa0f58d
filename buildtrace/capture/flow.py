"""What flows between the layers that one layer or model calls: the edges Keras does not keep.

Keras keeps the graph of sequential and functional models only. For a subclassed model the
edges are found by following tensors: each layer that the model's `call` runs is a node, and
an edge leads to it from the layer whose output it is given. Where plain operations lie
between two layers, symbolic tensors lead back through them (`origins`), and of operations on
concrete tensors we hear when they run (`operations`).
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from buildtrace.capture.operations import origin_of
from buildtrace.capture.snapshot import spec, specs

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from buildtrace.capture.operations import Origin
    from buildtrace.traces.schema import TensorSpec

_TRANSPARENT = frozenset(
    {"Cast", "EnsureShape", "Identity", "IdentityN", "PreventGradient", "StopGradient"}
    | {"convert_element_type", "copy", "copy_p", "stop_gradient"}
    | {"torch.Tensor.to", "torch.Tensor.detach", "torch.Tensor.clone", "torch.Tensor.contiguous"}
)
"""Operations of TensorFlow, JAX and Torch that hand on what they get: not worth a node."""


@dataclass
class FlowNode:
    """A node in the making; `number` is the layer's, `None` for an operation or an input."""

    kind: Literal["input", "layer", "operation"]
    name: str
    class_name: str
    number: int | None
    outputs: tuple[TensorSpec, ...]
    sources: list[tuple[int, TensorSpec]]
    failed: bool = False


class DataFlow:
    """The layers that ran inside one call, and what flowed between them.

    Attributes:
        nodes: in order of running.
        outputs: indices in `nodes` of what the call returned, as far as that is known.
        guesses: how many tensors came from where we cannot see.
        returned: whether we saw what the call returned.
        failed: whether an exception ended the call.
        audible: a concrete tensor whose library can be listened to, until somebody does.
    """

    def __init__(self) -> None:
        self.nodes: list[FlowNode] = []
        self.outputs: list[int] = []
        self.guesses = 0
        self.returned = False
        self.failed = False
        self.audible: Any = None
        self._makers: dict[Hashable, tuple[Any, int | None]] = {}

    def add_input(self, tensor: Any) -> int:
        """Add a tensor that the call was given; returns the index of its node."""
        index = self._index_of(tensor)
        if index is not None:
            return index
        return self._add("input", "input", "Input", [tensor])

    def add_layer(
        self,
        number: int,
        name: str,
        class_name: str,
        sources: list[tuple[int, TensorSpec]],
        outputs: list[Any],
    ) -> None:
        """Add a layer that ran, with the tensors that came out of it."""
        self._add("layer", name, class_name, outputs, sources, number)

    def add_failed(
        self, number: int, name: str, class_name: str, sources: list[tuple[int, TensorSpec]]
    ) -> None:
        """Add a layer that an exception ended."""
        self.nodes[self._add("layer", name, class_name, (), sources, number)].failed = True

    def add_operation(self, kind: str, inputs: Any, outputs: Any) -> None:
        """Add a plain operation that ran on data, if it is part of the flow."""
        sources = self._known(inputs)
        if not sources or not outputs:
            return
        if kind in _TRANSPARENT and len(sources) == 1:
            for tensor in outputs:
                self._makers[_key(tensor)] = (_hold(tensor, self._makers), sources[0][0])
            return
        name = kind.rpartition(".")[2]
        self._add("operation", name, kind, outputs, sources)

    def set_outputs(self, outputs: list[Any]) -> None:
        """Keep where the tensors that the call returned come from."""
        indices = [
            self._index_of(tensor) if origin_of(tensor) is None else self._walk_back(tensor)
            for tensor in outputs
        ]
        self.outputs = [index for index in indices if index is not None]
        self.returned = bool(self.outputs)

    def sources(self, inputs: list[Any]) -> list[tuple[int, TensorSpec]]:
        """Where a layer's inputs come from: indices in `nodes`, with the tensors' specs."""
        sources = []
        for tensor in inputs:
            index = self._source(tensor)
            if index is not None:
                sources.append((index, spec(tensor.shape, tensor.dtype)))
        return sources

    @property
    def depths(self) -> list[int]:
        """The depth of each node as Keras counts: 0 at the ends, else one more than what it feeds.

        All calls of one layer have the depth of the deepest.
        """
        depths = [0] * len(self.nodes)
        deepest: dict[int, int] = {}
        for index in reversed(range(len(self.nodes))):
            node = self.nodes[index]
            if node.number is not None:
                depths[index] = max(depths[index], deepest.get(node.number, 0))
                deepest[node.number] = depths[index]
            for source, _ in node.sources:
                depths[source] = max(depths[source], depths[index] + 1)
        return depths

    def closed(self, fills: tuple[int, int] | None = None) -> DataFlow:
        """Let go of all tensors, as the call is over, and settle which nodes are the outputs.

        Args:
            fills: the sizes that Keras puts in the place of an unknown one, if it runs `call`
                once with each to see which sizes depend on it.
        """
        self._makers.clear()
        self.audible = None
        self._drop_tries()
        if fills is not None and self.nodes:
            self._keep_last_run(fills)
        if not self.outputs:  # they were Keras' own symbols, not what ran here: take the ends
            used = {source for node in self.nodes for source, _ in node.sources}
            ends = [index for index in range(len(self.nodes)) if index not in used]
            self.outputs = [end for end in ends if self._matters(end)] or ends
        self._drop_dead_ends()
        inputs = [node for node in self.nodes if node.kind == "input"]
        for index, node in enumerate(inputs):
            node.name = "input" if len(inputs) == 1 else f"input_{index + 1}"
        return self

    @property
    def unknowns(self) -> tuple[bool, int, bool]:
        """How much is not known for sure: less is better."""
        return self.failed, self.guesses, not self.returned

    @property
    def has_layers(self) -> bool:
        """Whether any layer ran in it."""
        return any(node.kind == "layer" for node in self.nodes)

    def _drop_tries(self) -> None:
        """Leave out what led to a layer that failed, and that ran again later.

        Keras runs `call` on tensors without data first, which some layers cannot take on Torch.
        """
        again: set[int] = set()
        used: set[int] = set()
        tried: set[int] = set()
        kept: list[int] = []
        for index in reversed(range(len(self.nodes))):
            node = self.nodes[index]
            is_try = node.failed or (index in tried and index not in used)
            sources = {source for source, _ in node.sources}
            if is_try and (node.number is None or node.number in again):
                tried |= sources
                continue
            kept.append(index)
            used |= sources
            if node.number is not None:
                again.add(node.number)
        self._keep(kept[::-1])

    def _keep_last_run(self, fills: tuple[int, int]) -> None:
        """Of several runs of the same layers on stand-ins for unknown sizes, keep the last.

        Nothing flows from run to run. An earlier one ends where a later one goes on if it
        failed on the way, as some operations do on Torch's tensors without data.
        """
        runs = self._separate_parts()
        last = runs[-1]
        if len(runs) == 1 or not any(_has_size(self.nodes[index], fills) for index in last):
            return
        whole = [_unsized(self.nodes[index], fills) for index in last]
        for run in runs[:-1]:
            if [_unsized(self.nodes[index], fills) for index in run] != whole[: len(run)]:
                return
        new_indices = {old: index for index, old in enumerate(last)}
        self.nodes = [self.nodes[old] for old in last]
        self.outputs = [new_indices[index] for index in self.outputs if index in new_indices]
        self.guesses = 0
        for node in self.nodes:
            if node.kind == "operation" and not node.sources:
                node.kind, node.class_name = "input", "Input"  # what was passed in, this time
            node.outputs = tuple(_unfill(tensor, fills) for tensor in node.outputs)
            node.sources = [(new_indices[s], _unfill(tensor, fills)) for s, tensor in node.sources]

    def _separate_parts(self) -> list[list[int]]:
        """Indices of nodes between which nothing flows, part by part, in order of running."""
        part: dict[int, list[int]] = {}
        for index, node in enumerate(self.nodes):
            joined = [index]
            for source, _ in node.sources:
                if part[source] is not joined:
                    joined = sorted({*joined, *part[source]})
            for member in joined:
                part[member] = joined
        return list({id(members): members for members in part.values()}.values())

    def _drop_dead_ends(self) -> None:
        """Leave out operations that lead to no layer and to no output."""
        needed = set(self.outputs)
        for index in reversed(range(len(self.nodes))):
            if index in needed or self._matters(index):
                needed.add(index)
                needed.update(source for source, _ in self.nodes[index].sources)
        self._keep(sorted(needed))

    def _keep(self, indices: list[int]) -> None:
        """Keep these nodes, none of which has a source among the others."""
        new_indices = {old: index for index, old in enumerate(indices)}
        self.nodes = [self.nodes[old] for old in indices]
        for node in self.nodes:
            node.sources = [(new_indices[source], tensor) for source, tensor in node.sources]
        self.outputs = [new_indices[index] for index in self.outputs if index in new_indices]

    def _matters(self, index: int) -> bool:
        """Whether a node is worth showing by itself: not an operation, nor what was only tried."""
        node = self.nodes[index]
        return node.kind != "operation" and (self.failed or not node.failed)

    def _add(
        self,
        kind: Literal["input", "layer", "operation"],
        name: str,
        class_name: str,
        outputs: Sequence[Any],
        sources: Sequence[tuple[int, TensorSpec]] = (),
        number: int | None = None,
    ) -> int:
        """Add a node that these tensors come out of, and give its index."""
        index = len(self.nodes)
        output_specs = specs(list(outputs))
        self.nodes.append(FlowNode(kind, name, class_name, number, output_specs, list(sources)))
        for tensor in outputs:
            self._makers[_key(tensor)] = (_hold(tensor, self._makers), index)
        return index

    def _known(self, tensors: Any) -> list[tuple[int, TensorSpec]]:
        indexed = ((self._index_of(tensor), tensor) for tensor in tensors)
        return [(index, spec(t.shape, t.dtype)) for index, t in indexed if index is not None]

    def _index_of(self, tensor: Any) -> int | None:
        return self._makers.get(_key(tensor), (None, None))[1]

    def _source(self, tensor: Any) -> int | None:
        if _key(tensor) in self._makers:
            return self._index_of(tensor)
        if origin_of(tensor) is not None:
            return self._walk_back(tensor)
        return self._unseen(tensor)

    def _unseen(self, tensor: Any) -> int | None:
        """Add a tensor that comes from where we cannot look, with what is known of it for sure."""
        before_layers = all(node.kind == "input" for node in self.nodes)
        if before_layers and not self.nodes:
            return self.add_input(tensor)  # nothing ran yet: it can only be what was passed in
        sources = []
        if before_layers and len(self.nodes) == 1:
            sources.append((0, self.nodes[0].outputs[0]))  # made of the only input
        else:
            self.guesses += 1
        return self._add("operation", "operation", "Operation", [tensor], sources)

    def _walk_back(self, tensor: Any) -> int | None:
        """Follow operations from a symbolic tensor back to what is known.

        Each operation on the way becomes a node; what depends on constants and variables
        alone is not part of the flow and gives `None`.
        """
        stack = [tensor]
        while stack:
            current = stack[-1]
            origin = origin_of(current)
            if origin is None or origin.key in self._makers:
                stack.pop()
                continue
            unseen = [t for t in origin.inputs if _key(t) not in self._makers and origin_of(t)]
            if unseen:
                stack.extend(unseen)
                continue
            stack.pop()
            self._makers[origin.key] = (current, self._origin_node(current, origin))
        return self._index_of(tensor)

    def _origin_node(self, tensor: Any, origin: Origin) -> int | None:
        if origin.leaf == "constant":
            return None
        if origin.leaf == "input":
            return self._add("input", "input", "Input", [tensor])
        sources = self._known(origin.inputs)
        if not sources:
            return None
        if origin.kind in _TRANSPARENT and len(sources) == 1:
            return sources[0][0]
        return self._add("operation", origin.name, origin.kind, list(origin.outputs), sources)


def _unfill(tensor: TensorSpec, fills: tuple[int, int]) -> TensorSpec:
    """The spec with an unknown size where Keras put one in its place."""
    if tensor.shape is None:
        return tensor
    return spec(tuple(None if size in fills else size for size in tensor.shape), tensor.dtype)


def _unsized(node: FlowNode, fills: tuple[int, int]) -> tuple[Any, ...]:
    return node.number, tuple(_unfill(tensor, fills) for tensor in node.outputs)


def _has_size(node: FlowNode, sizes: tuple[int, int]) -> bool:
    return any(size in sizes for tensor in node.outputs for size in tensor.shape or ())


def _key(tensor: Any) -> Hashable:
    origin = origin_of(tensor)
    return id(tensor) if origin is None else origin.key


def _hold(tensor: Any, makers: dict[Hashable, tuple[Any, int | None]]) -> Any:
    """What keeps a key valid: a symbolic tensor itself, a weak reference to a concrete one."""
    if origin_of(tensor) is not None:
        return tensor
    key = id(tensor)
    try:
        return weakref.ref(tensor, lambda _: makers.pop(key, None))
    except TypeError:
        return tensor
