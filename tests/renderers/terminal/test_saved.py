"""The tree of a saved file's layers."""

import pytest
from msgspec.structs import replace

from buildtrace.renderers import Options, to_text
from buildtrace.traces.schema import SavedFile, SavedLayer, Weight
from buildtrace.traces.trace import Trace


def chain(number, within=None, first=0):
    return [
        SavedLayer(id=first + n, within=within, name=f"dense_{n}", class_name="Dense")
        for n in range(number)
    ]


def saved(layers, weights=(), **more):
    file = SavedFile(name="x.keras", format="keras", size=10, layers=tuple(layers), **more)
    return Trace(saved=file, weights=tuple(weights))


def weight(number, layer, size):
    return Weight(
        id=number,
        call=None,
        layer=layer,
        name="0",
        path=f"layers/l{layer}/vars/{number}",
        shape=(size,),
        dtype="float32",
        trainable=True,
    )


ROOT = SavedLayer(id=0, name="model", class_name="Sequential")


def test_a_layer_has_the_parameters_of_what_is_in_it():
    inner = SavedLayer(id=2, within=1, name="inner", class_name="Dense")
    trace = saved(
        [ROOT, SavedLayer(id=1, within=0, name="wrapper", class_name="Wrapper"), inner],
        [weight(0, 2, 1_000), weight(1, 1, 234)],
    )
    lines = to_text(trace, width=80).splitlines()
    rows = {line.split(" (")[0].strip("├└│ "): line.rsplit(" ", 1)[-1] for line in lines}
    assert (rows["model"], rows["wrapper"], rows["inner"]) == ("1,234", "1,234", "1,000")


@pytest.mark.parametrize("full", [False, True])
def test_many_alike_are_folded(full):
    trace = saved([ROOT, *chain(300, within=0, first=1)])
    text = to_text(trace, Options(full=full), width=80)
    shown = sum("(Dense)" in line for line in text.splitlines())
    assert (shown == 300) == full
    assert (f"Folded: {300 - shown} of 301 layers; --full shows all." in text) != full


def test_depth_counts_all_that_it_hides():
    trace = saved([ROOT, *chain(1, within=0, first=1), *chain(1, within=1, first=2)])
    text = to_text(trace, Options(depth=1), width=80)
    assert "Folded: 2 of 3 layers" in text
    assert "dense_0" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    facts = {"activation": "relu" * 30, "units": "3"}
    layers = [ROOT, replace(chain(1, 0, 1)[0], name="long" * 30, facts=facts)]
    layers += [replace(one, name=one.name * 20) for one in chain(100, 0, 2)]
    long = replace(weight(0, 1, 3), path="/".join(["a"] * 90))
    text = to_text(saved(layers, [long], notes=("x " * 200,)), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "a/a  (3,) float32" in text  # of a path, the end is kept


def test_a_chain_that_is_nested_very_deeply():
    layers = [
        SavedLayer(id=n, within=n - 1 if n else None, name=f"l{n}", class_name="X")
        for n in range(5_000)
    ]
    text = to_text(saved(layers), width=80)
    assert "l4999 (X)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_weights_of_no_layer_are_shown_as_well():
    assert "layers/l7/vars/0" in to_text(saved([ROOT], [weight(0, 7, 3)]), width=80)


def test_an_empty_file():
    text = to_text(saved([], has_config=False), width=80)
    assert "0 parameters in 0 weights" in text
