"""BT705: targets, losses or weights that do not go with a model's outputs, by name or by number."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import compared_losses, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import (
        Call,
        Finding,
        LayerRef,
        LossStructures,
        Severity,
        Structure,
    )
    from buildtrace.traces.trace import Trace


class _Case(NamedTuple):
    """The losses of a model, and how all was given that they are computed of.

    Attributes:
        call: in which they are computed, or should have been.
        tried: the calls of single losses in it.
    """

    trace: Trace
    call: Call
    given: LossStructures
    model: LayerRef | None
    tried: list[Call]

    @property
    def is_of_3(self) -> bool:
        return self.call.generation == "keras3"

    @property
    def refused(self) -> bool:
        """Whether no loss could be computed."""
        return self.call.error is not None and all(one.error is not None for one in self.tried)

    @property
    def refused_at_once(self) -> bool:
        """Whether none was even tried: then it is the structures that do not go together."""
        return self.call.error is not None and not self.tried

    @property
    def outputs(self) -> str:
        """The model's outputs in a sentence: "'net' (Functional) has the outputs 'a' and 'b'"."""
        model = "the model" if self.model is None else wording.layer(self.model)
        names, count = self.given.names, self.given.outputs.count
        if len(names) != count:
            return f"{model} has {wording.count(count, 'output')}"
        listed = _listed(names)
        return f"{model} has the {'output' if count == 1 else 'outputs'} {listed}"


class _Disagreement(NamedTuple):
    """What does not go together.

    Attributes:
        says: a sentence or two.
        fix: the remedy.
        hides: whether other findings about these losses come of it.
    """

    says: str
    fix: str
    severity: Severity = "error"
    hides: bool = False


class _Argument(NamedTuple):
    """Something that a model has for each of its outputs.

    Attributes:
        name: of the argument.
        given: how it was given.
        is_of_compile: whether `compile` takes it, not `fit`.
    """

    name: str
    given: Structure
    is_of_compile: bool = False


def _check(trace: Trace) -> Iterator[Finding]:
    for call in trace.calls:
        given = call.structures
        if given is None or given.losses.form == "nothing":
            continue
        if given.outputs.form not in ("one", "list", "dict"):
            continue
        tried = [inner for inner in trace.index.inside(call) if inner.loss is not None]
        model = compared_losses.model_of(trace, call)
        case = _Case(trace, call, given, model, tried)
        for argument in _arguments(given):
            found = _disagreement(case, argument)
            if found is not None:
                yield _finding(case, argument, found)
                if found.hides:
                    break


def _arguments(given: LossStructures) -> list[_Argument]:
    return [
        _Argument("y", given.targets),
        _Argument("loss", given.losses, is_of_compile=True),
        _Argument("loss_weights", given.loss_weights, is_of_compile=True),
        _Argument("sample_weight", given.sample_weights),
    ]


def _disagreement(case: _Case, argument: _Argument) -> _Disagreement | None:
    if argument.given.form == "dict":
        if not case.given.names or (argument.name == "y" and _takes_no_dict(case)):
            return _nameless(case, argument)
        return _unknown(case, argument) or _left_out(case, argument)
    if argument.given.form == "list":
        return _other_number(case, argument)
    if argument.name == "y" and case.is_of_3 and case.refused:
        return _no_targets(case) if argument.given.form == "nothing" else _one_target(case)
    return None


def _takes_no_dict(case: _Case) -> bool:
    """Whether the targets may be no dict: Keras 3 has a model with one output compare one."""
    return case.is_of_3 and case.given.outputs.form == "one"


# -- by name ----------------------------------------------------------------------------------


def _nameless(case: _Case, argument: _Argument) -> _Disagreement | None:
    """A dict, where the outputs have no names that Keras 3 would look up in it."""
    if not case.refused:
        return None
    says = f"The argument {argument.name} is a dict, and {case.outputs}"
    if case.given.outputs.form == "one":
        key = argument.given.names[0] if argument.given.names else ""
        taken = f"{argument.name}[{remedies.text(key)}]"
        fix = _with(case, argument, taken)
        return _Disagreement(f"{says}: Keras 3 wants what is in it, without the dict.", fix)
    fix = _with(case, argument, f"list({argument.name}.values())")
    return _Disagreement(f"{says} without names: Keras 3 wants a list.", f"{fix}  # in their order")


def _unknown(case: _Case, argument: _Argument) -> _Disagreement | None:
    """Keys that are no names of outputs."""
    names, keys = case.given.names, argument.given.names
    unknown = [key for key in keys if key not in names]
    if not unknown or (case.is_of_3 and argument.name == "y" and not case.refused):
        return None
    says = f"The argument {argument.name} names {_listed(unknown)}, and {case.outputs}."
    meant = _meant(unknown, [name for name in names if name not in keys])
    if meant:
        pairs = [f"{wording.quoted(key)} for {wording.quoted(name)}" for key, name in meant.items()]
        says += f" It seems to be {wording.listed(pairs)}."
    if not case.refused:
        says += " Keras pairs them off by the order of the sorted keys then, without a word: an "
        says += "output may get what is meant for another one."
    fix = _by_name(names)
    if not argument.is_of_compile and set(names) <= {*keys, *meant.values()}:
        keys_of = {name: key for key, name in meant.items()}
        fix = _by_name(
            names, {n: f"{argument.name}[{remedies.text(keys_of.get(n, n))}]" for n in names}
        )
    return _Disagreement(says, _with(case, argument, fix), hides=not case.refused)


