# ruff: noqa: RUF001 - shapes are told with a multiplication sign
"""Rules about layouts on traces made by hand: where each of them begins to speak, and stops."""

from __future__ import annotations

import re

import msgspec
import pytest
from made_traces import Recording

from buildtrace.diagnosis import all_rules, spread
from buildtrace.traces.schema import (
    Distribution,
    KerasInfo,
    LayoutPattern,
    PartMatch,
    UnmadeVariable,
    VariableLayout,
)
from diagnosis.hand import error, line

MESH = {"mesh_axes": ("batch", "model"), "mesh_shape": (2, 4), "batch_axis": "batch"}
COLUMNS = ((), ("model",))


def entry(pattern, axes=COLUMNS, number=8, **more):
    return LayoutPattern(pattern=pattern, axes=axes, caller=line(number), **more)


def part(path, text):
    start = path.index(text)
    return PartMatch(path=path, start=start, end=start + len(text))


def spread_trace(*variables, patterns=(), ended=None, version="3.15.1", unmade=(), asked=1):
    """A trace in which these were made: path, shape and layout of each.

    A layout is the place of its entry, or `None` for a variable that no entry is for.
    """
    r = Recording()
    for path, shape, _ in variables:
        owner, _, name = path.rpartition("/")
        r.add_weight(r.layer(owner, "Dense"), name, shape)
    trace = r.trace(ended)
    weights = []
    for weight, (path, shape, place) in zip(trace.weights, variables, strict=True):
        axes = ((),) * len(shape) if place is None else patterns[place].axes
        layout = VariableLayout(distribution=0, axes=axes, pattern=place)
        weights.append(msgspec.structs.replace(weight, path=path, layout=layout))
    distribution = Distribution(
        id=0,
        class_name="ModelParallel",
        patterns=tuple(patterns),
        variables=len(variables) * asked,
        unmade=tuple(unmade),
        caller=line(9),
        **MESH,
    )
    keras = KerasInfo(generation="keras3", package="keras", version=version)
    environment = msgspec.structs.replace(trace.environment, keras=(keras,), backend="jax")
    return msgspec.structs.replace(
        trace, weights=tuple(weights), distributions=(distribution,), environment=environment
    )


def found(code, trace):
    rule = next(rule for rule in all_rules() if rule.code == code)
    return list(rule.check(trace))


def one(code, trace):
    (finding,) = found(code, trace)
    return finding


# -- what is looked up --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path", "text", "wider"),
    [
        ("dense/kernel", "toy/dense/kernel", "dense/kernel", ".*dense/kernel"),
        (".*dense", "toy/dense/kernel", "toy/dense", ".*dense.*"),
        ("dense", "toy/dense/kernel", "dense", ".*dense.*"),
        ("dense|conv", "toy/dense/kernel", "dense", ".*(?:dense|conv).*"),
        ("(a|b)/kernel", "toy/a/kernel", "a/kernel", ".*(a|b)/kernel"),
        (r"a\|b[|]c", "x/a|b|c", "a|b|c", r".*a\|b[|]c"),
    ],
)
def test_a_wider_pattern_matches_the_whole_path(pattern, path, text, wider):
    assert re.search(pattern, path)[0] == text
    assert not re.fullmatch(pattern, path)
    assert spread.widened(pattern, [part(path, text)]) == wider
    assert re.fullmatch(wider, path)


@pytest.mark.parametrize(
    ("axes", "code"),
    [
        ((), "()"),
        ((("model",),), '("model",)'),
        (((), ("model",)), '(None, "model")'),
        ((("batch", "model"), ()), '(("batch", "model"), None)'),
    ],
)
def test_axes_in_code(axes, code):
    assert spread.axes_in_code(axes) == code
    eval(code)


@pytest.mark.parametrize("pattern", ["a.*b", r"a\d+", 'a"b', "a\\", "ä/b", r'\w"'])
def test_a_pattern_in_code_is_that_pattern(pattern):
    assert eval(spread.in_code(pattern)) == pattern


