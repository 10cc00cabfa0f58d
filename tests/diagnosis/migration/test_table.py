"""The table of what changed is true of the installed Keras 3 and tf_keras."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from buildtrace.diagnosis import all_rules
from buildtrace.diagnosis.migration.changed import KERAS, KERAS_3, TF_KERAS
from buildtrace.diagnosis.migration.gone_arguments import GONE_ARGUMENTS
from buildtrace.diagnosis.migration.gone_members import GONE_MEMBERS
from buildtrace.diagnosis.migration.gone_names import GONE_NAMES
from buildtrace.diagnosis.migration.known import MADE_MODEL, MODEL
from buildtrace.diagnosis.migration.table import TABLE, KerasPath, gone_name
from diagnosis.migration import installed_names
from diagnosis.scripts import installed

REPLACEMENT = re.compile(r"(?<![\w.])(tf\.keras|keras)\.((?:\w+\.)*\w+)")
REFUSED = "losses.Reduction.AUTO"
"""It is there, but its value is not taken."""

STUBS = "optimizers.legacy"
"""It is there, and has classes that only raise."""

CLASSES = {
    "model": "Model",
    "made model": "Model",
    "layer": "layers.Dense",
    "optimizer": "optimizers.Adam",
    "metric": "metrics.Mean",
}
"""Kind → a class of that kind."""

ON_OBJECTS = {
    "add_metric",  # it is there, and raises
    "add_loss",  # as well, of a functional model
    "variables()",  # it is a property
    "output_names",
    "input_names",
    "get_scaled_loss",  # of another optimizer
    "get_unscaled_gradients",
    "inbound_layers",
    "_keras_history.layer",
    "get_shape",
    "as_list",
    "name",
}
"""Members that no class tells of: the scripts of the rules' tests run them."""


def replacements():
    for row in TABLE:
        for under, path in REPLACEMENT.findall(row.instead):
            if not path.endswith("{rest") and "tf_keras" not in path:
                yield row, under, path.partition(".{")[0].rstrip(".")


@pytest.fixture(scope="module")
def facts():
    """What the installed packages say; asked once."""
    if len(installed()) < 2:
        pytest.skip("needs both generations of Keras")
    paths = {row.name for row in GONE_NAMES} | {path for _, _, path in replacements()}
    paths |= {
        f"{CLASSES[kind]}.{row.name}" for row in GONE_MEMBERS for kind in row.of if kind in CLASSES
    }
    functions = {of for row in GONE_ARGUMENTS for of in row.of}
    functions = {f"Model{of}" if of.startswith(".") else of for of in functions if "*" not in of}
    request = {"names": sorted(paths), "functions": sorted(functions)}
    ran = subprocess.run(
        [sys.executable, installed_names.__file__],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout.splitlines()[-1])


def test_each_row_has_a_rule_a_source_and_a_remedy():
    codes = {rule.code for rule in all_rules()}
    for row in TABLE:
        assert row.code in codes, row
        assert row.instead.strip(), row
        assert row.source, row
        assert re.fullmatch(r"\d+\.\d+", row.since), row


def test_no_row_stands_twice():
    keys = [(row.code, row.name, row.under, row.of, row.instead) for row in TABLE]
    assert len(keys) == len(set(keys))


@pytest.mark.slow
def test_names_are_gone_where_the_table_says_so(facts):
    for row in GONE_NAMES:
        ways = facts["names"][row.name]
        if row.name in (REFUSED, STUBS):
            continue
        if row.under in ("", KERAS):
            assert KERAS not in ways, row.name
        if row.under in ("", TF_KERAS):
            assert TF_KERAS not in ways, row.name
        if row.under == KERAS:
            assert TF_KERAS in ways, row.name
        if row.under == TF_KERAS:
            assert KERAS in ways, row.name


@pytest.mark.slow
def test_names_of_keras_2_are_in_tf_keras_and_older_ones_are_not(facts):
    for row in GONE_NAMES:
        ways = facts["names"][row.name]
        assert ("tf_keras" in ways) == (row.since == KERAS_3), row.name


@pytest.mark.slow
def test_what_is_to_be_written_instead_is_there(facts):
    wrong = {
        f"{under}.{path}" for _, under, path in replacements() if under not in facts["names"][path]
    }
    assert wrong == set()


@pytest.mark.slow
@pytest.mark.parametrize("way", [KERAS, TF_KERAS])
def test_each_public_name_that_is_gone_has_a_row(facts, way):
    gone = facts["public"]["tf_keras"].keys() - facts["public"][way].keys()
    assert len(gone) > 100
    assert {name for name in gone if gone_name(KerasPath(way, name)) is None} == set()


@pytest.mark.slow
@pytest.mark.parametrize("way", [KERAS, TF_KERAS])
def test_no_name_that_is_there_has_a_row(facts, way):
    there = facts["public"][way]
    told = {name for name in there if gone_name(KerasPath(way, name)) is not None}
    assert {name for name in told - {REFUSED} if not name.startswith(STUBS)} == set()


@pytest.mark.slow
def test_members_are_gone_where_the_table_says_so(facts):
    for row in GONE_MEMBERS:
        for kind in row.of:
            if row.name in ON_OBJECTS or kind not in CLASSES:
                continue
            if (row.name, kind) == ("stateful", MODEL):
                continue
            ways = facts["names"][f"{CLASSES[kind]}.{row.name}"]
            assert KERAS not in ways, row
            if row.since == KERAS_3:
                assert "tf_keras" in ways, row


@pytest.mark.slow
def test_arguments_are_gone_where_the_table_says_so(facts):
    for row in GONE_ARGUMENTS:
        for of in row.of:
            signatures = facts["arguments"].get(f"Model{of}" if of.startswith(".") else of)
            if not signatures or KERAS not in signatures:
                continue
            is_partly_taken = row.severity == "note" or row.when or row.unless
            assert is_partly_taken or row.name not in signatures[KERAS]["names"], row
            if row.renamed and not signatures[KERAS]["any"]:
                assert row.renamed in signatures[KERAS]["names"], row


def test_this_module_knows_the_kinds():
    kinds = {kind for row in GONE_MEMBERS for kind in row.of}
    assert kinds == {*CLASSES, "symbol", "shape", "dtype", "node"}
    assert {MODEL, MADE_MODEL} <= kinds
    assert Path(installed_names.__file__).exists()
