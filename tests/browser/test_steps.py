"""Step by step through a real build: every pane against the trace."""

from __future__ import annotations

import pytest

from browser import expected
from browser.looks import SEEN, STILL, check
from buildtrace.renderers.beats import beats

pytestmark = pytest.mark.browser


def test_every_step_of_the_mlp_forwards_and_back(report, mlp):
    page = report(mlp, **STILL)
    page.page.get_by_role("button", name="calls", exact=True).click()
    steps = list(expected.moments(mlp))
    assert len(steps) == 2 * len(mlp.calls)
    before = page.js(SEEN)
    assert before["count"] == f"0 / {len(steps)}"
    assert {(box["seen"], box["full"]) for box in before["boxes"].values()} == {(False, 0)}
    assert set(before["edges"]) == {"todo"}
    assert set(before["rows"].values()) == {"todo"}
    forwards = []
    for number, moment in enumerate(steps, 1):
        page.press("ArrowRight")
        forwards.append(page.js(SEEN))
        check(mlp, forwards[-1], moment, number, f"{number} / {len(steps)}")
    page.press("ArrowRight")  # the end is the end
    assert page.js(SEEN)["count"] == forwards[-1]["count"]
    for shown in reversed([before, *forwards[:-1]]):
        page.press("ArrowLeft")
        back = page.js(SEEN)
        # Which rows are in sight depends on where one comes from, what they show does not.
        common = back.pop("rows").items() & shown.pop("rows").items()
        assert len(common) > 5
        assert back == shown


def told(trace):
    """The beats of a build of one model, each with its moment and the number of that."""
    moments = {(m.call.id, m.ended): (n, m) for n, m in enumerate(expected.moments(trace), 1)}
    (graph,) = trace.graphs
    return [(*moments[beat.call.id, beat.ended], beat) for beat in beats(trace, graph)]


def test_every_beat_of_the_mlp_forwards_and_back(report, mlp):
    page = report(mlp, **STILL)
    story = told(mlp)
    assert len(story) == 9
    positions = [position for position, *_ in story]
    assert positions == sorted(set(positions))
    sentences = [beat.text for *_, beat in story]
    before = page.js(SEEN)
    assert (before["slider"], before["count"]) == (0, "9 beats")
    assert before["next"] == f"Press → for the first step: {sentences[0]}"
    forwards = []
    for number, (position, moment, beat) in enumerate(story, 1):
        page.press("ArrowRight")
        shown = page.js(SEEN)
        check(mlp, shown, moment, position, f"beat {number} of 9")
        assert shown["says"] == beat.text
        assert shown["next"].endswith([*sentences, "This is the end of the story."][number])
        forwards.append(shown["says"])
    page.press("ArrowRight")  # the end is the end
    assert page.js(SEEN)["says"] == forwards[-1]
    for says in reversed(forwards[:-1]):
        page.press("ArrowLeft")
        assert page.js(SEEN)["says"] == says
    page.press("ArrowLeft")
    assert page.js(SEEN)["slider"] == 0
    ticks = page.js(
        "[...document.querySelectorAll('#beats i')].map((i) => parseFloat(i.style.left))"
    )
    assert ticks == pytest.approx(
        [50 * position / len(mlp.calls) for position in positions], abs=0.01
    )


def test_names_and_shapes_in_a_sentence_are_set_off(report, mlp):
    page = report(mlp)
    (beat,) = (b for *_, b in told(mlp) if b.ended and b.call.name == "Dense.build")
    page.open(f"#call-{beat.call.id}-end")
    kinds = page.js(
        "[...document.querySelectorAll('#now .says span')]"
        ".map((e) => [e.textContent, e.className.replace('is-', '')])"
    )
    assert kinds == [[p.text, p.kind] for p in beat.sentence if p.kind]
    look = "(kind) => getComputedStyle(document.querySelector(`#now .is-${kind}`))"
    for kind in ("weight", "shape"):  # not by color alone
        assert "mono" in page.js(f"({look})('{kind}').fontFamily").lower()
    assert int(page.js(f"({look})('number').fontWeight")) >= 600


def test_what_a_landmark_is_for_is_told_whole_once(report, mlp):
    page = report(mlp)
    seen = set()
    for _, moment, _ in told(mlp):
        page.press("ArrowRight")
        landmark = mlp.landmark(moment.call)
        about = page.page.locator("#now .about")
        is_new = landmark.name not in seen
        assert (about.get_attribute("open") is not None) == is_new, landmark.name
        seen.add(landmark.name)
        summary = about.locator("summary")
        height = summary.bounding_box()["height"]
        if not is_new:
            assert height < 30  # one line, which can be opened
            summary.click()
            assert about.get_attribute("open") is not None
        if landmark.article:
            assert about.locator(".article").inner_text() == landmark.article.replace("`", "")