def test_weights_of_alike_blocks_are_told_together():
    trace = spread_trace(*[(f"block_{n}/up/kernel", (8, 4), None) for n in range(80)])
    said = spread.places(trace.weights)
    assert said == "'block_*/up/kernel' (80 of them, 8 × 4)"
    assert spread.places(trace.weights[:1]) == "'block_0/up/kernel' (8 × 4)"


@pytest.mark.parametrize(
    ("version", "searches"), [("3.13.2", True), ("3.14.0", False), ("3.9.0", True), ("4.0", False)]
)
def test_which_versions_look_for_parts(version, searches):
    assert spread.looks_for_parts(spread_trace(version=version)) == searches


def test_what_a_stranger_may_have_written_breaks_nothing():
    odd = LayoutPattern(pattern="(" * 500 + "a*" * 500, axes=(("nowhere",), ()) * 9)
    trace = spread_trace(("a/kernel", (0, 3), 0), ("b/kernel", (), 0), patterns=[odd])
    layout = VariableLayout(distribution=0, axes=COLUMNS, pattern=7)
    weights = [msgspec.structs.replace(weight, layout=layout, dtype="") for weight in trace.weights]
    for made in (trace, msgspec.structs.replace(trace, weights=tuple(weights))):
        for rule in all_rules():
            if rule.code >= "BT9":
                assert isinstance(list(rule.check(made)), list)


# -- BT901 --------------------------------------------------------------------------------------

DENSE = ("toy/dense/kernel", (16, 8), None)


def test_an_entry_that_matches_a_part():
    near = entry("dense/kernel", partly=(part(DENSE[0], "dense/kernel"),))
    finding = one("BT901", spread_trace(DENSE, patterns=[near]))
    assert finding.severity == "warning"
    assert finding.caller == line(8)
    assert "whole on each of 8 devices" in finding.message
    assert finding.fix == 'layout_map[".*dense/kernel"] = (None, "model")'


def test_an_entry_with_a_letter_too_many():
    finding = one("BT901", spread_trace(DENSE, patterns=[entry(".*densse/kernel")]))
    assert finding.severity == "warning"
    assert "'toy/dense/kernel' (16 × 8)" in finding.message


def test_an_entry_that_is_like_nothing_is_a_note():
    finding = one("BT901", spread_trace(DENSE, patterns=[entry(".*attention.*/query")]))
    assert finding.severity == "note"


def test_entries_that_are_found_are_well():
    kernel, output = entry(".*kernel", variables=1), entry(".*dense", outputs=("a/dense/output",))
    assert found("BT901", spread_trace(("a/dense/kernel", (4, 4), 0), patterns=[kernel])) == []
    assert found("BT901", spread_trace(DENSE, patterns=[output])) == []
    elsewhere = entry(".*seed", variables=1)  # of a variable that is not in the trace
    assert found("BT901", spread_trace(DENSE, patterns=[elsewhere])) == []


def test_an_entry_for_outputs_before_any_layer_was_called():
    assert found("BT901", spread_trace(DENSE, patterns=[entry(".*dense/output")])) == []


def test_nothing_is_missed_where_keras_did_not_ask():
    assert found("BT901", spread_trace(DENSE, patterns=[entry(".*densse/kernel")], asked=0)) == []


def test_what_a_build_that_failed_did_not_come_to_is_not_missed():
    ended = error("ValueError", "no", 3)
    later = entry(".*densse/kernel")
    assert found("BT901", spread_trace(DENSE, patterns=[later], ended=ended)) == []


# -- BT902 --------------------------------------------------------------------------------------


