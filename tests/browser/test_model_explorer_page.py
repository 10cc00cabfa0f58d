"""The real Model Explorer shows blocks within blocks, and counts them."""

from __future__ import annotations

import json
import sys
import urllib.parse

import chromium
import pytest
from renderers import graphs
from serving import serving

from buildtrace.renderers import Options
from buildtrace.renderers.export import model_explorer

pytestmark = pytest.mark.browser


@pytest.fixture
def nested(tmp_path):
    """A model of six blocks of four layers, in a model."""
    inner = graphs.residual(6)
    outer = graphs.Model("outer", id=2000)
    first = outer.add("picture", "InputLayer")
    outer.add("residual", "Functional", first, layer=inner.ref.id, kind="model")
    file = tmp_path / "graph.json"
    file.write_bytes(model_explorer.render(graphs.trace(outer, inner), Options()))
    return file


def test_it_shows_the_blocks(new_page, nested):
    pytest.importorskip("model_explorer", reason='pip install ".[formats]"')
    port = chromium.free_port()
    command = [sys.executable, "-m", "model_explorer", str(nested), "--no_open_in_browser"]
    command += ["--skip_health_check", "--port", str(port)]
    models = json.dumps({"models": [{"url": str(nested)}]})
    with serving(command, port) as address, new_page() as page:
        page.goto(f"{address}/?data={urllib.parse.quote(models)}")
        page.get_by_text("op node count").wait_for(timeout=60_000)
        facts = " ".join(page.locator("body").inner_text().split())
        assert "op node count 27 layer count 7" in facts  # 1 + 26 nodes; a model and 6 blocks
