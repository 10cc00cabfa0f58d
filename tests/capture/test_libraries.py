"""Which files are a library's and which the user's, wherever either of them lies."""

from __future__ import annotations

import importlib.util
import json
import ntpath
import os
import site
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from buildtrace.capture import libraries
from buildtrace.capture.callers import is_user_file
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "keras_nlp"
"""One of the packages that are known by name; this environment does not have it."""

CODE = "def function():\n    pass\n"


def package_in(folder: Path, name: str = PACKAGE, *, init: bool = True) -> Path:
    inner = folder / name / "src"
    inner.mkdir(parents=True)
    if init:
        (folder / name / "__init__.py").touch()
        (inner / "__init__.py").touch()
    (inner / "module.py").write_text(CODE)
    return folder


def on_the_path(folder: Path) -> None:
    sys.path.insert(0, str(package_in(folder)))


def as_a_namespace(folder: Path) -> None:
    sys.path.insert(0, str(package_in(folder, init=False)))


def by_a_link(folder: Path) -> None:
    real = package_in(folder / "real")
    (folder / "links").mkdir()
    (folder / "links" / PACKAGE).symlink_to(real / PACKAGE)
    sys.path.insert(0, str(folder / "links"))


def by_a_pth_file(folder: Path) -> None:
    checkout = package_in(folder / "checkout")
    (folder / "added").mkdir()
    (folder / "added" / "editable.pth").write_text(f"{checkout}\n")
    site.addsitedir(str(folder / "added"))


def by_a_finder(folder: Path) -> None:
    """As the editable installs of today."""
    package = package_in(folder) / PACKAGE

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            file = package / "__init__.py"
            return importlib.util.spec_from_file_location(name, file) if name == PACKAGE else None

    sys.meta_path.append(Finder)  # type: ignore[arg-type]


def in_an_archive(folder: Path) -> None:
    package_in(folder / "unpacked")
    with zipfile.ZipFile(folder / "packages.zip", "w") as archive:
        for file in (folder / "unpacked").rglob("*.py"):
            archive.write(file, file.relative_to(folder / "unpacked"))
    sys.path.insert(0, str(folder / "packages.zip"))


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Gives back what an import changes; no script is running."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    for name in (PACKAGE, f"{PACKAGE}.src", f"{PACKAGE}.src.module"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    return monkeypatch


@pytest.mark.parametrize(
    "install",
    [on_the_path, as_a_namespace, by_a_link, by_a_pth_file, by_a_finder, in_an_archive],
    ids=lambda install: install.__name__,
)
def test_a_known_library_wherever_it_lies(
    paths: pytest.MonkeyPatch, tmp_path: Path, install: Callable[[Path], None]
) -> None:
    install(tmp_path)
    module = importlib.import_module(f"{PACKAGE}.src.module")
    assert str(tmp_path) in module.__file__
    assert not is_user_file(module.function.__code__.co_filename)
    assert is_user_file(str(tmp_path / "train.py"))
    assert is_user_file(str(tmp_path / f"{PACKAGE}_of_mine" / "src" / "module.py"))


def test_the_file_behind_a_link_is_the_same(paths: pytest.MonkeyPatch, tmp_path: Path) -> None:
    by_a_link(tmp_path)
    importlib.import_module(PACKAGE)
    assert not is_user_file(str(tmp_path / "real" / PACKAGE / "src" / "module.py"))


