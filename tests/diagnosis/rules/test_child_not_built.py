"""BT103, on traces made by hand and on real layers."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording, chain, spec

from diagnosis.hand import error, line, said, state, use
from diagnosis.rules.running import findings, on_both

BUILT = {"built": (False, True)}
FAILED = "Layer 'dense_1' expected 0 variables, but received 2 variables during loading."


class Net:
    """A model whose `build` builds its block, whose `build` forgets a layer that `call` uses."""

    def __init__(self, generation="keras3", in_build=False, weights=True):
        r = self.r = Recording(generation)
        self.net, self.block = r.layer("net", "Net"), r.layer("block", "Block")
        self.dense = r.layer("dense", "Dense")
        with r.call("Layer.__call__", self.net, [spec(2, 3)]):
            with (
                r.call("Net.build", self.net, [spec(2, 3)], changes=BUILT),
                r.call("Block.build", self.block, [spec(2, 3)], changes=BUILT),
            ):
                r.add_weight(self.block, "scale", (1,))
                if in_build:
                    self._dense(weights)
            with r.call("Layer.__call__", self.block, [spec(2, 3)]):
                if not in_build:
                    self._dense(weights)

    def _dense(self, weights):
        with (
            self.r.call("Layer.__call__", self.dense, [spec(2, 3)], caller=line(17)),
            self.r.call("Dense.build", self.dense, [spec(2, 3)], changes=BUILT, caller=line(17)),
        ):
            if weights:
                self.r.add_weight(self.dense, "kernel", (3, 4))

    def said(self, *uses, net=("input_shape",), block=("input_shape",), saved=True):
        given = [use("Model.save", self.r, self.net)] if saved else []
        states = [
            state(self.net, 0, [self.block], number=20, **({"build": net} if net else {})),
            state(self.block, 0, [self.dense], number=10, **({"build": block} if block else {})),
        ]
        return said("BT103", self.r, states, [*given, *uses])


def loading(net, text=FAILED):
    return use("load_model", net.r, number=36, error=error("ValueError", text))


def test_the_layer_that_forgets_its_child_is_named():
    (finding,) = Net().said()
    assert finding.severity == "warning"
    assert finding.caller == line(11)  # where Block's `build` is defined
    assert "Block.build does not build 'dense' (Dense) in 'block' (Block)" in finding.message
    assert "self.dense.build(input_shape)" in finding.fix


@pytest.mark.parametrize("generation", ["keras2", "keras3"])
def test_it_is_an_error_if_loading_failed(generation):
    net = Net(generation)
    (finding,) = net.said(loading(net))
    assert finding.severity == "error"
    assert "load_model could not load it" in finding.message


def test_another_failure_of_loading_is_not_taken_for_it():
    net = Net()
    (finding,) = net.said(loading(net, "No such file"))
    assert finding.severity == "warning"


def test_keras_2_may_have_saved_it_in_another_format():
    (finding,) = Net("keras2").said()
    assert finding.severity == "note"


def test_a_child_built_in_build_is_well():
    assert Net(in_build=True).said() == []


def test_a_child_without_weights_is_well():
    assert Net(weights=False).said() == []


def test_a_model_without_a_build_of_its_own_is_called_on_loading():
    assert Net().said(net=()) == []


def test_a_holder_without_a_build_of_its_own_is_told_too():
    (finding,) = Net().said(block=())
    assert "Block has no `build` that would build 'dense' (Dense)" in finding.message
    assert finding.caller == line(10)


def test_nothing_is_said_of_what_nobody_saves():
    assert Net().said(saved=False) == []


def test_a_model_in_a_functional_one_is_called_on_loading():
    net = Net()
    functional = net.r.layer("functional", "Functional")
    source = net.r.layer("input", "InputLayer")
    net.r.graphs.append(chain(functional, (source, spec(None, 3)), (net.net, spec(None, 4))))
    assert net.said() == []


def test_only_the_loading_is_in_the_trace():
    r = Recording(caller=("/nowhere/model.py", 36))
    block, dense = r.layer("block_1", "Block"), r.layer("dense_1", "Dense")
    with r.call("Block.build", block, [spec(2, 3)], changes=BUILT):
        pass
    states = [state(block, 0, [dense], [dense], number=10, build=["input_shape"])]
    failed = use("load_model", r, number=36, error=error("ValueError", FAILED))
    (finding,) = said("BT103", r, states, [failed])
    assert (finding.severity, finding.caller) == ("error", line(11))
    assert "'dense_1' (Dense)" in finding.message
    well = use("load_model", r, number=36)
    assert said("BT103", r, states, [well]) == []


def half_built(*, ran=False, called=False, later=False, fails_at=None):
    """What is said of a block whose `build` was run by the user, and forgot one of two layers."""
    r = Recording(caller=("/nowhere/model.py", 30))
    block, dense, norm = r.layer("block", "Block"), r.layer("dense", "Dense"), r.layer("n", "Norm")
    with r.call("Block.build", block, [spec(None, 3)], changes=BUILT):
        with r.call("Dense.build", dense, [spec(None, 3)], changes=BUILT):
            r.add_weight(dense, "kernel", (3, 4))
        r.add_weight(block, "scale", (1,))
    states = [state(block, 0, [dense, norm], [norm], number=10, build=["input_shape"])]
    states[0] = msgspec.structs.replace(states[0], ran=ran)
    if called or later:
        with r.call("Layer.__call__", block, [spec(2, 3)], caller=line(31)):
            if later:
                with r.call("Norm.build", norm, [spec(2, 4)], changes=BUILT, caller=line(17)):
                    r.add_weight(norm, "gamma", (4,))
    uses = []
    if fails_at is not None:
        text = f"Layer '{fails_at}' expected 2 variables, but received 0 variables during loading."
        uses = [use("Model.load_weights", r, number=40, error=error("ValueError", text))]
    return said("BT103", r, states, uses)


def test_a_layer_that_build_forgets_has_no_weights():
    (finding,) = half_built()
    assert (finding.severity, finding.caller, finding.layer) == ("warning", line(11), 0)
    assert finding.message == (
        "Block.build does not build 'n' (Norm) in 'block' (Block), which is marked as built: "
        "'n' has no weights."
    )
    assert "self.n.build(...)  # ...: the shape of what `call` gives it" in finding.fix


def test_the_call_that_builds_it_in_the_end_is_named():
    (finding,) = half_built(later=True)
    assert finding.message.endswith("'n' has no weights until model.py:17 calls it.")
    assert "self.n.build((None, 4))" in finding.fix


def test_a_layer_that_a_call_does_not_build_either_is_not_used():
    assert half_built(called=True) == []
    assert half_built(ran=True) == []


def test_loading_that_failed_of_that_layer_and_of_another():
    (finding,) = half_built(fails_at="n")
    assert (finding.severity, "Model.load_weights could not load it" in finding.message) == (
        "error",
        True,
    )
    (finding,) = half_built(fails_at="net")
    assert finding.severity == "warning"


# -- real layers ------------------------------------------------------------------------------

TWO = """
class Block(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.a = keras.layers.Dense(3, name="a")
        self.b = keras.layers.Dense(3, name="b")
    def build(self, input_shape):
        self.a.build(input_shape)
        super().build(input_shape)
    def call(self, x):
        return self.b(self.a(x))
"""

WITH_SHAPE = (
    TWO
    + """
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)
"""
)

FORGETS = {
    "in a list and a dict": (
        """
