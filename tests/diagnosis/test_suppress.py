"""Which findings are left out: by code, by file, by a comment."""

import pytest
from msgspec import UNSET

from buildtrace.diagnosis.settings import Settings
from buildtrace.diagnosis.suppress import is_selected, keep
from buildtrace.traces.comments import ignored_lines
from buildtrace.traces.schema import Finding, SourceLine
from buildtrace.traces.trace import Trace
from diagnosis.rules.running import HEAD, findings
from diagnosis.rules.test_layer_unused import SWAPPED
from diagnosis.scripts import installed


def finding(code="BT105", file="model.py", line=1, severity="warning"):
    caller = SourceLine(file=str(file), line=line) if file else None
    return Finding(code=code, message="m", why="w", fix="f", caller=caller, severity=severity)


@pytest.mark.parametrize(
    ("select", "ignore", "reported"),
    [
        ([], [], True),
        (["BT1"], [], True),
        (["BT105"], [], True),
        (["BT2"], [], False),
        (["BT2", "BT10"], [], True),
        ([], ["BT1"], False),
        ([], [""], False),
        ([], ["BT2"], True),
        (["BT105"], ["BT1"], True),  # the more exact code counts
        (["BT1"], ["BT105"], False),
        (["BT1"], ["BT1"], False),
        (["BT105"], [""], True),
        ([""], ["BT1"], False),
    ],
)
def test_by_code(select, ignore, reported):
    settings = Settings(select=tuple(select), ignore=tuple(ignore))
    assert is_selected(finding(), settings) is reported


@pytest.mark.parametrize(
    ("file", "pattern", "reported"),
    [
        ("tests/test_a.py", "tests/*", False),
        ("tests/deep/test_a.py", "tests/*", False),
        ("tests/test_a.py", "test_*.py", False),
        ("model.py", "tests/*", True),
        ("other/tests/a.py", "tests/*", True),
    ],
)
def test_by_file(tmp_path, file, pattern, reported):
    settings = Settings(per_file=((pattern, ("BT1",)),), folder=tmp_path)
    assert is_selected(finding(file=tmp_path / file), settings) is reported
    assert is_selected(finding("BT201", file=tmp_path / file), settings)
    assert is_selected(finding(file=None), settings)


SOURCE = '''\
first()  # buildtrace: ignore[BT105]
second()  # buildtrace: ignore
third(
    a,  # buildtrace: ignore[BT1, bt201]
    b,
)
# buildtrace: ignore[BT105]
fourth()
fifth()  # noqa: X100  # buildtrace:ignore[BT105] - on purpose
text = """
# buildtrace: ignore
"""
sixth()  # buildtrace: ignored
seventh()  # buildtrace: ignore[]
def f(
    x,
):  # buildtrace: ignore[BT301]
    return x
for x in y: # buildtrace: ignore[BT302]

    # buildtrace: ignore
    pass
'''


def test_by_comment():
    assert ignored_lines(SOURCE) == {
        1: ["BT105"],
        2: [""],
        **{line: ["BT1", "BT201"] for line in (3, 4, 5, 6)},
        9: ["BT105"],
        **{line: ["BT301"] for line in (15, 16, 17)},
        19: ["BT302"],
    }


def test_a_source_that_is_no_python_counts_as_far_as_it_goes():
    assert ignored_lines("a()  # buildtrace: ignore\n%magic 'x\nb(") == {1: [""]}
    assert ignored_lines("a()  # buildtrace: ignore") == {1: [""]}
    assert ignored_lines("") == {}


def test_what_is_kept(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("a()  # buildtrace: ignore[BT1]\nb()\n")
    given = [
        finding(file=path, line=1),
        finding("BT201", file=path, line=1),
        finding(file=path, line=2, severity="note"),
        finding("BT301", file=path, line=2),
        finding(file=None),
        finding(file=tmp_path / "gone.py"),
    ]
    code = Trace(sources=UNSET).index.source_code
    kept = keep(given, code, Settings(ignore=("BT3",)))
    assert kept.findings == (given[1], given[2], given[4], given[5])
    assert kept.problems == (given[1], given[4], given[5])
    assert (kept.notes, kept.ignored) == (1, 1)
    assert len(keep(given, code).findings) == 5


@pytest.mark.slow
@pytest.mark.skipif("keras3" not in installed(), reason="Keras 3 is not installed")
def test_a_comment_holds_in_the_trace_itself(server):
    (finding,) = findings(server, "keras3", SWAPPED, "BT204")
    lines = (HEAD + SWAPPED).splitlines()
    lines[finding.caller.line - 1] += "  # buildtrace: ignore[BT204]"
    ran = server("keras3").run("\n".join(lines))
    assert ran.trace.calls
    assert ran.trace.findings == ()