def test_an_entry_that_only_a_search_finds():
    path = "toy/dense/kernel"
    near = entry("dense/kernel", variables=1, partly=(part(path, "dense/kernel"),))
    trace = spread_trace((path, (16, 8), 0), patterns=[near], version="3.13.2")
    finding = one("BT902", trace)
    assert finding.severity == "note"
    assert finding.message.startswith("Keras 3.13 finds the entry 'dense/kernel'")
    assert finding.fix == 'layout_map[".*dense/kernel"] = (None, "model")'
    assert found("BT901", trace) == []


def test_an_entry_that_a_search_finds_for_more():
    path = "toy/dense/kernel"
    near = entry("dense/kernel", variables=1, partly=(part(path, "dense/kernel"),))
    variables = [("dense/kernel", (16, 8), 0), (path, (16, 8), None)]
    finding = one("BT902", spread_trace(*variables, patterns=[near]))
    assert finding.severity == "warning"
    assert "'toy/dense/kernel' (16 × 8)" in finding.message
    assert "'dense/kernel' (16 × 8)" not in finding.message


def test_a_path_that_goes_on_behind_the_pattern_is_another_variable():
    path = "dense/kernel_scale"
    near = entry("dense/kernel", variables=1, partly=(part(path, "dense/kernel"),))
    variables = [("dense/kernel", (16, 8), 0), (path, (8, 8), None)]
    assert found("BT902", spread_trace(*variables, patterns=[near])) == []


# -- BT903 --------------------------------------------------------------------------------------

LARGE = (2048, 2048)


def test_a_large_weight_that_is_whole():
    split = [(f"block_{n}/kernel", LARGE, 0) for n in range(4)]
    variables = [*split, ("head/kernel", (2048, 3000), None), ("end/kernel", LARGE, None)]
    trace = spread_trace(*variables, patterns=[entry("block.*", variables=4)])
    finding = one("BT903", trace)
    assert finding.message.index("head/kernel") < finding.message.index("end/kernel")
    on_device = 4 * 2048 * 2048 + 2048 * 3000 * 4 + 2048 * 2048 * 4
    share = 100 * (2048 * 3000 * 4 + 2048 * 2048 * 4) // on_device
    assert f"{share} % of what a device holds" in finding.message
    assert finding.fix == 'layout_map["head/kernel"] = (None, "model")'


@pytest.mark.parametrize(
    "variables",
    [
        [("up/kernel", LARGE, 0), ("norm/scale", (64, 64), None)],  # small
        [("up/kernel", LARGE, 0), ("head/bias", (2**23,), None)],  # a bias
        [("up/kernel", LARGE, 0), ("down/kernel", LARGE, 1)],  # is meant to be whole
        [("up/kernel", LARGE, None), ("down/kernel", LARGE, None)],  # nothing is split
        [*[(f"up_{n}/kernel", LARGE, 0) for n in range(99)], ("down/kernel", LARGE, None)],
    ],
    ids=["small", "bias", "meant", "nothing split", "little of all"],
)
def test_what_may_be_whole(variables):
    patterns = [entry("up.*", variables=1), entry("down.*", ((), ()), variables=1)]
    assert found("BT903", spread_trace(*variables, patterns=patterns)) == []


# -- BT904, BT905 -------------------------------------------------------------------------------


def test_all_that_the_mesh_does_not_divide():
    """As a build without memory has them: all were made."""
    both = entry(".*kernel", (("batch",), ("model",)), variables=9)
    variables = [(f"block_{n}/kernel", (8, 6), 0) for n in range(80)]
    variables += [("odd/kernel", (7, 8), 0), ("well/kernel", (8, 8), 0)]
    second, first = found("BT904", spread_trace(*variables, patterns=[both]))
    assert "Axis 1 of 'block_*/kernel' (80 of them, 8 × 6) has the size 6" in second.message
    assert "4 equal parts" in second.message
    assert len(second.calls) == 80
    assert "Axis 0 of 'odd/kernel' (7 × 8) has the size 7" in first.message
    assert first.fix.startswith('layout_map["odd/kernel"] = (None, "model")')


