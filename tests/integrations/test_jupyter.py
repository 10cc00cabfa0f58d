from __future__ import annotations

import re
import sys

import markup
import pytest

import buildtrace
from buildtrace import capture
from buildtrace.renderers import Options, to_text

MODEL = "model = keras.Sequential([keras.layers.Dense(3, name='d')], name='m')"
BUILD = "model.build((None, 4))"
FAILS = """\
a = keras.Sequential([keras.layers.Dense(3), keras.layers.Reshape((7,))])


a.build((None, 4))"""

SWAPPED = """\
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(10, name="old")
    def call(self, x):
        return self.head(x)
net = Net()
net.head = keras.layers.Dense(2, name="new")
net(keras.ops.ones((2, 3)))
"""


@pytest.fixture(autouse=True)
def no_recording_is_left_on():
    yield
    assert capture._recorder.listeners == ()


def test_a_cell_keeps_its_value_and_shows_its_build(notebook):
    ran = notebook(f"%%buildtrace\n{MODEL}\n{BUILD}\n40 + 2")
    assert ran.value == 42
    (shown,) = ran.shown
    assert "In[3]:3  model.build((None, 4))" in shown["text/plain"]
    root = markup.parse(shown["text/html"])
    assert any("kernel (4, 3)" in each.text for each in root.find("div"))
    trace = notebook["_buildtrace"]
    assert isinstance(trace, buildtrace.Trace)
    assert [weight.path for weight in trace.weights] == ["m/d/kernel", "m/d/bias"]
    assert {call.caller.file for call in trace.calls} == {"In[3]"}


def test_a_name_for_the_trace(notebook):
    notebook(f"%%buildtrace --name mine\n{MODEL}\n{BUILD}")
    assert notebook["mine"].find("Dense.build")
    assert "_buildtrace" not in notebook.shell.user_ns


def test_a_function_of_another_cell_has_that_cells_name(notebook):
    notebook("def make(layers):\n    for layer in layers:\n        layer.build((None, 4))")
    notebook("%%buildtrace\nmake([keras.layers.Dense(3)])")
    callers = [call.caller for call in notebook["_buildtrace"].calls]
    assert {(caller.file, caller.line) for caller in callers} == {("In[3]", 3)}


def test_a_layer_that_a_cell_defines_is_built_in_that_cell(notebook):
    notebook("class Mine(keras.layers.Layer):\n    def build(self, shape):\n        pass")
    ran = notebook("%%buildtrace --view tree --view source\nMine().build((None, 4))")
    (call,) = notebook["_buildtrace"].calls
    assert (call.file, call.line) == ("In[3]", 2)
    assert "def build(self, shape):" in ran.shown[0]["text/plain"]


def test_views_are_shown_in_color(notebook):
    ran = notebook(f"%%buildtrace --view weights --view tree --depth 1\n{MODEL}\n{BUILD}")
    (shown,) = ran.shown
    weights, tree = markup.parse(shown["text/html"]).find("pre")
    assert "d/kernel" in weights.text
    assert "Sequential.build" in tree.text
    assert "Dense.build" not in tree.text


def test_a_line_gives_the_value_of_its_expression(notebook):
    ran = notebook("%buildtrace --view tree keras.layers.Dense(3, name='it')(keras.Input((4,)))")
    assert ran.value.shape == (None, 3)
    assert (
        "In[3]:1  keras.layers.Dense(3, name='it')(keras.Input((4,)))" in ran.shown[0]["text/plain"]
    )


def test_a_line_may_be_a_statement(notebook):
    ran = notebook(
        "%buildtrace made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])"
    )
    assert ran.value is None
    assert notebook["made"].built
    assert len(ran.shown) == 1


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("2 * 21", 42),
        ("--full -- -5", -5),
        ("--name 'the_trace' 'a  b' + \"it's\"", "a  bit's"),
        ("--depth 3 --view tree {'--full': 1}", {"--full": 1}),
    ],
)
def test_options_end_where_the_expression_begins(notebook, line, value):
    ran = notebook(f"%buildtrace {line}")
    assert ran.value == value
    assert "nothing to show: no model was built" in ran.err