def _meant(unknown: list[str], free: list[str]) -> dict[str, str]:
    """Unknown key → the name of an output without a key that is much like it."""
    meant: dict[str, str] = {}
    for key in unknown:
        near = difflib.get_close_matches(key, [n for n in free if n not in meant.values()], 1)
        if near:
            meant[key] = near[0]
    return meant


def _left_out(case: _Case, argument: _Argument) -> _Disagreement | None:
    """Outputs that a dict has nothing for, where that is not legal."""
    names = [name for name in case.given.names if name not in argument.given.names]
    if not names:
        return None
    fix = _by_name(case.given.names)
    says = f"The argument {argument.name} has nothing for {_listed(names)}, and {case.outputs}."
    if argument.name == "y":
        if case.is_of_3:
            found = case.refused_at_once
        else:
            names = [name for name in names if _has_loss(case, name)]
            says += f" The loss of {_listed(names)} is not computed: without a word, it is 0."
            found = bool(names)
        severity: Severity = "error" if case.is_of_3 else "warning"
        return _Disagreement(says, _with(case, argument, fix), severity) if found else None
    if not case.is_of_3 or not case.refused_at_once:
        return None
    if argument.name == "loss" and case.given.outputs.form == "list":
        fix = _by_name(case.given.names, dict.fromkeys(names, "None"))
        return _Disagreement(
            f"{says} Keras 3 wants each of them, and takes None for no loss.",
            _with(case, argument, fix),
        )
    if argument.name == "loss_weights" and case.given.losses.form == "dict":
        fix = _by_name(case.given.names, dict.fromkeys(names, "1.0"))
        return _Disagreement(
            f"{says} Keras 3 wants a weight for each loss.", _with(case, argument, fix)
        )
    return None


def _has_loss(case: _Case, output: str) -> bool:
    losses = case.given.losses
    if losses.form == "one":
        return True
    names = losses.names if losses.form == "dict" else case.given.names
    place = names.index(output) if output in names else losses.count
    return place < losses.count and place not in losses.none


# -- by number --------------------------------------------------------------------------------


def _other_number(case: _Case, argument: _Argument) -> _Disagreement | None:
    """A list of another length than the outputs."""
    wanted, got = case.given.outputs.count, argument.given.count
    if case.given.outputs.form == "dict" and not case.is_of_3 and argument.name == "y":
        says = f"The argument y is a list, and {case.outputs} in a dict: Keras 2 wants one, too."
        fix = _with(case, argument, _by_name(case.given.names))
        return _Disagreement(says, fix, hides=True)
    if got == wanted:
        return None
    if argument.name == "loss_weights" and case.is_of_3:
        return _weights_of_3(case, argument)
    says = f"The argument {argument.name} is a list of {got}, and {case.outputs}."
    fix = _for_each(case, argument)
    losses = case.given.losses
    of_each = case.is_of_3 and losses.form in ("list", "dict")
    if argument.name == "y" and of_each and got == losses.count - len(losses.none):
        return None  # targets for those outputs alone that have a loss
    if case.call.error is not None:
        by_name = case.given.outputs.form == "dict" and argument.name == "loss" and case.refused
        return _Disagreement(says, fix) if case.refused_at_once or by_name else None
    if case.is_of_3:  # what is more, or a list for one output, is legal
        return _too_few_losses(case, argument, says) if got < wanted else None
    if argument.name == "y" and wanted > 1:
        return _Disagreement(f"{says} Keras 2 wants one target for each.", fix)
    if got > wanted:
        says += f" Keras 2 takes {_first(wanted)}, and does not look at the rest."
        return _Disagreement(says, fix, "error" if argument.name == "y" else "warning")
    if argument.name == "loss":
        return _too_few_losses(case, argument, says)
    says += f" Keras 2 computes {_first(got, 'loss', 'losses')}, and no other, without a word."
    return _Disagreement(says, fix)


def _weights_of_3(case: _Case, argument: _Argument) -> _Disagreement | None:
    losses, got = case.given.losses, argument.given.count
    if (
        not case.refused_at_once
        or losses.form not in ("one", "list", "dict")
        or (losses.count == got)
    ):
        return None
    if losses.form == "one":
        says = f"The argument loss_weights is a list of {got}, and loss is one for all: Keras 3 "
        fix = compared_losses.compiled_with(case, f"loss={_in_order(got)}")
        return _Disagreement(f"{says}wants as many losses as weights.", fix)
    says = f"The argument loss_weights is a list of {got}, and loss has {losses.count}: Keras 3 "
    return _Disagreement(f"{says}wants as many.", _for_each(case, argument))


