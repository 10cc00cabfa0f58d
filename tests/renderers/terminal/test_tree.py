import io
import re

import made_traces
import pytest
from rich.console import Console

from buildtrace.renderers import Options, excerpt, show, to_text
from buildtrace.renderers.text.lines import size
from buildtrace.traces import folding
from buildtrace.traces.schema import ErrorInfo, SourceLine, Use


def tree(trace, width=120, **options):
    return to_text(trace, Options(**options), width=width).splitlines()


def line(lines, word):
    return next(text for text in lines if word in text)


def test_the_article_chain_is_nested_in_order():
    lines = tree(made_traces.mlp2())
    chain = [
        "Sequential.build ",
        "Sequential._build_graph_network_for_inferred_shape",
        "Layer.__call__",
        "Layer._functional_construction_call",
        "Layer._keras_tensor_symbolic_call",
        "Layer._infer_output_signature",
        "Layer._maybe_build",
        "Dense.build",
        "Layer.add_weight",
    ]
    columns = [line(lines, name).index(name) for name in chain]
    assert columns == sorted(set(columns))


def test_a_call_tells_layer_shapes_state_weights_and_place():
    lines = tree(made_traces.mlp3())
    call = line(lines, "Layer.__call__")
    assert "dense (Dense)" in call
    assert "(None, 784) → (None, 512)" in call
    assert "layer.py:10" in call
    assert "built: False → True" in line(lines, "Sequential.build")
    kernel = line(lines, "add_weight  kernel")
    for fact in ("(784, 512)", "401,408", "float32", "GlorotUniform"):
        assert fact in kernel


def test_totals_are_those_of_the_whole_trace():
    trace = made_traces.mlp3([64] * 40)
    lines = tree(trace)
    expected = 784 * 64 + 64 + 39 * (64 * 64 + 64)
    assert f"{expected:,} parameters in 80 weights" in lines[-2]
    assert "--full shows all" in lines[-1]
    assert len(lines) < 60


def test_full_shows_every_call():
    trace = made_traces.mlp3([64] * 40)
    lines = tree(trace, full=True)
    assert sum("Layer.add_weight" in text for text in lines) == 80
    assert sum("_build_map_helper" in text for text in lines) == 41
    assert not any("Folded" in text for text in lines)


def test_what_was_folded_is_said():
    lines = tree(made_traces.mlp3([64] * 40))
    more = line(lines, "more like it")
    assert "… and 39 more like it: dense_1 to dense_39" in more
    assert "546 calls" in more
    assert "162,240 parameters" in more
    assert "_build_map_helper inside itself, 40 more" in line(lines, "inside itself")


def test_depth_limits_the_levels():
    lines = tree(made_traces.mlp3(), depth=2)
    assert not any("Dense.build" in text for text in lines)
    assert "+13 calls" in line(lines, "Layer.__call__")
    assert "401,920 parameters" in line(lines, "Layer.__call__")


def test_the_user_line_heads_its_calls():
    lines = tree(made_traces.mlp3())
    assert lines.index("model.py:7") + 1 == lines.index(line(lines, "Sequential.build"))


