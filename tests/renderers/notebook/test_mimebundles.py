from __future__ import annotations

import base64
import re
import sys
import types

import made_traces
import markup
import pytest

import buildtrace
from buildtrace import renderers
from buildtrace.renderers import VIEWS, Options, Renderer
from buildtrace.renderers.notebook import colored, mimebundles
from buildtrace.renderers.text import styles

STRIPPED = {"iframe", "script", "svg", "style", "object", "embed", "form", "link", "meta"}
"""What JupyterLab takes out of a notebook that is not trusted."""

PAGE = '<!doctype html><p id="it">report</p><script>document.title = "ran" + "&\'"</script>'


@pytest.fixture
def no_report(monkeypatch):
    rest = {name: row for name, row in renderers.RENDERERS.items() if name != mimebundles.REPORT}
    monkeypatch.setattr(renderers, "RENDERERS", rest)  # a row put back would be the last one


@pytest.fixture
def report(monkeypatch):
    """A report that is small and knows scripts and quotes."""
    module = types.ModuleType("buildtrace.renderers.stand_in")
    module.render = lambda trace, options: PAGE
    monkeypatch.setitem(sys.modules, module.__name__, module)
    row = Renderer(mimebundles.REPORT, ".html", "stand_in:render", "")
    monkeypatch.setitem(renderers.RENDERERS, mimebundles.REPORT, row)


def images(element):
    data = [image.attributes["src"].split(",", 1) for image in element.find("img")]
    assert all(head == "data:image/svg+xml;base64" for head, _ in data)
    return [base64.b64decode(body).decode() for _, body in data]


def test_the_report_stands_in_a_frame_that_may_run_scripts_and_nothing_else(report):
    html = made_traces.mlp3()._repr_mimebundle_()["text/html"]
    (frame,) = markup.parse(html).find("iframe")
    assert frame.attributes["sandbox"] == "allow-scripts"
    assert frame.attributes["srcdoc"] == PAGE


def test_in_the_frame_stand_the_picture_and_the_tree(report, no_report):
    bundle = made_traces.mlp3()._repr_mimebundle_()
    root = markup.parse(bundle["text/html"])
    assert "401,920 parameters" in images(root)[0]
    assert root.find("details")
    assert bundle["text/plain"].splitlines()[0].startswith("keras 3.15.1")


def test_a_graph_is_a_picture_with_all_that_its_trace_knows():
    trace = made_traces.towers()
    root = markup.parse(trace.graph("two_towers")._repr_mimebundle_()["text/html"])
    (picture,) = images(root)
    assert "inner" in picture  # a layer of the model inside
    assert "36 parameters" in picture


def test_a_graph_without_its_trace_is_a_picture_all_the_same():
    alone = buildtrace.Trace(graphs=made_traces.mlp3().graphs).graphs[0]
    (picture,) = images(markup.parse(alone._repr_mimebundle_()["text/html"]))
    assert "dense_1" in picture


def test_weights_are_a_table():
    weights = made_traces.mlp3().weights
    bundle = weights._repr_mimebundle_()
    rows = markup.parse(bundle["text/html"]).find("tr")
    assert [cell.text for cell in rows[0].find("th")][:3] == ["weight", "shape", "parameters"]
    cells = [cell.text for cell in rows[1].find("td")]
    assert cells[:3] == ["dense/kernel", "(784, 512)", "401,408"]
    assert len(rows) == 1 + len(weights)
    assert {len(row.children) for row in rows} == {len(rows[0].find("th"))}
    assert "dense_1/bias" in bundle["text/plain"]


def test_weights_of_a_big_model_are_folded():
    weights = made_traces.mlp3((8,) * 200).weights
    root = markup.parse(weights._repr_mimebundle_()["text/html"])
    assert len(root.find("tr")) < 100
    assert any("more" in row.text for row in root.find("tr"))


def test_weights_are_a_tuple_like_any_other():
    trace = made_traces.mlp3()
    assert trace.weights == tuple(trace.weights)
    assert isinstance(trace.weights, tuple)
    assert trace.weights.trace is trace
    filled = buildtrace.Trace()
    filled.weights = tuple(trace.weights)
    assert filled.weights.trace is filled


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_in_color_is_the_view(view):
    trace = made_traces.towers()
    bundle = mimebundles.of_views(trace, Options(views=(view,)))
    root = markup.parse(bundle["text/html"])
    (block,) = root.find("pre")
    text = renderers.to_text(trace, Options(views=(view,)), width=colored.WIDTH)
    assert [line.rstrip() for line in block.text.splitlines()] == text.splitlines()
    assert "file://" not in bundle["text/html"]


