"""Trace files of earlier forms of version 1 load, and are shown as ever.

Each was written by an older commit of this repository, for the same program, and says in its name
what was new then: 81c6afa, 1cf6065, 9d059b3 and c243839. Folders were taken out of them, and Keras'
source code.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import schema_check

from buildtrace import renderers
from buildtrace.renderers import RENDERERS, VIEWS, Options
from buildtrace.traces import trace_file

DATA = Path(__file__).parent / "data"
NEW_KEYS = {
    "first": set(),
    "with_sources": {"sources"},
    "with_training": {"sources", "holders", "variables", "saved"},
    "with_distributions": {"sources", "holders", "variables", "saved", "distributions"},
}
"""The file → the keys that it has beyond the first."""

WEIGHTS = {
    "dense": {"kernel": (4, 3), "bias": (3,)},
    "layer_normalization": {"gamma": (3,), "beta": (3,)},
    "dense_1": {"kernel": (3, 2), "bias": (2,)},
    "side": {"kernel": (4, 2), "bias": (2,)},
}
"""What Dense and LayerNormalization make of 4 inputs in a block of 3 units, and of 2 outputs."""


@pytest.fixture(params=NEW_KEYS)
def old(request):
    return DATA / f"{request.param}.json.gz"


def data(path):
    return json.loads(gzip.decompress(path.read_bytes()))


def test_the_files_are_of_different_forms():
    assert {path.name.removesuffix(".json.gz") for path in DATA.iterdir()} == NEW_KEYS.keys()
    first = data(DATA / "first.json.gz").keys()
    for name, more in NEW_KEYS.items():
        assert data(DATA / f"{name}.json.gz").keys() - first == more


def test_it_is_as_the_schema_says(old):
    pytest.importorskip("jsonschema_rs", reason='pip install ".[test]"')
    assert schema_check.validator().is_valid(data(old))


def test_it_says_what_it_said(old):
    trace = trace_file.load(old)
    names = {ref.id: ref.name for call in trace.calls if (ref := call.layer)}
    weights = {}
    for weight in trace.weights:
        weights.setdefault(names[weight.layer], {})[weight.name] = weight.shape
    assert weights == WEIGHTS
    assert [call.name for call in trace.calls] == [call["name"] for call in data(old)["calls"]]
    (outer,) = [graph for graph in trace.graphs if graph.model.name == "towers"]
    assert [node.name for node in outer.nodes] == ["numbers", "tower", "side", "add"]


@pytest.mark.parametrize("view", VIEWS)
def test_views_show_it(old, view):
    text = renderers.to_text(trace_file.load(old), Options(views=(view,)))
    assert "tower" in text or view == "source"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", RENDERERS)
def test_formats_show_it(old, name):
    assert renderers.content(trace_file.load(old), name)


def test_it_is_written_as_a_file_of_now(old, tmp_path):
    trace = trace_file.load(old)
    trace.save(tmp_path / "new.json")
    assert trace_file.load(tmp_path / "new.json") == trace
