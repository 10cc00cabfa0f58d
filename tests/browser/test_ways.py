"""Ways to get somewhere: by keyboard alone, by pointer, by search."""

from __future__ import annotations

import pytest

from browser import expected
from browser.looks import SEEN

pytestmark = pytest.mark.browser


def focused(page):
    return page.js(
        "document.activeElement.id || document.activeElement.getAttribute('aria-label') ||"
        "document.activeElement.textContent.trim()"
    )


def test_all_of_it_by_keyboard_alone(report, mlp):
    page = report(mlp)
    stops = []
    for _ in range(60):
        page.press("Tab")
        stops.append(focused(page))
        if stops[-1] in ("drawer", "Weights") or "made ·" in stops[-1]:
            break
    labels = {"search", "Step", "Back", "Play", "slider", "tree", "source", "user", "graph"}
    assert labels <= set(stops)
    page.press("Enter")  # the table opens
    page.until("document.querySelectorAll('#weights tr').length === 4")
    page.press("Tab", "Tab")  # into it, and to the first weight
    page.press("Enter")
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"]) == ("Done:", "Layer.add_weight")
    assert dict(shown["facts"])["makes"].startswith("kernel (784, 512)")


def test_what_optimizers_and_metrics_hold_is_in_the_drawer(report, trained):
    page = report(trained)
    page.page.locator("#drawer summary").click()
    groups = [body.locator("tr") for body in page.page.locator("#held tbody").all()]
    holders = [holder for holder in trained.holders if holder.id in variables_of(trained)]
    assert len(groups) == len(holders)
    for holder, rows in zip(holders, groups, strict=True):
        title, *texts = rows.all_inner_texts()
        assert title.startswith(f"{holder.name}, {holder.class_name}: ")
        held = variables_of(trained)[holder.id]
        assert [text.split("\t")[:2] for text in texts] == [[v.name, str(v.shape)] for v in held]
    kept = next(v for v in trained.variables if v.weight is not None)
    row = (
        page.page.locator("#held tbody tr")
        .filter(has=page.page.get_by_role("button"))
        .nth([v.id for v in trained.variables if v.call is not None].index(kept.id))
    )
    assert row.get_attribute("class") == "todo"  # nothing has run yet
    row.locator("button").click()
    assert page.js(SEEN)["name"] == trained.calls[kept.call].name
    assert row.get_attribute("class") == ""


def variables_of(trace):
    """What each optimizer and metric of a trace holds, by its id."""
    found = {}
    for variable in trace.variables:
        found.setdefault(variable.holder, []).append(variable)
    return found


def test_the_tree_by_keyboard(report, mlp):
    page = report(mlp)
    page.page.focus("#tree")
    page.press("ArrowDown", "ArrowDown", "ArrowDown", "Enter")
    shown = page.js(SEEN)
    assert shown["name"] == mlp.calls[2].name
    assert shown["verb"] == "Enter"
    page.press("ArrowUp", "ArrowUp", "-")  # folds the outermost call
    assert page.page.locator("#tree .row").count() == 1
    assert page.page.locator("#tree .row").get_attribute("aria-expanded") == "false"
    page.press("+")
    assert page.page.locator("#tree .row").count() > 5


def test_a_layer_in_the_graph_by_keyboard(report, mlp):
    page = report(mlp)
    page.page.focus("#graph .node")
    page.press("ArrowDown", "Enter", "Enter")  # its card, and there the first button
    shown = page.js(SEEN)
    assert (shown["name"], shown["layer"]) == ("Dense.build", "dense Dense")


def test_the_slider_takes_the_same_keys(report, mlp):
    page = report(mlp)
    page.page.focus("#slider")
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.js(SEEN)["count"].startswith("beat 3 ")
    page.press("Home", *["Shift+ArrowRight"] * 3)
    assert page.js(SEEN)["slider"] == 3
    assert "beginning of" in page.page.locator("#slider").get_attribute("aria-valuetext")


