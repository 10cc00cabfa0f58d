"""The installed generations of Keras, and no test may leave one patched."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest
from forked import python
from generations_fixtures import imported_once, k
from patches import patched_since, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator


__all__ = ["imported_once", "k", "python"]  # fixtures


@pytest.fixture(autouse=True, scope="module")
def keras_stays_unpatched() -> Iterator[None]:
    """Fails any module whose tests leave Keras patched: too slow to be asked after each test."""
    gc.collect()
    before = snapshot()
    gc.freeze()  # each trace that ends would have all of this searched
    yield
    problems = patched_since(before)
    assert not problems, "\n".join(problems[:20])


@pytest.fixture(autouse=True)
def settings_stay() -> Iterator[None]:
    """Fails any test that leaves this process's settings changed, or a tracer on."""
    limit, profile, finders = sys.getrecursionlimit(), sys.getprofile(), list(sys.meta_path)
    yield
    assert sys.getrecursionlimit() == limit
    assert sys.getprofile() is profile
    left = [finder for finder in sys.meta_path if finder not in finders]
    assert not [f for f in left if "buildtrace" in (getattr(f, "__module__", None) or "")]


@pytest.fixture(autouse=True, scope="session")
def imported(imported_once: None) -> None:
    """Every test here runs Keras."""
