"""What options of `check` and the project's settings mean together; its help."""

import importlib

import pytest

from buildtrace.cli import VERBS
from buildtrace.cli.check_formats import FORMATS
from buildtrace.cli.check_options import parse
from buildtrace.cli.verbs import END, SKIP
from buildtrace.errors import UsageError

TABLE = '[tool.buildtrace]\nselect = ["BT1"]\nignore = ["BT105"]\nkeras = "3"\n'


@pytest.fixture
def model(script):
    script(TABLE, "pyproject.toml")
    return script("", "deep/model.py")


@pytest.mark.parametrize(
    ("options", "select", "ignore"),
    [
        ([], ("BT1",), ("BT105",)),
        (["--ignore", "bt10"], ("BT1",), ("BT105", "BT10")),
        (["--select", "BT,BT105"], ("BT", "BT105"), ()),
        (["--select=BT", "--select=ALL", "--ignore=BT1"], ("BT", ""), ("BT1",)),
    ],
)
def test_codes(model, options, select, ignore):
    settings = parse([*options, model]).settings
    assert (settings.select, settings.ignore) == (select, ignore)


@pytest.mark.parametrize(("options", "keras"), [([], "3"), (["--keras", "2"], "2")])
def test_keras(model, options, keras):
    assert parse([*options, model]).program.keras == keras


def test_the_settings_are_those_where_the_script_is(script):
    script(TABLE, "deep/pyproject.toml")
    script("", "deep/model.py")
    assert parse(["deep/model.py"]).program.keras == "3"
    assert parse([script("")]).program.keras == "auto"
    assert parse(["-m", "json"]).program.keras == "auto"


def test_settings_that_make_no_sense(cli, script):
    script("[tool.buildtrace]\nkeras = 4\n", "pyproject.toml")
    result = cli("check", script("print('ran')"))
    assert (result.code, result.out) == (2, "")
    assert "pyproject.toml: no Keras '4'; there are auto, 2, 3\n" in result.err
    script("[tool.buildtrace]\nselekt = []\n", "pyproject.toml")
    assert "selekt" in cli("check", "model.py").err


def test_everything_behind_the_script_is_the_scripts(model):
    program = parse(["--concise", model, "--select", "XY", "-o", "x"]).program
    assert program.arguments == ("--select", "XY", "-o", "x")
    assert program.no_train == END
    assert parse(["--train", model]).program.no_train == ""
    assert parse(["--no-train=skip", model]).program.no_train == SKIP
    with pytest.raises(UsageError, match="either --train or --no-train"):
        parse(["--train", "--no-train=skip", model])


@pytest.mark.parametrize("form", [form for form in FORMATS if FORMATS[form].suffix])
def test_the_suffix_names_the_format(model, tmp_path, form):
    path = tmp_path / f"x{FORMATS[form].suffix.upper()}"
    request = parse(["-o", str(path), model])
    assert (request.files, request.format) == ({path: form}, "text")


@pytest.mark.parametrize("form", FORMATS)
def test_the_format_is_of_stdout_or_of_the_files(model, tmp_path, form):
    assert parse(["--format", form, model]).format == form
    request = parse(["--format", form, "-o", "x.log", model])
    assert (request.files, request.format) == ({tmp_path / "x.log": form}, "text")


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "github"])
def test_the_format_of_a_file_goes_before_its_suffix(model, tmp_path, form):
    request = parse(["--format", form, "-o", "x.json", model])
    assert (request.files, request.format) == ({tmp_path / "x.json": form}, "text")


def test_annotations_are_printed_whatever_the_files_have(model, tmp_path):
    request = parse(["--format", "github", "-o", "x.sarif", "-o", "x.json", model])
    assert request.files == {tmp_path / "x.sarif": "sarif", tmp_path / "x.json": "json"}
    assert request.format == "github"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_fits_the_terminal(cli, monkeypatch, verb, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    result = cli(verb, "--help")
    assert result.code == 0
    text = result.out
    usage = text[: text.index("options:")]
    as_it_stands = importlib.import_module(f"buildtrace.cli.{verb}").build_parser().epilog or ""
    wrapped = text.removeprefix(usage).rstrip().removesuffix(as_it_stands.rstrip())
    assert max(map(len, wrapped.splitlines())) <= min(columns, 100)
    assert max(map(len, [*usage.splitlines(), *as_it_stands.splitlines()])) <= 80


def test_the_help_has_every_format(cli):
    text = cli("check", "--help").out
    for name, form in FORMATS.items():
        assert name in text
        assert form.summary in text


def test_unknown_codes_are_told_before_anything_runs(model):
    with pytest.raises(UsageError, match="--ignore: no rule has the code 'E5'"):
        parse(["--ignore", "BT1,E5", model])
