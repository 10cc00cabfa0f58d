"""An exception at any landmark: users get what plain Keras gives, and the trace has the rest."""

from __future__ import annotations

import gc
import itertools
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from injected import EVENTS, Injector, Place, places_of
from loadings import LOADINGS
from patches import live_wrappers
from scenarios import GENERATIONS, SCENARIOS, Keras, data, mlp
from wellformed import faults_of, survives_a_file
from witness import Table

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable


def lazily_and_nested(k: Keras) -> Any:
    """Meets each landmark, and most where plain Keras 2 does not swallow what comes out."""
    x = k.Input((3,))
    inner = k.Model(x, k.layers.Dense(2)(x))
    k.Sequential([inner, k.layers.Dense(2)])(data(1, 3))
    return mlp(k)(data(1, 3))


def by_shape(k: Keras) -> Any:
    model = mlp(k)
    model.build((None, 3))
    return model


def by_connecting(k: Keras) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(2)(x))


class Strange(Exception):  # noqa: N818
    """Has no attributes, and no text."""

    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class Interrupt(BaseException):
    """Not even an Exception."""


@dataclass
class Outcome:
    """How a run ended: what the user got, and the way it came."""

    error: BaseException | None
    frames: list[tuple[str, str, int]]
    context: list[type]


def run(k: Keras, table: Table, build: Callable[[Keras], Any], place: int, error: Any) -> Outcome:
    """One run with `error` raised at this place; its own frames are no part of the outcome."""
    k.clear_session()
    error.__traceback__ = error.__context__ = error.__cause__ = None
    try:
        with Injector(table, place, error):
            build(k)
    except BaseException as got:
        frames = [
            (frame.f_code.co_filename, frame.f_code.co_name, line)
            for frame, line in traceback.walk_tb(got.__traceback__)
        ]
        chain = [type(e) for e in (got.__cause__, got.__context__)]
        got.__traceback__ = None
        return Outcome(got, frames[1:], chain)
    return Outcome(None, [], [])


def check(
    k: Keras, build: Callable[[Keras], Any], place: Place, make: Callable[[], BaseException]
) -> None:
    """The run with an exception at this place is the same traced as untraced."""
    table = Table(k.generation, k.root)
    ours, theirs = make(), make()
    plain = run(k, table, build, place.number, theirs)
    with buildtrace.trace() as trace:
        traced = run(k, table, build, place.number, ours)
    assert type(traced.error) is type(plain.error)
    assert (traced.error is ours) == (plain.error is theirs)
    assert traced.context == plain.context
    if sys.version_info >= (3, 11):
        assert traced.frames == plain.frames
    assert not faults_of(trace)
    assert survives_a_file(trace)
    if plain.error is not theirs:
        return  # Keras itself swallowed it, and may have stumbled over what it left behind
    path = failing_path(trace)
    if place.builds:
        assert path == list(place.path)
    else:
        assert path in ([], list(place.path))


def failing_path(trace: Any) -> list[str]:
    """The last root, and in each call the last one inside it, as long as they failed."""
    path, calls = [], trace.roots
    while calls and calls[-1].error is not None:
        path.append(calls[-1].name)
        calls = trace.children(calls[-1])
    return path


def one_of_each(places: list[Place], rank: int) -> list[Place]:
    """The first, or the last, moment of each kind."""
    kinds: dict[str, list[Place]] = {}
    for place in places:
        kinds.setdefault(place.name, []).append(place)
    return [found[rank] for found in kinds.values()]


@pytest.fixture
def nothing_stays(k: Keras) -> Any:
    limit = sys.getrecursionlimit()
    yield
    assert sys.getrecursionlimit() == limit
    gc.collect()
    assert not live_wrappers()
    with buildtrace.trace() as trace:
        by_shape(k)
    assert [call.name for call in trace.roots] == ["Sequential.build"]
    assert not [call for call in trace.calls if call.error]


OF_TRAINING = (
    *("Trainer.", "CompileLoss.", "CompileMetrics.", "Loss.", "BaseOptimizer."),  # Keras 3
    *("Model.comp", "LossesContainer.", "MetricsContainer.", "_BaseOptimizer.", "OptimizerV2."),
    "Metric.",
)
"""How the landmarks begin that no build meets."""

OF_LOADING = ("load_", "Model.load_", "deserialize_keras_object")
"""How those begin that only what comes from a file meets."""

NOT_MET = {
    "Operation.symbolic_call",
    "Model.build_from_config",
    "compute_output_spec",
    "Functional.call",
    "Sequential.call",
}
"""Landmarks that only some models meet."""


@pytest.mark.sampled(4)
@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("part", range(4))
def test_an_exception_at_each_landmark(k: Keras, part: int) -> None:
    table = Table(k.generation, k.root)
    places = one_of_each(places_of(table, lambda: lazily_and_nested(k)), 0)
    places = [place for place in places if place.event == "call"]
    others = (*OF_TRAINING, *OF_LOADING)
    names = {row.name for row in table.rows.values() if not row.name.startswith(others)}
    assert names - {p.path[-1] for p in places} <= NOT_MET
    for place in places[part::4]:
        check(k, lazily_and_nested, place, lambda: OSError("injected"))


