"""TensorBoard's graph tab, in a browser: the layers are there, and what is around them opens."""

from __future__ import annotations

import shutil

import chromium
import made_traces
import pytest
from renderers import graphs
from serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def graph_tab(new_page, tmp_path):
    """Opens the tab for a trace; gives a page and what is drawn on it."""
    pytest.importorskip("tensorboard", reason='pip install ".[test]"')

    def opened(trace):
        trace.save(tmp_path / "build.tfevents")
        port = chromium.free_port()
        program = shutil.which("tensorboard")
        command = [program, "--logdir", str(tmp_path), "--host", "127.0.0.1", "--port", str(port)]
        return serving(command, port)

    return opened


def nodes(page):
    """The names of the nodes that are drawn, but for the ends of lines at the edge of a scope."""
    page.locator("g.node").first.wait_for(timeout=60_000)
    names = page.locator("g.node").evaluate_all("all => all.map(n => n.dataset.name)")
    return [name for name in names if "~~" not in name]


def opens(page, scope, child):
    page.locator(f'g.node[data-name="{scope}"] > g.nodeshape').first.dblclick(force=True)
    page.locator(f'g.node[data-name="{child}"]').wait_for(timeout=30_000, state="attached")


def test_layers_and_what_is_known_of_them(graph_tab, new_page):
    with graph_tab(made_traces.mlp3()) as address, new_page() as page:
        page.goto(f"{address}/#graphs")
        assert set(nodes(page)) == {"input_layer", "dense", "dense_1"}
        page.locator('g.node[data-name="dense"] ellipse').first.click(force=True)
        for text in ("Dense", "(784, 512), float32, GlorotUniform", "401,920"):
            page.locator("tf-node-info").get_by_text(text).first.wait_for(timeout=30_000)
        size = "?\N{MULTIPLICATION SIGN}784"  # on the line from the input
        page.locator("tf-node-info").get_by_text(size).first.wait_for(timeout=30_000)


def test_models_and_blocks_open(graph_tab, new_page):
    inner = graphs.residual(6)
    outer = graphs.Model("outer", id=2000)
    first = outer.add("picture", "InputLayer")
    outer.add("residual", "Functional", first, layer=inner.ref.id, kind="model")
    with graph_tab(graphs.trace(outer, inner)) as address, new_page() as page:
        page.goto(f"{address}/#graphs")
        assert set(nodes(page)) == {"picture", "residual"}
        opens(page, "residual", "residual/head")
        assert "residual/image" in nodes(page)
