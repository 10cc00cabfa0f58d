"""How a failure and a caught exception are told below the views."""

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.renderers import VIEWS, Options, to_text
from buildtrace.renderers.text.excerpts import around
from buildtrace.renderers.text.lines import size
from buildtrace.traces.definitions import function_at
from buildtrace.traces.schema import (
    ComparedValues,
    Edge,
    ErrorInfo,
    Expected,
    Graph,
    LayerRef,
    Node,
    SourceLine,
    Use,
)

WANTED = Expected(min_ndim=2, axes={-1: 3})


def below(trace, width=80, **options):
    """The lines below the tree, from the first mark on."""
    lines = to_text(trace, Options(**options), width=width).splitlines()
    first = next(n for n, text in enumerate(lines) if text[:2] in ("✗ ", "! ") and not lines[n - 1])
    return lines[first:]


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(made_traces.SCRIPT)
    return str(path)


# -- the failure ------------------------------------------------------------------------------


def test_what_was_got_stands_beside_what_the_layer_was_built_for(script):
    assert below(made_traces.frozen(script, expects=[WANTED])) == [
        "✗ The call failed in Layer.__call__ of hidden (Dense) on (2, 5)",
        "  ValueError: Input 0 is not compatible.",
        "  layer.py:10, from net.py:9, in Net.call",
        "",
        "  got        (2, 5)",
        "  expects    size 3 on axis -1, at least 2 axes",
        "  built for  (2, 3) by Dense.build: kernel (3, 4), bias (4,)",
        "             net.py:9  y = self.hidden(x)",
        "             net.py:17  net(first)",
        "",
        "     8 │ def call(self, x):",
        "  >  9 │     y = self.hidden(x)",
        "    10 │     return self.pick(y)",
        "  from net.py:18  net(second)",
    ]


@pytest.fixture
def raised_at(tmp_path):
    path = tmp_path / "input_spec.py"
    path.write_text("def check(shape):\n    raise ValueError(\n        'No.'\n    )\n")
    return SourceLine(file=str(path), line=2)


def test_the_line_of_keras_that_raised_stands_below_what_it_compared(script, raised_at):
    trace = made_traces.frozen(script, expects=[WANTED], raised_at=raised_at)
    lines = below(trace)
    place = "  raised at  input_spec.py:2  raise ValueError("
    assert lines.index(place) == lines.index("             net.py:17  net(first)") + 1
    without = below(made_traces.frozen(script, expects=[WANTED]))
    assert [text for text in lines if text != place] == without
    assert [size(text) for text in below(trace, width=40) if "raised at" in text] == [40]


def test_the_line_of_keras_that_raised_is_told_where_nothing_was_compared(script, raised_at):
    lines = below(made_traces.frozen(script, expects=[WANTED], given=(7, 3), raised_at=raised_at))
    told = ["", "  raised at  input_spec.py:2  raise ValueError(", ""]
    assert told == lines[lines.index(told[1]) - 1 :][:3]
    assert not any(text.startswith("  got") for text in lines)


@pytest.mark.parametrize(("is_condition", "label"), [(True, "because"), (False, "failed in")])
def test_what_was_compared_stands_below_the_line_that_raised(raised_at, is_condition, label):
    told = ComparedValues(
        expression="a[-1] != b", values="4 != \x1b[1m3", is_condition=is_condition
    )
    lines = below(made_traces.frozen(raised_at=raised_at, compared=told))
    start = lines.index("  raised at  input_spec.py:2  raise ValueError(") + 1
    assert lines[start : start + 2] == [f"  {label:<11}a[-1] != b", "  that is    4 != \\x1b[1m3"]


def with_graph(trace, *names, failed):
    """The trace with a graph of these nodes in a row, of which the last one failed."""
    nodes = [
        Node(id=n, layer=100 + n, name=name, class_name="Dense", depth=len(names) - n)
        for n, name in enumerate(names)
    ]
    nodes.append(replace(nodes[-1], id=len(names), layer=failed, name="hidden", failed=True))
    edges = [
        Edge(source=n, target=n + 1, tensor=made_traces.spec(2, 3 + n)) for n in range(len(names))
    ]
    ref = LayerRef(id=0, name="net", class_name="Net")
    graph = Graph(
        model=ref, built=False, inputs=(0,), outputs=(), nodes=tuple(nodes), edges=tuple(edges)
    )
    return replace(trace, graphs=(graph,))


