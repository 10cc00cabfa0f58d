"""Where the edits of a remedy are placed, and what becomes of the source with them."""

from __future__ import annotations

import msgspec
import pytest

from buildtrace.diagnosis import edited, edits, parsed_files
from buildtrace.traces.schema import Edit, Excerpt, LayerRef, SourceFile, SourceLine
from buildtrace.traces.trace import Trace
from diagnosis.hand import FILE

FIRST = SourceLine(file=FILE, line=1)


def carrying(text, first=1):
    """A trace that carries this text of a file."""
    excerpt = Excerpt(line=first, text=text)
    return Trace(sources=(SourceFile(file=FILE, excerpts=(excerpt,)),))


def at(text, mark):
    """The line of a text that has this in it."""
    numbers = [n for n, line in enumerate(text.split("\n"), 1) if mark in line]
    assert len(numbers) == 1
    return SourceLine(file=FILE, line=numbers[0])


def changed(text, mark, place, *arguments, **more):
    """The text with the edits that a function places at the line with a mark; `None` for none."""
    found = place(carrying(text), at(text, mark), *arguments, **more)
    return edited.edited(text, found) if found else None


# -- arguments ----------------------------------------------------------------------------------

ADDED = {
    "the first": ("x = Dense()", "x = Dense(use_bias=True)"),
    "behind others": ("x = Dense(4, name='a')(y)", "x = Dense(4, name='a', use_bias=True)(y)"),
    "in parentheses": ("x = Dense((4))", "x = Dense((4), use_bias=True)"),
    "behind a comma": ("x = Dense(4,)", "x = Dense(4, use_bias=True,)"),
    "on several lines": (
        "x = Dense(\n    4,  # wide, in (all)\n    'relu'  # )\n)(x)",
        "x = Dense(\n    4,  # wide, in (all)\n    'relu', use_bias=True  # )\n)(x)",
    ),
    "one a line": ("x = Dense(\n    4,\n)", "x = Dense(\n    4, use_bias=True,\n)"),
    "of a method": ("x = keras.layers.Dense(4)", "x = keras.layers.Dense(4, use_bias=True)"),
    "behind signs of several bytes": (
        "x = f('größe', Dense('π')) + é",
        "x = f('größe', Dense('π', use_bias=True)) + é",
    ),
    "given already": ("x = Dense(4, use_bias=False)", "x = Dense(4, use_bias=True)"),
    "given on two lines": ("x = Dense(4, use_bias=(\n  y))", "x = Dense(4, use_bias=(\n  True))"),
    "given as a sum": ("x = Dense(4, use_bias=a + b, b=1)", "x = Dense(4, use_bias=True, b=1)"),
    "twice, one of them here": ("x = [\n  Dense(1),\n  Dense(2)]", None),
    "twice on a line": ("x = Dense(1)(Dense(2)(x))", None),
    "under a star": ("x = Dense(4, *more)", None),
    "under two stars": ("x = Dense(4, **more)", None),
    "of a generator": ("x = Dense(4 for x in y)", None),
    "of another function": ("x = keras.layers.Conv2D(4)  # Dense", None),
    "of a function in a statement inside": ("with f() as x, g():\n    Dense(4)", None),
    "in an f-string": ("x = f'{Dense(4)}'", None),
    "on another line of the statement": (
        "model = Sequential([\n    Dense(4),\n])",
        "model = Sequential([\n    Dense(4, use_bias=True),\n])",
    ),
    "in one of two statements": ("x = Dense(4); y = 3", None),
    "in no Python": ("x = Dense(4)\n%matplotlib inline", None),
}


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED)
def test_an_argument_is_added_or_changed(before, after):
    found = edits.argument(carrying(before), FIRST, "Dense", "use_bias", "True")
    assert (edited.edited(before, found) if found else None) == after


def test_of_two_calls_the_one_that_begins_on_the_line_is_meant():
    text = "x = [\n  Dense(1),\n  Dense(2)]"
    assert changed(text, "(1)", edits.argument, "Dense", "a", "3") == text.replace("1)", "1, a=3)")
    assert changed(text, "(2)", edits.argument, "Dense", "a", "3") == text.replace("2)", "2, a=3)")


