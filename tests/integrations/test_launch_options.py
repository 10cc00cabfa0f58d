"""What `BUILDTRACE` may say: 1, or options of the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from buildtrace.errors import UsageError
from buildtrace.integrations import at_start, launch_options

HERE = str(Path(os.sep, "where", "it", "was", "started"))


@pytest.mark.parametrize("value", ["1", "true", "Yes", " on "])
def test_the_usual_report(value):
    asked = launch_options.parse(value, HERE)
    assert asked.shows
    assert (asked.request.outputs, asked.request.folders, asked.keras) == ((), (), "auto")


def test_options_of_the_command():
    value = "-o 'my traces/a.json' -o pages/ --keras 2 --depth 3 --model mlp"
    asked = launch_options.parse(value, HERE)
    assert asked.request.outputs == (Path(HERE, "my traces", "a.json"),)
    assert asked.request.folders == (Path(HERE, "pages"),)
    assert (asked.request.options.depth, asked.request.options.model) == (3, "mlp")
    assert asked.keras == "2"


@pytest.mark.parametrize(
    ("value", "shows"),
    [("-o a.html", False), ("-o a.html --view tree", True), ("--full", True), ("--keras 3", True)],
)
def test_with_files_there_is_a_report_only_if_one_is_asked_for(value, shows):
    assert launch_options.parse(value, HERE).shows == shows


def test_rank_and_number(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("RANK", "3")
    (path,) = launch_options.parse("-o {rank}-{pid}.json", HERE).request.outputs
    assert path.name == f"3-{os.getpid()}.json"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("train.py", "train.py is not for this variable"),
        ("-m train", "-m is not for this variable"),
        ("--no-train", "--no-train is not for this variable"),
        ("--abstract", "--abstract is not for this variable"),
        ("--help", "--help is not for this variable"),
        ("-o", "-o needs a value behind it: PATH"),
        ("-o 'a.json", "No closing quotation"),
        ("--view nice", "invalid choice: 'nice'"),
        ("--keras 4", "invalid choice: '4'"),
        ("--format json", "name the file with -o PATH"),
    ],
)
def test_what_makes_no_sense(value, told, capfd):
    with pytest.raises(UsageError) as raised:
        launch_options.parse(value, HERE)
    text = str(raised.value)
    assert text.startswith("BUILDTRACE=")
    assert told in text
    assert "\n" not in text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", ["-o nowhere/x.json", "-o x.nonsense"])
def test_files_that_cannot_be_written(value, tmp_path):
    with pytest.raises(UsageError, match=r"^BUILDTRACE: "):
        launch_options.checked(value, str(tmp_path))


def test_all_packages_of_keras_are_waited_for():
    from buildtrace.generations import PACKAGES

    assert set(at_start.KERAS_PACKAGES) == set(PACKAGES)