def test_where_an_input_came_from_is_told():
    trace = made_traces.frozen(expects=[WANTED])
    rows = below(with_graph(trace, "image", "flat", failed=1), width=100)
    told = "  came from  image (2, 3) → flat (2, 4), as expected up to image"
    assert rows.index(told) == rows.index("  expects    size 3 on axis -1, at least 2 axes") + 1


def test_of_a_long_way_the_end_is_told():
    trace = with_graph(made_traces.frozen(), *"abcdefgh", failed=1)
    told = "  came from  … 3 more → d (2, 6) → e (2, 7) → f (2, 8) → g (2, 9) → h (2, 10)"
    assert told in below(trace, width=100)


def test_an_input_that_no_layer_had_before_came_from_nowhere_else():
    assert not any(
        "came from" in row for row in below(with_graph(made_traces.frozen(), "x", failed=1))
    )


def test_of_a_file_that_is_not_there_only_the_place_is_told(tmp_path):
    elsewhere = SourceLine(file=str(tmp_path / "input_spec.py"), line=2)
    assert "  raised at  input_spec.py:2" in below(made_traces.frozen(raised_at=elsewhere))


def test_without_the_file_the_lines_are_named():
    lines = below(made_traces.frozen())
    assert "             net.py:17" in lines
    assert lines[-1] == "             net.py:17"
    assert not any("│" in text or ">" in text for text in lines)


def test_what_fits_is_not_compared():
    lines = below(made_traces.frozen(expects=[WANTED], given=(7, 3)))
    assert lines == [
        "✗ The build failed in Layer.__call__ of hidden (Dense) on (7, 3)",
        "  ValueError: Input 0 is not compatible.",
        "  layer.py:10, from net.py:9",
    ]


def test_what_keras_says_of_every_call_is_left_out():
    trace = made_traces.failing()
    text = (
        "Exception encountered when calling Pos.call().\n\n"
        "\x1b[1mExpected int32, but got None.\x1b[0m\n\n"
        "Arguments received by Pos.call():\n  • inputs=tf.Tensor(shape=(2, 3))"
    )
    error = replace(trace.error, message=text)
    calls = tuple(replace(call, error=error) for call in trace.calls)
    lines = below(replace(trace, calls=calls, error=error))
    assert lines[1:3] == [
        "  ValueError: Expected int32, but got None.",
        "  dense.py:10, from model.py:7",
    ]
    converted = replace(
        error,
        message='Exception encountered when calling layer "pos" (type Pos).\n\nin user code:\n\n'
        '    File "net.py", line 10, in call  *\n        return x\n\n'
        "    ValueError: Expected int32, but got None.\n\n\n"
        'Call arguments received by layer "pos" (type Pos):\n  • x=1',
    )
    calls = tuple(replace(call, error=converted) for call in trace.calls)
    assert below(replace(trace, calls=calls, error=converted))[1:3] == lines[1:3]
    nothing_else = replace(error, message="Exception encountered when calling Pos.call().")
    calls = tuple(replace(call, error=nothing_else) for call in trace.calls)
    lines = below(replace(trace, calls=calls, error=nothing_else))
    assert lines[1] == "  ValueError: Exception encountered when calling Pos.call()."


def test_the_error_in_its_place_is_told_as_well():
    trace = made_traces.failing()
    told = ErrorInfo(type="NotImplementedError", message="Please specify the output_shape.")
    calls = (replace(trace.calls[0], error=told), *trace.calls[1:])
    lines = below(replace(trace, calls=calls, error=told))
    assert "  Keras told it as NotImplementedError: Please specify the output_shape." in lines


def test_an_error_that_the_program_itself_raised_in_its_place_is_not_said_to_be_of_keras():
    trace = made_traces.failing()
    text = f"{trace.error.type}: {trace.error.message}"
    told = ErrorInfo(
        type="RuntimeError",
        message=f"no model: Exception encountered when calling Dense.call().\n\n{text}",
        instead_of=(text,),
    )
    lines = below(replace(trace, error=told))
    assert "  The program told it as RuntimeError: no model" in lines
    assert not any("Exception encountered" in line for line in lines)


def test_an_error_that_the_program_caught_is_said_to_be_one():
    (title, *_) = below(replace(made_traces.failing(), error=None), width=120)
    assert title == (
        "! A build failed in Dense.build of bad (Dense) on (None, 8), and the program went on"
    )
    lines = to_text(replace(made_traces.failing(), error=None), width=80).splitlines()
    assert not any("✗" in text for text in lines)
    marked = [text for text in lines if "! " in text][:3]
    assert [text.split("! ")[1].split()[0] for text in marked] == [
        "Layer.__call__",
        "Layer._maybe_build",
        "Dense.build",
    ]
    assert "caught: ValueError" in marked[0]


