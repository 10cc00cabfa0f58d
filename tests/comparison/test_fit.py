"""Whether the weights of a saved file fit what the other side has."""

import pytest
from files import made
from msgspec.structs import replace

from buildtrace import files
from buildtrace.comparison import compare
from buildtrace.errors import UsageError

h5py = pytest.importorskip("h5py")


def stored(shapes, names=None):
    """A file's weights: path → shape; `names`: group → the name of its layer."""

    def fill(file):
        del file["layers"]
        for path, shape in shapes.items():
            file.create_dataset(path, shape, "f4")
        for group, name in (names or {}).items():
            file.require_group(f"{group}/vars").attrs["name"] = name

    return made.store(fill)


@pytest.fixture
def load(tmp_path):
    numbers = iter(range(100))

    def load(shapes, *names, config=True):
        layers = made.sequential(*map(made.dense, names))
        groups = ["layers/dense" + (f"_{n}" if n else "") for n in range(len(names))]
        weights = stored(shapes, dict(zip(groups, names, strict=True)))
        path = tmp_path / f"{next(numbers)}.{'keras' if config else 'h5'}"
        if config:
            made.archive(path, layers, weights)
        else:
            path.write_bytes(weights)
        return files.load(path)

    return load


FIRST = {"layers/dense/vars/0": (3, 2), "layers/dense/vars/1": (2,)}
SECOND = {"layers/dense_1/vars/0": (2, 1), "layers/dense_1/vars/1": (1,)}


def messages(left, right):
    difference = compare(left, right)
    assert difference.same == (not difference.changes)
    assert difference.kinds == ("weights",)
    return [change.message for change in difference.changes]


@pytest.mark.parametrize("config", [True, False])
def test_the_same_weights(load, config):
    left = load(FIRST | SECOND, "a", "b")
    assert messages(left, load(FIRST | SECOND, "a", "b", config=config)) == []


@pytest.mark.parametrize("config", [True, False])
def test_another_shape(load, config):
    other = {**FIRST, "layers/dense/vars/0": (4, 2)}
    left, right = load(FIRST | SECOND, "a", "b"), load(other | SECOND, "a", "b", config=config)
    (message,) = messages(left, right)
    assert "'a'" in message
    assert message.endswith("(3, 2) → (4, 2)")
    (message,) = messages(right, left)
    assert message.endswith("(4, 2) → (3, 2)")


@pytest.mark.parametrize("config", [True, False])
def test_a_layer_that_only_one_side_has(load, config):
    left, right = load(FIRST | SECOND, "a", "b"), load(FIRST, "a", config=config)
    assert messages(left, right) == ["layer 'b' (Dense) removed, with (2, 1) and (1,)"]
    (message,) = messages(right, left)
    assert message == "layer 'b' (Dense) added, with (2, 1) and (1,)"


def test_a_weight_that_only_one_side_has(load):
    left = load(FIRST, "a")
    right = load({"layers/dense/vars/0": (3, 2)}, "a")
    assert messages(left, right) == ["'a' (Dense) lacks (2,)"]
    assert messages(right, left) == ["'a' (Dense) has in addition (2,)"]


def test_numbers_that_keras_gave_do_not_count(load):
    left = load(FIRST | SECOND, "dense", "dense_1")
    assert messages(left, load(FIRST | SECOND, "dense_7", "dense_8")) == []
    assert len(messages(left, load(FIRST | SECOND, "head", "tail"))) == 2


@pytest.mark.parametrize("config", [True, False])
def test_a_layer_of_another_name_with_the_same_weights(load, config):
    left, right = load(FIRST | SECOND, "a", "b"), load(FIRST | SECOND, "a", "c", config=config)
    (message,) = messages(left, right)
    assert message.startswith("layer 'b' (Dense) may be ")
    assert message.endswith(", renamed: both have (2, 1) and (1,)")


def test_two_layers_with_the_same_weights_are_not_told_apart(load):
    twin = {name.replace("dense", "dense_1"): shape for name, shape in FIRST.items()}
    left, right = load(FIRST | twin, "a", "b"), load(FIRST | twin, "c", "d")
    changes = [m.split()[3] for m in messages(left, right)]
    assert changes == ["removed,", "removed,", "added,", "added,"]


def test_names_of_weights_where_both_sides_have_them(tmp_path):
    def file(name):
        def fill(root):
            del root["layers"]
            root["model_weights/a/a/" + name] = [1.0, 2.0]
            root.attrs["layer_names"] = ["a"]

        return files.load(made.with_h5(tmp_path / f"{name}.h5", fill))

    (message,) = messages(file("kernel"), file("weight"))
    assert message.endswith("renamed: kernel → weight")


def test_only_weights_are_compared(load):
    trace = load(FIRST, "a")
    assert compare(trace, trace, only=["weights"]).same
    with pytest.raises(UsageError, match="only weights are compared, not graph"):
        compare(trace, trace, only=["graph"])


def test_weights_that_could_not_be_read_are_not_missing(load):
    trace = load(FIRST, "a")
    unread = replace(trace, saved=replace(trace.saved, unread="pip install h5py"), weights=())
    with pytest.raises(UsageError, match="not known: pip install h5py"):
        compare(trace, unread)


def test_a_file_without_the_names_of_layers_is_one_line(load, tmp_path):
    nameless = files.load(made.with_h5(tmp_path / "x.weights.h5", None))
    with pytest.raises(UsageError, match="compare the whole model's file"):
        compare(load(FIRST, "a"), nameless)
