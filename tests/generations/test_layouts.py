"""Layouts as plain data, of objects that are made as Keras and JAX make them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from buildtrace.generations import layouts

distribution_lib = pytest.importorskip("keras.src.distribution.distribution_lib")


@pytest.mark.parametrize(
    ("layout", "axes"),
    [
        (SimpleNamespace(axes=(None, "model")), ((), ("model",))),
        (SimpleNamespace(spec=(None, "model")), ((), ("model",))),
        (SimpleNamespace(axes=()), ()),
        (SimpleNamespace(spec=(("batch", "model"), None)), (("batch", "model"), ())),
        (SimpleNamespace(spec=(["batch"],)), (("batch",),)),
        (SimpleNamespace(), ()),
    ],
)
def test_the_axes_of_a_layout(layout, axes):
    assert layouts.mesh_axes(layout) == axes


def layout_map(**entries):
    made = distribution_lib.LayoutMap(None)
    for pattern, layout in entries.items():
        made[pattern] = layout
    return made


def test_which_entry_a_layout_was_taken_from():
    one, other = (distribution_lib.TensorLayout((None,)) for _ in range(2))
    made = layout_map(kernel=one, bias=other)
    assert layouts.pattern_of(made, made["kernel"], "kernel") == "kernel"
    assert layouts.pattern_of(made, made["bias"], "bias") == "bias"
    assert layouts.pattern_of(made, distribution_lib.TensorLayout((None,)), "bias") is None


def test_which_of_two_entries_with_one_layout():
    """Keras itself is asked, of a map of each entry alone."""
    shared = distribution_lib.TensorLayout((None,))
    made = layout_map(**{".*kernel": shared, ".*bias": shared, "a/bias": shared})
    for path, pattern in {"a/kernel": ".*kernel", "b/bias": ".*bias", "a/bias": "a/bias"}.items():
        assert layouts.pattern_of(made, made[path], path) == pattern


def test_what_is_no_layout_map_has_no_entries():
    for odd in (None, SimpleNamespace(), SimpleNamespace(_layout_map=3)):
        assert layouts.layout_map(SimpleNamespace(_layout_map=odd)) is None
    assert layouts.layout_map(object()) is None


def test_a_distribution_without_a_mesh():
    facts = layouts.distribution_facts(object())
    assert facts == ("object", (), (), "")
