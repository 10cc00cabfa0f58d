"""What `buildtrace enable` costs who traces nothing: Python's start with its line and without."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from environments import Environment

from benchmarks import timing

if TYPE_CHECKING:
    from collections.abc import Callable

OFF = {"enabled": {}, "enabled, BUILDTRACE=0": {"BUILDTRACE": "0"}}
ON = {"enabled, BUILDTRACE=1": {"BUILDTRACE": "1"}}


def measure(rounds: int) -> tuple[float, dict[str, list[float]]]:
    """CPU seconds of `python -c pass` without the line, and the ratios of the others to it."""
    plain: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        without = _runner(Environment(Path(folder, "without")), {}, plain)
        enabled = Environment(Path(folder, "enabled"))
        enabled.enable()
        others = {name: _runner(enabled, given, []) for name, given in (OFF | ON).items()}
        others["not enabled, again"] = without
        for run in others.values():  # the first time, files are read from the disk
            run()
        plain.clear()
        ratios = timing.compare(without, others, rounds)
    return statistics.median(plain), ratios


def _runner(
    environment: Environment, variables: dict[str, str], figures: list[float]
) -> Callable[[], float]:
    """A function that starts Python once and returns the CPU seconds; they are noted as well."""
    command = [str(environment.python), "-c", "pass"]
    given = environment.environ(**variables)

    def run() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command, cwd=os.sep, env=given, stdin=subprocess.DEVNULL, stdout=None, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return figures[-1]

    return run


def table(rounds: int) -> str:
    """A row for each way to start."""
    plain, ratios = measure(rounds)
    lines = [
        "| `python -c pass` | CPU time beside a Python that is not enabled |",
        "|---|---|",
        f"| not enabled | {timing.duration(plain)} |",
    ]
    lines += [f"| {name} | {timing.ratio(figures)} |" for name, figures in ratios.items()]
    return "\n".join(lines)