class Tower(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.stack = [keras.layers.Dense(3, name=f"s{n}") for n in range(2)]
        self.heads = {"p": keras.layers.Dense(2, name="p"), "q": keras.layers.Dense(2, name="q")}
    def build(self, input_shape):
        self.stack[0].build(input_shape)
        self.heads["p"].build(input_shape)
        self.built = True
    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return {name: head(x) for name, head in self.heads.items()}
tower = Tower()
tower.build((None, 3))
tower(x)
""",
        "Tower.build does not build 's1' (Dense) and 'q' (Dense) in 'tower' (Tower)",
        ("keras2", "keras3"),
    ),
    "in a layer inside": (
        TWO
        + """
class Outer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.block = Block(name="block")
    def build(self, input_shape):
        self.block.build(input_shape)
        super().build(input_shape)
    def call(self, x):
        return self.block(x)
Outer().build((None, 3))
""",
        "Block.build does not build 'b' (Dense) in 'block' (Block)",
        ("keras2", "keras3"),
    ),
    "of a subclass": (
        TWO
        + """
class Wider(Block):
    def __init__(self):
        super().__init__()
        self.b.build((None, 3))
        self.c = keras.layers.Dense(3, name="c")
    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(1,))
        super().build(input_shape)
    def call(self, x):
        return self.c(super().call(x)) * self.scale
