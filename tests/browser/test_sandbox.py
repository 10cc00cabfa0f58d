"""The page works where others keep it: MLflow shows it in a frame that may run scripts alone."""

from __future__ import annotations

import made_traces
import pytest

pytestmark = pytest.mark.browser

SHOW = """html => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.src = URL.createObjectURL(new Blob([html], {type: "text/html"}));
    document.body.append(frame);
}"""


def test_the_page_in_a_sandbox(new_page, tmp_path):
    file = tmp_path / "build.html"
    made_traces.mlp3().save(file)
    with new_page() as page:  # an error of the page in the frame fails this as well
        page.evaluate(SHOW, file.read_text(encoding="utf-8"))
        frame = page.frame_locator("iframe")
        frame.locator("html[data-ready]").wait_for(timeout=60_000)
        assert frame.locator("html").evaluate("() => window.origin") == "null"
