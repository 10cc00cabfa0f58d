"""A row of the table of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from buildtrace.traces.schema import Severity

ORDER = "BT503"
ARGUMENT = "BT504"
NAME = "BT506"
MEMBER = "BT507"
FILE = "BT508"
SLASH = "BT509"
SYMBOL = "BT308"
"""What a row is about, by the code of the rule that says so."""

TF_KERAS = "tf.keras"
KERAS = "keras"
"""The two ways to the names of Keras: `tf.keras` has some of Keras 2 that `keras` has not."""

KERAS_3 = "3.0"


class Changed(NamedTuple):
    """Something that code for Keras 2 uses, and that a newer Keras does without or takes otherwise.

    Attributes:
        code: of the rule that says it.
        name: of a name the path below `keras`; of an argument or a member its own name.
        instead: what to write now, in code. `{rest}` is what stands behind the name of a module,
            and `{value}` an argument's value, as it is written.
        since: the version of Keras that is the first without it.
        source: where that was read.
        under: of a name, `TF_KERAS` or `KERAS` if it is gone there alone.
        of: of an argument what it is passed to: paths below `keras`, such as "layers.*" or, with
            "!" before it, "!layers.Input"; a method as ".fit". Of a member the kinds of objects.
        severity: of a finding about a use that is sure.
        alone: a member's name says enough for a finding where nobody knows what it is asked of:
            "same" as ever, a "note", or "nothing" is said then.
        renamed: of an argument its name now, if the value stays as it is.
        left_out: an argument can be left out, and nothing takes its place.
        when: of an argument the values, in code, that it is gone with; "int" is any number.
        unless: the values that it is still taken with.
        told_by: the code of a rule that tells of such an exception itself, and knows more of it.
    """

    code: str
    name: str
    instead: str
    since: str = KERAS_3
    source: str = ""
    under: str = ""
    of: tuple[str, ...] = ()
    severity: Severity = "error"
    alone: str = "nothing"
    renamed: str = ""
    left_out: bool = False
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    told_by: str = ""
