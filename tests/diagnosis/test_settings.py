"""`[tool.buildtrace]` in pyproject.toml."""

import pytest

from buildtrace.diagnosis.settings import Settings, codes, read
from buildtrace.errors import UsageError


@pytest.fixture
def project(tmp_path):
    def write(text, folder="."):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "pyproject.toml").write_text(text)
        return tmp_path / folder

    return write


def test_the_table(project):
    folder = project(
        '[tool.buildtrace]\nselect = ["bt1"]\nignore = ["BT105"]\nkeras = 3\n'
        '[tool.buildtrace.per-file-ignores]\n"tests/*" = ["ALL"]\n'
    )
    assert read(folder) == Settings(
        select=("BT1",),
        ignore=("BT105",),
        keras="3",
        per_file=(("tests/*", ("",)),),
        folder=folder.resolve(),
    )


def test_the_nearest_one_that_has_the_table(project):
    project("[tool.buildtrace]\nkeras = '2'\n")
    project("[tool.buildtrace]\nkeras = '3'\n", "a")
    project("[project]\nname = 'x'\n", "a/b")
    deep = project("", "a/b/c")
    assert read(deep).keras == "3"
    assert read(deep).folder == deep.parents[1].resolve()


def test_none(project, monkeypatch):
    assert read(project("[tool.black]\n")) == Settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("selct = []", "unknown field `selct`; it may have select, ignore, keras, per-file-ig"),
        ("select = 'BT1'", "Expected `array`, got `str` - at `$.select`"),
        ("select = ['BT9999']", "[tool.buildtrace] select: no rule has the code 'BT9999'"),
        ("ignore = ['E501']", "[tool.buildtrace] ignore: no rule has the code 'E501'"),
        ("per-file-ignores = {x = ['Q']}", "per-file-ignores: no rule has the code 'Q'"),
        ("keras = [2]", "Expected `int | str`, got `array` - at `$.keras`"),
        ("select = [", "cannot read "),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(project, text, says):
    folder = project(f"[tool.buildtrace]\n{text}\n")
    with pytest.raises(UsageError) as caught:
        read(folder)
    assert says in str(caught.value)
    assert str(folder / "pyproject.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_none(project):
    with pytest.raises(UsageError, match="Expected `object`, got `int`"):
        read(project("[tool]\nbuildtrace = 1\n"))
    assert read(project("tool = 1\n")) == Settings()


def test_codes():
    assert codes(["bt1", " BT105 ", "all"], "x") == ("BT1", "BT105", "")
    with pytest.raises(UsageError, match="x: no rule has the code ''"):
        codes([""], "x")