def test_the_user_s_code_is_shown_if_it_is_here(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text("import keras\nmodel.build((None, 4))\n")
    recording = made_traces.Recording(caller=(str(path), 2))
    with recording.call("Sequential.build"):
        pass
    assert "mine.py:2  model.build((None, 4))" in tree(recording.trace())
    monkeypatch.syspath_prepend(tmp_path)  # where linecache would look for a relative name
    recording = made_traces.Recording(caller=("mine.py", 2))
    with recording.call("Sequential.build"):
        pass
    assert "mine.py:2" in tree(recording.trace())


def test_an_error_is_told_in_full():
    lines = tree(made_traces.failing(before=3))
    marked = [text for text in lines if re.match(r"[│├└─ ]*✗ \w+\.", text)]
    assert len(marked) == 3
    assert "ValueError: units must be positive,\\ngot -1" in marked[-1]
    end = lines.index("✗ The build failed in Dense.build of bad (Dense) on (None, 8)")
    assert lines[end + 1 :] == [
        "  ValueError: units must be positive,",
        "  got -1",
        "  dense.py:10, from model.py:7",
    ]


def test_a_swallowed_error_is_said_to_be_one():
    recording = made_traces.Recording()
    error = ErrorInfo(type="TypeError", message="no", swallowed=True)
    with recording.call("Layer.__call__"), recording.call("Dense.build", error=error):
        pass
    assert "! Dense.build  caught: TypeError: no" in line(tree(recording.trace()), "Dense.build")


def test_explain_speaks_once_of_each_landmark():
    lines = tree(made_traces.mlp3(), explain=True)
    assert sum("What Layer.add_weight is there for." in text for text in lines) == 1
    assert sum("The article leaves Node.__init__ out." in text for text in lines) == 1
    assert not any("What" in text for text in tree(made_traces.mlp3()))


def test_deep_recursion_stays_on_the_screen():
    recording = made_traces.Recording()
    made_traces.mapping(recording, "map_graph", 3_000)
    lines = tree(recording.trace(), width=80, full=True)
    assert sum("_build_map_helper" in text for text in lines) == 3_000
    assert max(map(len, lines)) <= 80


def test_source_lines_are_hyperlinks():
    text = io.StringIO()
    console = Console(file=text, width=80, force_terminal=True, color_system="standard")
    show(made_traces.mlp3(), console)
    assert re.search(r"\x1b]8;[^;]*;file:///nowhere/keras/dense\.py#10\x1b\\", text.getvalue())


def test_no_build_is_said():
    assert tree(made_traces.Trace()) == ["No build was recorded."]


def test_a_change_of_state_is_said_in_short_where_it_does_not_fit():
    recording = made_traces.Recording()
    layer = recording.layer("model", "Sequential")
    changes = {"_graph_initialized": (False, True), "built": (True, False)}
    with recording.call("Sequential.build", layer, changes=changes):
        pass
    trace = recording.trace()
    wide = line(tree(trace, width=140), "Sequential.build")
    assert "_graph_initialized: False → True" in wide
    assert "built: True → False" in wide
    narrow = line(tree(trace, width=80), "Sequential.build")
    assert "_graph_initialized: False → True" in narrow
    assert "→ not built" in narrow


def test_what_is_always_said_is_cut_where_the_line_ends():
    recording = made_traces.Recording()
    error = ErrorInfo(type="ValueError", message="word " * 30, swallowed=True)
    with recording.call("Layer.__call__", recording.layer("a", "A"), error=error):
        pass
    (line,) = (
        text
        for text in to_text(recording.trace(), width=80).splitlines()
        if text.startswith("! Layer.__call__")
    )
    assert size(line) == 80
    assert "caught: ValueError: word" in line
    assert re.search(r"…  +2 µs$", line)


def test_an_excerpt_marks_lines_and_has_no_times():
    trace = made_traces.mlp3()
    calls = trace.find("Dense.build")
    lines = excerpt(trace, trace, {call.id for call in calls}, width=120).splitlines()
    marked = [line for line in lines if line.startswith("> ")]
    assert len(marked) == 2
    assert all("Dense.build" in line for line in marked)
    names = [call.name for call in trace.calls]
    assert [line[2:].lstrip("│├└─ ").split()[0] for line in lines[2:]] == names
    assert not any("µs" in line or "parameters" in line for line in lines)


def test_an_excerpt_says_what_is_folded():
    trace = made_traces.mlp3([16] * 30)
    shown = folding.fold(trace)
    lines = excerpt(trace, shown, width=120).splitlines()
    assert any("more like" in line for line in lines)
    assert all(line[:2] == "  " for line in lines if line)


@pytest.mark.parametrize("width", [80, 200])
def test_a_recursion_that_failed_takes_a_handful_of_lines(width):
    lines = tree(made_traces.too_deep_graph(900), width)
    (place,) = (n for n, line in enumerate(lines) if "inside itself" in line)
    assert "… _build_map_helper inside itself, 898 more" in lines[place]
    assert "✗ _build_map_helper" in lines[place - 1]
    assert "✗ _build_map_helper" in lines[place + 1]
    assert len(lines) < 25
    lines = tree(made_traces.endless_build(200), width)
    (more,) = (line for line in lines if "inside itself" in line)
    assert "… Layer.__call__ inside itself, 990 more" in more
    assert len(lines) < 25


def test_a_use_before_any_build_is_said_above_the_views():
    model = made_traces.mlp3().graphs[0].model
    early = Use(
        name="Model.summary",
        generation="keras3",
        before=0,
        model=model,
        built=False,
        caller=SourceLine(file="model.py", line=9),
    )
    trace = made_traces.Trace(uses=(early,))
    assert " ".join(tree(trace)) == (
        "No build was recorded: Model.summary at model.py:9 came before sequential (Sequential) "
        "was built."
    )