@pytest.mark.parametrize("name", ["site-packages", "dist-packages"])
def test_what_lies_in_a_folder_for_packages(
    paths: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Also one that is not on the path any more, and folders in it that are."""
    for folder in (tmp_path / "a" / name, tmp_path / "b" / name):
        package_in(folder, "anything")
    sys.path[:0] = [str(tmp_path / "a" / name), str(tmp_path / "a" / name / "anything")]
    assert not is_user_file(str(tmp_path / "a" / name / "anything" / "src" / "module.py"))
    assert not is_user_file(str(tmp_path / "b" / name / "anything" / "src" / "module.py"))


def test_what_pip_installed_somewhere_else(paths: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`pip install --target` names no folder, but leaves word of what it has installed there."""
    package_in(tmp_path / "layer", "anything")
    (tmp_path / "layer" / "anything-1.0.dist-info").mkdir()
    sys.path.insert(0, str(tmp_path / "layer"))
    assert not is_user_file(str(tmp_path / "layer" / "anything" / "src" / "module.py"))
    assert is_user_file(str(tmp_path / "train.py"))


def test_a_script_is_the_users_wherever_it_lies(paths: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And so is what lies beside it in a project, though all lies below a folder for packages."""
    project = tmp_path / "site-packages" / "project"
    for script in (project / "train.py", Path(os.__file__).parent / "train.py"):
        main = types.ModuleType("__main__")
        main.__file__ = str(script)
        paths.setitem(sys.modules, "__main__", main)
        sys.path[0] = str(script.parent)
        assert is_user_file(str(script))
    sys.path[0] = str(project)
    assert is_user_file(str(project / "model.py"))


def test_a_package_of_the_users_that_is_editable(paths: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = package_in(tmp_path / "dist-packages" / "project" / "src", "mine")
    sys.path.append(str(source))  # as its `.pth` file does
    assert is_user_file(str(source / "mine" / "src" / "module.py"))


def test_pythons_own_and_names_of_no_file(paths: pytest.MonkeyPatch) -> None:
    for library in (os.__file__, json.__file__, pytest.__file__):
        assert not is_user_file(library)
    assert not is_user_file("<frozen importlib._bootstrap>")
    assert not is_user_file("h5py/h5f.pyx")
    for name in ("<stdin>", "<string>", "In[3]", "<ipython-input-3-5b8a>", "/no\0file.py"):
        assert is_user_file(name)


def test_a_folder_beside_ours_is_the_users() -> None:
    ours = Path(libraries.__file__).parents[1]
    assert not is_user_file(str(ours / "traces" / "trace.py"))
    assert is_user_file(str(ours / "examples" / "subclassed.py"))
    beside = str(ours.with_name(f"{ours.name}_demo") / "model.py")
    assert is_user_file(beside) == ("site-packages" not in ours.parts)


@pytest.mark.parametrize(
    ("file", "is_library"),
    [
        (r"C:\Python311\Lib\json\decoder.py", True),
        (r"c:\python311\lib\JSON\decoder.py", True),
        (r"C:/Python311/Lib/json/decoder.py", True),
        (r"C:\Users\A\AppData\Roaming\Python\Python311\Site-Packages\tf_x\src\a.py", True),
        (r"d:\CHECKOUT\keras_nlp\src\layers\layer.py", True),
        (r"D:/checkout/Keras_NLP/src/layers/layer.py", True),
        (r"D:\checkout\examples\train.py", False),
        (r"C:\Python311\Library\train.py", False),
        (r"E:\site-packages.old\train.py", False),
        (r"\\server\share\dist-packages\x\y.py", True),
    ],
)
def test_windows_knows_no_case_and_two_separators(
    paths: pytest.MonkeyPatch, file: str, is_library: bool
) -> None:
    keras = types.ModuleType(PACKAGE)
    keras.__path__ = [r"D:\checkout\keras_nlp"]
    paths.setitem(sys.modules, PACKAGE, keras)
    paths.setattr(libraries, "path", ntpath)
    paths.setattr(libraries, "_INSTALLED", (r"C:\Python311\Lib",))
    assert libraries.is_library(file) is is_library


SCRIPT = """\
import importlib, sys
keras = importlib.import_module(sys.argv[1])
assert keras.__file__.startswith(sys.argv[2]), keras.__file__

def main():
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.LSTM(3)])
    model.compile("sgd", "mse")
    model.build((None, 3))

main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_keras_on_the_path_is_no_users_code(tmp_path: Path, package: str) -> None:
    """The whole of it: no call is led to by a line of Keras, and no failure blames one."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:  # this environment has only the other
        pytest.skip("not installed")
    libs = tmp_path / "libs"
    libs.mkdir()
    (libs / package).symlink_to(Path(spec.origin).parent)
    (tmp_path / "train.py").write_text(SCRIPT)
    root = str(Path(libraries.__file__).parents[2])
    subprocess.run(
        [*(sys.executable, "-m", "buildtrace", "-o", "t.json"), *("train.py", package, str(libs))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(libs), root])},
        capture_output=True,
        check=False,
    )
    trace = trace_file.load(tmp_path / "t.json")
    script = str(tmp_path / "train.py")
    assert {call.caller.file for call in trace.calls if call.caller} == {script}
    assert trace.error is not None
    assert [(line.file, line.line) for line in trace.error.lines] == [(script, 8), (script, 10)]
    errors = [call.error for call in trace.calls if call.error]
    assert errors
    assert {line.file for error in errors for line in error.lines} <= {script}