def trained(k: Keras) -> Any:
    model = mlp(k)
    # Eagerly: of a step that TensorFlow converts, the interpreter runs other code.
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("event", ["call", pytest.param("return", marks=pytest.mark.slow)])
def test_an_exception_at_each_landmark_of_training(k: Keras, event: str) -> None:
    table = Table(k.generation, k.root)
    places = one_of_each(places_of(table, lambda: trained(k)), 0)
    places = [place for place in places if place.event == event]
    own = [place for place in places if place.path[-1].startswith(OF_TRAINING)]
    assert len(own) >= 7
    for place in own:
        check(k, trained, place, lambda: OSError("injected"))


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("event", ["call", pytest.param("return", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["load_stack", "load_weights_of_a_stack"])
def test_an_exception_at_each_landmark_of_loading(k: Keras, name: str, event: str) -> None:
    table = Table(k.generation, k.root)
    loading = next(loading for loading in LOADINGS if loading.name == name)
    made = loading.make(k)
    places = places_of(table, lambda: loading.build(k, made))
    places = [place for place in places if place.event == event]
    of_model = places[0 if event == "call" else -1]
    assert of_model.path[-1] == ("load_model" if name == "load_stack" else "Model.load_weights")
    *_, of_layer = [p for p in places if p.path[-1].endswith("load_own_variables")]
    configs = [p for p in places if p.path[-1] == "deserialize_keras_object"]
    for place in (of_model, *configs[:1], of_layer):
        check(k, lambda k: loading.build(k, made), place, lambda: OSError("injected"))


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    ("build", "events"),
    [
        pytest.param(by_shape, ("call", "return"), id="by_shape"),
        pytest.param(lazily_and_nested, ("return",), id="lazily_and_nested"),  # others: see above
    ],
)
def test_an_exception_at_either_end_of_each_landmark(
    k: Keras, build: Callable[[Keras], Any], events: tuple[str, ...]
) -> None:
    table = Table(k.generation, k.root)
    for place in one_of_each(places_of(table, lambda: build(k)), 0):
        if place.event in events:
            check(k, build, place, lambda: OSError("injected"))


KINDS: dict[str, Callable[[], BaseException]] = {
    "Exception": lambda: OSError("injected"),
    "BaseException": Interrupt,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": lambda: StopIteration(3),
    "RecursionError": lambda: RecursionError("injected"),
    "MemoryError": MemoryError,
    "no text": Strange,
}


@pytest.mark.sampled(3)
@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("kind", KINDS)
def test_exceptions_of_each_kind(k: Keras, kind: str) -> None:
    table = Table(k.generation, k.root)
    places = one_of_each(places_of(table, lambda: by_connecting(k)), -1)
    places = [
        place for place in places if place.name in ("entry of Dense.build", "exit of Dense.build")
    ]
    assert len(places) == 2
    for place in places:
        check(k, by_connecting, place, KINDS[kind])


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("event", EVENTS)
def test_one_exception_raised_again_and_again(k: Keras, event: str) -> None:
    """Some programs keep an exception and raise it whenever they need it."""
    kept = OSError("kept")
    table = Table(k.generation, k.root)
    places = places_of(table, lambda: by_connecting(k))
    number = next(p.number for p in places if p.path[-1] == "Dense.build" and p.event == event)
    plain = [run(k, table, by_connecting, number, kept) for _ in range(2)]
    with buildtrace.trace() as trace:
        traced = [run(k, table, by_connecting, number, kept) for _ in range(2)]
    for ours, theirs in zip(traced, plain, strict=True):
        assert ours.error is theirs.error is kept
        if sys.version_info >= (3, 11):
            assert ours.frames == theirs.frames
    assert [call.name for call in trace.roots] == ["Input", "Layer.__call__"] * 2
    assert [call.error.message for call in trace.roots if call.error] == ["kept"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_an_exception_at_the_last_of_each_landmark(which: Keras) -> None:
    """At its begin or its end, by turns, in the first of these models that comes by there."""
    met: set[str] = set()
    turns = itertools.cycle(EVENTS)
    for name in ("sequential_nested", "subclassed_eager", "subclassed_build", "operators", "lstm"):
        scenario = next(s for s in SCENARIOS if s.name == name)

        def build(k: Keras, scenario: Any = scenario) -> Any:
            return scenario.build(k, scenario.make(k))

        which.clear_session()
        table = Table(which.generation, which.root)
        last = one_of_each(places_of(table, lambda: build(which)), -1)
        for landmark in dict.fromkeys(place.path[-1] for place in last):
            if landmark not in met:
                met.add(landmark)
                ends = {place.event: place for place in last if place.path[-1] == landmark}
                check(which, build, ends[next(turns)], lambda: OSError("injected"))
    assert len(met) > 15
