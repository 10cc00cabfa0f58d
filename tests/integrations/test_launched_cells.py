"""A real kernel that was started with `BUILDTRACE` set."""

from __future__ import annotations

import json

import pytest
from environments import Environment

from buildtrace.traces.trace_file import load

pytestmark = pytest.mark.slow

CELLS = (
    "'before Keras'",
    "import keras\nkeras.layers.Dense(2, name='first').build((None, 3))\n'the value'",
    "'nothing is built'",
    "keras.layers.Dense(4, name='second').build((None, 3))",
    "_buildtrace.weights[0].shape",
    "keras.layers.Dense(-4)",
)


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run the cells in a kernel with this value of the variable; gives their outputs."""
    reason = 'pip install ".[notebook]"'
    nbformat = pytest.importorskip("nbformat", reason=reason)
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    environment = Environment(tmp_path / "env")
    environment.enable()

    def run(value):
        folder = tmp_path / "share" / "kernels" / "launched"
        folder.mkdir(parents=True)
        command = [str(environment.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {
            "argv": command,
            "display_name": "launched",
            "env": environment.environ(BUILDTRACE=value),
        }
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
        monkeypatch.delenv("PYTHONPATH", raising=False)
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        nbclient.NotebookClient(
            made,
            allow_errors=True,
            timeout=300,
            kernel_name="launched",
            resources={"metadata": {"path": str(tmp_path)}},
        ).execute()
        return [cell.outputs for cell in made.cells]

    return run


def test_each_cell_shows_what_it_builds(ran):
    outputs = ran("--view tree")
    before, first, nothing, second, variable, failing = (
        [o for o in each if o.output_type != "stream"] for each in outputs
    )
    assert [o.output_type for o in before] == [o.output_type for o in nothing] == ["execute_result"]
    value, shown = first
    assert value.data["text/plain"] == "'the value'"
    assert "Dense.build  first" in shown.data["text/plain"]
    assert "In[2]:2" in shown.data["text/plain"]
    (shown,) = second
    assert "second" in shown.data["text/plain"]
    assert "first" not in shown.data["text/plain"]
    assert variable[0].data["text/plain"] == "(3, 4)"
    error, *_ = failing
    assert error.ename == "ValueError"
    assert "buildtrace" not in "".join(error.traceback)
    said = [o.text for each in outputs for o in each if o.output_type == "stream"]
    assert not any("buildtrace:" in text for text in said), said


def test_a_file_has_the_whole_session(ran, tmp_path):
    outputs = ran("-o session.json")
    assert not [o for each in outputs for o in each if o.output_type == "display_data"]
    trace = load(tmp_path / "session.json")
    made = dict.fromkeys(trace.layers[weight.layer].name for weight in trace.weights)
    assert list(made) == ["first", "second"]
