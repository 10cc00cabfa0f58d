"""Small scripts for the tests of single rules, on each generation of Keras."""

from __future__ import annotations

import pytest

from diagnosis import expected_edits

HEAD = """\
import numpy as np
import tensorflow as tf
from tensorflow import keras

x = np.ones((2, 3), "float32")
"""


def on(*generations):
    """For a test with the argument `generation`: these."""
    return pytest.mark.parametrize("generation", generations)


on_both = on("keras2", "keras3")


def run(runner, generation, body):
    """Run a script that has what `HEAD` has."""
    return runner(generation).run(HEAD + body)


def findings(runner, generation, body, code):
    """What one rule says of a script."""
    return [f for f in run(runner, generation, body).trace.findings if f.code == code]


def lines_that_come(ran, code):
    """What the edits of a rule's one finding put into a script, by lines."""
    (finding,) = [finding for finding in ran.trace.findings if finding.code == code]
    text = expected_edits.made(ran.source, finding) if finding.edits else ran.source
    return expected_edits.lines_that_come(ran.source, text)


def alarms(runner, generation, body):
    """Codes of the findings that fail a check."""
    findings = run(runner, generation, body).trace.findings
    return [finding.code for finding in findings if finding.severity != "note"]
