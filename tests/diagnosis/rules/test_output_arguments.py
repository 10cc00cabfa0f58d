"""BT705 on real models: keys and numbers that do not go with the outputs, and those that do."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both

START = """
sizes, kinds = np.ones((2, 1)), np.array([0, 3])
inputs = keras.Input((3,))
size = keras.layers.Dense(1, name="size")(inputs)
kind = keras.layers.Dense(4, activation="softmax", name="kind")(inputs)
"""
LOSSES = '{"size": "mse", "kind": "sparse_categorical_crossentropy"}'
IN_ORDER = '["mse", "sparse_categorical_crossentropy"]'
BY_NAME = '{"size": sizes, "kind": kinds}'
LIST = "[size, kind]"
DICT = '{"size": size, "kind": kind}'


def fitted(targets, losses=LOSSES, more="", outputs=LIST, weights=""):
    return f"""{START}
model = keras.Model(inputs, {outputs}, name="net")
model.compile("sgd", {losses}{weights})
model.fit(x, {targets}, verbose=0{more})
"""


def found(runner, generation, body):
    """The one finding, and the script's line that it is at."""
    (finding,) = findings(runner, generation, body, "BT705")
    ran_lines = body.splitlines()
    assert finding.caller is not None
    return finding, ran_lines[finding.caller.line - 1 - 5]  # behind the five lines of the head


@on_both
@pytest.mark.parametrize("outputs", [LIST, DICT])
def test_a_key_of_the_targets_that_is_no_output(runner, generation, outputs):
    body = fitted('{"size": sizes, "kinds": kinds}', outputs=outputs)
    finding, line = found(runner, generation, body)
    assert "'kinds'" in finding.message
    assert "'net' (Functional) has the outputs" in finding.message
    assert "'kinds' for 'kind'" in finding.message
    assert '"kind": y["kinds"]' in finding.fix
    assert line.startswith("model.fit(")
    assert finding.severity == "error"


@on_both
def test_a_key_too_many(runner, generation):
    body = fitted('{"size": sizes, "kind": kinds, "colour": kinds}')
    finding, _ = found(runner, generation, body)
    assert "names 'colour'" in finding.message
    assert "seems" not in finding.message
    assert finding.fix == 'net.fit(x, {"size": y["size"], "kind": y["kind"]})'


@on_both
@pytest.mark.parametrize("outputs", [LIST, DICT])
def test_a_key_of_the_losses_that_is_no_output(runner, generation, outputs):
    losses = '{"size": "mse", "kinds": "sparse_categorical_crossentropy"}'
    finding, line = found(runner, generation, fitted(BY_NAME, losses, outputs=outputs))
    assert "The argument loss names 'kinds'" in finding.message
    assert finding.fix.startswith("net.compile(..., loss={")
    assert line.startswith("model.compile(")


@on_both
@pytest.mark.parametrize("outputs", [LIST, DICT])
def test_a_key_of_the_weights_that_is_no_output(runner, generation, outputs):
    weights = ', loss_weights={"size": 1.0, "kinds": 2.0}'
    finding, line = found(runner, generation, fitted(BY_NAME, outputs=outputs, weights=weights))
    assert "The argument loss_weights names 'kinds'" in finding.message
    assert line.startswith("model.compile(")


@on_both
def test_an_output_without_a_target(runner, generation):
    finding, _ = found(runner, generation, fitted('{"size": sizes}'))
    assert "y has nothing for 'kind'" in finding.message
    # Keras 2 goes on without that loss.
    assert finding.severity == ("warning" if generation == "keras2" else "error")


@on_both
@pytest.mark.parametrize("targets", ["[sizes]", "[sizes, kinds, kinds]"])
def test_a_list_of_targets_of_another_length(runner, generation, targets):
    finding, line = found(runner, generation, fitted(targets, IN_ORDER))
    assert f"y is a list of {targets.count(',') + 1}, and" in finding.message
    assert finding.fix == "net.fit(x, [..., ...])  # in the order 'size' and 'kind'"
    assert line.startswith("model.fit(")


@on_both
def test_fewer_losses_than_outputs(runner, generation):
    finding, _ = found(runner, generation, fitted("[sizes, kinds]", '["mse"]'))
    assert "There is no loss for 'kind'" in finding.message
    assert finding.severity == "warning"
    assert finding.fix.startswith("net.compile(..., loss=[..., None])")


@on_both
def test_fewer_weights_than_outputs(runner, generation):
    body = fitted("[sizes, kinds]", IN_ORDER, weights=", loss_weights=[1.0]")
    finding, line = found(runner, generation, body)
    assert "loss_weights is a list of 1" in finding.message
    assert finding.severity == "error"
    assert line.startswith("model.compile(")


