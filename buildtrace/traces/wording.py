"""How things of a trace are said: names, shapes, numbers and lists, as text that is safe and short.

What is text of the user's or of Keras is made safe to show here: see `sanitize`.
"""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from buildtrace.traces.schema import (
        Distribution,
        ErrorInfo,
        Expected,
        Holder,
        LayerRef,
        Shape,
        SourceLine,
        TensorSpec,
    )
    from buildtrace.traces.trace import Trace

LONGEST_NAME = 200
"""A name longer than this fills no screen that anybody has; it is cut before anything else."""

MOST_TENSORS = 3
"""So many tensors are listed one by one."""

USUAL_DTYPE = "float32"

_COLORS = re.compile(r"\x1b\[[\d;]*m")

_AROUND = re.compile(
    'Exception encountered when calling |(Call a|A)rguments received by |in user code:|File "'
)
"""How the paragraphs begin that Keras and TensorFlow put around the text of an exception."""

_CALLING = re.compile(r"(?<=\S):?\s*Exception encountered when calling .*\Z", re.DOTALL)
"""The same behind words of the user's: whoever raises another exception quotes the first."""

_NUMBERS = re.compile(r"((?:value|numpy)=(?:array\()?)\[[^>]*(?:\](?=(?:, dtype=\w+)?\)?>)|…\Z)")
"""The numbers of a variable or a tensor, as they stand in messages, which may be cut there."""

# -- text that is safe to show ----------------------------------------------------------------


def visible(text: str) -> str:
    """`text` with line breaks, control and invisible characters written out.

    A terminal obeys some of them, and shows what is around others in another order. All that goes
    to one comes through here in the end.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_in_json(text: str) -> str:
    """The text of JSON, as before for whoever reads it as JSON, with nothing that is invisible."""
    if text.replace("\n", "").isprintable():
        return text
    import json  # late: few need it

    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def sanitize(text: str) -> str:
    """A name, as a whole or as much of it as anybody reads, with nothing that is invisible."""
    return visible(text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME] + "…")


def sanitize_long(text: str, longest: int = 4_000) -> str:
    """As `sanitize`, for text that may be longer than a name."""
    parts = [text[start : start + LONGEST_NAME] for start in range(0, len(text), LONGEST_NAME)]
    kept = parts[: longest // LONGEST_NAME]
    return "".join(sanitize(part) for part in kept) + ("…" if len(kept) < len(parts) else "")


def sanitize_lines(text: str) -> list[str]:
    """The lines of a text, each as `sanitize_long` makes it."""
    return [sanitize_long(line) for line in text.splitlines()]


def quoted(name: str) -> str:
    """A name of the user's in a sentence: on one line, whatever is in it."""
    return f"'{sanitize(name)}'"


def uncolored(text: str) -> str:
    """`text` without the codes for colors that Keras and others put into theirs."""
    return _COLORS.sub("", text)


# -- layers -----------------------------------------------------------------------------------


def layer(ref: LayerRef) -> str:
    """A layer in a sentence: 'dense' (Dense); without its name: a Dense."""
    if not ref.name:
        return f"a {sanitize(ref.class_name) or 'layer'}"
    return f"{quoted(ref.name)} {layer_class(ref)}".rstrip()


def layer_title(ref: LayerRef) -> str:
    """A layer's name and class, where they stand alone: dense (Dense)."""
    return f"{sanitize(ref.name)} {layer_class(ref)}".strip()


def layer_class(ref: LayerRef | Holder) -> str:
    """A layer's class, for use behind its name: (Dense); "" if a file does not say it."""
    return f"({sanitize(ref.class_name)})" if ref.class_name else ""


# -- shapes and tensors -------------------------------------------------------------------------


def shape(sizes: Shape | None) -> str:
    """A shape as Python writes it; "?" if not even the rank is known."""
    return "?" if sizes is None else str(tuple(sizes))


def sizes(shape: Sequence[int | None]) -> str:
    """The shape of something that is filled with numbers: "784 × 512"."""  # noqa: RUF002
    return " × ".join("?" if size is None else str(size) for size in shape) or "1"  # noqa: RUF001


def mesh(distribution: Distribution) -> str:
    """A mesh of devices: "2 × 4 devices (batch, model)"."""  # noqa: RUF002
    axes = ", ".join(map(sanitize, distribution.mesh_axes))
    if len(distribution.mesh_shape) < 2:
        devices = count(distribution.devices, "device")
    else:
        devices = f"{sizes(distribution.mesh_shape)} devices"
    return f"{devices} ({axes})" if axes else devices


def distribution(distribution: Distribution) -> str:
    """What Keras was told: "ModelParallel on 8 devices (batch): 3 layouts in its map"."""
    on = f"{sanitize(distribution.class_name)} on {mesh(distribution)}"
    if not distribution.patterns:
        return on
    return f"{on}: {count(len(distribution.patterns), 'layout')} in its map"


def shape_in_words(sizes: Shape | None) -> str:
    """A shape as part of a sentence."""
    return "of unknown shape" if sizes is None else shape(sizes)


