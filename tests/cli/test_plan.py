"""What `buildtrace plan` prints and writes, and its exit code: of saved traces, and of scripts."""

import json
import os
import re

import msgspec
import pytest
from made_traces import mlp3, trained
from spread_traces import spread

from buildtrace.cli import environment
from buildtrace.cli.plan_devices import choose_backend
from buildtrace.cli.plan_options import PlanArguments, memory, mesh, parse
from buildtrace.cli.program import Program
from buildtrace.errors import UsageError
from buildtrace.traces.schema import Finding
from buildtrace.traces.trace import Trace
from buildtrace.traces.trace_file import to_json
from cli.conftest import PACKAGE_ROOT

KERNELS = {"kernel": ((), ("model",)), "bias": (("model",),)}


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Saves a trace into the folder that the test runs in; gives the file's name."""
    monkeypatch.chdir(tmp_path)

    def save(trace, name="build.json"):
        (tmp_path / name).write_bytes(to_json(trace))
        return name

    return save


# -- saved traces -------------------------------------------------------------------------------


def test_the_plan_of_a_saved_trace(cli, saved):
    done = cli("plan", saved(trained()))
    assert done.code == 0
    assert done.err == ""
    assert "407,050 parameters in 4 weights, all trained" in done.out
    rows = dict(re.findall(r"^  (\w+) +([\d.]+ \w+)$", done.out, re.MULTILINE))
    assert rows == {
        "weights": "1.553 MiB",
        "gradients": "1.553 MiB",
        "Adam": "3.106 MiB",
        "together": "6.211 MiB",
    }


def test_an_optimizer_that_the_trace_does_not_know(cli, saved):
    out = cli("plan", saved(mlp3())).out
    assert "What an optimizer keeps is not known: --optimizer adam" in out


def test_a_plan_for_programs(cli, saved):
    done = cli("plan", "--format", "json", saved(trained()))
    plan = json.loads(done.out)
    assert plan["version"] == 1
    assert plan["amount"]["memory"] == {
        "weights": 4 * 407_050,
        "gradients": 4 * 407_050,
        "optimizer": 8 * 407_050 + 4,
    }
    assert len(plan["variables"]) == 4 + 4 + 9


def test_files_beside_the_plan(cli, saved, tmp_path):
    done = cli("plan", "-o", "plan.json", "-o", "plan.txt", saved(trained()))
    assert done.code == 0
    assert done.err.splitlines() == [
        f"buildtrace: wrote {tmp_path / 'plan.json'}",
        f"buildtrace: wrote {tmp_path / 'plan.txt'}",
    ]
    assert json.loads((tmp_path / "plan.json").read_text())["optimizer"] == "Adam"
    assert "6.211 MiB" in (tmp_path / "plan.txt").read_text()


@pytest.mark.parametrize(
    ("room", "code", "said"),
    [("6MiB", 1, "does not fit into 6.000 MiB"), ("7MB", 0, "fits into 6.676 MiB")],
)
def test_whether_it_fits_is_the_exit_code(cli, saved, room, code, said):
    done = cli("plan", "--device-memory", room, saved(trained()))
    assert done.code == code
    assert said in done.out
    assert "weights, gradients and optimizer take" in " ".join(done.out.split())


def test_a_trace_without_weights_cannot_be_planned(cli, saved):
    done = cli("plan", saved(Trace()))
    assert done.code == 2
    assert "No weight was made" in done.out


def test_devices_and_what_each_holds(cli, saved):
    trace = spread(trained(), (2, 2), **KERNELS)
    done = cli("plan", "--full", saved(trace))
    assert done.code == 0
    assert "ModelParallel over batch=2 × model=2, by the script" in done.out  # noqa: RUF001
    assert "each of 4 devices" in done.out
    assert re.search(r"\.\*kernel +\(None, model\) +2 ", done.out)


def test_another_mesh_for_a_saved_trace(cli, saved):
    name = saved(spread(mlp3(units=(64, 64)), (2, 4), **KERNELS))
    plans = [
        json.loads(cli("plan", "--format", "json", *more, name).out)
        for more in ([], ["--mesh", "2x16"], ["--mesh", "model=16,batch=2"])
    ]
    on_device = [plan["amount"]["on_device"]["weights"] for plan in plans]
    assert on_device[0] == 4 * on_device[1] == 4 * on_device[2]


