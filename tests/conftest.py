"""What a plain `pytest` leaves out: old generations, and most cases of a test that has many.

What no run needs is left out here as well.
"""

from __future__ import annotations

import functools
import gc
import importlib.metadata
import signal
import zlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest
from chromium import new_page
from forked import CAN_FORK
from schema_check import checked_by_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["checked_by_schema", "new_page"]  # fixtures

KINDS = frozenset({"slow", "rest", "browser"})
"""What is asked for with -m."""


class Slice(NamedTuple):
    """One of several parts that together hold all cases: `number` of `parts`, from 1."""

    number: int
    parts: int

    @classmethod
    def read(cls, text: str) -> Slice:
        """From "2/4"."""
        number, parts = map(int, text.split("/"))
        assert 1 <= number <= parts
        return cls(number, parts)

    def of(self, items: Iterable[pytest.Item]) -> set[pytest.Item]:
        """Those that are in it: of each module, and of each kind there, as many as in any other.

        Cases of one test take about as long. Dealt out in turn, parts take about as long as each
        other; each module begins with another part, or the first ones would get the most.
        """
        dealt: Counter[tuple[str, ...]] = Counter()
        found = set()
        for item in items:
            module = str(item.path)
            kind = (module, *sorted(KINDS & {mark.name for mark in item.iter_markers()}))
            turn = dealt[kind] + zlib.crc32(item.path.name.encode())
            dealt[kind] += 1
            if turn % self.parts == self.number - 1:
                found.add(item)
        return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slice",
        type=Slice.read,
        metavar="I/N",
        help="run the I-th of N parts that the tests are divided into, whatever they are about",
    )


def pytest_configure() -> None:
    """Have Ctrl-C end what the tests start: a shell starts programs in its background without."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest deselects what is slow
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as slow what is on an older Keras, and all but every n-th of what is `sampled(n)`.

    All cases together take longer than one waits for after each change; CI runs them all. They are
    counted from the last one.
    """
    seen: Counter[str] = Counter()
    for item in reversed(items):
        if item.get_closest_marker("slow") or _is_skipped(item):
            continue
        if _is_of_an_older_keras(item):
            _leave_to_ci(item)
        elif sampled := item.get_closest_marker("sampled"):
            test = item.nodeid.partition("[")[0]
            if seen[test] % sampled.args[0]:
                _leave_to_ci(item)
            seen[test] += 1
    part = config.getoption("--slice")
    left = {item for item in items if _is_needless(item)} | _on_the_other_keras(items)
    if part:
        left |= set(items) - part.of(item for item in items if item not in left)
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what was collected: thousands of tests, each time."""
    gc.collect()
    gc.freeze()


def _leave_to_ci(item: pytest.Item) -> None:
    item.add_marker("slow")
    item.add_marker("rest")


def _is_skipped(item: pytest.Item) -> bool:
    """Whether its marks say so, as where a generation is not installed."""
    skips = [mark for mark in item.iter_markers("skipif") if True in mark.args]
    return bool(skips or item.get_closest_marker("skip"))


def _is_of_an_older_keras(item: pytest.Item) -> bool:
    """Whether the test runs Keras 2, by one of its parameters, and there is a Keras 3 as well."""
    parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    older = _newest_generation() > 2
    return older and (
        any(getattr(value, "generation", None) == 2 for value in parameters.values())
        or parameters.get("keras") == "2"
        or ("server" in item.fixturenames and parameters.get("generation") == "keras2")
    )


def _is_needless(item: pytest.Item) -> bool:
    """Whether a program gets a Python of its own, with an older Keras that it is forked with too.

    That both ways end alike is seen on the newest Keras.
    """
    own = hasattr(item, "callspec") and item.callspec.params.get("python") == "anew"
    return own and CAN_FORK and _is_of_an_older_keras(item)


def _on_the_other_keras(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of tests that need one of the two generations, no matter which, one run of each two.

    These are scripts that are run live, and are recorded on both; and what the page does in a
    browser with the trace of the article's model. Which one is run is the same each time.
    """
    runs: dict[str, list[pytest.Item]] = {}
    for item in items:
        if generation := _generation_of_two(item):
            runs.setdefault(item.nodeid.replace(generation, "", 1), []).append(item)
    pairs = {test: found for test, found in runs.items() if len(found) == 2}
    return {found[zlib.crc32(test.encode()) % 2] for test, found in pairs.items()}


def _generation_of_two(item: pytest.Item) -> str:
    """The part of a test's name that says which generation it is run on, if one would do."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if item.path.parent.name == "browser":
        return str(parameters.get("mlp") or parameters.get("trained") or "")
    if "diagnosis" in item.path.parts and parameters.get("runner") == "live":
        return str(parameters.get("generation"))
    return ""


@functools.cache
def _newest_generation() -> int:
    try:
        return int(importlib.metadata.version("keras").partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return 0
