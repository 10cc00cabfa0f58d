"""Assertions on how a model gets built, for tests: each takes a trace, and fails with its tree.

Only `assert_survives_saving` takes a model. They need no pytest. Layers go by their Keras name, or
by their class, which means all of that class: Keras numbers layers through all tests of a run, so
"dense" may be "dense_7" the next time.
"""

from __future__ import annotations

from buildtrace.testing.assertions import (
    assert_all_built,
    assert_build_matches,
    assert_built_once,
    assert_called_in_order,
    assert_no_findings,
    assert_parameters,
    assert_weights,
    assert_weights_made_in_build,
)
from buildtrace.testing.round_trip import assert_survives_saving

__all__ = [
    "assert_all_built",
    "assert_build_matches",
    "assert_built_once",
    "assert_called_in_order",
    "assert_no_findings",
    "assert_parameters",
    "assert_survives_saving",
    "assert_weights",
    "assert_weights_made_in_build",
]
