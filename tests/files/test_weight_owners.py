"""Whose an array is, where the installed Keras writes no such file."""

from __future__ import annotations

from buildtrace.files.configs import layers_of
from buildtrace.files.contents import Store, StoredArray
from buildtrace.files.weight_owners import Owners
from files import made


def owners(config, paths, **store):
    arrays = [StoredArray(tuple(path.split("/")), (1,), "float32", 4) for path in paths]
    known = Owners(layers_of(config), Store(arrays=arrays, **store))
    found = [known.of(array) for array in arrays]
    return [owner.layer.name if owner.layer else owner.state for owner in found]


def test_tensorflow_2_13_lists_layers_with_weights_twice():
    """As its files are: layers without weights take one number, others two."""
    empty = {**made.dense("empty")}
    config = made.sequential(*map(made.dense, ("a", "b")), empty, *map(made.dense, ("c", "d")))
    old = "_layer_checkpoint_dependencies"
    paths = [f"{old}/{group}/vars/0" for group in ("dense", "dense_2", "dense_5", "dense_7")]
    assert owners(config, paths) == ["a", "b", "c", "d"]


def test_a_model_in_a_model_is_counted_by_itself():
    inner = made.sequential(*map(made.dense, ("x", "y")), name="inner")
    config = made.sequential(made.dense("a"), inner, made.dense("b"))
    old = "_layer_checkpoint_dependencies"
    inside = f"{old}/sequential/{old}"
    paths = [f"{old}/dense/vars/0", f"{inside}/dense/vars/0", f"{inside}/dense_2/vars/0"]
    assert owners(config, [*paths, f"{old}/dense_2/vars/1"]) == ["a", "x", "y", "b"]
    paths = ["layers/sequential/layers/dense_1/vars/0", "layers/dense_1/vars/0"]
    assert owners(config, paths) == ["y", "b"]


def test_the_name_in_a_file_decides():
    config = made.sequential(*map(made.dense, ("a", "b")))
    names = {"layers/dense/vars": "b", "layers/dense_1/vars": "a"}
    paths = ["layers/dense/vars/0", "layers/dense_1/vars/0"]
    assert owners(config, paths, names=names) == ["b", "a"]


def test_names_with_slashes():
    config = made.sequential(*map(made.dense, ("block", "block/a", "block/a/b")))
    paths = [
        "model_weights/block/block/kernel:0",
        "model_weights/block/a/block/a/kernel:0",
        "model_weights/block/a/b/block/a/b/kernel:0",
    ]
    assert owners(config, paths, is_legacy=True) == ["block", "block/a", "block/a/b"]


def test_a_layer_that_is_called_as_what_is_no_weight():
    metrics = {**made.dense("m"), "class_name": "Metrics"}
    config = made.sequential(metrics)
    assert owners(config, ["layers/metrics/vars/0", "metrics/mean/vars/0"]) == ["m", "metrics"]
