"""The program's garbage is its own affair: how it has set the collector is how it stays."""

import gc

import pytest

import buildtrace


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was_after_a_tracing_that_ends_or_is_interrupted(
    monkeypatch, enabled
):
    during = []

    def diagnose(trace):
        during.append(gc.isenabled())
        if len(during) == 1:
            raise KeyboardInterrupt
        return ()

    monkeypatch.setattr("buildtrace.diagnosis.diagnose", diagnose)
    if not enabled:
        gc.disable()
    try:
        with pytest.raises(KeyboardInterrupt), buildtrace.trace():
            pass
        assert during == [False, False]
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