def test_an_argument_may_have_a_place():
    place = edits.argument
    assert changed("Dense(4)", "D", place, "Dense", "units", "8", 0) == "Dense(8)"
    assert changed("Dense(units=4)", "D", place, "Dense", "units", "8", 0) == "Dense(units=8)"
    assert changed("Dense()", "D", place, "Dense", "units", "8", 0) == "Dense(units=8)"


def test_a_value_is_made_of_what_it_was():
    place = edits.argument
    of_data = "{}[1:]".format
    assert changed("Input(x.shape)", "I", place, "Input", "shape", of_data, 0) == (
        "Input(x.shape[1:])"
    )
    assert changed("Input(shape=x.shape)", "I", place, "Input", "shape", of_data) == (
        "Input(shape=x.shape[1:])"
    )
    assert changed("Input(x)", "I", place, "Input", "shape", lambda _: "", 0) is None
    assert changed("Input()", "I", place, "Input", "shape", of_data, 0) is None


def test_several_arguments_become_one():
    place = edits.arguments_joined
    assert changed("Conv2D(8, 3,\n 3, name='a')", "C", place, "Conv2D", (1, 2), "(3, 3)") == (
        "Conv2D(8, (3, 3), name='a')"
    )
    assert changed("Conv2D(8, 3)", "C", place, "Conv2D", (1, 2), "(3, 3)") is None


def test_arguments_get_their_names():
    place, names = edits.arguments_named, ["a", "b", "c"]
    assert changed("f(1, 'é', x=1)", "f", place, "f", names) == "f(a=1, b='é', x=1)"
    assert changed("f(1, 2, 3)", "f", place, "f", names, 2) == "f(1, 2, c=3)"
    assert changed("f(1, a=1)", "f", place, "f", names) is None
    assert changed("f(1, 2, 3, 4)", "f", place, "f", names) is None
    assert changed("f(1, *b)", "f", place, "f", names) is None
    assert changed("f(a=1)", "f", place, "f", names) is None


def test_a_layer_is_put_before_another_one():
    place = edits.layer_before
    assert changed("y = Dense(4)(x + 1)", "D", place, "Dense", "Flatten()") == (
        "y = Dense(4)(Flatten()(x + 1))"
    )
    assert changed("m = Sequential([a, Dense(4)])", "D", place, "Dense", "Flatten()") == (
        "m = Sequential([a, Flatten(), Dense(4)])"
    )
    assert changed("m = S([\n    a,\n    Dense(4),\n])", "D", place, "Dense", "F()") == (
        "m = S([\n    a,\n    F(),\n    Dense(4),\n])"
    )
    assert changed("if a:\n    m.add(Dense(4))", "D", place, "Dense", "Flatten()") == (
        "if a:\n    m.add(Flatten())\n    m.add(Dense(4))"
    )
    assert changed("d = Dense(4)", "D", place, "Dense", "Flatten()") is None


def test_a_layer_is_put_first():
    place = edits.layer_first
    assert changed("m = Sequential([a, b])", "S", place, "Sequential", "c") == (
        "m = Sequential([c, a, b])"
    )
    assert changed("m = S([\n    a,\n    b])", "S", place, "S", "c") == (
        "m = S([\n    c,\n    a,\n    b])"
    )
    for text in ("m = Sequential(a)", "m = Sequential()", "m = Sequential([])"):
        assert changed(text, "S", place, "Sequential", "c") is None


def test_the_call_of_a_method():
    assert changed("x = self.net.build(s)", "x", edits.call_instead, "build", "{}(1)".format) == (
        "x = self.net(1)"
    )
    assert changed("if a:\n    net.fit(x)", "fit", edits.before_call, "fit", "{}.go()".format) == (
        "if a:\n    net.go()\n    net.fit(x)"
    )
    for place in (edits.call_instead, edits.before_call):
        assert changed("build(s)", "b", place, "build", "{}(1)".format) is None
        assert changed("net.build(s)", "n", place, "build", lambda _: "") is None


