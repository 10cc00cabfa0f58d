"""What the attributes of a layer lead to, on plain objects in the place of layers and variables."""

from __future__ import annotations

from pathlib import PurePosixPath
from types import SimpleNamespace

from buildtrace.capture.reachable import reachable


class Layer:
    """Stands for Keras' layers."""


class Variable:
    """Stands for a variable."""


class Tools:
    def __init__(self, **held):
        vars(self).update(held)


ADAPTER = SimpleNamespace(
    layer_class=Layer,
    kind_of_variable=lambda thing: "Variable" if isinstance(thing, Variable) else "",
)


def ways(**held):
    layer = Layer()
    vars(layer).update(held)
    return [one.way for one in reachable(layer, ADAPTER)]


def test_containers_and_objects_of_the_users():
    held = {
        "plain": Variable(),
        "pair": (Layer(), 3),
        "table": {"a": [Variable()], ("no", "name"): Variable()},
        "tools": Tools(inner=Variable(), more=[Tools(last=Layer())]),
    }
    assert ways(**held) == [
        "plain",
        "pair[0]",
        "tools.inner",
        "table['a'][0]",
        "tools.more[0].last",
    ]


def test_each_thing_once_by_the_way_that_code_takes():
    one = Variable()
    assert ways(_hidden=one, seen=one, again=[one]) == ["seen"]


def test_nothing_is_looked_for_in_layers_and_in_objects_of_libraries():
    inner = Layer()
    inner.w = Variable()
    of_library = SimpleNamespace(w=Variable())
    of_python = PurePosixPath("a")
    assert ways(inner=inner, of_library=of_library, of_python=of_python, of=Tools) == ["inner"]


def test_a_ring_comes_to_an_end_and_what_is_far_away_is_left():
    ring = Tools(w=Variable())
    ring.ring = ring
    far = Tools(a=Tools(b=Tools(c=Tools(d=Variable()))))
    assert ways(ring=ring, far=far) == ["ring.w"]


def test_where_torch_has_its_attributes():
    assert ways(_parameters={"w": Variable()}, _modules={"inner": Layer()}, _tf_own=Layer()) == [
        "w",
        "inner",
    ]
