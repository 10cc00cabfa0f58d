"""Recorded runs of scripts: a plain `pytest` diagnoses these in the place of running Keras.

`data/NAME.GENERATION.jsonl.xz` has the runs of one module's scripts, a line each: what is in a
trace, but times, folders and what no rule looks at. `data/NAME.GENERATION.txt` beside it has what
the rules say of each. `pytest tests/diagnosis --record -n 0` runs what the tests ask for and writes
both, `pytest tests/diagnosis --rewrite` diagnoses what is recorded and writes the text alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import lzma
import re
import site
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from buildtrace.diagnosis import diagnose
from buildtrace.traces import trace_file
from buildtrace.traces.schema import Excerpt, SourceFile
from diagnosis.scripts import ROOT, Ran, installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import Call, Edit, Finding
    from buildtrace.traces.trace import Trace

FOLDER = Path(__file__).parent / "data"
SCRIPT = Path("/recorded/model.py")
"""What a recorded script is called, wherever it was run."""

ALWAYS = ("shape", "parent", "call", "layer")
"""Keys of a trace file that have no default, in one place at least."""


class RecordedRun(msgspec.Struct, frozen=True):
    """What is kept of a run.

    Attributes:
        key: which script it is: its name, or a hash of its text.
        test: the test that asked for it, for people.
        code: the script's exit code.
        trace: what was recorded, without findings: JSON, which is read when it is asked for.
        lines: the lines that findings are at, by number, of a script that is not part of the tests.
    """

    key: str
    test: str
    code: int
    trace: msgspec.Raw
    lines: dict[str, str]

    def diagnosed(self, source: str = "") -> Trace:
        """The trace with what the rules say of it now.

        Args:
            source: the script's text. Runs that were recorded long ago have none, and no edits.
        """
        trace = trace_file.from_json(bytes(self.trace))
        if source and not trace.sources:
            trace = msgspec.structs.replace(trace, sources=(_source_of(SCRIPT, source),))
        return msgspec.structs.replace(trace, findings=diagnose(trace))

    def ran(self, source: str) -> Ran:
        """The run, as if it had just been made; what it printed is not known."""
        return Ran(SCRIPT, self.code, "", self.diagnosed(source), source=source)

    def report(self) -> str:
        """What the rules say of it, for people."""
        return "\n".join([self.test, *said(self.diagnosed().findings)]) + "\n"


class RecordedRuns:
    """The recorded runs of a module on one generation."""

    def __init__(self, name: str, generation: str) -> None:
        """Read them; there are none if there is no file.

        Args:
            name: of the module, without "test_".
            generation: "keras2" or "keras3".
        """
        self.path = FOLDER / f"{name}.{generation}.jsonl.xz"
        self._changed = False
        self.runs: dict[str, RecordedRun] = {}
        if self.path.exists():
            lines = lzma.decompress(self.path.read_bytes()).splitlines()
            runs = [msgspec.json.decode(line, type=RecordedRun) for line in lines]
            self.runs = {run.key: run for run in runs}

    @property
    def text(self) -> Path:
        """The file with what is said of them."""
        return self.path.with_name(self.path.name.replace(".jsonl.xz", ".txt"))

    def add(self, run: RecordedRun) -> None:
        """Keep a run, in the place of an older one of the same script."""
        self.runs[run.key] = run
        self._changed = True

    def report(self) -> str:
        """What the rules say of all of them."""
        return "\n".join(run.report() for run in self._in_order())

    def write(self) -> None:
        """Write what is new."""
        if not self._changed:
            return
        FOLDER.mkdir(exist_ok=True)
        runs = [json.loads(msgspec.json.encode(run)) for run in self._in_order()]
        lines = "".join(json.dumps(run) + "\n" for run in runs)
        self.path.write_bytes(lzma.compress(lines.encode(), preset=9))
        self.text.write_text(self.report(), encoding="utf-8")

    def _in_order(self) -> list[RecordedRun]:
        return sorted(self.runs.values(), key=lambda run: (run.test, run.key))


def all_recorded() -> list[Path]:
    """The files with recorded runs."""
    return sorted(FOLDER.glob("*.jsonl.xz"))


def read(path: Path) -> RecordedRuns:
    """The runs in a file."""
    name, generation = path.name.removesuffix(".jsonl.xz").split(".")
    return RecordedRuns(name, generation)


def key_of(source: str) -> str:
    """The key of a script that has no name."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def said(findings: Iterable[Finding], *, edits: bool = True) -> list[str]:
    """Lines with the code, severity, line, message, remedy and edits of findings."""
    lines = []
    for finding in findings:
        line = finding.caller.line if finding.caller else "-"
        lines.append(f"{finding.code} {finding.severity} {line}: {finding.message}")
        lines += [f"    {remedy}" for remedy in finding.fix.splitlines()]
        lines += [f"    edit {_said_edit(edit)}" for edit in finding.edits if edits]
    return [_neutral(line) for line in lines] or ["nothing"]


def _said_edit(edit: Edit) -> str:
    end = "" if edit.end_line == edit.line else f"{edit.end_line}:"
    span = f"{edit.line}:{edit.column}-{end}{edit.end_column}"
    return f"{Path(edit.file).name} {span} {json.dumps(edit.text, ensure_ascii=False)}"


