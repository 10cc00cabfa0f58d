"""BT414: a layer gives more tensors, or fewer, than the line takes that calls it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import name_in, parsed, statement_at
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, SourceLine
    from buildtrace.traces.trace import Trace

_COUNTED = re.compile(r"^(?:too many|not enough) values to unpack \(expected (\d+)\b")

_ONE_STATE = ("the output and one state", "output, state")
_GIVES = {
    ("Bidirectional", 5): (
        "the output, then the states h and c of each direction",
        "output, forward_h, forward_c, backward_h, backward_c",
    ),
    ("Bidirectional", 3): (
        "the output, then a state of each direction",
        "output, forward, backward",
    ),
    ("LSTM", 3): ("the output and the states h and c", "output, h, c"),
    ("GRU", 2): _ONE_STATE,
    ("SimpleRNN", 2): _ONE_STATE,
    ("MultiHeadAttention", 2): ("the output and the scores", "output, scores"),
}
"""What a layer of Keras gives that gives so many tensors: in a sentence, and names for it."""


def _check(trace: Trace) -> Iterator[Finding]:
    error = trace.error
    counted = _COUNTED.search(error.message) if error and error.type == "ValueError" else None
    if error is None or counted is None or not error.lines:
        return
    line, expected = error.lines[0], int(counted[1])
    call = _called_at(trace, line)
    if call is not None and len(call.outputs) != expected and _is_unpacked(trace, line):
        yield _finding(trace, call, line, expected)


def _called_at(trace: Trace, line: SourceLine) -> Call | None:
    """The one layer that was called on a line, as far as this is all that it did."""
    calls = [c for c in trace.calls if c.landmark == "Layer.__call__" and c.caller == line]
    outer = [c for c in calls if c.parent is None or trace.call(c.parent).caller != line]
    last = outer[-1] if outer else None
    if last is None or last.layer is None or last.error is not None:
        return None
    return last if (last.layer.class_name, len(last.outputs)) in _GIVES else None


def _is_unpacked(trace: Trace, line: SourceLine) -> bool:
    statement = _assignment(trace, line)
    return statement is not None and isinstance(statement.value, ast.Call)


def _assignment(trace: Trace, line: SourceLine) -> ast.Assign | None:
    """The statement of a line, if it gives several names what one expression gives."""
    file = parsed(trace, line.file)
    statement = None if file is None else statement_at(file, line.line)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    return statement if isinstance(statement.targets[0], ast.Tuple) else None


def _finding(trace: Trace, call: Call, line: SourceLine, expected: int) -> Finding:
    assert call.layer is not None
    key = (call.layer.class_name, len(call.outputs))
    return RULE.finding(
        f"{wording.layer(call.layer)} gives {len(call.outputs)} tensors, {_GIVES[key][0]}: "
        f"{wording.line(line)} takes {expected}.",
        fix=_fix(key),
        calls=[call.id],
        caller=line,
        layer=call.layer.id,
        edits=_edits(trace, line, key, expected),
    )


def _fix(key: tuple[str, int]) -> str:
    unpacked = f"{_GIVES[key][1]} = layer(...)"
    if key == ("Bidirectional", 5):
        return (
            f"{unpacked}\n"
            "h = keras.layers.Concatenate()([forward_h, backward_h])  # twice as many numbers\n"
            "c = keras.layers.Concatenate()([forward_c, backward_c])"
        )
    if key == ("Bidirectional", 3):
        joined = "keras.layers.Concatenate()([forward, backward])  # twice as many numbers"
        return f"{unpacked}\nstate = {joined}"
    return unpacked


def _edits(trace: Trace, line: SourceLine, key: tuple[str, int], expected: int) -> Edits:
    """Of both directions: the names for each, and what joins them under the names that were."""
    file, statement = parsed(trace, line.file), _assignment(trace, line)
    if file is None or statement is None or key[0] != "Bidirectional":
        return edits.NONE
    target = statement.targets[0]
    assert isinstance(target, ast.Tuple)
    names = [name.id for name in target.elts if isinstance(name, ast.Name)]
    join = name_in(trace, line.file, "keras.layers.Concatenate")
    if len(names) != expected or len(names) != (key[1] + 1) // 2 or not join:
        return edits.NONE
    output, *states = names
    apart = [f"{side}_{state}" for side in ("forward", "backward") for state in states]
    joined = [f"{s} = {join}()([forward_{s}, backward_{s}])" for s in states]
    return edits.together(
        file.replace(
            file.begin(target.elts[0]), file.end(target.elts[-1]), ", ".join([output, *apart])
        ),
        edits.behind(trace, line, *joined),
    )


RULE = Rule(
    code="BT414",
    title="another number of outputs than is unpacked",
    severity="error",
    generations=BOTH,
    why="With return_state, a GRU gives its output and one state, an LSTM its output and two, and "
    "a Bidirectional the states of both directions, one after the other, and not merged "
    "(Bidirectional.call in layers/rnn/bidirectional.py of keras 3.15.1 and of tf_keras 2.21).",
    bad="""\
from tensorflow import keras

words = keras.Input((6, 3))
encoder = keras.layers.Bidirectional(keras.layers.LSTM(4, return_state=True))
output, h, c = encoder(words)
decoder = keras.layers.LSTM(8)
outputs = decoder(words, initial_state=[h, c])
model = keras.Model(words, outputs)
""",
    good="""\
from tensorflow import keras

words = keras.Input((6, 3))
encoder = keras.layers.Bidirectional(keras.layers.LSTM(4, return_state=True))
output, forward_h, forward_c, backward_h, backward_c = encoder(words)
h = keras.layers.Concatenate()([forward_h, backward_h])
c = keras.layers.Concatenate()([forward_c, backward_c])
decoder = keras.layers.LSTM(8)
outputs = decoder(words, initial_state=[h, c])
model = keras.Model(words, outputs)
""",
    check=_check,
)
