"""The page of two builds, taken apart without a browser."""

from __future__ import annotations

from contextlib import ExitStack

import made_traces
import pytest
from loops import case
from renderers import pages
from renderers.page.test_build_page import HOSTILE, named

from buildtrace.comparison import compare
from buildtrace.renderers.page import lockstep
from buildtrace.traces.trace_file import from_json, to_json

MADE = [
    made_traces.mlp2,
    made_traces.mlp3,
    made_traces.towers,
    made_traces.failing,
    made_traces.evil,
    made_traces.Trace,
]


def page(left, right, full=False, **options):
    return pages.parse(lockstep.render(left, right, compare(left, right, **options), full=full))


def rows_of(root):
    return [row for row in root.all("tr") if "data-state" in row.attributes]


def folds_of(root):
    return [b for b in root.all("tbody") if b.attributes.get("class") == "folded"]


@pytest.mark.parametrize("left", MADE)
def test_every_call_of_both_sides_is_in_the_table_in_its_order(left):
    for right in MADE:
        both = left(), right()
        rows = rows_of(page(*both, full=True))
        for column, trace in zip((0, 2), both, strict=True):
            cells = [list(row.all("td"))[column] for row in rows]
            shown = [code.text for cell in cells for code in cell.all("code")]
            calls = [call for _, call in trace.walk()]
            with case(right):
                assert [name[:200] for name in shown] == [call.name[:200] for call in calls]


def test_what_is_equal_is_in_folds_that_say_how_much():
    root = page(made_traces.mlp3((512, 64, 10)), made_traces.mlp3((512, 32, 10)))
    folds = folds_of(root)
    words = [button.text for button in root.all("button") if button.text.startswith("⋯")]
    assert len(folds) == len(words) > 2
    assert "⋯ 16 equal calls" in words
    states = {row.attributes["data-state"] for fold in folds for row in rows_of(fold)}
    assert states == {"same", "differs"}
    assert folds_of(page(made_traces.mlp3(), made_traces.mlp2(), full=True)) == []


def test_differences_come_first_in_their_order_and_lead_to_rows():
    left, right = made_traces.mlp3(), made_traces.mlp3((512, 64, 10))
    root = page(left, right)
    items = list(root.id("changes").all("li"))
    assert [item.attributes["data-severity"] for item in items] == ["error", "error"]
    assert [item.attributes.get("class") for item in items] == [None, "follows"]
    assert "'dense_1' (Dense) inserted" in items[0].text
    (link,) = items[0].all("a")
    row = root.id(link.attributes["href"][1:])
    assert row.attributes["data-state"] == "right"
    assert "Dense.build (None, 512)" in row.text


@pytest.mark.parametrize("left", MADE)
def test_links_stay_on_the_page_and_lead_somewhere(left):
    root = page(left(), made_traces.mlp3())
    for address in pages.addresses(root):
        assert root.id(address.removeprefix("#")).tag == "tr"
    assert [e.tag for e in root.everything() if "style" in e.attributes] == []
    ids = [e.attributes["id"] for e in root.everything() if "id" in e.attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_becomes_markup(name):
    trace = named(name)
    root = page(made_traces.mlp3(), trace, labels=(name, name))
    pages.check_no_markup(root)
    lockstep.render(made_traces.mlp3(), trace, made_traces.mlp3().diff(trace)).encode()
    if name == HOSTILE["script"]:
        assert any(code.text == f"{name}.build" for code in root.id("rows").all("code"))


def test_the_policy_allows_the_two_inline_texts_and_nothing_else():
    pages.check_policy(page(made_traces.mlp2(), made_traces.mlp3()))


def test_every_control_and_region_has_a_name():
    for element in page(made_traces.mlp2(), made_traces.mlp3()).everything():
        if element.tag in ("button", "input") or element.attributes.get("role") == "region":
            assert element.attributes.get("aria-label") or element.text.strip(), element


def test_the_same_builds_give_the_same_page():
    first, second = (
        lockstep.render(
            made_traces.mlp2(), made_traces.mlp3(), made_traces.mlp2().diff(made_traces.mlp3())
        )
        for _ in range(2)
    )
    assert first == second


def test_very_deep_calls_stand_no_further_to_the_right_and_say_how_deep():
    recording = made_traces.Recording()
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(recording.call("_build_map_helper"))
    trace = recording.trace()
    root = page(trace, trace, full=True)
    cells = [next(row.all("td")) for row in rows_of(root)]
    depths = [int(cell.attributes["data-depth"]) for cell in cells]
    furthest = max(depths)
    assert depths == [min(depth, furthest) for depth in range(40)]
    assert furthest < 20
    assert cells[-1].text == "[39] _build_map_helper"
    assert "[" not in cells[furthest].text
    (style,) = root.all("style")
    assert [n for n in range(1, 40) if f'[data-depth="{n}"]' in style.text] == [
        *range(1, furthest + 1)
    ]


def test_what_many_rows_say_is_carried_once():
    many = made_traces.mlp3((64,) * 100)
    data = pages.data_of(page(many, many))
    assert len(data["rows"]) == len(many.calls)
    assert len(data["sentences"]) == len({(c.landmark, c.generation) for c in many.calls})
    assert len(data["lines"]) == len({call.caller for call in many.calls})


def test_each_side_has_its_lines_as_they_were(tmp_path):
    """Two versions of one file: what it is by now is neither."""
    path = tmp_path / "net.py"
    saved = []
    for name in ("before", "after"):
        path.write_text(made_traces.SCRIPT.replace("net(first)", f"net({name})"))
        saved.append(to_json(made_traces.frozen(str(path))))
    path.unlink()
    data = pages.data_of(page(*map(from_json, saved)))
    texts = [
        {
            text
            for row in data["rows"]
            if (shown := row["sides"][side]) and "line" in shown
            for line in data["lines"][shown["line"]]["code"]
            for _, text in line["pieces"]
        }
        for side in (0, 1)
    ]
    assert "before" in " ".join(texts[0])
    assert "after" not in " ".join(texts[0])
    assert "after" in " ".join(texts[1])
    assert "before" not in " ".join(texts[1])
