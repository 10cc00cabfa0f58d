"""Files that a traced program saves hold what they hold untraced, and load in an untraced one."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from faithful import both, fresh
from scenarios import Keras, data

import buildtrace

if TYPE_CHECKING:
    from pathlib import Path


def shared_model(k: Keras, operation: bool) -> Any:
    """With a shared layer, an operation or a layer for it, a nested model and an optimizer."""
    x, y = k.Input((3,), name="x"), k.Input((3,), name="y")
    shared = k.layers.Dense(4, activation="relu")
    inner = k.Sequential([k.layers.Dense(3), k.layers.Dropout(0.1)])
    added = shared(x) + shared(y) if operation else k.layers.Add()([shared(x), shared(y)])
    model = k.Model([x, y], k.layers.Dense(2)(inner(added)))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)  # for its variables to be saved
    return model


INPUTS = [data(1, 3), data(1, 3)]


# -- what a file holds ------------------------------------------------------------------------


def in_hdf5(file: Any) -> dict[str, Any]:
    """Every group's and data set's attributes, and every value."""
    with h5py.File(file) as opened:
        found: dict[str, Any] = {"/": attributes(opened)}
        opened.visititems(lambda name, each: found.update({name: attributes(each)}))
        opened.visititems(
            lambda name, each: (
                found.update({f"{name} value": (each.dtype, each[()].tobytes())})
                if isinstance(each, h5py.Dataset)
                else None
            )
        )
    return found


def attributes(item: Any) -> dict[str, str]:
    return {name: repr(value) for name, value in item.attrs.items()}


def in_archive(path: Path) -> dict[str, Any]:
    """Every member of a .keras file; but for when it was saved."""
    found: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".h5"):
                found[name] = in_hdf5(io.BytesIO(content))
            elif name.endswith(".json"):
                found[name] = renumbered(json.loads(content))
                found[name].pop("date_saved", None)
            else:
                found[name] = content
    return found


def renumbered(content: Any) -> Any:
    """Keras numbers shared objects by their addresses: number them in order of appearance."""
    numbers: dict[int, int] = {}

    def walk(part: Any) -> Any:
        if isinstance(part, list):
            return [walk(each) for each in part]
        if not isinstance(part, dict):
            return part
        shared = part.get("shared_object_id")
        own = {"shared_object_id": numbers.setdefault(shared, len(numbers))} if shared else {}
        return {name: walk(each) for name, each in part.items()} | own

    return walk(content)


def in_saved_model(path: Path) -> dict[str, Any]:
    """The graphs' nodes, the objects, Keras' metadata and the values of the variables."""
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    functions = graph.graph_def.library.function
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    metadata = path / "keras_metadata.pb"
    return {
        "files": sorted(str(each.relative_to(path)) for each in path.rglob("*")),
        "nodes": sorted((unnumbered(n.name), n.op) for n in graph.graph_def.node),
        "functions": sorted(
            [unnumbered(f.signature.name), *(f"{n.name} {n.op}" for n in f.node_def)]
            for f in functions
        ),
        "signatures": sorted(unnumbered(str(s)) for s in graph.signature_def.items()),
        "objects": [
            sorted(child.local_name for child in node.children)
            for node in graph.object_graph_def.nodes
        ],
        "keras": unnumbered(repr(metadata.read_bytes())) if metadata.exists() else None,
        "variables": sorted(  # Keras 3 numbers them by the order of a set
            (
                re.sub(r"_all_variables/\d+", "_all_variables", name),
                reader.get_tensor(name).tobytes(),
            )
            for name in reader.get_variable_to_shape_map()
            if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
        ),
    }


def unnumbered(text: str) -> str:
    """TensorFlow numbers the functions and signatures of a process, whoever makes them."""
    return re.sub(r"_\d+\b", "", text)


def save_graph(k: Keras, model: Any, path: Path) -> None:
    if not k.tensorflow:
        pytest.skip("a SavedModel is TensorFlow's")
    if k.generation == 3:
        model.export(str(path), verbose=False)
    else:
        model.save(str(path), save_format="tf")


def save(k: Keras, model: Any, path: Path) -> None:
    model.save(str(path))


FORMATS = {
    ".keras": (save, in_archive),
    ".h5": (save, in_hdf5),
    ".weights.h5": (lambda k, model, path: model.save_weights(str(path)), in_hdf5),
    "": (save_graph, in_saved_model),
}


@pytest.mark.parametrize(
    "suffix",
    [*(s for s in FORMATS if s), pytest.param("", marks=pytest.mark.slow, id="SavedModel")],
)
def test_the_file_holds_the_same(k: Keras, suffix: str, tmp_path: Path) -> None:
    write, content = FORMATS[suffix]
    paths = iter([tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"])

    def run() -> dict[str, Any]:
        fresh(k)
        path = next(paths)
        write(k, shared_model(k, operation=True), path)
        return content(path)

    plain, traced = both(run)
    assert plain
    assert traced.keys() == plain.keys()
    for part in plain:
        assert traced[part] == plain[part], part


# -- in another process -----------------------------------------------------------------------

LOAD = """
import sys
import {package} as keras
import numpy as np
inputs = [np.ones((1, 3), "float32")] * 2
for path in sys.argv[1:]:
    if path.endswith("exported"):
        import tensorflow as tf
        model = tf.saved_model.load(path)  # to be kept: the function does not keep its variables
        predicted = model.serve(inputs)
    else:
        predicted = keras.models.load_model(path, compile=False)(inputs)
    print(np.array(predicted).tobytes().hex())
assert not [name for name in sys.modules if "buildtrace" in name]
"""


@pytest.mark.slow
def test_what_was_saved_while_traced_loads_in_an_untraced_process(k: Keras, tmp_path: Path) -> None:
    with buildtrace.trace():
        fresh(k)
        model = shared_model(k, operation=False)  # of which Keras 3 loads no .h5
        expected = np.array(model(INPUTS)).tobytes().hex()
        paths = [tmp_path / "model.keras", tmp_path / "model.h5"]
        for path in paths:
            model.save(str(path))
        if k.tensorflow:
            paths.append(tmp_path / ("exported" if k.generation == 3 else "saved"))
            save_graph(k, model, paths[-1])
    done = subprocess.run(
        [sys.executable, "-c", LOAD.format(package=k.package), *map(str, paths)],
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [expected] * len(paths)
