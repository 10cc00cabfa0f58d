"""How findings are told below the views."""

import ast
import io
import re

import made_traces
import pytest
from msgspec.structs import replace
from rich.console import Console

from buildtrace.renderers import Options, show, to_text
from buildtrace.renderers.notebook import colored
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.code import fitted, highlighted
from buildtrace.renderers.text.code import lines as code_lines
from buildtrace.renderers.text.lines import size
from buildtrace.traces.schema import Finding, SourceLine, Trial

FIX = 'def build(self, shape):\n    super().build(shape)  # sets "built"'


def finding(code="BT105", severity="error", **more):
    given = {
        "title": "weights replaced",
        "message": "Dense.build of 'dense' ran twice.",
        "why": "Keras 2 builds what is not built.",
        "fix": FIX,
    }
    return Finding(code=code, severity=severity, **(given | more))


def told(*findings, trace=None, width=80, **options):
    """The lines from the heading of the findings on."""
    text = to_text(
        replace(trace or made_traces.mlp3(), findings=findings), Options(**options), width
    )
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith("Findings: ")]
    return lines[starts[0] :] if starts else []


def test_a_finding_says_what_where_why_and_what_to_do(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(made_traces.SCRIPT)
    assert told(finding(caller=SourceLine(file=str(path), line=17))) == [
        "Findings: 1 error",
        "",
        "✗ BT105 error: weights replaced",
        "  Dense.build of 'dense' ran twice.",
        "  net.py:17  net(first)",
        "  Keras 2 builds what is not built.",
        "  What to do:",
        "  │ def build(self, shape):",
        '  │     super().build(shape)  # sets "built"',
    ]


PATCH = "--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n x = 1\n-Adam(lr=1)\n+Adam(learning_rate=1)\n"


@pytest.mark.parametrize(
    ("trial", "lines"),
    [
        (
            Trial(outcome="goes through", patch=PATCH),
            [
                "  What to do:",
                "  │ f()",
                "  tried: the build goes through:",
                "  -Adam(lr=1)",
                "  +Adam(learning_rate=1)",
            ],
        ),
        (
            Trial(outcome="does not help", message="ValueError: no", patch=PATCH),
            [
                "  Tried, but it does not help:",
                "  │ f()",
                "  tried: does not help (ValueError: no)",
            ],
        ),
        (
            Trial(
                outcome="fails further on",
                message="ValueError: no",
                caller=SourceLine(file="/a/b.py", line=3),
                patch="".join(f"+x{n}\n" for n in range(20)),  # too long to be read here
            ),
            [
                "  What to do:",
                "  │ f()",
                "  tried: fails further on, with ValueError: no at b.py:3",
            ],
        ),
        (
            Trial(outcome="not tried", message="it is Sunday"),
            ["  What to do:", "  │ f()", "  not tried: it is Sunday"],
        ),
    ],
)
def test_a_remedy_that_was_tried_says_what_came_of_it(trial, lines):
    assert told(finding(fix="f()", trial=trial))[-len(lines) :] == lines


def test_no_findings_no_words():
    assert told() == []
    assert "Findings" not in to_text(made_traces.mlp3())


def test_each_severity_has_its_mark_and_number():
    given = [finding("BT1", "error"), finding("BT2", "warning"), finding("BT3", "note")]
    lines = told(*given, finding("BT4", "note"))
    assert lines[0] == "Findings: 1 error, 1 warning, 2 notes"
    heads = [line for line in lines if re.match(r". BT", line)]
    assert [head[0] for head in heads] == [styles.MARK[s] for s in ("error", "warning", "note")] + [
        styles.MARK["note"]
    ]
    assert list(styles.SEVERITY) == list(styles.MARK)


def test_the_top_says_that_there_is_something_at_the_end():
    text = to_text(replace(made_traces.mlp3(), findings=(finding(), finding(severity="note"))))
    assert "1 error, 1 note: see the end" in text.splitlines()[:5]


def test_many_of_a_code_are_told_in_short():
    given = [
        finding(message=f"Number {n}.", caller=SourceLine(file="a.py", line=n)) for n in range(1, 9)
    ]
    lines = told(*given)
    assert [line.strip() for line in lines if "Number" in line] == [
        f"Number {n}." for n in (1, 2, 3)
    ]
    rest = "… and 5 more of BT105: a.py:4, a.py:5, a.py:6, a.py:7 and a.py:8; --full shows all"
    assert " ".join(line.strip() for line in lines[-2:]) == rest
    assert sum("Number" in line for line in told(*given, full=True)) == 8


def test_what_was_said_of_a_code_is_not_said_again():
    lines = told(finding(), finding(fix="other = 1"), finding(why="It differs."))
    assert sum("Keras 2 builds" in line for line in lines) == 1
    assert sum("It differs." in line for line in lines) == 1
    assert sum("super().build" in line for line in lines) == 2  # again after another one
    assert sum("other = 1" in line for line in lines) == 1


def test_findings_of_a_code_stand_together_in_the_order_of_the_worst():
    given = [finding("B", message="1"), finding("A", message="2"), finding("B", message="3")]
    lines = [line.strip() for line in told(*given)]
    assert [line for line in lines if line in "123" and line] == ["1", "3", "2"]


def test_only_what_is_about_the_model_asked_for():
    from renderers.page.test_build_page import two_models

    trace = two_models()
    half = len(trace.calls) // 2
    given = [finding("B1", calls=(0,)), finding("B2", calls=(half,)), finding("B3")]
    lines = told(*given, trace=trace, model="second")
    assert [line[2:4] for line in lines if re.match(r". B", line)] == ["B2", "B3"]


def test_the_remedy_is_in_color():
    text = io.StringIO()
    console = Console(file=text, width=80, force_terminal=True, color_system="standard")
    show(replace(made_traces.mlp3(), findings=(finding(),)), console)
    keyword, name = "\x1b[35mdef\x1b[0m", "\x1b[1;94mbuild\x1b[0m"
    assert f"{keyword} {name}" in text.getvalue()


def test_a_notebook_gets_them_in_color_and_as_text():
    trace = replace(made_traces.mlp3(), findings=(finding(),))
    html = colored.views(trace, Options())
    assert "BT105 error: weights replaced" in re.sub("<[^>]*>", "", html)
    bundle = trace._repr_mimebundle_()
    assert "✗ BT105" in bundle["text/plain"]
    left = bundle["text/html"].partition('">')[2]  # where frames are taken away
    assert "BT105 error: weights replaced" in re.sub("<[^>]*>", "", left)


@pytest.mark.parametrize("width", [80, 200])
def test_hostile_texts_fit_the_width(width):
    name = "[bold]\x1b[31m" + "n" * 300 + "\n\u202e"
    given = finding(name, title=name, message=name, why=name, fix=f"x = '{name}'")
    lines = told(given, finding(), width=width)
    assert max(map(size, lines)) <= width
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


# -- code -------------------------------------------------------------------------------------


def test_code_is_taken_apart_and_nothing_is_lost():
    lines = highlighted(FIX)
    assert ["".join(text for _, text in line) for line in lines] == FIX.split("\n")
    assert lines[0][0] == ("keyword", "def")
    assert ("name", "build") in lines[0]
    assert lines[1][-1] == ("comment", '# sets "built"')


def texts(lines):
    return ["".join(part.text for part in line) for line in lines]


def test_code_that_is_to_be_copied_stays_as_it_is():
    long = FIX + " and so on" * 20
    assert texts(code_lines(long)) == long.split("\n")
    assert texts(code_lines(f"{FIX}\n\nx = 1", indent=4))[1:] == [
        f"    {FIX.splitlines()[1]}",
        "",
        "    x = 1",
    ]


def test_a_line_of_code_that_is_too_long_goes_on_below():
    code = "value = " + " + ".join(f"name_{n}" for n in range(40))
    lines = texts(fitted(code, 60, []))
    assert " ".join(" ".join(lines).split()) == code
    assert 50 < max(map(len, lines)) <= 60
    assert {len(line) - len(line.lstrip()) for line in lines[1:]} == {4}


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (
            "    if some.thing.is_wrong_with_it():",
            ["    if some.thing", "        .is_wrong_with_it():"],
        ),
        ("call(first, second, third, and_more)", ["call(first, second, third,", "    and_more)"]),
        ("x = '" + "y" * 40 + "'", ["x = '" + "y" * 25, "    " + "y" * 15 + "'"]),
        ("x = '" + "日" * 20 + "'", ["x = '" + "日" * 12, "    " + "日" * 8 + "'"]),
    ],
)
def test_where_a_line_of_code_is_broken(code, lines):
    code = f"if True:\n{code}" if code.startswith(" ") else code
    assert texts(fitted(code, 30, []))[-len(lines) :] == lines


def test_a_comment_that_does_not_fit_stands_above_its_code():
    code = "if True:\n    layer(x)  # one that knows the size of what it gets"
    assert texts(fitted(code, 40, [])) == [
        "if True:",
        "    # one that knows the size of what it",
        "    # gets",
        "    layer(x)",
    ]
    ast.parse("\n".join(texts(fitted(code, 40, []))))
    assert texts(fitted(code, 80, [])) == code.split("\n")
    alone = "# a comment alone, which is a long one"
    assert texts(fitted(alone, 30, [])) == ["# a comment alone, which is a", "# long one"]
