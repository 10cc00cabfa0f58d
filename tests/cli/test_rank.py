"""Which of several processes this one is, as their launchers tell it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from buildtrace.cli import check_options, parser
from buildtrace.cli.rank import TF_CONFIG, VARIABLES, named, rank
from buildtrace.errors import UsageError

WORKERS = {"worker": ["a:1", "b:1", "c:1"]}


def tf_config(kind, index, cluster=WORKERS):
    return {TF_CONFIG: json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in (TF_CONFIG, *VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, None),
        (tf_config("worker", 0), "0"),
        (tf_config("worker", 2), "2"),
        (tf_config("worker", "1"), "1"),  # some launchers write text
        (tf_config("chief", 0, WORKERS | {"chief": ["d:1"]}), "0"),
        (tf_config("worker", 0, WORKERS | {"chief": ["d:1"]}), "1"),
        (tf_config("worker", 1, WORKERS | {"master": ["d:1"]}), "2"),
        (tf_config("ps", 1, WORKERS | {"ps": ["d:1", "e:1"]}), "ps-1"),
        (tf_config("evaluator", 0), "evaluator-0"),
        ({TF_CONFIG: "{}"}, None),
        ({TF_CONFIG: " ", "RANK": "3"}, "3"),
        ({TF_CONFIG: json.dumps({"cluster": WORKERS}), "RANK": "3"}, "3"),
        ({"RANK": "0", "LOCAL_RANK": "1"}, "0"),
        ({"RANK": ""}, None),
        ({"SLURM_PROCID": "12"}, "12"),
        ({"OMPI_COMM_WORLD_RANK": "07"}, "7"),
        (tf_config("worker", 2) | {"SLURM_PROCID": "5"}, "2"),
        *[({name: "4"}, "4") for name in VARIABLES],
    ],
)
def test_the_rank_by_the_environment(environment, wanted):
    assert rank(environment) == wanted


def test_a_chief_and_the_workers_are_counted_as_tensorflow_does():
    """TensorFlow's own count of them is `multi_worker_util.id_in_cluster`."""
    util = pytest.importorskip("tensorflow.python.distribute.multi_worker_util")
    clusters = [WORKERS, WORKERS | {"chief": ["d:1"]}]
    tasks = [(c, kind, n) for c in clusters for kind, all_ in c.items() for n in range(len(all_))]
    for cluster, kind, index in tasks:
        counted = util.id_in_cluster(cluster, kind, index)
        assert rank(tf_config(kind, index, cluster)) == str(counted)


@pytest.mark.parametrize(
    "environment",
    [
        {"RANK": "../../x"},
        {"RANK": "-1"},
        {"RANK": "one"},
        {"RANK": "²"},
        {"SLURM_PROCID": "1" * 50},
        {TF_CONFIG: "{"},
        {TF_CONFIG: "[]"},
        {TF_CONFIG: '"worker"'},
        {TF_CONFIG: '{"task": 3}'},
        {TF_CONFIG: "[" * 100_000},
        tf_config("../x", 0),
        tf_config("worker", "../x"),
        tf_config("worker", -1),
        tf_config("worker", None),
        tf_config("worker", 1.5),
        tf_config({}, 0),
        tf_config("worker", 0, cluster=3),
    ],
)
def test_what_makes_no_sense_is_one_line(environment):
    with pytest.raises(UsageError) as error:
        rank(environment)
    assert "\n" not in str(error.value)


def test_the_rank_in_a_name(monkeypatch):
    monkeypatch.setenv("RANK", "2")
    assert named("out-{rank}/trace-{rank}.json") == "out-2/trace-2.json"
    assert named("{other}.json") == "{other}.json"
    assert named("{rank}-{pid}.json") == f"2-{os.getpid()}.json"


def test_without_a_rank_all_would_write_to_the_same_file():
    assert named("trace.json") == "trace.json"
    with pytest.raises(
        UsageError, match=r"-o trace-\{rank\}\.json: which rank .* TF_CONFIG, .*RANK"
    ):
        named("trace-{rank}.json")


def test_the_names_of_all_outputs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RANK", "2")
    Path("x.py").touch()
    _, request = parser.parse(["-o", "a-{rank}.json", "-o", "p{rank}/", "-o", "{rank}.svg", "x.py"])
    assert [path.name for path in request.outputs] == ["a-2.json", "2.svg"]
    assert [path.name for path in request.folders] == ["p2"]
    checked = check_options.parse(["-o", "found-{rank}.sarif", "x.py"])
    assert [path.name for path in checked.files] == ["found-2.sarif"]


def test_an_unknown_rank_ends_the_command_before_anything_runs(cli, script):
    name = script("open('ran', 'w')")
    result = cli("-o", "trace-{rank}.json", name)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: -o trace-{rank}.json: which rank")
    assert result.err.count("\n") == 1
    assert not Path("ran").exists()
