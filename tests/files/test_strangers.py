"""Files from strangers: nothing in them runs, no other file is opened, no memory is filled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from buildtrace import files, renderers
from buildtrace.errors import SavedFileError
from buildtrace.files import hdf5_process
from buildtrace.renderers import RENDERERS, Options
from files import made

h5py = pytest.importorskip("h5py")

ROOT = Path(files.__file__).parents[2]


def command(*arguments, cwd, code=None):
    """The command in a process of its own; what it imports from `cwd` would be found."""
    run = [sys.executable, *(["-c", code] if code else ["-m", "buildtrace"])]
    path = os.pathsep.join([str(ROOT), str(cwd)])
    return subprocess.run(
        [*run, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def paths(trace):
    return [weight.path for weight in trace.weights]


DENSE = ["layers/dense/vars/0", "layers/dense/vars/1"]


# -- code -------------------------------------------------------------------------------------


def lambdas(target):
    code = made.code_that_writes(target)
    new = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    old = {"function": [code, None, None], "function_type": "lambda"}
    return [
        {"class_name": "Lambda", "config": {"name": "new", "trainable": True, "function": new}},
        {"class_name": "Lambda", "config": {"name": "old", "trainable": True, **old}},
        made.dense("inside", config={"activation": new}),
    ]


def test_code_in_a_file_is_told_and_not_run(tmp_path):
    target = tmp_path / "made-by-the-file"
    file = made.archive(tmp_path / "x.keras", made.sequential(*lambdas(target)))
    trace = files.load(file)
    notes = [note for note in trace.saved.notes if "Python code" in note]
    assert len(notes) == 3
    for name, note in zip(("new", "old", "inside"), notes, strict=True):
        assert f"'{name}'" in note
        assert "was not run" in note
    for format_ in ("txt", "html", "json", "mermaid"):
        renderers.save(trace, tmp_path / "out", format_)
    assert not target.exists()


def test_the_size_of_code_is_that_of_the_bytes_in_the_file(tmp_path):
    import base64

    code = made.code_that_writes(tmp_path / "x")
    trace = files.load(
        made.archive(tmp_path / "x.keras", made.sequential(lambdas(tmp_path / "x")[0]))
    )
    assert f" {len(base64.b64decode(code)):,} bytes of Python code" in trace.saved.notes[0]


def test_no_module_of_a_file_is_imported(tmp_path):
    (tmp_path / "theirs.py").write_text("open('imported', 'w').close()")
    entry = {**made.dense("own"), "module": "theirs", "class_name": "Own"}
    entry["registered_name"] = "theirs>Own"
    made.archive(tmp_path / "x.keras", made.sequential(entry))
    done = command("x.keras", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "own (Own)" in done.stdout
    assert not (tmp_path / "imported").exists()


def test_an_archive_that_python_could_run_is_not_run(tmp_path):
    program = b"open('ran', 'w').close()"
    made.archive(tmp_path / "x.keras", more={"__main__.py": program})
    for verb in ([], ["check"], ["diff", "x.keras"]):
        command(*verb, "x.keras", cwd=tmp_path)
    assert not (tmp_path / "ran").exists()


PROBE = """
import sys
bad = []
def hook(event, args):
    if event in ("pickle.find_class", "os.system"):
        bad.append(event)
    if event == "open" and str(args[0]).startswith(sys.argv[1]) and args[0] != sys.argv[2]:
        bad.append(str(args[0]))
sys.addaudithook(hook)
from buildtrace.cli import main
main([sys.argv[2]])
heavy = {"keras", "tensorflow", "tf_keras", "h5py", "numpy"} & set(sys.modules)
print("SEEN", sorted(heavy), bad)
"""


@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
def test_no_keras_no_h5py_and_no_other_file(tmp_path, name):
    folder = tmp_path / "given"
    folder.mkdir()
    make = made.archive if name == "x.keras" else lambda path: made.with_h5(path, None)
    path = make(folder / name)
    done = command(folder, path, cwd=tmp_path, code=PROBE)
    assert "SEEN [] []" in done.stdout, done.stderr
    assert "8 parameters in 2 weights" in done.stdout


def test_h5py_brings_no_keras():
    code = "import sys, h5py; print({'keras', 'tensorflow', 'tf_keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


# -- other files ------------------------------------------------------------------------------


def test_members_outside_of_the_archive_are_not_written(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    names = ["../../above", str(tmp_path / "absolute"), "assets/../../../beside", "C:\\x"]
    made.archive(folder / "x.keras", more=dict.fromkeys(names, b"!"))
    trace = files.load(folder / "x.keras")
    assert paths(trace) == DENSE
    assert any("not read: ../../above" in note for note in trace.saved.notes)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "x.keras"]


@pytest.fixture
def pipe(tmp_path):
    """Whoever opens it waits for ever."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names on this system")
    os.mkfifo(tmp_path / "pipe.h5")
    return tmp_path / "pipe.h5"


