"""Draws the pictures of the README and the docs from real builds: `python tests/pictures.py`.

Beside the pictures in `.pictures`, it makes the pages of buildtrace's own that the docs show.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import chromium
from pages.blocks import blocks
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

import buildtrace
from buildtrace import Trace, renderers
from buildtrace.comparison import compare
from buildtrace.renderers.page import lockstep
from buildtrace.traces import wording

ROOT = Path(__file__).parents[1]
FOLDER, PAGES = ROOT / ".pictures", ROOT / "docs" / "pages"
WIDTH = 88


def record(example: str, *options: str) -> Trace:
    """Run a bundled example, and read its trace."""
    return run([*options, "-m", f"buildtrace.examples.{example}"])


def record_page(page: str, file: str, *options: str, line: str = "", instead: str = "") -> Trace:
    """Run a script that a page shows, with one line changed if need be, and read its trace."""
    shown = {block.notes.get("file"): block.text for block in blocks(ROOT / "docs" / page)}
    assert line in shown[file], line
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, file)
        script.write_text(shown[file].replace(line, instead), encoding="utf-8")
        return run([*options, str(script)])


def run(arguments: list[str]) -> Trace:
    """Run the command in a process of its own, and read the trace that it writes.

    Returns:
        It, without the paths of this machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "build.json")
        command = [sys.executable, "-m", "buildtrace", "-o", str(path)]
        subprocess.run([*command, *arguments], check=True)
        text = path.read_text(encoding="utf-8")
        for place in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), ROOT):
            text = text.replace(f"{place}/", "")
        path.write_text(text, encoding="utf-8")
        return buildtrace.load(path)


def graph(trace: Trace, name: str) -> None:
    """The graph as a picture, at three quarters of its size: it stands in a page of text."""
    path = FOLDER / name
    renderers.save(trace, path)
    svg = path.read_text(encoding="utf-8")
    head, end, rest = svg.partition("<g ")
    path.write_text(re.sub(r'(\d)pt"', r'\1px"', head) + end + rest, encoding="utf-8")


def terminal(trace: Trace, name: str, title: str) -> None:
    """The terminal's view as a picture."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        renderers.show(trace, console)
        svg = console.export_svg(title=title, theme=DIMMED_MONOKAI)
    # rich names a font on the web; a picture that opens anywhere uses the one at hand.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (FOLDER / name).write_text(svg.replace("Fira Code", "ui-monospace, Menlo, Consolas"))


def report(trace: Trace, name: str, beats: int, scheme: str = "light") -> None:
    """The page in a browser, after so many beats."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "build.html")
        renderers.save(trace, path)
        browser = playwright.chromium.launch(
            executable_path=chromium.path(), args=chromium.ARGUMENTS
        )
        page = browser.new_page(
            viewport={"width": 1280, "height": 760}, reduced_motion="reduce", color_scheme=scheme
        )
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        for _ in range(beats):
            page.keyboard.press("ArrowRight")
        page.screenshot(path=FOLDER / name)
        browser.close()


def pages(two: Trace, three: Trace) -> None:
    """The article's build as the docs show it: on each Keras, and both side by side."""
    # Times are others in every run, and would make another file each time.
    wording.duration = lambda nanoseconds: ""
    PAGES.mkdir(exist_ok=True)
    renderers.save(two, PAGES / "mnist_mlp.html")
    renderers.save(three, PAGES / "mnist_mlp-keras3.html")
    difference = compare(two, three, labels=("Keras 2", "Keras 3"))
    page = lockstep.render(two, three, difference)
    (PAGES / "both.html").write_text(page, encoding="utf-8")


def main() -> None:
    """Draw all pictures and pages anew."""
    import viewer_pictures  # it needs what is defined here

    FOLDER.mkdir(exist_ok=True)
    mlp = record("mnist_mlp", "--keras", "2")
    terminal(mlp, "tree.svg", "buildtrace --keras 2 mnist_mlp.py")
    for name, scheme in (("html.png", "light"), ("html-dark.png", "dark")):
        report(mlp, name, 5, scheme)  # the first dense layer has made its weights
    shared = record("functional_shared", "--keras", "3")
    renderers.save(shared, FOLDER / "graph.svg")
    mended = {"line": "unet(50)", "instead": "unet(48)"}
    graph(record_page("how-to/fails.md", "unet.py", **mended), "unet.svg")
    graph(record_page("how-to/big.md", "big.py", "--abstract"), "decoder.svg")
    pages(mlp, record("mnist_mlp", "--keras", "3"))
    viewer_pictures.main()


if __name__ == "__main__":
    main()
