"""What `buildtrace plan` asks of Keras and JAX for several devices: each a Python of its own."""

import json

import pytest

from buildtrace.cli import environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (environment.installed("jax") and environment.package_of("3")), reason="for JAX"
    ),
]

MODEL = """
import keras

model = keras.Sequential(
    [keras.Input((1024,)), keras.layers.Dense(2048), keras.layers.Dense(64)]
)
"""

OWN = """
import keras

d = keras.distribution
mesh = d.DeviceMesh((2, 4), ("batch", "model"), d.list_devices())
layouts = d.LayoutMap(mesh)
layouts[".*dense/kernel"] = ("batch", "model")
layouts[".*nothing"] = ("model",)
d.set_distribution(d.ModelParallel(layout_map=layouts, batch_dim_name="batch"))
"""

DATA = """
import keras

keras.distribution.set_distribution(keras.distribution.DataParallel())
"""

LAYOUTS = """
import keras

def by_function(mesh):
    layouts = keras.distribution.LayoutMap(mesh)
    layouts[".*dense/kernel"] = ("batch", "model")
    return layouts

def no_map(mesh):
    return {}

class Names:
    made_here = staticmethod(by_function)

number = 7
"""

FIRST, SECOND = 1024 * 2048, 2048 * 64
BIASES = 2048 + 64


@pytest.fixture
def plan(command, tmp_path):
    """Runs the command; gives the plan, and what came out."""
    (tmp_path / "layouts.py").write_text(LAYOUTS)

    def run(script, *options, code=0):
        (tmp_path / "model.py").write_text(script)
        done = command(
            *("-m", "buildtrace", "plan", "--format", "json", *options, "model.py"),
            env={"KERAS_BACKEND": "jax", "XLA_FLAGS": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        assert done.code == code, done.err
        return json.loads(done.out) if done.out else done.err.splitlines()[-1]

    return run


def test_the_distribution_of_the_script(plan):
    made = plan(OWN + MODEL, "--devices", "8", "--optimizer", "adam")
    on_device = 4 * (FIRST // 8 + SECOND + BIASES)
    assert made["mesh"]["class_name"] == "ModelParallel"
    assert made["mesh"]["source"] == "the script"
    assert made["mesh"]["shape"] == [2, 4]
    assert made["amount"]["on_device"]["weights"] == on_device
    assert made["amount"]["on_device"]["optimizer"] == 2 * on_device + 8
    assert [entry["variables"] for entry in made["mesh"]["patterns"]] == [1, 0]
    heaviest = made["variables"][made["replicated"][0]]
    assert heaviest["shape"] == [2048, 64]


def test_data_alone_in_parallel(plan):
    made = plan(DATA + MODEL, "--devices", "4", "--batch", "64")
    assert made["mesh"]["class_name"] == "DataParallel"
    assert made["amount"]["on_device"]["weights"] == 4 * (FIRST + SECOND + BIASES)
    assert made["activations"]["on_device"] == made["activations"]["size"] // 4


@pytest.mark.parametrize("name", ["by_function", "Names.made_here"])
def test_a_layout_map_of_the_options(plan, name):
    made = plan(MODEL, "--mesh", "2x4", "--layout", f"layouts.py:{name}")
    assert made["mesh"]["source"] == "--layout"
    assert made["amount"]["on_device"]["weights"] == 4 * (FIRST // 8 + SECOND + BIASES)


def test_all_that_a_mesh_does_not_divide(plan):
    options = ("--mesh", "batch=3,model=5", "--layout", "layouts:by_function")
    made = plan(MODEL, *options, code=1)
    assert [(one["size"], one["parts"]) for one in made["indivisible"]] == [(1024, 3), (2048, 5)]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("layouts.py:nothing", "there is no nothing in layouts.py"),
        ("no.py:layouts", "there is no file no.py"),
        ("no_such_module:layouts", "No module named 'no_such_module'"),
        ("layouts.py:no_map", "gave a dict, and no LayoutMap"),
        ("layouts.py:number", "is a int, and no LayoutMap"),
    ],
)
def test_no_layout_map_is_one_line(plan, place, said):
    assert said in plan(MODEL, "--mesh", "2x4", "--layout", place, code=2)


def test_a_function_of_a_mesh_wants_one(plan):
    line = plan(MODEL, "--layout", "layouts.py:by_function", code=2)
    assert "give it one by --mesh" in line


def test_what_xla_says_of_the_forward_step(plan):
    compiled = plan(MODEL, "--compile", "--batch", "32")["compiled"]
    assert compiled["missing"] == ""
    assert compiled["platform"] == "cpu"
    assert compiled["arguments"] == 4 * (FIRST + SECOND + BIASES + 32 * 1024)
    assert compiled["outputs"] == 4 * 32 * 64


def test_why_xla_cannot_say_it(plan):
    script = MODEL.replace("(1024,)", "(None, 1024)")
    missing = plan(script, "--compile", "--batch", "32")["compiled"]["missing"]
    assert "to be compiled, all of it but the batch has to be known" in missing
