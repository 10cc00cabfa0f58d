"""BT327, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both

MATRIX = "matrix = np.zeros((100, 50), 'float32')\n"
CASES = {
    "an initializer": (
        MATRIX + "known = keras.initializers.Constant(matrix)\n"
        "keras.layers.Embedding(101, 50, embeddings_initializer=known)(np.ones((2, 4)))",
        "'embedding' (Embedding) has a weight of the shape (101, 50), and is to get values of the "
        "shape (100, 50)",
        "keras.layers.Embedding(*matrix.shape, embeddings_initializer=",
    ),
    "weights=": (
        MATRIX + "keras.layers.Embedding(100, 64, weights=[matrix])(np.ones((2, 4)))",
        "of the shape (100, 64), and is to get values of the shape (100, 50)",
        "keras.layers.Embedding(*matrix.shape, weights=[matrix])  # 100 rows of 50",
    ),
    "as Torch has it": (
        "dense = keras.layers.Dense(4)\ndense(x)\n"
        "dense.set_weights([np.zeros((4, 3)), np.zeros(4)])",
        "'dense' (Dense) has a weight of the shape (3, 4)",
        "values[0] = values[0].T",
    ),
    "another model's": (
        "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])\n"
        "model.set_weights([np.zeros((5, 4)), np.zeros(4)])",
        "'sequential' (Sequential) has a weight of the shape (3, 4)",
        "[weight.shape for weight in sequential.weights]",
    ),
}


@on_both
@pytest.mark.parametrize("case", CASES)
def test_values_of_another_shape(runner, generation, case):
    body, message, fix = CASES[case]
    (finding,) = findings(runner, generation, body, "BT327")
    assert message in finding.message
    assert finding.fix.startswith(fix)


@on("keras2")
def test_an_argument_that_only_keras2_has(runner, generation):
    body = "keras.layers.Dense(4, weights=[np.zeros((4, 3)), np.zeros(4)])(x)"
    (finding,) = findings(runner, generation, body, "BT327")
    assert finding.fix.startswith("values[0] = values[0].T")


@on_both
def test_a_file_is_another_rules(runner, generation):
    body = (
        "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])\n"
        "other = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4)])\n"
        "other.save_weights('w.weights.h5')\nmodel.load_weights('w.weights.h5')"
    )
    assert findings(runner, generation, body, "BT327") == []


@on_both
def test_values_that_fit(runner, generation):
    body = MATRIX + (
        "known = keras.initializers.Constant(matrix)\n"
        "keras.layers.Embedding(100, 50, embeddings_initializer=known)(np.ones((2, 4)))\n"
        "keras.layers.Dense(5, bias_initializer=keras.initializers.Constant(0.5))(x)\n"
        "dense = keras.layers.Dense(4)\ndense(x)\n"
        "dense.set_weights([np.zeros((3, 4)), np.zeros(4)])"
    )
    assert alarms(runner, generation, body) == []