def test_outputs_whose_size_is_not_known_are_told(cli, saved):
    def unknown(spec):
        return msgspec.structs.replace(spec, shape=(None, None, *spec.shape[1:]))

    trace = mlp3()
    (graph,) = trace.graphs
    nodes = tuple(
        msgspec.structs.replace(node, outputs=tuple(map(unknown, node.outputs)))
        for node in graph.nodes
    )
    trace.graphs = (msgspec.structs.replace(graph, nodes=nodes),)
    out = " ".join(cli("plan", "--batch", "8", saved(trace)).out.split())
    assert "outputs that are not counted (an axis of unknown size): dense and dense_1" in out
    assert "lower bound" not in out


def test_what_a_mesh_does_not_divide_is_the_exit_code(cli, saved):
    done = cli("plan", saved(spread(mlp3(), (1, 4), **KERNELS)))
    assert done.code == 1
    assert "2 dimensions cannot be divided" in done.out
    assert "10 into 4 along model: (512, 10)" in done.out


def test_an_entry_of_a_layout_map_that_matches_nothing(cli, saved):
    trace = spread(mlp3(), (1, 2), kernel=((), ("model",)), embeddings=(("model",),))
    assert "nothing is matched by .*embeddings" in cli("plan", saved(trace)).out


def test_what_the_rules_about_devices_say(cli, saved):
    trace = spread(mlp3(), (1, 2), **KERNELS)
    trace.findings = tuple(
        Finding(code=code, message=f"this is {code}, {number}.", why="", fix="")
        for code in ("BT101", "BT903")
        for number in range(4)
    )
    name = saved(trace)
    out, full = cli("plan", name).out, cli("plan", "--full", name).out
    assert "BT101" not in full
    assert out.count("this is BT903") == 2
    assert "… 2 more of BT903 (--full)" in out
    assert full.count("this is BT903") == 4
    assert "`buildtrace explain BT903` says why." in out


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_wider_than_the_terminal(cli, saved, clean_env, width):
    clean_env.setenv("COLUMNS", str(width))
    trace = spread(mlp3(units=(64,) * 40), (4, 8), **KERNELS)
    done = cli("plan", "--batch", "32", "--device-memory", "1GiB", saved(trace))
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= width


# -- what is asked for --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape", "axes"),
    [
        ("2x4", (2, 4), ("batch", "model")),
        ("2,4", (2, 4), ("batch", "model")),
        ("8", (8,), ("model",)),
        ("batch=8,model=32", (8, 32), ("batch", "model")),
        ("a=1, b=2, c=3", (1, 2, 3), ("a", "b", "c")),
    ],
)
def test_meshes(text, shape, axes):
    assert mesh(text) == (shape, axes)


@pytest.mark.parametrize(
    ("text", "size"),
    [("80GiB", 80 * 2**30), ("16GB", 16 * 10**9), ("512M", 512 * 10**6), ("1.5TiB", 3 * 2**39),
     ("4096", 4096), ("2 gib", 2**31)],
)  # fmt: skip
def test_sizes_of_memory(text, size):
    assert memory(text) == size


