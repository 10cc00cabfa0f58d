"""How much there is of weights: how many, and how many numbers in them, as Keras counts them.

Whatever says such a sum asks here: of a trace, a model, a layer in one, or some weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Graph, Holder, Weight
    from buildtrace.traces.trace import Trace


class Totals(NamedTuple):
    """The sums over some weights.

    Attributes:
        weights: how many there are.
        parameters: how many scalars are in them.
        trainable: how many of those scalars are trained.
    """

    weights: int
    parameters: int
    trainable: int

    @property
    def not_trainable(self) -> int:
        """How many of the scalars are not trained."""
        return self.parameters - self.trainable


class HeldTotals(NamedTuple):
    """The sums over the variables of an optimizer or a metric.

    Attributes:
        variables: how many there are.
        of_weights: how many scalars are in those that are kept for a weight each.
        others: how many are in the others.
    """

    variables: int
    of_weights: int
    others: int


class Share(NamedTuple):
    """What a layer adds to its model, where weights are counted with the first layer that has them.

    Attributes:
        parameters: how many scalars are in the weights that no layer before it has.
        others: names of the layers before it that have the rest.
    """

    parameters: int
    others: tuple[str, ...] = ()


NOTHING = Share(0)
"""What comes of another call of a layer, or of what is no layer."""


def totals(weights: Iterable[Weight]) -> Totals:
    """The sums over these weights."""
    return _totals((weight, weight.trainable) for weight in weights)


def totals_of_trace(trace: Trace) -> Totals:
    """The sums over all weights but those that were put aside."""
    return totals(weight for weight in trace.weights if not weight.replaced)


def totals_of_model(trace: Trace, graph: Graph) -> Totals:
    """The sums over a model's weights, of which it trains those that Keras says it does."""
    return _totals(trained_weights(trace, graph))


def totals_of_holder(trace: Trace, holder: Holder) -> HeldTotals:
    """The sums over what an optimizer or a metric holds."""
    held = [variable for variable in trace.variables if variable.holder == holder.id]
    of_weights = sum(variable.size for variable in held if variable.weight is not None)
    return HeldTotals(len(held), of_weights, sum(v.size for v in held) - of_weights)


def shares(trace: Trace, graph: Graph) -> dict[int, Share]:
    """What each layer of a model adds to it, by id: layers may have weights in common."""
    found: dict[int, Share] = {}
    names: dict[int, str] = {}
    for node in sorted(graph.nodes, key=lambda node: (-node.depth, node.id)):
        if node.layer is None or node.layer in found:
            continue
        weights = trace.index.weights_within(node.layer)
        new = [weight for weight in weights if weight.id not in names]
        others = dict.fromkeys(names[weight.id] for weight in weights if weight.id in names)
        found[node.layer] = Share(totals(new).parameters, tuple(others))
        if graph.layer_weights:  # else it is a guess what they have: nothing to call shared
            names |= {weight.id: node.name for weight in new}
    return found


def trained_weights(trace: Trace, graph: Graph) -> list[tuple[Weight, bool]]:
    """A model's weights, and whether it trains them."""
    otherwise = set(graph.trained_otherwise)
    weights = trace.index.weights_within(graph.model.id)
    return [(weight, weight.trainable != (weight.id in otherwise)) for weight in weights]


def _totals(weights: Iterable[tuple[Weight, bool]]) -> Totals:
    number = parameters = trained = 0
    for weight, is_trained in weights:
        number += 1
        parameters += weight.parameters
        trained += weight.parameters if is_trained else 0
    return Totals(number, parameters, trained)
