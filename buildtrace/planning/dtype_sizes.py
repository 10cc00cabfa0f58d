"""How many bytes a number of a dtype takes."""

from __future__ import annotations

import re

_BITS = re.compile(r"(?:u?int|b?float|complex)(\d+)")
"""Names that say it: "int8", "bfloat16", and "float8_e4m3fn" as well."""


def bytes_of(dtype: str | None) -> int | None:
    """The size of one number; `None` of a dtype that has no size of its own, such as "string"."""
    if dtype == "bool":
        return 1
    bits = _BITS.match(dtype or "")
    # Keras keeps numbers of four bits in bytes, two in each, and calls the dtype of these "int8".
    return max(int(bits.group(1)[:3]) // 8, 1) if bits else None
