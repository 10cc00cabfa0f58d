"""Keras 3's own scopes for inferring shapes: what is read in them is a symbol, and stays one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from keras.src.backend.common.stateless_scope import StatelessScope, in_stateless_scope

try:
    from keras.src.backend.common.symbolic_scope import SymbolicScope, in_symbolic_scope
except ImportError:  # before 3.5
    SymbolicScope, in_symbolic_scope = None, in_stateless_scope


def in_inference() -> bool:
    """Whether Keras infers a shape in this thread."""
    return bool(in_symbolic_scope())


def shape_inference() -> Any:
    """A block in which what runs infers a shape; what it changes is dropped."""
    scopes = ExitStack()
    scopes.enter_context(StatelessScope(initialize_variables=False))
    if SymbolicScope is not None:
        scopes.enter_context(SymbolicScope())
    return scopes