def test_what_was_asked_of_a_model_is_named(script):
    trace = made_traces.mlp3()
    error = ErrorInfo(type="ValueError", message="not yet built")
    use = Use(
        name="Model.summary",
        generation="keras2",
        before=0,
        model=trace.graphs[0].model,
        built=False,
        caller=SourceLine(file=script, line=16),
        error=error,
    )
    lines = below(replace(trace, error=error, uses=(use,)))
    title = "✗ The run ended in Model.summary of sequential (Sequential), which is not built"
    assert lines[:2] == [title, "  ValueError: not yet built"]
    assert "  > 16 │ net = Net()" in lines
    other = replace(error, type="KeyError")
    (title, *_) = below(replace(trace, error=other, uses=(use,)))
    assert title == "✗ The run ended in an error, outside of any call shown here"


def test_it_is_told_once_below_all_views():
    text = to_text(made_traces.frozen(), Options(views=tuple(VIEWS)), width=100)
    assert text.count("✗ The call failed") == 1
    assert text.rstrip().endswith("net.py:17")


# -- what was caught --------------------------------------------------------------------------


def test_what_keras_caught_is_told_with_the_user_s_line(script):
    assert below(made_traces.caught(script)) == [
        "! Keras caught this exception and went on: TypeError: no number",
        "  at net.py:13, in Net.pick, while Layer._maybe_build of net (Net) ran",
        "",
        "    12 │ def pick(self, y):",
        "  > 13 │     return y * float(y[0, 0])",
        "  from net.py:10  return self.pick(y)",
        "  from net.py:17  net(first)",
    ]


def test_it_stands_before_the_failure_and_is_announced_above_the_tree():
    trace = made_traces.caught()
    error = ErrorInfo(type="KeyError", message="x")
    lines = to_text(replace(trace, error=error), width=80).splitlines()
    assert "1 exception caught in the build: see the end" in lines[:5]
    marks = [text[0] for text in lines if text.startswith(("! ", "✗ "))]
    assert marks == ["!", "✗"]


def test_who_caught_it_is_not_guessed():
    lines = below(made_traces.caught(by_user=True, times=2))
    assert lines[0] == "! This exception was caught and went on: TypeError: no number"
    assert lines[1].endswith("ran, 2 times")


def test_a_caught_call_is_marked_in_the_tree_and_not_as_a_failure():
    lines = to_text(made_traces.caught(), width=80).splitlines()
    (marked,) = (text for text in lines if " compute_output_spec  caught" in text)
    assert "! compute_output_spec  caught: TypeError: no number" in marked
    assert not any("✗" in text for text in lines)


# -- the user's code ----------------------------------------------------------------------------


def test_the_code_around_a_line(script):
    code = made_traces.frozen(script).index.source_code
    lines = around(code, SourceLine(file=script, line=1))
    assert [(line.number, line.text, line.meant) for line in lines] == [(1, "import keras", True)]
    assert around(code, SourceLine(file=script, line=99)) == []
    assert code.line(SourceLine(file=script, line=99)) == ""


@pytest.mark.parametrize(
    ("line", "function"), [(6, "Net.build"), (8, "Net.call"), (13, "Net.pick"), (17, "")]
)
def test_the_function_that_a_line_is_in(script, line, function):
    assert function_at(made_traces.SCRIPT, line) == function
    code = made_traces.frozen(script).index.source_code
    assert code.function_at(SourceLine(file=script, line=line)) == function


def test_what_is_no_python_has_no_functions():
    assert function_at("%matplotlib inline\ndef f():\n    pass\n", 3) == ""
    code = made_traces.frozen().index.source_code
    assert code.function_at(SourceLine(file="", line=3)) == ""


@pytest.mark.parametrize("width", [80, 110, 200])
def test_hostile_code_stays_on_its_line(tmp_path, width):
    path = tmp_path / "net.py"
    path.write_text("x = '\x1b[31m\u202e'\n" * 8 + "y" * 500 + "\n[bold]\n" * 9)
    text = to_text(made_traces.frozen(str(path), expects=[WANTED]), width=width)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "> 9 │ yyy" in text.replace(">  9", "> 9")
    assert max(map(size, text.splitlines())) <= width
