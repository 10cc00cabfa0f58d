"""Keras' scopes for inferring shapes, as an abstract build uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from scenarios import Keras


def test_what_runs_in_it_infers_a_shape(k: Keras) -> None:
    if k.generation == 2:
        pytest.skip("Keras 2 has none")
    from buildtrace.abstract.inference import in_inference, shape_inference

    assert not in_inference()
    with shape_inference():
        assert in_inference()
    assert not in_inference()
