"""What a loss says of itself, the same in both generations."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple


class LossFacts(NamedTuple):
    """What can be told of a loss.

    Attributes:
        name: its own.
        function: the function that it runs; "" if it has a `call` of its own.
        from_logits: whether it takes logits; `None` if it has no such option.
        ignored: the class number that does not count; `None` if all do.
        takes_bounds: whether its targets may not be beyond some numbers. Then the classes are
            along the last axis, too.
    """

    name: str
    function: str
    from_logits: bool | None
    ignored: int | None = None
    takes_bounds: bool = False


class LossSettings(NamedTuple):
    """What the losses of a model are made from.

    Attributes:
        names: those of its outputs; empty if they have none. In the order that a structure of them
            is flattened to: of a dict, the sorted keys.
        losses: the argument `loss` of `compile`.
        weights: the argument `loss_weights`.
    """

    names: list[Any]
    losses: Any
    weights: Any


class MetricSettings(NamedTuple):
    """What the metrics of a model are made from.

    Attributes:
        names: those of its outputs, as in `LossSettings`.
        metrics: the argument `metrics` of `compile`.
        weighted: the argument `weighted_metrics`.
    """

    names: list[Any]
    metrics: Any
    weighted: Any


class MetricFacts(NamedTuple):
    """What can be told of a metric.

    Attributes:
        function: the function that it runs; "" if its class does all by itself.
        from_logits: whether it takes logits; `None` if it has no such option.
        thresholds: the numbers that it compares what was predicted with, unless they are many.
    """

    function: str
    from_logits: bool | None
    thresholds: tuple[float, ...]


_BOUNDED = {"sparse_categorical_crossentropy", "binary_crossentropy", "binary_focal_crossentropy"}


def loss_facts(loss: Any) -> LossFacts:
    """Read a loss: Keras makes an object of each, also of a function or a word."""
    function = getattr(loss, "fn", None)
    given = getattr(loss, "_fn_kwargs", {})
    logits = getattr(loss, "from_logits", given.get("from_logits"))
    if logits is None and function is not None:
        logits = _default(function, "from_logits")
    name, ignored = str(getattr(function, "__name__", "")), given.get("ignore_class")
    return LossFacts(
        name=str(getattr(loss, "name", None) or ""),
        function=name,
        from_logits=logits if isinstance(logits, bool) else None,
        ignored=ignored if isinstance(ignored, int) else None,
        takes_bounds=name in _BOUNDED and given.get("axis", -1) == -1,
    )


def metric_facts(metric: Any) -> MetricFacts:
    """Read a metric of Keras' own: it makes an object of each, also of a function or a word."""
    function = getattr(metric, "_fn", None)
    given = getattr(metric, "_fn_kwargs", {})
    held = vars(metric)
    logits = held.get("_from_logits", held.get("from_logits", given.get("from_logits")))
    limits = held.get("threshold", given.get("threshold", held.get("thresholds")))
    if function is not None:
        logits = _default(function, "from_logits") if logits is None else logits
        limits = _default(function, "threshold") if limits is None else limits
    limits = limits if isinstance(limits, (list, tuple)) else [limits]
    numbers = [float(limit) for limit in limits if isinstance(limit, (int, float))]
    return MetricFacts(
        function=str(getattr(function, "__name__", "")),
        from_logits=logits if isinstance(logits, bool) else None,
        thresholds=tuple(numbers) if len(numbers) <= MOST_THRESHOLDS else (),
    )


MOST_THRESHOLDS = 10
"""A metric that compares with more numbers looks at a whole curve."""


def _default(function: Any, name: str) -> Any:
    """What the function takes for an argument if nothing is said."""
    try:
        option = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):  # a function of C, or none at all
        return None
    return None if option is None else option.default