def shapes_in_words(specs: Sequence[TensorSpec]) -> str:
    """The shapes of several tensors as part of a sentence."""
    return listed(shape_in_words(spec.shape) for spec in specs)


def tensor(spec: TensorSpec) -> str:
    """A tensor's shape, and its dtype where that is not the usual one."""
    if spec.dtype is None or spec.dtype == USUAL_DTYPE:
        return shape(spec.shape)
    return f"{shape(spec.shape)} {sanitize(spec.dtype)}"


def tensors(specs: Sequence[TensorSpec]) -> str:
    """Several tensors; of many only the first."""
    text = ", ".join(tensor(spec) for spec in specs[:MOST_TENSORS])
    more = len(specs) - MOST_TENSORS
    return f"{text}, … {more} more" if more > 0 else text


def expected(wanted: Expected) -> str:
    """What a layer wants of an input: "size 192 on axis -1, at least 2 axes"."""
    words = [f"the shape {wanted.shape}"] if wanted.shape is not None else []
    words += [f"size {size} on axis {axis}" for axis, size in wanted.axes.items()]
    if wanted.ndim is not None:
        words.append(count(wanted.ndim, "axis", "axes"))
    if wanted.min_ndim:
        words.append(f"at least {count(wanted.min_ndim, 'axis', 'axes')}")
    if wanted.max_ndim is not None:
        words.append(f"at most {count(wanted.max_ndim, 'axis', 'axes')}")
    return ", ".join(words) or "anything"


# -- exceptions -------------------------------------------------------------------------------


def error(info: ErrorInfo) -> str:
    """An exception's type and text, without the colors that Keras puts into its texts."""
    return f"{info.type}: {uncolored(info.message)}"


def essence(info: ErrorInfo) -> list[str]:
    """The lines of an exception's type and text, without what is said of every call around it.

    That is which layer was called, with which arguments, and where: a trace knows all that. Of a
    variable or a tensor in it, the numbers are left out: there may be a screen full of them.
    """
    paragraphs = _NUMBERS.sub(r"\1[…]", uncolored(info.message)).split("\n\n")
    own = [_CALLING.sub("", text) for text in paragraphs if not _AROUND.match(text.lstrip())]
    text = textwrap.dedent("\n\n".join(own if "".join(own).strip() else paragraphs)).strip()
    return f"{info.type}: {text.removeprefix(f'{info.type}: ')}".splitlines()


# -- numbers, lists and lines of code ---------------------------------------------------------


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 call", "1,234 calls"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size_in_memory(number: int, *, fine: bool = False) -> str:
    """A number of bytes with about three digits and its unit: "452 bytes", "4.5 MiB".

    Args:
        number: of bytes.
        fine: give four digits: "4.512 MiB", "18.14 GiB".
    """
    if number < 1024:
        return count(number, "byte")
    size = float(number)
    units = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    for unit in units:
        size /= 1024
        if size < 1000 or unit == units[-1]:
            break
    if fine:
        decimals = 3 if size < 9.9995 else 2 if size < 99.995 else 1
        return f"{size:,.{decimals}f} {unit}"
    return f"{size:,.1f} {unit}" if size < 100 else f"{size:,.0f} {unit}"


def listed(words: Iterable[str], most: int | None = None) -> str:
    """Words as in a sentence: "a, b and c"; of more than `most`, the first and how many more."""
    words = list(words)
    if most is not None and len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1:,} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def span(names: Sequence[str]) -> str:
    """The names of several things in a row, by the first and the last: "dense_1 to dense_39"."""
    different = list(dict.fromkeys(map(sanitize, names)))
    ends = [sanitize(names[0]), sanitize(names[-1])]
    if len(different) < 3 or ends[0] == ends[1]:
        return listed(different, most=3)
    return " to ".join(ends)


def duration(nanoseconds: int) -> str:
    """A time with three digits and its unit."""
    if nanoseconds >= 10**9:
        return f"{nanoseconds / 10**9:.2f} s"
    if nanoseconds >= 10**6:
        return f"{nanoseconds / 10**6:.1f} ms"
    return f"{nanoseconds / 10**3:.0f} µs"


@lru_cache(maxsize=4096)
def location(file: str, line: int) -> str:
    """A line of a file, by the file's name alone: "model.py:12"."""
    # Both kinds of separator count: a trace may come from another platform.
    name = PurePath(file.replace("\\", "/")).name
    return f"{sanitize(name)}:{line}" if name else ""


def line(caller: SourceLine | None) -> str:
    """The user's own line, or nothing."""
    return location(caller.file, caller.line) if caller else ""


def versions(trace: Trace) -> str:
    """What took part in the run."""
    environment = trace.environment
    parts = [f"{keras.package} {keras.version}" for keras in environment.keras]
    if environment.tensorflow:
        parts.append(f"TensorFlow {environment.tensorflow}")
    if environment.backend and environment.backend != "tensorflow":
        parts.append(f"backend {environment.backend}")
    if environment.python:
        parts.append(f"Python {environment.python}")
    if environment.abstract:
        parts.append("abstract: weights without memory")
    return sanitize(" · ".join(parts))