def record(
    key: str, test: str, trace: Trace, *, code: int = 0, script: Path | None = None
) -> RecordedRun:
    """What is kept of a run; fails if the rules need something that is not.

    Args:
        key: which script it is.
        test: the test that asked for it.
        trace: what was recorded.
        code: the script's exit code.
        script: the file that was run.
    """
    run = RecordedRun(key=key, test=test, code=code, trace=_kept(trace, script), lines={})
    edits = script is not None
    assert said(run.diagnosed().findings, edits=edits) == said(trace.findings, edits=edits)
    return run


def _lines_of_findings(ran: Ran) -> dict[str, str]:
    lines = ran.source.splitlines()
    callers = [finding.caller for finding in ran.trace.findings if finding.caller]
    numbers = sorted({caller.line for caller in callers if caller.file == str(ran.path)})
    return {str(number): lines[number - 1] for number in numbers}


def _kept(trace: Trace, script: Path | None) -> msgspec.Raw:
    environment = msgspec.structs.replace(trace.environment, platform="")
    trace = msgspec.structs.replace(
        trace,
        calls=tuple(_calls_in_order(trace)),
        environment=environment,
        landmarks=(),
        findings=(),
        sources=() if script is None else (_source_of(script, script.read_text()),),
    )
    text = trace_file.to_json(trace).decode()
    kept = json.loads(_neutral(text, script), object_hook=_without_empty)
    return msgspec.Raw(json.dumps(kept).encode())


def _source_of(script: Path, text: str) -> SourceFile:
    """The script as a trace carries it: some rules look at the statement of a line."""
    return SourceFile(file=str(script), excerpts=(Excerpt(line=1, text=text),))


def _calls_in_order(trace: Trace) -> Iterator[Call]:
    """The calls with numbers in the place of times: which ones of two came first is kept."""
    spans = [(call.start_ns, call.start_ns + call.duration_ns) for call in trace.calls]
    numbers = {time: number for number, time in enumerate(sorted({t for s in spans for t in s}))}
    for call, (start, end) in zip(trace.calls, spans, strict=True):
        length = numbers[end] - numbers[start]
        yield msgspec.structs.replace(call, start_ns=numbers[start], duration_ns=length)


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields but those that are empty and that a trace file may leave out."""
    return {
        name: value
        for name, value in fields.items()
        if name in ALWAYS or not (value is None or value == [] or value == {})
    }


def _neutral(text: str, script: Path | None = None) -> str:
    """A text without this machine's folders, and without addresses."""
    folders = {str(Path(folder)): "/site-packages" for folder in site.getsitepackages()}
    folders |= {str(ROOT): "/buildtrace", sys.base_prefix: "/python"}
    if script is not None:
        folders = {str(script.parent): str(SCRIPT.parent), **folders}
    for folder, name in folders.items():
        text = text.replace(folder, name)
    text = re.sub(re.escape(tempfile.gettempdir()) + r"[\w./-]*", "/tmp/file", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0x0", text)


class Recorded:
    """Runs scripts as a server does, but only looks them up."""

    def __init__(self, runs: RecordedRuns) -> None:
        self._runs = runs

    def run(self, source: str | Path, *, save: bool = False) -> Ran:
        """The recorded run of a script; with `save`, nothing more."""
        key = source.stem if isinstance(source, Path) else key_of(source)
        run = self._runs.runs.get(key)
        assert run is not None, (
            "this script was not recorded: run `pytest tests/diagnosis --record -n 0`"
        )
        named = isinstance(source, Path)
        ran = run.ran("" if named else source)
        return dataclasses.replace(ran, source=_lines(run)) if named else ran


class Live:
    """Runs scripts on the installed Keras, and compares what is found with what was recorded."""

    def __init__(self, server: Any, runs: RecordedRuns, test: str, *, recording: bool) -> None:
        self._server, self._runs, self._test, self._recording = server, runs, test, recording

    def run(self, source: str | Path, *, save: bool = False) -> Ran:
        """Run a script, and keep the run if they are to be recorded."""
        named = isinstance(source, Path)
        if named and not source.exists():
            pytest.skip(f"there is no {source}")
        text = source.read_text() if named else source
        if "tf_keras" in text and len(installed()) < 2:
            pytest.skip("needs both generations of Keras")
        ran: Ran = self._server.run(source, save=save)
        key = source.stem if named else key_of(source)
        if not self._recording:
            compare(self._runs.runs.get(key), ran.trace)
            return ran
        test = key if named else self._test
        run = record(key, test, ran.trace, code=ran.code, script=ran.path)
        lines = _lines_of_findings(ran) if named else {}
        self._runs.add(msgspec.structs.replace(run, lines=lines))
        return ran


def compare(run: RecordedRun | None, trace: Trace) -> None:
    """Fail if other things are found now than in a recorded run, on the same versions."""
    assert run is not None, "this was not recorded: run `pytest tests/diagnosis --record -n 0`"
    recorded = run.diagnosed()
    if _versions(recorded) == _versions(trace):
        edits = bool(recorded.sources)
        now = said(trace.findings, edits=edits)
        assert now == said(recorded.findings, edits=edits), "record it again"


def _versions(trace: Trace) -> tuple[Any, ...]:
    environment = trace.environment
    packages = [(keras.package, keras.version) for keras in environment.keras]
    return environment.tensorflow, environment.python.split(".")[:2], sorted(packages)


def _lines(run: RecordedRun) -> str:
    """A script of which only the lines are known that findings are at."""
    last = max(map(int, run.lines), default=0)
    return "\n".join(run.lines.get(str(number), "") for number in range(1, last + 1))