@on("keras3")
def test_one_array_for_two_outputs(runner, generation):
    body = fitted("np.ones((2, 2))", '"mse"')
    finding, _ = found(runner, generation, body)
    assert finding.fix == "net.fit(x, [y[:, 0], y[:, 1]])"
    body = fitted("sizes", '"mse"', outputs=DICT)
    finding, _ = found(runner, generation, body)
    assert finding.fix == 'net.fit(x, {"kind": y, "size": y})'


@on("keras3")
@pytest.mark.parametrize("losses", [LOSSES, '"mse"'])
def test_no_targets(runner, generation, losses):
    finding, _ = found(runner, generation, fitted("None", losses))
    assert "There are no targets" in finding.message
    assert finding.fix.startswith("net.fit(x, y)")


@on("keras3")
def test_losses_and_weights_that_keras_2_would_fill_in(runner, generation):
    finding, _ = found(runner, generation, fitted("[sizes, kinds]", '{"size": "mse"}'))
    assert '"kind": None' in finding.fix
    body = fitted(BY_NAME, weights=', loss_weights={"size": 2.0}')
    finding, _ = found(runner, generation, body)
    assert '"kind": 1.0' in finding.fix


@on("keras3")
@pytest.mark.parametrize(
    ("losses", "targets", "fix"),
    [
        ('{"size": "mse"}', "sizes", 'net.compile(..., loss=loss["size"])'),
        ('"mse"', '{"size": sizes}', 'net.fit(x, y["size"])'),
    ],
)
def test_a_dict_for_a_model_with_one_output(runner, generation, losses, targets, fix):
    body = fitted(targets, losses, outputs="size")
    body = body.replace("model = keras.Model(inputs, size, ", "model = keras.Sequential(LAYERS, ")
    layers = 'LAYERS = [keras.Input((3,)), keras.layers.Dense(1, name="size")]\n'
    finding, _ = found(runner, generation, layers + body)
    assert finding.fix == fix


@on("keras2")
def test_two_targets_for_one_output(runner, generation):
    """Keras 2 takes the first, without a word."""
    body = fitted("[sizes, sizes]", '"mse"', outputs="size")
    finding, _ = found(runner, generation, body)
    assert "takes the first, and does not look at the rest" in finding.message


@on("keras2")
def test_weights_of_samples_for_another_output(runner, generation):
    more = ', sample_weight={"size": np.ones(2), "kinds": np.ones(2)}'
    finding, _ = found(runner, generation, fitted(BY_NAME, more=more, outputs=DICT))
    assert "The argument sample_weight names 'kinds'" in finding.message


WELL = {
    "by name": fitted(BY_NAME),
    "by name, outputs too": fitted(BY_NAME, outputs=DICT),
    "in order": fitted("[sizes, kinds]", IN_ORDER),
    "in a tuple": fitted("(sizes, kinds)", IN_ORDER),
    "no loss for one": fitted(BY_NAME, '{"size": "mse"}', outputs=DICT),
    "None for one": fitted("[sizes, kinds]", '["mse", None]'),
    "weights": fitted(BY_NAME, weights=', loss_weights={"size": 1.0, "kind": 0.5}'),
    "weights in order": fitted("[sizes, kinds]", IN_ORDER, weights=", loss_weights=[1.0, 0.5]"),
    "one output, a list of one": fitted("[sizes]", '["mse"]', outputs="size"),
    "one output, by name": fitted("sizes", '{"size": "mse"}', outputs="size"),
    "keys that are no names of layers": fitted(
        '{"a": sizes, "b": kinds}',
        '{"b": "sparse_categorical_crossentropy", "a": "mse"}',
        outputs='{"b": kind, "a": size}',
    ),
    "shapes that do not fit": fitted("np.ones((2, 5))", '"mse"', outputs="kind"),
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT705") == []


@on("keras2")
def test_one_array_for_all_outputs_is_legal(runner, generation):
    body = fitted("kinds", '"sparse_categorical_crossentropy"', outputs="[kind, kind]")
    assert findings(runner, generation, body, "BT705") == []


@on_both
def test_each_output_has_its_own_activation(runner, generation):
    """Whatever order the losses are in."""
    for outputs in (LIST, DICT, '{"b": kind, "a": size}'):
        losses, targets = LOSSES, BY_NAME
        if "a" in outputs.split('"'):
            losses = '{"b": "sparse_categorical_crossentropy", "a": "mse"}'
            targets = '{"a": sizes, "b": kinds}'
        assert findings(runner, generation, fitted(targets, losses, outputs=outputs), "BT703") == []
