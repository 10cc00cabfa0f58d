"""How long `buildtrace --help` takes, beside another tracer's and Python itself."""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
import tempfile
import time

from benchmarks import child, timing

COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import argparse'": ("-c", "import argparse"),
    "buildtrace --help": ("-m", "buildtrace", "--help"),
    "viztracer --help": ("-m", "viztracer", "--help"),
}


def measure(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Wall and CPU seconds of each command; they take turns."""
    taken: dict[str, dict[str, list[float]]] = {
        name: {"wall": [], "cpu": []}
        for name in COMMANDS
        if "viztracer" not in name or importlib.util.find_spec("viztracer")
    }
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name, figures in taken.items():
                wall, cpu = _run(COMMANDS[name], folder)
                if number:  # the first time, files are read from the disk
                    figures["wall"].append(wall)
                    figures["cpu"].append(cpu)
    return taken


def _run(arguments: tuple[str, ...], folder: str) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=child.environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(rounds: int) -> str:
    """A row for each command."""
    lines = [
        "| start | time | CPU time | CPU time beside python -c pass |",
        "|---|---|---|---|",
    ]
    taken = measure(rounds)
    plain = timing.spread(taken["python -c pass"]["cpu"]).median
    for name, figures in taken.items():
        wall, cpu = (timing.spread(figures[kind]).median for kind in ("wall", "cpu"))
        times = timing.duration(wall), timing.duration(cpu), f"{cpu / plain:.2f}"
        lines.append(f"| `{name}` | {' | '.join(times)} |")
    return "\n".join(lines)
