"""`buildtrace merge`."""

from __future__ import annotations

import json
from pathlib import Path

import made_traces
import msgspec
import pytest

from buildtrace.cli import worker_run
from buildtrace.cli.rank import TF_CONFIG, VARIABLES
from buildtrace.cli.request import Request
from buildtrace.comparison.workers import MergedWorkers
from buildtrace.traces import journal
from buildtrace.traces.trace_file import load, to_json


def built(*names: str, lines: dict[str, int] | None = None):
    """The trace of a worker that builds Dense layers of these names."""
    recording = made_traces.Recording()
    for number, name in enumerate(names, 1):
        layer = recording.layer(name, "Dense")
        recording.caller = msgspec.structs.replace(
            recording.caller, line=(lines or {}).get(name, number)
        )
        with recording.call("Dense.build", layer):
            recording.add_weight(layer, "kernel", (4, 8))
            recording.add_weight(layer, "bias", (8,))
    return recording.trace()


def left(path: Path, *names: str, unmade: int = 1) -> None:
    """Leave the journal of a worker that was killed in the last of these."""
    entries = [journal.head()]
    for number, name in enumerate(names):
        making = journal.Making(
            name="kernel", layer=name, class_name="Dense", shape=(4, 8), dtype="float32"
        )
        entries.append(journal.begun_line(making))
        if number < len(names) - unmade:
            entries.append(journal.made_line(number))
    path.write_bytes(b"".join(entries))


LINES = {"a": 10, "b": 20, "c": 30}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in (TF_CONFIG, *VARIABLES):
        monkeypatch.delenv(name, raising=False)
    files = {"0": "ab", "1": "ab", "2": "ba", "3": "abc"}
    for name, layers in files.items():
        (tmp_path / f"{name}.json").write_bytes(to_json(built(*layers, lines=LINES)))
    return tmp_path


def test_workers_that_do_the_same_have_exit_code_0(cli):
    result = cli("merge", "0.json", "1.json")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "0.json  4 weights",
        "1.json  4 weights",
        "",
        "All workers make the same weights, in the same order.",
    ]


def test_another_order_has_exit_code_1_and_both_lines(cli):
    result = cli("merge", "0.json", "2.json")
    assert result.code == 1
    text = result.out
    assert "✗ 2.json makes weights in another order, and no error tells it" in text
    assert "· 0.json, weight 1: a/kernel (4, 8) of 'a' (Dense)\n      model.py:10" in text
    assert "· 2.json, weight 1: b/kernel (4, 8) of 'b' (Dense)\n      model.py:20" in text


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    Path("long" * 30 + ".json").write_bytes(to_json(built("name" * 60, "b" * 90, lines=LINES)))
    result = cli("merge", "--full", "0.json", "long" * 30 + ".json")
    assert result.code == 1
    assert max(map(len, result.out.splitlines())) <= columns


def test_many_rows_are_folded_unless_full(cli, folder):
    names = [f"n{number}" for number in range(40)]
    Path("4.json").write_bytes(to_json(built(*names)))
    Path("5.json").write_bytes(to_json(built(*names[:20], "new", *names[20:])))
    short, full = (cli("merge", *more, "4.json", "5.json").out for more in ((), ("--full",)))
    assert "⋯ 39 rows more" in short
    assert "n0/kernel" not in short
    assert "⋯" not in full
    assert full.count("n0/kernel (4, 8)") == 2


def test_of_several_the_odd_one_is_told(cli):
    result = cli("merge", "2.json", "0.json", "1.json")
    assert "Different: 2.json differs from 0.json." in result.out
    assert result.out.count("✗") == 1


def test_a_journal_stands_for_a_trace_that_is_missing(cli, folder):
    left(folder / "9.json.partial", "a", "b", "c")
    result = cli("merge", "9.json", "9b.json")
    assert result.code == 2
    assert result.err.endswith(
        "there is no file 9b.json, and no journal 9b.json.partial beside it\n"
    )
    left(folder / "9b.json.partial", "a", "b")
    for names in (("9.json", "9b.json"), ("9.json.partial", "9b.json.partial")):
        result = cli("merge", *names)
        assert (result.code, result.err) == (1, "")
        assert "2 weights, was still in weight 3: c/kernel (4, 8) (of its journal" in " ".join(
            result.out.split()
        )


