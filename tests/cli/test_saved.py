"""Files of saved models on the command line."""

import json

import pytest
from files import made

pytest.importorskip("h5py")


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A saved model with another one in it, in the folder that the test runs in."""
    monkeypatch.chdir(tmp_path)
    inner = made.sequential(made.dense(), name="inner")
    made.archive(tmp_path / "x.keras", made.sequential(inner, made.dense("last"), name="outer"))
    return "x.keras"


def test_a_saved_model_is_shown_on_stdout(cli, saved):
    result = cli(saved)
    assert (result.code, result.err) == (0, "")
    head, *_ = result.out.splitlines()
    assert head.startswith("x.keras · ")
    assert head.endswith("saved by keras 3.15.1 on 2026-01-02 03:04:05")
    assert "outer (Sequential)" in result.out
    assert "8 parameters in 2 weights, 32 bytes" in result.out


def test_a_saved_model_without_arguments_behind_it(cli, saved):
    result = cli(saved, "--view", "graph")
    assert result.code == 2
    assert f"buildtrace --view graph {saved}" in result.err


VIEWS = {
    "tree": "last (Dense)  units=2",
    "graph": "2 nodes · 1 connection",
    "weights": "layers/dense/vars/0",
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_views_of_a_saved_model(cli, saved, view):
    result = cli("--view", view, saved)
    assert (result.code, result.err) == (0, "")
    assert VIEWS[view] in result.out


WITHOUT_CALLS = [
    ["--view", "steps"],
    ["--view", "source"],
    ["--format", "chrome", "-o", "x"],
    ["--format", "speedscope", "-o", "x"],
]


@pytest.mark.parametrize("options", WITHOUT_CALLS)
def test_what_shows_calls_is_one_line(cli, saved, tmp_path, options):
    result = cli(*options, saved)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: a saved file has no calls")
    assert result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [saved]


def test_a_folder_of_pages_is_one_line(cli, saved, tmp_path):
    result = cli("-o", "pages/", saved)
    assert (result.code, result.out) == (2, "")
    assert "a saved file gets one page: -o " in result.err


def test_what_was_read_can_be_shown_again(cli, saved):
    first = cli(saved).out
    assert cli("-o", "x.json", saved).code == 0
    assert cli("x.json").out == first
    assert json.loads(open("x.json").read())["saved"]["name"] == "x.keras"  # noqa: PTH123, SIM115


def test_one_model_of_several(cli, saved):
    result = cli("--model", "inner", saved)
    assert result.code == 0
    assert "inner (Sequential)" in result.out
    assert "outer" not in result.out
    assert "last" not in result.out
    other = cli("--model", "nosuch", saved)
    assert "no model is called 'nosuch'" in other.err
    assert "outer (Sequential)" in other.out


def test_files_of_a_saved_model(cli, saved, tmp_path):
    names = ["x.svg", "x.dot", "x.mmd", "x.html", "x.txt"]
    result = cli(*(word for name in names for word in ("-o", name)), saved)
    assert (result.code, result.out) == (0, "")
    for name in names:
        assert "last" in (tmp_path / name).read_text()


def test_a_file_of_weights_has_no_picture(cli, saved, tmp_path):
    made.with_h5(tmp_path / "x.weights.h5", None)
    result = cli("-o", "x.svg", "x.weights.h5")
    assert (result.code, result.out) == (1, "")
    assert "does not say how its layers are connected" in result.err
    assert "architecture is not in the file" in cli("x.weights.h5").out


def test_a_saved_model_that_is_not_there(cli):
    result = cli("nosuch.keras")
    assert (result.code, result.err) == (2, "buildtrace: error: there is no file nosuch.keras\n")


@pytest.mark.parametrize("name", ["x.keras", "x.h5", "x.weights.h5", "x.hdf5"])
def test_a_damaged_file_is_one_line(cli, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"PK\x03\x04 and so on")
    result = cli(name)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"buildtrace: error: {name}: a damaged archive")
    assert result.err.count("\n") == 1


def test_a_folder_that_is_called_as_a_saved_model(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.keras").mkdir()
    (tmp_path / "x.keras" / "saved_model.pb").write_bytes(b"\0")
    result = cli("x.keras")
    assert (result.code, result.out) == (2, "")
    assert "x.keras is a SavedModel of TensorFlow" in result.err
    assert "name the script that builds or loads it" in result.err


def test_two_saved_models_are_compared(cli, saved, tmp_path):
    assert cli("diff", saved, saved).code == 0
    made.archive(tmp_path / "other.keras", made.sequential(made.dense("first"), name="outer"))
    result = cli("diff", "--only", "weights", saved, "other.keras")
    assert (result.code, result.err) == (1, "")
    told = " ".join(result.out.split())
    assert "layer 'last' (Dense) may be 'first' (Dense), renamed: both have (3, 2) and (2,)" in told
    assert cli("diff", "--only", "graph", saved, "other.keras").code == 2


def test_a_saved_model_is_not_run_twice(cli, saved):
    result = cli("diff", "--keras", "2,3", saved)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
