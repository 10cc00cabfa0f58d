"""Which blocks of `abstract()` are on, and the weights that they made.

A block counts for all threads, as `buildtrace.trace()` does: a layer may be built in another.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.abstract.unmade import Unmade

REAL_BELOW = 4096
"""Weights of fewer bytes are made as usual: 1,024 numbers of four bytes, a Normalization's means."""


@dataclass(eq=False)
class Block:
    """One `abstract()` that is on, or was.

    Attributes:
        real_below: weights of fewer bytes are real.
        unmade: the weights without a value that were made in it, in order.
    """

    real_below: int
    unmade: list[Unmade] = field(default_factory=list)


_blocks: tuple[Block, ...] = ()
_lock = threading.Lock()
_local = threading.local()


def enter(block: Block) -> None:
    """Have a block on, the innermost."""
    global _blocks
    with _lock:
        _blocks = (*_blocks, block)


def leave(block: Block) -> None:
    """Have it off; can be done again."""
    global _blocks
    with _lock:
        _blocks = tuple(other for other in _blocks if other is not block)


def takes(shape: Any, item_bytes: int) -> bool:
    """Whether a weight that is being made now is to have no memory."""
    blocks = _blocks
    if not blocks or getattr(_local, "real", 0):
        return False
    count = 1
    for size in shape:
        count *= int(size)
    return count * item_bytes >= blocks[-1].real_below


def add(unmade: Unmade) -> None:
    """Note a weight that was made without memory, in all blocks that are on."""
    for block in _blocks:
        block.unmade.append(unmade)


@contextmanager
def real() -> Iterator[None]:
    """In this block of code, and in this thread, all weights get their values."""
    _local.real = getattr(_local, "real", 0) + 1
    try:
        yield
    finally:
        _local.real -= 1
