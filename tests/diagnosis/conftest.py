"""Servers that run scripts under the command."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from generations_fixtures import imported_once, k

from diagnosis.scripts import servers

__all__ = ["imported_once", "k"]  # fixtures


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """`server("keras2").run(source)` runs a script in a process of its own, and gives its trace."""
    with servers(tmp_path_factory.mktemp("scripts")) as server:
        yield server


@pytest.fixture
def noted(record_property):
    """`noted(trace)` has the notes of a trace counted in the summary: they fail no test."""

    def count(trace):
        codes = sorted(f.code for f in trace.findings if f.severity == "note")
        record_property("notes", codes)

    return count


def pytest_terminal_summary(terminalreporter):
    """The notes that models without a fault have, and how many such models there are."""
    reports = [r for rs in terminalreporter.stats.values() for r in rs if _is_of_a_call(r)]
    found = [dict(report.user_properties) for report in reports]
    lists = [properties["notes"] for properties in found if "notes" in properties]
    if lists:
        counts = Counter(itertools.chain.from_iterable(lists))
        text = ", ".join(f"{code} {number} times" for code, number in sorted(counts.items()))
        terminalreporter.write_line(f"sound models: {len(lists)}; notes: {text or 'none'}")


def _is_of_a_call(report):
    return getattr(report, "when", None) == "call"
