# ruff: noqa: RUF001 - shapes are told with a multiplication sign
"""What stands above the views of what Keras was told of devices."""

import made_traces
import msgspec
import pytest

from buildtrace.renderers import Options, to_text
from buildtrace.renderers.page import build_page
from buildtrace.traces.schema import Distribution, LayoutPattern, VariableLayout

DATA = {
    "class_name": "DataParallel",
    "mesh_axes": ("batch",),
    "mesh_shape": (8,),
    "batch_axis": "batch",
}
MODEL = {
    "class_name": "ModelParallel",
    "mesh_axes": ("batch", "model"),
    "mesh_shape": (2, 4),
    "patterns": (LayoutPattern(pattern=".*kernel"), LayoutPattern(pattern=".*bias")),
}


def spread(**more):
    trace = made_traces.mlp3()
    distribution = Distribution(id=0, **more)
    layout = VariableLayout(distribution=0, axes=((), ("model",)), pattern=0)
    first = msgspec.structs.replace(trace.weights[0], layout=layout, placement="(None, model)")
    weights = (first, *trace.weights[1:])
    return msgspec.structs.replace(trace, distributions=(distribution,), weights=weights)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (DATA, "DataParallel on 8 devices (batch)"),
        (MODEL, "ModelParallel on 2 × 4 devices (batch, model): 2 layouts in its map"),
        ({"class_name": "Mine\n"}, "Mine\\n on 1 device"),
    ],
)
def test_the_distribution_is_said_once(more, line):
    lines = to_text(spread(**more), Options(), width=100).splitlines()
    assert lines.count(line) == 1
    assert lines.index(line) < 4


def test_how_a_weight_is_split_is_in_the_table():
    rows = to_text(spread(**MODEL), Options(views=("weights",)), width=200).splitlines()
    assert "placement" in next(row for row in rows if row.startswith("weight"))
    assert next(row for row in rows if row.startswith("dense/kernel")).endswith("(None, model)")


def test_the_page_says_it():
    page = build_page.render(spread(**MODEL), Options())
    assert "ModelParallel on 2 × 4 devices (batch, model): 2 layouts in its map" in page


def test_nothing_is_said_where_none_was_set():
    assert " devices" not in to_text(made_traces.mlp3(), Options(), width=100)
