"""What a notebook shows, in a cell as narrow as one beside a side bar."""

from __future__ import annotations

import chromium
import made_traces
import pytest

from buildtrace.renderers import VIEWS, Options
from buildtrace.renderers.notebook import colored

pytestmark = pytest.mark.browser

CELL = 850
"""A cell of JupyterLab has so many pixels in a window of 1280, with the side bar open."""


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("make", [made_traces.mlp2, made_traces.towers])
def test_no_line_is_cut_off(request, view, make):
    if chromium.path() is None:
        pytest.skip(chromium.MISSING)
    page = request.getfixturevalue("new_context")().new_page()
    page.set_content(
        f'<div style="width:{CELL}px">{colored.views(make(), Options(views=(view,)))}</div>'
    )
    widths = page.evaluate("[...document.querySelectorAll('pre')].map(pre => pre.scrollWidth)")
    assert widths
    assert max(widths) <= CELL
