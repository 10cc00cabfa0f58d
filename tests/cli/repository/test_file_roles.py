"""What is to be done with each file."""

import pytest

from buildtrace.cli.repository.file_roles import role
from buildtrace.cli.repository.import_graph import ImportGraph
from buildtrace.diagnosis.settings import Settings

BUILDS = "import keras\nkeras.Input((3,))\n"
DEFINES = "import keras\ndef make():\n    return keras.Input((3,))\n"


def role_of(folder, name, **settings):
    return role(folder / name, ImportGraph(folder), Settings(folder=folder, **settings))


@pytest.mark.parametrize(
    ("name", "code", "why_not"),
    [
        ("train", BUILDS, ""),
        ("net", DEFINES, "defines models or layers, and builds none when it is run"),
        ("data", "from keras.datasets import mnist", "uses Keras, and builds none when it is run"),
        ("test_net", BUILDS, "a test: `pytest --buildtrace-check` runs it"),
        ("net_test", DEFINES, "a test: `pytest --buildtrace-check` runs it"),
        ("conftest", DEFINES, "a test: `pytest --buildtrace-check` runs it"),
        (
            "run",
            f"import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\n{BUILDS}",
            "needs arguments: data (set them in pyproject.toml)",
        ),
        ("pkg__in____init__", BUILDS, "is run by what imports its package"),
    ],
)
def test_why_a_file_is_not_run(project, name, code, why_not):
    folder = project(**{name: code})
    found = role_of(folder, f"{name.replace('__in__', '/')}.py")
    assert (found.why_not, found.wrong_at) == (why_not, 0)


def test_what_has_nothing_to_do_with_models_is_not_listed(project):
    folder = project(tool="import json", test_tool="import json", broken="print 1")
    for name in ("tool.py", "test_tool.py", "broken.py"):
        assert role_of(folder, name) is None


def test_a_broken_file_about_keras_is_a_problem(project):
    found = role_of(project(broken="import keras\nprint 1"), "broken.py")
    assert found.wrong_at == 2
    assert found.why_not.startswith("is no Python: ")


def test_notebooks_are_named_if_they_are_about_keras(project):
    folder = project()
    (folder / "a.ipynb").write_text('{"cells": [{"source": "import keras"}]}')
    (folder / "b.ipynb").write_text('{"cells": []}')
    assert role_of(folder, "a.ipynb").why_not.startswith("a notebook: ")
    assert role_of(folder, "b.ipynb") is None


def test_arguments_of_the_settings_make_a_file_run(project):
    code = f"import argparse\nargparse.ArgumentParser().add_argument('data')\n{BUILDS}"
    folder = project(run=code, hidden="run()", other=BUILDS)
    settings = {"arguments": (("run.py", ("x",)), ("hidden.py", ()))}
    assert role_of(folder, "run.py", **settings).arguments == ("x",)
    assert role_of(folder, "hidden.py", **settings).why_not == ""
    assert role_of(folder, "other.py", **settings).arguments == ()


def test_a_file_of_a_package_is_run_as_its_module(project):
    folder = project(
        src__in__pkg__in____init__="",
        src__in__pkg__in__sub__in____init__="",
        src__in__pkg__in__sub__in__train=BUILDS,
        src__in__pkg__in____main__=BUILDS,
        src__in__other=BUILDS,
    )
    found = role_of(folder, "src/pkg/sub/train.py")
    assert (found.module, found.root) == ("pkg.sub.train", folder / "src")
    assert role_of(folder, "src/pkg/__main__.py").module == "pkg"
    assert role_of(folder, "src/other.py").module == ""


def test_a_file_that_imports_its_neighbours_by_bare_names_is_a_script(project):
    folder = project(
        pkg__in____init__="", pkg__in__net=DEFINES, pkg__in__train="from net import make\nmake()"
    )
    assert role_of(folder, "pkg/train.py").module == ""
