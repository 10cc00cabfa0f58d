"""BT802 on files of another model, of a model that was changed, and of layers that are skipped."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both, run

CODE = "BT802"


def net(name, attribute, layer="keras.layers.Dense(4)", end=""):
    """A model that keeps a layer as an attribute."""
    return f"""
class {name}(keras.Model):
    def __init__(self):
        super().__init__()
        self.{attribute} = {layer}
        self.head = keras.layers.Dense(1)
{end}
    def call(self, x):
        return self.head(self.{attribute}(x))
"""


def stack(*units, names=""):
    """A Sequential of such Dense layers, as code."""
    layers = [
        f"keras.layers.Dense({n}{f', name={i!r}' if i else ''})"
        for n, i in zip(units, names or [""] * len(units), strict=True)
    ]
    return f"keras.Sequential([keras.Input((3,)), {', '.join(layers)}])"


def weights(old, new, options=""):
    """Weights of one model are loaded into another one."""
    return f"""
old = {old}
old(x)
old.save_weights("model.weights.h5")
model = {new}
model(x)
model.load_weights("model.weights.h5"{options})
"""


def older(old, new, options=""):
    """The same, of a file of the older kind."""
    return weights(old, new, options).replace("save_weights", "save").replace(".weights.h5", ".h5")


BLOCK = """
class Block(keras.layers.Layer):
    def __init__(self, attribute, **options):
        super().__init__(**options)
        self.attribute = attribute
        setattr(self, attribute, keras.layers.Dense(4))

    def build(self, input_shape):
        getattr(self, self.attribute).build(input_shape)
        super().build(input_shape)

    def call(self, x):
        return getattr(self, self.attribute)(x)
