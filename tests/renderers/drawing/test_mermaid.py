from __future__ import annotations

import re

import pytest
from renderers import graphs

from buildtrace.renderers import Options
from buildtrace.renderers.drawing import mermaid


def test_mlp():
    source = mermaid.render(graphs.trace(graphs.mlp()), Options())
    assert source.startswith("flowchart TD\n")
    assert source.count(" --> ") + source.count(" -->|") == 2
    assert "401,920 parameters" in source
    assert re.search(r"classDef dense fill:#\w{6}", source)


def test_nested_model_is_a_subgraph():
    source = mermaid.render(graphs.trace(*graphs.siamese()), Options())
    assert len(re.findall(r"^\s*subgraph ", source, re.MULTILINE)) == 2
    assert len(re.findall(r"^\s*end$", source, re.MULTILINE)) == 2


@pytest.mark.parametrize("name", [*graphs.NASTY, "a#b;c", "`code`", "end", "%% x", "]) -->"])
def test_a_name_is_never_markup(name):
    model = graphs.Model(name)
    first = model.add(name, "InputLayer")
    model.add(name, name, first)
    source = mermaid.render(graphs.trace(model), Options())
    for line in source.splitlines():
        quoted = re.findall(r'"([^"]*)"', line)
        bare = re.sub(r'"[^"]*"', "", line)
        assert '"' not in bare
        for text in quoted:
            rest = re.sub(r"#\d+;|<b>|</b>|<br/>", "", text)
            assert not re.search(r"[<>\"#;`\[\]{}|\\]", rest)
    assert len(source) < 5_000


def test_at_most_500_edges():
    model = graphs.Model()
    last = model.add("in", "InputLayer")
    for number in range(600):
        last = model.add(f"layer{number}", "Dense", last, shape=(None, number + 1))
    source = mermaid.render(graphs.trace(model), Options(full=True))
    assert source.count("-->") <= 500
    assert "layers drawn as" in source


def test_same_trace_same_text():
    first, second = (mermaid.render(graphs.trace(graphs.residual()), Options()) for _ in range(2))
    assert first == second


def test_unbuilt_is_told_apart():
    model = graphs.Model()
    model.add("later", "Dense", built=False)
    source = mermaid.render(graphs.trace(model), Options())
    assert ":::unbuilt" in source
    assert "not built" in source
    assert "stroke-dasharray" in source


def test_what_failed_is_marked_and_says_what_it_got():
    model = graphs.Model()
    model.add("bad", "Dense", model.add("in", "InputLayer"), failed=True, built=False)
    source = mermaid.render(graphs.trace(model), Options())
    assert re.search(r'\["<b>✗ bad</b><br/>.*failed on \(None, 8\)"\]:::failed', source)
    assert "classDef failed fill" in source
