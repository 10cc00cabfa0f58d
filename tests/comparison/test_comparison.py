"""What a comparison says of traces made by hand; no Keras is needed."""

from __future__ import annotations

import functools
import json
from itertools import pairwise

import made_traces
import msgspec
import pytest
from loops import case
from msgspec.structs import replace

from buildtrace.comparison import KINDS, SELECTABLE, Difference, compare
from buildtrace.errors import UsageError
from buildtrace.traces import trace_file
from buildtrace.traces.schema import Finding, LayerState

MADE = {
    "mlp2": made_traces.mlp2,
    "mlp3": made_traces.mlp3,
    "deeper": lambda: made_traces.mlp3((512, 64, 10)),
    "towers": made_traces.towers,
    "failing": made_traces.failing,
    "evil": made_traces.evil,
    "threads": lambda: made_traces.in_threads(made_traces.mlp3(), 3),
    "empty": lambda: made_traces.Recording().trace(),
}


@functools.cache
def compared(left, right):
    """Two of these, by their names, and what differs."""
    both = MADE[left](), MADE[right]()
    return *both, compare(*both)


each_with_all = pytest.mark.parametrize("left", MADE)


def messages(difference, *kinds):
    return [change.message for change in difference.of(*kinds or KINDS)]


def test_a_layer_that_holds_itself_is_in_no_other():
    """Somebody may write `self.me = self`, or send a trace that says so."""
    trace = made_traces.mlp3()
    layers = list(trace.layers.values())
    for holder, held in ((layers[0], layers[0]), (layers[1], layers[2]), (layers[2], layers[1])):
        state = LayerState(layer=holder, after=0, built=True, children=(held,))
        trace = replace(trace, states=(*trace.states, state))
    trace = replace(trace, graphs=())
    assert trace.diff(trace).same


@pytest.mark.parametrize("name", MADE)
def test_a_trace_is_the_same_as_itself(name):
    difference = MADE[name]().diff(MADE[name]())
    assert difference.same
    assert difference.changes == ()
    assert {step.state for step in difference.steps} <= {"same"}


@each_with_all
def test_each_call_is_in_one_row_and_each_side_in_its_order(left):
    for right in MADE:
        with case(right):
            *both, difference = compared(left, right)
            for trace, side in zip(both, ("left", "right"), strict=True):
                ids = [id_ for step in difference.steps if (id_ := getattr(step, side)) is not None]
                assert sorted(ids) == [call.id for call in trace.calls]
                threads = {}
                for id_ in ids:
                    threads.setdefault(trace.call(id_).thread, []).append(id_)
                assert all(a < b for row in threads.values() for a, b in pairwise(row))


@each_with_all
def test_what_is_elsewhere_points_back(left):
    for right in MADE:
        with case(right):
            *_, difference = compared(left, right)
            lefts = {step.left: step for step in difference.steps}
            rights = {step.right: step for step in difference.steps}
            for step in difference.steps:
                assert (step.left is None) == (step.state == "right")
                assert (step.right is None) == (step.state == "left")
                if step.elsewhere is not None:
                    other = rights if step.right is None else lefts
                    own = step.left if step.right is None else step.right
                    assert other[step.elsewhere].elsewhere == own


@each_with_all
def test_the_way_back_finds_as_many_layers(left):
    for right in MADE:
        *_, there = compared(left, right)
        *_, back = compared(right, left)
        assert len(there.layers) == len(back.layers), right
        assert there.same == back.same, right


def test_the_two_generations_are_the_same_build_by_other_functions():
    left, right = made_traces.mlp2(), made_traces.mlp3()
    difference = left.diff(right)
    assert difference.same
    assert {change.kind for change in difference.changes} == {"landmarks"}
    beside = {
        (left.call(step.left).name, right.call(step.right).name)
        for step in difference.steps
        if step.state == "counterpart"
    }
    assert {
        ("make_variable", "Variable.__init__"),
        ("_map_graph_network", "map_graph"),
        ("Functional._init_graph_network", "Function.__init__"),
    } == beside
    elsewhere = {
        (left.call(step.left).name, right.call(step.elsewhere).name)
        for step in difference.steps
        if step.state == "left" and step.elsewhere is not None
    }
    assert ("Layer._functional_construction_call", "Layer.symbolic_call") in elsewhere


def test_a_landmark_of_one_generation_has_the_sentence_why():
    difference = made_traces.mlp2().diff(made_traces.mlp3())
    only = {c.message.split("runs ")[1].split(" ")[0]: c.why for c in difference.changes if c.why}
    assert "Keras 3 has no function for this" in only["Layer._set_connectivity_metadata"]
    assert "Keras 2" in only["Operation.__call__"]


def test_a_file_without_roles_is_read_as_if_it_had_them():
    def old(trace):
        rows = tuple(replace(row, role="", unpaired=None) for row in trace.landmarks)
        return replace(trace, landmarks=rows)

    new = made_traces.mlp2().diff(made_traces.mlp3())
    assert old(made_traces.mlp2()).diff(old(made_traces.mlp3())) == new


def test_saved_traces_compare_as_those_in_memory():
    both = made_traces.mlp2(), made_traces.mlp3((512, 64, 10))
    loaded = [trace_file.from_json(trace_file.to_json(trace)) for trace in both]
    assert compare(*loaded) == compare(*both)


