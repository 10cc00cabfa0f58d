"""BT804 on names that loading does not find, and on those that it is told."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

CODE = "BT804"

CAPPED = """
def capped(x):
    return tf.minimum(x, 6.0)
"""
LAYER = """
class Mine(keras.layers.Layer):
    def call(self, x):
        return x + 1.0
"""
LOSS = """
def far(target, output):
    return tf.reduce_mean(tf.abs(target - output))
"""
MODEL = """
model = keras.Sequential([keras.Input((3,)), {layer}])
"""
CAPS = CAPPED + MODEL.format(layer="keras.layers.Dense(4, activation=capped)")
SAVED = 'model.save("m.keras")\n'
LOAD = 'again = keras.models.load_model("m.keras")'

MISSING = {
    "an activation": (CAPS + SAVED + LOAD, "capped"),
    "a layer": (LAYER + MODEL.format(layer="Mine()") + SAVED + LOAD, "Mine"),
    "a text": (CAPS + "again = keras.models.model_from_json(model.to_json())", "capped"),
    "a config": (CAPS + "again = keras.Sequential.from_config(model.get_config())", "capped"),
    "a loss": (
        LOSS
        + MODEL.format(layer="keras.layers.Dense(1)")
        + 'model.compile("sgd", far)\n'
        + SAVED
        + LOAD,
        "far",
    ),
    "under another name": (
        CAPS + SAVED + LOAD.replace('"m.keras"', '"m.keras", custom_objects={"cap": capped}'),
        "capped",
    ),
}

COMES = {
    "an activation": LOAD.replace('")', '", custom_objects={"capped": capped})'),
    "under another name": LOAD.replace(
        '")', '", custom_objects={**({"cap": capped}), "capped": capped})'
    ),
}


def _start(name):
    """What the definition of this name begins with."""
    return f"class {name}(" if name[0].isupper() else f"def {name}("


@on_both
@pytest.mark.parametrize(("body", "name"), MISSING.values(), ids=MISSING)
def test_a_name_of_the_users(runner, generation, body, name):
    ran = run(runner, generation, body)
    assert ran.code == 1
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert f"'{name}' is named there" in first.message
    assert f"defined at model.py:{ran.line_of(_start(name))}," in first.message
    assert first.caller.line == len(ran.source.splitlines())
    assert f'custom_objects={{"{name}": {name}}}' in first.fix


@on_both
@pytest.mark.parametrize("kind", COMES)
def test_the_name_is_handed_over(runner, generation, kind):
    assert lines_that_come(run(runner, generation, MISSING[kind][0]), CODE) == [COMES[kind]]


@on_both
def test_what_it_would_fail_of_next_is_handed_over_as_well(runner, generation):
    body = LAYER + CAPPED + LOSS + MODEL.format(layer="Mine(), keras.layers.Dense(4, capped)")
    body += 'model.compile("sgd", far)\n' + SAVED + LOAD
    (line,) = lines_that_come(run(runner, generation, body), CODE)
    assert '"Mine": Mine' in line
    assert '"far": far' in line


@on_both
def test_a_function_that_another_one_makes(runner, generation):
    body = """
def cap(most):
    def inner(x):
        return tf.minimum(x, most)
    return inner
""" + MODEL.format(layer="keras.layers.Dense(4, activation=cap(6.0))")
    (finding,) = findings(runner, generation, body + SAVED + LOAD, CODE)
    assert "made in `cap`" in finding.message
    assert 'custom_objects={"inner": cap(...)}' in finding.fix
    assert finding.edits == ()


@on_both
def test_a_clone_takes_no_names(runner, generation):
    (finding,) = findings(runner, generation, CAPS + "keras.models.clone_model(model)", CODE)
    assert finding.fix.startswith('with keras.utils.custom_object_scope({"capped": capped}):')
    assert finding.edits == ()


@on("keras2")
def test_an_older_file(runner, generation):
    body, name = MISSING["a loss"]
    (finding,) = findings(runner, generation, body.replace("m.keras", "m.h5"), CODE)
    assert f"the loss function '{name}'" in finding.message


@on("keras3")
def test_an_older_file_whose_loss_is_taken_apart(runner, generation):
    """Keras 3 says nothing of a name there."""
    body, name = MISSING["a loss"]
    ran = run(runner, generation, body.replace("m.keras", "m.h5"))
    assert "string indices" in ran.trace.error.message
    (finding,) = [f for f in ran.trace.findings if f.code == CODE]
    assert f"the function '{name}' is named there" in finding.message
    assert lines_that_come(ran, CODE) == [
        'again = keras.models.load_model("m.h5", custom_objects={"far": far})'
    ]


KNOWN = {
    "handed over": CAPS + SAVED + LOAD.replace('s")', 's", custom_objects={"capped": capped})'),
    "registered": CAPS.replace(
        "def capped", "@keras.utils.register_keras_serializable()\ndef capped"
    )
    + SAVED
    + LOAD,
    "caught": CAPS
    + SAVED
    + f"try:\n    {LOAD}\nexcept Exception:\n"
    + "    "
    + LOAD.replace('s")', 's", custom_objects={"capped": capped})'),
}


@on_both
@pytest.mark.parametrize("body", KNOWN.values(), ids=KNOWN)
def test_a_name_that_is_told(runner, generation, body):
    assert findings(runner, generation, body, CODE) == []


@on_both
def test_a_name_that_the_program_does_not_have(runner, generation):
    """It may be one of Keras' own of another version: that is the matter of other rules."""
    body = CAPS + 'text = model.to_json().replace("capped", "other")\n'
    assert findings(runner, generation, body + "keras.models.model_from_json(text)", CODE) == []
