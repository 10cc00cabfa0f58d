"""What several rules ask of a loss that was computed: the call, the line, the model's output."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypedDict

from buildtrace.diagnosis import remedies
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, LayerRef, LossPart, Shape, SourceLine
    from buildtrace.traces.trace import Trace

ELEMENTWISE = frozenset(
    {
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "huber",
        "log_cosh",
        "binary_crossentropy",
        "binary_focal_crossentropy",
        "hinge",
        "squared_hinge",
        "poisson",
        "kl_divergence",
    }
)
"""Functions of Keras that compare each number of the output with one of the targets."""

ONE_HOT = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy"})
"""Functions of Keras whose targets have a number for each class."""

CLASS_NUMBERS = frozenset({"sparse_categorical_crossentropy"})
"""Functions of Keras whose targets are the numbers of the classes."""


class ComparedLoss(NamedTuple):
    """A loss that compared one tensor with another.

    Attributes:
        call: that of the loss.
        part: what it compared.
        predicted: sizes of the model's output.
        target: sizes of what that was compared with.
        model: whose loss it is, if that is known.
    """

    call: Call
    part: LossPart
    predicted: Shape
    target: Shape
    model: LayerRef | None

    @property
    def output(self) -> str:
        """The output in a sentence: "output 'digits' of 'mlp' (Sequential)"."""
        name = f" {wording.quoted(self.part.output)}" if self.part.output else ""
        return f"output{name}" + (f" of {wording.layer(self.model)}" if self.model else "")

    @property
    def loss(self) -> str:
        """The name that stands for the loss in a sentence."""
        return wording.sanitize(self.part.function or self.part.class_name)

    @property
    def failed(self) -> bool:
        """Whether the loss was refused."""
        return self.call.error is not None


def compared(trace: Trace) -> Iterator[ComparedLoss]:
    """The losses that were computed of one tensor and one other, of known ranks."""
    for call in trace.calls:
        part = call.loss
        if part is None or part.predicted is None or part.target is None:
            continue
        predicted, target = part.predicted.shape, part.target.shape
        if predicted is not None and target is not None:
            yield ComparedLoss(call, part, predicted, target, model_of(trace, call))


def model_of(trace: Trace, call: Call) -> LayerRef | None:
    """The model whose loss is computed in a call; `None` if that is not known."""
    layers = [outer.layer for outer in (call, *trace.index.ancestors(call))]
    return next((layer for layer in layers if layer is not None), None)


class OfModel(Protocol):
    """A call of a loss, or of all losses of a model, and the model."""

    @property
    def call(self) -> Call:
        """The call."""

    @property
    def model(self) -> LayerRef | None:
        """The model, if it is known."""


class Evidence(TypedDict):
    """What a finding about a loss is proved by, and where it is."""

    calls: list[int]
    caller: SourceLine | None
    layer: int | None


def evidence(trace: Trace, one: OfModel, *, of_compile: bool = False) -> Evidence:
    """The calls that prove it, of one that failed also those around it; the line; the model.

    Args:
        trace: which has the loss.
        one: the loss, or all losses of a model.
        of_compile: whether the line to look at first is that of `compile`, not that of `fit`.
    """
    around = [outer.id for outer in trace.index.ancestors(one.call) if outer.error is not None]
    lines = [one.call.caller, _compile_line(trace, one)]
    return {
        "calls": [one.call.id, *around],
        "caller": next(filter(None, reversed(lines) if of_compile else lines), None),
        "layer": one.model.id if one.model else None,
    }


def _compile_line(trace: Trace, one: OfModel) -> SourceLine | None:
    """The user's line that told the model its loss."""
    uses = trace.index.uses_by("Model.compile")
    own = [use.caller for use in uses if one.model is not None and use.model == one.model]
    return own[-1] if own else None


def compiled_with(one: OfModel, arguments: str) -> str:
    """Code that compiles the model anew."""
    return f"{_name(one)}.compile(..., {arguments})"


def fitted_to(one: OfModel, targets: str) -> str:
    """Code that trains the model on other targets."""
    return f"{_name(one)}.fit(x, {targets})"


def with_targets(trace: Trace, one: ComparedLoss, change: str) -> str:
    """Code that trains the model on changed targets.

    Args:
        trace: which has the loss.
        one: the loss, whose output it is that the targets are for.
        change: an expression in which "{y}" stands for them.
    """
    name = _targets_of(trace, one)
    changed = change.format(y=name)
    return fitted_to(one, changed) if name == "y" else f"{name} = {changed}"


def _targets_of(trace: Trace, one: ComparedLoss) -> str:
    """What the targets of one output are in code: a part of `y` if that has several."""
    around = None if one.call.parent is None else trace.calls[one.call.parent].structures
    output = one.part.output
    if around is not None and around.targets.form == "dict" and output:
        return f"y[{remedies.text(output)}]"
    if around is not None and around.targets.form == "list" and output in around.names:
        return f"y[{around.names.index(output)}]"
    return "y"


def _name(one: OfModel) -> str:
    return remedies.variable(one.model) if one.model is not None else "model"


def same_size(one: int | None, other: int | None) -> bool:
    """Whether two sizes of axes may be the same."""
    return one is None or other is None or one == other