def test_json_says_all():
    difference = made_traces.mlp3().diff(made_traces.mlp3((512, 64, 10)))
    text = difference.to_json()
    assert msgspec.json.decode(text, type=Difference) == difference
    assert json.loads(text)["same"] is False


def test_what_differs_carries_no_source(tmp_path):
    script = tmp_path / "net.py"
    script.write_text(made_traces.SCRIPT)
    before, after = made_traces.frozen(str(script)), made_traces.caught(str(script))
    assert "self.hidden(x)" in trace_file.to_json(before).decode()
    text = before.diff(after).to_json().decode()
    assert "self.hidden(x)" not in text
    assert "import keras" not in text


def test_a_layer_that_was_added_is_the_first_thing_said():
    difference = made_traces.mlp3().diff(made_traces.mlp3((512, 64, 10)))
    assert not difference.same
    first, *rest = difference.changes
    assert (first.kind, first.severity) == ("weights", "error")
    assert (
        first.message == "'dense_1' (Dense) inserted between 'dense' (Dense) and 'dense_2' (Dense)"
    )
    assert [c.message for c in rest] == ["'dense_2' (Dense): kernel (512, 10) → (64, 10)"]
    assert rest[0].follows


def test_a_build_that_fails_is_the_most_important():
    good, bad = made_traces.layers(["Dense"]), made_traces.failing(before=1)
    there, back = good.diff(bad), bad.diff(good)
    assert there.changes[0].message == (
        "the build fails in Dense.build: ValueError: units must be positive,"
    )
    assert back.changes[0].message.startswith("the build no longer fails in Dense.build")
    assert not there.same
    assert not good.diff(bad, only=["findings"]).same  # whatever was asked for


def test_only_what_was_asked_for_is_said_and_decides():
    left, right = made_traces.mlp3(), made_traces.mlp3((512, 64, 10))
    assert left.diff(right, only=["outputs", "order"]).same
    difference = left.diff(right, only=["weights"])
    assert {change.kind for change in difference.changes} == {"weights"}
    assert not difference.same
    assert not made_traces.mlp2().diff(made_traces.mlp3(), only=["landmarks"]).same


def test_what_cannot_be_compared_is_said():
    with pytest.raises(UsageError, match="cannot compare 'colors'; there are weights, graph"):
        made_traces.mlp3().diff(made_traces.mlp3(), only=["colors"])
    assert set(SELECTABLE) < set(KINDS)


def test_times_are_told_when_asked_for_and_decide_nothing():
    slow = made_traces.mlp3()
    slow = replace(
        slow, calls=tuple(replace(c, duration_ns=10**6 * c.duration_ns) for c in slow.calls)
    )
    assert made_traces.mlp3().diff(slow).changes == ()
    difference = made_traces.mlp3().diff(slow, times=True)
    assert difference.same
    assert {change.kind for change in difference.changes} == {"times"}
    # 38 calls, of which each takes a microsecond at its start and one at its end.
    assert difference.changes[0].message == "the build took 76,000.0 ms, was 0.1 ms"


def test_findings_that_only_one_side_has():
    def with_finding(trace, code, layer):
        finding = Finding(code=code, message=f"{code} it is.", why="", fix="", layer=layer)
        return replace(trace, findings=(finding,))

    left = with_finding(made_traces.mlp3(), "BT101", 2)
    assert left.diff(left).same
    assert messages(made_traces.mlp3().diff(left)) == ["BT101 appeared: BT101 it is."]
    assert messages(left.diff(made_traces.mlp3())) == ["BT101 is gone: BT101 it is."]
    # Of another layer, it is another finding; of the same layer under another number, it is not.
    assert len(left.diff(with_finding(made_traces.mlp3(), "BT101", 3)).changes) == 2
    deeper = with_finding(made_traces.mlp3((512, 64, 10)), "BT101", 2)
    assert messages(left.diff(deeper), "findings") == []


def named(name):
    trace = made_traces.layers(["Dense", "Dense"], name=name)
    return replace(trace, graphs=())


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("layer", "other", 2),
        ("layer_1a2b3c4d", "layer_99ffee00", 0),
        ("run_20240101", "run_7777", 0),
    ],
)
def test_names_that_a_program_made_up_do_not_count(before, after, count):
    assert len(named(before).diff(named(after)).changes) == count
    assert named(before).diff(named(after), names=False).same


def test_threads_may_come_in_any_order():
    first, second = made_traces.mlp3(), made_traces.mlp3((16, 8, 4))
    size = len(first.layers)

    def moved(trace, start, thread, layer):
        def place(id_):
            return None if id_ is None else id_ + start

        def ref(old):
            return old and replace(old, id=old.id + layer)

        calls = [
            replace(c, id=c.id + start, parent=place(c.parent), layer=ref(c.layer), thread=thread)
            for c in trace.calls
        ]
        graphs = [
            replace(
                g,
                model=ref(g.model),
                weights=(),
                nodes=tuple(replace(n, layer=n.layer + layer) for n in g.nodes),
            )
            for g in trace.graphs
        ]
        return calls, graphs

    def both(a, b):
        one, two = moved(a, 0, 0, 0), moved(b, len(a.calls), 1, size + 9)
        return replace(a, calls=(*one[0], *two[0]), graphs=(*one[1], *two[1]), weights=())

    difference = both(first, second).diff(both(second, first))
    assert difference.same
    assert {step.state for step in difference.steps} == {"same"}
