"""The page of a plan: what it says, and that no name on it is more than text."""

from __future__ import annotations

import made_traces
import pytest
from msgspec.structs import replace
from renderers import pages, plans
from renderers.page.test_build_page import HOSTILE, named

from buildtrace.renderers.drawing.heat import COLD, HEATS
from buildtrace.renderers.page.plan_page import render

KERNEL = 784 * 512 * 4
"""Bytes of the first kernel, of 4 each."""


def page(trace=None, **asked):
    trace = trace or plans.spread()
    return pages.parse(render(plans.plan_of(trace, **asked), trace))


def table(root, title):
    """The rows of a table, each as its texts."""
    (region,) = (e for e in root.all("div") if e.attributes.get("aria-label") == title)
    rows = [row for body in region.all("tbody") for row in body.all("tr")]
    cells = [[c for c in row.everything() if c.tag in ("th", "td")] for row in rows]
    return [[" ".join(cell.text.split()) for cell in row] for row in cells]


def test_the_first_table_says_what_is_for_what():
    rows = {name: texts for name, *texts in table(page(), "What it takes")}
    # (784 x 512 + 512 + 512 x 10 + 10) numbers of 4 bytes; a device has a quarter of the kernel.
    assert rows["weights"][:2] == ["1.553 MiB", f"{(KERNEL / 4 + 4 * 5642) / 2**10:.1f} KiB"]


def test_boxes_say_where_the_heaviest_weight_lies_and_what_a_layer_takes():
    texts = [text.text for svg in page().all("svg") for text in svg.all("text")]
    said = [text for text in texts if "model" in text]
    on_device = (KERNEL / 4 + 512 * 4) / 2**10
    assert [text for text in said if f"(None, model) · {on_device:.0f} KiB" in text]
    assert [text for text in texts if "each device · 20.0 KiB" in text]


def test_heat_goes_with_bytes():
    """The two layers take 395 KiB on a device and 20: all of the heaviest, and a little of it."""
    fills = {}
    for box in (e for e in page().all("g") if e.attributes.get("class") == "node"):
        title = next(box.all("text")).text.strip()
        fills[title] = next(box.all("path")).attributes["fill"].lower()
    heaviest, light = (HEATS[place][1].fill.lower() for place in (-1, 0))
    assert fills == {"input_layer": COLD.fill.lower(), "dense": heaviest, "dense_1": light}


def test_the_legend_says_in_bytes_what_colors_mean():
    (legend,) = (e for e in page().all("ul") if e.attributes.get("class") == "legend")
    steps = [item.text.strip() for item in legend.all("li")]
    on_device = (KERNEL / 4 + 512 * 4) / 2**10
    assert (steps[0], steps[-1]) == ("no weights", f"up to {on_device:.0f} KiB")


def test_what_is_whole_on_each_device_comes_heaviest_first():
    rows = table(page(), "Whole on each device")
    # Two biases of 512 and 10 numbers of 4 bytes; they are of different shapes.
    assert [(row[0], row[3]) for row in rows] == [
        ("dense_1/kernel", "20.00 KiB"),
        ("dense/bias", "2.000 KiB"),
        ("dense_1/bias", "40 bytes"),
    ]


def test_alike_weights_are_one_row():
    trace = plans.spread(made_traces.mlp3(units=(512, 512, 512)))
    rows = table(page(trace), "Whole on each device")
    assert rows[0][0] == "2× dense_1/kernel … dense_2/kernel"  # noqa: RUF001
    assert rows[0][3] == "2.000 MiB"


def test_an_entry_of_the_layout_map_that_matched_nothing_says_so():
    rows = {row[0]: row for row in table(page(), "Layout map")}
    assert rows["never"][2] == "none"
    assert rows["dense/kernel"][1:3] == ["(None, model)", "1"]


@pytest.mark.parametrize(("memory", "says"), [(2**30, "It fits, with"), (2**10, "It does not fit")])
def test_whether_it_fits(memory, says):
    text = page(device_memory=memory).text
    assert says in text
    assert "at least" in text


def test_without_memory_nothing_is_said_of_fitting():
    for asked, sections in (({}, 0), ({"device_memory": 1}, 1)):
        assert len(list(page(**asked).all("section"))) == sections


def test_what_cannot_be_divided_is_listed():
    trace = plans.spread()
    (first, *others) = trace.weights
    # 10 units into 4 parts.
    trace.weights = (first, others[0], replace(others[1], layout=first.layout), *others[2:])
    root = page(trace)
    assert table(root, "Cannot be divided") == [["dense_1/kernel", "(512, 10)", "10", "4", "model"]]
    (told,) = (e for e in root.all("p") if e.attributes.get("data-severity") == "error")
    assert "1 dimension cannot be divided" in told.text


def test_outputs_are_called_a_lower_bound_and_never_a_peak():
    text = page(batch=8).text
    assert "Lower bound of activations, for a batch of 8" in text
    # 8 samples of 512 and 10 numbers of 4 bytes; a device has 4 of them, and a quarter of the 512.
    device = 4 * (128 + 10) * 4 / 2**10
    assert f"At least {8 * 522 * 4 / 2**10:.2f} KiB in all, {device:.3f} KiB on a device" in text
    assert "no peak" in text


def test_multiply_adds_stand_with_their_formula():
    rows = table(page(), "Multiply-adds")
    assert [(row[0], row[2], row[4]) for row in rows] == [
        ("dense", "outputs · inputs of each", f"{784 * 512:,}"),
        ("dense_1", "outputs · inputs of each", f"{512 * 10:,}"),
    ]


def test_a_plan_without_devices_speaks_of_none():
    trace = made_traces.mlp3()
    root = page(trace)
    assert "on a device" not in root.text
    assert table(root, "What it takes")[0][1] == "1.553 MiB"


def test_a_plan_of_nothing_is_a_page():
    root = page(made_traces.Recording().trace())
    assert "There is no picture" in root.text


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_becomes_markup(name):
    trace = plans.spread(named(name), [(name, ((name,),))])
    text = render(plans.plan_of(trace, notes=(name,)), trace)
    text.encode()  # what cannot be written down is made visible
    root = pages.parse(text)
    pages.check_no_markup(root, scripts=())
    assert pages.addresses(root) == []


def test_the_policy_allows_the_styles_of_the_page_and_nothing_from_elsewhere():
    root = page()
    (style,) = root.all("style")
    policy = pages.policy_of(root)
    assert policy["default-src"] == ["'none'"]
    assert policy["style-src"] == [pages.hash_of(style.text)]
    assert not [e for e in root.everything() if "style" in e.attributes]
