"""The report as GitHub and GitLab show it: parsed as they do, it says what was found."""

import html
import re

import pytest
from made_traces import failing, mlp3
from markdown_it import MarkdownIt

from buildtrace.cli import check_markdown
from buildtrace.cli.check_result import CheckResult
from buildtrace.diagnosis.suppress import Kept
from buildtrace.traces.schema import Finding, SourceLine, Trial

HOSTILE = "a|b <script>`x`</script> *i* _u_ [l](u) ![p](u) @all #1 \\ &lt; ~~s~~ ü"


def finding(message="Ü is wrong.", file="model.py", **more):
    told = {"code": "BT999", "severity": "warning", "why": "So.", "fix": ""} | more
    caller = SourceLine(file=str(file), line=7)
    return Finding(message=message, caller=caller, **told)


def report(folder, *findings, trace=None, **more):
    trace = trace or mlp3()
    return check_markdown.render(CheckResult(Kept(findings), trace, folder, "model.py", **more))


def shown(text):
    """The page that a site makes of it."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def cells(text):
    """What a reader sees in the table's cells, without what is bold."""
    found = re.findall(r"<td>(.*?)</td>", shown(text), flags=re.DOTALL)
    return [html.unescape(re.sub(r"</?strong>", "", cell)) for cell in found]


def test_a_heading_and_a_row_for_each_finding(tmp_path):
    text = report(tmp_path, finding(file=tmp_path / "net.py"), finding("No.", severity="error"))
    assert shown(text).startswith("<h3>buildtrace: found 2 problems in ")
    assert cells(text) == [
        *("⚠️ warning", "net.py:7", "BT999 Ü is wrong."),
        *("❌ error", "model.py:7", "BT999 No."),
    ]


def test_text_of_the_program_means_nothing_in_markdown(tmp_path):
    text = report(tmp_path, finding(HOSTILE, file=f"{HOSTILE}.py"))
    assert cells(text)[1:] == [f"{HOSTILE}.py:7", f"BT999 {HOSTILE}"]
    assert "@all" not in text  # GitHub would tell everybody


def test_lines_stay_in_their_cell(tmp_path):
    assert cells(report(tmp_path, finding("one\ntwo\r\nthree")))[2] == "BT999 one<br>two<br>three"


def test_nothing_in_a_remedy_ends_its_block(tmp_path):
    fix = "a = 1\n```\n</details>\n<script>\n````"
    page = shown(report(tmp_path, finding(fix=fix)))
    assert html.unescape(re.search(r"<code[^>]*>(.*?)</code>", page, re.DOTALL)[1]) == f"{fix}\n"


def test_a_remedy_of_several_is_shown_once(tmp_path):
    assert report(tmp_path, finding(fix="x()"), finding(fix="x()")).count("<details>") == 1
    assert "<details>" not in report(tmp_path, finding(fix="x()"), concise=True)


def test_what_came_of_trying_a_remedy(tmp_path):
    trial = Trial(outcome="goes through", message="", patch="--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n")
    page = shown(report(tmp_path, finding(fix="y", trial=trial)))
    assert re.search(r"<summary>BT999 at model.py:7, tried.*</summary>", page)
    assert "+y" in page


def test_a_failure_that_no_rule_explains(tmp_path):
    severity, _, what = cells(report(tmp_path, trace=failing(), complete=False))
    assert severity == "❌ error"
    assert what.startswith("The ")


@pytest.mark.parametrize("notes", [(), (finding(severity="note"),)])
def test_nothing_is_wrong(tmp_path, notes):
    assert shown(report(tmp_path, *notes)).startswith("<h3>buildtrace: no problems found")
