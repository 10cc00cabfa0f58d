import json

import made_traces
import pytest
from benchmarks import rendering
from msgspec.structs import replace
from renderers import graphs, pages

from buildtrace.renderers import Options, save
from buildtrace.renderers.facts import weight_columns
from buildtrace.renderers.page.build_page import render
from buildtrace.traces import folding
from buildtrace.traces.schema import ErrorInfo, Expected, Finding, SourceLine, Trial, Use

HOSTILE = {
    "script": "</script><script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "long": "n" * 10_000,
    "template": "{{ 7 * 7 }}{% raw %}",
    "comment": "<!--",
    "invisible": "a\x00\u202e\ud800b",
    "style": "</style><style>*{display:none}",
    "text": "</text></svg><script>alert(1)</script>",
}

RAISED_AT = "raised at"


def page(trace, **options):
    return pages.parse(render(trace, Options(**options)))


def named(name):
    """A model of which everything is called `name`."""
    r = made_traces.Recording(caller=(name, 7))
    given = made_traces.spec(None, 3)
    rows = [(r.layer("in", "InputLayer"), given)]
    error = ErrorInfo(type=name, message=name, swallowed=True)
    layer = r.layer(name, name)
    with r.call(f"{name}.build", layer, [given], error=error, changes={name: (False, True)}):
        r.add_weight(layer, name, (3, 3), name)
    rows.append((layer, given))
    r.graphs.append(made_traces.chain(r.layer(f"{name} model", name), *rows, weights=(0,)))
    trace = r.trace(ErrorInfo(type=name, message=name))
    finding = Finding(code=name, message=name, why=name, fix=name, calls=(0,))
    return replace(trace, findings=(finding,))


# -- the page is safe -------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_becomes_markup(name):
    # A lone surrogate is no name that JSON can hold, but one that Python can.
    trace = named(name)
    text = render(trace, Options())
    text.encode()  # what cannot be written down is made visible
    root = pages.parse(text)
    pages.check_no_markup(root)
    if name == HOSTILE["script"]:
        assert any(code.text == f"{name}.build" for code in root.id("plain").all("code"))
        assert name in root.id("plain").text


def test_the_policy_allows_the_two_inline_texts_and_nothing_else():
    pages.check_policy(page(made_traces.mlp3()))


@pytest.mark.parametrize(
    "make",
    [
        made_traces.mlp2,
        made_traces.towers,
        made_traces.failing,
        made_traces.frozen,
        made_traces.caught,
        made_traces.Trace,
    ],
)
def test_nothing_is_fetched_and_nothing_breaks_the_policy(make):
    root = page(make())
    assert pages.addresses(root) == []
    assert [e.tag for e in root.everything() if "style" in e.attributes] == []


def test_ids_are_there_once():
    ids = [
        e.attributes["id"] for e in page(made_traces.towers()).everything() if "id" in e.attributes
    ]
    assert len(ids) == len(set(ids))


def test_every_form_control_and_region_has_a_name():
    root = page(made_traces.mlp3())
    for element in root.id("app").everything():
        role = element.attributes.get("role")
        if element.tag in ("button", "select", "input") or role in ("tree", "region", "listbox"):
            assert element.attributes.get("aria-label") or element.text.strip(), element


def test_the_same_trace_gives_the_same_page():
    assert render(made_traces.mlp3(), Options()) == render(made_traces.mlp3(), Options())


# -- without scripts --------------------------------------------------------------------------


def depth_of(element):
    depth = 0
    while element.parent:
        element = element.parent
        depth += element.tag == "details"
    return depth


@pytest.mark.parametrize("make", [made_traces.mlp2, made_traces.mlp3, made_traces.towers])
def test_the_tree_is_there_without_scripts(make):
    trace = make()
    calls = page(trace).id("plain").all("code")
    shown = [(code.text, depth_of(code)) for code in calls]
    # A call that has others inside of it stands in the summary of its own <details>.
    expected = [(c.name, depth + bool(trace.children(c))) for depth, c in trace.walk()]
    assert shown == expected


