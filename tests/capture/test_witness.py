"""The tree of a trace is the tree of landmark frames that the interpreter itself saw."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import pytest
from alarms import no_false_alarm
from loadings import LOADINGS
from scenarios import GENERATIONS, SCENARIOS, Keras, Scenario
from trainings import KINDS, TRAININGS
from witness import Table, Witness, differences, render, seen_lines, trace_lines

import buildtrace

IN_THREADS = ("load_stack", "load_weights_of_a_stack")


@cache
def table_of(k: Keras) -> Table:
    assert k.keras
    return Table(k.generation, k.root)


def check(witness: Witness, trace: Any) -> None:
    problems = differences(seen_lines(witness.roots), trace_lines(trace))
    assert not problems, problems


def skip_if_blind(k: Keras, witness: Witness) -> None:
    """TensorFlow 2.16's autograph rewrites tf_keras 2.16: no landmark frame runs in `fit`."""
    if k.package == "tf_keras" and k.version == (2, 16) and witness.lost:
        pytest.skip(f"the interpreter does not show the landmarks here: {set(witness.lost)}")
    assert not witness.lost


@pytest.mark.sampled(8)
@pytest.mark.parametrize("made", ["before", pytest.param("during", marks=pytest.mark.slow)])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_the_trace_is_what_the_interpreter_saw(k: Keras, scenario: Scenario, made: str) -> None:
    if not scenario.runs_on(k):
        pytest.skip("not for this Keras")
    table = table_of(k)
    model = scenario.make(k) if made == "before" else None
    with buildtrace.trace() as trace, Witness(table) as witness:
        if made == "during":
            model = scenario.make(k)
        scenario.build(k, model)
    if made == "during":  # in CI, on the newest versions
        no_false_alarm(k, scenario, trace)
    skip_if_blind(k, witness)
    assert witness.roots or made == "before", "this scenario tests nothing"
    check(witness, trace)


@pytest.mark.sampled(12)
@pytest.mark.parametrize(
    ("training", "made"),
    [
        *[pytest.param(one, "before", id=f"{one.name}-before") for one in TRAININGS],
        *[
            pytest.param(one, "during", id=f"{one.name}-during", marks=pytest.mark.slow)
            for one in KINDS
        ],
    ],
)
def test_what_training_needs_is_what_the_interpreter_saw(
    k: Keras, training: Scenario, made: str
) -> None:
    """Of all training steps, the calls in which something is built; of most, none."""
    if not training.runs_on(k):
        pytest.skip("not for this Keras")
    table = table_of(k)
    model = training.make(k) if made == "before" else None
    with buildtrace.trace() as trace, Witness(table) as witness:
        training.build(k, training.make(k) if model is None else model)
    skip_if_blind(k, witness)
    assert witness.roots, "this training tests nothing"
    check(witness, trace)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("loading", LOADINGS, ids=lambda s: s.name)
def test_what_is_loaded_is_what_the_interpreter_saw(k: Keras, loading: Scenario) -> None:
    if not loading.runs_on(k):
        pytest.skip("not for this Keras")
    table = table_of(k)
    made = loading.make(k)
    with buildtrace.trace() as trace, Witness(table) as witness:
        loading.build(k, made)
    skip_if_blind(k, witness)
    assert witness.roots, "nothing is loaded"
    check(witness, trace)