# -- by pointer ----------------------------------------------------------------------------------


def test_a_double_click_on_a_layer_goes_to_its_build(report, mlp):
    page = report(mlp)
    page.page.locator("#graph .node", has_text="dense_1").dblclick()
    shown = page.js(SEEN)
    assert (shown["name"], shown["layer"]) == ("Dense.build", "dense_1 Dense")


def test_the_three_steps_are_on_the_slider(report, mlp):
    page = report(mlp)
    for step, title in (("input", "The input"), ("graph", "The graph")):
        page.page.get_by_role("button", name=title).click()
        shown = page.js(SEEN)
        assert shown["step"] == step
        first = next(n for n, m in enumerate(expected.moments(mlp), 1) if m.call.step == step)
        assert shown["slider"] == first


def test_a_function_on_the_stack_shows_its_source(report, mlp):
    page = report(mlp)
    page.press(*["Shift+ArrowRight"] * 19)
    call = list(expected.moments(mlp))[18].call
    outer = expected.stack(mlp, call)[2]
    page.page.locator("#stack .frame").nth(2).click()
    shown = page.js(SEEN)
    assert shown["head"] == outer.name
    inner = expected.stack(mlp, call)[1]
    assert shown["source"][0] == expected.marked_line(mlp, outer, inner)
    assert shown["slider"] == 19  # the build has not moved


def test_a_docstring_is_folded_and_comes_back(report, mlp):
    page = report(mlp)
    call = next(c for c in mlp.calls if c.name == "Layer.add_weight")
    page.open(f"#call-{call.id}")
    first = page.page.locator("#source .code li", has_text='"""').first
    assert first.is_hidden()
    assert page.js(SEEN)["source"][0] == expected.definition(call)
    button = page.page.locator("#source .doc button")
    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.press("Enter")
    assert first.is_visible()
    page.press("Enter")
    assert first.is_hidden()


def test_search_finds_layers_calls_and_weights(report, mlp):
    page = report(mlp)
    page.press("/")
    page.page.keyboard.type("dense_1")
    assert page.page.locator("#found li").first.inner_text().split()[:2] == ["layer", "dense_1"]
    page.press("Enter")
    assert page.js(SEEN)["layer"] == "dense_1 Dense"
    page.page.fill("#search", "dense/bias")
    page.press("Enter")
    assert dict(page.js(SEEN)["facts"])["makes"].startswith("bias (512,)")
    page.page.fill("#search", "add_weight")
    where = []
    for _ in range(5):
        page.press("Enter")
        assert page.page.locator("#found").is_hidden()
        assert focused(page) != "search"  # the keys are the page's again
        page.press("/")  # and the words are still there
        where.append(page.js(SEEN)["slider"])
    begin = [
        n
        for n, m in enumerate(expected.moments(mlp), 1)
        if m.call.name == "Layer.add_weight" and not m.ended
    ]
    start = begin.index(where[0])
    assert where == [begin[(start + n) % len(begin)] for n in range(5)]  # round and round
    page.page.fill("#search", "no such thing")
    assert "Nothing is called that" in page.page.locator("#found").inner_text()
    page.press("Escape")
    assert page.page.locator("#found").is_hidden()


def test_a_fold_is_stepped_over(report, mlp):
    page = report(mlp)
    page.page.get_by_role("button", name="calls", exact=True).click()
    page.press("ArrowRight", "ArrowRight")
    second = mlp.calls[1]
    inside = [c for c in mlp.calls if second in expected.stack(mlp, c)[1:]]
    page.page.locator("#tree [aria-current] .fold").click()
    if not inside:
        pytest.skip("the second call has nothing inside on this Keras")
    page.press("ArrowRight")
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"]) == ("Done:", second.name)
    page.page.get_by_role("button", name="Fold", exact=True).click()  # as it was at first
    assert len(page.js(SEEN)["rows"]) > 5
