"""BT214 on real models: layers that only a Lambda knows, and others that it may call."""

from __future__ import annotations

from diagnosis.rules.running import findings, on_both, run

HIDDEN = """
dense = keras.layers.Dense(4)
inner = keras.Sequential([keras.layers.Dense(4)])
def double(t):
    return 2 * dense(t)
def block(t):
    t = keras.layers.Dense(2)(t)  # made
    return keras.layers.Dense(2)(t)
i = keras.Input((3,))
model = keras.Model(i, keras.layers.Lambda(double)(i))
keras.layers.Lambda(block)(i)
keras.layers.Lambda(lambda t: inner(t))(i)
"""

LEGAL = """
dense, flatten = keras.layers.Dense(3), keras.layers.Flatten()
teacher = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
i = keras.Input((3,))
h = dense(i)
h = keras.layers.Lambda(lambda t: flatten(dense(t)))(h)
model = keras.Model(i, keras.layers.Lambda(lambda t: t - teacher(t))(h))
"""


@on_both
def test_layers_that_only_lambdas_call(runner, generation):
    ran = run(runner, generation, HIDDEN)
    found = [finding for finding in ran.trace.findings if finding.code == "BT214"]
    lines = [ran.line_of(text) for text in ("2 * dense(t)", "# made", "lambda t: inner(t)")]
    if generation == "keras2":  # which ends at the first
        assert "so Keras refuses them" in found[0].message
        lines = lines[:1]
    else:
        assert "'dense_2' (Dense) and 'dense_3' (Dense)" in found[1].message
        assert "'sequential' (Sequential)" in found[2].message
    assert [finding.caller.line for finding in found] == lines
    assert "2 weights (16 parameters) are in no model" in found[0].message
    assert {finding.severity for finding in found} == {"error"}


@on_both
def test_layers_of_the_model_teachers_and_what_has_no_weights(runner, generation):
    assert findings(runner, generation, LEGAL, "BT214") == []
