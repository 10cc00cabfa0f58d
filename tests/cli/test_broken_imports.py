"""A Keras, NumPy or TensorFlow that cannot be imported: that is the program's own error."""

import os

import pytest

from cli.conftest import PACKAGE_ROOT

BROKEN = {
    "numpy": 'raise ImportError("numpy.core.multiarray failed to import")',
    "tensorflow": "raise ValueError('numpy.dtype size changed, may be incompatible')",
    "keras": "raise AttributeError('_ARRAY_API not found')",
    "tf_keras": "raise ImportError('libcudart.so.11: cannot open shared object file')",
}
"""Package → how its import ends if what it was compiled for is not what there is."""


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Have a package that cannot be imported, before any that is installed."""

    def install(name):
        package = tmp_path / "broken" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"__version__ = '1.0'\n{BROKEN[name]}\n")
        return str(package.parent)

    return install


EACH = [pytest.param(name, marks=[pytest.mark.slow] * (name != "numpy")) for name in BROKEN]


@pytest.mark.parametrize("name", EACH)
def test_the_program_ends_as_without_us(command, broken, tmp_path, name):
    program = f"import sys\nsys.path.insert(0, {broken(name)!r})\nprint('begun')\nimport {name}\n"
    (tmp_path / "model.py").write_text(program)
    plain = command("model.py")
    assert plain.code == 1
    traced = command("-m", "buildtrace", "model.py")
    assert (traced.code, traced.out) == (plain.code, plain.out)
    assert traced.err.startswith(plain.err)
    ours = traced.err.removeprefix(plain.err).splitlines()
    assert all(line.startswith("buildtrace: nothing to show") for line in ours)


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_nothing_of_ours_needs_it_before(command, broken, name):
    """Not even to say what is installed, and what a program would get."""
    environ = {"PYTHONPATH": os.pathsep.join([broken(name), PACKAGE_ROOT])}
    for arguments, says in (("doctor", "can be drawn"), ("landmarks", "Layer.__call__")):
        done = command("-m", "buildtrace", arguments, env=environ)
        assert says in done.out
        assert done.err == ""


def test_the_program_finds_nothing_imported_that_it_has_not(command, tmp_path):
    names = {"numpy", "keras", "tf_keras", "tensorflow", "jax", "torch", "h5py", "jinja2"}
    program = f"import sys\nprint(sorted({names!r} & sys.modules.keys()))\n"
    (tmp_path / "model.py").write_text(program)
    assert command("-m", "buildtrace", "model.py").out == "[]\n"
