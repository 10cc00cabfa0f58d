"""Weights as areas: whatever shape a trace says that they have."""

import pytest
from made_traces import mlp2
from msgspec.structs import replace

from buildtrace.renderers.drawing import weight_areas


@pytest.mark.parametrize(
    "shape", [(), (0,), (0, 3), (3, 0), (-1, 3), (None, 4), (1,) * 50, (2**62, 2**62)]
)
def test_an_area_has_sides_that_can_be_drawn(shape):
    area = weight_areas._area(replace(mlp2().weights[0], shape=shape))
    for side in (area.width, area.height):
        assert weight_areas.SHORTEST <= side <= weight_areas.LONGEST
