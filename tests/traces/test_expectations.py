import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.traces.expectations import fits, meets
from buildtrace.traces.schema import Expected


@pytest.mark.parametrize(
    ("wanted", "shape", "met"),
    [
        (Expected(axes={-1: 192}), (2, 768), False),
        (Expected(axes={-1: 192}), (2, 192), True),
        (Expected(axes={-1: 192}), (2, None), True),
        (Expected(axes={3: 5}), (2, 5), True),
        (Expected(min_ndim=2), (5,), False),
        (Expected(min_ndim=2), (5, 5, 5), True),
        (Expected(max_ndim=2), (5, 5, 5), False),
        (Expected(ndim=4), (5, 5, 5), False),
        (Expected(ndim=3), (5, 5, 5), True),
        (Expected(shape=(None, 8)), (3, 8), True),
        (Expected(shape=(None, 8)), (3, 9), False),
        (Expected(shape=(None, 8)), (3, 8, 1), False),
        (Expected(ndim=4, axes={-1: 3}), None, True),
        (Expected(), (), True),
    ],
)
def test_what_a_layer_wants(wanted, shape, met):
    assert meets(wanted, shape) == met


@pytest.mark.parametrize(
    ("one", "other", "fit"),
    [
        ((2, 3), (7, 3), True),
        ((2, 3), (2, 4), False),
        ((2, 3), (2, 3, 1), False),
        ((2, None), (2, 4), True),
        (None, (2, 4), True),
    ],
)
def test_the_batch_may_be_of_any_size(one, other, fit):
    specs = [() if s is None else s for s in (one, other)]
    pair = [
        replace(made_traces.spec(*s), shape=w) for s, w in zip(specs, (one, other), strict=True)
    ]
    assert fits((pair[0],), (pair[1],)) == fit