def test_files_are_written(notebook, tmp_path):
    ran = notebook(f"%%buildtrace -o 'my build.json' -o graph.svg\n{MODEL}\n{BUILD}")
    assert buildtrace.load(tmp_path / "my build.json").calls == notebook["_buildtrace"].calls
    assert (tmp_path / "graph.svg").exists()
    assert "wrote" in ran.err


def test_a_saved_trace_has_the_lines_of_its_cells(notebook, tmp_path):
    mine = "class Mine(keras.layers.Layer):\n    def build(self, shape):\n        pass  # of mine"
    notebook(mine)
    notebook("%%buildtrace -o build.json\nMine().build((None, 4))")
    options = Options(views=("tree", "source"))
    text = to_text(buildtrace.load(tmp_path / "build.json"), options)
    assert "In[4]:2  Mine().build((None, 4))" in text
    assert "pass  # of mine" in text
    assert text == to_text(notebook["_buildtrace"], options)


MISTAKES = {
    "an option that is none": ("%%buildtrace --veiw tree", "--veiw"),
    "a view that is none": ("%%buildtrace --view tre", "tre"),
    "code on the first line": ("%%buildtrace print(1)", "next line: 'print(1)'"),
    "no expression": ("%buildtrace --full", "which expression?"),
    "a name that is none": ("%%buildtrace --name 1x", "--name 1x"),
    "a folder that is not there": ("%%buildtrace -o nowhere/x.svg", "there is no folder"),
    "a suffix that nobody writes": ("%%buildtrace -o x.docx", "nothing writes '.docx'"),
    "a format without a file": ("%%buildtrace --format chrome", "-o PATH"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gives_one_line_and_runs_nothing(notebook, name):
    line, said = MISTAKES[name]
    cell = f"{line}\nran = True" if line.startswith("%%") else line
    ran = notebook(cell)
    assert ran.error is not None
    lines = (ran.out + ran.err).strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("UsageError: ")
    assert said in lines[0]
    assert "ran" not in notebook.shell.user_ns


def test_help_names_what_there_is(notebook):
    ran = notebook("%%buildtrace --help\nran = True")
    assert "--explain" in ran.out
    assert "model-explorer" in ran.out
    assert "ran" not in notebook.shell.user_ns


def test_a_model_that_is_not_there(notebook):
    ran = notebook(f"%%buildtrace --model other\n{MODEL}\n{BUILD}")
    assert "no model is called 'other'" in ran.err
    assert len(ran.shown) == 1


def test_a_failure_has_the_traceback_that_it_has_without_us(notebook):
    plain = notebook(f"# a comment, so that the lines are the same\n{FAILS}")
    traced = notebook(f"%%buildtrace\n{FAILS}")
    assert type(traced.error) is type(plain.error) is ValueError
    assert traceback_of(traced) == traceback_of(plain)
    (shown,) = traced.shown
    assert "✗ Sequential.build" in shown["text/plain"]
    assert shown["text/plain"].index("The build failed") > 0
    assert notebook["_buildtrace"].error.type == "ValueError"


def traceback_of(ran):
    text = re.sub(r"In\[\d+\]", "In[]", ran.out.replace("%%buildtrace", "a comment, so that"))
    text = re.sub(r"(sequential|keras_tensor)[_\d]*", r"\1", text)  # Keras numbers them
    return [line for line in text.splitlines() if "# a comment" not in line]


def test_the_error_is_known_when_its_cause_is_looked_for(notebook, monkeypatch):
    seen = []
    monkeypatch.setattr(
        capture.diagnosis, "diagnose", lambda trace: seen.append(trace.error.type) or ()
    )
    notebook(f"%%buildtrace\n{FAILS}")
    assert seen == ["ValueError"]


def test_a_comment_in_the_cell_ignores_a_finding(notebook):
    notebook(f"%%buildtrace\n{SWAPPED}")
    (found,) = notebook["_buildtrace"].findings
    assert found.code == "BT204"
    lines = SWAPPED.splitlines()
    lines[found.caller.line - 2] += "  # buildtrace: ignore[BT204]"  # the magic is line 1
    notebook("%%buildtrace\n" + "\n".join(lines))
    assert notebook["_buildtrace"].calls
    assert notebook["_buildtrace"].findings == ()


def test_a_failure_before_any_build_shows_its_traceback_alone(notebook):
    ran = notebook("%%buildtrace\n1 / 0")
    assert "ZeroDivisionError" in ran.out
    assert ran.shown == []
    broken = notebook("%%buildtrace\nthis is no Python")
    assert "SyntaxError" in broken.out
    assert broken.shown == []


def test_an_expression_that_fails_shows_the_tree_as_well(notebook):
    ran = notebook(f"{FAILS.splitlines()[0]}\n%buildtrace a.build((None, 4))")
    assert isinstance(ran.error, ValueError)
    assert "✗ Sequential.build" in ran.shown[0]["text/plain"]


def test_below_another_magic(notebook):
    ran = notebook(f"%%time\n%%buildtrace --view tree\n{MODEL}\n{BUILD}")
    assert "Wall time" in ran.out
    assert "Dense.build" in ran.shown[0]["text/plain"]


def test_a_cell_inside_of_a_cell_ends_nothing(notebook):
    inner = "get_ipython().run_cell('1 + 1')"
    notebook(f"%%buildtrace\n{inner}\n{MODEL}\n{BUILD}")
    assert notebook["_buildtrace"].find("Dense.build")


def test_a_cell_that_waits(notebook):
    ran = notebook(f"%%buildtrace\nimport asyncio\nawait asyncio.sleep(0)\n{MODEL}\n{BUILD}")
    assert ran.error is None
    assert notebook["_buildtrace"].find("Dense.build")


def test_while_it_is_typed_the_cell_ends_with_an_empty_line(notebook):
    check = notebook.shell.input_transformer_manager.check_complete
    assert check("%%buildtrace\n")[0] == "incomplete"
    assert check("%%buildtrace\nx = 1\n\n")[0] == "complete"


def test_a_console_gets_plain_text(notebook):
    notebook.shell.display_formatter.active_types = ["text/plain"]
    ran = notebook(f"%%buildtrace --name t\n{MODEL}\n{BUILD}")
    assert all(list(shown) == ["text/plain"] for shown in ran.shown)
    assert "kernel (4, 3)" in notebook("t").out
    assert "d/kernel" in notebook("t.weights").out
    assert "Dense" in notebook("t.graph('m')").out


def test_what_is_printed_stays_text(notebook):
    """rich, in a notebook, would show it instead."""
    notebook(f"%%buildtrace --name t\n{MODEL}\n{BUILD}")
    ran = notebook("print(t)")
    assert "kernel (4, 3)" in ran.out
    assert ran.shown == []


def test_loading_twice_and_unloading(shell):
    before = list(shell.input_transformers_cleanup)
    events = {name: list(found) for name, found in shell.events.callbacks.items()}
    for _ in range(2):
        shell.run_line_magic("load_ext", "buildtrace")
        buildtrace.load_ipython_extension(shell)
    assert len(shell.input_transformers_cleanup) == len(before) + 1
    shell.run_line_magic("unload_ext", "buildtrace")
    assert list(shell.input_transformers_cleanup) == before
    assert {name: list(found) for name, found in shell.events.callbacks.items()} == events
    assert shell.find_cell_magic("buildtrace") is None
    assert shell.find_line_magic("buildtrace") is None


def test_importing_buildtrace_imports_no_ipython():
    import subprocess

    program = "import sys, buildtrace.renderers.notebook\nassert 'IPython' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
