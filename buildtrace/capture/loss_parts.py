"""What is compared in a loss, or a metric: which output with which target, and how it was given.

Read when a call starts. No tensor is evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from buildtrace.capture import snapshot
from buildtrace.generations import pairing
from buildtrace.generations.losses import loss_facts, metric_facts
from buildtrace.traces.schema import (
    LossPart,
    LossStructures,
    MetricPart,
    ModelMetrics,
    Structure,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.capture.given_targets import GivenTargets
    from buildtrace.capture.record import Record
    from buildtrace.traces.schema import TensorSpec


def loss_part(record: Record, targets: GivenTargets) -> LossPart:
    """What is compared in a loss, and for which output.

    Args:
        record: the call of a loss.
        targets: those that the running dry fits were given.
    """
    given = _arguments(record)
    loss, adapter, around = record.args[0], record.hooked.adapter, record.parent
    facts, output, activation, bounds = loss_facts(loss), "", "", None
    if around is not None and around.hooked.landmark.reads == "container":
        all_given = _arguments(around)
        outputs = adapter.loss_outputs(
            around.args[0], all_given.get("y_pred"), all_given.get("y_true")
        )
        if around.computed < len(outputs):
            output = outputs[around.computed]
        around.computed += 1
        names = around.structures.names if around.structures is not None else ()
        model = around.parent.layer if around.parent is not None else None
        activation = _activation(record, model, output, names)
        if facts.takes_bounds:
            bounds = targets.bounds(model, output, names, without=facts.ignored)
    return LossPart(
        output=output,
        activation=activation,
        predicted=_spec(given.get("y_pred")),
        target=_spec(given.get("y_true")),
        sample_weight=_spec(given.get("sample_weight")),
        name=facts.name,
        class_name=type(loss).__name__,
        function=facts.function,
        from_logits=facts.from_logits,
        bounds=bounds,
    )


def with_pairing(record: Record, result: Any) -> LossPart | None:
    """The loss of a call that has ended well, with what it paired if it is the user's own."""
    part = record.loss
    if part is None or part.predicted is None or part.target is None:
        return part
    given = _arguments(record)
    target, predicted = part.target.shape, part.predicted.shape
    if target is None or predicted is None or len(target) == len(predicted):
        return part
    if not pairing.pairs_other_ranks(result, given.get("y_true"), given.get("y_pred")):
        return part
    return msgspec.structs.replace(part, paired=(target, predicted))


def structures(record: Record) -> LossStructures:
    """How the things were given that all losses of a model are computed of."""
    given = _arguments(record)
    predicted = given.get("y_pred")
    settings = record.hooked.adapter.loss_settings(record.args[0], predicted)
    return LossStructures(
        names=tuple(map(str, settings.names)),
        outputs=_structure(predicted),
        targets=_structure(given.get("y_true")),
        losses=_structure(settings.losses),
        loss_weights=_structure(settings.weights),
        sample_weights=_structure(given.get("sample_weight")),
    )


def metrics(record: Record) -> ModelMetrics:
    """How the metrics of a model were given."""
    predicted = record.hooked.named_arguments(record).get("y_pred")
    settings = record.hooked.adapter.metric_settings(record.args[0], predicted)
    return ModelMetrics(
        names=tuple(map(str, settings.names)),
        outputs=_structure(predicted),
        metrics=_structure(settings.metrics or None),
        weighted_metrics=_structure(settings.weighted or None),
    )


def with_built(record: Record) -> ModelMetrics | None:
    """The metrics of a call that has built them."""
    if record.metrics is None:
        return None
    adapter = record.hooked.adapter
    parts = [
        _metric_part(output, metric, is_own=adapter.is_own(metric))
        for output, metric in adapter.metrics_of_outputs(record.args[0])
    ]
    return msgspec.structs.replace(record.metrics, parts=tuple(parts))


def _metric_part(output: str, metric: Any, *, is_own: bool) -> MetricPart:
    name = str(getattr(metric, "name", "") or "")
    if not is_own:  # who knows what its `update_state` does with them
        return MetricPart(output=output, name=name, class_name=type(metric).__name__)
    facts = metric_facts(metric)
    return MetricPart(
        output=output,
        name=name,
        class_name=type(metric).__name__,
        function=facts.function,
        from_logits=facts.from_logits,
        thresholds=facts.thresholds,
    )


def _arguments(record: Record) -> dict[str, Any]:
    """The arguments of a loss, or of all of a model, by name."""
    names = ("y_true", "y_pred", "sample_weight")
    return {**dict(zip(names, record.args[1:], strict=False)), **record.kwargs}


def _structure(given: Any) -> Structure:
    if given is None:
        return Structure(form="nothing")
    if not isinstance(given, (list, tuple, dict)):
        return Structure(form="one", count=1)
    parts = list(given.values() if isinstance(given, dict) else given)
    if any(isinstance(part, (list, tuple, dict)) for part in parts):
        return Structure(form="nested", count=len(parts))
    none = tuple([place for place, part in enumerate(parts) if part is None])
    if isinstance(given, dict):
        return Structure(form="dict", names=tuple(map(str, given)), count=len(parts), none=none)
    return Structure(form="list", count=len(parts), none=none)


def _activation(record: Record, model: Any, output: str, names: Sequence[str]) -> str:
    """What the output of this name ends with; "" if that is not known."""
    if model is None:
        return ""
    found = record.hooked.adapter.output_activations(model)
    if len(found) == 1 and len(names) <= 1:
        return found[0]
    return found[names.index(output)] if len(found) == len(names) and output in names else ""


def _spec(tensor: Any) -> TensorSpec | None:
    if hasattr(tensor, "shape") and hasattr(tensor, "dtype"):
        return snapshot.spec(tensor.shape, tensor.dtype)
    return None
