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

# Steps through a page, and has each step laid out before the clock is stopped; by calls from its
# middle, by beats from its beginning: there are few.
STEPS = """async ([number, byCalls]) => {
  const KEY = {key: "ArrowRight", shiftKey: byCalls, bubbles: true};
  const slider = document.getElementById("slider");
  slider.value = byCalls ? Math.max(0, Math.floor(slider.max / 2 - number / 2)) : 0;
  slider.dispatchEvent(new Event("input"));
  const taken = [];
  for (let n = 0; n < number; n++) {
    await new Promise(requestAnimationFrame);
    const before = slider.value;
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", KEY));
    document.body.getBoundingClientRect();
    const time = (performance.now() - start) / 1000;
    if (slider.value === before) break;  // the end
    taken.push(time);
  }
  return taken;
}"""

EVERY_LAYER = "for (const id of ['unfold', 'every']) document.getElementById(id).click()"

READY = "performance.getEntriesByName('buildtrace-ready')[0].startTime / 1000"


class Figures(NamedTuple):
    """What was measured of one page; times in seconds.

    Attributes:
        written: how long the page took to make.
        ready: from the beginning of the navigation until it can be used; the median.
        steps: each step by beats and by calls, as the page opens, and then both with all calls
            unfolded and all layers drawn. Of the rounds the least: a step is the same in each,
            and what else the machine does only adds to it.
    """

    calls: int
    nodes: int
    size: int
    written: float
    ready: float
    steps: list[list[float]]


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


def many_nodes(number: int) -> Trace:
    """The build of a stack of so many Dense, as Keras 3 does it."""
    return made_traces.mlp3((8,) * number)


def measure(browser: Any, trace: Trace, path: Path, rounds: int, steps: int) -> Figures:
    """Write a page, open it `rounds` times and step through a part of it."""
    start = time.perf_counter()
    renderers.save(trace, path)
    written = time.perf_counter() - start
    ready, taken = [], []
    for _ in range(rounds):
        page = browser.new_page(viewport={"width": 1600, "height": 950})
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        ready.append(page.evaluate(READY))
        ways = [page.evaluate(STEPS, [steps, by_calls]) for by_calls in (False, True)]
        page.evaluate(EVERY_LAYER)
        ways += [page.evaluate(STEPS, [steps, by_calls]) for by_calls in (False, True)]
        taken.append(ways)
        page.close()
    least = [[min(times) for times in zip(*way, strict=True)] for way in zip(*taken, strict=True)]
    return Figures(
        calls=len(trace.calls),
        nodes=sum(len(graph.nodes) for graph in trace.graphs),
        size=path.stat().st_size,
        written=written,
        ready=timing.spread(ready).median,
        steps=least,
    )


HEAD = (
    "Steps are told as median and 95th percentile.\n\n"
    "| page of | Keras | calls | nodes | size | written in | ready in | a beat | a call "
    "| every layer: a beat | a call |\n|---|---|---|---|---|---|---|---|---|---|---|"
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
        made += [(f"{n:,} Dense", "", many_nodes(n)) for n in sizes]
        for title, generation, trace in made:
            found = measure(browser, trace, folder / "page.html", rounds, steps)
            rows.append(row(title, generation, found))
        browser.close()
    return "\n".join(rows)


def row(title: str, keras: str, found: Figures) -> str:
    """The figures of one page, as a row of the table."""
    cells = [title, keras, f"{found.calls:,}", f"{found.nodes:,}", f"{found.size / 1000:.0f} kB"]
    cells += [timing.duration(found.written), timing.duration(found.ready)]
    cells += [stepping(taken) for taken in found.steps]
    return f"| {' | '.join(cells)} |"


def stepping(taken: list[float]) -> str:
    """Median and 95th percentile; a page without beats has no steps from one to the next."""
    if not taken:
        return "none"
    late = sorted(taken)[int(0.95 * (len(taken) - 1))]
    return f"{timing.duration(timing.spread(taken).median)}, {timing.duration(late)}"
