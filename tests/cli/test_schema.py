"""The verb that prints the schema of the trace file, and the copy of it in the docs."""

from __future__ import annotations

import json
from pathlib import Path

from buildtrace.cli.schema import schema_text
from buildtrace.traces.json_schema import trace_file_schema

IN_DOCS = Path(__file__).parents[2] / "docs" / "trace-file.schema.json"


def test_it_is_printed(cli):
    result = cli("schema")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["$id"] == "urn:buildtrace:trace-file:1"
    assert result.out == schema_text()


def test_it_is_written(cli, tmp_path):
    file = tmp_path / "x.json"
    result = cli("schema", "-o", str(file))
    assert (result.code, result.out, result.err) == (0, "", f"buildtrace: wrote {file}\n")
    assert file.read_text(encoding="utf-8") == schema_text()


def test_where_nothing_can_be_written_there_is_one_line(cli, tmp_path):
    missing = tmp_path / "missing" / "x.json"
    result = cli("schema", "-o", str(tmp_path / "fine.json"), "-o", str(missing))
    assert result.code == 2
    assert result.err.startswith(f"buildtrace: error: cannot write {missing}: there is no folder")
    assert not list(tmp_path.iterdir())


def test_an_argument_is_too_much(cli):
    result = cli("schema", "build.json")
    assert result.code == 2
    assert result.err.count("\n") == 1


def test_the_text_is_the_schema():
    assert json.loads(schema_text()) == json.loads(json.dumps(trace_file_schema()))


def test_the_docs_have_it():
    hint = "run `buildtrace schema -o docs/trace-file.schema.json`"
    assert IN_DOCS.read_text(encoding="utf-8") == schema_text(), hint