def test_the_graph_and_the_weights_are_there_without_scripts():
    trace = made_traces.mlp3()
    plain = page(trace).id("plain")
    (picture,) = plain.all("svg")
    words = {text.text for text in picture.all("text")}
    assert {"dense", "dense_1", "input_layer", "Dense · 401,920 parameters"} <= words
    rows = [
        [cell.text for cell in row.children if not isinstance(cell, str)]
        for body in plain.all("tbody")
        for row in body.all("tr")
    ]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("dense/kernel", "(784, 512)", "401,408"),
        ("dense/bias", "(512,)", "512"),
        ("dense_1/kernel", "(512, 10)", "5,120"),
        ("dense_1/bias", "(10,)", "10"),
    ]


def test_a_failure_is_told_without_scripts():
    plain = page(made_traces.failing()).id("plain")
    (alert,) = (e for e in plain.everything() if e.attributes.get("role") == "alert")
    assert "The build failed in Dense.build of bad (Dense)" in alert.text
    assert "ValueError" in alert.text
    assert "units must be positive,\ngot -1" in alert.text
    assert "model.py:7" in alert.text


def finding(**more):
    given = {
        "code": "BT001",
        "severity": "warning",
        "message": "It is <odd>.",
        "why": "Because.",
        "fix": "def build(self):\n    pass",
        "calls": (2, 999),
        "caller": SourceLine(file="model.py", line=3),
    }
    return Finding(**(given | more))


def items(part):
    """The findings in a part of the page."""
    (box,) = (e for e in part.everything() if "findings" in e.attributes.get("class", "").split())
    return [e for e in box.all("li") if "data-severity" in e.attributes]


def words(element):
    return " ".join(element.text.split())


def test_findings_are_told():
    root = page(replace(made_traces.mlp3(), findings=(finding(),)))
    for part in ("app", "plain"):
        (item,) = items(root.id(part))
        assert item.attributes["data-severity"] == "warning"
        (summary,) = item.all("summary")
        assert words(summary) == "warning BT001 It is <odd>. model.py:3"
        (why,) = (e for e in item.all("p") if e.attributes["class"] == "why")
        assert why.text == "Because."
        (code,) = item.all("pre")
        assert code.text == "def build(self):\n    pass"
        assert [e.text for e in code.all("span") if e.attributes["class"] == "py-name"] == ["build"]
        (box,) = item.all("details")
        assert ("open" in box.attributes) == (part == "plain")
    (item,) = items(root.id("app"))
    jump, copy = sorted(item.all("button"), key=lambda b: "data-copy" in b.attributes)
    assert (jump.attributes["data-go"], words(jump)) == ("2", "Node.__init__ input_layer")
    assert words(copy) == "Copy"
    assert list(items(root.id("plain"))[0].all("button")) == []


def test_a_remedy_that_was_tried_says_so():
    patch = "--- a\n+++ a\n@@ -1 +1 @@\n-f(<1>)\n+g(1)\n"
    helps = Trial(outcome="goes through", patch=patch)
    not_so = Trial(outcome="does not help", message="It is <odd>.")
    for trial, headings, lines in (
        (helps, ["What to do", "tried: the build goes through"], ["-f(<1>)\n+g(1)"]),
        (not_so, ["Tried, but it does not help", "tried: does not help (It is <odd>.)"], []),
    ):
        root = page(replace(made_traces.mlp3(), findings=(finding(trial=trial),)))
        for part in ("app", "plain"):
            (item,) = items(root.id(part))
            assert [words(e) for e in item.all("h3")] == headings
            assert [e.text for e in item.all("pre")][1:] == lines


def test_many_findings_of_a_code_are_folded_and_all_there():
    given = [finding(message=f"Number {n}.") for n in range(7)] + [finding(code="BT002")]
    root = page(replace(made_traces.mlp3(), findings=tuple(given)))
    for part in ("app", "plain"):
        assert len(items(root.id(part))) == 8
        (more,) = (e for e in root.id(part).all("li") if e.attributes.get("class") == "more")
        assert words(more).startswith("4 more of BT001")
        (badge,) = (e for e in root.id(part).all("span") if e.text == "8 warnings")
        assert badge.attributes["data-severity"] == "warning"


def test_a_step_that_failed_is_shown_at_its_end():
    trace = made_traces.failing()
    root = page(replace(trace, findings=(finding(calls=(1,)),)))
    (item,) = items(root.id("app"))
    (jump,) = (b for b in item.all("button") if "data-go" in b.attributes)
    assert jump.attributes["data-end"] == "1"


