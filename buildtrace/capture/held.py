"""What a model is trained with: the variables of its optimizer and its metrics, and its losses.

Read when a landmark of the step `compile` starts and when it ends. Nothing here evaluates a tensor,
and all that is kept is plain, but for the numbers that stand for live objects.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from buildtrace.capture import loss_parts, snapshot
from buildtrace.generations.base import class_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.capture.distributions import Distributions, LayoutRecord
    from buildtrace.capture.given_targets import GivenTargets
    from buildtrace.capture.record import Record, WeightRecord
    from buildtrace.generations import Adapter
    from buildtrace.generations.base import WeightFacts

_REFERENCES = ("reference_variable", "model_variable", "var")
"""What the argument is called that is the weight which a variable is made for."""

_NAMES = ("variable_name", "slot_name", "name")
"""What the argument is called that names a variable."""


class HolderRecord(NamedTuple):
    """An optimizer or a metric."""

    name: str
    class_name: str
    kind: Literal["optimizer", "metric"]


class VariableRecord(NamedTuple):
    """A variable of an optimizer or a metric; `holder` and `weight` are the process's numbers."""

    order: int
    holder: int
    facts: WeightFacts
    name: str
    initializer: str | None
    call: Record | None
    weight: int | None
    layout: LayoutRecord | None = None


