"""The schema of the trace file says no less than the classes, and no more than the loader."""

from __future__ import annotations

import copy
import json
from collections import Counter

import made_traces
import msgspec
import pytest
import schema_check
from diagnosis import recordings
from fuzzing.mutants import Mutant

from buildtrace.errors import TraceFileError
from buildtrace.traces import schema, trace_file
from buildtrace.traces.json_schema import trace_file_schema
from buildtrace.traces.trace import Trace

rs = pytest.importorskip("jsonschema_rs", reason='pip install ".[test]"')

REFERENCES = ("expected an id in", "expected the id", "expected an end behind the beginning")
SUMS = ("expected at most",)
NUMBERS = ("Expected `int`, got `float`", "Expected `int` <= ", "Expected `int` >= ", "at `key`")
ONLY_THE_LOADER = {
    "an id that is of nothing, or an edit that ends before it begins": REFERENCES,
    "more numbers in all weights together than 64 bits can count": SUMS,
    "a whole number with a decimal point, or the key of an object out of its bounds": NUMBERS,
}
"""Kinds of what the loader refuses and the schema lets pass, by what the loader says of them."""


def is_valid(data):
    return schema_check.validator().is_valid(data)


def test_it_is_a_schema_and_everything_in_it_is_described():
    made = trace_file_schema()
    rs.meta.validate(made)
    for name, part in made["$defs"].items():
        assert part["description"], name
        for key, field in part["properties"].items():
            known = {key, "class_name"} & set(vars(schema)[name].__struct_fields__)
            said = vars(schema)[name].__doc__.partition("Attributes:")[2]
            if any(f"    {attribute}: " in said for attribute in known):
                assert field.get("description"), (name, key)
    assert all("description" in field for field in made["properties"].values())


def test_it_has_each_class_and_each_field_by_its_name_in_the_file():
    made = trace_file_schema()
    structs = {
        name: kind
        for name, kind in vars(schema).items()
        if isinstance(kind, type) and issubclass(kind, schema.PlainData)
    }
    assert made["$defs"].keys() == structs.keys() - {"PlainData"}
    for name, part in made["$defs"].items():
        assert list(part["properties"]) == [*structs[name].__struct_encode_fields__]
    assert [*made["properties"]] == ["format", "version", *Trace.__struct_fields__]


def test_what_is_a_reference_says_to_what():
    parts = trace_file_schema()["$defs"]
    parent = parts["Call"]["properties"]["parent"]["anyOf"][0]
    assert parent["$comment"] == "the id of one of the calls, an earlier one"
    inputs = parts["Graph"]["properties"]["inputs"]["items"]
    assert inputs["$comment"] == "the id of one of the nodes"
    assert parts["Weight"]["properties"]["id"]["$comment"] == "its place in its list, from 0"


def test_what_the_loader_takes_and_what_it_refuses():
    data = json.loads(trace_file.to_json(made_traces.towers()))
    assert is_valid(data)
    assert is_valid({"format": "buildtrace", "version": 1})
    assert is_valid(data | {"more": [1], "calls": [data["calls"][0] | {"more": {}}]})
    for version in (0, 2, None, "1"):
        other = data | {"version": version}
        assert not is_valid(other)
        with pytest.raises(TraceFileError):
            trace_file.from_json(json.dumps(other).encode())
    for key in ("format", "version"):
        other = {name: value for name, value in data.items() if name != key}
        assert not is_valid(other)
        with pytest.raises(TraceFileError):
            trace_file.from_json(json.dumps(other).encode())


def test_numbers_as_keys():
    file = {"file": "x.py", "inside": {"7": "f"}, "ignored": {"12": ["BT101"]}}
    data = {"format": "buildtrace", "version": 1, "sources": [file]}
    assert is_valid(data)
    for key in ("x", "", "1.5", "07", " 7", "7 ", "\u0667"):
        other = copy.deepcopy(data)
        other["sources"][0]["inside"] = {key: "f"}
        assert not is_valid(other), key
        with pytest.raises(TraceFileError):
            trace_file.from_json(json.dumps(other).encode())


def fate(text):
    """What the schema and the loader say of a text: "both", "loader", … and the loader's reason."""
    try:
        data = json.loads(text)
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return "no JSON", ""
    try:
        trace_file.from_json(text)
    except TraceFileError as error:
        return ("loader" if is_valid(data) else "both"), str(error)
    return ("neither" if is_valid(data) else "schema"), ""


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))]
)
def test_mutants_that_the_schema_refuses_are_refused_by_the_loader(first):
    seen = Counter()
    for seed in range(first * 250, (first + 1) * 250 if first else 100):
        text = Mutant(seed, []).text()
        kind, reason = fate(text)
        seen[kind] += 1
        assert kind != "schema", seed
        if kind == "loader":
            kinds = [k for k, signs in ONLY_THE_LOADER.items() if any(s in reason for s in signs)]
            assert kinds, (seed, reason)
    assert min(seen["both"], seen["neither"], seen["loader"]) > 2, "these mutants show nothing"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.sampled(20)], id=path.name)
        for path in recordings.all_recorded()
    ],
)
def test_recorded_runs_are_as_the_schema_says(path):
    runs = recordings.read(path).runs
    assert runs
    for run in runs.values():
        schema_check.check(bytes(run.trace))


@pytest.mark.slow
def test_the_reference_implementation_says_the_same():
    """Of recorded runs and of mutants: that the quick one is right is not taken on trust."""
    reference = pytest.importorskip("jsonschema", reason='pip install ".[formats]"')
    slow = reference.Draft202012Validator(trace_file_schema())
    slow.check_schema(slow.schema)
    for path in recordings.all_recorded()[::8]:
        run = next(iter(recordings.read(path).runs.values()))
        assert slow.is_valid(json.loads(bytes(run.trace)))
    refused = 0
    for seed in range(120):
        text = Mutant(seed, []).text()
        if fate(text)[0] != "no JSON":
            data = json.loads(text)
            assert slow.is_valid(data) == is_valid(data), seed
            refused += not is_valid(data)
    assert refused > 5