def test_the_weights_of_one_journal_are_listed(cli, folder):
    left(folder / "9.json.partial", "a", "b")
    result = cli("merge", "9.json.partial")
    first, *rows = result.out.splitlines()
    assert result.code == 0
    assert first.startswith("9.json.partial  1 weight, was still in weight 2: b/kernel")
    assert [row.split()[:2] for row in rows[-2:]] == [["1", "a/kernel"], ["2", "b/kernel"]]


def test_a_journal_is_no_script(cli, folder):
    left(folder / "9.json.partial", "a", "b")
    result = cli("9.json.partial")
    assert (result.code, result.out) == (2, "")
    assert "`buildtrace merge 9.json.partial` shows it" in result.err


def test_a_journal_is_of_a_later_run_than_the_trace_beside_it(cli, folder):
    left(folder / "1.json.partial", "a")
    result = cli("merge", "0.json", "1.json")
    assert result.code == 1
    assert result.err == (
        "buildtrace: 1.json is of an earlier run: 1.json.partial is read, which a later one has "
        "left\n"
    )


def test_json_on_stdout_and_in_a_file(cli):
    result = cli("merge", "--format", "json", "-o", "m.json", "-o", "m.txt", "0.json", "3.json")
    assert result.code == 1
    merged = msgspec.json.decode(result.out.encode(), type=MergedWorkers)
    assert [change.kind for change in merged.compared[0].changes] == ["more"]
    assert merged.compared[0].changes[0].right.layer == "c"
    assert json.loads(Path("m.json").read_text("utf-8")) == json.loads(result.out)
    assert "3.json makes 2 weights that 0.json does not make" in Path("m.txt").read_text("utf-8")
    assert result.err == "buildtrace: wrote m.json\nbuildtrace: wrote m.txt\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "whose builds are to be merged? Name the traces of two workers or more"),
        (["0.json"], "whose builds are to be merged?"),
        (["0.json", "0.json"], "0.json is named twice: each worker has a trace of its own"),
        (["0.json", "no.json"], "there is no file no.json, and no journal no.json.partial"),
        (["0.json", "."], "a folder"),
        (["0.json", "text.json"], "not a readable trace file"),
        (["0.json", "other.json"], "not a buildtrace file"),
        (["0.json", "bad.json"], "bad.json.partial: line 1: "),
        (["empty.json", "empty2.json"], "none of these workers has made a weight"),
        (["-o", "m.svg", "0.json", "1.json"], "m.svg: a comparison is written to .txt and .json"),
        (["-o", "no/m.json", "0.json", "1.json"], "there is no folder"),
        (["--format", "html", "0.json", "1.json"], "invalid choice"),
        (["--what", "0.json", "1.json"], "unrecognized arguments: --what"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(cli, folder, arguments, said):
    (folder / "text.json").write_text("no trace\n")
    (folder / "other.json").write_text("{}")
    (folder / "bad.json.partial").write_text("\x1b[31mno journal\n")
    for name in ("empty", "empty2"):
        (folder / f"{name}.json").write_bytes(to_json(made_traces.Recording().trace()))
    result = cli("merge", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert "\x1b" not in result.err


def test_names_of_strangers_are_safe_to_show(cli, folder):
    evil = "\x1b[2J\u202eevil\n" + "x" * 5_000
    Path("evil.json").write_bytes(to_json(built(evil)))
    left(folder / "evil2.json.partial", evil)
    for form in ("text", "json"):
        result = cli("merge", "--format", form, "evil.json", "evil2.json")
        assert result.code == 1
        assert not set("\x1b\u202e") & set(result.out)


def test_a_worker_leaves_nothing_but_its_trace(recording, cli, script, monkeypatch):
    monkeypatch.setenv("RANK", "3")
    assert cli("-o", "t-{rank}.json", script("pass")).code == 0
    assert load("t-3.json").weights
    assert not [*Path().glob("*.partial")]


def test_only_a_worker_whose_trace_is_written_keeps_a_journal(monkeypatch, folder):
    def of(*names):
        return worker_run.WorkerRun.of(Request(outputs=tuple(folder / name for name in names)))

    assert of("x.json") is None
    monkeypatch.setenv("RANK", "0")
    assert of("x.svg") is None
    assert of("x.svg", "x.json").journal.path == folder / "x.json.partial"
    assert of("x.json.gz").journal.path == folder / "x.json.gz.partial"
