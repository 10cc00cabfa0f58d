"""What a trace tells of errors."""

from __future__ import annotations

from typing import Any

import pytest
from patches import patched_since, snapshot
from scenarios import (
    SCENARIOS,
    Keras,
    failing_layer,
    mlp,
)

import buildtrace


def test_the_error_that_ends_the_block_comes_out_and_is_recorded(k: Keras) -> None:
    with pytest.raises(ZeroDivisionError, match="no luck"), buildtrace.trace() as trace:
        k.Sequential([k.layers.Dense(2), failing_layer(k)]).build((None, 3))
    assert trace.error is not None
    assert trace.error.type == "ZeroDivisionError"
    failed = trace.failed
    assert failed is not None
    assert failed.name.endswith("Failing.build")
    assert failed.layer is not None
    assert [c.name for c in trace.ancestors(failed)][-1] == "Sequential.build"
    assert all(call.error for call in trace.ancestors(failed))


def test_a_swallowed_error_is_marked(k: Keras) -> None:
    (scenario,) = (s for s in SCENARIOS if s.name == "swallowed_exception")
    with buildtrace.trace() as trace:
        scenario.build(k, scenario.make(k))
    assert trace.error is None
    assert trace.failed is None
    failed = [call for call in trace.calls if call.error]
    assert [call.error.type for call in failed] == ["ZeroDivisionError"]
    assert failed[0].error.swallowed


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_in_the_middle_leaves_nothing_patched(
    k: Keras, kind: type[BaseException]
) -> None:
    class Interrupted(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            raise kind

        def call(self, inputs: Any) -> Any:
            return inputs

    before = snapshot()
    with pytest.raises(kind), buildtrace.trace() as trace:
        k.Sequential([k.layers.Dense(2), Interrupted()]).build((None, 3))
    assert not patched_since(before)
    assert trace.calls
    assert trace.find("Sequential.build")[0].error.type == kind.__name__
    # The next trace starts afresh.
    with buildtrace.trace() as trace:
        mlp(k).build((None, 3))
    assert [call.name for call in trace.roots] == ["Sequential.build"]


def test_a_built_layer_that_cannot_be_called_on_a_symbol(k: Keras) -> None:
    """Nothing is built in that call, but it is what the user has to see."""
    shared = k.layers.Dense(2, name="shared")
    shared(k.Input((3,)))
    wider = k.Input((4,))
    with pytest.raises(ValueError, match="shared"), buildtrace.trace() as trace:
        shared(wider)
    failed = trace.failed
    assert failed is not None
    assert failed.layer is not None
    assert failed.layer.name == "shared"
    assert failed.inputs[0].shape == (None, 4)
