"""The landmark tables, as far as they can be checked without Keras."""

import pytest

from buildtrace.generations import GENERATIONS
from buildtrace.generations.base import Landmark, version_number

ROWS = [(generation, row) for generation in GENERATIONS for row in generation.landmarks]


def landmark(**keywords):
    return Landmark(name="f", target="m:f", step="build", reads="name", summary="", **keywords)


@pytest.mark.parametrize(
    ("version", "number"),
    [("3.15.1", (3, 15, 1)), ("2.16.0rc1", (2, 16, 0)), ("3.9.0.dev2025", (3, 9, 0)), ("?", ())],
)
def test_versions_are_compared_as_numbers(version, number):
    assert version_number(version) == number


def test_a_landmark_exists_from_its_first_version_until_its_last():
    row = landmark(since="3.7", until="3.10")
    versions = ["3.2.1", "3.6.9", "3.7.0", "3.9.2", "3.10.0", "3.15.1"]
    assert [v for v in versions if row.exists_in(v)] == ["3.7.0", "3.9.2"]
    assert all(landmark().exists_in(v) for v in versions)


def test_each_row_says_what_a_learner_needs():
    for _, row in ROWS:
        assert row.summary.endswith("."), row.name
        assert row.article is None or row.article.startswith("The article "), row.name
        module, _, function = row.target.partition(":")
        assert module, row.name
        assert function, row.name


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.name)
def test_a_version_has_each_landmark_once(generation):
    for version in ("2.13.1", "2.21.0", "3.2.0", "3.6.0", "3.7.0", "3.10.0", "3.15.1"):
        names = [row.name for row in generation.landmarks_of(version)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.name)
def test_every_step_of_the_build_has_a_landmark(generation):
    steps = {row.step for row in generation.landmarks}
    assert steps == {"input", "connect", "build", "weight", "graph", "compile", "load"}


def roles(generation):
    return {row.role for row in generation.landmarks}


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.name)
def test_a_landmark_without_a_counterpart_says_why(generation):
    others = set().union(*(roles(other) for other in GENERATIONS if other is not generation))
    for row in generation.landmarks:
        assert row.role
        assert row.role in others or row.unpaired, row.name
        assert row.unpaired is None or row.unpaired.endswith(".")


def test_landmarks_of_one_name_have_one_role():
    found = {}
    for _, row in ROWS:
        found.setdefault(row.name, set()).add(row.role)
    assert all(len(each) == 1 for each in found.values())


@pytest.mark.parametrize(
    ("name", "counterparts"),
    [
        ("make_variable", {"Variable.__init__"}),
        ("_map_graph_network", {"map_graph"}),
        ("Functional._init_graph_network", {"Function.__init__"}),
        (
            "Layer._functional_construction_call",
            {"Layer.symbolic_call", "Operation.symbolic_call"},
        ),
        ("Layer._infer_output_signature", {"compute_output_spec"}),
        ("Layer._set_connectivity_metadata", set()),
    ],
)
def test_the_counterparts_that_the_sources_show(name, counterparts):
    keras2, keras3 = GENERATIONS
    (role,) = {row.role for row in keras2.landmarks if row.name == name}
    assert {row.name for row in keras3.landmarks if row.role == role} == counterparts