Wider().build((None, 3))
""",
        "Wider.build does not build 'c' (Dense) in 'wider' (Wider)",
        ("keras2", "keras3"),
    ),
    "of a layer of Keras": (
        """
class Lora(keras.layers.Dense):
    def __init__(self):
        super().__init__(3)
        self.down = keras.layers.Dense(1, name="down")
    def call(self, x):
        return super().call(x) + self.down(x)
Lora().build((None, 3))
""",
        "Dense.build does not build 'down' (Dense) in 'lora' (Lora)",
        ("keras2", "keras3"),
    ),
    "of a model": (
        TWO.replace("keras.layers.Layer", "keras.Model").replace(
            "super().build(input_shape)", "self.built = True"
        )
        + """
model = Block(name="block")
model.build((None, 3))
model(x)
""",
        "Block.build does not build 'b' (Dense) in 'block' (Block)",
        ("keras2", "keras3"),
    ),
    "with layers of its own inside": (
        """
class Inner(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(3)
    def call(self, x):
        return self.dense(x)
class Outer(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.inner = Inner(name="inner")
        self.norm = keras.layers.LayerNormalization()
    def build(self, input_shape):
        self.norm.build(input_shape)
        super().build(input_shape)
    def call(self, x):
        return self.inner(self.norm(x))
outers = [Outer(name="one"), Outer(name="two")]
for outer in outers:
    outer.build((None, 3))
for outer in outers:
    outer(x)
""",
        "Outer.build does not build 'inner' (Inner) in 'one' (Outer) and 1 more like it",
        ("keras2", "keras3"),
    ),
    "in a functional model, with a rule for its shape": (
        WITH_SHAPE
        + """
i = keras.Input((3,))
model = keras.Model(i, Block(name="block")(i))
model(x)
""",
        "'block' (Block), which is marked as built: 'b' has no weights until model.py:16 calls it",
        ("keras3",),
    ),
    "in a Sequential, with a rule for its shape": (
        WITH_SHAPE
        + """
model = keras.Sequential([keras.Input((3,)), Block(name="block")])
""",
        "'block' (Block), which is marked as built: 'b' has no weights",
        ("keras3",),
    ),
}


@on_both
@pytest.mark.parametrize("form", FORGETS)
def test_a_real_layer_that_forgets_one(runner, generation, form):
    body, text, told_on = FORGETS[form]
    found = findings(runner, generation, body, "BT103")
    assert [text in finding.message for finding in found] == [True] * (generation in told_on)


SOUND = {
    "what makes no weights": """
class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
        self.plain = [keras.layers.Dropout(0.1), keras.layers.ReLU(), keras.layers.Flatten()]
        self.merging = [keras.layers.Add(), keras.layers.Concatenate(), keras.layers.Subtract()]
        self.others = [keras.layers.Attention(), keras.layers.GlobalAveragePooling1D()]
        self.tail = keras.Sequential([keras.layers.Reshape((3, 1)), keras.layers.Dropout(0.1)])
        self.tail.build((None, 3))
    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)
    def call(self, x):
        return self.tail(self.merging[0]([x, self.plain[0](self.dense(x))]))
Block().build((None, 3))
""",
    "what is not used in this configuration": """
class Residual(keras.layers.Layer):
    def __init__(self, width, **options):
        super().__init__(**options)
        self.width = width
        self.main = keras.layers.Dense(width)
        self.shortcut = keras.layers.Dense(width)
    def build(self, input_shape):
        self.is_projected = input_shape[-1] != self.width
        self.main.build(input_shape)
        if self.is_projected:
            self.shortcut.build(input_shape)
        super().build(input_shape)
    def call(self, x):
        return self.main(x) + (self.shortcut(x) if self.is_projected else x)
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.width)
i = keras.Input((3,))
model = keras.Model(i, Residual(4)(Residual(3)(i)))
model(x)
alone = Residual(3)
alone.build((None, 3))
alone(x)
""",
    "what is built by the call that builds the layer": TWO
    + """
Block()(x)
i = keras.Input((3,))
model = keras.Model(i, Block()(i))
model.compile("sgd", "mse")
model.fit(x, x, verbose=0)
""",
}


@on_both
@pytest.mark.parametrize("form", SOUND)
def test_a_real_layer_that_forgets_none(runner, generation, form):
    assert findings(runner, generation, SOUND[form], "BT103") == []
