"""How many bytes a number of some dtype takes, by its name alone."""

from __future__ import annotations

import re

_BITS = re.compile(r"^(?:bfloat|float|int|uint|complex|qint|quint)(\d+)(?:_|$)")
"""Names of dtypes say their bits, as in "bfloat16" and "float8_e4m3fn"."""


def bytes_per_number(dtype: str) -> int | None:
    """How many bytes a number takes; `None` if the name does not say, as of "string".

    Those of less than a byte, such as "int4", have a byte each where they are not packed.
    """
    if dtype == "bool":
        return 1
    bits = _BITS.match(dtype)
    return None if bits is None else -(-int(bits[1]) // 8)