def external_storage(target):
    def fill(file):
        space = h5py.h5s.create_simple((4,))
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_external(os.fsencode(target), 0, 16)
        h5py.h5d.create(file.id, b"elsewhere", h5py.h5t.NATIVE_FLOAT, space, settings)

    return fill


def virtual(target, unlimited):
    def fill(file):
        most = (None,) if unlimited else (4,)
        layout = h5py.VirtualLayout((4,), "f4", maxshape=most)
        source = h5py.VirtualSource(str(target), "x", (4,), maxshape=most)
        if unlimited:
            layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        else:
            layout[:] = source
        file.create_virtual_dataset("elsewhere", layout)

    return fill


ELSEWHERE = {
    "external link": lambda target: made.link("elsewhere", h5py.ExternalLink(str(target), "/")),
    "external storage": external_storage,
    "virtual": lambda target: virtual(target, unlimited=False),
    "virtual without end": lambda target: virtual(target, unlimited=True),
    "soft link": lambda target: made.link("elsewhere", h5py.SoftLink("/layers")),
    "soft link to itself": lambda target: made.link("elsewhere", h5py.SoftLink("/elsewhere")),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_lies_elsewhere_is_not_followed(tmp_path, pipe, kind, packed, monkeypatch):
    monkeypatch.setattr(hdf5_process, "SECONDS", 20.0)
    fill = ELSEWHERE[kind](pipe)
    if packed:
        file = made.archive(tmp_path / "x.keras", weights=made.store(fill))
    else:
        file = made.with_h5(tmp_path / "x.h5", fill)
    trace = files.load(file)
    assert paths(trace) == DENSE
    assert [note for note in trace.saved.notes if note.startswith("'elsewhere' ")]


@pytest.mark.parametrize("name", ["model_weights", "layer_names", "layers/dense/vars/2"])
def test_no_name_makes_a_link_be_followed(tmp_path, pipe, name, monkeypatch):
    monkeypatch.setattr(hdf5_process, "SECONDS", 5.0)
    fill = made.link(name, h5py.ExternalLink(str(pipe), "/"))
    trace = files.load(made.with_h5(tmp_path / "x.h5", fill))
    assert paths(trace) == DENSE
    assert trace.saved.notes[0].startswith(f"'{name}' ")


def test_a_pipe_would_be_waited_for(tmp_path, pipe):
    """So that the test above could fail."""
    file = made.with_h5(tmp_path / "x.h5", ELSEWHERE["external link"](pipe))
    code = f"import h5py; h5py.File({str(file)!r}, locking=False)['elsewhere']"
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=3)


def test_groups_in_a_circle_end(tmp_path):
    def fill(file):
        file["layers/dense/again"] = file["layers"]

    trace = files.load(made.with_h5(tmp_path / "x.h5", fill))
    assert paths(trace) == DENSE
    assert "second name" in trace.saved.notes[0]


def test_a_link_to_a_file_is_followed_as_by_any_program(tmp_path):
    made.archive(tmp_path / "x.keras")
    (tmp_path / "link.keras").symlink_to("x.keras")
    assert paths(files.load(tmp_path / "link.keras")) == DENSE


