"""BT507 on methods and attributes that are gone, and on others of the same names."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both, run

CODE = "BT507"

MAKE = """
inputs = keras.Input((3,))
layer = keras.layers.Dense(2)
model = keras.Model(inputs, layer(inputs))
optimizer = keras.optimizers.SGD(0.1)
"""

GONE = {
    "reset_states of a model": ("model.reset_states()", "reset_states", "layer.reset_states()"),
    "reset_states of a metric": (
        "keras.metrics.Mean().reset_states()",
        "reset_states",
        "metric.reset_state()",
    ),
    "a loss for a functional model": ("model.add_loss(lambda: 1.0)", "add_loss", "self.add_loss("),
    "lr": ("print(optimizer.lr)", "lr", "optimizer.learning_rate"),
    "variables": ("optimizer.variables()", "variables()", "optimizer.variables"),
    "minimize": ("optimizer.minimize(lambda: 1.0, [])", "minimize", "GradientTape"),
    "get_shape": ("inputs.get_shape()", "get_shape", "x.shape"),
    "as_list": ("inputs.shape.as_list()", "as_list", "list(x.shape)"),
    "a dtype's name": ("inputs.dtype.name", "name", "str(x.dtype)"),
    "a node": ("layer._inbound_nodes[0].inbound_layers", "inbound_layers", "parent_nodes"),
    "updates": ("model.updates", "updates", "leave it out"),
    "an update": (
        "class Mine(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        self.add_update(x)\n"
        "        return x\n\n"
        "Mine()(x)",
        "add_update",
        "variable.assign(value)",
    ),
}

WELL = {
    "a slip of the pen": MAKE + "model.fitt(x)",
    "an own class": "class Own:\n    pass\n\nOwn().lr",
    "caught": MAKE + "try:\n    model.fit_generator(x)\nexcept Exception:\n    pass",
}


@on("keras3")
@pytest.mark.parametrize(("body", "name", "instead"), GONE.values(), ids=GONE)
def test_what_keras_3_does_not_have(runner, generation, body, name, instead):
    ran = run(runner, generation, MAKE + body)
    assert ran.code == 1
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert name in first.message
    assert instead in first.fix
    assert name.removesuffix("()") in ran.source.splitlines()[first.caller.line - 1]


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_another_matter(runner, generation, body):
    assert findings(runner, generation, body, CODE) == []
