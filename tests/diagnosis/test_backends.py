"""The rules about losses on each installed backend, in a fit and in a dry one.

What was recorded of their scripts was run on TensorFlow. Here they run in this process, on what is
installed: noxfile.py has rows for JAX and Torch.
"""

from __future__ import annotations

import contextlib

import pytest
from trainings import NAMES_OUTPUTS

from buildtrace.capture import Tracing, TrainingReached, dry_fits
from buildtrace.diagnosis import all_rules
from diagnosis import fitted
from diagnosis.examples import reported
from diagnosis.rules.running import HEAD
from diagnosis.rules.test_output_arguments import fitted as with_outputs
from diagnosis.rules.test_target_beyond import fitted as to_classes
from diagnosis.rules.test_target_shape import fitted as to_numbers

RULES = [rule for rule in all_rules() if rule.topic == "losses"]
DRY = pytest.mark.parametrize("dry", [False, True], ids=["fit", "dry"])
IMPORTS = ("import tensorflow as tf\n", "from tensorflow import keras\n")

FORMS = {
    "a loss without its output": (
        "BT705",
        with_outputs(
            "[sizes, kinds]", '{"size": "mse", "sort": "sparse_categorical_crossentropy"}'
        ),
    ),
    "a target too many": ("BT705", with_outputs("[sizes, kinds, kinds]")),
    "targets without their output": ("BT705", with_outputs('{"size": sizes, "sort": kinds}')),
    "more classes than units": ("BT706", to_classes("[0, 7]")),
    "no class": ("BT706", to_classes("[-1, 3]")),
    "a column for three": ("BT702", to_numbers(3, "np.ones((2, 1))")),
    "two for three": ("BT702", to_numbers(3, "np.ones((2, 2))")),
}


def run(k, path, source, *, dry):
    """What is traced of a script, here and now."""
    for line in IMPORTS:
        source = source.replace(line, "\n")  # each stays at its line
    if not k.tensorflow and "tf." in source:
        pytest.skip("written for TensorFlow")
    path.write_text(source)
    names = {"keras": k.keras, "__name__": "__main__"}
    if k.tensorflow:
        names["tf"] = pytest.importorskip("tensorflow")
    tracing = Tracing()
    policy = k.keras.mixed_precision
    before = policy.global_policy() if k.generation == 2 else policy.dtype_policy()
    with dry_fits() if dry else contextlib.nullcontext():
        tracing.start()
        try:
            exec(compile(source, str(path), "exec"), names)
        except TrainingReached:
            pass
        except Exception as error:
            tracing.ended_by(error)
        finally:
            tracing.stop()
            (policy.set_global_policy if k.generation == 2 else policy.set_dtype_policy)(before)
    return tracing.trace


def may_be_silent(k, rule, *, dry):
    """JAX refuses no class number, and a real fit's data is not looked at.

    Older versions of Keras 3 pair off targets by the order of their keys, and say nothing.
    """
    if rule == "BT705" and k.generation == 3 and k.version < NAMES_OUTPUTS:
        return True
    return rule == "BT706" and not dry and k.keras.backend.backend() == "jax"


PLACES = {
    **dict.fromkeys(("BT703", "BT707", "BT709"), "model.compile("),
    "BT708": "stop = ",
    "BT710": "word = ",
    "BT711": "gradients = ",
}
"""Rule → how the line begins that is to be looked at first, if not the one that trains."""


@pytest.mark.sampled(3)
@DRY
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_bad_example_is_found(k, rule, dry, tmp_path):
    trace = run(k, tmp_path / "model.py", rule.bad, dry=dry)
    if may_be_silent(k, rule.code, dry=dry) and not reported(trace):
        return
    assert trace.findings
    first = trace.findings[0]
    assert first.code == rule.code, reported(trace)
    assert first.caller is not None
    line = rule.bad.splitlines()[first.caller.line - 1]
    assert line.strip().startswith(PLACES.get(rule.code, "model.fit("))


@pytest.mark.sampled(3)
@DRY
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_good_example_is_well(k, rule, dry, tmp_path):
    assert reported(run(k, tmp_path / "model.py", rule.good, dry=dry)) == []


@pytest.mark.sampled(3)
@DRY
@pytest.mark.parametrize(("code", "body"), FORMS.values(), ids=FORMS)
def test_other_forms_are_found(k, code, body, dry, tmp_path):
    trace = run(k, tmp_path / "model.py", HEAD + body, dry=dry)
    codes = [finding.code for finding in trace.findings]
    assert codes == [code] or (codes == [] and may_be_silent(k, code, dry=dry))


@pytest.mark.sampled(5)
@DRY
@pytest.mark.parametrize("name", fitted.SCRIPTS)
def test_nothing_is_reported_of_a_sound_training(k, name, dry, tmp_path):
    if k.keras.backend.backend() == "torch" and "image" in name:
        pytest.skip("Torch fails at its gradient, untraced as well: grad_input must be contiguous")
    trace = run(k, tmp_path / "model.py", HEAD + fitted.SCRIPTS[name], dry=dry)
    assert trace.error is None
    assert any(call.loss for call in trace.calls) or "train_step" in fitted.SCRIPTS[name]
    assert reported(trace) == []


def test_data_is_looked_at_in_a_dry_fit_only(k, tmp_path):
    for dry in (False, True):
        trace = run(k, tmp_path / "model.py", HEAD + to_classes("[0, 3]"), dry=dry)
        bounds = {call.loss.bounds for call in trace.calls if call.loss}
        assert bounds == ({(0, 3)} if dry else {None})