def _too_few_losses(case: _Case, argument: _Argument, says: str) -> _Disagreement | None:
    """Outputs that no loss was computed for: legal, but then one writes `None`."""
    wanted, got = case.given.outputs.count, argument.given.count
    if argument.name != "loss" or len(case.tried) > got:
        return None
    named = case.given.names[got:] if len(case.given.names) == wanted else ()
    listed = _listed(named) or "the others"
    rest = ", ".join(["..."] * got + ["None"] * (wanted - got))
    fix = _with(case, argument, f"[{rest}]") + "  # if that is meant; or a loss for each"
    return _Disagreement(f"{says} There is no loss for {listed}, without a word.", fix, "warning")


def _one_target(case: _Case) -> _Disagreement | None:
    """One array for several outputs, which Keras 3 does not take."""
    count = case.given.outputs.count
    if count < 2 or not case.refused_at_once:
        return None
    says = f"The argument y is one array, and {case.outputs}. Keras 3 wants one for each."
    target = case.call.inputs[0].shape if case.call.inputs else None
    if target is not None and len(target) == 2 and target[-1] == count:
        parts = [f"y[:, {place}]" for place in range(count)]
    else:
        parts = ["y"] * count
    if case.given.outputs.form == "dict":
        names = case.given.names
        taken = _by_name(names, dict(zip(names, parts, strict=False)))
    else:
        taken = f"[{', '.join(parts)}]"
    return _Disagreement(says, compared_losses.fitted_to(case, taken))


def _no_targets(case: _Case) -> _Disagreement:
    model = "the model" if case.model is None else wording.layer(case.model)
    says = f"There are no targets, and the loss of {model} compares what it gives with some."
    fix = compared_losses.fitted_to(case, "y")
    return _Disagreement(says, f"{fix}  # a dataset or generator gives pairs: (x, y)")


# -- the remedy -------------------------------------------------------------------------------


def _with(case: _Case, argument: _Argument, code: str) -> str:
    """Code that gives the argument so."""
    if argument.is_of_compile:
        return compared_losses.compiled_with(case, f"{argument.name}={code}")
    if argument.name == "sample_weight":
        code = f"y, sample_weight={code}"
    return compared_losses.fitted_to(case, code)


def _by_name(names: tuple[str, ...], known: dict[str, str] | None = None) -> str:
    known = known or {}
    return (
        "{" + ", ".join(f"{remedies.text(name)}: {known.get(name, '...')}" for name in names) + "}"
    )


def _for_each(case: _Case, argument: _Argument) -> str:
    """Code that gives the argument one thing for each output."""
    names, count = case.given.names, case.given.outputs.count
    if case.given.outputs.form == "dict":
        return _with(case, argument, _by_name(names))
    order = f"  # in the order {_listed(names)}" if len(names) == count > 1 else ""
    return _with(case, argument, _in_order(count)) + order


def _in_order(count: int) -> str:
    return "..." if count == 1 else f"[{', '.join(['...'] * count)}]"


def _listed(names: Iterable[str]) -> str:
    return wording.listed(map(wording.quoted, names))


def _first(count: int, noun: str = "", plural: str = "") -> str:
    if count == 1:
        return f"the first {noun}".rstrip()
    return f"the first {count} {plural}".rstrip()


def _finding(case: _Case, argument: _Argument, found: _Disagreement) -> Finding:
    evidence = compared_losses.evidence(case.trace, case, of_compile=argument.is_of_compile)
    if found.hides:
        evidence["calls"] += [one.id for one in case.tried]
    return RULE.finding(found.says, fix=found.fix, severity=found.severity, **evidence)


RULE = Rule(
    code="BT705",
    title="targets, losses or weights that do not go with the outputs",
    severity="error",
    generations=BOTH,
    why="What a model has for each of its outputs is given by their order or by their names: in a "
    "functional model those of the layers that the outputs come from. Keras 3 compares the "
    "structures, and looks each key up (CompileLoss in trainers/compile_utils.py of keras 3.15). "
    "Keras 2 looks the keys up if the outputs are a list, and otherwise pairs off what it finds in "
    "order, as far as the shortest goes (LossesContainer in engine/compile_utils.py of tf_keras "
    "2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((20,))
size = keras.layers.Dense(1, name="size")(inputs)
kind = keras.layers.Dense(8, activation="softmax", name="kind")(inputs)
model = keras.Model(inputs, [size, kind])
model.compile("sgd", {"size": "mse", "kind": "sparse_categorical_crossentropy"})
x = np.zeros((10, 20), "float32")
model.fit(x, {"size": np.zeros(10), "kinds": np.arange(10) % 8}, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((20,))
size = keras.layers.Dense(1, name="size")(inputs)
kind = keras.layers.Dense(8, activation="softmax", name="kind")(inputs)
model = keras.Model(inputs, [size, kind])
model.compile("sgd", {"size": "mse", "kind": "sparse_categorical_crossentropy"})
x = np.zeros((10, 20), "float32")
model.fit(x, {"size": np.zeros(10), "kind": np.arange(10) % 8}, verbose=0)
""",
    check=_check,
    hides=("BT332", "BT601", "BT602", "BT701", "BT702", "BT703", "BT706"),
)