class Held:
    """The optimizers and metrics that were seen, by number, and what they hold.

    Attributes:
        holders: by the process's number, which is one of `Layers`.
        variables: by a number of their own.
    """

    def __init__(
        self,
        layers: snapshot.Layers,
        weight: Callable[[Any], WeightRecord | None],
        targets: GivenTargets,
        distributions: Distributions,
    ) -> None:
        """Start with none seen.

        Args:
            layers: numbers the layers.
            weight: tells what is known of a weight.
            targets: those that the running dry fits were given.
            distributions: those that were seen.
        """
        self.holders: dict[int, HolderRecord] = {}
        self.variables: dict[int, VariableRecord] = {}
        self._layers = layers
        self._weight = weight
        self._distributions = distributions
        self._targets = targets
        self._numbers = snapshot.Numbers()
        self._orders = itertools.count()
        self._models: dict[int, int] = {}
        self._adapters: dict[int, Adapter] = {}

    def open(self, record: Record) -> None:
        """Read what there is to read when a call starts."""
        reads, adapter = record.hooked.landmark.reads, record.hooked.adapter
        if reads == "training":
            self._note_model(record)
            given = record.args[1] if len(record.args) > 1 else record.kwargs.get("optimizer")
            if record.hooked.compiles and hasattr(given, "variables"):
                self._adopt(given, adapter, None)  # made before
        elif reads == "loss":
            record.loss = loss_parts.loss_part(record, self._targets)
        else:
            self._note_holder(record)
            if record.hooked.landmark.beat == "loss":
                record.structures = loss_parts.structures(record)
            elif record.hooked.landmark.beat == "metrics":
                record.metrics = loss_parts.metrics(record)

    def close(self, record: Record, result: Any) -> None:
        """Read what there is to read when a call has ended well."""
        reads, adapter = record.hooked.landmark.reads, record.hooked.adapter
        if reads == "held":
            self._add(record, result)
        elif reads == "loss":
            record.loss = loss_parts.with_pairing(record, result)
        elif reads == "optimizer":
            self._adopt(record.args[0], adapter, record)
        elif reads == "container" and record.hooked.means_build:
            record.metrics = loss_parts.with_built(record)
            for metric in getattr(record.args[0], "metrics", ()):
                self._adopt(metric, adapter, None)
        elif record.hooked.compiles:
            self._note_model(record)
            optimizer = getattr(record.layer, "optimizer", None)
            if optimizer is not None:
                record.holder = self._adopt(optimizer, adapter, record)

    # -- whose it is ----------------------------------------------------------------------------

    def _note_model(self, record: Record) -> None:
        """Remember which model has this optimizer, and these losses and metrics."""
        if record.layer is None or record.number is None:
            return
        self._layers.read(record.layer, record.number)
        for part in record.hooked.adapter.training_parts(record.layer):
            self._models[self._layers.number(part)] = record.number
            for inner in _inside(part):
                self._models[self._layers.number(inner)] = record.number

    def _note_holder(self, record: Record) -> None:
        thing = record.args[0]
        record.holder = self._layers.number(thing)
        if record.hooked.landmark.reads != "held":
            record.number = self._models.get(record.holder)
        if record.hooked.landmark.reads != "container":
            self._read_holder(thing, record.hooked.adapter)

    def _read_holder(self, thing: Any, adapter: Adapter) -> int:
        number = self._layers.number(thing)
        kind: Literal["optimizer", "metric"] = (
            "metric" if isinstance(thing, adapter.metric_class) else "optimizer"
        )
        name = getattr(thing, "name", None) or getattr(thing, "_name", None)
        name = name if isinstance(name, str) else ""
        self.holders[number] = HolderRecord(name, type(thing).__name__, kind)
        self._adapters[number] = adapter
        return number

    # -- variables ------------------------------------------------------------------------------

    def _add(self, record: Record, variable: Any) -> None:
        """Add a variable that a call returned, or say more of one that a call inside it made."""
        given = record.hooked.named_arguments(record)
        weight = next((given[name] for name in _REFERENCES if name in given), None)
        known = self._numbers.known(variable)
        if known is not None:
            made = self.variables[known]
            if made.call is None or made.call.parent is not record:
                return  # handed out once more
        adapter = record.hooked.adapter
        facts = adapter.weight_facts(variable, None)
        kept_for = None if weight is None else self._weight(weight)
        model = None if kept_for is None else kept_for.layout
        name = next((given[name] for name in _NAMES if given.get(name)), None)
        number = self._numbers.number(variable)
        self.variables[number] = VariableRecord(
            next(self._orders) if known is None else self.variables[known].order,
            record.holder or 0,
            facts,
            str(name or facts.name),
            record.initializer or _initializer(given.get("initializer")),
            record,
            None if kept_for is None else kept_for.number,
            self._distributions.layout_of(variable, adapter, model),
        )

    def _adopt(self, holder: Any, adapter: Adapter, call: Record | None) -> int:
        """Add what a holder has that no landmark saw being made; gives the holder's number."""
        for inner in _inside(holder):  # what these hold is not the outer one's
            self._adopt(inner, adapter, call)
        number = self._read_holder(holder, adapter)
        for variable in self._numbers.unknown(adapter.held_variables(holder)):
            facts = adapter.weight_facts(variable, None)
            self.variables[self._numbers.number(variable)] = VariableRecord(
                next(self._orders), number, facts, facts.name, facts.initializer, call, None
            )
            self._read_layout(variable, adapter)
        return number

    def read_rest(self) -> None:
        """Read how those are spread that were not initialized when they were met."""
        for number, variable in self._numbers.living():
            known = self.variables[number]
            adapter = self._adapters.get(known.holder)
            if known.layout is None and adapter is not None:
                self._read_layout(variable, adapter)

    def _read_layout(self, variable: Any, adapter: Adapter) -> None:
        layout = self._distributions.layout_of(variable, adapter)
        if layout is not None:
            number = self._numbers.number(variable)
            self.variables[number] = self.variables[number]._replace(
                layout=layout, facts=adapter.weight_facts(variable, None)
            )


def _inside(holder: Any) -> list[Any]:
    """The optimizers in another: what LossScaleOptimizer scales for, those of MultiOptimizer."""
    inner = getattr(holder, "inner_optimizer", None)
    several = getattr(holder, "optimizers", None) if inner is None else [inner]
    found = several if isinstance(several, (list, tuple)) else ()
    return [each for each in found if hasattr(each, "variables")]


def _initializer(given: Any) -> str | None:
    """The class of an initializer; `None` for a first value."""
    return class_name(given) if callable(given) or isinstance(given, (str, dict)) else None
