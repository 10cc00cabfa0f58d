"""Measures buildtrace and prints the README's tables: `python tests/benchmarks`.

`--quick` runs each measurement at its smallest, to see that it works; the figures mean little.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder is a package of the tests

from benchmarks import (
    build,
    comparing,
    diagnosing,
    enabled_start,
    first_line,
    html_page,
    memory,
    pytest_start,
    rendering,
    startup,
    steady,
    whole_command,
)
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK_WORKLOAD = "MLP"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smallest sizes")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MEASUREMENTS),
        metavar="NAME",
        help=f"one of {', '.join(MEASUREMENTS)}; repeatable",
    )
    parser.add_argument(
        "--keras",
        action="append",
        type=int,
        choices=(2, 3),
        metavar="N",
        help="only this generation",
    )
    parser.add_argument(
        "--workload",
        action="append",
        choices=list(WORKLOADS),
        metavar="NAME",
        help=f"one of {', '.join(WORKLOADS)}; repeatable",
    )
    parser.add_argument("--pairs", type=int, default=100, help="of runs of a build, at most")
    parser.add_argument(
        "--seconds",
        type=float,
        default=60,
        help=f"for a build, after which {build.LEAST} pairs are enough",
    )
    given = parser.parse_args()
    given.keras = given.keras or [2, 3]
    return given


def builds(given: argparse.Namespace) -> Iterator[str]:
    workloads = given.workload or ([QUICK_WORKLOAD] if given.quick else list(WORKLOADS))
    rounds, seconds = (1, 0) if given.quick else (given.pairs, given.seconds)
    return build.table(workloads, given.keras, rounds, seconds)


def whole_commands(given: argparse.Namespace) -> str:
    default = [QUICK_WORKLOAD] if given.quick else list(whole_command.SCRIPTS)
    names = [name for name in given.workload or default if name in whole_command.SCRIPTS]
    generations = given.keras[-1:] if given.quick else given.keras
    return whole_command.table(names, generations, 1 if given.quick else 9)


def steady_state(given: argparse.Namespace) -> str:
    sizes = {"rounds": 1, "calls": 10, "steps": 2, "many": 20}
    if not given.quick:
        sizes = {"rounds": 20, "calls": 200, "steps": 200, "many": 100_000}
    return steady.table(given.keras, **sizes)


def memory_of(given: argparse.Namespace) -> str:
    default = [QUICK_WORKLOAD] if given.quick else ["MLP", "ResNet50"]
    return memory.table(given.workload or default, given.keras)


def waiting(given: argparse.Namespace) -> str:
    model, rounds = (QUICK_WORKLOAD, 1) if given.quick else ("ResNet50", 5)
    return first_line.table(model, given.keras, rounds)


def starting(given: argparse.Namespace) -> str:
    return startup.table(1 if given.quick else 40)


def pytests_start(given: argparse.Namespace) -> str:
    return pytest_start.table(1 if given.quick else 40)


def enabled(given: argparse.Namespace) -> str:
    return enabled_start.table(1 if given.quick else 200)


def outputs(given: argparse.Namespace) -> str:
    sizes, rounds = ([100], 1) if given.quick else ([1_000, 10_000, 100_000], 5)
    return rendering.table(sizes, rounds)


def comparisons(given: argparse.Namespace) -> str:
    sizes, rounds = ([100], 1) if given.quick else ([1_000, 10_000], 5)
    return comparing.table(sizes, rounds)


def findings(given: argparse.Namespace) -> str:
    sizes, rounds = ([100], 1) if given.quick else ([1_000, 10_000], 5)
    return diagnosing.table(sizes, rounds)


def pages(given: argparse.Namespace) -> str:
    if given.quick:
        return html_page.table(given.keras[:1], 1, 10, ["MLP"], [100])
    return html_page.table(given.keras, 5, 200, list(html_page.EXAMPLES), [5_000])


MEASUREMENTS: dict[str, Callable[[argparse.Namespace], str | Iterator[str]]] = {
    "command": whole_commands,
    "build": builds,
    "steady": steady_state,
    "memory": memory_of,
    "first-line": waiting,
    "startup": starting,
    "pytest": pytests_start,
    "enabled": enabled,
    "rendering": outputs,
    "comparing": comparisons,
    "diagnosing": findings,
    "html": pages,
}


def main() -> None:
    given = arguments()
    print(f"Python {platform.python_version()}, {platform.platform()}", flush=True)
    for name in given.only or MEASUREMENTS:
        print(flush=True)
        table = MEASUREMENTS[name](given)
        for line in [table] if isinstance(table, str) else table:
            print(line, flush=True)


if __name__ == "__main__":
    main()
