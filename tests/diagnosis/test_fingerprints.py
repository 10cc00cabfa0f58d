"""What a finding is known by."""

from types import SimpleNamespace

from buildtrace.diagnosis.fingerprints import fingerprints
from buildtrace.traces.schema import Finding, SourceLine


def of(folder, *findings, source):
    lines = source.splitlines()
    code = SimpleNamespace(line=lambda place: lines[place.line - 1])
    return fingerprints([(finding, code) for finding in findings], folder)


def finding(folder, line=1, code="BT105", file="a.py", message="It went wrong."):
    caller = SourceLine(file=str(folder / file), line=line) if line else None
    more = {"severity": "error", "why": "", "fix": "", "title": "t", "calls": ()}
    return Finding(code=code, message=message, caller=caller, **more)


def test_lines_may_move_and_messages_change(tmp_path):
    (before,) = of(tmp_path, finding(tmp_path, 2), source="a\nDense(3)")
    (after,) = of(
        tmp_path, finding(tmp_path, 4, message="'dense_1' is it."), source="#\n#\n#\n    Dense(3)  "
    )
    assert before == after


def test_what_is_different_has_another_one(tmp_path):
    source = "Dense(3)\nDense(4)"
    found = of(
        tmp_path,
        finding(tmp_path),
        finding(tmp_path, 2),
        finding(tmp_path, code="BT106"),
        finding(tmp_path, file="b.py"),
        finding(tmp_path, None),
        finding(tmp_path, None, message="Another."),
        source=source,
    )
    assert len(set(found)) == len(found)


def test_like_ones_are_counted(tmp_path):
    found = [finding(tmp_path, line) for line in (1, 2, 3)]
    three = of(tmp_path, *found, source="Dense(3)\n" * 3)
    assert len(set(three)) == 3
    assert of(tmp_path, *found[1:], source="Dense(3)\n" * 3) == three[:2]


def test_a_project_may_move(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert of(one, finding(one), source="x") == of(two, finding(two), source="x")
    assert of(one, finding(two), source="x") != of(two, finding(two), source="x")
