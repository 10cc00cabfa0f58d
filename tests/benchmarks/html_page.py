"""How big a report is, and how fast it opens and steps, in a real Chromium."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import chromium
import made_traces

from benchmarks import child, rendering, timing
from buildtrace import renderers
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace

EXAMPLES = {"MLP": "mnist_mlp", "ResNet50": "resnet50"}

# Steps through a page from its middle, and has each step laid out before the clock is stopped.
STEPS = """async (number) => {
  const KEY = {key: "ArrowRight", shiftKey: true, bubbles: true};  // call by call
  const slider = document.getElementById("slider");
  slider.value = Math.floor(slider.max / 2 - number / 2);
  slider.dispatchEvent(new Event("input"));
  const taken = [];
  for (let n = 0; n < number; n++) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", KEY));
    document.body.getBoundingClientRect();
    taken.push((performance.now() - start) / 1000);
  }
  return taken;
}"""

READY = "performance.getEntriesByName('buildtrace-ready')[0].startTime / 1000"


class Figures(NamedTuple):
    """What was measured of one page; times in seconds.

    Attributes:
        written: how long the page took to make.
        ready: from the beginning of the navigation until it can be used; the median.
        steps: each step as the page opens.
        unfolded: each step with all calls unfolded and all layers drawn.
    """

    calls: int
    size: int
    written: float
    ready: float
    steps: list[float]
    unfolded: list[float]


def missing() -> str:
    """Why there can be no measurement; "" if there can."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: pip install '.[browser]'"
    return "" if chromium.path() else chromium.MISSING


def example(name: str, keras: int, folder: Path) -> Trace:
    """The trace of an example on a real Keras."""
    path = folder / f"{name}{keras}.json"
    command = ["-m", "buildtrace", "--keras", str(keras), "-o", str(path)]
    command += ["-m", f"buildtrace.examples.{EXAMPLES[name]}"]
    subprocess.run([sys.executable, *command], env=child.environ(), capture_output=True, check=True)
    return trace_file.load(path)


def many_layers(number: int) -> Trace:
    """A chain of so many layers, each called once, and built by nothing that is traced."""
    recording = made_traces.Recording()
    shape = made_traces.spec(None, 4)
    rows = []
    for place in range(number):
        layer = recording.layer(f"layer_{place}", rendering.CLASSES[place % 3])
        with recording.call("Layer.__call__", layer, [shape], [shape]):
            pass
        rows.append((layer, shape))
    recording.graphs.append(made_traces.chain(recording.layer("model", "Functional"), *rows))
    return recording.trace()


def measure(browser: Any, trace: Trace, path: Path, rounds: int, steps: int) -> Figures:
    """Write a page, open it `rounds` times and step through a part of it."""
    start = time.perf_counter()
    renderers.save(trace, path)
    written = time.perf_counter() - start
    ready = []
    for _ in range(rounds):
        page = browser.new_page(viewport={"width": 1600, "height": 950})
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        ready.append(page.evaluate(READY))
        taken = page.evaluate(STEPS, steps)
        page.evaluate("for (const id of ['unfold', 'every']) document.getElementById(id).click()")
        unfolded = page.evaluate(STEPS, steps)
        page.close()
    size = path.stat().st_size
    return Figures(len(trace.calls), size, written, timing.spread(ready).median, taken, unfolded)


HEAD = (
    "| page of | Keras | calls | size | written in | ready in | a step: median | worst "
    "| unfolded: median | worst |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(keras: list[int], rounds: int, steps: int, names: list[str], sizes: list[int]) -> str:
    """A row for each example on each Keras, and for traces of so many calls, and layers."""
    if reason := missing():
        return f"HTML pages: not measured: {reason}"
    from playwright.sync_api import sync_playwright

    rows = [HEAD]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(
            executable_path=chromium.path(), args=chromium.ARGUMENTS
        )
        made = [(n, str(k), example(n, k, folder)) for n in names for k in keras]
        made += [(f"{n:,} calls", "", rendering.synthetic(n)) for n in sizes]
        made += [(f"{n:,} layers in a row", "", many_layers(n)) for n in sizes]
        for title, generation, trace in made:
            found = measure(browser, trace, folder / "page.html", rounds, steps)
            rows.append(row(title, generation, found))
        browser.close()
    return "\n".join(rows)


def row(title: str, keras: str, found: Figures) -> str:
    """The figures of one page, as a row of the table."""
    cells = [title, keras, f"{found.calls:,}", f"{found.size / 1000:.0f} kB"]
    cells += [timing.duration(found.written), timing.duration(found.ready)]
    for taken in (found.steps, found.unfolded):
        cells += [timing.duration(timing.spread(taken).median), timing.duration(max(taken))]
    return f"| {' | '.join(cells)} |"
