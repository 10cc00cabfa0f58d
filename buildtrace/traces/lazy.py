"""Attributes that are worked out when first asked for."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if not TYPE_CHECKING and sys.version_info < (3, 12):
    # Before 3.12, functools' own has one lock for a whole class: a process that was forked off
    # while another thread held it waits forever for the same attribute of any object.

    class cached_property:  # noqa: N801 - as in functools
        """Like `functools.cached_property` of Python 3.12: two threads may both work it out."""

        def __init__(self, function: Any) -> None:
            self.function = function
            self.__doc__ = function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.function(instance)
            return value
