"""BT803 on files that were given another name, and on others that Keras explains itself."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both, run

CODE = "BT803"

START = """
import shutil

def make():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

saved, model = make(), make()
"""


def case(save, name, copy, load):
    """A file is saved, gets another name, and is loaded: a script, and how it should be called."""
    return START + f'saved.{save}("{name}")\nshutil.copy("{name}", "{copy}")\n{load}("{copy}")\n'


MODEL, WEIGHTS = "keras.models.load_model", "model.load_weights"

RENAMED = {
    "an archive as .h5": case("save", "a.keras", "b.h5", MODEL),
    "an archive as .hdf5": case("save", "a.keras", "b.hdf5", MODEL),
    "an archive as .weights.h5": case("save", "a.keras", "b.weights.h5", WEIGHTS),
    "newer weights as .h5": case("save_weights", "a.weights.h5", "b.h5", WEIGHTS),
}

RENAMED_FOR_KERAS_3 = {
    "HDF5 as .keras": case("save", "a.h5", "b.keras", MODEL),
    "HDF5 as .keras, for its weights": case("save_weights", "a.weights.h5", "b.keras", WEIGHTS),
    "an older file as .weights.h5": case("save", "a.h5", "b.weights.h5", WEIGHTS),
}

CUT = (
    START
    + """
saved.save("a.keras")
with open("a.keras", "rb") as file:
    half = file.read()[:2000]
with open("b.keras", "wb") as file:
    file.write(half)
keras.models.load_model("b.keras")
"""
)

EXPLAINED = {
    "no such file": START + 'keras.models.load_model("nowhere.keras")',
    "no model in it": case("save_weights", "a.weights.h5", "b.h5", MODEL),
    "weights that do not fit": START
    + """
saved.save_weights("a.weights.h5")
other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
other.load_weights("a.weights.h5")
""",
    "more layers than in the file": START
    + """
saved.save("a.h5")
other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(2)])
other.load_weights("a.h5")
""",
}

WELL = {
    "copies": case("save", "a.keras", "b.keras", MODEL),
    "weights of an archive": case("save", "a.keras", "b.keras", WEIGHTS),
    "weights of an older file": case("save", "a.h5", "b.h5", WEIGHTS),
}


def found(runner, generation, body):
    """What is said of the last line of a script that fails."""
    ran = run(runner, generation, body)
    assert ran.code == 1
    (finding,) = [f for f in ran.trace.findings if f.severity != "note"]
    assert (finding.code, finding.severity) == (CODE, "error")
    assert finding.caller.line == len(ran.source.rstrip().splitlines())
    return finding


def remedied(body, finding):
    """The script with the remedy in place of its last line."""
    *lines, last = body.rstrip().splitlines()
    path = last.partition("(")[2].rstrip(")")
    fix = finding.fix.replace("path,", f"{path},").replace("sequential.", "model.")
    fix = fix.replace("sequential_1.", "model.")
    return "\n".join([*lines, fix, "assert model(x).shape == (2, 2)", ""])


@on_both
@pytest.mark.parametrize("body", RENAMED.values(), ids=RENAMED)
def test_a_name_that_ends_wrongly(runner, generation, body):
    finding = found(runner, generation, body)
    assert run(runner, generation, remedied(body, finding)).code == 0


@on("keras3")
@pytest.mark.parametrize("body", RENAMED_FOR_KERAS_3.values(), ids=RENAMED_FOR_KERAS_3)
def test_a_name_that_keras_2_does_not_mind(runner, generation, body):
    finding = found(runner, generation, body)
    assert run(runner, generation, remedied(body, finding)).code == 0


@on_both
def test_half_a_file(runner, generation):
    assert "cut off" in found(runner, generation, CUT).message


@on_both
@pytest.mark.parametrize("body", EXPLAINED.values(), ids=EXPLAINED)
def test_what_is_no_matter_of_names(runner, generation, body):
    assert run(runner, generation, body).code == 1
    assert findings(runner, generation, body, CODE) == []


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_a_name_that_ends_right(runner, generation, body):
    assert run(runner, generation, body).code == 0
    assert findings(runner, generation, body, CODE) == []