def test_between_beats_the_call_is_told(report, mlp):
    page = report(mlp)
    story = told(mlp)
    position = story[0][0] + 1
    while position in [p for p, *_ in story]:
        position += 1
    page.press("ArrowRight", *["Shift+ArrowRight"] * (position - story[0][0]))
    shown = page.js(SEEN)
    moment = list(expected.moments(mlp))[position - 1]
    number = sum(p < position for p, *_ in story)
    assert (shown["slider"], shown["count"]) == (position, f"after beat {number} of 9")
    assert shown["name"] == moment.call.name
    assert shown["says"].split()[1:3] == ["Done:" if moment.ended else "Enter", moment.call.name]
    page.press("Shift+ArrowLeft")
    assert page.js(SEEN)["slider"] == position - 1
    page.press("ArrowRight")
    assert page.js(SEEN)["slider"] == story[number][0]


def test_pages_are_small_enough(report, mlp, trained):
    assert report(mlp).path.stat().st_size < 180_000
    assert report(trained).path.stat().st_size < 180_000  # compile, loss and optimizer, too


def test_what_training_needs_is_the_fourth_part(report, mlp, trained):
    assert report(mlp).page.locator(".mark").count() == 3
    page = report(trained)
    assert page.page.locator(".mark").nth(3).inner_text() == "4 Training"
    page.page.locator(".mark").nth(3).click()
    shown = page.js(SEEN)
    assert shown["name"].endswith(".compile")
    assert shown["step"] == "compile"
    (graph,) = trained.graphs
    story = [beat for beat in beats(trained, graph) if beat.part == 4]
    assert len(story) == 4
    page.press("End")
    assert page.js(SEEN)["says"] == story[-1].text


LOADED = """\
import tempfile

import keras

path = f"{tempfile.mkdtemp()}/net.weights.h5"
layers = [keras.layers.Dense(4, name="hidden"), keras.layers.Dense(2, name="out")]
net = keras.Sequential([keras.Input((3,)), *layers], name="net")
net.save_weights(path)
net.load_weights(path)
"""


def test_what_a_file_gives_is_a_part_of_its_own(report, traced):
    trace = traced(LOADED)
    page = report(trace)
    marks = page.page.locator(".mark")
    assert marks.all_inner_texts() == ["1 The input", "2 The layers", "3 The graph", "5 The file"]
    marks.nth(3).click()
    shown = page.js(SEEN)
    assert (shown["name"], shown["step"]) == ("Model.load_weights", "load")
    assert ["reads", "net.weights.h5"] in [list(fact) for fact in shown["facts"]]
    said = page.open(f"#call-{trace.calls[-1].id}-end").js(SEEN)["says"]
    assert said.startswith("out gets the values of its 2 weights from layers/")


def test_a_variable_of_an_optimizer_is_made_for_a_weight(report, trained):
    page = report(trained)
    made = [v for v in trained.variables if v.weight is not None]
    assert len(made) == 4
    for variable in made:
        weight = trained.weights[variable.weight]
        owner = trained.layers[weight.layer].name
        shown = page.open(f"#call-{variable.call}-end").js(SEEN)
        makes = f"{variable.name} for {owner}/{weight.name} {variable.shape}"
        assert ["makes", makes] in [list(fact) for fact in shown["facts"]]
        assert shown["row"]["weights"] == [makes]


def test_over_and_to_the_ends_by_keys(report, mlp):
    page = report(mlp)
    last = 2 * len(mlp.calls)
    page.press("End")
    assert page.js(SEEN)["slider"] == last
    page.press("Home")
    assert page.js(SEEN)["slider"] == 0
    page.press(".")  # over the one call that all others are inside of
    assert page.js(SEEN)["slider"] == last
    page.press(",")
    assert page.js(SEEN)["slider"] == 1
    page.press("Shift+ArrowRight", ".")
    (second,) = [c for c in mlp.calls if c.id == 1]
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"]) == ("Done:", second.name)
    page.press(",")
    shown = page.js(SEEN)
    assert (shown["verb"], shown["name"], shown["slider"]) == ("Enter", second.name, 2)


def test_space_plays_and_any_step_stops(report, mlp):
    page = report(mlp)
    page.page.select_option("#pace", value="3")
    page.page.locator("#pace").blur()
    second = told(mlp)[1][0]
    page.press(" ")
    page.until(f"document.getElementById('slider').value >= {second}")
    assert page.page.get_by_label("Pause").is_visible()
    page.press("ArrowLeft")
    position = page.js(SEEN)["slider"]
    page.page.wait_for_timeout(1500)
    assert page.js(SEEN)["slider"] == position
    assert page.page.get_by_label("Play").is_visible()


def test_each_step_has_an_address(report, mlp):
    page = report(mlp)
    page.press(*["Shift+ArrowRight"] * 20)
    page.until("location.hash.startsWith('#call-')")
    page.page.wait_for_timeout(200)
    moment = list(expected.moments(mlp))[19]
    fragment = f"#call-{moment.call.id}{'-end' if moment.ended else ''}"
    assert page.js("location.hash") == fragment
    page.press("Home")
    shown = page.open(fragment).js(SEEN)
    assert shown["slider"] == 20
    page.js("location.hash = '#call-0-end'")
    page.until("document.getElementById('slider').value > 20")
    assert page.js(SEEN)["slider"] == 2 * len(mlp.calls)
    assert page.open("#call-999999").js(SEEN)["slider"] == 0  # what is not there does no harm
    assert page.open("#%3Cscript%3E").js(SEEN)["slider"] == 0
    assert page.open("#%").js(SEEN)["slider"] == 0
