from __future__ import annotations

import re
import subprocess
import xml.dom.minidom

import pytest
from renderers import graphs

from buildtrace.errors import RenderError
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import dot, layout

BUSY = "while True: pass"
IDLE = "import sys, time; time.sleep({})"


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
    monkeypatch.setattr(layout, "_CHILD", BUSY)
    monkeypatch.setattr(layout, "LOOK", 0.05)
    with pytest.raises(layout.LayoutTimeoutError, match=r"more than 0\.2 s of the processor"):
        layout.lay_out("digraph { a }", "svg", 0.2)


def test_a_layout_that_waits_for_the_processor_has_the_time_that_it_needs(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", f"{IDLE.format(0.6)}; sys.stdout.write('picture')")
    monkeypatch.setattr(layout, "LOOK", 0.05)
    monkeypatch.setattr(layout, "PATIENCE", 0.3)
    told = []
    assert layout.lay_out("digraph { a }", "svg", 0.4, lambda: told.append(1)) == b"picture"
    assert told == []


def test_a_layout_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", IDLE.format(600))
    monkeypatch.setattr(layout, "BUSY", 2)
    with pytest.raises(layout.LayoutTimeoutError, match=r"only 0\S* s .* in 0\.6 s"):
        layout.lay_out("digraph { a }", "svg", 0.3)


def test_whoever_waits_for_a_layout_is_told(monkeypatch):
    code = "import sys, time\nwhile time.process_time() < 0.6: pass\nsys.stdout.write('picture')"
    monkeypatch.setattr(layout, "_CHILD", code)
    monkeypatch.setattr(layout, "LOOK", 0.05)
    told = []
    monkeypatch.setattr(layout, "PATIENCE", 0.2)
    assert layout.lay_out("digraph { a }", "svg", 30, lambda: told.append(1)) == b"picture"
    assert told == [1]
    monkeypatch.setattr(layout, "PATIENCE", 30)
    assert layout.lay_out("digraph { a }", "svg", 30, lambda: told.append(2)) == b"picture"
    assert told == [1]


def test_an_interrupted_layout_leaves_no_process(monkeypatch):
    monkeypatch.setattr(layout, "_CHILD", BUSY)
    monkeypatch.setattr(layout, "LOOK", 0.05)
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


def test_a_long_png_is_not_shrunk():
    source = "digraph { " + "->".join(f"n{i}" for i in range(400)) + " }"
    data = layout.lay_out(source, "png", 20)
    height = int.from_bytes(data[20:24], "big")
    assert 20_000 < height <= 32_767


def test_each_text_of_an_svg_has_the_length_that_there_is_room_for():
    """Its viewer may have wider fonts than the machine that laid it out, or others for CJK."""
    model = graphs.Model("名前の長いモデル")
    last = model.add("入力データ層", "InputLayer")
    for name in ("W" * 60, "畳み込みニューラルネットワークの全結合層", "short"):
        last = model.add(name, "Wide" * 12, last, parameters=123_456)
    for number in range(30):
        side = model.add(f"ブロック{number}_a", "Dense", last)
        last = model.add(f"ブロック{number}_b", "Add", last, side)
    source = dot.render(graphs.trace(model), Options())
    page = xml.dom.minidom.parseString(layout._draw(source, "svg"))
    checked = 0
    for group in page.getElementsByTagName("g"):
        if not {"node", "cluster"} & set(group.getAttribute("class").split()):
            continue
        shapes = [*group.getElementsByTagName("path"), *group.getElementsByTagName("polygon")]
        points = " ".join(s.getAttribute("d") + s.getAttribute("points") for s in shapes)
        xs = [float(x) for x in re.findall(r"(-?[\d.]+),", points)]
        for text in group.getElementsByTagName("text"):
            start, length = float(text.getAttribute("x")), float(text.getAttribute("textLength"))
            assert min(xs) <= start < start + length <= max(xs)
            checked += 1
    assert checked > 10
    texts = page.getElementsByTagName("text")
    assert {text.getAttribute("lengthAdjust") for text in texts} == {"spacingAndGlyphs"}


def test_a_long_source_arrives_however_late_the_child_reads_it(monkeypatch):
    """It is longer than what a pipe holds, and is looked after before anybody can have read it."""
    monkeypatch.setattr(layout, "LOOK", 0.001)
    source = "digraph {" + "/* a comment */\n" * 20_000 + "a -> b }"
    assert b"<svg" in layout.lay_out(source, "svg", 2.0)