def test_what_a_thread_loads_is_what_the_interpreter_saw_there(k: Keras) -> None:
    """Two at a time: neither's calls are among the other's."""
    table = table_of(k)
    made = {loading: loading.make(k) for loading in LOADINGS if loading.name in IN_THREADS}
    meet, seen = threading.Barrier(len(made), timeout=60), []

    def work(loading: Scenario) -> None:
        meet.wait()
        with Witness(table) as witness:
            loading.build(k, made[loading])
        seen.append(witness)

    with buildtrace.trace() as trace:
        threads = [threading.Thread(target=work, args=[loading]) for loading in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    traced = [trace_lines(trace, thread) for thread in {root.thread for root in trace.roots}]
    assert len(seen) == len(traced) == len(IN_THREADS)
    for witness in seen:
        skip_if_blind(k, witness)
        lines = seen_lines(witness.roots)
        assert any(not differences(lines, other) for other in traced)


def test_a_built_model_leaves_no_record(k: Keras) -> None:
    for scenario in (s for s in SCENARIOS if not s.records and s.runs_on(k)):
        model = scenario.make(k)
        with buildtrace.trace() as trace, Witness(table_of(k)) as witness:
            scenario.build(k, model)
        assert not witness.roots
        assert not trace.calls


@pytest.mark.slow
def test_all_scenarios_in_one_trace(k: Keras) -> None:
    """State must not leak from one build, or failure, into the next."""
    scenarios = [s for s in SCENARIOS if s.runs_on(k) and "fit" not in s.name]
    with buildtrace.trace() as trace, Witness(table_of(k)) as witness:
        for scenario in scenarios:
            scenario.build(k, scenario.make(k))
    skip_if_blind(k, witness)
    check(witness, trace)


@pytest.mark.slow
@pytest.mark.rest
def test_both_generations_in_one_trace() -> None:
    if len(GENERATIONS) < 2:
        pytest.skip("only one generation is installed")
    with buildtrace.trace() as trace, Witness(*map(table_of, GENERATIONS)) as witness:
        for scenario in SCENARIOS[:20]:
            for k in GENERATIONS:
                if scenario.runs_on(k) and "fit" not in scenario.name:
                    scenario.build(k, scenario.make(k))
    check(witness, trace)
    assert {call.generation for call in trace.calls} == {"keras2", "keras3"}


# -- the witness itself -----------------------------------------------------------------------
# These trees are copied from what BUILD_PROCESS says Keras does, not from a trace: without them
# a witness that sees nothing would agree with a capture that records nothing.

DENSE2 = """\
    Layer.__call__
      Layer._functional_construction_call
        Layer._keras_tensor_symbolic_call
          Layer._infer_output_signature
            Layer._maybe_build
              Dense.build
                Layer.add_weight
                  make_variable
                    VarianceScaling.__call__
                Layer.add_weight
                  make_variable
                    Zeros.__call__
                Layer.build
              Layer.build
        Layer._set_connectivity_metadata
          Node.__init__
"""
MLP2 = f"""\
Sequential.build
  Sequential._build_graph_network_for_inferred_shape
    Input
      InputLayer.__init__
        Node.__init__
{DENSE2}{DENSE2}    Functional._init_graph_network
      _map_graph_network
        _build_map
          _build_map_helper
            _build_map_helper
              _build_map_helper"""
DENSE3 = """\
  Layer.__call__
    Layer._maybe_build
      Dense.build
        Layer.add_weight
          Variable.__init__
            VarianceScaling.__call__
        Layer.add_weight
          Variable.__init__
            Zeros.__call__
    Operation.__call__
      Layer.symbolic_call
        Layer.compute_output_spec
          Dense.compute_output_shape
    Node.__init__
"""
MLP3 = f"""\
Sequential.build
  InputLayer.__init__
    Node.__init__
{DENSE3}{DENSE3}  Functional.__init__
    Function.__init__
      map_graph
        _build_map
          _build_map_helper
            _build_map_helper
              _build_map_helper
    Functional.build"""


def expected_mlp(k: Keras) -> str:
    if k.generation == 3:
        return MLP3
    # Before tf_keras 2.19, Dense.build did not call super().build().
    calls_super = k.package == "tf_keras" and k.version >= (2, 19)
    return MLP2 if calls_super else MLP2.replace(" " * 16 + "Layer.build\n", "")


def test_the_witness_sees_what_keras_is_known_to_do(k: Keras) -> None:
    if k.generation == 3 and k.version < (3, 10):
        pytest.skip("written down for the newer releases")
    model = k.Sequential([k.layers.Dense(4), k.layers.Dense(2)])
    with Witness(table_of(k)) as witness:
        model.build((None, 3))
    lines = [(depth, name, None) for depth, name, _ in seen_lines(witness.roots)]
    assert render(lines) == expected_mlp(k)


def test_the_witness_tells_trees_apart(k: Keras) -> None:
    """A comparison that cannot fail proves nothing."""
    model = k.Sequential([k.layers.Dense(4), k.layers.Dense(2)])
    with Witness(table_of(k)) as witness:
        model.build((None, 3))
    lines = seen_lines(witness.roots)
    depth, name, layer = lines[3]
    assert not differences(lines, [(d, n, _ref(x)) for d, n, x in lines])
    assert differences(lines, lines[:-1])
    assert differences(lines, [*lines[:3], (depth + 1, name, layer), *lines[4:]])
    refs = [(d, n, _ref(x)) for d, n, x in lines]
    first = next(i for i, line in enumerate(refs) if line[1] == "Dense.build")
    refs[first] = (*refs[first][:2], None)
    assert differences(lines, refs)


def _ref(layer: Any) -> Any:
    from buildtrace.traces.schema import LayerRef

    if layer is None:
        return None
    return LayerRef(id=id(layer), name=layer.name, class_name=type(layer).__name__)
