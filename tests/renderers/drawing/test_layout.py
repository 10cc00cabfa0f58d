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


@pytest.mark.parametrize("suffix", MAGIC)
def test_every_format_without_a_system_graphviz(suffix, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    content = renderers.content(graphs.trace(*graphs.siamese()), suffix, Options())
    assert content.startswith(MAGIC[suffix])


@pytest.mark.parametrize("name", graphs.NASTY)
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


def test_modules_of_the_user_do_not_get_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "graphviz.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "warnings.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert b"<svg" in layout.lay_out("digraph { a -> b }", "svg", 10)


def test_broken_source_is_one_clear_line():
    with pytest.raises(RenderError, match="syntax error") as caught:
        layout.lay_out("digraph { a -> }", "svg", 10)
    assert "\n" not in str(caught.value)


def test_a_label_that_graphviz_only_grumbles_at_is_an_error():
    with pytest.raises(RenderError, match="mismatched tag"):
        layout.lay_out("digraph { a [label=<<b>x>] }", "svg", 10)


def test_a_crash_is_survived(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(RenderError, match="crashed"):
        layout.lay_out("digraph { a }", "svg", 10)


def test_a_layout_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", "import time; time.sleep(60)")
    with pytest.raises(layout.LayoutTimeoutError, match=r"0\.2 s"):
        layout.lay_out("digraph { a }", "svg", 0.2)


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


ENDLESS = "import time; time.sleep(600)"


def test_whoever_waits_for_a_layout_is_told(monkeypatch):
    code = "import sys, time; time.sleep(0.8); sys.stdout.write('picture')"
    monkeypatch.setattr(layout, "_CHILD", code)
    told = []
    monkeypatch.setattr(layout, "PATIENCE", 0.2)
    assert layout.lay_out("digraph { a }", "svg", 30, lambda: told.append(1)) == b"picture"
    assert told == [1]
    monkeypatch.setattr(layout, "PATIENCE", 30)
    assert layout.lay_out("digraph { a }", "svg", 30, lambda: told.append(2)) == b"picture"
    assert told == [1]


def test_a_picture_says_what_takes_long(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", ENDLESS)
    monkeypatch.setattr(layout, "PATIENCE", 0.1)
    monkeypatch.setattr(picture, "SECONDS", 0.2)
    trace = graphs.trace(graphs.residual(1))
    with pytest.warns(UserWarning, match="takes a while") as told, suppress(RenderError):
        picture.draw(trace, Options(full=True), "svg")
    assert "6 boxes" in str(told[0].message)


def test_no_picture_takes_for_ever(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", ENDLESS)
    monkeypatch.setattr(picture, "LONGEST", 1.0)
    start = time.monotonic()
    with pytest.raises(RenderError, match=r"\.dot file"):
        picture.draw(graphs.trace(graphs.residual()), Options(full=True), "svg")
    assert time.monotonic() - start < 20


def test_an_interrupted_layout_leaves_no_process(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", ENDLESS)
    monkeypatch.setattr(layout, "PATIENCE", 0.1)
    children = []
    real = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: children.append(real(*a, **k)) or children[0]
    )

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        layout.lay_out("digraph { a }", "svg", 30, interrupt)
    assert children[0].returncode is not None


def test_long_skips_end():
    model = graphs.Model()
    first = last = model.add("in", "InputLayer")
    for number in range(300):
        sources = (last, first) if number % 12 == 5 else (last,)
        last = model.add(f"layer{number}", "Add" if len(sources) > 1 else "Dense", *sources)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"layer299" in picture.svg(graphs.trace(model), Options(full=True))


def test_a_long_png_is_not_shrunk():
    source = "digraph { " + "->".join(f"n{i}" for i in range(400)) + " }"
    data = layout.lay_out(source, "png", 20)
    height = int.from_bytes(data[20:24], "big")
    assert 20_000 < height <= 32_767


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
