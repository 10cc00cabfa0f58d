"""BT801 on files that were saved a moment ago: what a config loses, and what only seems lost."""

from __future__ import annotations

import re
import textwrap

import pytest

from diagnosis.rules.running import alarms, findings, on_both, run

CODE = "BT801"

MINE = """
@keras.utils.register_keras_serializable("mine")
class Mine(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        super().build(input_shape)

    def call(self, x):
        return tf.matmul(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}

"""

SAVES_ALL = '{**super().get_config(), "units": self.units}'
SAVES_NOTHING = "super().get_config()"
NO_OPTIONS = (
    "units, **kwargs):\n        super().__init__(**kwargs)",
    "units):\n        super().__init__()",
)

LOAD = """
model = keras.Sequential([keras.Input((3,)), Mine(4), keras.layers.Dense(1)])
model.save("m.keras")
again = keras.models.load_model("m.keras")
np.testing.assert_array_equal(model(x), again(x))
"""

OLDER = LOAD.replace("m.keras", "m.h5")

FUNCTIONAL = """
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(1)(Mine(units=4)(inputs)))
model.save("m.keras")
again = keras.models.load_model("m.keras")
np.testing.assert_array_equal(model(x), again(x))
"""


def changed(text, *pairs):
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


FORGETS = changed(MINE, (SAVES_ALL, SAVES_NOTHING))

MISSING = {
    "positional": FORGETS + LOAD,
    "an older file": FORGETS + OLDER,
    "by keyword only": changed(FORGETS, ("self, units", "self, *, units")) + FUNCTIONAL,
    "under another name": changed(MINE, ('"units": self', '"width": self')) + LOAD,
    "kept with an underscore": changed(FORGETS, ("self.units", "self._units")) + LOAD,
    "a model": """
@keras.utils.register_keras_serializable("mine")
class Net(keras.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return super().get_config()

model = Net(4)
model(x)
model.save("m.keras")
again = keras.models.load_model("m.keras")
""",
}

LOST = {
    "the file's weights do not fit": changed(FORGETS, ("units,", "units=8,")) + LOAD,
    "an older file's weights do not fit": changed(FORGETS, ("units,", "units=8,")) + OLDER,
    "the next layer does not fit": changed(FORGETS, ("units,", "units=8,")) + FUNCTIONAL,
}

SILENT = """
@keras.utils.register_keras_serializable("mine")
class Drop(keras.layers.Layer):
    def __init__(self, rate=0.5, axes=(1,), **kwargs):
        super().__init__(**kwargs)
        self.rate, self.axes = rate, axes

    def call(self, x):
        return x * self.rate

    def get_config(self):
        return super().get_config()

"""

SILENT_LOAD = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), Drop(0.25, (1, 2))])
model.save("m.keras")
again = keras.models.load_model("m.keras")
"""

SUPERFLUOUS = {
    "handed on": changed(MINE, ("self.units}", 'self.units, "size": 16}')) + LOAD,
    "not taken": changed(
        MINE,
        ("self.units}", 'self.units, "size": 16}'),
        ("**kwargs):", "name=None, trainable=True, dtype=None):"),
        ("(**kwargs)", "(name=name, trainable=trainable, dtype=dtype)"),
    )
    + FUNCTIONAL,
    "in an older file": changed(MINE, ("self.units}", 'self.units, "size": 16}')) + OLDER,
}

NOT_PASSED_ON = {
    "nothing": changed(MINE, NO_OPTIONS) + LOAD,
    "nothing, functional": changed(MINE, NO_OPTIONS) + FUNCTIONAL,
    "nothing, an older file": changed(MINE, NO_OPTIONS) + OLDER,
    "only the name": changed(
        MINE, ("units, **kwargs", "units, name=None"), ("(**kwargs)", "(name=name)")
    )
    + LOAD,
    "a subclass of Dense": """
