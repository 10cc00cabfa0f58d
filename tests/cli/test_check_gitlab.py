"""The report that GitLab's merge requests read, with what its documentation asks for."""

import json
import re

import pytest
from made_traces import failing, mlp3, replaced

from buildtrace.cli import check_gitlab
from buildtrace.cli.check_result import CheckResult
from buildtrace.diagnosis.suppress import Kept
from buildtrace.traces.schema import Finding, SourceLine


def report(folder, *findings, trace=None, **more):
    result = CheckResult(Kept(findings), trace or mlp3(), folder, "model.py", **more)
    return json.loads(check_gitlab.render(result))


def finding(file="model.py", line=7, severity="error", fix=""):
    caller = SourceLine(file=str(file), line=line) if file else None
    told = {"message": "Ü is wrong.", "why": "So.", "fix": fix}
    return Finding(code="BT999", severity=severity, caller=caller, **told)


def test_what_gitlab_reads_of_each_finding(tmp_path):
    file = tmp_path / "a folder" / "net.py"
    (issue,) = report(tmp_path, finding(file, 12, fix="Do that."))
    assert re.fullmatch(r"[0-9a-f]{32}", issue.pop("fingerprint"))
    assert issue == {
        "description": "Ü is wrong.\n\nfix:\nDo that.",
        "check_name": "BT999",
        "severity": "major",
        "location": {"path": "a folder/net.py", "lines": {"begin": 12}},
    }


@pytest.mark.parametrize(
    ("ours", "theirs"), [("error", "major"), ("warning", "minor"), ("note", "info")]
)
def test_severities(tmp_path, ours, theirs):
    assert report(tmp_path, finding(severity=ours))[0]["severity"] == theirs


def test_a_finding_is_known_again_when_lines_above_it_are_added(tmp_path):
    before, elsewhere = report(tmp_path, finding(line=3), finding(file="other.py"))
    (moved,) = report(tmp_path, finding(line=9))
    assert moved["fingerprint"] == before["fingerprint"] != elsewhere["fingerprint"]


def test_none_of_two_alike_is_taken_for_the_other(tmp_path):
    first, second = report(tmp_path, finding(line=3), finding(line=9))
    assert first["fingerprint"] != second["fingerprint"]


def test_what_has_no_place_is_another_one_of_each_script(tmp_path):
    known_by = set()
    for script in ("a.py", "b.py"):
        result = CheckResult(Kept((finding(file=None),)), mlp3(), tmp_path, script)
        known_by |= {issue["fingerprint"] for issue in json.loads(check_gitlab.render(result))}
    assert len(known_by) == 2


def test_what_has_no_place_stands_at_the_script(tmp_path):
    (issue,) = report(tmp_path, finding(file=None))
    assert issue["location"] == {"path": "model.py", "lines": {"begin": 1}}


def test_a_failure_that_no_rule_explains(tmp_path):
    (issue,) = report(tmp_path, trace=failing(), complete=False)
    assert (issue["check_name"], issue["severity"]) == ("failure", "major")
    assert issue["description"].startswith("The ")


def test_the_command_writes_it(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    replaced(str(tmp_path / "net.py")).save("build.json")
    result = cli("check", "--format", "gitlab", "-o", "gl-code-quality-report.json", "build.json")
    written = json.loads((tmp_path / "gl-code-quality-report.json").read_text(encoding="utf-8"))
    assert (result.code, {issue["check_name"] for issue in written}) == (1, {"BT105"})
    assert "BT105" in result.out  # people read the text, in the log
