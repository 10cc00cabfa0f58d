"""Draws the pictures of docs/viewers.md: real builds in the real viewers, in a browser.

`python tests/viewer_pictures.py`; it takes the extras `browser`, `formats` and `tensorboard`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import urllib.parse
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import chromium
from pictures import FOLDER, record
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

QUIET = 3_000
"""Milliseconds that a viewer may take until nothing moves any more."""


@contextmanager
def window(width: int, height: int) -> Iterator[Page]:
    """A page of this size in a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.path(), args=chromium.ARGUMENTS
        )
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def tensorboard(folder: Path) -> None:
    """A subclassed model in the graph tab: a model in it and a block of that are open."""
    record("subclassed", "--keras", "3").save(folder / "build.tfevents")
    port = chromium.free_port()
    program = shutil.which("tensorboard") or "tensorboard"
    command = [program, "--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with serving(command, port) as address, window(1180, 720) as page:
        page.goto(f"{address}/#graphs")
        page.locator("g.node").first.wait_for()
        page.wait_for_timeout(QUIET)
        for scope, child in (
            ("encoder", "encoder/block0"),
            ("encoder/block0", "encoder/block0/first"),
        ):
            page.locator(f'g.node[data-name="{scope}"] > g.nodeshape').first.dblclick(force=True)
            page.locator(f'g.node[data-name="{child}"]').wait_for(state="attached")
            page.wait_for_timeout(QUIET)
        page.get_by_text("Fit to screen").click()
        page.wait_for_timeout(QUIET)
        page.locator('g.node[data-name="encoder/block0/first"] ellipse').first.click(force=True)
        page.wait_for_timeout(QUIET)
        page.screenshot(path=FOLDER / "tensorboard.png")


def model_explorer(folder: Path) -> None:
    """The stages of a ResNet."""
    file = folder / "graph.json"
    record("resnet50", "--keras", "3").save(file, format="model-explorer")
    port = chromium.free_port()
    command = [sys.executable, "-m", "model_explorer", str(file), "--no_open_in_browser"]
    command += ["--skip_health_check", "--port", str(port)]
    models = urllib.parse.quote(f'{{"models": [{{"url": "{file}"}}]}}')
    with serving(command, port) as address, window(1180, 720) as page:
        page.goto(f"{address}/?data={models}")
        page.get_by_text("op node count").wait_for()
        page.wait_for_timeout(2 * QUIET)
        page.screenshot(path=FOLDER / "model-explorer.png")


def main() -> None:
    """Draw both anew."""
    for draw in (tensorboard, model_explorer):
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder))


if __name__ == "__main__":
    main()