@keras.utils.register_keras_serializable("mine")
class Half(keras.layers.Dense):
    def __init__(self, units):
        super().__init__(units)

    def call(self, x):
        return super().call(x) / 2

model = keras.Sequential([keras.Input((3,)), Half(4)])
model.save("m.keras")
keras.models.load_model("m.keras")
""",
}

TWICE = changed(MINE, ("super().__init__(**kwargs)", 'super().__init__(name="mine", **kwargs)'))

AROUND = """
@keras.utils.register_keras_serializable("mine")
class Around(keras.layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(self.inner(x))

    def get_config(self):
        return {**super().get_config(), "inner": self.inner}

"""

AROUND_LOAD = """
model = keras.Sequential([keras.Input((3,)), Around(keras.layers.Dense(3))])
model.save("m.keras")
again = keras.models.load_model("m.keras")
np.testing.assert_array_equal(model(x), again(x))
"""

BUILDS = changed(
    AROUND,
    (
        "    def call",
        "    def build(self, shape):\n        self.inner.build(shape)\n"
        "        super().build(shape)\n\n    def call",
    ),
)

AS_DICT = {
    "called": AROUND + AROUND_LOAD,
    "built": BUILDS + AROUND_LOAD,
    "serialized by hand": changed(AROUND, ("self.inner}", "keras.layers.serialize(self.inner)}"))
    + AROUND_LOAD,
}

WELL = {
    "all is saved": MINE + LOAD,
    "no get_config at all": changed(
        MINE, ("    def get_config(self):\n        return " + SAVES_ALL + "\n", "")
    )
    + LOAD,
    "made by from_config": changed(
        FORGETS,
        (
            "    def get_config",
            "    @classmethod\n    def from_config(cls, config):\n"
            "        return cls(units=4, **config)\n\n    def get_config",
        ),
    )
    + LOAD,
    "a layer made again by from_config": changed(
        AROUND,
        (
            "    def get_config",
            "    @classmethod\n    def from_config(cls, config):\n"
            '        config["inner"] = keras.layers.deserialize(config["inner"])\n'
            "        return cls(**config)\n\n    def get_config",
        ),
    )
    + AROUND_LOAD,
    "a default that nobody changes": changed(SILENT_LOAD, ("Drop(0.25, (1, 2))", "Drop()")).join(
        [SILENT, ""]
    ),
    "custom objects": changed(MINE, ('@keras.utils.register_keras_serializable("mine")\n', ""))
    + changed(LOAD, ('load_model("m.keras")', 'load_model("m.keras", {"Mine": Mine})')),
    "weights alone": FORGETS
    + """
def make():
    return keras.Sequential([keras.Input((3,)), Mine(4)])
make().save_weights("m.weights.h5")
make().load_weights("m.weights.h5")
""",
    "the script tries": FORGETS
    + """
model = keras.Sequential([keras.Input((3,)), Mine(4)])
model.save("m.keras")
try:
    keras.models.load_model("m.keras")
except TypeError:
    print("not today")
""",
}

OTHER_FAULTS = {
    "a class that is not known": changed(
        MINE, ('@keras.utils.register_keras_serializable("mine")\n', "")
    )
    + LOAD,
    "a constructor that raises": changed(
        MINE, ("        self.units = units", "        self.units = units + dict()[units]")
    )
    + "mine = None\ntry:\n    mine = Mine(4)\nexcept KeyError:\n    pass\nMine(3)",
}


def with_method(body, code):
    """A script in which a method of its class is replaced by this code, or added."""
    code = code.partition("\n# then")[0]
    name = re.search(r"def (\w+)\(", code)[1]
    method = textwrap.indent(code, "    ") + "\n\n"
    old = re.compile(rf"    def {name}\(self.*?\n\n", re.DOTALL)
    if old.search(body):
        return old.sub(lambda _: method, body, count=1)
    return body.replace("    def call", f"{method}    def call", 1)


def only(runner, generation, body, line):
    """The one finding of a failing script, which is at this line."""
    ran = run(runner, generation, body)
    assert ran.code == 1
    (finding,) = [f for f in ran.trace.findings if f.severity != "note"]
    assert (finding.code, finding.severity) == (CODE, "error")
    if line:
        assert finding.caller.line == ran.line_of(line)
    return finding


@on_both
@pytest.mark.parametrize("body", MISSING.values(), ids=MISSING)
def test_an_argument_that_is_not_saved(runner, generation, body):
    finding = only(runner, generation, body, "def get_config")
    assert "leaves out `units`" in finding.message
    assert run(runner, generation, with_method(body, finding.fix)).code == 0


@on_both
@pytest.mark.parametrize("body", LOST.values(), ids=LOST)
def test_an_argument_with_a_default_that_does_not_fit(runner, generation, body):
    finding = only(runner, generation, body, "def get_config")
    assert "leaves out `units`" in finding.message
    assert run(runner, generation, with_method(body, finding.fix)).code == 0


@on_both
def test_an_argument_with_a_default_that_nobody_misses(runner, generation):
    (finding,) = findings(runner, generation, SILENT + SILENT_LOAD, CODE)
    assert "leaves out `rate` and `axes`" in finding.message
    assert "0.25 became 0.5 and [1, 2] became [1]" in finding.message
    again = with_method(SILENT + SILENT_LOAD, finding.fix)
    assert findings(runner, generation, again, CODE) == []


@on_both
@pytest.mark.parametrize("body", SUPERFLUOUS.values(), ids=SUPERFLUOUS)
def test_what_the_constructor_does_not_know(runner, generation, body):
    finding = only(runner, generation, body, "def get_config")
    assert "saves `size`" in finding.message
    assert run(runner, generation, with_method(body, finding.fix)).code == 0


@on_both
@pytest.mark.parametrize("body", NOT_PASSED_ON.values(), ids=NOT_PASSED_ON)
def test_what_each_layer_is_to_take(runner, generation, body):
    finding = only(runner, generation, body, "def __init__(self")
    assert "`trainable`" in finding.message
    assert "**kwargs" in finding.fix
    if "..." not in (first := finding.fix.splitlines())[0] and "Half" not in body:
        old = "    def __init__(self, units):\n        super().__init__()"
        new = textwrap.indent("\n".join(first[:2]), "    ")
        assert run(runner, generation, changed(body, (old, new))).code == 0


@on_both
def test_a_name_that_is_given_and_handed_on(runner, generation):
    finding = only(runner, generation, TWICE + LOAD, "def __init__(self")
    assert "gives `name` to super().__init__" in finding.message
    new = textwrap.indent(finding.fix, "        ").replace('"name", ...', '"name", "mine"')
    old = '        super().__init__(name="mine", **kwargs)'
    assert run(runner, generation, changed(TWICE, (old, new)) + LOAD).code == 0


@on_both
@pytest.mark.parametrize("body", AS_DICT.values(), ids=AS_DICT)
def test_a_layer_that_stays_a_dict(runner, generation, body):
    finding = only(runner, generation, body, "def __init__(self")
    assert "`inner` as a dict" in finding.message
    code, _, hint = finding.fix.partition("\n# and if `build` builds it: ")
    again = with_method(body, code)
    if hint:
        guard = hint.partition(": ")[0]
        assert guard == "if not self.inner.built"
        again = again.replace("self.inner.build(", "self.inner.built or self.inner.build(")
    assert run(runner, generation, again).code == 0


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_nothing_is_lost(runner, generation, body):
    assert run(runner, generation, body).code == 0
    assert alarms(runner, generation, body) == []


@on_both
@pytest.mark.parametrize("body", OTHER_FAULTS.values(), ids=OTHER_FAULTS)
def test_what_is_no_matter_of_a_config(runner, generation, body):
    assert run(runner, generation, body).code == 1
    assert findings(runner, generation, body, CODE) == []