def test_links_in_a_circle_are_one_line(tmp_path):
    (tmp_path / "x.keras").symlink_to("x.keras")
    done = command("x.keras", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


# -- memory and time --------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["config.json", "metadata.json", "model.weights.h5"])
@pytest.mark.parametrize("honest", [True, False])
def test_ten_gigabytes_of_zeros_are_not_unpacked(tmp_path, member, honest):
    resource = pytest.importorskip("resource")
    file = made.bomb(tmp_path / "x.keras", member)
    assert file.stat().st_size < 20 * 2**20
    if not honest:  # the size that its list says is small
        data = file.read_bytes()
        size = (10 * 2**30).to_bytes(8, "little")
        at = data.rindex(size)
        file.write_bytes(data[:at] + (100).to_bytes(8, "little") + data[at + 8 :])
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        shown = files.load(file).saved.unread
    except SavedFileError as error:
        shown = str(error)
    assert member in shown or "HDF5" in shown
    assert ("unpacks to more than" in shown) == honest
    assert time.monotonic() - begin < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_weights_that_somebody_has_packed_are_read(tmp_path):
    file = made.archive(tmp_path / "x.keras", packed=zipfile.ZIP_DEFLATED)
    assert paths(files.load(file)) == DENSE


def test_weights_in_the_archive_are_read_where_they_stand(tmp_path):
    """Whatever stands before them, and however large they are."""
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as file:
        file.writestr("before", b"x" * 12_345)
        file.writestr("model.weights.h5", made.store())
        file.writestr("config.json", json.dumps(made.sequential(made.dense())))
    assert paths(files.load(tmp_path / "x.keras")) == DENSE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_have_no_bounds_are_refused(tmp_path, method):
    file = made.archive(tmp_path / "x.keras", packed=method)
    with pytest.raises(SavedFileError, match="packed in a way"):
        files.load(file)


DEEP = 100_000
TOO_MUCH = {
    "brackets": b"[" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "no object": b"[1]",
    "no JSON": b"config",
    "no UTF-8": b'{"class_name": "\xff"}',
    "nothing": b"",
    "a long text": b'"' + b"x" * (17 * 2**20) + b'"',
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_a_config_that_is_none_is_one_line(tmp_path, kind):
    file = tmp_path / "x.keras"
    made.archive(file, TOO_MUCH[kind], packed=zipfile.ZIP_DEFLATED)
    if not TOO_MUCH[kind]:
        with zipfile.ZipFile(file, "w") as empty:
            empty.writestr("config.json", b"")
    with pytest.raises(SavedFileError) as error:
        files.load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(file)) + 200


@pytest.mark.parametrize("levels", [58, 62, 300, 20_000])
def test_layers_in_layers_without_end_are_one_line(tmp_path, levels):
    begin = b'{"class_name": "Sequential", "config": {"name": "x", "layers": ['
    inner = json.dumps(made.dense()).encode()
    file = made.archive(tmp_path / "x.keras", begin * levels + inner + b"]}}" * levels)
    if levels < 60:
        trace = files.load(file)
        for format_ in ("txt", "html", "dot", "mermaid"):
            renderers.content(trace, format_, Options(views=("tree", "graph"), full=True))
    else:
        with pytest.raises(SavedFileError, match="nested"):
            files.load(file)


def test_more_layers_than_any_model_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("buildtrace.files.configs.MOST_LAYERS", 50)
    file = made.archive(tmp_path / "x.keras", made.sequential(*[made.dense()] * 60))
    with pytest.raises(SavedFileError, match="more than 50 layers"):
        files.load(file)


def test_what_an_array_claims_to_be_is_not_believed(tmp_path):
    def fill(file):
        file.create_dataset("a", (2**40, 2**40), "f4", chunks=(1, 1))
        file.create_dataset("b", (2**62,), "u1", chunks=(1,))

    trace = files.load(made.with_h5(tmp_path / "x.h5", fill))
    assert [weight.path for weight in trace.weights if weight.path != "b"] == DENSE
    assert "'a' claims to be larger" in trace.saved.notes[0]

    def more(file):
        for name in "abc":
            file.create_dataset(name, (2**62,), "u1", chunks=(1,))

    with pytest.raises(SavedFileError, match="parameters"):
        files.load(made.with_h5(tmp_path / "y.h5", more))


def test_an_endless_read_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_process, "_CHILD", "while True: pass")
    monkeypatch.setattr(hdf5_process, "SECONDS", 0.5)
    with pytest.raises(SavedFileError, match=r"more than 0\.5 seconds"):
        files.load(made.with_h5(tmp_path / "x.h5", None))


def test_a_crash_of_the_library_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_process, "_CHILD", "import os; os.abort()")
    with pytest.raises(SavedFileError, match="crashes libhdf5"):
        files.load(made.with_h5(tmp_path / "x.h5", None))
    trace = files.load(made.archive(tmp_path / "x.keras"))
    assert [layer.name for layer in trace.saved.layers] == ["made", "dense"]


def test_a_read_that_takes_all_memory_is_one_line(tmp_path, monkeypatch):
    pytest.importorskip("resource")
    child = hdf5_process._CHILD.replace("main()", "").replace(
        "from buildtrace.files.hdf5 import main",
        "from buildtrace.files import hdf5\n"
        "hdf5.read = lambda *_: bytearray(5 * 2**30)\nhdf5.main()",
    )
    monkeypatch.setattr(hdf5_process, "_CHILD", child)
    with pytest.raises(SavedFileError, match="too much memory"):
        files.load(made.with_h5(tmp_path / "x.h5", None))


