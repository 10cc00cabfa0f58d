"""The benchmarks run, at their smallest: no time is asserted, what they measure is."""

from __future__ import annotations

import gc
import importlib.util
import re
import subprocess
import sys

import pytest
from scenarios import GENERATIONS

import buildtrace
from benchmarks import (
    build,
    child,
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
    timing,
)
from benchmarks.workloads import WORKLOADS

KERAS = GENERATIONS[-1].generation
PROFILERS = {"cProfile", *(["viztracer"] if importlib.util.find_spec("viztracer") else [])}


def test_a_run_is_compared_with_the_plain_runs_around_it():
    times = iter([2.0, 6.0, 4.0, 10.0, 6.0, 9.0, 3.0, 2.0, 7.0])
    order = []

    def run(name):
        order.append(name)
        return next(times)

    others = {"a": lambda: run("a"), "b": lambda: run("b")}
    ratios = timing.compare(lambda: run("plain"), others, rounds=2)
    assert order == ["plain", "a", "plain", "b", "plain", "b", "plain", "a", "plain"]
    # The plain runs take 2, 4, 6, 3 and 7: the first of "a" has 2 | 4, 6 around it, and so on.
    assert ratios == {"a": [6 / 4, 2 / 6], "b": [10 / 3.5, 9 / 5]}


def test_the_time_ends_a_comparison_but_not_too_early():
    ratios = timing.compare(lambda: 1.0, {"a": lambda: 2.0}, rounds=9, seconds=0, least=3)
    assert ratios == {"a": [2.0, 2.0, 2.0]}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="frames are objects of their own here")
def test_runs_begin_at_different_places_on_the_stack():
    places = set()

    def work():
        frame = sys._getframe(1)
        places.add(frame.f_code.co_stacksize)
        assert frame.f_code.co_name == "_run"

    for _ in range(20):
        assert timing.cpu(work) >= 0
    assert len(places) > 10
    assert all(0 < place < timing.CHUNK for place in places)


def test_quartiles():
    assert timing.spread([5.0, 1.0, 3.0, 2.0, 4.0]) == (3, 2, 4, 5)
    assert timing.spread([7.0]) == (7, 7, 7, 1)


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5e-6, "2.5 µs"), (0.0123, "12.3 ms"), (12.345, "12.35 s")]
)
def test_durations(seconds, text):
    assert timing.duration(seconds) == text


@pytest.mark.slow
def test_build():
    found = child.measure("build", KERAS, workload="MLP", rounds=1, seconds=0)
    assert found["ratios"].keys() == {"traced", "untraced again"} | PROFILERS
    assert found["calls"] > 10
    assert 0 < found["in hooks"] < 0.5
    assert build._row("MLP", KERAS, found).count("|") == build.HEAD.count("|")


