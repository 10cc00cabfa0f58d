"""Runs that are kept, and when they count no more."""

import json
import os
import time

import pytest
from made_traces import replaced

from buildtrace.cli.program import Program
from buildtrace.cli.repository import run_cache
from buildtrace.cli.repository.child import RunRecord
from buildtrace.cli.repository.run_cache import RunCache
from buildtrace.cli.repository.script_runs import ScriptRun, Work
from buildtrace.traces.trace_file import to_json


@pytest.fixture
def work(project):
    folder = project(main="import near", near="x = 1", other="")
    return Work(folder / "main.py", Program("main.py"))


def run_of(work, code=0, **more):
    files = (str(work.path), str(work.path.with_name("near.py")))
    record = RunRecord(code=code, stopped=True, files=files)
    trace = replaced(str(work.path))
    return ScriptRun(work, record, trace, **{"started": time.time() + 1, **more})


def kept(folder, work, found=(), **more):
    """A run, put into a folder; gives a cache that knows nothing else."""
    RunCache(folder).put(run_of(work, **more), found)
    return RunCache(folder)


def test_a_run_is_kept(work, tmp_path):
    folder = tmp_path / "kept"
    assert RunCache(folder).get(work, ()) is None
    assert not folder.exists()
    run = kept(folder, work).get(work, ())
    assert run.record == run_of(work).record
    assert to_json(run.trace) == to_json(run_of(work).trace)
    assert (folder / ".gitignore").read_text().splitlines()[-1] == "*"
    tag = (folder / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


@pytest.mark.parametrize("name", ["main.py", "near.py"])
def test_a_file_that_has_changed(work, tmp_path, name):
    cache = kept(tmp_path / "kept", work)
    path = work.path.with_name(name)
    before = path.read_text()
    path.write_text(f"{before}\n")
    assert cache.get(work, ()) is None
    path.write_text(before)  # as it was: the time does not matter
    assert RunCache(tmp_path / "kept").get(work, ()) is not None
    path.unlink()
    assert RunCache(tmp_path / "kept").get(work, ()) is None


def test_a_file_that_changed_before_the_script_was_started(work, tmp_path):
    folder = tmp_path / "kept"
    kept(folder, work)
    before = work.path.read_text()
    cache = RunCache(folder)
    assert cache.get(work, ()) is not None  # has looked at the files
    work.path.write_text(f"{before}\n")
    cache.put(run_of(work), ())
    assert RunCache(folder).get(work, ()) is not None
    work.path.write_text(before)
    assert RunCache(folder).get(work, ()) is None


def test_a_module_that_is_found_now_and_was_not(work, tmp_path):
    cache = kept(tmp_path / "kept", work, [work.path.with_name("near.py")])
    assert cache.get(work, [work.path.with_name("near.py")]) is not None
    assert cache.get(work, [work.path.with_name(n) for n in ("near.py", "other.py")]) is None
    assert cache.get(work, []) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda work: work._replace(program=work.program._replace(arguments=("x",))),
        lambda work: work._replace(program=work.program._replace(keras="2")),
        lambda work: work._replace(program=work.program._replace(no_train="skip")),
        lambda work: work._replace(program=work.program._replace(is_module=True)),
        lambda work: work._replace(path=work.path.with_name("other.py")),
        lambda work: work._replace(root=work.path.parent),
    ],
)
def test_another_way_to_run_it_is_another_run(work, tmp_path, change):
    cache = kept(tmp_path / "kept", work)
    assert cache.get(change(work), ()) is None
    assert cache.get(work, ()) is not None


def test_what_it_runs_on_counts(work, tmp_path, monkeypatch):
    kept(tmp_path / "kept", work)

    def is_known():
        return RunCache(tmp_path / "kept").get(work, ()) is not None

    assert is_known()
    with monkeypatch.context() as patched:
        patched.setenv("KERAS_BACKEND", "numpy")
        assert not is_known()
    with monkeypatch.context() as patched:
        patched.setattr(run_cache, "__version__", "0.0.0")
        assert not is_known()
    with monkeypatch.context() as patched:
        (tmp_path / "keras.json").write_text('{"floatx": "float16"}')
        patched.setenv("KERAS_HOME", str(tmp_path))
        assert not is_known()
    (tmp_path / "site" / "keras-99.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert not is_known()


def test_another_folder_to_run_in(work, tmp_path, monkeypatch):
    cache = kept(tmp_path / "kept", work)
    monkeypatch.chdir(tmp_path)
    assert cache.get(work, ()) is None


@pytest.mark.parametrize(
    "more", [{"code": 1}, {"problem": "did not end", "trace": None}, {"record": None}]
)
def test_a_run_that_did_not_come_to_its_end_is_not_kept(work, tmp_path, more):
    run = run_of(work, more.pop("code", 0))._replace(**more)
    cache = RunCache(tmp_path / "kept")
    cache.put(run, ())
    assert not (tmp_path / "kept").exists()


def test_a_file_that_was_changed_while_it_ran(work, tmp_path):
    now = time.time()
    os.utime(work.path.with_name("near.py"), (now + 5, now + 5))
    assert kept(tmp_path / "kept", work, started=now).get(work, ()) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\0",
        b"null",
        b'{"installed": 1}',
        b"[" * 100_000,
        b'{"installed":"x","files":{},"found":[],"record":{"code":0},"trace":"x"}',
    ],
)
@pytest.mark.parametrize("suffix", ["*.json", "*.trace.json.gz"])
def test_a_damaged_file_counts_as_nothing(work, tmp_path, content, suffix):
    cache = kept(tmp_path / "kept", work)
    (path,) = (tmp_path / "kept").glob(suffix)
    path.write_bytes(content)
    assert cache.get(work, ()) is None
    assert kept(tmp_path / "kept", work).get(work, ()) is not None  # it is written anew


def test_an_entry_that_names_what_is_no_source(work, tmp_path):
    """A device is not read: that would never end."""
    cache = kept(tmp_path / "kept", work)
    (path,) = (p for p in (tmp_path / "kept").glob("*.json"))
    entry = json.loads(path.read_bytes())
    for hostile in ({"/dev/zero": "x"}, {str(tmp_path): "x"}, {"\0": "x"}, {}):
        path.write_text(json.dumps(entry | {"files": hostile}))
        assert cache.get(work, ()) is None
    files = entry["files"] | {"/dev/zero": "x"}
    path.write_text(json.dumps(entry | {"files": files}))
    assert cache.get(work, ()) is None


def test_a_trace_of_another_run_is_not_taken(work, tmp_path):
    cache = kept(tmp_path / "kept", work)
    other = work._replace(program=work.program._replace(arguments=("x",)))
    kept(tmp_path / "kept", other)
    (one, two) = sorted((tmp_path / "kept").glob("*.trace.json.gz"))
    one.write_bytes(two.read_bytes() + b"\0")
    two.write_bytes(one.read_bytes())
    assert cache.get(work, ()) is None
    assert cache.get(other, ()) is None


def test_a_folder_that_cannot_be_made_is_told_once(work, tmp_path, capsys):
    (tmp_path / "file").touch()
    cache = RunCache(tmp_path / "file" / "kept")
    assert cache.get(work, ()) is None
    cache.put(run_of(work), ())
    cache.put(run_of(work), ())
    err = capsys.readouterr().err
    assert err.count("nothing is kept in") == 1
    assert len(err.splitlines()) == 1
