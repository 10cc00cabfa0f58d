"""The pages of the rules, and the table of all."""

import pytest
from loops import case

from buildtrace import diagnosis
from buildtrace.cli import explain
from buildtrace.diagnosis import all_rules
from buildtrace.diagnosis.rule import TOPICS, Rule
from buildtrace.generations import GENERATIONS


def squeezed(text):
    return " ".join(text.split())


@pytest.fixture
def three(monkeypatch):
    """Rules of two topics and all severities, in the place of the real ones."""
    made = [
        Rule(
            code, f"title of {code}", severity, generations, f"Why {code}.", bad, good, lambda _: ()
        )
        for code, severity, generations, bad, good in [
            ("BT101", "error", ("keras2",), "a = 1\nb = 2\n", "a = 1\nb = 3\n"),
            ("BT105", "warning", ("keras2", "keras3"), "bad()\n", "good()\n"),
            ("BT301", "note", ("keras3",), "x = '[bold]'\n", "x = '[/]'\n"),
        ]
    ]
    monkeypatch.setattr(diagnosis, "all_rules", lambda: tuple(made))
    monkeypatch.setattr("buildtrace.diagnosis.settings.all_rules", lambda: tuple(made))


def test_the_page_of_a_rule_is_all_of_it(cli):
    for rule in all_rules():
        with case(rule.code):
            result = cli("explain", rule.code)
            assert (result.code, result.err) == (0, "")
            for text in (rule.title, rule.severity, rule.why):
                assert squeezed(text) in squeezed(result.out)
            for example in (rule.bad, rule.good):
                for line in example.strip().splitlines():
                    assert line in result.out
            assert f"# buildtrace: ignore[{rule.code}]" in result.out
            titles = [g.title for g in GENERATIONS if g.name in rule.generations]
            assert titles
            assert all(title in result.out for title in titles)


def test_each_rule_has_a_topic():
    for rule in all_rules():
        assert rule.topic in TOPICS.values(), rule.code


def test_the_table(cli, three):
    lines = cli("explain").out.splitlines()
    assert [" ".join(line.split()) for line in lines[:5]] == [
        "builds",
        "BT101 error title of BT101 (Keras 2 only)",
        "BT105 warning title of BT105",
        "shapes and masks",
        "BT301 note title of BT301 (Keras 3 only)",
    ]


def test_what_differs_in_the_examples_is_marked(cli, three):
    lines = cli("explain", "BT101").out.splitlines()
    bad, good = lines.index("Bad"), lines.index("Good")
    assert lines[bad + 1 : bad + 3] == ["    a = 1", "  │ b = 2"]
    assert lines[good + 1 : good + 3] == ["    a = 1", "  │ b = 3"]


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["bt101"], ["BT101"]),
        (["BT1"], ["BT101", "BT105"]),
        (["BT301", "BT105"], ["BT105", "BT301"]),
        (["--all"], ["BT101", "BT105", "BT301"]),
    ],
)
def test_which_rules(cli, three, arguments, codes):
    text = cli("explain", *arguments).out
    assert [code for code in ("BT101", "BT105", "BT301") if f"Why {code}." in text] == codes
    pages = cli("explain", "--format", "markdown", *arguments).out
    assert [line.split()[1] for line in pages.splitlines() if line.startswith("## ")] == [
        f"{code}:" for code in codes
    ]


def test_code_is_no_markup(cli, three):
    assert "x = '[bold]'" in cli("explain", "BT301").out


def test_markdown(cli, three):
    text = cli("explain", "--format", "markdown", "BT105").out
    assert text.startswith("## BT105: title of BT105\n\nwarning · builds · Keras 2 and Keras 3\n")
    assert "**Bad**\n\n```python\nbad()\n```\n\n**Good**\n\n```python\ngood()\n```\n" in text
    rows = cli("explain", "--format", "markdown").out.splitlines()
    assert "| BT301 | note | Keras 3 | title of BT301 |" in rows


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_prose_fits_the_terminal(cli, monkeypatch, columns, arguments):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("explain", *arguments).out.splitlines()
    code = {line for rule in all_rules() for line in (rule.bad + rule.good).splitlines()}
    code |= {
        how.format(code=rule.code) for rule in all_rules() for how in explain.IGNORING.values()
    }
    prose = [line for line in lines if not any(line.endswith(each) for each in code if each)]
    assert len(prose) > len(all_rules())
    assert max(map(len, prose)) <= min(columns, 100)


def test_an_unknown_code(cli):
    result = cli("explain", "BT000")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: explain: no rule has the code 'BT000'")
    assert result.err.count("\n") == 1