def test_another_function_gets_the_arguments():
    place = edits.function_instead
    assert changed("y = np.sum(x, axis=1)", "y", place, "sum", "ops.sum", ["np"]) == (
        "y = ops.sum(x, axis=1)"
    )
    assert changed("y = x.sum(axis=1)", "y", place, "sum", "ops.sum", ["np"]) is None
    assert changed("y = sum(x)", "y", place, "sum", "ops.sum", ["np"]) is None
    assert changed("y = sum(x)", "y", place, "sum", "ops.sum") == "y = ops.sum(x)"


def test_a_choice_between_tensors():
    def chosen(text, mark="if"):
        return changed(text, mark, edits.choice_of_tensors, "ops.where")

    both = "def f(x):\n    if x.mean() > 0:\n        return x\n    else:\n        return -x"
    assert chosen(both) == "def f(x):\n    return ops.where(x.mean() > 0, x, -x)"
    assert chosen(both.replace("    else:\n    ", "")) == (
        "def f(x):\n    return ops.where(x.mean() > 0, x, -x)"
    )
    assert chosen("y = (a if x > 0 else b) + 1") == "y = (ops.where(x > 0, a, b)) + 1"
    assert chosen("y = a if x > 0 and x < 2 else b") is None
    assert chosen("y = a if 0 < x < 2 else b") is None
    assert chosen("y = a if x > 0 else None") is None
    assert chosen("def f(x):\n    if x > 0:\n        return x") is None
    assert chosen("def f(x):\n    if x > 0:\n        x = 2\n    return x") is None


def test_an_attribute_gets_another_name_in_its_class():
    text = (
        "class A:\n    def f(self):\n        self.input = 1\n"
        "    def g(self, x):\n        return self.input + x.input\n"
        "class B:\n    def f(self):\n        self.input\n"
    )
    place = edits.attribute_renamed
    assert changed(text, "input = 1", place, "input", "i") == (
        text.replace("self.input = 1", "self.i = 1").replace("self.input + x", "self.i + x")
    )
    assert changed(
        text.replace("return", "return f'{self.input}',"), "= 1", place, "input", "i"
    ) is (None)
    assert changed("self.input = 1", "self", place, "input", "i") is None


CONSTRUCTOR = "class A:\n    def __init__(self, {}):\n        super().__init__({})\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("a", ""), ("a, **kwargs", "**kwargs")),
        (("a, b=(1, 2)", "name='é'"), ("a, b=(1, 2), **kwargs", "name='é', **kwargs")),
        (("a, *, b: int = 1", ""), ("a, *, b: int = 1, **kwargs", "**kwargs")),
        (("a, **options", ""), None),
        (("a, *more", ""), None),
        (("a", "*more"), None),
    ],
)
def test_options_are_passed_on(before, after):
    text = CONSTRUCTOR.format(*before)
    wanted = None if after is None else CONSTRUCTOR.format(*after)
    assert changed(text, "def", edits.options_passed_on) == wanted


def test_an_expression_in_a_function():
    text = "def f(self):\n    a()\n    c = super().get()\n    return c\n"
    assert changed(text, "def", edits.expression_in, "super().get()", "{}") == text.replace(
        "super().get()", "{}"
    )
    assert changed(text, "def", edits.expression_in, "c()", "{}") is None


def test_where_a_layer_is_made():
    def found(text, mark, name="dense"):
        ref = LayerRef(id=0, name=name, class_name="Dense")
        line = parsed_files.maker_of(carrying(text), ref, at(text, mark))
        return None if line is None else line.line

    one = "class A:\n    def f(self):\n        self.d = Dense(4)\na.fit()"
    assert found(one, "fit") == 3
    assert found("d = Dense(4)\nx = Dense(3)(x)", "(x)") == 2
    two = "d = Dense(4, name='a')\ne = Dense(3, name='b')\na.fit()"
    assert found(two, "fit") is None
    assert found(two, "fit", "b") == 2
    called = "d = Dense(4)\ne = Dense(3)\ny = e(x)"
    assert found(called, "y =") == 2
    assert found(f"e = Dense(2)\n{called}", "y =") is None
    assert found("a.fit()", "fit") is None