def test_several_axes_of_the_mesh_along_one_of_the_variable():
    both = entry(".*kernel", (("batch", "model"), ()), variables=2)
    variables = [("a/kernel", (12, 3), 0), ("b/kernel", (16, 3), 0)]
    finding = one("BT904", spread_trace(*variables, patterns=[both]))
    assert "8 equal parts" in finding.message
    assert "'a/kernel'" in finding.message


def unmade(path, shape, axes):
    return UnmadeVariable(call=0, path=path, shape=shape, dtype="float32", axes=axes, pattern=0)


def test_the_variable_that_ended_a_real_build():
    columns = entry(".*kernel", variables=2)
    failed = unmade("b/kernel", (8, 6), COLUMNS)
    trace = spread_trace(("a/kernel", (8, 8), 0), patterns=[columns], unmade=[failed])
    finding = one("BT904", trace)
    assert "'b/kernel' (8 × 6)" in finding.message
    assert finding.calls == (0,)


@pytest.mark.parametrize(
    ("shape", "axes", "severity"),
    [
        ((8,), COLUMNS, "error"),
        ((), (("model",),), "error"),
        ((8, 8), (("model",),), "note"),
        ((8, 8), COLUMNS, None),
        ((8, 8), ((),), None),
        ((8, 8), (), None),
    ],
)
def test_axes_of_an_entry_and_of_a_variable(shape, axes, severity):
    trace = spread_trace(("a/w", shape, 0), patterns=[entry(".*", axes, variables=1)])
    assert [finding.severity for finding in found("BT905", trace)] == ([severity] * bool(severity))


# -- BT906, BT907 -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "devices", "is_told"),
    [
        ("tensorflow", (2, 4), True),
        ("torch", (2, 4), True),
        ("jax", (2, 4), False),
        ("torch", (1, 1), False),
        (None, (2, 4), False),
    ],
)
def test_where_a_distribution_does_nothing(backend, devices, is_told):
    trace = spread_trace(DENSE, patterns=[entry(".*kernel")], asked=0)
    plain = [msgspec.structs.replace(weight, layout=None) for weight in trace.weights]
    mesh = msgspec.structs.replace(trace.distributions[0], mesh_shape=devices)
    trace = msgspec.structs.replace(
        trace,
        weights=tuple(plain),
        distributions=(mesh,),
        environment=msgspec.structs.replace(trace.environment, backend=backend),
    )
    assert len(found("BT906", trace)) == is_told


def blocks(*places, shape=(8, 8)):
    return [(f"block_{n}/up/kernel", shape, place) for n, place in enumerate(places)]


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        (blocks(0, 0, 0, None), ["block_3/up/kernel"]),
        (blocks(0, 0, None, None), []),
        (blocks(0, None), []),
        (blocks(None, None, None), []),
        (blocks(0, 0, 0, None, shape=(8,)), []),  # biases
        ([*blocks(0, 0, 0), ("block_3/up/kernel", (8, 2), None)], []),  # of another shape
        ([*blocks(0, 0, 0), ("block_3/down/kernel", (8, 8), None)], []),
        (blocks(0, 0, 0, 1), []),  # is meant to be whole
    ],
)
def test_a_sibling_that_was_left_out(variables, left):
    patterns = [entry("block.*", variables=3), entry("whole", ((), ()), variables=1)]
    findings = found("BT907", spread_trace(*variables, patterns=patterns))
    told = [
        path for finding in findings for path in re.findall(r"for '([^']+)' \(", finding.message)
    ]
    assert told == left


def test_a_layer_of_the_same_class_beside_others():
    paths = [f"attention/{name}/kernel" for name in ("query", "key", "value")]
    variables = [(path, (8, 8), place) for path, place in zip(paths, (0, 0, None), strict=True)]
    finding = one("BT907", spread_trace(*variables, patterns=[entry("x", variables=2)]))
    assert "no entry for 'attention/value/kernel'" in finding.message
    assert finding.fix == 'layout_map["attention/value/kernel"] = (None, "model")'
