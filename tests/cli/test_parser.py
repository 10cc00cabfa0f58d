"""What a command line means, and the one clear line for one that means nothing."""

from pathlib import Path

import pytest

from buildtrace.cli.parser import keras_choices, parse
from buildtrace.cli.verbs import END, SKIP
from buildtrace.errors import UsageError
from buildtrace.generations import GENERATIONS
from buildtrace.renderers import RENDERERS, VIEWS


@pytest.fixture
def model(script):
    return script("print('ran')")


def test_everything_behind_the_script_is_the_scripts(model):
    options = ["--depth", "3"]
    program, request = parse(
        [*options, model, "--depth", "4", "-o", "x.nope", "--", "-m", "--help"]
    )
    assert request.options.depth == 3
    assert program.arguments == ("--depth", "4", "-o", "x.nope", "--", "-m", "--help")
    assert request.outputs == ()


@pytest.mark.parametrize("flag", [["-m", "pkg.mod"], ["-mpkg.mod"]])
def test_everything_behind_the_module_is_the_modules(flag):
    program, _ = parse(["--full", *flag, "--full", "-m", "--help"])
    assert (program.target, program.is_module) == ("pkg.mod", True)
    assert program.arguments == ("--full", "-m", "--help")


def test_two_dashes_end_our_options(script, tmp_path):
    script("", "-m.py")
    assert parse(["--", "-m.py", "--", "x"])[0].arguments == ("--", "x")


def test_outputs_are_resolved_where_the_command_started(model, tmp_path, monkeypatch):
    _, request = parse(["-o", "a.svg", "-o", "./b.json", model])
    monkeypatch.chdir("/")
    assert request.outputs == (tmp_path / "a.svg", tmp_path / "b.json")


def test_views_are_repeatable_and_kept_in_order(model):
    _, request = parse(["--view", "weights", "--view=tree", model])
    assert request.options.views == ("weights", "tree")
    assert not parse([model])[1].view_asked
    assert not parse(["-o", "x.svg", "--no-train", model])[1].view_asked


def test_weights_without_memory(model):
    assert not parse([model])[0].abstract
    assert parse(["--abstract", model])[0].abstract


def test_how_to_do_without_training(model):
    assert parse([model])[0].no_train == ""
    assert parse(["--no-train", model])[0].no_train == END
    assert parse(["--no-train=skip", "--full", model])[0].no_train == SKIP
    with pytest.raises(UsageError, match="--no-train: invalid choice: 'most'"):
        parse(["--no-train=most", model])


@pytest.mark.parametrize(
    "option", [["--view", "tree"], ["--depth", "1"], ["--full"], ["--model", "m"], ["--explain"]]
)
def test_an_option_of_the_report_asks_for_it(model, option):
    assert parse([*option, model])[1].view_asked


def test_help_names_all_that_the_tables_have(cli):
    result = cli("--help")
    text = result.out
    assert result.code == 0
    known = [*VIEWS, *RENDERERS, *(r.suffix for r in RENDERERS.values() if r.suffix)]
    assert not [name for name in known if name not in text]
    assert f"{{{','.join(keras_choices())}}}" in text
    assert keras_choices() == ["auto", *(g.name[-1] for g in GENERATIONS)]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_fits_the_terminal(command, columns):
    text = command("-m", "buildtrace", "--help", env={"COLUMNS": str(columns)}).out
    wrapped = text[text.index("options:") : text.index("views:")]
    assert max(map(len, wrapped.splitlines())) <= min(columns, 100)
    below = text[text.index("views:") :]
    assert max(map(len, below.splitlines())) <= 80


BAD = {
    "no script": ([], "which script"),
    "missing script": (["nope.py"], "there is no file nope.py"),
    "missing suffix": (["model"], "did you mean model.py?"),
    "folder": (["."], ". is a folder without a __main__.py: name the script in it"),
    "missing trace": (["nope.json"], "there is no file nope.json"),
    "unknown option": (["--vew", "tree", "model.py"], "--vew"),
    "unknown view": (["--view", "forest", "model.py"], "forest"),
    "unknown Keras": (["--keras", "4", "model.py"], "'4'"),
    "no depth": (["--depth", "0", "model.py"], "from 1 up"),
    "depth in words": (["--depth", "two", "model.py"], "'two'"),
    "no value": (["-o"], "-o needs a value behind it: PATH (see"),
    "no choice": (["--keras"], "--keras needs a value behind it: one of auto, 2, 3 (see"),
    "unknown suffix": (["-o", "x.docx", "model.py"], ".docx"),
    "no suffix": (["-o", "x", "model.py"], "suffix"),
    "unknown format": (["--format", "docx", "-o", "x", "model.py"], "docx"),
    "format for nothing": (["--format", "svg", "model.py"], "-o PATH"),
    "no folder": (["-o", "nowhere/x.svg", "model.py"], "there is no folder"),
    "folder as output": (["-o", "folder.svg", "model.py"], "it is a folder"),
    "verb behind options": (["--full", "doctor"], "a verb stands first"),
    "no such module": (["-m", "no_such_module_anywhere"], "no module no_such_module_anywhere"),
    "no such submodule": (["-m", "email.nope"], "email.nope"),
    "package without main": (["-m", "email"], "__main__"),
    "a file as module": (["-m", "model.py"], "-m model"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(cli, model, tmp_path, name):
    (tmp_path / "folder.svg").mkdir()
    arguments, says = BAD[name]
    result = cli(*arguments)
    assert result.code == 2
    assert result.out == ""  # the script did not run
    assert result.err.startswith("buildtrace: error: ")
    assert says in result.err
    assert result.err.count("\n") == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder closed even to root")
def test_a_folder_that_cannot_be_written(model):
    with pytest.raises(UsageError, match="nothing can be written"):
        parse(["-o", "/proc/x.svg", model])


def test_a_format_makes_any_suffix_good(model):
    assert parse(["--format", "svg", "-o", "x.docx", model])[1].format == "svg"


def test_a_script_called_like_a_verb(cli, script):
    script("print('I am a script')", "landmarks")
    assert cli("./landmarks").out == "I am a script\n"
