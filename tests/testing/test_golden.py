"""Builds that are kept in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_traces import SCRIPT, Recording, frozen, layers, mlp2, mlp3, towers
from msgspec.structs import replace

from buildtrace.errors import UsageError
from buildtrace.renderers.text.outline import outline
from buildtrace.testing import assert_build_matches, golden
from buildtrace.traces import wording
from buildtrace.traces.trace import Trace

FILE = "__builds__/test_model/mlp.txt"


@pytest.fixture
def matches(tmp_path):
    """Runs the assertion as a test of `tmp_path`/test_model.py; gives what a failure says."""

    def check(trace, name="mlp", updates=None):
        test = golden.Test(tmp_path / "test_model.py", tmp_path, updates)
        with golden.running(test):
            try:
                assert_build_matches(trace, name)
            except AssertionError as error:
                return str(error)
        return None

    return check


@pytest.fixture
def update(matches):
    """Has the file written; gives the paths that were."""

    def write(trace, name="mlp"):
        updates = golden.Updates()
        assert matches(trace, name, updates) is None
        return updates.written

    return write


def test_a_file_carries_no_source(update, tmp_path):
    script = tmp_path / "net.py"
    script.write_text(SCRIPT)
    update(frozen(str(script)))
    assert "Dense.build" in (tmp_path / FILE).read_text()
    for line in filter(None, map(str.strip, SCRIPT.splitlines())):
        assert line not in (tmp_path / FILE).read_text()


def test_a_file_that_is_missing_is_not_made(matches, tmp_path):
    assert matches(mlp3()) == (
        f"there is no build 'mlp' to compare with: --buildtrace-update writes {FILE}"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trace", [mlp2(), mlp3(), towers()], ids=["keras2", "keras3", "towers"])
def test_what_was_written_matches(matches, update, trace):
    assert update(trace) == [FILE]
    assert matches(trace) is None


def test_the_file_can_be_read(update, tmp_path):
    update(mlp3())
    lines = (tmp_path / FILE).read_bytes().decode().split("\n")
    assert lines[0].startswith("# How a model gets built")
    assert lines[1] == f"# {wording.versions(mlp3())}"
    assert lines[2:5] == [
        "",
        "Sequential.build  sequential#1 (Sequential)  (None, 784)  built: False → True",
        "  InputLayer.__init__  input_layer#1 (InputLayer)  → (None, 784)",
    ]
    assert lines[-1] == ""


def test_what_matches_is_not_written_again(matches, update, tmp_path):
    update(mlp3())
    path = tmp_path / FILE
    edited = path.read_text(encoding="utf-8").replace("Python", "An older Python")
    path.write_text(edited, encoding="utf-8")
    assert update(mlp3()) == []
    assert path.read_text(encoding="utf-8") == edited


def test_a_build_that_differs(matches, update):
    update(mlp3())
    lines = matches(mlp3((512, 20))).splitlines()
    assert lines[0].startswith(f"the build is not as in {FILE}: ")
    assert lines[0].endswith(" differences (--buildtrace-update accepts it as it is)")
    assert "-         Layer.add_weight  kernel (512, 10) float32 GlorotUniform" in lines
    assert "+         Layer.add_weight  kernel (512, 20) float32 GlorotUniform" in lines
    assert update(mlp3((512, 20))) == [FILE]
    assert matches(mlp3((512, 20))) is None


def test_a_difference_says_which_versions_the_file_is_of(matches, update):
    update(mlp2())
    assert "it was written with tf_keras 2.15.1" in matches(mlp3()).splitlines()[1]


def named(name):
    r = Recording()
    with r.call("Dense.build", r.layer(name, "Dense")):
        pass
    return r.trace()


def test_automatic_names_do_not_count_and_own_names_do(matches, update):
    update(named("dense"))
    assert matches(named("dense_7")) is None
    assert "+ Dense.build  hidden (Dense)" in matches(named("hidden"))
    update(named("hidden_1"))
    assert "- Dense.build  hidden_1 (Dense)" in matches(named("hidden_2"))


def test_a_shared_layer_is_not_two_layers(matches, update):
    update(layers(["Dense", "Dense"]))
    shared = layers(["Dense", "Dense"])
    first = shared.calls[0].layer
    calls = tuple(replace(call, layer=call.layer and first) for call in shared.calls)
    assert matches(replace(shared, calls=calls)) is not None


def test_an_empty_trace_matches_nothing(matches):
    text = matches(Trace())
    assert text == "expected the build 'mlp', but nothing was recorded in the trace"
    assert matches(Trace(), updates=golden.Updates()) == text


def test_a_damaged_file_is_a_difference(matches, update, tmp_path):
    update(mlp3())
    (tmp_path / FILE).write_bytes(b"\xff\xfe\n<<<<<<< HEAD\n")
    assert "- <<<<<<< HEAD" in matches(mlp3())
    assert update(mlp3()) == [FILE]


def test_two_builds_of_one_name(matches):
    updates = golden.Updates()
    assert matches(mlp3(), updates=updates) is None
    assert matches(mlp3(), updates=updates) is None  # as in a test that runs twice
    text = matches(mlp3((3,)), updates=updates)
    assert text == f"two different builds want to be {FILE}: give each a name of its own"


@pytest.mark.parametrize("name", ["a", "mlp-3.5", "dense[3-relu]", "zwei Türme", "x_1=2,3"])
def test_names(update, name, tmp_path):
    update(mlp3(), name)
    assert (tmp_path / "__builds__/test_model" / f"{name}.txt").is_file()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\n", "a:b", " ", "a.", "x" * 151])
def test_names_that_are_no_files(matches, name, tmp_path):
    with pytest.raises(UsageError, match="cannot be the name of a build"):
        matches(mlp3(), name)
    assert list(tmp_path.iterdir()) == []


def test_without_the_fixture():
    with pytest.raises(UsageError, match="needs the fixture `buildtrace`"):
        assert_build_matches(mlp3(), "mlp")


def test_the_innermost_test_is_meant(matches, tmp_path):
    with golden.running(golden.Test(tmp_path / "other" / "test_outer.py", tmp_path)):
        assert FILE in matches(mlp3())
        with pytest.raises(AssertionError, match=r"other/__builds__/test_outer/mlp\.txt"):
            assert_build_matches(mlp3(), "mlp")


def test_every_line_is_in_the_file(update, tmp_path):
    update(towers())
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert lines[3:] == outline(towers())


def test_a_file_of_an_earlier_version_matches(matches, tmp_path):
    """What users have in their repositories stays valid: written anew, it is the same bytes."""
    stored = (Path(__file__).parent / "mlp.txt").read_bytes()
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(stored)
    assert matches(mlp3()) is None
    (tmp_path / FILE).unlink()
    assert matches(mlp3(), updates=golden.Updates()) is None
    assert (tmp_path / FILE).read_bytes() == stored


def test_what_editors_do_to_a_file_is_no_difference(matches, update, tmp_path):
    update(mlp3())
    path = tmp_path / FILE
    text = path.read_text(encoding="utf-8").replace("\n", "   \r\n\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert matches(mlp3()) is None


def test_a_sign_of_a_comment_further_down_is_a_line(matches, update, tmp_path):
    update(mlp3())
    path = tmp_path / FILE
    path.write_text(f"{path.read_text(encoding='utf-8')}# more\n", encoding="utf-8")
    assert "- # more" in matches(mlp3())
