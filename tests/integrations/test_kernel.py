"""The magics in a real kernel, and what nbconvert makes of it."""

from __future__ import annotations

import markup
import pytest

pytestmark = pytest.mark.slow

CELLS = (
    "%load_ext buildtrace",
    # A report that is small, where there is another one.
    "import sys, types\nfrom buildtrace import renderers\n"
    "page = types.ModuleType('buildtrace.renderers.stand_in')\n"
    "page.render = lambda *_: '<p>the report</p><script>document.body.id = \"ran\"</script>'\n"
    "sys.modules[page.__name__] = page\n"
    "renderers.RENDERERS['html'] = renderers.Renderer('html', '.html', 'stand_in:render', '')",
    "import keras",
    "%%buildtrace --name trace\n"
    "model = keras.Sequential([keras.layers.Dense(512), keras.layers.Dense(10)], name='mlp')\n"
    "model.build((None, 784))\n'the value'",
    "trace.weights",
    "trace.graph('mlp')",
    "%%buildtrace --view tree\nkeras.layers.Dense(3).build((None, None))",
)


@pytest.fixture(scope="module")
def ran():
    """The notebook after its cells ran."""
    reason = 'pip install ".[notebook]"'
    nbformat = pytest.importorskip("nbformat", reason=reason)
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    made = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(made, allow_errors=True, timeout=300, kernel_name="python3").execute()
    return made


def outputs(ran, number):
    return ran.cells[number].outputs


def test_the_value_comes_first_and_then_the_report(ran):
    value, shown = outputs(ran, 3)
    assert value.output_type == "execute_result"
    assert value.data["text/plain"] == "'the value'"
    assert shown.output_type == "display_data"
    assert set(shown.data) == {"text/plain", "text/html"}
    (frame,) = markup.parse(shown.data["text/html"]).find("iframe")
    assert "the report" in frame.attributes["srcdoc"]
    assert "In[4]:3  model.build((None, 784))" in shown.data["text/plain"]


def test_weights_and_graph_are_values_with_a_form(ran):
    (weights,), (graph,) = outputs(ran, 4), outputs(ran, 5)
    assert "<table>" in weights.data["text/html"]
    assert "mlp/dense/kernel"[4:] in weights.data["text/plain"]
    assert "<img" in graph.data["text/html"]


def test_a_failing_cell_is_one_and_shows_the_tree_after_its_traceback(ran):
    error, shown = [o for o in outputs(ran, 6) if o.output_type != "stream"]
    assert error.output_type == "error"
    assert error.ename == "ValueError"
    assert "buildtrace/capture" not in "".join(error.traceback)
    assert "✗ Dense.build" in shown.data["text/plain"]


def test_nothing_else_is_said(ran):
    streams = [o.text for cell in ran.cells for o in cell.outputs if o.output_type == "stream"]
    assert streams == []


def test_a_page_of_nbconvert_shows_the_report(ran, tmp_path, new_page):
    nbconvert = pytest.importorskip("nbconvert", reason='pip install ".[notebook]"')
    html, _ = nbconvert.HTMLExporter(template_name="lab").from_notebook_node(ran)
    (tmp_path / "page.html").write_text(html)
    with new_page(1200, 1600) as page:
        page.goto((tmp_path / "page.html").as_uri(), wait_until="commit")
        page.wait_for_selector("iframe")
        frame = page.frames[1]
        assert frame.locator("body#ran").inner_text() == "the report"
        assert page.locator("img").evaluate("image => image.naturalWidth") > 100
        assert page.locator("table").first.inner_text().startswith("weight")