def test_an_argument_gets_another_name():
    place = edits.argument_renamed
    text = "model.compile(\n    Adam(lr = 0.1), loss=f(x=1))"
    assert changed(text, "Adam", place, "lr", "learning_rate") == text.replace(
        "lr =", "learning_rate ="
    )
    assert changed("Adam(lr=1)(Adam(lr=2))", "A", place, "lr", "learning_rate") is None
    assert changed("Adam(lr=1, learning_rate=2)", "A", place, "lr", "learning_rate") is None
    assert changed("f(lr=1)(g(lr=2))", "f", place, "lr", "x", "g") == "f(lr=1)(g(x=2))"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(a=1)", "f()"),
        ("f(a=1, b=2)", "f(b=2)"),
        ("f(b=2, a=1)", "f(b=2)"),
        ("f(b=2, a=(1, 2), c=3)", "f(b=2, c=3)"),
        ("f(b=2, a=1,)", "f(b=2,)"),
        ("f(\n    a=1,\n    b=2,\n)", "f(\n    \n    b=2,\n)"),
        ("f(\n    b=2,\n    a=1,\n)", "f(\n    b=2,\n)"),
        ("f(b=2)", None),
    ],
)
def test_an_argument_is_left_out(before, after):
    found = edits.argument_left_out(carrying(before), FIRST, "a")
    assert (edited.edited(before, found) if found else None) == after


# -- expressions --------------------------------------------------------------------------------


def test_an_expression_is_found_however_it_is_written():
    place = edits.expression
    text = 'y = tf.zeros(( x.shape [0], "é", 3))'
    assert changed(text, "y", place, "x.shape[0]", "ops.shape(x)[0]") == (
        'y = tf.zeros(( ops.shape(x)[0], "é", 3))'
    )
    assert changed("y = x.shape[0] + x.shape[0]", "y", place, "x.shape[0]", "n") is None
    assert changed("y = x.shape[1]", "y", place, "x.shape[0]", "n") is None


def test_a_local_variable_becomes_an_attribute():
    text = (
        "class A:\n"
        "    def build(self, shape):\n"
        "        w = self.add_weight(shape=shape)\n"
        "        self.b = w * w\n"
        "        super().build(shape)\n"
    )
    assert changed(text, "add_weight", edits.attribute_for_local, "w", "w") == text.replace(
        "w = self", "self.w = self"
    ).replace("w * w", "self.w * self.w")


@pytest.mark.parametrize(
    "line", ["return lambda: w", "f(f'{w}')", "[w for w in x]", "global w", "def f(): w"]
)
def test_a_name_that_others_may_mean_stays(line):
    text = f"class A:\n    def build(self, shape):\n        w = 1\n        {line}\n"
    assert changed(text, "w = 1", edits.attribute_for_local, "w", "w") is None


def test_what_is_no_local_variable_stays():
    for text in ("w = 1", "def f(x):\n    w = 1", "def f(self, w):\n    w = 1"):
        assert changed(text, "w = 1", edits.attribute_for_local, "w", "w") is None


# -- lines --------------------------------------------------------------------------------------

BODY = """\
def make():
    model = f(
        1)  # one
    if model:
        g()
    return model"""


def test_lines_before_and_behind_a_statement():
    assert changed(BODY, "1)", edits.before, "a()", "b()") == BODY.replace(
        "    model =", "    a()\n    b()\n    model ="
    )
    assert changed(BODY, "1)", edits.behind, "if a:\n    b()") == BODY.replace(
        "# one", "# one\n    if a:\n        b()"
    )
    assert changed(BODY, "return", edits.behind, "a()") == BODY + "\n    a()"
    assert changed(BODY, "if model", edits.behind, "a()") is None  # it has a body
    assert changed("a(); b()", "a", edits.before, "c()") is None
    assert changed("if a: b()", "a", edits.before, "c()") is None
    assert changed("x = 1\ntry:\n    a()\nexcept E:\n    b()", "b()", edits.before, "c()") == (
        "x = 1\ntry:\n    a()\nexcept E:\n    c()\n    b()"
    )


