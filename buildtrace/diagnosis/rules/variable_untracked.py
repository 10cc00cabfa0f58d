"""BT213: a layer keeps a variable that Keras does not count among its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import find_call, name_in, spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Finding, LayerState, UntrackedVariable
    from buildtrace.traces.trace import Trace

MOST = 3
"""So many variables of one layer are named."""

_BOTH_TAKE = {"name", "trainable"}
"""Arguments that mean the same to tf.Variable and keras.Variable."""


def _check(trace: Trace) -> Iterator[Finding]:
    for layer in trace.layers:
        state = trace.index.state_of(layer)
        if state is None or not state.untracked:
            continue
        wanted = [one for one in state.untracked if _is_to_be_trained(one)]
        yield _finding(trace, state, wanted or list(state.untracked), bool(wanted))


def _is_to_be_trained(variable: UntrackedVariable) -> bool:
    """A counter is trainable for TensorFlow as well, if nobody has said otherwise."""
    return variable.trainable and "float" in variable.dtype


def _finding(
    trace: Trace, state: LayerState, variables: list[UntrackedVariable], is_trained: bool
) -> Finding:
    first, several = variables[0], len(variables) > 1
    calls = trace.index.calls_of(state.layer.id) or trace.index.builds_of(state.layer.id)
    ways = wording.listed([f"`self.{wording.sanitize(one.way)}`" for one in variables], MOST)
    kinds = wording.listed(dict.fromkeys(one.kind for one in variables))
    what = f"each a {kinds}" if several else f"a {kinds} of shape {wording.shape(first.shape)}"
    left = "neither trained nor saved" if is_trained else "not saved"
    return RULE.finding(
        f"{wording.layer(state.layer)} keeps {ways}, {what}, and Keras does not count "
        f"{'them' if several else 'it'} among its weights: {'they are' if several else 'it is'} "
        f"{left}.",
        fix=_fix(first, is_trained),
        calls=[calls[0].id] if calls else (),
        caller=first.line or (calls[0].caller if calls else None),
        layer=state.layer.id,
        edits=() if several else _edits(trace, first),
        severity="error" if is_trained else "note",
    )


def _edits(trace: Trace, variable: UntrackedVariable) -> Edits:
    """A variable of Keras' in its place: Keras 3 tracks that as an attribute."""
    line = variable.line
    found = find_call(trace, line, "Variable")
    if line is None or found is None or not variable.way.isidentifier():
        return edits.NONE
    call, same = found[1], variable.dtype == wording.USUAL_DTYPE
    if len(call.args) != 1 or not same or {given.arg for given in call.keywords} - _BOTH_TAKE:
        return edits.NONE
    of = name_in(trace, line.file, "tensorflow")
    instead = spelled(trace, line.file, "keras.Variable")
    return edits.function_instead(trace, line, "Variable", instead, [of]) if of else edits.NONE


def _fix(variable: UntrackedVariable, is_trained: bool) -> str:
    """A weight of the layer in the variable's place."""
    name = variable.way.rpartition(".")[2].partition("[")[0]
    parts = [f"name={remedies.text(name)}", f"shape={wording.shape(variable.shape)}"]
    parts += [] if variable.dtype in ("", wording.USUAL_DTYPE) else [f'dtype="{variable.dtype}"']
    parts += ['initializer="zeros"', *([] if is_trained else ["trainable=False"])]
    made = f"self.add_weight({', '.join(parts)})"
    begins = '  # in the place of "zeros" what it begins with'
    in_list, in_object = "[" in variable.way, "." in variable.way
    if not remedies.is_way(variable.way):
        return made
    if in_object:
        return f"self.{name} = {made}{begins}\nself.{variable.way} = self.{name}"
    if in_list:
        return f"self.{name}.append({made}){begins}"
    return f"self.{name} = {made}{begins}"


RULE = Rule(
    code="BT213",
    title="a variable that Keras does not count among the weights",
    severity="error",
    generations=BOTH,
    why="Keras 3 tracks attributes that are a keras.Variable: one of TensorFlow's or Torch's own, "
    "be it an attribute, in a list or in a tf.Module, is none (Layer._initialize_tracker in "
    "layers/layer.py of keras 3.15.1). Keras 2 tracks a tf.Variable in all of these places "
    "(Layer.__setattr__ and Layer.trainable_weights in engine/base_layer.py of tf_keras 2.21). "
    "Neither looks into other objects. Such a variable is used in `call`, but it is not in "
    "`weights`: no optimizer changes it, and no file has it.",
    bad="""\
import tensorflow as tf
from tensorflow import keras


class Settings:
    def __init__(self):
        self.gain = None


class Scale(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.settings = Settings()
        self.settings.gain = tf.Variable(tf.ones((3,)), name="gain")

    def call(self, x):
        return x * self.settings.gain


inputs = keras.Input((3,))
model = keras.Model(inputs, Scale()(inputs))
""",
    good="""\
import tensorflow as tf
from tensorflow import keras


class Settings:
    def __init__(self):
        self.gain = None


class Scale(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.settings = Settings()
        self.gain = self.add_weight(name="gain", shape=(3,), initializer="ones")
        self.settings.gain = self.gain

    def call(self, x):
        return tf.multiply(x, self.settings.gain)


inputs = keras.Input((3,))
model = keras.Model(inputs, Scale()(inputs))
""",
    check=_check,
)
