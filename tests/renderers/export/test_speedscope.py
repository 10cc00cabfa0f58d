from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tarfile

import made_traces
import pytest
from made_traces import coarse, in_threads

import buildtrace
from buildtrace.renderers import Options
from buildtrace.renderers.export import speedscope


def content(trace, options=None):
    return json.loads(speedscope.render(trace, options or Options()))


def replay(file, profile):
    """The frames of a profile with their depths, in order of opening; fails if it is not nested."""
    stack, opened, before = [], [], profile["startValue"]
    for event in profile["events"]:
        assert event["at"] > before or event is profile["events"][0]
        before = event["at"]
        if event["type"] == "O":
            opened.append((len(stack), file["shared"]["frames"][event["frame"]]["name"]))
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert not stack
    assert before == profile["endValue"]
    return opened


@pytest.mark.parametrize("tick", [1, 5_000, 10**9])
@pytest.mark.parametrize(
    "make", [made_traces.mlp2, made_traces.mlp3, made_traces.failing, made_traces.towers]
)
def test_frames_open_and_close_as_the_calls_do(make, tick):
    trace = make()
    file = content(coarse(trace, tick))
    (profile,) = file["profiles"]
    names = [f"{c.name} · {c.layer.name}" if c.layer else c.name for c in trace.calls]
    expected = [len(trace.ancestors(call)) for call in trace.calls]
    assert replay(file, profile) == list(zip(expected, names, strict=True))


def test_a_profile_for_each_thread():
    file = content(in_threads(made_traces.mlp3(), 2))
    assert [profile["name"] for profile in file["profiles"]] == ["thread 0", "thread 1"]
    assert len({tuple(replay(file, profile)) for profile in file["profiles"]}) == 1


def test_a_frame_is_listed_once_with_its_place_in_keras():
    file = content(made_traces.mlp3())
    frames = file["shared"]["frames"]
    assert len({frame["name"] for frame in frames}) == len(frames)
    build = next(frame for frame in frames if frame["name"] == "Dense.build · dense")
    assert build == {"name": "Dense.build · dense", "file": "/nowhere/keras/dense.py", "line": 10}


def test_options_choose_the_calls():
    file = content(made_traces.towers(), Options(model="head", depth=2))
    (profile,) = file["profiles"]
    assert {depth for depth, _ in replay(file, profile)} == {0, 1}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """speedscope itself, from npm."""
    if shutil.which("npm") is None:
        pytest.skip("no npm on this machine")
    folder = tmp_path_factory.mktemp("npm")
    done = subprocess.run(["npm", "pack", "--silent", "speedscope"], cwd=folder, check=False)
    if done.returncode:
        pytest.skip("npm has no speedscope for us")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package" / "dist" / "release"


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [made_traces.mlp2, made_traces.failing, made_traces.evil, buildtrace.Trace, made_traces.towers],
)
def test_speedscopes_own_schema_accepts_it(package, make):
    jsonschema = pytest.importorskip("jsonschema", reason='pip install ".[formats]"')
    schema = json.loads((package / "file-format-schema.json").read_text())
    jsonschema.validate(content(make()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content(make()) | {"shared": {}}, schema)


@pytest.mark.slow
def test_speedscope_itself_opens_it(package, new_page):
    """Its page, from disk, imports the file: it refuses frames that are not nested."""
    data = base64.b64encode(speedscope.render(made_traces.mlp2(), Options())).decode()
    loader = package / "loader.js"
    loader.write_text(f"speedscope.loadFileFromBase64('build.json', '{data}')")
    with new_page() as page:
        page.goto(f"{(package / 'index.html').as_uri()}#localProfilePath={loader}")
        page.wait_for_function("() => document.title.startsWith('Keras build: tf_keras')")
        assert page.locator("canvas").count() > 0
