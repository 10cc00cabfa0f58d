"""Where the weights of real models lie, against what the script has asked for."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scenarios import GENERATIONS, Keras, mlp

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = str(Path(buildtrace.__file__).parents[1])

DEVICES = """\
import os, sys
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
"""
STRICT = """\
import warnings
warnings.filterwarnings("error", "buildtrace could not read")
"""
SERVERS = """\
import socket

def address():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"

cluster = tf.train.ClusterSpec({"worker": [address()], "ps": [address(), address()]})
tasks = [("worker", 0), ("ps", 0), ("ps", 1)]
servers = [tf.distribute.Server(cluster, kind, index, protocol="grpc") for kind, index in tasks]
resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
SHARDS = tf.distribute.experimental.partitioners.FixedShardsPartitioner(2)

def served(partitioner=None):
    return tf.distribute.ParameterServerStrategy(resolver, partitioner)
"""
MODEL = """
central = tf.distribute.experimental.CentralStorageStrategy

def model():
    layers = [keras.layers.Dense(2), keras.layers.BatchNormalization()]
    return keras.Sequential([keras.Input((4,)), *layers])
"""
RUN = """
import os
import buildtrace

def places(scope):
    with buildtrace.trace() as trace, scope:
        made = model()
    return sorted({str(weight.placement) for weight in trace.weights})

print([places(scope) for scope in (SCOPES)], flush=True)
os._exit(0)  # servers have no end
"""
LOCAL = {
    "contextlib.nullcontext()": ["None"],
    "tf.device('CPU:1')": ["/CPU:1"],
    "tf.distribute.OneDeviceStrategy('CPU:1').scope()": ["/CPU:1"],
    "tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1']).scope()": ["/CPU:0,1"],
    "tf.distribute.MirroredStrategy(['CPU:0']).scope()": ["/CPU:0"],
    "central(['CPU:0', 'CPU:1']).scope()": ["None"],
    "central(['CPU:0', 'CPU:1'], 'CPU:1').scope()": ["/CPU:1"],
}
PARTS = {"served(SHARDS).scope()": ["/ps:0/CPU:0 /ps:1/CPU:0"]}
APART = {"served(SHARDS).scope()": ["/ps:0/CPU:0", "/ps:1/CPU:0"]}
"""A layer of Keras 2 holds each part as a weight."""
WHOLE = {"served().scope()": ["/ps:0/CPU:0", "/ps:1/CPU:0"]}
WORKERS = {"tf.distribute.MultiWorkerMirroredStrategy().scope()": ["/worker:0/CPU:0"]}
CLUSTER = {"cluster": {"worker": ["localhost:0"]}, "task": {"type": "worker", "index": 0}}
MIXED = "keras.mixed_precision.set_global_policy('mixed_float16')\n"


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["", MIXED], ids=["float32", "mixed"])
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
@pytest.mark.parametrize("ways", [LOCAL, WORKERS], ids=["local", "workers"])
def test_devices_of_tensorflow(
    tmp_path: Path, k: Keras, ways: dict[str, list[str]], policy: str
) -> None:
    if not k.tensorflow:
        pytest.skip("for TensorFlow")
    if policy and ways is WORKERS:
        pytest.skip("as with one worker")
    env = dict(os.environ, PYTHONPATH=ROOT, TF_CPP_MIN_LOG_LEVEL="3")
    if ways is WORKERS:
        env["TF_CONFIG"] = json.dumps(CLUSTER)
    if policy and k.generation == 2:  # which refuses a policy of two types there
        ways = {way: place for way, place in ways.items() if not way.startswith("central")}
    program = f"{DEVICES}import {k.package} as keras\n{policy}{MODEL}"
    assert _places(program, ways, env, tmp_path) == [*ways.values()]


@pytest.mark.slow
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
@pytest.mark.parametrize("ways", [WHOLE, PARTS], ids=["whole", "in parts"])
def test_parameter_servers(tmp_path: Path, k: Keras, ways: dict[str, list[str]]) -> None:
    if not k.tensorflow:
        pytest.skip("for TensorFlow")
    if ways is PARTS and k.generation == 2:
        ways = APART
    env = dict(os.environ, PYTHONPATH=ROOT, TF_CPP_MIN_LOG_LEVEL="3")
    program = f"{STRICT}import tensorflow as tf\n{SERVERS}import {k.package} as keras\n{MODEL}"
    assert _places(program, ways, env, tmp_path) == [*ways.values()]


def _places(
    program: str, scopes: Iterable[str], env: dict[str, str], folder: Path
) -> list[list[str]]:
    """What the program's model says of its weights in each of these scopes."""
    run = RUN.replace("SCOPES", "".join(f"{scope}, " for scope in scopes))
    ran = subprocess.run(
        [sys.executable, "-c", f"import contextlib\n{program}{run}"],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    places: list[list[str]] = ast.literal_eval(ran.stdout.splitlines()[-1])
    return places


LAYOUTS = """\
import keras
from keras import distribution as D
mesh = D.DeviceMesh((2, 4), ("batch", "model"), D.list_devices())
layouts = D.LayoutMap(mesh)
layouts[".*dense.*/kernel"] = (None, "model")
layouts[".*dense.*/bias"] = ("model",)
D.set_distribution(D.ModelParallel(layout_map=layouts, batch_dim_name="batch"))

def model():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
"""


@pytest.mark.slow
def test_layouts_of_jax(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    env = dict(os.environ, PYTHONPATH=ROOT, KERAS_BACKEND="jax")
    env["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
    wanted = [["(None, model)", "(model,)"]]
    assert _places(LAYOUTS, ["contextlib.nullcontext()"], env, tmp_path) == wanted


def test_a_plain_model_lies_where_all_does(k: Keras) -> None:
    """Nothing is said of that: it would be said of each weight."""
    with buildtrace.trace() as trace:
        mlp(k).build((None, 3))
    assert {weight.placement for weight in trace.weights} == {None}
