"""What the command prints of all arms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_own.compare import Difference
    from keras_own.notes import ArmNote

OUTCOMES = ("passed", "failed", "skipped")
DIFF_LINES = 30
"""Of one difference: more is seldom read."""


def by_module(notes: dict[str, ArmNote]) -> list[str]:
    """A line for each module: how many of its tests passed, failed and were skipped in each arm."""
    counts = {arm: counts_of(note) for arm, note in notes.items()}
    modules = sorted({module for arm in counts.values() for module in arm})
    width = max(map(len, modules), default=0)
    head = f"{'/'.join(OUTCOMES):{width}} " + " ".join(f"{arm:>12}" for arm in notes)
    lines = [head + "   CPU in all"]
    for module in modules:
        cells = ["/".join(str(counts[arm][module][o]) for o in OUTCOMES) for arm in notes]
        same = "" if len(set(cells)) == 1 else "  <- differs"
        seconds = sum(
            test.cpu_seconds
            for note in notes.values()
            for name, test in note.tests.items()
            if module_of(name) == module
        )
        shown = " ".join(f"{cell:>12}" for cell in cells)
        lines.append(f"{module:{width}} {shown} {seconds:10.1f} s{same}")
    return lines


def counts_of(note: ArmNote) -> dict[str, Counter[str]]:
    """By module, how many tests ended how; a failing setup or teardown is a failure as well."""
    found: dict[str, Counter[str]] = {}
    for name, test in note.tests.items():
        if test.phases:  # warnings outside of any test have none
            ends = [line.split()[1] for line in test.phases if not line.startswith(" ")]
            outcome = next((o for o in ("failed", "skipped") if o in ends), "passed")
            found.setdefault(module_of(name), Counter())[outcome] += 1
    return DefaultCounts(found)


class DefaultCounts(dict[str, "Counter[str]"]):
    """Counts of modules, all of them zero if the module did not run."""

    def __missing__(self, module: str) -> Counter[str]:
        return Counter()


def module_of(test: str) -> str:
    return test.partition("::")[0].removesuffix(".py")


def by_arm(notes: dict[str, ArmNote]) -> list[str]:
    """A line for each arm: what it did and took."""
    return [
        f"{arm:8} {sum(bool(test.phases) for test in note.tests.values())} tests, "
        f"{note.cpu_seconds:.0f} s of CPU, {note.peak_mib} MiB, "
        f"{note.traces} traces of {sum(test.calls for test in note.tests.values())} calls"
        for arm, note in notes.items()
    ]


def as_text(arm: str, found: Sequence[Difference]) -> list[str]:
    """Every difference, as a diff that is cut if it is long."""
    texts = []
    for each in found:
        lines = each.lines[:DIFF_LINES]
        if len(each.lines) > DIFF_LINES:
            lines.append(f"… and {len(each.lines) - DIFF_LINES} lines more")
        head = f"{arm}: {each.test}: {each.aspect} differs"
        texts.append("\n    ".join([head, *lines]))
    return texts
