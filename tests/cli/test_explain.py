"""The pages of the rules and of the landmarks, and the table of all rules."""

import re

import pytest
from loops import case

from buildtrace import diagnosis
from buildtrace.cli import explain, landmark_pages
from buildtrace.diagnosis import all_rules, said
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
    texts = {"Keras 2": "model.py:1: BT105 warning: It went wrong.\n  fix:\n    good()"}
    monkeypatch.setattr(
        "buildtrace.diagnosis.said.said", lambda code: texts if code == "BT105" else {}
    )


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


def test_what_is_said_of_the_bad_example(cli, three):
    lines = cli("explain", "BT105").out.splitlines()
    start = lines.index("What `buildtrace check` says of it on Keras 2")
    assert lines[start - 1 : start + 4] == [
        "",
        "What `buildtrace check` says of it on Keras 2",
        "    model.py:1: BT105 warning: It went wrong.",
        "      fix:",
        "        good()",
    ]


def test_each_rule_says_something_of_its_bad_example():
    for rule in all_rules():
        texts = said.said(rule.code)
        assert texts, rule.code
        assert all(f": {rule.code} " in text.splitlines()[0] for text in texts.values())


def test_what_both_generations_say_is_there_once(monkeypatch):
    texts = {"one": {"Keras 2": "a", "Keras 3": "a"}, "two": {"Keras 2": "a", "Keras 3": "b"}}
    monkeypatch.setattr(said, "_recorded", lambda: texts)
    assert said.said("one") == {"": "a"}
    assert said.said("two") == texts["two"]
    assert said.said("three") == {}


def test_code_is_no_markup(cli, three):
    assert "x = '[bold]'" in cli("explain", "BT301").out


def test_markdown(cli, three):
    text = cli("explain", "--format", "markdown", "BT105").out
    assert text.startswith("## BT105: title of BT105\n\nwarning · builds · Keras 2 and Keras 3\n")
    assert "**Bad**\n\n```python\nbad()\n```\n\n**What `buildtrace check` says of it on" in text
    assert (
        "Keras 2**\n\n```\nmodel.py:1: BT105 warning: It went wrong.\n  fix:\n    good()\n```"
        in text
    )
    assert "```\n\n**Good**\n\n```python\ngood()\n```\n" in text
    rows = cli("explain", "--format", "markdown").out.splitlines()
    assert "| BT301 | note | Keras 3 | title of BT301 |" in rows


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_prose_fits_the_terminal(cli, monkeypatch, columns, arguments):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = cli("explain", *arguments).out.splitlines()
    code = {line for rule in all_rules() for line in (rule.bad + rule.good).splitlines()}
    code |= {
        how.format(code=rule.code).replace("`", "")
        for rule in all_rules()
        for how in explain.IGNORING.values()
    }
    prose = [line for line in lines if not line.endswith(tuple(code - {""}))]
    assert prose
    assert len(lines) > len(all_rules())
    assert max(map(len, prose)) <= min(columns, 100)


def test_an_unknown_code(cli):
    result = cli("explain", "BT000")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: explain: no rule has the code 'BT000'")
    assert result.err.count("\n") == 1


# -- landmarks ------------------------------------------------------------------------------------


ROWS = [(generation, row) for generation in GENERATIONS for row in generation.landmarks]


@pytest.mark.parametrize("name", sorted({row.name for _, row in ROWS}))
def test_a_landmark_is_explained_for_each_generation_that_has_it(cli, name):
    result = cli("explain", name)
    assert (result.code, result.err) == (0, "")
    text = squeezed(result.out)
    for generation in GENERATIONS:
        rows = [row for row in generation.landmarks if row.name == name]
        for row in rows[-1:]:  # one that has moved is told as the newest version has it
            assert squeezed(row.summary) in text
            assert squeezed(row.article or "") in text
    headings = [line for line in result.out.splitlines() if re.match(r"Keras \d  ", line)]
    assert len(headings) == len({g.name for g, row in ROWS if row.name == name})


def test_a_landmark_has_its_step_role_counterpart_and_source(cli):
    text = squeezed(cli("explain", "_map_graph_network").out)
    assert "Keras 2 engine/functional.py" in text
    assert "step 3. The graph: the layers become a network" in text
    assert "role maps the graph" in text
    assert "in Keras 3 map_graph" in text


def test_a_landmark_without_a_counterpart_says_why(cli):
    text = squeezed(cli("explain", "Sequential._build_graph_network_for_inferred_shape").out)
    assert "in Keras 3 Keras 3 has no function for this: Sequential.build makes the input" in text


def test_where_the_source_is_is_what_the_table_says(cli):
    table, page = cli("landmarks").out, cli("explain", "Layer._maybe_build").out
    places = re.findall(r"^Keras \d  (\S+:\d+)$", page, re.MULTILINE)
    assert places
    for place in places:
        assert re.search(rf"Layer\._maybe_build +{re.escape(place)}$", table, re.MULTILINE)


def test_without_any_keras_a_landmark_is_explained(cli, monkeypatch):
    monkeypatch.setattr("buildtrace.generations.installed", list)
    text = cli("explain", "Layer._maybe_build").out
    assert "Keras 2  engine/base_layer.py\n" in text
    assert "Keras 3  layers/layer.py\n" in text


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("layer._MAYBE_build", ["Layer._maybe_build"]),
        ("_maybe_build", ["Layer._maybe_build"]),
        ("symbolic_call", ["Operation.symbolic_call", "Layer.symbolic_call"]),
        ("Dense.build", ["Layer.build"]),
        ("MyLayer.compute_output_shape", ["Layer.compute_output_shape"]),
    ],
)
def test_which_landmarks_a_word_stands_for(word, names):
    found = landmark_pages.pages(word)
    assert [page.name for page in found] == names


def test_an_optimizer_has_another_build_than_a_layer():
    names = {page.name for page in landmark_pages.pages("Adam.build")}
    assert names
    assert names <= {"BaseOptimizer.build", "_BaseOptimizer.build"}  # of what is installed


def test_a_definition_of_a_class_is_told_as_one(cli):
    assert "Dense.build is a definition of this method" in cli("explain", "Dense.build").out
    assert "is a definition of" not in cli("explain", "build").out


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("Layer._maybe_biuld", "; did you mean Layer._maybe_build or Layer.build?"),
        ("_build_map_helpr", "; did you mean _build_map_helper"),
        ("Dense.__call__", "; did you mean "),  # the layer's or the initializer's?
        ("xyz", " (see `buildtrace landmarks`)"),
    ],
)
def test_an_unknown_landmark_is_one_line_with_what_is_near(cli, word, near):
    result = cli("explain", word)
    assert (result.code, result.out) == (2, "")
    start = f"buildtrace: error: explain: no rule and no landmark is called '{word}'{near}"
    assert result.err.startswith(start)
    assert result.err.count("\n") == 1


def test_rules_and_landmarks_together(cli, three):
    text = cli("explain", "Input", "BT101").out
    assert text.index("Why BT101.") < text.index("Input\n")
    markdown = cli("explain", "--format", "markdown", "BT101", "map_graph").out
    titles = [line for line in markdown.splitlines() if line.startswith("## ")]
    assert titles == ["## BT101: title of BT101", "## map_graph"]
    assert "- in Keras 2: _map_graph_network" in markdown


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_pages_of_landmarks_fit_the_terminal(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    names = sorted({row.name for _, row in ROWS})
    lines = cli("explain", *names).out.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
