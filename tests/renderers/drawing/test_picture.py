from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
import xml.dom.minidom
from contextlib import suppress

import pygraphviz
import pytest
from renderers import graphs

from buildtrace import renderers
from buildtrace.errors import RenderError
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import layout, picture

MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}

ENDLESS = "while True: pass"


@pytest.mark.parametrize("suffix", MAGIC)
def test_every_format_without_a_system_graphviz(suffix, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    content = renderers.content(graphs.trace(*graphs.siamese()), suffix, Options())
    assert content.startswith(MAGIC[suffix])


@pytest.mark.parametrize("name", ["", " "])
@pytest.mark.parametrize("layers", [0, 1, 4])
@pytest.mark.parametrize("others", [(), (graphs.mlp(id=5),)], ids=["alone", "one of two"])
def test_what_has_no_name_is_drawn(name, layers, others):
    model = graphs.Model(name)
    before = []
    for _ in range(layers):
        before = [model.add(name, name, *before)]
    page = xml.dom.minidom.parseString(picture.svg(graphs.trace(model, *others), Options()))
    texts = [t.firstChild.data for t in page.getElementsByTagName("text")]
    assert texts.count("Functional") == bool(layers or not others)  # no layers, no frame


@pytest.mark.parametrize("name", [name for name in graphs.NASTY if name.strip()])
def test_names_in_svg(name):
    model = graphs.Model(name)
    first = model.add(name, "InputLayer")
    model.add(name, name, first)
    content = picture.svg(graphs.trace(model), Options())
    page = xml.dom.minidom.parseString(content)
    assert not page.getElementsByTagName("script")
    assert not page.getElementsByTagName("a")
    assert b"<!DOCTYPE" not in content
    told = [t.firstChild.data for t in page.getElementsByTagName("title") if t.firstChild]
    shown = "".join(c if c.isprintable() else "\\n" for c in name)
    assert any(shown[:150] in title for title in told)
    texts = [t.firstChild.data for t in page.getElementsByTagName("text")]
    if len(shown) < 40:
        assert texts.count(shown) >= 2
    else:
        assert any("…" in text for text in texts)


def slow_for(monkeypatch, times):
    """Layouts take too long so many times; what is asked for after that is laid out."""
    asked = []
    real = layout.lay_out

    def lay_out(source, format, seconds, slow):  # noqa: A002
        asked.append(source)
        if len(asked) <= times:
            raise layout.LayoutTimeoutError("slow")
        return real(source, format, seconds, slow)

    monkeypatch.setattr(layout, "lay_out", lay_out)
    return asked


def test_too_slow_falls_back_to_plain_lines_and_says_so(monkeypatch):
    asked = slow_for(monkeypatch, 1)
    with pytest.warns(UserWarning, match="coarser"):
        drawn = picture.draw(graphs.trace(graphs.residual()), Options(full=True), "svg").picture
    assert b"coarser" in drawn
    plain, rich = (pygraphviz.AGraph(string=asked[number]) for number in (1, 0))
    assert plain.nodes() == rich.nodes()
    assert plain.graph_attr["splines"] == "line"
    assert any(edge.attr["label"] for edge in rich.edges())
    assert not any(edge.attr["label"] for edge in plain.edges())
    assert all("(None, 8)" in node.attr["label"] for node in plain.nodes()[:3])


def test_too_slow_twice_falls_back_to_a_coarser_picture_and_says_so(monkeypatch):
    asked = slow_for(monkeypatch, 2)
    with pytest.warns(UserWarning, match="coarser"):
        drawn = picture.draw(graphs.trace(graphs.residual()), Options(full=True), "svg").picture
    assert b"coarser" in drawn
    assert len(pygraphviz.AGraph(string=asked[2])) < len(pygraphviz.AGraph(string=asked[0])) // 2


def test_too_slow_at_every_level_is_an_error(monkeypatch):
    def slow(*_):
        raise layout.LayoutTimeoutError("Graphviz took more than 10 s for the layout")

    monkeypatch.setattr(layout, "lay_out", slow)
    with pytest.raises(RenderError, match="10 s"):
        picture.draw(graphs.trace(graphs.residual()), Options(), "svg")


def test_a_picture_says_what_takes_long(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", ENDLESS)
    monkeypatch.setattr(layout, "LOOK", 0.05)
    monkeypatch.setattr(layout, "PATIENCE", 0.05)
    monkeypatch.setattr(picture, "SECONDS", 0.1)
    trace = graphs.trace(graphs.residual(1))
    with pytest.warns(UserWarning, match="takes a while") as told, suppress(RenderError):
        picture.draw(trace, Options(full=True), "svg")
    assert "6 boxes" in str(told[0].message)


def test_no_picture_takes_for_ever(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", ENDLESS)
    monkeypatch.setattr(layout, "LOOK", 0.05)
    monkeypatch.setattr(picture, "LONGEST", 0.4)
    start = time.monotonic()
    with pytest.raises(RenderError, match=r"\.dot file"):
        picture.draw(graphs.trace(graphs.residual()), Options(full=True), "svg")
    assert time.monotonic() - start < 20


def test_long_skips_end():
    model = graphs.Model()
    first = last = model.add("in", "InputLayer")
    for number in range(300):
        sources = (last, first) if number % 12 == 5 else (last,)
        last = model.add(f"layer{number}", "Add" if len(sources) > 1 else "Dense", *sources)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"layer299" in picture.svg(graphs.trace(model), Options(full=True))


def test_no_heavy_import():
    code = (
        "import sys, buildtrace.renderers.drawing.picture, buildtrace.renderers.drawing.mermaid\n"
        "heavy = {'tensorflow', 'keras', 'rich', 'graphviz', 'pygraphviz'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert done.stdout.strip() == "[]"