def test_lines_with_tabs_keep_them():
    assert changed("if a:\n\tb()", "b()", edits.before, "c()") == "if a:\n\tc()\n\tb()"


def test_lines_at_the_end_of_a_function():
    def end(body, **more):
        return changed(f"class A:\n{body}", "def", edits.at_end, "c()", **more)

    assert end("    def f(self):\n        a()\n") == (
        "class A:\n    def f(self):\n        a()\n        c()\n"
    )
    assert end("    def f(self):\n        a()\n        return 1\n") == (
        "class A:\n    def f(self):\n        a()\n        c()\n        return 1\n"
    )
    assert end(
        "    def f(self):\n        self.built = True", before_last=["self.built = True"]
    ) == ("class A:\n    def f(self):\n        c()\n        self.built = True")
    assert end("    def f(self):\n        if a:\n            return\n        b()") is None
    assert end("    def f(self): a()") is None
    assert end("    def f(self):\n        if a:\n            b()") == (
        "class A:\n    def f(self):\n        if a:\n            b()\n        c()"
    )


def test_lines_at_the_start_of_a_function():
    def start(body):
        return changed(f"def f(self):{body}", "def", edits.at_start, "c()")

    assert start("\n    a()") == "def f(self):\n    c()\n    a()"
    assert start('\n    """A."""\n    a()') == 'def f(self):\n    """A."""\n    c()\n    a()'
    assert start('\n    """A."""') == 'def f(self):\n    """A."""\n    c()'
    assert start(" a()") is None


def test_a_method_is_added():
    method = ("def build(self, shape):", "    super().build(shape)")
    added = "    def build(self, shape):\n        super().build(shape)"
    one, two = "    def call(self, x):\n        return x", "    n = 1"
    place = edits.method_added
    assert changed(f"class A:\n{one}\n", "class", place, *method) == (
        f"class A:\n{added}\n\n{one}\n"
    )
    assert changed(f"class A:\n{two}\nx = 1", "class", place, *method) == (
        f"class A:\n{two}\n\n{added}\nx = 1"
    )
    decorated = f"@register()\nclass A:\n    @tf.function\n{one}"
    assert changed(decorated, "class", place, *method) == decorated.replace(
        "    @tf", f"{added}\n\n    @tf"
    )
    assert changed(decorated, "@register", place, *method) is not None
    assert changed(f"class A:\n{added}", "class", place, *method) is None  # it has one
    assert changed("class A: pass", "class", place, *method) is None


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import keras", "keras.layers.Input"),
        ("import tensorflow as tf", "tf.keras.layers.Input"),
        ("from tensorflow import keras", "keras.layers.Input"),
        ("import tensorflow as tf\nfrom tensorflow.keras.layers import Input", "Input"),
        ("from tf_keras import layers as l\nimport keras", "l.Input"),
        ("from tensorflow.keras.layers import Dense", ""),
        ("import numpy as np", ""),
        ("from .keras import layers", ""),
    ],
)
def test_what_a_file_calls_a_thing_of_keras(code, name):
    assert parsed_files.name_in(carrying(code), FILE, "keras.layers.Input") == name


def test_code_in_the_names_of_a_file():
    trace = carrying("import tensorflow as tf2\nfrom keras import ops")
    assert parsed_files.spelled(trace, FILE, "tf.zeros((2, keras.ops.f(tf.x.y)))") == (
        "tf2.zeros((2, ops.f(tf2.x.y)))"
    )
    assert parsed_files.spelled(trace, FILE, "keras.ops.zeros(1)") == "ops.zeros(1)"
    assert parsed_files.spelled(carrying("import numpy"), FILE, "keras.ops.zeros(1)") == ""
    assert parsed_files.spelled(trace, FILE, "x[None]") == "x[None]"


# -- the source ---------------------------------------------------------------------------------


