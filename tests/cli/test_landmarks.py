"""The landmark tables as a curriculum."""

import pytest

from buildtrace.cli import landmarks
from buildtrace.generations import GENERATIONS, installed


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.name)
def test_every_landmark_is_there_with_its_sentence(cli, generation):
    result = cli("landmarks", "--keras", generation.name[-1])
    words = " ".join(result.out.split())
    assert result.code == 0
    assert generation.title in result.out
    for row in landmarks.tables(generation.name[-1])[0][0].landmarks:
        assert row.name in result.out
        assert " ".join(row.summary.split()) in words


@pytest.mark.parametrize("info", installed(), ids=lambda info: f"{info.package} {info.version}")
def test_every_landmark_is_found_in_the_source(info):
    generation = next(g for g in GENERATIONS if g.name == info.generation)
    for row in generation.landmarks_of(info.version):
        found = landmarks.source_of(row, info)
        assert found is not None, row.target
        file, line = found
        lines = [text.strip() for text in file.read_text().splitlines()[line - 1 :]]
        name = row.target.rpartition(":")[2].rpartition(".")[2]
        assert next(text for text in lines if text.startswith("def ")).startswith(f"def {name}(")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_it_fits_the_terminal(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("landmarks", "--keras", "2").out.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)


def test_without_any_keras_all_is_shown(cli, monkeypatch):
    monkeypatch.setattr("buildtrace.generations.installed", list)
    text = cli("landmarks").out
    assert all(generation.title in text for generation in GENERATIONS)
    assert text.count("not installed here") == len(GENERATIONS)


def test_an_argument_too_many(cli):
    result = cli("landmarks", "x")
    assert result.code == 2
    assert "unrecognized arguments: x" in result.err
