"""What a call and a weight have to say, before any view puts it into lines."""

import made_traces
import pytest
from msgspec.structs import replace
from renderers import pages

from buildtrace.renderers import Options, facts, to_text
from buildtrace.renderers.facts import CallFacts, Cell, WeightColumn, WeightRow, weight_columns
from buildtrace.renderers.notebook import html_table
from buildtrace.renderers.page import build_page


def said(trace, call, parent=None, **options):
    """The facts of a call, as (kind, all its terms), and those that are repeated."""
    facts = [*CallFacts(trace, **options).of(call, parent)]
    return [(fact.kind, fact.said()) for fact in facts], {f.kind for f in facts if f.repeated}


def test_a_call_says_its_layer_flow_and_changes():
    trace = made_traces.mlp3()
    build = next(call for call in trace.find("Dense.build"))
    kinds = dict(said(trace, build)[0])
    assert kinds["layer"] == "dense (Dense)"
    assert kinds["flow"].startswith("(None, 784)")
    weights = [fact for call in trace.calls for fact in said(trace, call)[0] if fact[0] == "weight"]
    assert len(weights) == len(trace.weights)
    assert weights[0][1].startswith("kernel (784, 512) 401,408 float32 GlorotUniform")


def test_what_the_call_around_it_says_is_repeated():
    r = made_traces.Recording()
    shape = made_traces.spec(None, 3)
    one, other = r.layer("one", "One"), r.layer("other", "Other")
    with r.call("One.call", one, [shape]):
        with r.call("One.build", one, [shape]):
            pass
        with r.call("Other.call", other, [shape]):
            pass
    trace = r.trace()
    outer, same, different = trace.calls
    assert not said(trace, outer)[1] & {"layer", "flow"}
    assert said(trace, same, outer)[1] >= {"layer", "flow"}
    assert not said(trace, different, outer)[1] & {"layer", "flow"}
    assert said(trace, different, outer, by_shapes=True)[1] >= {"flow"}


def test_a_change_is_said_by_the_call_nearest_to_it():
    r = made_traces.Recording()
    layer = r.layer("one", "One")
    built = {"built": (False, True)}
    with r.call("Layer.__call__", layer, changes=built), r.call("One.build", layer, changes=built):
        pass
    trace = r.trace()
    outer, inner = trace.calls
    assert "change" in said(trace, outer)[1]
    assert ("change", "built: False → True ✓ built") in said(trace, inner, outer)[0]
    assert "change" not in said(trace, inner, outer)[1]


def test_an_error_that_the_program_caught_is_caught_in_every_view():
    trace = replace(made_traces.failing(), error=None)
    (error,) = (f for f in CallFacts(trace).of(trace.failed, None) if f.kind == "error")
    assert error.caught
    assert CallFacts(trace).failing == set()
    assert "(caught)" in pages.parse(build_page.render(trace, Options())).id("plain").text
    assert trace.failed.id in CallFacts(trace, going_on=False).failing


def test_of_the_calls_that_an_error_came_through_the_innermost_tells_it():
    trace = made_traces.failing()
    texts = {
        call.id: fact.text("error")
        for call in trace.calls
        for fact in CallFacts(trace).of(call, None)
        if fact.kind == "error"
    }
    innermost = texts.pop(trace.failed.id)
    assert innermost.startswith("ValueError: ")
    assert set(texts.values()) == {"ValueError"}


# -- the table of weights ---------------------------------------------------------------------


@pytest.mark.parametrize("view", ["terminal", "notebook", "page", "static"])
def test_every_view_names_the_weight_first(view):
    columns = weight_columns(view)
    assert columns[0].title == "weight"
    trace = made_traces.mlp3()
    cell = columns[0].cell(WeightRow(trace, trace.weights[0]))
    assert cell.owner + cell.text == trace.weights[0].path


def test_a_new_column_is_in_every_view(monkeypatch):
    column = WeightColumn("axes", lambda row: Cell(f"{len(row.weight.shape)} axes"))
    monkeypatch.setattr(facts, "WEIGHT_COLUMNS", (*facts.WEIGHT_COLUMNS, column))
    trace = made_traces.mlp3()
    kernel = next(
        line
        for line in to_text(trace, Options(views=("weights",)), width=200).splitlines()
        if line.startswith("dense/kernel")
    )
    assert "2 axes" in kernel
    html = html_table.render(trace, Options())
    assert ">axes</th>" in html
    assert "2 axes" in html
    root = pages.parse(build_page.render(trace, Options()))
    for part in ("app", "plain"):
        headings = [th.text for th in root.id(part).all("th") if th.attributes["scope"] == "col"]
        assert headings[-1] == "axes"
    assert pages.data_of(root)["weights"][0]["cells"][-1] == "2 axes"
    assert "2 axes" in root.id("plain").text
