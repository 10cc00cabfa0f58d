"""Layouts over devices, on JAX: sound ones of which nothing is said, and faults in other forms."""

from __future__ import annotations

import importlib.util

import pytest

from diagnosis.examples import reported
from diagnosis.recordings import Live
from diagnosis.scripts import JAX
from diagnosis.spreading import FAULTS, HEAD, SOUND


def run(runner, body):
    on_jax = runner(JAX)
    if (
        isinstance(on_jax, Live)
        and "keras_hub" in body
        and not importlib.util.find_spec("keras_hub")
    ):
        pytest.skip("needs keras_hub")
    return on_jax.run(HEAD + body)


@pytest.mark.parametrize("body", SOUND.values(), ids=SOUND)
def test_nothing_is_said_of_a_sound_layout(runner, body):
    ran = run(runner, body)
    assert ran.code == 0, ran.output
    assert reported(ran.trace) == []
    assert [finding.code for finding in ran.trace.findings if finding.code >= "BT9"] == []
    if "model =" in body:
        assert any(weight.layout for weight in ran.trace.weights)


@pytest.mark.parametrize(("codes", "body"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(runner, codes, body):
    ran = run(runner, body)
    found = [finding for finding in ran.trace.findings if finding.code >= "BT9"]
    assert [finding.code for finding in found] == codes.split()
    for finding in found:
        assert finding.caller is not None
        assert finding.caller.file == str(ran.path)
        assert "# here" in ran.source.splitlines()[finding.caller.line - 1]
