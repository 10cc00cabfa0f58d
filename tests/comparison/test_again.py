"""A program against itself, run after run: nothing differs, whatever it makes up as it runs."""

from __future__ import annotations

import random
import string
import threading
import uuid

import pytest
from scenarios import GENERATIONS

import buildtrace

RUNS = 10


def word():
    """A name that nobody can tell from a user's own."""
    return "".join(random.SystemRandom().choices(string.ascii_lowercase, k=8))


def with_names(make_name):
    def build(k):
        data = k.Input((8,), name=make_name())
        branches = [k.layers.Dense(n, name=make_name())(data) for n in (4, 6)]
        both = k.layers.Concatenate(name=make_name())(branches)
        return k.Model(data, k.layers.Dense(2, name=make_name())(both), name=make_name())

    return build


def with_dictionaries(k):
    """Inputs, layers and outputs by name, in an order that is another one each time."""
    names = ["first", "second", "third"]
    random.SystemRandom().shuffle(names)
    inputs = {name: k.Input((len(name),), name=name) for name in names}
    layers = {name: k.layers.Dense(4, name=f"of_{name}") for name in sorted(names)}
    outputs = {name: layers[name](inputs[name]) for name in sorted(names)}
    both = k.layers.Add(name="sum")([outputs[name] for name in sorted(names)])
    return k.Model(
        {name: inputs[name] for name in sorted(names)},
        {"total": k.layers.Dense(1, name="total")(both), "parts": both},
        name="net",
    )


def in_threads(k):
    """Models built at the same time, in whatever order they come to be."""
    models = []

    def build(units):
        model = k.Sequential([k.layers.Dense(units), k.layers.Dropout(0.1), k.layers.Dense(2)])
        model.build((None, 3))
        models.append(model)

    threads = [threading.Thread(target=build, args=(units,)) for units in (4, 8, 16)]
    for thread in random.SystemRandom().sample(threads, 3):
        thread.start()
    for thread in threads:
        thread.join()
    return models


def traced(make, k):
    with buildtrace.trace() as trace:
        models = make(k)
    del models
    return trace


PROGRAMS = {
    "words": (with_names(word), False),
    "numbers": (with_names(lambda: f"layer_{uuid.uuid4().hex}"), True),
    "identities": (with_names(lambda: f"layer_{id(object()) + random.randrange(10**6)}"), True),
    "dictionaries": (with_dictionaries, True),
    "threads": (in_threads, True),
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("k", GENERATIONS, ids=lambda k: k.name)
@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_differs_in_ten_runs(name, k):
    make, names = PROGRAMS[name]
    first = traced(make, k)
    for _ in range(RUNS - 1):
        difference = first.diff(traced(make, k), names=names)
        assert difference.same, str(difference)
        assert str(difference) == "the same build"
