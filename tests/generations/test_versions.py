"""Which version of Keras would be imported, without an import."""

import importlib.metadata
import sys

import pytest

from buildtrace.cli import environment
from buildtrace.generations import installed, version_of

CHECKOUTS = {
    "a Keras 3": ("src/version.py", '__version__ = "3.99.0"\n', "3.99.0", "keras3"),
    "a Keras 2": ("__init__.py", "import os\n__version__ = '2.15.0'\n", "2.15.0", "keras2"),
}


@pytest.mark.parametrize("checkout", CHECKOUTS)
def test_a_checkout_on_the_path_comes_before_what_is_installed(monkeypatch, tmp_path, checkout):
    file, text, version, generation = CHECKOUTS[checkout]
    (tmp_path / "keras" / "src").mkdir(parents=True)
    (tmp_path / "keras" / "__init__.py").touch()
    (tmp_path / "keras" / file).write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "modules", {n: m for n, m in sys.modules.items() if n != "keras"})
    assert environment.version("keras") == version
    found = {info.package: info for info in installed()}
    assert (found["keras"].version, found["keras"].generation) == (version, generation)
    assert environment.package_of(version[0]) == "keras"


@pytest.mark.parametrize("info", installed(), ids=lambda info: info.package)
def test_what_is_installed_has_the_version_that_pip_knows(info):
    assert info.version == importlib.metadata.version(info.package)


def test_a_keras_that_is_not_there(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "modules", {n: m for n, m in sys.modules.items() if n != "keras"})
    assert version_of("keras") is None
