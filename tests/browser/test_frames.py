"""The frames of nested models in the graph pane: at work, in sight, and the picture as a whole."""

from __future__ import annotations

import pytest

from browser.looks import STILL
from browser.test_graph_pane import inside, pane

pytestmark = pytest.mark.browser

NESTED = """\
import keras
from keras import layers
parts = [layers.Conv2D(8, 3, name="conv"), layers.MaxPooling2D(), layers.Flatten()]
encoder = keras.Sequential(parts, name="encoder")
head = keras.Sequential([layers.Dense(16), layers.Dense(4)], name="head")
head.build((None, SIZE))
image = keras.Input((28, 28, 1), name="image")
keras.Model(image, head(encoder(image)), name="net")
"""
WELL, FAILING = NESTED.replace("SIZE", "1352"), NESTED.replace("SIZE", "128")

FRAMES = """() => {
  const pane = document.querySelector("#graph").getBoundingClientRect();
  return [...document.querySelectorAll("#graph .cluster")].map((frame) => {
    const { top } = frame.getBoundingClientRect();
    const { strokeDasharray } = getComputedStyle(frame.querySelector("path"));
    return {
      title: document.querySelector(`#graph [data-of="${frame.dataset.id}"] text`).textContent,
      top: top - pane.top,
      active: frame.classList.contains("active"), dashed: strokeDasharray !== "none",
    };
  });
}"""


def frames(page):
    return {frame["title"].lstrip("✗ "): frame for frame in page.js(FRAMES)}


def test_a_model_at_work_is_marked_when_no_layer_in_it_is(report, traced):
    trace = traced(WELL)
    page = report(trace, **STILL)
    start = frames(page)
    assert [start[name]["dashed"] for name in ("encoder", "head")] == [True, True]
    assert not any(frame["active"] for frame in start.values())
    calls = trace.find("Layer.__call__")
    (call,) = (c for c in calls if c.layer.name == "encoder")
    page.open(f"#call-{call.id}")
    shown = frames(page)
    assert (shown["encoder"]["active"], shown["head"]["active"]) == (True, False)
    assert not shown["encoder"]["dashed"]
    assert not pane(page)["current"]
    inner = next(c for c in trace.calls if c.layer and c.layer.name == "conv" and c.id > call.id)
    page.open(f"#call-{inner.id}")
    assert not frames(page)["encoder"]["active"]
    assert len(pane(page)["current"]) == 1


@pytest.mark.parametrize("size", [(1440, 900), (960, 540)])
def test_a_page_opens_with_the_model_that_failed_in_sight(report, traced, size):
    page = report(traced(FAILING), size=size, **STILL)
    shown, room = frames(page)["head"], pane(page)["pane"]
    assert shown["active"]
    assert shown["top"] >= -0.5  # its title and its input at least
    assert shown["top"] + 80 < room["height"]


def test_at_the_end_of_the_story_all_of_the_picture_is_in_sight(report, traced):
    page = report(traced(WELL), size=(1200, 800), **STILL)
    page.press("Home")
    before = pane(page)
    assert before["picture"]["height"] > before["pane"]["height"]
    page.press("End")
    shown = pane(page)
    assert inside(shown["picture"], shown["pane"], margin=1)
    page.press("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert pane(page)["picture"]["height"] == pytest.approx(before["picture"]["height"])


def test_a_view_of_the_readers_own_stays_at_the_end(report, traced):
    page = report(traced(WELL), size=(1200, 800), **STILL)
    page.page.get_by_role("button", name="Bigger").click()
    width = pane(page)["picture"]["width"]
    page.press("End")
    assert pane(page)["picture"]["width"] == pytest.approx(width)