OF_KERAS = {"MobileNetV2", "EfficientNetB0", "ResNet50"}
"""Workloads that are Keras' own, under the same name in each generation: one will do."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workload", "k"),
    [
        pytest.param(workload, k, id=f"{workload}-{k.name}")
        for workload in WORKLOADS
        for k in GENERATIONS
        # A thousand layers take two minutes, and are the MLP's.
        if workload != "1,000 Dense" and (workload not in OF_KERAS or k is GENERATIONS[-1])
    ],
)
def test_each_workload_is_built(workload, k):
    k.keras.backend.clear_session()
    with buildtrace.trace() as trace:
        WORKLOADS[workload](k)
    assert len(trace.calls) > 10


@pytest.fixture
def nothing_is_frozen(monkeypatch):
    """In this process, other tests look at what the garbage collector knows."""
    monkeypatch.setattr(timing, "settle", gc.collect)


@pytest.mark.slow
def test_steady_state(nothing_is_frozen):
    found = steady.measure(GENERATIONS[-1], rounds=1, calls=2, steps=2, many=4)
    assert found["call"]["ratios"].keys() == {"traced", "untraced again"}
    assert len(found["nothing"]["ratios"]["nothing"]) == 1
    assert found["grown"]["traced"]["recorded"] == 0


@pytest.mark.slow
def test_memory(nothing_is_frozen):
    found = memory.measure(GENERATIONS[-1], workload="MLP")
    assert found["calls"] > 10
    assert 100 < found["trace"] / found["calls"] < 10_000


def test_the_size_of_an_object_is_that_of_all_it_holds_once():
    text = "text of some length"
    inner = [text, text]
    expected = sys.getsizeof(text) + sys.getsizeof(inner) + sys.getsizeof((inner, inner))
    assert memory.size((inner, inner)) == expected


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("tensorflow"), reason="the script uses tf.keras")
def test_first_line():
    assert 0 < first_line.measure("MLP", KERAS) < 60


def test_startup():
    taken = startup.measure(1)
    assert {"python -c pass", "buildtrace --help"} <= taken.keys()
    assert all(len(figures["cpu"]) == 1 for figures in taken.values())


def test_enabled_start():
    plain, ratios = enabled_start.measure(1)
    assert plain > 0
    assert all(len(figures) == 1 for figures in ratios.values())
    names = {*enabled_start.OFF, *enabled_start.ON, "not enabled, again"}
    assert ratios.keys() == names


@pytest.mark.slow
def test_pytest_start():
    taken = pytest_start.measure(1)
    assert taken.keys() == pytest_start.COMMANDS.keys()
    for plain, ratios in taken.values():
        assert plain > 0
        assert {name: len(figures) for name, figures in ratios.items()} == {
            "with": 1,
            "without again": 1,
        }


@pytest.mark.parametrize("name", comparing.PAIRS)
def test_comparing(name):
    make, change = comparing.PAIRS[name]
    left = make(300)
    right = change(left)
    states = {step.state for step in left.diff(right).steps}
    assert (states == {"same"}) == (name == "itself")
    assert set(comparing.measure(left, right, 1)) == {"compared", "shown"}
    assert name in comparing.table([100], 1)


def test_diagnosing():
    trace = diagnosing.with_states(300)
    assert len(trace.states) > 20
    assert diagnosing.seconds(trace, 1) > 0
    assert f"{len(trace.calls):,} calls" in diagnosing.table([300], 1)


def test_rendering():
    taken = rendering.measure(rendering.synthetic(100), 1)
    assert taken.keys() >= {"tree", "tree, --full", "SVG", "JSON out", "JSON in"}


@pytest.mark.parametrize("size", [100, 1000])
def test_synthetic_traces_have_the_size_that_they_say(size):
    trace = rendering.synthetic(size)
    assert len(trace.calls) == pytest.approx(size, rel=0.2)
    (graph,) = trace.graphs
    assert len(graph.nodes) == len(graph.edges) + 1 == len(trace.roots)


def test_many_nodes_and_a_step_late():
    (graph,) = html_page.many_nodes(50).graphs
    assert len(graph.nodes) == len(graph.edges) + 1 == 51
    assert html_page.stepping([n / 1000 for n in range(101)]) == "50 ms, 95 ms"
    assert html_page.stepping([]) == "none"


def test_a_chain_of_many_layers():
    (graph,) = html_page.many_layers(50).graphs
    assert len(graph.nodes) == len(graph.edges) + 1 == 50


@pytest.mark.browser
@pytest.mark.skipif(bool(html_page.missing()), reason=html_page.missing())
def test_html_pages():
    # In a process of its own: another test may have a browser open in this one.
    command = [sys.executable, child.ROOTS[1] / "benchmarks", "--quick", "--only", "html"]
    done = subprocess.run(command, env=child.environ(), capture_output=True, text=True, check=True)
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == [
        "| page of",
        "| MLP",
        "| 100 calls",
        "| 100 layers in a row",
        "| 100 Dense",
    ]
    assert {len(row) for row in rows} == {11}
    steps = [cell.rstrip(" |") for row in rows[1:] for cell in row[7:]]
    assert all(re.fullmatch(r"[\d.]+ (µs|ms|s), [\d.]+ (µs|ms|s)", cell) for cell in steps), steps


def test_hard_graphs():
    (one,), (skips,) = rendering.one_to_many().graphs, rendering.long_skips().graphs
    assert len([edge for edge in one.edges if edge.source == 0]) == 42
    assert len([edge for edge in skips.edges if edge.target - edge.source > 1]) == 38


def test_the_command():
    command = [sys.executable, child.ROOTS[1] / "benchmarks", "--quick", "--only", "startup"]
    done = subprocess.run(command, env=child.environ(), capture_output=True, text=True, check=True)
    assert "| `buildtrace --help` |" in done.stdout
