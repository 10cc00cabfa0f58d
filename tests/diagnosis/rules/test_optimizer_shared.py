"""BT207 on real models: one optimizer for other weights than its own, and what goes well."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

START = """
y = np.ones((2, 1), "float32")
def make():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
optimizer = keras.optimizers.Adam()
first, second = make(), make()
first.compile(optimizer, "mse")
first.fit(x, y, verbose=0)
"""

WELL = {
    "compiled, not trained": 'second.compile(optimizer, "mse")\n',
    "one of its own": 'second.compile("adam", "mse")\nsecond.fit(x, y, verbose=0)\n',
    "compiled again": 'first.compile(optimizer, "mse")\nfirst.fit(x, y, verbose=0)\n',
    "of the same weights": "second = keras.Sequential([keras.Input((3,)), *first.layers])\n"
    'second.compile(optimizer, "mse")\nsecond.fit(x, y, verbose=0)\n',
    "refused, but not shared": "optimizer.apply_gradients([(tf.ones((3, 1)), second.weights[0])])",
}


@on_both
def test_the_second_model_is_named(runner, generation):
    body = START + 'second.compile(optimizer, "mse")\nsecond.fit(x, y, verbose=0)\n'
    (finding,) = findings(runner, generation, body, "BT207")
    assert "'sequential' (Sequential) and to 'sequential_1' (Sequential)" in finding.message
    assert finding.fix.startswith("sequential_1.compile(keras.optimizers.Adam(")


@on_both
@pytest.mark.parametrize("end", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, end):
    assert findings(runner, generation, START + end, "BT207") == []


ONE_MODEL = {
    "unfrozen": """
base = keras.layers.Dense(4, name="base", trainable=False)
model = keras.Sequential([keras.Input((3,)), base, keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x, y, verbose=0)
base.trainable = True
model.compile(model.optimizer, "mse")  # here
model.fit(x, y, verbose=0)
""",
    "a layer more": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(optimizer, "mse")
model.fit(x, y, verbose=0)
model.add(keras.layers.Dense(1, name="base"))
model.compile(optimizer, "mse")  # here
model.fit(x, y, verbose=0)
""",
    "another layer": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
optimizer = keras.optimizers.SGD()
model.compile(optimizer, "mse")
model.fit(x, y, verbose=0)
model.pop()
model.add(keras.layers.Dense(1, name="base"))
model.compile(optimizer, "mse")  # here
model.fit(x, y, verbose=0)
""",
    "built by hand": """
model = keras.Sequential(
    [keras.Input((3,)), keras.layers.Dense(4, name="base"), keras.layers.Dense(1)]
)
optimizer.build(model.layers[-1].trainable_variables)
model.compile(optimizer, "mse")  # here
model.fit(x, y, verbose=0)
""",
}

ONE_MODEL_WELL = {
    "frozen": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile(optimizer, "mse")
model.fit(x, y, verbose=0)
model.layers[0].trainable = False
model.compile(optimizer, "mse")
model.fit(x, y, verbose=0)
""",
    "built by hand for all": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
optimizer.build(model.trainable_variables)
model.compile(optimizer, "mse")
model.fit(x, y, verbose=0)
""",
    "a new one": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(optimizer, "mse")
model.fit(x, y, verbose=0)
model.add(keras.layers.Dense(1))
model.compile(keras.optimizers.Adam(), "mse")
model.fit(x, y, verbose=0)
""",
}

ALONE = """
y = np.ones((2, 1), "float32")
optimizer = keras.optimizers.Adam()
"""


@on_both
@pytest.mark.parametrize("body", ONE_MODEL.values(), ids=ONE_MODEL)
def test_an_optimizer_built_too_early(runner, generation, body):
    ran = run(runner, generation, ALONE + body)
    (finding,) = [f for f in ran.trace.findings if f.severity != "note"]
    assert finding.code == "BT207"
    assert finding.caller.line == ran.line_of("# here")
    assert "of 'base' (Dense), which was " in finding.message
    assert finding.fix.startswith("sequential.compile(keras.optimizers.")


@on_both
@pytest.mark.parametrize("body", ONE_MODEL_WELL.values(), ids=ONE_MODEL_WELL)
def test_an_optimizer_that_knows_the_weights(runner, generation, body):
    ran = run(runner, generation, ALONE + body)
    assert ran.code == 0, ran.output
    assert [f.code for f in ran.trace.findings if f.code == "BT207"] == []
