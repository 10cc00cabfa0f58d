"""Attributes that are worked out when first asked for."""

from __future__ import annotations

import threading

from buildtrace.traces.lazy import cached_property


class Sum:
    def __init__(self, *numbers, wait=lambda: None):
        self.numbers, self.wait, self.times = numbers, wait, 0

    @cached_property
    def total(self):
        """All of them."""
        self.times += 1
        self.wait()
        return sum(self.numbers)


def test_worked_out_once():
    one = Sum(1, 2)
    assert (one.total, one.total, one.times) == (3, 3, 1)
    vars(one).clear()
    one.numbers, one.times, one.wait = (4,), 0, lambda: None
    assert one.total == 4


def test_on_the_class():
    assert Sum.total.__doc__ == "All of them."


def test_no_one_waits_for_another():
    """As in a process that is forked off while another thread works something out."""
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        go_on.wait(60)

    slow = threading.Thread(target=lambda: Sum(1, wait=wait).total)
    slow.start()
    inside.wait(60)
    totals = []
    other = threading.Thread(target=lambda: totals.append(Sum(2).total))
    other.start()
    other.join(10)
    found = totals[:]
    go_on.set()
    slow.join(60)
    other.join(60)
    assert found == [2]
