from __future__ import annotations

import os
import subprocess
import sys
import warnings
import xml.dom.minidom

import pytest
from renderers import graphs

from buildtrace.errors import RenderError
from buildtrace.renderers import layout, pdf, picture, png, svg
from buildtrace.renderers.options import Options

MAGIC = {png: b"\x89PNG", pdf: b"%PDF", svg: b"<?xml"}


@pytest.mark.parametrize("module", MAGIC, ids=lambda module: module.__name__)
def test_every_format_without_a_system_graphviz(module, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    content = module.render(graphs.trace(*graphs.siamese()), Options())
    assert content.startswith(MAGIC[module])


@pytest.mark.parametrize("name", graphs.NASTY)
def test_names_in_svg(name):
    model = graphs.Model(name)
    first = model.add(name, "InputLayer")
    model.add(name, name, first)
    content = svg.render(graphs.trace(model), Options())
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


def test_too_slow_falls_back_to_a_coarser_picture_and_says_so(monkeypatch):
    asked = []
    real = layout.lay_out

    def slow_at_first(source, format, seconds):  # noqa: A002
        asked.append(source)
        if len(asked) == 1:
            raise layout.LayoutTimeoutError("slow")
        return real(source, format, seconds)

    monkeypatch.setattr(layout, "lay_out", slow_at_first)
    with pytest.warns(UserWarning, match="coarser"):
        content = picture.draw(graphs.trace(graphs.residual()), Options(full=True), "svg")
    assert b"coarser" in content
    assert len(asked[1]) < len(asked[0])


def test_too_slow_at_every_level_is_an_error(monkeypatch):
    def slow(*_):
        raise layout.LayoutTimeoutError("Graphviz took more than 10 s for the layout")

    monkeypatch.setattr(layout, "lay_out", slow)
    with pytest.raises(RenderError, match="10 s"):
        picture.draw(graphs.trace(graphs.residual()), Options(), "svg")


def test_long_skips_end():
    model = graphs.Model()
    first = last = model.add("in", "InputLayer")
    for number in range(300):
        sources = (last, first) if number % 12 == 5 else (last,)
        last = model.add(f"layer{number}", "Add" if len(sources) > 1 else "Dense", *sources)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"layer299" in svg.render(graphs.trace(model), Options(full=True))


def test_a_long_png_is_not_shrunk():
    source = "digraph { " + "->".join(f"n{i}" for i in range(400)) + " }"
    data = layout.lay_out(source, "png", 20)
    height = int.from_bytes(data[20:24], "big")
    assert 20_000 < height <= 32_767


def test_no_heavy_import():
    code = (
        "import sys, buildtrace.renderers.svg, buildtrace.renderers.mermaid\n"
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
