"""Where variables lie, in few words; no Keras and no backend is needed for it."""

from types import SimpleNamespace

import pytest

from buildtrace.generations import placement


class Variable:
    """Like one of TensorFlow; it must not be asked for what it does not have."""

    def __init__(self, device=None, values=None, inner=None):
        if device is not None:
            self.device = device
        if values is not None:
            self._values = tuple(map(Variable, values))
        if inner is not None:
            self._variable = inner

    def __getattr__(self, name):
        assert name == "device", f"{name} would be read from the value"
        raise AttributeError(name)


@pytest.fixture(autouse=True)
def many_devices(monkeypatch):
    monkeypatch.setattr(placement, "_has_one_device", lambda: False)


def local(*devices):
    return [f"/job:localhost/replica:0/task:0/device:{device}" for device in devices]


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        (local("CPU:0", "CPU:1"), "/CPU:0,1"),
        (local("CPU:0"), "/CPU:0"),
        (local("GPU:3", "GPU:0"), "/GPU:0,3"),
        (local(*(f"GPU:{n}" for n in range(8))), "/GPU:0-7"),
        (local("GPU:0", "GPU:1", "CPU:0"), "/CPU:0 /GPU:0,1"),
        (["/job:worker/replica:0/task:2/device:GPU:1"], "/worker:2/GPU:1"),
        (["/job:ps/replica:0/task:0/device:CPU:0"], "/ps:0/CPU:0"),
        ([""], None),
    ],
)
def test_a_mirrored_variable_says_all_its_devices(devices, words):
    assert placement.of_tensorflow(Variable(values=devices)) == words
    assert placement.of_tensorflow(Variable(inner=Variable(values=devices))) == words


class ShardedVariable:
    """Like TensorFlow's: it has parts, and no device of its own."""

    def __init__(self, *devices):
        self._variables = [*map(Variable, devices)]


def test_a_variable_in_parts_says_where_all_of_them_are():
    parts = [f"/job:ps/replica:0/task:{task}/device:CPU:0" for task in (1, 0, 1)]
    assert placement.of_tensorflow(ShardedVariable(*parts)) == "/ps:0/CPU:0 /ps:1/CPU:0"


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (local("CPU:0")[0], None),
        ("/device:CPU:0", None),
        ("", None),
        (local("CPU:1")[0], "/CPU:1"),
        (local("GPU:0")[0], "/GPU:0"),
        ("/job:worker/replica:0/task:0/device:CPU:0", "/worker:0/CPU:0"),
    ],
)
def test_one_device_is_said_if_it_is_not_the_usual_one(device, words):
    assert placement.of_tensorflow(Variable(device)) == words
    assert placement.of_tensorflow(Variable(inner=Variable(device))) == words


def test_what_has_no_value_yet_lies_nowhere():
    assert placement.of_value(None) is None


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (SimpleNamespace(axes=("model", "batch")), "(model, batch)"),
        (SimpleNamespace(axes=[None, "model"]), "(None, model)"),
        (SimpleNamespace(axes=("model",)), "(model,)"),
        (SimpleNamespace(axes=()), "()"),
        (SimpleNamespace(spec=(("data", "model"), None)), "((data, model), None)"),
        (SimpleNamespace(sharding_specs=["unsharded", "x"]), "(None, x)"),
        (SimpleNamespace(mesh=1), "SimpleNamespace"),
    ],
)
def test_a_layout_says_its_axes_and_not_its_mesh(layout, words):
    assert placement.of_layout(layout) == words
