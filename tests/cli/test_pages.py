"""Pages for the browser: one for each model in a folder, and the one that is opened."""

from __future__ import annotations

import re
import webbrowser
from pathlib import Path

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.renderers.page import build_page
from buildtrace.renderers.page.folder import INDEX
from buildtrace.traces.trace_file import to_json


def of_models(*names):
    """A trace of Sequentials with these names."""
    recording = made_traces.Recording()
    for number, name in enumerate(names):
        model = recording.layer(name, f"Sequential{number}")  # a layer of its own for each
        model = made_traces.LayerRef(id=model.id, name=name, class_name="Sequential")
        with recording.call("Sequential.build", model, [made_traces.spec(None, 4)]):
            pass
        inner = recording.layer(f"inner_{number}", "Flatten")
        recording.graphs.append(made_traces.chain(model, (inner, made_traces.spec(None, 4))))
    return recording.trace()


@pytest.fixture
def saved(trace_file):
    def save(*names):
        trace_file.write_bytes(to_json(of_models(*names)))
        return trace_file

    return save


@pytest.fixture
def opened(monkeypatch):
    """The addresses that were opened, instead of opening them."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", lambda url: addresses.append(url) or True)
    return addresses


def links(folder):
    return re.findall(r'<a href="([^"]+)">([^<]+)</a>', (folder / INDEX).read_text("utf-8"))


# -- a folder -----------------------------------------------------------------------------------


def test_a_folder_gets_a_page_for_each_model_and_an_index(cli, saved, tmp_path):
    result = cli("-o", "pages/", saved("encoder", "decoder"))
    folder = tmp_path / "pages"
    assert (result.code, result.out) == (0, "")
    assert result.err == f"buildtrace: wrote 2 pages and {folder / INDEX}\n"
    assert links(folder) == [("encoder.html", "encoder"), ("decoder.html", "decoder")]
    assert sorted(path.name for path in folder.iterdir()) == [
        "decoder.html",
        "encoder.html",
        INDEX,
    ]
    assert "<title>encoder · buildtrace</title>" in (folder / "encoder.html").read_text("utf-8")
    assert "<title>decoder · buildtrace</title>" in (folder / "decoder.html").read_text("utf-8")


def test_a_folder_that_is_there_needs_no_sign_at_its_end(cli, saved, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "notes.txt").write_text("mine")
    assert cli("-o", "pages", saved("net")).code == 0
    assert links(tmp_path / "pages") == [("net.html", "net")]
    assert (tmp_path / "pages" / "notes.txt").read_text() == "mine"


def test_doubles_are_numbered_and_names_are_made_safe(cli, saved, tmp_path):
    cli("--full", "-o", "pages/", saved("net", "Net", "a/b ../c", "index", "", "con", "<b>"))
    assert [file for file, _ in links(tmp_path / "pages")] == [
        "net.html",
        "Net-2.html",
        "a-b-..-c.html",
        "index-2.html",
        "model.html",
        "con-model.html",
        "b.html",
    ]
    assert links(tmp_path / "pages")[-1][1] == "&lt;b&gt;"


def test_of_many_that_are_alike_the_first_are_written_unless_all_are_asked_for(
    cli, saved, tmp_path
):
    file = saved(*(f"m{number}" for number in range(9)))
    cli("-o", "some/", file)
    assert links(tmp_path / "some") == [("m0.html", "m0")]
    assert "… and 8 more like it: m1 to m8; --full" in (tmp_path / "some" / INDEX).read_text()
    cli("--full", "-o", "all/", file)
    assert len(links(tmp_path / "all")) == 9


def test_a_model_in_another_has_a_page_of_its_own_a_layer_with_a_graph_has_none():
    from buildtrace.renderers import Options
    from buildtrace.renderers.page.folder import pages

    recording = made_traces.Recording()
    outer, inner, block = (
        recording.layer(name, name.title()) for name in ("outer", "inner", "block")
    )
    with recording.call("Layer.__call__", outer), recording.call("Layer.__call__", inner):
        pass
    given = made_traces.spec(None, 4)
    recording.graphs += [
        made_traces.chain(outer, (inner, given), (block, given)),
        made_traces.chain(inner),
        replace(made_traces.chain(block), source="flow"),
    ]
    found = pages(recording.trace(), Options()).pages
    assert [page.file for page in found] == ["outer.html", "inner.html"]


def test_calls_of_no_model_have_a_page_too(cli, trace_file, tmp_path):
    trace_file.write_bytes(to_json(made_traces.failing()))
    cli("-o", "pages/", trace_file)
    assert links(tmp_path / "pages") == [("Outside-of-any-model.html", "Outside of any model")]
    assert 'data-state="failed"' in (tmp_path / "pages" / INDEX).read_text("utf-8")


def test_without_a_build_the_index_says_so(cli, trace_file, tmp_path):
    trace_file.write_bytes(to_json(made_traces.Recording().trace()))
    result = cli("-o", "pages/", trace_file)
    assert result.err.endswith(f"wrote 0 pages and {tmp_path / 'pages' / INDEX}\n")
    assert "No build was recorded." in (tmp_path / "pages" / INDEX).read_text("utf-8")


def test_a_page_that_fails_costs_no_other(cli, saved, tmp_path, monkeypatch):
    real = build_page.render

    def render(trace, options):
        if trace.graphs[0].model.name == "bad":
            raise ZeroDivisionError("in a page")
        return real(trace, options)

    monkeypatch.setattr(build_page, "render", render)
    result = cli("--full", "-o", "pages/", saved("bad", "good"))
    assert result.code == 1
    failed, wrote = result.err.splitlines()
    assert f"{tmp_path / 'pages' / 'bad.html'} is not written: ZeroDivisionError" in failed
    assert wrote == f"buildtrace: wrote 1 page and {tmp_path / 'pages' / INDEX}"
    assert links(tmp_path / "pages") == [("good.html", "good")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "nowhere/pages/"], "there is no folder"),
        (["-o", "build.json/"], "it is a file"),
        (["-o", "pages/", "--format", "svg"], "as svg: a folder gets pages; name a file in it"),
    ],
)
def test_a_folder_that_makes_no_sense_is_one_line(cli, saved, arguments, says):
    result = cli(*arguments, saved("net"))
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_in_is_one_line(cli, saved, tmp_path, monkeypatch):
    def refuse(dir):  # noqa: A002
        raise PermissionError(13, "Permission denied")

    (tmp_path / "pages").mkdir()
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    result = cli("-o", "pages/", saved("net"))
    assert result.code == 2
    assert f"nothing can be written in {tmp_path / 'pages'} (Permission denied)" in result.err
    assert result.err.count("\n") == 1


def test_a_script_has_its_folder_too(cli, script, recording, tmp_path):
    result = cli("-o", "pages/", script("print('ran')"))
    assert result.code == 0
    assert links(tmp_path / "pages") == [("sequential.html", "sequential")]


# -- the browser --------------------------------------------------------------------------------


def test_the_page_that_was_asked_for_is_opened(cli, saved, tmp_path, opened):
    result = cli("-o", "a.txt", "-o", "b.html", "-o", "c.html", "--open", saved("net"))
    assert (result.code, result.out) == (0, "")
    assert opened == [(tmp_path / "b.html").as_uri()]


def test_the_index_of_a_folder_is_opened(cli, saved, tmp_path, opened):
    cli("-o", "pages/", "--open", saved("net"))
    assert opened == [(tmp_path / "pages" / INDEX).as_uri()]


def test_without_a_page_one_is_written_to_a_temporary_file(cli, saved, tmp_path, opened):
    result = cli("--open", saved("net"))
    (address,) = opened
    page = Path(address.removeprefix("file://"))
    assert result.err == f"buildtrace: wrote {page}\n"
    assert "<title>net · buildtrace</title>" in page.read_text("utf-8")
    assert page.parent not in (tmp_path, Path.cwd())
    assert result.out == ""
    assert "Sequential.build" in cli("--open", "--view", "tree", saved("net")).out


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        (False, "Python finds no browser here"),
        (webbrowser.Error("could not locate runnable browser"), "could not locate runnable"),
        (OSError(2, "No such file or directory"), "No such file or directory"),
    ],
)
def test_a_browser_that_fails_is_one_line_and_no_lost_file(
    cli, saved, tmp_path, monkeypatch, ends, says
):
    def fail(url):
        if isinstance(ends, Exception):
            raise ends
        return ends

    monkeypatch.setattr(webbrowser, "open", fail)
    result = cli("-o", "a.html", "--open", saved("net"))
    wrote, failed = result.err.splitlines()
    assert wrote == f"buildtrace: wrote {tmp_path / 'a.html'}"
    assert failed.startswith(f"buildtrace: error: {tmp_path / 'a.html'} is not opened: {says}")
    assert (tmp_path / "a.html").exists()
    assert result.code == 0


def test_what_is_not_written_is_not_opened(cli, saved, monkeypatch, opened):
    monkeypatch.setattr(build_page, "render", lambda *_: 1 / 0)
    result = cli("-o", "a.html", "--open", saved("net"))
    assert result.code == 1
    assert opened == []


def test_a_script_that_builds_nothing_opens_nothing(cli, script, opened):
    result = cli("--open", script("print('ran')"))
    assert (result.code, opened) == (0, [])


def test_a_script_opens_its_page_at_its_end(cli, script, recording, tmp_path, opened):
    result = cli("--open", "-o", "a.html", script("raise SystemExit(3)"))
    assert result.code == 3
    assert opened == [(tmp_path / "a.html").as_uri()]
