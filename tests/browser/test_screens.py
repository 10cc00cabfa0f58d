"""Where it is read: on a phone and in a hall, in light and dark, without scripts."""

from __future__ import annotations

import pytest

from browser.looks import CONTRAST, STILL

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [(390, 844), (1600, 950)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_of_the_screen(report, mlp, size, scheme):
    page = report(mlp, size=size, color_scheme=scheme)
    for _ in range(3):
        wide, tall = page.js(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert (wide, tall) == size
        page.press(*["ArrowRight"] * 20)
    visible = page.page.locator(".pane:visible").count()
    assert visible == (1 if size[0] < 1000 else 3)
    step = page.page.get_by_role("button", name="Step", exact=True).bounding_box()
    assert step["x"] >= 0
    assert step["x"] + step["width"] <= size[0]
    assert step["y"] + step["height"] <= size[1]
    if size[0] < 1000:
        assert min(step["width"], step["height"]) >= 32  # a finger finds it
        for tab in ("Source", "Graph", "Calls"):
            page.page.get_by_role("button", name=tab, exact=True).click()
            assert page.page.locator(f"#pane-{tab.lower()}").is_visible()
            assert page.page.locator(".pane:visible").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(report, mlp, scheme):
    page = report(mlp, color_scheme=scheme, **STILL)
    for _ in range(4):
        page.press(*["ArrowRight"] * 19)
        assert page.js(CONTRAST) == []


def test_without_scripts(report, mlp):
    page = report(mlp, scripts=False).page
    assert page.locator("#app").is_hidden()
    assert page.locator("#plain svg").is_visible()
    assert page.locator("#plain noscript").inner_text().startswith("With JavaScript")
    names = page.locator("#plain code").all_inner_texts()
    assert names == [call.name for call in mlp.calls]
    inner = page.locator("#plain code", has_text="Dense.build").first
    assert inner.is_visible()
    page.locator("#plain summary").first.click()  # the outermost call folds
    assert inner.is_hidden()
    assert page.locator("#plain tbody tr").count() == 4
