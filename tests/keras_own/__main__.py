"""`cd tests && python -m keras_own`: exit code 1 if a test of Keras' can tell that it is traced.

Keras 3's tests only: Keras 2 is installed without its own.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from keras_own import modules, report
from keras_own.arms import ArmFailedError, root_of, run_all
from keras_own.compare import confirmed, differences

if TYPE_CHECKING:
    from pathlib import Path

    from keras_own.compare import Difference
    from keras_own.notes import ArmNote

TRACED = ("session", "each")


def main() -> int:
    """Run all arms, print what differs, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m keras_own", description=__doc__)
    parser.add_argument("places", nargs="*", help="files or folders below keras/src")
    parser.add_argument("--quick", action="store_true", help="a selection: some 5 minutes of CPU")
    parser.add_argument("--more", action="store_true", help="tests of more of Keras: takes long")
    parser.add_argument("-k", metavar="EXPRESSION", help="only these tests, as for pytest")
    parser.add_argument(
        "--slice", metavar="I/N", default="1/1", help="every N-th file, from the I-th"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    options = parser.parse_args()
    chosen = modules.QUICK if options.quick else modules.MORE if options.more else modules.ALL
    number, parts = map(int, options.slice.split("/"))
    files = runnable(modules.test_files(tuple(options.places) or chosen)[number - 1 :: parts])
    notes = run_all(("plain", *TRACED), files, options.k, options.jobs)
    print("\n".join([*report.by_module(notes), "", *report.by_arm(notes), ""]), flush=True)
    faults = [f"{arm}: {problem}" for arm, note in notes.items() for problem in note.problems]
    faults += calls_faults(notes["session"], notes["each"])
    faults += what_differs(notes, files, options.k, options.jobs)
    print("\n".join(faults) or "No test can tell the difference.")
    return 1 if faults else 0


def runnable(files: list[Path]) -> list[Path]:
    """Those that need no package that is not installed; says which others there are.

    Raises:
        FileNotFoundError: none is left.
    """
    lacking = {file: package for file in files if (package := modules.lacks(file))}
    for file, package in lacking.items():
        print(f"not run, as {package} is not installed: {file.relative_to(root_of(files))}")
    if len(lacking) == len(files):
        raise FileNotFoundError("no test is left")
    return [file for file in files if file not in lacking]


def what_differs(
    notes: dict[str, ArmNote], files: list[Path], keyword: str | None, jobs: int
) -> list[str]:
    """Every difference that is there again in a second run; says so of those that are not.

    Some of Keras' tests depend on the time, or on addresses: their untraced runs differ as well.
    """
    found = {arm: differences(notes["plain"], notes[arm]) for arm in TRACED}
    concerned = [f for f in files if any(concerns(f, each) for arm in found for each in found[arm])]
    if not concerned:
        return []
    again = run_all(("plain", *(arm for arm in found if found[arm])), concerned, keyword, jobs)
    faults = []
    for arm in again.keys() & found:
        real, flaky = confirmed(found[arm], notes["plain"], again["plain"], again[arm])
        for each, why in flaky:
            print("\n".join(report.as_text(f"flaky, {why}", [each])))
        faults += report.as_text(arm, real)
    return faults


def concerns(file: Path, difference: Difference) -> bool:
    """Whether this is the test's file; a test that is in none concerns them all."""
    place = difference.test.partition("::")[0]
    return not place.endswith(".py") or file.as_posix().endswith(f"/{place}")


def calls_faults(session: ArmNote, each: ArmNote) -> list[str]:
    """Where the traced arms recorded different calls; and if nothing was traced at all."""
    if not any(test.calls for test in session.tests.values()):
        return ["nothing was traced: this run says nothing"]
    return [
        f"{name}: {test.calls} calls traced with one tracer for all, {each.tests[name].calls} alone"
        for name, test in session.tests.items()
        if name in each.tests and each.tests[name].calls != test.calls
    ]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ArmFailedError, FileNotFoundError) as error:
        sys.exit(f"keras_own: {error}")
