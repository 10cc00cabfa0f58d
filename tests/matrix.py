"""Which tests run on every version of Keras and of Python: read by noxfile.py and conftest.py."""

from __future__ import annotations

from pathlib import PurePosixPath

ANYWHERE = ("tests/examples", "tests/cli/test_real_keras.py")
OF_THE_SYSTEM = tuple(
    f"tests/capture/test_{name}.py"
    for name in (
        "forks",
        "interrupted_builds",
        "interrupts",
        "odd_objects",
        "overlaps",
        "recorder_faults",
    )
)
"""Modules of tests/capture that depend on the operating system more than on Keras."""

OF_KERAS = (
    "tests/capture",
    "tests/diagnosis/test_backends.py",
    "tests/files/test_models.py",
    "tests/testing/test_round_trip.py",
    *ANYWHERE,
)
"""What depends on Keras' version, but for `OF_THE_SYSTEM`."""

OF_PYTHON = (
    *(
        f"tests/capture/test_{name}.py"
        for name in (
            "witness",
            "faithful_errors",
            "faithful_inspection",
            "faithful_process",
            "faithful_warnings",
            "left_behind",
            "callers",
            "raised_at",
            "recorder_faults",
        )
    ),
    *ANYWHERE,
)
"""What depends on Python's: frames, tracebacks, signatures, the recursion limit."""


def runs_on_each_keras(path: str) -> bool:
    """Whether a file of tests, by its path in the project, is among these."""
    if path in OF_THE_SYSTEM:
        return False
    return any(PurePosixPath(path).is_relative_to(tests) for tests in OF_KERAS)