def test_each_call_of_a_tree_has_its_line_number_whole():
    trace = made_traces.mlp3()
    (block,) = markup.parse(colored.views(trace, Options(full=True))).find("pre")
    lines = [line.rstrip() for line in block.text.splitlines()]
    places = [line for line in lines if re.search(r" \S+\.py:\d+$", line)]
    assert len(places) == len(trace.calls)
    assert max(map(len, lines)) <= colored.WIDTH


@pytest.mark.parametrize(
    "make", [made_traces.evil, made_traces.towers, made_traces.failing, buildtrace.Trace]
)
def test_nothing_of_it_is_stripped(make, no_report):
    trace = make()
    pieces = [trace._repr_mimebundle_(), trace.weights._repr_mimebundle_()]
    pieces += [graph._repr_mimebundle_() for graph in trace.graphs]
    pieces.append(mimebundles.of_views(trace, Options(views=tuple(VIEWS))))
    for piece in pieces:
        assert not markup.tags(piece["text/html"]) & STRIPPED
        assert "\x1b" not in piece["text/html"]


def test_a_trace_without_a_graph_has_no_picture(no_report):
    root = markup.parse(made_traces.failing()._repr_mimebundle_()["text/html"])
    assert not root.find("img")
    assert root.find("details")


def test_a_console_gets_plain_text(monkeypatch):
    """And nobody draws a picture for it."""
    formatter = types.SimpleNamespace(active_types=["text/plain"])
    shell = types.SimpleNamespace(display_formatter=formatter)
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(mimebundles, "picture", lambda *_: 1 / 0)
    trace = made_traces.mlp3()
    for shown in (trace, trace.graph("sequential"), trace.weights):
        assert list(shown._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.slow
def test_jupyterlab_leaves_the_picture_and_the_tree(report, tmp_path):
    sanitize = markup.sanitizer(tmp_path)
    trace = made_traces.towers()
    dirty = trace._repr_mimebundle_()["text/html"]
    clean = sanitize(dirty)
    root = markup.parse(clean)
    assert not markup.tags(clean) & STRIPPED
    before = markup.parse(dirty.replace("<iframe", "<div").replace("</iframe>", "</div>"))
    assert root.text == before.text
    assert images(root) == images(before)
    assert len(root.find("details")) == len(before.find("details"))
    assert "color:#2e8540" in clean
    table = trace.weights._repr_mimebundle_()["text/html"]
    assert markup.parse(sanitize(table)).text == markup.parse(table).text


@pytest.mark.slow
def test_a_browser_shows_the_report_or_what_is_left_of_it(report, tmp_path, new_page):
    html = made_traces.mlp3()._repr_mimebundle_()["text/html"]
    (tmp_path / "trusted.html").write_text(f"<meta charset=utf-8>{html}")
    with new_page() as page:
        page.goto((tmp_path / "trusted.html").as_uri())
        frame = page.frames[1]
        assert frame.locator("#it").inner_text() == "report"
        assert frame.evaluate("document.title") == "ran&'"
        assert page.locator("img").count() == 0
    left = markup.sanitizer(tmp_path)(html)
    (tmp_path / "left.html").write_text(f"<meta charset=utf-8>{left}")
    with new_page() as page:
        page.goto((tmp_path / "left.html").as_uri())
        assert page.locator("img").evaluate("image => image.naturalWidth") > 100
        assert page.locator("details").first.is_visible()


@pytest.mark.parametrize("style", [*styles.STEP.values(), *styles.SEVERITY.values()])
def test_each_style_of_a_terminal_has_a_look(style):
    assert set(style.split()) <= set(colored.STYLES)


def test_what_an_optimizer_holds_is_a_table_of_its_own():
    html = markup.parse(mimebundles.of_weights(made_traces.trained())["text/html"])
    assert len(html.find("table")) == 2
    assert "adam, Adam: 814,100 + 1" in html.text
    assert "and besides, held by Adam: 814,100 + 1" in html.text
