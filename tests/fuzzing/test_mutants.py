"""Mutants of traces, by the thousand in CI: refused in one line or shown, and nothing else."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fuzzing.trial import FaultError, Outcome, check_output

TESTS = Path(__file__).parents[1]

FEW = range(6, 12)
"""Seeds that are tried in a plain run."""

MANY, EACH = 2_000, 100
"""So many mutants are tried in CI, that many in one test."""


def tried(first, last):
    """How the trials of these seeds ended, by number."""
    path = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    done = subprocess.run(
        [sys.executable, "-m", "fuzzing", str(first), str(last)],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [Outcome(*json.loads(line)) for line in done.stdout.splitlines()]
    assert [outcome.seed for outcome in outcomes] == list(range(first, last)), done.stderr
    for outcome in outcomes:
        assert outcome.word in ("refused", "shown"), (
            f"{outcome.word}; `cd tests && python -m fuzzing {outcome.seed}` tries it again\n"
            f"{outcome.details}"
        )
    return Counter(outcome.word for outcome in outcomes)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a trial is forked")
def test_a_few_mutants():
    words = tried(FEW.start, FEW.stop)
    assert words["refused"]
    assert words["shown"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a trial is forked")
@pytest.mark.parametrize("first", range(0, MANY, EACH))
def test_many_mutants(first):
    words = tried(first, first + EACH)
    assert words["refused"] > EACH / 10
    assert words["shown"] > EACH / 5


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("--view tree", "\x1b[2J"),
        ("--view tree", "\u202e"),
        ("--format txt", "\x9b2J"),
        ("--format dot", "\x1b"),
        ("--format chrome", "{"),
        ("--view source", "def build(self): '4f1ac0f3d2'"),
        ("notebook", {"text/html": "4f1ac0f3d2"}),
    ],
)
def test_a_trial_sees_what_must_not_come_out(name, output):
    with pytest.raises((FaultError, ValueError)):
        check_output(name, output)
