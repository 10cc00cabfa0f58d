"""What a plain `pytest` leaves out of a test that has many cases."""

from __future__ import annotations

from collections import Counter

import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest deselects what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all but every n-th case of a test that is marked `sampled(n)`.

    All cases together take longer than one waits for after each change; CI runs them all. They are
    counted from the last one, which is on the newest Keras. An n that divides neither the number of
    generations nor that of another parameter's values gets to all of them in turn.
    """
    seen: Counter[str] = Counter()
    for item in reversed(items):
        sampled = item.get_closest_marker("sampled")
        if sampled is None or item.get_closest_marker("slow") or _is_skipped(item):
            continue
        test = item.nodeid.partition("[")[0]
        if seen[test] % sampled.args[0]:
            item.add_marker("slow")
            item.add_marker("rest")
        seen[test] += 1


def _is_skipped(item: pytest.Item) -> bool:
    """Whether its marks say so, as where a generation is not installed."""
    skips = [mark for mark in item.iter_markers("skipif") if True in mark.args]
    return bool(skips or item.get_closest_marker("skip"))
