"""`buildtrace --abstract`: the script runs with weights that take no memory."""

import pytest
from scenarios import GENERATIONS

SCRIPT = """\
import PACKAGE as keras
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10**9, name="huge")])
print("built", model.count_params())
"""
READS = "model.layers[0].kernel.numpy()\n"


def of(keras):
    return SCRIPT.replace("PACKAGE", keras.package)


@pytest.fixture(params=GENERATIONS, ids=lambda k: k.name)
def keras(request):
    return request.param


def test_a_script_that_builds_ends_well(keras_command, script, keras):
    name = script(of(keras))
    result = keras_command(str(keras.generation), "-m", "buildtrace", "--abstract", name)
    assert result.code == 0, result.err
    assert result.out == "built 65000000000\n"
    assert "abstract: weights without memory" in result.err.replace("\n", " ")
    assert "65,000,000,000 parameters" in result.err


def test_a_script_that_reads_ends_with_the_error_and_the_tree(keras_command, script, keras):
    name = script(of(keras) + READS)
    result = keras_command(str(keras.generation), "-m", "buildtrace", "--abstract", name)
    assert result.code == 1
    kernel = "huge/kernel" if keras.generation == 2 else "sequential/huge/kernel"
    assert f"AbstractWeightError: {kernel} has no value" in result.err
    assert "Traceback (most recent call last)" in result.err
    assert "1 model" in result.err


def test_other_runs_say_nothing_of_it(keras_command, script, keras):
    result = keras_command(
        str(keras.generation), "-m", "buildtrace", script(of(keras).replace("10**9", "3"))
    )
    assert result.code == 0
    assert "abstract" not in result.err