# -- damage -----------------------------------------------------------------------------------


def pieces(data):
    return [data[: len(data) * part // 8] for part in range(8)]


@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
@pytest.mark.parametrize("part", range(8))
def test_a_file_that_is_cut_short_is_one_line(tmp_path, name, part):
    whole = tmp_path / name
    _ = made.archive(whole) if name == "x.keras" else made.with_h5(whole, None)
    whole.write_bytes(pieces(whole.read_bytes())[part])
    with pytest.raises(SavedFileError) as error:
        files.load(whole)
    assert "anew" in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_are_cut_short_leave_the_config(tmp_path):
    weights = made.store()
    trace = files.load(made.archive(tmp_path / "x.keras", weights=weights[: len(weights) // 2]))
    assert [layer.name for layer in trace.saved.layers] == ["made", "dense"]
    assert trace.weights == ()
    assert trace.saved.unread.startswith("damaged HDF5")


OTHERS = {
    "a text": (b"import keras\n", "neither an archive"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "neither an archive"),
    "another archive": (None, "Keras has not saved this one"),
    "empty": (b"", "the file is empty"),
}


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_saved_model_is_one_line(tmp_path, kind, suffix):
    content, says = OTHERS[kind]
    file = tmp_path / f"x{suffix}"
    if content is None:
        with zipfile.ZipFile(file, "w") as other:
            other.writestr("x.txt", "x")
    else:
        file.write_bytes(content)
    with pytest.raises(SavedFileError, match=says):
        files.load(file)


@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
def test_what_a_file_is_tells_its_content(tmp_path, name):
    other = tmp_path / {"x.keras": "x.h5", "x.h5": "x.keras"}[name]
    _ = made.archive(other) if name == "x.keras" else made.with_h5(other, None)
    assert paths(files.load(other)) == DENSE


@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, make):
    if make is None:
        pytest.skip("no pipes with names on this system")
    make(tmp_path / "x.keras")
    with pytest.raises(SavedFileError, match="a folder, a pipe or a device"):
        files.load(tmp_path / "x.keras")


# -- names ------------------------------------------------------------------------------------

NAMES = ["<script>alert(1)</script>", "[bold]x[/bold]", "a\x1b[31mb\nc\u202e", "]]>&amp;\"'`\\N"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format_", [r.name for r in RENDERERS.values() if r.of_file != ""])
def test_names_take_no_effect(tmp_path, name, format_):
    def fill(file):
        file.create_group("layers/own/vars").attrs["name"] = name
        file[f"layers/own/vars/{name.replace('/', '')}"] = 1.0

    layers = [
        made.dense(name, class_name=name, config={"activation": name, name: name}),
        made.dense(),
    ]
    config = made.sequential(*layers, name=name)
    config["compile_config"] = {"optimizer": name, "loss": {name: name}}
    file = made.archive(tmp_path / "x.keras", config, made.store(fill), more={name: b""})
    trace = files.load(file)
    content = renderers.content(trace, format_, Options(views=("tree", "graph", "weights")))
    if isinstance(content, bytes) and format_ in ("png", "pdf", "json-gz", "tensorboard"):
        return
    text = content if isinstance(content, str) else content.decode()
    assert "\x1b" not in text
    assert "\u202e" not in text or format_ in ("json", "model-explorer")
    if format_ in ("html", "svg"):
        assert "<script>alert" not in text
    if format_ == "txt" and "bold" in name:
        assert name in text


# -- h5py -------------------------------------------------------------------------------------


@pytest.fixture
def no_h5py(monkeypatch):
    find = hdf5_process.importlib.util.find_spec
    monkeypatch.setattr(
        hdf5_process.importlib.util,
        "find_spec",
        lambda name: None if name == "h5py" else find(name),
    )


def test_without_h5py_the_config_is_shown(tmp_path, no_h5py):
    trace = files.load(made.archive(tmp_path / "x.keras"))
    assert [layer.name for layer in trace.saved.layers] == ["made", "dense"]
    assert "pip install h5py" in trace.saved.unread
    text = renderers.to_text(trace, width=200)
    assert f"! Its weights are not shown: {trace.saved.unread}." in text


def test_without_h5py_a_file_of_weights_says_what_to_install(tmp_path, no_h5py):
    from buildtrace.errors import MissingPackageError

    with pytest.raises(MissingPackageError, match="pip install h5py"):
        files.load(made.with_h5(tmp_path / "x.h5", None))