"""

PAIR = "[keras.layers.Dense(4), keras.layers.Dense(5)]"
OLD, NEW = net("Old", "encoder"), net("Net", "backbone")

RENAMED = {
    "an attribute of a model": OLD + NEW + weights("Old()", "Net()"),
    "an attribute that leads to a block": BLOCK
    + net("Old", "encoder", 'Block("dense")')
    + net("Net", "backbone", 'Block("dense")')
    + weights("Old()", "Net()"),
    "an attribute that is a list": (
        net("Old", "encoder", PAIR).replace(
            "self.encoder(x)", "self.encoder[1](self.encoder[0](x))"
        )
        + net("Net", "backbone", PAIR).replace(
            "self.backbone(x)", "self.backbone[1](self.backbone[0](x))"
        )
        + weights("Old()", "Net()")
    ),
}

IN_A_BLOCK = BLOCK + weights(
    'keras.Sequential([keras.Input((3,)), Block("encoder"), keras.layers.Dense(1)])',
    'keras.Sequential([keras.Input((3,)), Block("backbone"), keras.layers.Dense(1)])',
)

SIZES = {
    "of a layer": weights(stack(4, 1), stack(8, 1)),
    "in an older file": older(stack(4, 1), stack(8, 1)),
    "in an older file, by name": older(
        stack(4, 1, names="ab"), stack(8, 1, names="ab"), ", by_name=True"
    ),
}

NUMBERS = {
    "one more": (weights(stack(4, 1), stack(4, 4, 1)), "it has 2 layers with weights, the model 3"),
    "one fewer": (
        weights(stack(4, 4, 1), stack(4, 1)),
        "it has 3 layers with weights, the model 2",
    ),
    "one more than in an older file": (
        older(stack(4, 1), stack(4, 4, 1)),
        "it has 2 layers with weights, the model 3",
    ),
    "another attribute": (
        OLD
        + OLD.replace("Old", "Net")
        .replace("self.head(self.encoder(x))", "self.tail(self.head(self.encoder(x)))")
        .replace("self.head = ", "self.tail = keras.layers.Dense(1)\n        self.head = ")
        + weights("Old()", "Net()"),
        "from `tail/vars`, which is not in the file",
    ),
}

NOTHING = {
    "no name is the same": older(
        stack(4, 1, names="ab"), stack(4, 1, names="cd"), ", by_name=True"
    ),
    "no size is the same": weights(stack(4, 5), stack(6, 7), ", skip_mismatch=True"),
    "neither is skipped by name": older(
        stack(4, 5, names="ab"), stack(6, 7, names="ab"), ", by_name=True, skip_mismatch=True"
    ),
}

LITTLE = older(stack(4, 5, 6, 1, names="abcd"), stack(4, 7, 8, 2, names="axyz"), ", by_name=True")

WELL = {
    "all fits": weights(stack(4, 1), stack(4, 1)),
    "all fits in an older file": older(stack(4, 1), stack(4, 1)),
    "all fits by name": older(stack(4, 1, names="ab"), stack(4, 1, names="ab"), ", by_name=True"),
    "a new head, by name": older(
        stack(4, 5, 1, names="abc"), stack(4, 5, 3, names="abd"), ", by_name=True"
    ),
    "a new head, by size": weights(stack(4, 5, 1), stack(4, 5, 3), ", skip_mismatch=True"),
    "two of eight, which is all that the file has": older(
        stack(4, 5, names="ab"),
        stack(4, 5, 6, 7, 8, 9, 1, names="abcdefg"),
        ", by_name=True",
    ),
    "the script tries": OLD
    + NEW
    + weights("Old()", "Net()").replace(
        'model.load_weights("model.weights.h5")',
        'try:\n    model.load_weights("model.weights.h5")\nexcept ValueError:\n    pass',
    ),
}


def error(runner, generation, body):
    """What is said of a script that fails."""
    ran = run(runner, generation, body)
    assert ran.code == 1
    (finding,) = [f for f in ran.trace.findings if f.severity != "note"]
    assert (finding.code, finding.severity) == (CODE, "error")
    assert finding.caller.line == ran.line_of("model.load_weights(")
    return finding


@on("keras3")
@pytest.mark.parametrize("body", RENAMED.values(), ids=RENAMED)
def test_an_attribute_has_another_name(runner, generation, body):
    finding = error(runner, generation, body)
    assert "`backbone/" in finding.message
    assert "`encoder/" in finding.message
    assert "renamed" in finding.message
    again = body.replace(
        "        self.head = keras.layers.Dense(1)\n\n    def call(self, x):\n"
        "        return self.head(self.backbone",
        f"        self.head = keras.layers.Dense(1)\n        {finding.fix}\n\n"
        "    def call(self, x):\n        return self.head(self.backbone",
    )
    assert again != body
    same = "\nnp.testing.assert_array_equal(old(x), model(x))\n"
    saved = 'model.save_weights("again.weights.h5")\nmodel.load_weights("again.weights.h5")\n'
    assert run(runner, generation, again + same + saved + same).code == 0


@on("keras2")
@pytest.mark.parametrize("body", RENAMED.values(), ids=RENAMED)
def test_keras_2_finds_layers_of_models_by_their_place(runner, generation, body):
    assert run(runner, generation, body).code == 0
    assert alarms(runner, generation, body) == []


@on_both
def test_an_attribute_of_a_block_has_another_name(runner, generation):
    finding = error(runner, generation, IN_A_BLOCK)
    assert "`layers/block/encoder/vars`" in finding.message
    assert "self.encoder = " in finding.fix
    assert "Block" in finding.fix
    assert run(runner, generation, IN_A_BLOCK.replace('"backbone"', '"encoder"')).code == 0


@on_both
@pytest.mark.parametrize("body", SIZES.values(), ids=SIZES)
def test_a_layer_has_another_size(runner, generation, body):
    finding = error(runner, generation, body)
    assert "(3, 8) and (8,)" in finding.message
    assert "(3, 4) and (4,)" in finding.message
    assert finding.fix.startswith("keras.layers.Dense(4, ...)")
    assert run(runner, generation, body.replace("Dense(8", "Dense(4")).code == 0


@on_both
@pytest.mark.parametrize(("body", "said"), NUMBERS.values(), ids=NUMBERS)
def test_there_are_more_or_fewer_layers(runner, generation, body, said):
    finding = error(runner, generation, body)
    assert said in finding.message
    lines = finding.fix.splitlines()
    if loads := [line for line in lines if line.startswith(("model", "sequential", "net"))]:
        call = "model" + loads[0][loads[0].index(".") :].replace("path", '"model.weights.h5"')
        again = body.replace('model.load_weights("model.weights.h5")', call)
        assert again != body
        assert run(runner, generation, again).code == 0


@on_both
@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_nothing_is_loaded(runner, generation, body):
    (finding,) = findings(runner, generation, body, CODE)
    assert finding.severity == "warning"
    assert "gives values to none of 2 layers" in finding.message


@on_both
def test_names_are_others_and_all_else_fits(runner, generation):
    body = NOTHING["no name is the same"]
    (finding,) = findings(runner, generation, body, CODE)
    assert finding.fix.partition("  #")[0] == "sequential.load_weights(path)"
    again = body.replace(", by_name=True", "")
    assert again != body
    assert run(runner, generation, again).code == 0
    assert findings(runner, generation, again, CODE) == []


COUNTED = older(stack(4, 1), stack(4, 2), ", by_name=True, skip_mismatch=True")


@on_both
def test_names_that_keras_has_counted(runner, generation):
    """To make the model as it was would count on."""
    (finding,) = findings(runner, generation, COUNTED, CODE)
    assert "from `dense_2`, which is not in the file: Keras has made that name" in finding.message
    assert "as it was" not in finding.fix
    assert finding.fix.startswith('keras.layers.Dense(..., name="features")')
    assert "keras.backend.clear_session()" in finding.fix


@on_both
def test_the_count_starts_anew(runner, generation):
    body = COUNTED.replace("model = ", "keras.backend.clear_session()\nmodel = ")
    body += "np.testing.assert_array_equal(old.get_weights()[0], model.get_weights()[0])\n"
    ran = run(runner, generation, body)
    assert ran.code == 0
    assert [f for f in ran.trace.findings if f.code == CODE] == []


@on_both
def test_little_is_loaded(runner, generation):
    (finding,) = findings(runner, generation, LITTLE, CODE)
    assert finding.severity == "note"
    assert "gives values to 1 of 4 layers" in finding.message


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_was_meant_so(runner, generation, body):
    assert run(runner, generation, body).code == 0
    assert findings(runner, generation, body, CODE) == []
