"""BT210 on real models: flags that `fit` does not see, and those that it does."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import HEAD, findings, on, on_both, run

START = """
y = np.ones((2, 1), "float32")
def fit(model, **more):
    model.fit(x, y, verbose=0, **more)
def make(frozen=False, **more):
    base = keras.layers.Dense(4, name="base", trainable=not frozen)
    model = keras.Sequential([keras.Input((3,)), base, keras.layers.Dense(1, name="head")])
    model.compile("sgd", "mse", **more)
    return model, base
"""

FORMS = {
    "unfrozen": "model, base = make(frozen=True)\nfit(model)\nbase.trainable = True\nfit(model)\n",
    "the whole model, but its head": "model, base = make()\nfit(model)\n"
    "model.trainable = False\nmodel.layers[-1].trainable = True\nmodel.trainable = True\n"
    "base.trainable = False\nfit(model, epochs=2)\n",
    "a model in the model": """
base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="base")])
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(1)(base(inputs)))
model.compile("adam", "mse")
fit(model)
base.trainable = False
fit(model)
""",
    "a model of the user's": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.base, self.head = keras.layers.Dense(4, name="base"), keras.layers.Dense(1)

    def call(self, x):
        return self.head(self.base(x))

model = Net()
model.compile("adam", "mse")
fit(model)
model.base.trainable = False
fit(model)
""",
    "frozen, trained, unfrozen": """
model, base = make()
fit(model)
base.trainable = False
model.compile("sgd", "mse")
fit(model)
base.trainable = True
fit(model)
""",
}

WELL = {
    "compiled again": """
model, base = make()
fit(model)
base.trainable = False
model.compile("sgd", "mse")
fit(model)
""",
    "compiled again from its own settings": """
model, base = make()
fit(model)
base.trainable = False
model.compile_from_config(model.get_compile_config())
before = base.get_weights()[0]
fit(model)
assert np.array_equal(before, base.get_weights()[0])
""",
    "set back before the fit": """
model, base = make()
fit(model)
base.trainable = False
model.summary()
base.trainable = True
fit(model)
""",
    "not trained afterwards": "model, base = make()\nfit(model)\nbase.trainable = False\n"
    "model.evaluate(x, y, verbose=0)\nmodel.predict(x, verbose=0)\n",
    "frozen for another model, as in a GAN": """
critic, _ = make()
noise = keras.Input((3,))
maker = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
fit(critic)
critic.trainable = False
both = keras.Model(noise, critic(maker(noise)))
both.compile("sgd", "mse")
for _ in range(2):
    fit(critic)
    fit(both)
""",
    "a layer without weights": """
drop = keras.layers.Dropout(0.5)
model = keras.Sequential([keras.Input((3,)), drop, keras.layers.Dense(1)])
model.compile("sgd", "mse")
fit(model)
drop.trainable = False
fit(model)
""",
    "failed of something else": """
model, base = make()
fit(model)
base.trainable = False
try:
    model.fit(x, np.ones((7, 1)), verbose=0)
except Exception:
    pass
""",
}


@on_both
@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_what_a_fit_does_not_see_is_found(runner, generation, body):
    ran = run(runner, generation, START + body.replace("fit(model", "model.fit(x, y, verbose=0"))
    (finding,) = ran.trace.findings
    assert finding.code == "BT210"
    assert finding.caller.line == len((HEAD + START + body).splitlines())
    assert "'base' (Dense)" in finding.message
    assert "'head'" not in finding.message


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    ran = run(runner, generation, START + body)
    assert ran.code == 0, ran.output
    assert [f.code for f in ran.trace.findings if f.code == "BT210"] == []


@on_both
def test_frozen_and_freed_are_told_apart(runner, generation):
    frozen = "model, base = make()\nfit(model)\nbase.trainable = False\nfit(model)\n"
    (finding,) = findings(runner, generation, START + frozen, "BT210")
    assert "goes on training 'base' (Dense), frozen after" in finding.message
    (finding,) = findings(runner, generation, START + FORMS["unfrozen"], "BT210")
    assert "does not train 'base' (Dense), made trainable after" in finding.message


FIRST = "model, base = make()\nbase.trainable = False\nfit(model)\n"


@on("keras2")
def test_keras_2_trains_what_was_trainable_at_compile(runner, generation):
    """Before the first `fit` as well, and without a compiled step."""
    assert findings(runner, generation, START + FIRST, "BT210")
    eager = FIRST.replace("make()", "make(run_eagerly=True)")
    assert findings(runner, generation, START + eager, "BT210")


@on("keras3")
def test_keras_3_reads_the_flags_in_the_first_fit(runner, generation):
    assert findings(runner, generation, START + FIRST, "BT210") == []


@on("keras3")
def test_a_step_that_is_not_compiled_sees_what_was_frozen(runner, generation):
    eager = "model, base = make(run_eagerly=True)\nfit(model)\nbase.trainable = False\nfit(model)\n"
    assert findings(runner, generation, START + eager, "BT210") == []


@on("keras3")
def test_a_step_that_is_not_compiled_cannot_train_what_was_unfrozen(runner, generation):
    body = FORMS["unfrozen"].replace("frozen=True", "frozen=True, run_eagerly=True")
    ran = run(runner, generation, START + body)
    (finding,) = ran.trace.findings
    assert finding.code == "BT210"
    assert "fails: `trainable` of 'base' (Dense) was changed" in finding.message


@on_both
def test_what_is_trained_is_what_was_found(runner, generation):
    """The premise, on Keras itself: the frozen layer's weights change."""
    body = (
        START
        + """
model, base = make()
fit(model)
base.trainable = False
before = base.get_weights()[0]
fit(model)
assert not np.array_equal(before, base.get_weights()[0])
"""
    )
    ran = run(runner, generation, body)
    assert ran.code == 0, ran.output
    assert [finding.code for finding in ran.trace.findings] == ["BT210"]
