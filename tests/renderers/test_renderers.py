import subprocess
import sys
from pathlib import Path

import made_traces
import pytest
from loops import case

from buildtrace import renderers
from buildtrace.errors import UsageError
from buildtrace.renderers import RENDERERS, VIEWS, Options, renderer_for, save, to_text
from buildtrace.traces.schema import ErrorInfo
from buildtrace.traces.trace import Trace
from buildtrace.traces.trace_file import load


@pytest.mark.parametrize("renderer", [r for r in RENDERERS.values() if r.suffix])
def test_the_suffix_tells_the_format(renderer):
    assert renderer_for(f"some.dir/model{renderer.suffix}") is renderer
    assert renderer_for(f"MODEL{renderer.suffix.upper()}") is renderer
    assert renderer_for("model.nosuch", renderer.name) is renderer


@pytest.mark.parametrize("path", ["model.xyz", "model", ".json/model", "x.html.gz", "x.gz"])
def test_an_unknown_suffix_names_the_known_ones(path):
    with pytest.raises(UsageError, match=r"\.json"):
        renderer_for(path)


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(UsageError, match="mermaid"):
        renderer_for("model.json", "docx")


def test_a_saved_trace_loads_back_whole(tmp_path):
    trace = made_traces.mlp3()
    save(trace, tmp_path / "t.json", options=Options(depth=1, model="sequential"))
    assert load(tmp_path / "t.json") == trace
    assert [p.name for p in tmp_path.iterdir()] == ["t.json"]


def test_text_holds_the_views_asked_for(tmp_path):
    save(made_traces.mlp3(), tmp_path / "t.txt", options=Options(views=("tree", "weights")))
    text = (tmp_path / "t.txt").read_text()
    assert "Sequential.build" in text
    assert "initializer" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_trace_saves_itself_in_a_format_that_no_suffix_tells(tmp_path):
    trace = made_traces.mlp3()
    for name in (renderer.name for renderer in RENDERERS.values() if not renderer.suffix):
        trace.save(tmp_path / "build.json", name)
        assert (tmp_path / "build.json").read_bytes() == renderers.content(trace, name)
    with pytest.raises(UsageError, match="formats without one: chrome, speedscope"):
        trace.save(tmp_path / "build")


def test_the_colors_in_keras_texts_are_left_out(tmp_path):
    error = ErrorInfo(type="ValueError", message="\x1b[1mbad\x1b[0m shape\x1b[2J")
    text = to_text(Trace(error=error))
    assert "ValueError: bad shape\\x1b[2J" in text


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text("old")
    monkeypatch.setattr(renderers, "to_text", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(made_traces.mlp3(), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["t.txt"]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        save(made_traces.mlp3(), tmp_path / "t.json")
    assert not list(tmp_path.iterdir())


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    save(made_traces.mlp3(), tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert load(tmp_path / "real.json") == made_traces.mlp3()


def test_a_device_can_be_written_to():
    save(made_traces.mlp3(), "/dev/null", format="json")
    assert not Path("/dev/null").is_file()


def test_an_unknown_view_names_the_known_ones():
    with pytest.raises(UsageError, match="weights"):
        to_text(made_traces.mlp3(), Options(views=("treee",)))


@pytest.mark.parametrize(
    "make",
    [
        made_traces.mlp2,
        made_traces.mlp3,
        made_traces.failing,
        made_traces.evil,
        made_traces.towers,
        made_traces.Trace,
    ],
)
def test_every_view_fits_the_width(make):
    for view in VIEWS:
        for width in (80, 100, 120, 200):
            with case(view, width):
                text = to_text(make(), Options(views=(view,), explain=True), width=width)
                assert text.strip()
                assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("view", ["tree", "steps", "graph", "weights"])
def test_names_are_never_markup(view):
    text = to_text(made_traces.evil(), Options(views=(view,)), width=120)
    assert "[bold]x" in text
    assert '"<b>\\n' in text
    assert "\x1b" not in text


@pytest.mark.parametrize("view", VIEWS)
def test_a_terminal_that_knows_ascii_only_gets_ascii(view, tmp_path):
    from rich.console import Console

    with (tmp_path / "out").open("w", encoding="ascii") as file:
        renderers.show(made_traces.towers(), Console(file=file, width=100), Options(views=(view,)))
    text = (tmp_path / "out").read_text()
    assert text.isascii()
    assert "\\u" not in text


def test_naming_the_renderers_imports_none():
    code = (
        "import sys, buildtrace.renderers as r; r.renderer_for('a.json');"
        "assert not {'rich', 'tensorflow', 'keras', 'graphviz'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
