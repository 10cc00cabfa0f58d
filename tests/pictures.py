"""Draws the README's pictures from real builds: `python tests/pictures.py`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import chromium
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

import buildtrace
from buildtrace import renderers

FOLDER = Path(__file__).parent.parent / ".pictures"
WIDTH = 120


def record(example: str, *options: str) -> buildtrace.Trace:
    """Run a bundled example in a process of its own, and read its trace."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "build.json")
        command = [sys.executable, "-m", "buildtrace", *options, "-o", str(path)]
        subprocess.run([*command, "-m", f"buildtrace.examples.{example}"], check=True)
        return buildtrace.load(path)


def terminal(trace: buildtrace.Trace, name: str, title: str) -> None:
    """The terminal's view as a picture."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        renderers.show(trace, console)
        svg = console.export_svg(title=title, theme=DIMMED_MONOKAI)
    # rich names a font on the web; a picture that opens anywhere uses the one at hand.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (FOLDER / name).write_text(svg.replace("Fira Code", "ui-monospace, Menlo, Consolas"))


def report(trace: buildtrace.Trace, name: str, beats: int) -> None:
    """The page in a browser, after so many beats."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "build.html")
        renderers.save(trace, path)
        browser = playwright.chromium.launch(
            executable_path=chromium.path(), args=chromium.ARGUMENTS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 760}, reduced_motion="reduce")
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        for _ in range(beats):
            page.keyboard.press("ArrowRight")
        page.screenshot(path=FOLDER / name)
        browser.close()


def main() -> None:
    """Draw all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    mlp = record("mnist_mlp", "--keras", "2")
    terminal(mlp, "tree.svg", "buildtrace --keras 2 mnist_mlp.py")
    report(mlp, "html.png", 5)  # the first dense layer has made its weights
    shared = record("functional_shared", "--keras", "3")
    renderers.save(shared, FOLDER / "graph.svg")


if __name__ == "__main__":
    main()
