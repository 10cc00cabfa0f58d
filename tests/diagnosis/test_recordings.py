"""What the rules say of every recorded run, and what is recorded of one."""

from __future__ import annotations

import json
import lzma
import re

import msgspec
import pytest
from made_traces import Recording, spec

from buildtrace.diagnosis import all_rules, diagnose
from diagnosis import recordings
from diagnosis.hand import line, use
from diagnosis.recordings import Recorded, RecordedRuns, all_recorded, compare, key_of, read, record


@pytest.mark.parametrize("path", all_recorded(), ids=lambda path: path.name)
def test_the_findings(path, pytestconfig):
    """Each with its code, severity, line, message and remedy, as in the text beside the runs."""
    runs = read(path)
    if pytestconfig.getoption("--rewrite", default=False):
        runs.text.write_text(runs.report(), encoding="utf-8")
    assert runs.report() == runs.text.read_text(encoding="utf-8"), (
        "pytest tests/diagnosis --rewrite"
    )


def test_each_rule_finds_something():
    """By the texts beside the runs, which `test_the_findings` holds to what is found now."""
    texts = [path.read_text(encoding="utf-8") for path in recordings.FOLDER.glob("*.txt")]
    codes = {code for text in texts for code in re.findall(r"^BT\d+", text, re.MULTILINE)}
    assert codes == {rule.code for rule in all_rules()}


STAND_INS = {"buildtrace", "python", "recorded", "site-packages", "tmp"}
"""What the folders of the machine that recorded are called; TensorFlow's devices have a colon."""


def test_nothing_of_the_machine_that_recorded_is_kept():
    for path in all_recorded():
        text = lzma.decompress(path.read_bytes()).decode()
        assert set(re.findall(r'"/([^/":]+)/', text)) <= STAND_INS
        assert str(recordings.ROOT) not in text


def unbuilt():
    r = Recording()
    model, dense = r.layer("sequential", "Sequential"), r.layer("dense", "Dense")
    with r.call("Dense.__init__", dense, [spec(None, 3)], caller=line(3)):
        pass
    trace = msgspec.structs.replace(
        r.trace(), uses=(use("Model.summary", r, model, built=False, unbuilt=(dense,)),)
    )
    return msgspec.structs.replace(trace, findings=diagnose(trace))


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "FOLDER", tmp_path / "data")
    return RecordedRuns("module", "keras3")


def test_what_was_recorded_is_read_again(runs):
    trace = unbuilt()
    runs.add(record(key_of("script"), "test_it", trace, code=1))
    runs.write()
    (run,) = RecordedRuns("module", "keras3").runs.values()
    assert run.diagnosed().findings == trace.findings
    assert runs.text.read_text().startswith("test_it\nBT101 warning 9: Model.summary was called on")
    ran = Recorded(RecordedRuns("module", "keras3")).run("script")
    assert (ran.code, ran.source) == (1, "script")
    assert ran.trace.findings == trace.findings


def test_a_run_is_the_same_bytes_whenever_it_is_recorded(runs):
    runs.add(record("key", "test_it", unbuilt()))
    runs.write()
    before = runs.path.read_bytes()
    runs.add(record("key", "test_it", unbuilt()))
    runs.write()
    assert runs.path.read_bytes() == before


def test_what_was_not_recorded(runs):
    with pytest.raises(AssertionError, match="was not recorded: run `pytest"):
        Recorded(runs).run("another script")
    with pytest.raises(AssertionError, match="was not recorded: run `pytest"):
        compare(None, unbuilt())


def test_other_findings_than_recorded_are_noticed():
    trace = unbuilt()
    run = record("key", "test_it", trace)
    compare(run, trace)
    with pytest.raises(AssertionError, match="record it again"):
        compare(run, msgspec.structs.replace(trace, findings=()))
    older = msgspec.structs.replace(trace.environment, tensorflow="1.0")
    compare(run, msgspec.structs.replace(trace, environment=older, findings=()))


def test_the_order_of_calls_is_kept_without_their_times():
    r = Recording()
    layer = r.layer("dense", "Dense")
    with r.call("Layer.__call__", layer), r.call("Dense.build", layer):
        pass
    with r.call("Layer.__call__", layer):
        pass
    outer, inner, after = record("key", "test_it", r.trace()).diagnosed().calls
    assert outer.start_ns <= inner.start_ns
    assert inner.start_ns + inner.duration_ns <= outer.start_ns + outer.duration_ns
    assert outer.start_ns + outer.duration_ns <= after.start_ns


def test_the_file_has_a_line_for_each_run(runs):
    runs.add(record("b", "test_b", unbuilt()))
    runs.add(record("a", "test_a", unbuilt()))
    runs.write()
    lines = lzma.decompress(runs.path.read_bytes()).decode().splitlines()
    assert [json.loads(line)["test"] for line in lines] == ["test_a", "test_b"]
