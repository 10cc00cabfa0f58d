"""What is noted of one run of Keras' tests: plain data, the same for every arm."""

from __future__ import annotations

import msgspec


class TestNote(msgspec.Struct):
    """All of one test that must not depend on whether it is traced.

    Attributes:
        phases: how setup, call and teardown ended; of a failure also its type and text.
        warnings: category, text, file and line of each.
        output: what it wrote to stdout and stderr.
        state: what it left in the process: random states, Keras' counters of names, …
        calls: how many calls were recorded; for traced arms to agree on.
        cpu_seconds: of processor time; not compared.
    """

    __test__ = False  # the name is not to make pytest think that it is a test

    phases: list[str] = []
    warnings: list[str] = []
    output: str = ""
    state: dict[str, str] = {}
    calls: int = 0
    cpu_seconds: float = 0.0


class ArmNote(msgspec.Struct):
    """One run of all tests, or of some.

    Attributes:
        tests: by test id, without what changes from run to run.
        problems: what went wrong with tracing: traces that lack something, hooks left in Keras.
        traces: how many traces were made and written as JSON.
        cpu_seconds: of processor time.
        peak_mib: the most memory that the process had.
    """

    tests: dict[str, TestNote] = {}
    problems: list[str] = []
    traces: int = 0
    cpu_seconds: float = 0.0
    peak_mib: int = 0

    def add(self, other: ArmNote) -> None:
        """Take the tests of another process that ran the same arm."""
        self.tests |= other.tests
        self.problems += other.problems
        self.traces += other.traces
        self.cpu_seconds += other.cpu_seconds
        self.peak_mib = max(self.peak_mib, other.peak_mib)
