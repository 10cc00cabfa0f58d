"""BT906: a distribution that is set on a backend where it does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_BACKENDS = {"tensorflow": "TensorFlow", "torch": "Torch"}

_FIX = """\
os.environ["KERAS_BACKEND"] = "jax"  # before keras is imported"""
_OR_STRATEGY = """
# or, on TensorFlow, around all that makes the model:
with tf.distribute.MirroredStrategy().scope():"""


def _check(trace: Trace) -> Iterator[Finding]:
    backend = _BACKENDS.get(trace.environment.backend or "")
    made = [weight for weight in trace.weights if not weight.replaced]
    if backend is None or not made or any(weight.layout for weight in made):
        return
    for distribution in trace.distributions:
        if distribution.devices < 2 or distribution.variables:
            continue
        does = "splits no variable" if distribution.patterns else "shares nothing out"
        yield RULE.finding(
            f"{wording.sanitize(distribution.class_name)} {does} on {backend}: Keras asked it "
            f"about none of the {wording.count(len(made), 'weight')} that were made, and "
            f"{spread.mesh(distribution)} is not used.",
            fix=_FIX + (_OR_STRATEGY if backend == "TensorFlow" else ""),
            caller=distribution.caller,
        )


RULE = Rule(
    code="BT906",
    title="a distribution that does nothing on this backend",
    severity="warning",
    generations=("keras3",),
    why="`keras.distribution` is made for JAX: there a variable asks the distribution for its "
    "layout when it is made (_initialize_layout in backend/jax/core.py of keras 3.15.1), and the "
    "trainer shares out the data (backend/jax/trainer.py there). The variables and the trainers of "
    "TensorFlow and Torch ask nothing, and nothing is said of it: each weight is on one device, as "
    "a whole.",
    bad="""\
from tensorflow import keras

dist = keras.distribution
mesh = dist.DeviceMesh((1, 2), ("batch", "model"), ["cpu:0", "cpu:1"])
layout_map = dist.LayoutMap(mesh)
layout_map[".*kernel"] = (None, "model")
spread = dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch")
with spread.scope():
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(8)])
""",
    good="""\
import tensorflow as tf
from tensorflow import keras

spread = tf.distribute.MirroredStrategy()
with spread.scope():
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(8)])
""",
    check=_check,
)
