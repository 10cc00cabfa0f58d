"""What comes out: of the models, and of layers that get the same and give something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.ranked_change import location, ranked, specs
from buildtrace.traces.wording import layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.ranked_change import RankedChange
    from buildtrace.traces.schema import TensorSpec


def changes(matching: LayerMatching) -> Iterator[RankedChange]:
    """All differences of shapes and dtypes, layer by layer, and then of the models."""
    for left, right in matching.pairs():
        if matching.replaced(left):
            continue
        if left in matching.left.graphs and right in matching.right.graphs:
            if matching.left.owner[left] is None:
                yield from _model(matching, left, right)
        else:
            yield from _layer(matching, left, right)


def _layer(matching: LayerMatching, left: int, right: int) -> Iterator[RankedChange]:
    was, now = matching.left.outputs(left), matching.right.outputs(right)
    given = matching.left.inputs.get(left, ()), matching.right.inputs.get(right, ())
    if same_tensors(was, now) or not was or not now or not same_tensors(*given):
        return
    if _shapes(matching.left, left) != _shapes(matching.right, right):
        return  # its weights say it
    ref = matching.right.layers[right]
    is_input = ref.class_name == "InputLayer"
    text = "is" if is_input else "gives"
    yield ranked(
        "outputs",
        f"{layer(ref)} {text} {specs(now)}, was {specs(was)}",
        location(matching.left, left, specs(was)),
        location(matching.right, right, specs(now)),
        position=matching.position(matching.right, right),
        cause=True,
    )


def _model(matching: LayerMatching, left: int, right: int) -> Iterator[RankedChange]:
    was, now = _model_outputs(matching.left, left), _model_outputs(matching.right, right)
    if not was or not now or same_tensors(was, now):
        return
    ref = matching.right.layers[right]
    yield ranked(
        "outputs",
        f"the output of {layer(ref)} is {specs(now)}, was {specs(was)}",
        location(matching.left, left, specs(was)),
        location(matching.right, right, specs(now)),
        position=matching.position(matching.right, right),
        follows=True,
    )


def _model_outputs(tree: LayerTree, model: int) -> tuple[TensorSpec, ...]:
    graph = tree.graphs[model]
    return tuple(spec for node in graph.outputs for spec in graph.nodes[node].outputs)


def _shapes(tree: LayerTree, layer: int) -> list[object]:
    return [(w.name, w.shape, w.dtype) for w in tree.weights(layer)]


def same_tensors(left: Sequence[TensorSpec], right: Sequence[TensorSpec]) -> bool:
    """Whether these are the same tensors, as far as both are known."""
    return len(left) == len(right) and all(
        a.shape == b.shape and (a.dtype == b.dtype or not a.dtype or not b.dtype)
        for a, b in zip(left, right, strict=True)
    )
