"""Many cases in one test: it costs less than a test for each, and says which one failed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def case(*what: object) -> Iterator[None]:
    """Around what is done with a case, in a loop: a failure in it begins with what it was.

    Args:
        *what: the case, as one would look for it; of functions and types, their names.
    """
    try:
        yield
    except Exception as error:
        names = (getattr(part, "__name__", part) for part in what)
        raise AssertionError(f"{', '.join(map(str, names))}: {error}") from error