@pytest.mark.parametrize(
    "options",
    [
        ["--mesh", "2xx4"],
        ["--mesh", "0x4"],
        ["--mesh", "1x2x3"],
        ["--mesh", "a=2,4"],
        ["--mesh", "a=2,a=4"],
        ["--device-memory", "lots"],
        ["--device-memory", "0GiB"],
        ["--batch", "0"],
        ["--batch", "many"],
        ["--devices", "-1"],
        ["--compile"],
        ["--layout", "layout.py"],
        ["--layout", "layout.py:m", "--keras", "2"],
        ["--mesh", "2x4", "--layout", "layout.py:m", "--devices", "4"],
        ["-o", "plan.pdf"],
        ["-o", "no/such/folder/plan.json"],
        ["--format", "html"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_one_line(cli, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("raise SystemExit('it ran')\n")
    done = cli("plan", *options, "model.py")
    assert done.code == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    "options",
    [["--optimizer", "adam"], ["--layout", "a.py:b"], ["--devices", "2"], ["--mesh", "2x4"]],
    ids=" ".join,
)
def test_what_a_saved_trace_cannot_tell(cli, saved, options):
    done = cli("plan", *options, saved(mlp3()))
    assert done.code == 2
    assert len(done.err.splitlines()) == 1


def test_a_layout_needs_the_devices_of_its_mesh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("")
    asked = parse(["--mesh", "2x4", "--layout", "layout.py:m", "model.py", "--mesh"])
    assert (asked.devices, asked.needs_jax) == (8, True)
    assert asked.program.arguments == ("--mesh",)
    assert not parse(["--optimizer", "adam", "model.py"]).needs_jax


@pytest.mark.parametrize("chosen", [None, "jax"])
def test_virtual_devices_are_set_before_jax_starts(clean_env, chosen):
    clean_env.setattr(environment, "installed", lambda name: True)
    clean_env.setenv("XLA_FLAGS", "--xla_other=1 --xla_force_host_platform_device_count=3")
    clean_env.setenv("JAX_PLATFORMS", "")
    clean_env.delenv("JAX_PLATFORMS")
    clean_env.setenv("KERAS_BACKEND", chosen or "")
    if chosen is None:
        clean_env.delenv("KERAS_BACKEND")
    choose_backend(PlanArguments(Program("x.py"), devices=8))
    assert os.environ["KERAS_BACKEND"] == "jax"
    assert os.environ["XLA_FLAGS"].split() == [
        "--xla_other=1",
        "--xla_force_host_platform_device_count=8",
    ]


def test_another_backend_that_was_chosen_is_no_guess(clean_env):
    clean_env.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(UsageError, match="KERAS_BACKEND=tensorflow"):
        choose_backend(PlanArguments(Program("x.py"), devices=8))
    choose_backend(PlanArguments(Program("x.py"), optimizer="adam"))  # nothing takes JAX here


# -- scripts ------------------------------------------------------------------------------------

SCRIPT = """
import sys
import numpy as np
from tensorflow import keras

def make():
    model = keras.Sequential(
        [keras.layers.Dense(512, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(100)]
    )
    model.build((None, 784))
    model.compile("adam", "mse")
    return model

x, y = np.zeros((8, 784), "float32"), np.zeros((8, 100), "float32")
print("the script prints")
"""

PARAMETERS = 784 * 512 + 512 + 512 * 100 + 100

ENDS = {
    "fit": "make().fit(x, y)",
    "train_on_batch": "make().train_on_batch(x, y)",
    "evaluate": "make().evaluate(x, y)",
    "predict": "make().predict(x)",
    "call": "make()(x)",
    "save": "make().save('model.keras')",
    "save_weights": "make().save_weights('model.weights.h5')",
    "get_weights": "make().get_weights()",
    "numpy": "print(np.array(make().weights[0]))",
}


@pytest.fixture
def plan_of(python, tmp_path):
    """Runs the command on a script; gives what came out."""

    def run(end, *options, keras="3"):
        (tmp_path / "model.py").write_text(f"{SCRIPT}{end}\nprint('not reached')\n")
        environ = os.environ | {"PYTHONPATH": PACKAGE_ROOT, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environ["TF_USE_LEGACY_KERAS"] = str(int(keras == "2"))
        return python(
            "-m", "buildtrace", "plan", *options, "model.py", cwd=tmp_path, env=environ, keras=keras
        )

    return run


needs_tensorflow = pytest.mark.skipif(
    not environment.installed("tensorflow") or environment.package_of("3") is None,
    reason="these scripts use tf.keras, and Keras 3",
)


@needs_tensorflow
@pytest.mark.parametrize(
    "name",
    [
        name if name in ("fit", "save", "numpy") else pytest.param(name, marks=pytest.mark.slow)
        for name in ENDS
    ],
)
def test_what_wants_values_ends_the_script_calmly(plan_of, name):
    done = plan_of(ENDS[name])
    assert done.returncode == 0, done.stderr
    assert "the script prints" in done.stdout
    assert "not reached" not in done.stdout
    told = " ".join(done.stdout.split())
    line = SCRIPT.count("\n") + 1
    assert f"planned up to `{ENDS[name]}` at model.py:{line}, which needs values" in told
    assert f"{PARAMETERS:,} parameters in 4 weights" in told
    assert "Adam" in told
    assert "Traceback" not in done.stderr


@needs_tensorflow
def test_a_script_that_builds_and_ends(plan_of):
    done = plan_of("make(); sys.exit(0)", "--format", "json")
    plan = json.loads(done.stdout)  # what the script prints is on stderr
    assert "the script prints" in done.stderr
    assert done.returncode == 0
    assert plan["stop"] is None
    assert plan["amount"]["memory"]["weights"] == 4 * PARAMETERS
    slots = [v for v in plan["variables"] if v["kind"] == "optimizer"]
    assert len(slots) == 2 * 4 + 2
    assert {v["layer"]["name"] for v in slots if v["layer"]} == {"dense", "dense_1"}


@needs_tensorflow
def test_the_optimizer_that_is_asked_for(plan_of):
    done = plan_of("model = make(); sys.exit(0)", "--optimizer", "sgd", "--format", "json")
    plan = json.loads(done.stdout)
    assert plan["optimizer"] == "SGD"
    momentum = [v for v in plan["variables"] if v["kind"] == "optimizer" and v["layer"]]
    assert momentum == []


@needs_tensorflow
def test_the_line_is_the_one_that_called_keras(plan_of):
    """Not that of a `call` of the script's, which Keras runs."""
    end = (
        "class Net(keras.Model):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.dense = keras.layers.Dense(512)\n"
        "    def call(self, given):\n"
        "        return self.dense(given)\n"
        "def main():\n"
        "    Net()(x)\n"
        "main()"
    )
    done = plan_of(end)
    assert "planned up to `Net()(x)`" in " ".join(done.stdout.split())
    assert "401,920 parameters in 2 weights" in done.stdout


@needs_tensorflow
def test_each_weight_has_the_slots_of_one_optimizer(plan_of):
    """A Sequential has a functional model inside, and another model may be around both."""
    end = "keras.Sequential([keras.Input((784,)), make(), keras.layers.Dense(5)]); sys.exit(0)"
    plan = json.loads(plan_of(end, "--optimizer", "adam", "--format", "json").stdout)
    slots = [v for v in plan["variables"] if v["kind"] == "optimizer"]
    assert sum(slot["parameters"] for slot in slots) == 2 * (PARAMETERS + 100 * 5 + 5) + 2


@needs_tensorflow
def test_an_optimizer_that_there_is_not(plan_of):
    done = plan_of("model = make(); sys.exit(0)", "--optimizer", "adamant")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "buildtrace: error: --optimizer adamant: Keras has none of this name"
    )


@needs_tensorflow
@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("make(); open('tokens.model')", "FileNotFoundError: [Errno 2] No such file"),
        ("make(); 1 / 0", "ZeroDivisionError: division by zero"),
        ("make(); sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_script_that_fails_is_planned_as_far_as_it_came(plan_of, end, said):
    done = plan_of(end)
    told = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert f"the script failed at model.py:{SCRIPT.count(chr(10)) + 1}: {said}" in told
    assert f"{PARAMETERS:,} parameters in 4 weights" in told


@needs_tensorflow
@pytest.mark.parametrize(
    ("memory", "end", "code"), [("1GiB", "1 / 0", 2), ("1KB", "1 / 0", 1), ("1GiB", "0", 0)]
)
def test_whether_a_part_of_a_model_fits_is_no_answer(plan_of, memory, end, code):
    assert plan_of(f"make(); {end}", "--device-memory", memory).returncode == code


@needs_tensorflow
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("keras", ["3", pytest.param("2", marks=pytest.mark.slow)])
def test_weights_that_were_to_be_loaded_are_passed_over(plan_of, tmp_path, there, keras):
    if environment.package_of(keras) is None:
        pytest.skip(f"Keras {keras} is not installed")
    if there:
        (tmp_path / "model.weights.h5").write_bytes(b"no weights")
    end = "make().load_weights('model.weights.h5'); make().fit(x, y)"
    done = plan_of(end, keras=keras)
    told = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert "passed over what load_weights was to load, model.weights.h5" in told
    assert f"{2 * PARAMETERS:,} parameters in 8 weights" in told
    assert "which needs values" in told


@needs_tensorflow
def test_a_script_that_built_nothing(plan_of):
    done = plan_of("raise SystemExit(1)")
    assert done.returncode == 2
    assert "No weight was made" in done.stdout


@needs_tensorflow
def test_on_keras_2(plan_of):
    if environment.package_of("2") is None:
        pytest.skip("Keras 2 is not installed")
    done = plan_of("make().fit(x, y)", "--format", "json", keras="2")
    plan = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert plan["amount"]["memory"]["weights"] == 4 * PARAMETERS
    kept = sum(
        v["parameters"] for v in plan["variables"] if v["kind"] == "optimizer" and v["layer"]
    )
    assert kept == 2 * PARAMETERS
