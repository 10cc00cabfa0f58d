"""Runs of scripts under the command, recorded and live."""

from __future__ import annotations

import functools
import itertools
from collections import Counter

import pytest
from generations_fixtures import imported_once, k

from diagnosis.recordings import Live, Recorded, RecordedRuns
from diagnosis.scripts import can_run, servers

__all__ = ["imported_once", "k"]  # fixtures


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """`server("keras2").run(source)` runs a script in a process of its own, and gives its trace."""
    with servers(tmp_path_factory.mktemp("scripts")) as server:
        yield server


@pytest.fixture(scope="session")
def recorded_runs(request):
    """`recorded_runs(name, generation)` gives a module's recorded runs; what is new is written."""
    modules = functools.cache(RecordedRuns)
    used = []

    def runs(name, generation):
        used.append(modules(name, generation))
        return used[-1]

    yield runs
    for module in dict.fromkeys(used):  # many tests use one module
        module.write()


@pytest.fixture(params=["recorded", pytest.param("live", marks=pytest.mark.slow)])
def runner(request, recorded_runs):
    """`runner("keras2").run(source)` gives the run of a script: a recorded one, in CI a live one.

    With `--record` it is run, and recorded.
    """
    recording = request.config.getoption("--record", default=False)
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_")

    def run_on(generation):
        runs = recorded_runs(name, generation)
        if request.param == "recorded" and not recording:
            return Recorded(runs)
        if not can_run(generation):
            pytest.skip(f"{generation} is not installed")
        server = request.getfixturevalue("server")
        return Live(server(generation), runs, _case(request.node.name), recording=recording)

    return run_on


def _case(test):
    """A test's name without the parameters that all tests of scripts have."""
    name, _, parameters = test.removesuffix("]").partition("[")
    common = ("recorded", "live", "keras2", "keras3", "jax")
    own = [parameter for parameter in parameters.split("-") if parameter not in common]
    return f"{name}[{'-'.join(own)}]" if own else name


@pytest.fixture
def noted(record_property):
    """`noted(trace)` has the notes of a trace counted in the summary: they fail no test."""

    def count(trace):
        codes = sorted(f.code for f in trace.findings if f.severity == "note")
        record_property("notes", codes)

    return count


def pytest_addoption(parser):
    parser.addoption(
        "--record",
        action="store_true",
        help="run the scripts of the rules' tests on the installed Keras, and record these runs",
    )
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write anew what the rules say of the recorded runs",
    )


def pytest_terminal_summary(terminalreporter):
    """The notes that models without a fault have, and how many such models there are."""
    reports = [r for rs in terminalreporter.stats.values() for r in rs if _is_of_a_call(r)]
    all_properties = [dict(report.user_properties) for report in reports]
    lists = [properties["notes"] for properties in all_properties if "notes" in properties]
    if lists:
        counts = Counter(itertools.chain.from_iterable(lists))
        text = ", ".join(f"{code} {number} times" for code, number in sorted(counts.items()))
        terminalreporter.write_line(f"sound models: {len(lists)}; notes: {text or 'none'}")


def _is_of_a_call(report):
    return getattr(report, "when", None) == "call"
