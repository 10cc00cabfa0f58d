"""What holds for every rule, without a Keras."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import made_traces
import pytest
from loops import case

from buildtrace import diagnosis
from buildtrace.diagnosis import SEVERITIES, Rule, all_rules, diagnose
from buildtrace.diagnosis.rule import BOTH
from buildtrace.traces.schema import Finding
from buildtrace.traces.trace import Trace

MODULE = re.compile(r"\b(\w+/)*\w+\.py\b")
VERSION = re.compile(r"\b(tf_keras|keras|tensorflow) \d+\.\d+|TensorFlow \d+\.\d+")


def test_codes_are_unique_and_in_order():
    codes = [rule.code for rule in all_rules()]
    assert codes == sorted(set(codes))


def test_each_module_is_a_rule():
    modules = (Path(diagnosis.__file__).parent / "rules").glob("[!_]*.py")
    assert len(all_rules()) == len(list(modules))


def test_each_is_well_formed():
    codes = {rule.code for rule in all_rules()}
    for rule in all_rules():
        with case(rule.code):
            assert re.fullmatch(r"BT[1-9]\d\d", rule.code)
            assert 0 < len(rule.title) < 70
            assert rule.severity in SEVERITIES
            assert rule.generations
            assert set(rule.generations) <= set(BOTH)
            assert set(rule.hides) <= codes - {rule.code}


def test_each_says_where_the_why_was_read():
    for rule in all_rules():
        assert MODULE.search(rule.why), f"{rule.code} names no module of Keras"
        assert VERSION.search(rule.why), f"{rule.code} names no version"


def test_the_module_of_each_begins_with_its_code():
    for rule in all_rules():
        module = ast.parse(Path(rule.check.__code__.co_filename).read_text())
        assert (ast.get_docstring(module) or "").startswith(f"{rule.code}: ")


@pytest.mark.parametrize("which", ["bad", "good"])
def test_the_examples_of_each_are_whole_scripts(which):
    for rule in all_rules():
        with case(rule.code):
            source = getattr(rule, which)
            tree = ast.parse(source)
            assert source.endswith("\n")
            assert any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body)
            assert max(len(line) for line in source.splitlines()) <= 100


def test_the_examples_of_each_differ_in_the_remedy_alone():
    for rule in all_rules():
        bad, good = set(rule.bad.splitlines()), set(rule.good.splitlines())
        assert bad != good, rule.code
        assert len(bad & good) >= len(bad) / 3, f"{rule.code}: the good one is another script"


def test_nothing_is_said_of_nothing():
    assert diagnose(Trace()) == ()


@pytest.mark.parametrize(
    "make", [made_traces.mlp2, made_traces.mlp3, made_traces.towers, made_traces.evil]
)
def test_nothing_is_said_of_what_is_well(make):
    assert [f for f in diagnose(make()) if f.severity != "note"] == []


def test_a_finding_is_the_rules_unless_said_otherwise():
    rule = next(iter(all_rules()))
    found = rule.finding("what happened", "the remedy", [3, 3, 1])
    assert (found.code, found.title, found.severity) == (rule.code, rule.title, rule.severity)
    assert (found.why, found.calls) == (rule.why, (3, 1))
    found = rule.finding("what happened", "the remedy", why="another", severity="note")
    assert (found.why, found.severity) == ("another", "note")


def made_up(monkeypatch, *found, hides=None):
    """What `diagnose` makes of these findings, each of a rule of its own."""
    hides = hides or {}
    made = [
        Rule(f.code, "", f.severity, BOTH, "", "", "", lambda _, f=f: [f], hides.get(f.code, ()))
        for f in found
    ]
    monkeypatch.setattr("buildtrace.diagnosis.all_rules", lambda: tuple(made))
    return [f.code for f in diagnose(Trace())]


def finding(code, *calls, severity="warning"):
    return Finding(code=code, severity=severity, message="", why="", fix="", calls=calls)


def test_the_worst_comes_first(monkeypatch):
    found = [
        finding("BT101", severity="note"),
        finding("BT102"),
        finding("BT103", severity="error"),
    ]
    assert made_up(monkeypatch, *found) == ["BT103", "BT102", "BT101"]


def test_what_another_rule_says_better_is_left_out(monkeypatch):
    found = [finding("BT101", 1, 2), finding("BT102", 2, 3)]
    assert made_up(monkeypatch, *found, hides={"BT102": ("BT101",)}) == ["BT102"]


def test_what_is_said_of_other_calls_stays(monkeypatch):
    found = [finding("BT101", 1), finding("BT102", 2)]
    assert made_up(monkeypatch, *found, hides={"BT102": ("BT101",)}) == ["BT101", "BT102"]