def test_nothing_is_placed_in_a_file_that_is_known_in_part():
    line = SourceLine(file=FILE, line=2)
    assert edits.argument(carrying("x = 1\nDense(4)"), line, "Dense", "a", "1")
    assert not edits.argument(carrying("Dense(4)", first=2), line, "Dense", "a", "1")
    assert not edits.argument(Trace(sources=()), line, "Dense", "a", "1")
    assert not edits.argument(carrying("x = 1"), None, "Dense", "a", "1")
    assert not edits.argument(carrying("x = 1"), line, "Dense", "a", "1")


def test_the_file_of_a_recorded_trace_is_read_as_it_is(tmp_path):
    """What would be shown has no tabs, and no signs that a terminal obeys."""
    path = tmp_path / "model.py"
    path.write_text("if x:\n\ty = Dense('\u202e')", encoding="utf-8")
    line = SourceLine(file=str(path), line=2)
    (edit,) = edits.argument(Trace(sources=msgspec.UNSET), line, "Dense", "a", "1")
    assert (edit.line, edit.column) == (2, 14)


# -- changes together ---------------------------------------------------------------------------


def edit(line, column, end_line, end_column, text=""):
    return Edit(
        file=FILE,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        text=text,
    )


def test_all_changes_of_a_remedy_or_none():
    one, two = (edit(1, 0, 1, 3),), (edit(1, 3, 1, 4), edit(2, 0, 2, 0))
    assert edits.together(one, two) == (*one, *two)
    assert edits.together(one, edits.NONE) == ()
    assert edits.together(one, (edit(1, 2, 1, 4),)) == ()
    assert edits.together((edit(2, 0, 2, 0, "a"),), (edit(2, 0, 2, 0, "b"),))


def test_the_text_with_edits():
    text = "one\ntwo\nthree"
    assert edited.edited(text, [edit(2, 0, 2, 3, "2"), edit(1, 0, 1, 1, "O")]) == "One\n2\nthree"
    assert edited.edited(text, [edit(1, 2, 3, 1, "-")]) == "on-hree"
    assert edited.edited(text, [edit(3, 5, 3, 5, "\nend")]) == "one\ntwo\nthree\nend"
    first, then = edit(2, 0, 2, 0, "a\n"), edit(2, 0, 2, 0, "b\n")
    assert edited.edited(text, [first, then]) == "one\na\nb\ntwo\nthree"


@pytest.mark.parametrize(
    "edits",
    [
        [edit(0, 0, 1, 0)],
        [edit(1, 4, 1, 4)],
        [edit(4, 0, 4, 0)],
        [edit(1, 0, 2**31 - 1, 2**31 - 1)],
        [edit(2, 0, 1, 0)],
        [edit(1, 0, 1, 2), edit(1, 1, 1, 3)],
    ],
)
def test_edits_that_do_not_fit_change_nothing(edits):
    assert edited.edited("one\ntwo\n", edits) is None


def test_where_a_line_is_with_edits():
    made = [edit(2, 0, 2, 0, "a\nb\n"), edit(4, 3, 4, 3, "\nc"), edit(6, 0, 7, 2, "d")]
    assert [edited.line_behind(made, n) for n in (1, 2, 3, 4, 5, 8)] == [1, 4, 5, 6, 8, 10]


def test_a_patch():
    text = edited.patch("a\nb\n", "a\nc", "model.py")
    assert text == (
        "--- model.py\n+++ model.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
    )
    assert edited.patch("a\n", "a\n", "model.py") == ""


def test_edits_are_in_the_trace_file():
    from buildtrace.traces import trace_file
    from buildtrace.traces.schema import Finding, Trial

    finding = Finding(
        code="BT101",
        message="m",
        why="w",
        fix="f",
        edits=(edit(1, 2, 3, 4, "text"),),
        trial=Trial(outcome="fails further on", message="ValueError: v"),
    )
    text = trace_file.to_json(Trace(findings=(finding,)))
    assert trace_file.from_json(text).findings == (finding,)
    turned = msgspec.structs.replace(finding, edits=(edit(3, 4, 1, 2),))
    with pytest.raises(Exception, match=r"an end behind the beginning.*findings\[0\]\.edits\[0\]"):
        trace_file.from_json(trace_file.to_json(Trace(findings=(turned,))))
