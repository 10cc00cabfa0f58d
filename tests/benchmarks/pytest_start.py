"""What the pytest plugin costs those who do not use it: pytest's start with it and without it."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from benchmarks import child, timing

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = {
    "pytest --version": ("--version",),
    "pytest, no tests": ("-q", "-p", "no:cacheprovider"),
}

WITHOUT = ("-p", "no:buildtrace")

NOTHING_COLLECTED = 5


def measure(rounds: int) -> dict[str, tuple[float, dict[str, list[float]]]]:
    """For each command: CPU seconds without the plugin, and the ratios of the others to it."""
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in COMMANDS.items():
            plain: list[float] = []
            without = _runner((*arguments, *WITHOUT), folder, plain)
            without()  # the first time, files are read from the disk
            others = {"with": _runner(arguments, folder, []), "without again": without}
            plain.clear()
            ratios = timing.compare(without, others, rounds)
            taken[name] = statistics.median(plain), ratios
    return taken


def _runner(arguments: tuple[str, ...], folder: str, figures: list[float]) -> Callable[[], float]:
    """A function that runs pytest once and returns the CPU seconds; they are noted as well."""

    def run() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=folder,
            env=child.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode in (0, NOTHING_COLLECTED), done.returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return figures[-1]

    return run


def table(rounds: int) -> str:
    """A row for each command."""
    lines = [
        "| start | without the plugin | with it | without it again |",
        "|---|---|---|---|",
    ]
    for name, (plain, ratios) in measure(rounds).items():
        told = " | ".join(timing.ratio(figures) for figures in ratios.values())
        lines.append(f"| `{name}` | {timing.duration(plain)} | {told} |")
    return "\n".join(lines)
