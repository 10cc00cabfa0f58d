"""The examples that ship: each runs on every installed Keras, by the command in its docstring."""

import ast
import importlib.util
import os
from pathlib import Path

import pytest
from forked import forked_python, python

import buildtrace.examples
from buildtrace.cli import environment, missing_keras
from buildtrace.cli.parser import keras_choices
from buildtrace.traces import trace_file

__all__ = ["forked_python", "python"]  # fixtures
ROOT = Path(buildtrace.examples.__file__).parents[2]
EXAMPLES = sorted(
    path.stem
    for path in Path(buildtrace.examples.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)
PARAMETERS = {
    "mnist_mlp": 784 * 512 + 512 + 512 * 10 + 10,
    "functional_shared": 32 * 16 + 16 + 48 + 1,
    "subclassed": 784 * 64 + 64 + 2 * 2 * (64 * 64 + 64) + 64 * 10 + 10,
    "resnet50": 25_636_712,  # as keras.applications documents it: 25.6 million
    "any_backend": 32 + 32 * 16 + 16 + 16 + 1,
}

# The chain of calls that the article describes, as far as Keras 2 has it.
ARTICLE = [
    "Sequential.build",
    "Sequential._build_graph_network_for_inferred_shape",
    "Layer.__call__",
    "Layer._functional_construction_call",
    "Layer._keras_tensor_symbolic_call",
    "Layer._infer_output_signature",
    "Layer._maybe_build",
    "Dense.build",
    "Layer.add_weight",
]

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="the others use tf.keras"
)


def run(python, example, keras, folder):
    options, module = ["-o", "build.json"], f"buildtrace.examples.{example}"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    environ.pop("TF_CPP_MIN_LOG_LEVEL", None)  # a user who set it gets what it asks for
    arguments = ("-m", "buildtrace", "--keras", keras, *options, "-m", module)
    done = python(*arguments, cwd=folder, env=environ, keras=keras)
    assert done.returncode == 0, done.stderr
    return trace_file.load(folder / "build.json"), done


def each_keras():
    for keras in keras_choices()[1:]:
        here = environment.package_of(keras) is not None
        skip = pytest.mark.skipif(not here, reason=f"Keras {keras} is not installed")
        yield pytest.param(keras, marks=skip)


@needs_tensorflow
@pytest.mark.parametrize("keras", list(each_keras()))
def test_the_first_runs_and_is_traced(python, tmp_path, keras):
    check(python, "mnist_mlp", keras, tmp_path)


@pytest.mark.slow
@needs_tensorflow
@pytest.mark.parametrize("keras", list(each_keras()))
@pytest.mark.parametrize("example", sorted(PARAMETERS.keys() - {"mnist_mlp", "any_backend"}))
def test_each_other_runs_and_is_traced(forked_python, tmp_path, example, keras):
    check(forked_python, example, keras, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(environment.package_of("3") is None, reason="Keras 3 is not installed")
def test_the_one_that_needs_no_tensorflow(forked_python, tmp_path, monkeypatch):
    backend = next(filter(environment.installed, missing_keras.BACKENDS))
    monkeypatch.setenv("KERAS_BACKEND", backend)
    check(forked_python, "any_backend", "3", tmp_path)
    trace = trace_file.load(tmp_path / "build.json")
    assert trace.environment.backend == backend


def check(python, example, keras, folder):
    trace, done = run(python, example, keras, folder)
    assert trace.parameters == PARAMETERS[example]
    assert {call.generation for call in trace.calls} == {f"keras{keras}"}
    assert trace.graphs
    assert trace.error is None
    chatter = [text for text in ("oneDNN", "cuda", "absl", "WARNING") if text in done.stderr]
    assert chatter == []


@needs_tensorflow
@pytest.mark.skipif(environment.package_of("2") is None, reason="Keras 2 is not installed")
@pytest.mark.parametrize("keras", ["2"])
def test_the_article_is_what_happens_on_keras_2(python, tmp_path, keras):
    trace, _ = run(python, "mnist_mlp", keras, tmp_path)
    made = {}
    for weight in trace.weights:
        call = trace.call(weight.call)
        chain = [call.name, *(above.name for above in trace.ancestors(call))]
        assert chain[::-1] == ARTICLE
        made[weight.path.split(":")[0]] = weight.shape
    assert list(made.values()) == [(784, 512), (512,), (512, 10), (10,)]
    mapping = trace.find("_build_map_helper")[0]
    assert [call.name for call in trace.ancestors(mapping)][:3] == [
        "_build_map",
        "_map_graph_network",
        "Functional._init_graph_network",
    ]


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_says_how_to_run_it(example):
    path = Path(buildtrace.examples.__file__).with_name(f"{example}.py")
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert f"-m buildtrace.examples.{example}" in docstring


def test_the_help_names_every_example():
    from buildtrace.cli.parser import build_parser

    text = build_parser().format_help()
    assert [example for example in EXAMPLES if example not in text] == []