def test_of_the_calls_that_an_exception_came_through_the_innermost_is_led_to():
    trace = made_traces.failing()
    way = [call.id for call in trace.calls if call.error is not None]
    assert len(way) > 1
    root = page(replace(trace, findings=(finding(calls=(*way,)),)))
    jumps = [b for b in root.id("failure").all("button") if "data-go" in b.attributes]
    assert [(b.attributes["data-go"], b.attributes.get("data-end")) for b in jumps] == [
        (str(trace.failed.id), "1")
    ]


def test_a_finding_about_the_failure_stands_with_it_and_nowhere_else():
    trace = made_traces.failing()
    about = finding(message="It is about that.", calls=(1, trace.failed.id))
    root = page(replace(trace, findings=(finding(calls=(1,)), about)))
    for part in ("app", "plain"):
        text = root.id(part).text
        assert text.count("It is about that.") == text.count("It is <odd>.") == 1
        assert text.count("units must be positive,\ngot -1") == 1
    failure = words(root.id("failure"))
    assert failure.startswith("ValueError: units must be positive, got -1")
    assert "warning BT001 It is about that. model.py:3 Because." in failure
    assert "It is <odd>." in words(items(root.id("app"))[0])


def test_a_finding_about_what_was_caught_tells_of_that(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(made_traces.SCRIPT)
    trace = made_traces.caught(str(path))
    raised = next(call for call in reversed(trace.calls) if call.error)
    root = page(replace(trace, findings=(finding(calls=(raised.id,)),)))
    for part in ("app", "plain"):
        (item,) = items(root.id(part))
        assert words(next(item.all("summary"))).startswith("warning BT001")
        assert "Keras caught this exception and went on: TypeError: no number" in words(item)
    assert root.id("app").text.count("no number") == 1


def test_what_was_interrupted_beside_the_build_is_said():
    trace = made_traces.mlp3()
    model = trace.graphs[0].model
    error = ErrorInfo(type="ValueError", message="Not yet.")
    line = SourceLine(file="model.py", line=9)
    use = Use(name="Model.summary", generation="keras3", before=3, model=model, caller=line)
    (gap,) = gaps(page(replace(trace, uses=(use, replace(use, error=error)))))
    assert gap == (
        "Model.summary of sequential (Sequential) at model.py:9 was interrupted, and the program "
        "went on: ValueError: Not yet."
    )
    # What the run ended in is told as its failure.
    assert gaps(page(replace(trace, uses=(replace(use, error=error),), error=error))) == []


def test_a_use_before_any_build_is_said_where_nothing_is_built():
    model = made_traces.mlp3().graphs[0].model
    line = SourceLine(file="model.py", line=9)
    early = Use(
        name="Model.summary",
        generation="keras3",
        before=0,
        model=model,
        built=False,
        unbuilt=(model,),
        caller=line,
    )
    said = "No build was recorded: Model.summary at model.py:9 came before sequential (Sequential)"
    for error in (None, ErrorInfo(type="ValueError", message="Not yet.")):
        root = page(made_traces.Trace(uses=(replace(early, error=error),)))
        assert f"{said} was built." in root.id("plain").text
        assert pages.data_of(root)["nothing"] == f"{said} was built."
    assert pages.data_of(page(made_traces.Trace(uses=(replace(early, built=True),))))[
        "nothing"
    ] == ("No build was recorded.")


def gaps(root):
    banners = (e for e in root.id("app").all("p") if "gap" in e.attributes.get("class", ""))
    return [words(e) for e in banners]


def test_what_was_caught_comes_before_the_findings(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(made_traces.SCRIPT)
    other = finding(severity="error", calls=(1,))
    root = page(replace(made_traces.caught(str(path)), findings=(other,)))
    for part in ("app", "plain"):
        caught, other = items(root.id(part))
        said = "Keras caught this exception and went on: TypeError: no number"
        assert words(next(caught.all("summary"))) == f"caught {said} net.py:13"
        assert "in Net.pick, while Layer._maybe_build of net (Net) ran." in words(caught)
        lines = {line.attributes["data-line"]: line for line in caught.all("li")}
        assert lines["13"].text == "    return y * float(y[0, 0])"
        assert [n for n, line in lines.items() if "aria-current" in line.attributes] == ["13"]
        assert other.attributes["data-severity"] == "error"
    errors = [c["error"] for c in pages.data_of(root)["calls"] if "error" in c]
    assert [error["swallowed"] for error in errors] == [True]


def test_a_page_without_findings_has_no_panel():
    root = page(made_traces.mlp3())
    assert not [e for e in root.everything() if "findings" in e.attributes.get("class", "")]


def test_an_error_that_the_program_caught_is_no_failed_step():
    root = page(replace(made_traces.failing(), error=None))
    errors = [c["error"]["swallowed"] for c in pages.data_of(root)["calls"] if "error" in c]
    assert errors == [True, True, True]
    assert pages.data_of(root)["failed"] is None  # the page opens where the build begins
    (alert,) = (e for e in root.id("app").everything() if e.attributes.get("role") == "alert")
    assert alert.attributes["data-severity"] == "warning"
    assert alert.attributes["aria-label"].startswith("A build failed in Dense.build of bad (Dense)")
    assert words(root.id("failed")).startswith("! A build failed in Dense.build of bad (Dense)")


def test_the_terminal_s_colors_in_a_message_are_left_out():
    text = "Exception encountered when calling A.call().\n\n\x1b[1mNo.\x1b[0m"
    error = ErrorInfo(type="ValueError", message=text)
    trace = made_traces.failing()
    calls = tuple(replace(call, error=error) for call in trace.calls)
    root = page(replace(trace, calls=calls, error=error))
    assert pages.data_of(root)["calls"][-1]["error"]["message"] == "No."
    assert "x1b" not in root.text


def test_what_was_got_stands_beside_what_the_layer_takes(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(made_traces.SCRIPT)
    trace = made_traces.frozen(str(path), expects=[Expected(axes={-1: 3})])
    root = page(trace)
    (jump,) = (b for b in root.id("failure").all("button") if "data-go" in b.attributes)
    assert words(jump) == "Show that build"
    assert trace.calls[int(jump.attributes["data-go"])].name == "Dense.build"
    title = "The call failed in Layer.__call__ of hidden (Dense) on (2, 5)"
    assert title in words(root.id("failed"))
    for part in ("app", "plain"):
        (alert,) = (e for e in root.id(part).everything() if e.attributes.get("role") == "alert")
        text = words(alert)
        assert title in (text if part == "plain" else alert.attributes["aria-label"])
        told = [(dt.text, dd.text) for dt, dd in zip(alert.all("dt"), alert.all("dd"), strict=True)]
        assert told[:2] == [("got", "(2, 5)"), ("expects", "size 3 on axis -1")]
        assert told[2][1].startswith("(2, 3) by Dense.build: kernel (3, 4), bias (4,)")
        assert "net.py:9 y = self.hidden(x)" in words([*alert.all("dd")][2])
        assert "from net.py:18 net(second)" in text


def test_the_statement_of_keras_that_raised_is_told(tmp_path):
    path = tmp_path / "input_spec.py"
    path.write_text("if x:\n    raise ValueError(\n        '<b>No.'\n    )\nelse:\n    fail()\n")
    for line, first, others in ((2, "raise ValueError(", "    '<b>No.'\n)"), (6, "fail()", "")):
        root = page(made_traces.frozen(raised_at=SourceLine(file=str(path), line=line)))
        for part, element in (("app", root.id("failure")), ("plain", root.id("plain"))):
            (fact,) = (d for d in element.all("div") if d.attributes.get("data-fact") == RAISED_AT)
            (told,) = fact.all("dd")
            assert [dt.text for dt in fact.all("dt")] == [RAISED_AT]
            assert told.text == f"input_spec.py:{line}  {first}{others}"
            folds = [*told.all("details")]
            assert len(folds) == bool(others)
            assert all(("open" in fold.attributes) == (part == "plain") for fold in folds)


def test_a_trace_without_calls_says_so():
    root = page(made_traces.Trace())
    assert "No build was recorded." in root.id("plain").text
    assert pages.data_of(root)["calls"] == []
    assert [o.text for o in root.id("chapter").all("option")] == ["No build"]


# -- the data ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [made_traces.mlp2, made_traces.mlp3, made_traces.towers, made_traces.failing]
)
def test_the_calls_are_those_of_the_trace(make):
    trace = make()
    data = pages.data_of(page(trace))
    assert [c.get("parent") for c in data["calls"]] == [c.parent for c in trace.calls]
    names = [data["functions"][c["function"]]["name"] for c in data["calls"]]
    assert names == [c.name for c in trace.calls]
    assert [c["step"] for c in data["calls"]] == [c.step for c in trace.calls]
    layers = [
        tuple(data["layers"][str(c["layer"])]) if "layer" in c else None for c in data["calls"]
    ]
    assert layers == [(c.layer.name, c.layer.class_name) if c.layer else None for c in trace.calls]
    shapes = [[str(s.shape) for s in c.inputs] for c in trace.calls]
    given = [dict(said[:2] for said in c["card"]).get("gets", "") for c in data["calls"]]
    assert given == [", ".join(s) for s in shapes]
    errors = [c.get("error", {}).get("type") for c in data["calls"]]
    assert errors == [c.error.type if c.error else None for c in trace.calls]
    summaries = [data["landmarks"][c["landmark"]]["summary"] for c in data["calls"]]
    assert summaries == [f"What {c.landmark} is there for." for c in trace.calls]
    assert data["failed"] == (trace.failed.id if trace.failed else None)


def test_the_weights_lead_to_the_calls_that_made_them():
    trace = made_traces.mlp2()
    data = pages.data_of(page(trace))
    assert [w["call"] for w in data["weights"]] == [w.call for w in trace.weights]
    columns = [column.title for column in weight_columns("page")]
    cells = [dict(zip(columns, w["cells"], strict=True)) for w in data["weights"]]
    assert {trace.calls[c["made by"]["call"]].name for c in cells} == {"Dense.build"}
    assert [c["weight"]["call"] for c in cells] == [w.call for w in trace.weights]
    assert sum(w["parameters"] for w in data["weights"]) == 407_050


def test_what_an_optimizer_holds_is_told_apart_from_the_weights():
    trace = made_traces.trained(2)
    maker = trace.find("Layer.add_weight")[0]
    trace.variables = (replace(trace.variables[0], call=maker.id), *trace.variables[1:])
    data = pages.data_of(page(trace))
    assert len(data["weights"]) == 4
    first, momentum = (variable["cells"] for variable in data["variables"][:2])
    assert (first[0]["text"], first[0]["call"], first[0]["ended"]) == ("iteration", maker.id, True)
    assert momentum[:4] == ["momentum", "(784, 512)", "401,408", "dense/kernel"]
    assert momentum[-1] == "float32"
    (chapter,) = data["chapters"]
    assert chapter["held"] == [["adam, Adam: 803,840 + 1", [0, 1, 2, 3, 4]]]
    assert chapter["besides"] == ["and besides, held by Adam: 803,840 + 1"]


def test_what_an_optimizer_holds_is_there_without_scripts():
    document = page(made_traces.trained(2))
    plain = document.id("plain")
    _, held = plain.all("table")
    rows = [
        [cell.text for cell in row.children if not isinstance(cell, str)] for row in held.all("tr")
    ]
    assert rows[0] == ["variable", "shape", "numbers", "for the weight", "initializer", "dtype"]
    assert rows[1] == ["adam, Adam: 803,840 + 1"]
    assert rows[3][:4] == ["momentum", "(784, 512)", "401,408", "dense/kernel"]
    assert len(rows) == 2 + 5
    (header,) = plain.all("header")
    assert "and besides, held by Adam: 803,840 + 1" in header.text
    bare = page(made_traces.mlp3())
    assert "held" not in {element.attributes.get("id") for element in bare.everything()}


def test_a_small_trace_starts_unfolded_and_a_big_one_folded():
    assert pages.data_of(page(made_traces.mlp3()))["hidden"] == []
    trace = rendering.synthetic(1_000)
    data = pages.data_of(page(trace))
    hidden = set(data["hidden"])
    seen = 0
    for number, call in enumerate(data["calls"]):  # parents come before their children
        if call.get("parent") in hidden:
            hidden.add(number)
        seen += number not in hidden
    assert seen == len(folding.fold(trace).calls) < 150
    assert pages.data_of(page(trace, full=True))["hidden"] == []


def nested():
    """A model in a model, built inside of a trace that is not small."""
    trace = made_traces.towers()
    extra = rendering.synthetic(120)
    shift, layers = len(trace.calls), 1 + max(trace.layers)
    move = lambda call: replace(  # noqa: E731
        call,
        id=call.id + shift,
        parent=None if call.parent is None else call.parent + shift,
        layer=call.layer and replace(call.layer, id=call.layer.id + layers),
    )
    return replace(trace, calls=(*trace.calls, *map(move, extra.calls)))


def test_a_model_in_a_model_starts_folded():
    trace = nested()
    data = pages.data_of(page(trace))
    (head,) = (c for c in trace.calls if c.name == "Layer.__call__" and c.layer.name == "head")
    inside = [c.id for c in trace.children(head)]
    assert inside
    assert set(inside) <= set(data["hidden"])


# -- models and options -----------------------------------------------------------------------


def other_layer(ref):
    name = "second" if ref.class_name == "Sequential" else ref.name
    return replace(ref, id=ref.id + 100, name=name)


def two_models():
    model = made_traces.mlp3()
    shift = len(model.calls)
    again = [
        replace(
            c,
            id=c.id + shift,
            parent=None if c.parent is None else c.parent + shift,
            layer=c.layer and other_layer(c.layer),
        )
        for c in model.calls
    ]
    graph = model.graphs[0]
    nodes = tuple(replace(n, layer=n.layer + 100) for n in graph.nodes)
    ref = replace(graph.model, id=graph.model.id + 100, name="second")
    weights = [
        replace(w, id=w.id + 4, call=w.call + shift, layer=w.layer + 100) for w in model.weights
    ]
    other = replace(graph, model=ref, nodes=nodes, weights=(4, 5, 6, 7))
    return replace(
        model,
        calls=(*model.calls, *again),
        weights=(*model.weights, *weights),
        graphs=(graph, other),
    )


def test_several_models_have_a_switcher_and_each_its_own_calls():
    trace = two_models()
    root = page(trace)
    options = [o.text for o in root.id("chapter").all("option")]
    assert options == ["sequential", "second", "Everything"]
    first, second, everything = pages.data_of(root)["chapters"]
    half = len(trace.calls) // 2
    assert first["calls"] == [[0, half - 1]]
    assert second["calls"] == [[half, 2 * half - 1]]
    assert everything["calls"] == [[0, 2 * half - 1]]
    assert second["weights"] == [4, 5, 6, 7]
    assert len(list(root.id("plain").all("svg"))) == 2


def test_one_model_alone_needs_no_switcher():
    root = page(made_traces.mlp3())
    assert "disabled" in root.id("chapter").attributes


def test_only_the_model_that_is_asked_for():
    root = page(two_models(), model="second")
    assert [o.text for o in root.id("chapter").all("option")] == ["second"]
    data = pages.data_of(root)
    assert data["calls"][0]["id"] == len(
        made_traces.mlp3().calls
    )  # addresses are those of the whole trace
    assert [w["call"] for w in data["weights"]] == [
        number
        for number, c in enumerate(data["calls"])
        if data["functions"][c["function"]]["name"] == "Layer.add_weight"
    ]


# -- the graph --------------------------------------------------------------------------------


def boxes_of(graph, trace, data):
    """By the name of its layer, each node of a picture that shows every layer."""
    nodes = {}
    for rows in graph["boxes"].values():
        for numbers in rows:
            for number in numbers:
                node = graph["nodes"][number]
                name = data["layers"][str(node["layer"])][0] if node["layer"] is not None else None
                nodes.setdefault(name, []).append(node)
    return nodes


def test_a_layer_is_seen_from_its_first_call_and_filled_by_its_weights():
    trace = made_traces.mlp2()
    data = pages.data_of(page(trace))
    (graph,) = data["chapters"][0]["graphs"]
    nodes = boxes_of(graph, trace, data)
    for layer in ("dense_input", "dense", "dense_1"):
        (node,) = nodes[layer]
        own = [c.id for c in trace.calls if c.layer and c.layer.name == layer]
        assert node["seen"] == own[0]
        weights = [w.id for w in trace.weights if w.path.startswith(f"{layer}/")]
        assert node["weights"] == weights


def test_a_line_is_made_by_the_node_that_it_leads_to():
    trace = made_traces.mlp2()
    data = pages.data_of(page(trace))
    (graph,) = data["chapters"][0]["graphs"]
    makers = [
        c.id for c in trace.calls if c.name == "Node.__init__" and c.layer.name != "dense_input"
    ]
    assert sorted(graph["lines"]) == [[maker] for maker in makers]


def test_a_shared_layer_comes_to_each_of_its_nodes_in_turn():
    trace = made_traces.towers()
    data = pages.data_of(page(trace))
    chapter = next(c for c in data["chapters"] if c["title"] == "two_towers")
    shared = boxes_of(chapter["graphs"][0], trace, data)["shared"]
    calls = [c.id for c in trace.calls if c.name == "Layer.__call__" and c.layer.name == "shared"]
    assert len(calls) == 2
    assert sorted(node["seen"] for node in shared) == calls


def test_each_node_of_a_shared_layer_is_made_by_its_own_call():
    r = made_traces.Recording()
    source, shared = r.layer("in", "InputLayer"), r.layer("shared", "Dense")
    four = made_traces.spec(None, 4)
    with r.call("InputLayer.__init__", source), r.call("Node.__init__", source):
        pass
    for _ in range(2):
        made_traces._dense3(r, shared, 4, four, four)
    graph = made_traces.chain(
        r.layer("m", "Functional"), *[(layer, four) for layer in [source, shared]]
    )
    again = replace(graph.nodes[1], id=2, index=1)
    edge = replace(graph.edges[0], source=1, target=2)
    r.graphs.append(replace(graph, nodes=(*graph.nodes, again), edges=(*graph.edges, edge)))
    trace = r.trace()
    (drawn,) = pages.data_of(page(trace))["chapters"][0]["graphs"]
    connecting = [c.id for c in trace.calls if c.name == "Node.__init__" and c.layer == shared]
    assert len(connecting) == 2
    assert sorted(drawn["lines"]) == [[call] for call in connecting]
    seen = [c.id for c in trace.calls if c.name == "Layer.__call__"]
    assert sorted(n["seen"] for n in drawn["nodes"] if n["layer"] == shared.id) == seen


def test_folded_boxes_stand_for_all_their_layers():
    trace = graphs.trace(graphs.residual(blocks=8))
    (chapter,) = (c for c in pages.data_of(page(trace))["chapters"] if c["graphs"])
    folded, whole = chapter["graphs"]
    nodes = len(trace.graphs[0].nodes)
    layers = {node["layer"] for node in whole["nodes"]}
    assert len(layers) == len(whole["nodes"]) == nodes
    assert {node["layer"] for node in folded["nodes"]} == layers
    assert len(folded["boxes"]) < nodes / 3
    assert "svg" in whole
    assert "svg" not in folded


def test_a_picture_of_folded_blocks_has_one_of_each_open_block():
    trace = graphs.trace(graphs.residual(blocks=8))
    (chapter,) = (c for c in pages.data_of(page(trace))["chapters"] if c["graphs"])
    folded, whole = chapter["graphs"]
    ((id_, opened),) = folded["opens"].items()
    assert opened["closes"] != id_
    assert f'data-id="{opened["closes"]}"' in opened["svg"]
    assert len(opened["boxes"]) == len(whole["boxes"]) > len(folded["boxes"])
    assert whole["opens"] == opened["opens"] == {}


def test_what_has_no_picture_says_why(monkeypatch):
    from buildtrace.errors import RenderError
    from buildtrace.renderers.drawing import layout

    def no(*_):
        raise RenderError("Graphviz is ill")

    monkeypatch.setattr(layout, "lay_out", no)
    root = page(made_traces.mlp3())
    assert "Graphviz is ill" in root.id("plain").text
    assert "Graphviz is ill" in pages.data_of(root)["chapters"][0]["missing"]


# -- sources ----------------------------------------------------------------------------------

THING = """\
import keras


class Thing(keras.layers.Layer):
    @some.decorator
    def build(self, shape):
        self.w = 1  # </script>

    def other(self):
        pass
"""


def built_in(path, caller_line, lines=1):
    recording = made_traces.Recording(caller=(str(path), caller_line))
    for _ in range(lines):
        with recording.call("Thing.build", recording.layer("t", "Thing"), file=str(path)):
            pass
    trace = recording.trace()
    return replace(trace, calls=tuple(replace(call, line=5) for call in trace.calls))


def test_a_function_is_carried_once_and_from_its_first_line(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(THING)
    data = pages.data_of(page(built_in(path, 6, lines=3)))
    (function,) = data["functions"]
    assert [c["function"] for c in data["calls"]] == [0, 0, 0]
    assert function["line"] == 5
    assert function["definition"] == 6
    assert function["code"].splitlines() == [
        "@some.decorator",
        "def build(self, shape):",
        "    self.w = 1  # </script>",
    ]
    assert function["place"] == "thing.py:5"


def test_the_users_file_is_carried_around_its_calls(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(THING)
    (file,) = pages.data_of(page(built_in(path, 6)))["files"]
    assert file == {"name": "thing.py", "pieces": [{"line": 1, "code": THING.rstrip()}]}
    long = tmp_path / "long.py"
    long.write_text(THING + "".join(f"x{n} = {n}\n" for n in range(11, 501)))
    (file,) = pages.data_of(page(built_in(long, 300)))["files"]
    ((first, code),) = ((p["line"], p["code"].splitlines()) for p in file["pieces"])
    assert f"x{first} = {first}" == code[0]
    assert first < 300 < first + len(code) - 1
    assert (first, len(code)) == (295, 11)


def test_a_function_of_keras_is_not_the_users_whatever_the_users_file_is_called(tmp_path):
    theirs, own = tmp_path / "keras" / "reshape.py", tmp_path / "reshape.py"
    theirs.parent.mkdir()
    for path in (theirs, own):
        path.write_text(THING)
    both = built_in(theirs, 6, lines=2)
    calls = [replace(call, caller=SourceLine(file=str(own), line=6)) for call in both.calls]
    calls[1] = replace(calls[1], file=str(own))
    data = pages.data_of(page(replace(both, calls=tuple(calls))))
    places = [(function["place"], function.get("file")) for function in data["functions"]]
    assert places == [("reshape.py:5", None), ("reshape.py:5", 0)]
    assert [file["name"] for file in data["files"]] == ["reshape.py"]


def test_a_missing_file_is_said(tmp_path):
    data = pages.data_of(page(built_in(tmp_path / "gone.py", 6)))
    assert data["functions"][0]["missing"] == "its file is not on this machine"
    assert data["files"] == [{"name": "gone.py", "pieces": []}]


def test_a_long_docstring_is_cut_and_every_line_keeps_its_place(tmp_path):
    lines = ["def build(self, shape):", '    """Makes it.', *[f"    {n}" for n in range(50)]]
    lines += ['    """', "    self.w = 1"]
    path = tmp_path / "thing.py"
    path.write_text("\n".join(["import keras", "", "", "", *lines]))
    (function,) = pages.data_of(page(built_in(path, 6, lines=len(lines))))["functions"]
    shown = function["code"].splitlines()
    assert len(shown) == len(lines)
    assert shown[:3] == lines[:3]
    assert shown[-2:] == lines[-2:]
    assert [line for line in shown if "…" in line] == ["    …"]
    assert sum(line == "" for line in shown) > 40


def test_sources_have_a_limit(tmp_path, monkeypatch):
    from buildtrace.renderers.page import sources

    path = tmp_path / "thing.py"
    path.write_text(THING)
    monkeypatch.setattr(sources, "MOST_CHARACTERS", 40)
    (function,) = pages.data_of(page(built_in(path, 6)))["functions"]
    assert function["code"] == ""
    assert "left out" in function["missing"]


# -- sizes and files ----------------------------------------------------------------------------


def test_pages_are_small(tmp_path):
    save(made_traces.mlp3(), tmp_path / "small.html")
    assert (tmp_path / "small.html").stat().st_size < 180_000
    save(rendering.synthetic(5_000), tmp_path / "big.html")
    assert (tmp_path / "big.html").stat().st_size < 1_000_000


def test_a_trace_from_a_file_gives_the_same_page(tmp_path):
    from buildtrace.traces import trace_file

    path = tmp_path / "thing.py"
    path.write_text(THING)
    trace = built_in(path, 6)
    before = render(trace, Options())
    text = trace_file.to_json(trace)
    path.unlink()
    assert render(trace_file.from_json(text), Options()) == before


def test_the_page_has_no_trace_of_the_machine():
    root = page(made_traces.mlp3())
    assert "/nowhere" not in json.dumps(pages.data_of(root))
    assert "/nowhere" not in root.text
