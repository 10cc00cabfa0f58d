"""Small scripts for the tests of single rules, on each generation of Keras that is installed."""

from __future__ import annotations

import pytest

from diagnosis.scripts import installed

HEAD = """\
import numpy as np
import tensorflow as tf
from tensorflow import keras

x = np.ones((2, 3), "float32")
"""


def on(*generations):
    """For a test with the argument `generation`: these; the older one is for CI.

    Of a test with many scripts, every third is enough for a quick look.
    """
    generations_of_a_test = pytest.mark.parametrize(
        "generation",
        [
            pytest.param(
                generation,
                marks=[
                    *([pytest.mark.slow] if generation != max(generations) else []),
                    pytest.mark.skipif(generation not in installed(), reason="not installed"),
                ],
            )
            for generation in generations
        ],
    )
    return lambda test: pytest.mark.sampled(3)(generations_of_a_test(test))


on_both = on("keras2", "keras3")

needs_both = pytest.mark.skipif(len(installed()) < 2, reason="needs both generations of Keras")


def run(server, generation, body):
    """Run a script that has what `HEAD` has."""
    return server(generation).run(HEAD + body)


def findings(server, generation, body, code):
    """What one rule says of a script."""
    return [f for f in run(server, generation, body).trace.findings if f.code == code]


def alarms(server, generation, body):
    """Codes of the findings that fail a check."""
    found = run(server, generation, body).trace.findings
    return [finding.code for finding in found if finding.severity != "note"]
