"""Hears of imports: tracing may start before Keras is imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def watch_imports(packages: Collection[str], imported: Callable[[str], None]) -> Callable[[], None]:
    """Have `imported` called with the name of a package once its import is complete.

    Returns:
        What ends the watch.
    """
    finder = _Finder(packages, imported)
    sys.meta_path.insert(0, finder)

    def unwatch() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)

    return unwatch


class _Finder:
    """Finds nothing itself: asks the other finders, and has the loader tell when it is done."""

    def __init__(self, packages: Collection[str], imported: Callable[[str], None]) -> None:
        self._packages = packages
        self._imported = imported

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the next finder in line gives, for the packages we wait for."""
        if name not in self._packages:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    self._tell_when_done(spec.loader, name)
                return spec
        return None

    def _tell_when_done(self, loader: Any, name: str) -> None:
        run = loader.exec_module

        def exec_module(module: Any) -> None:
            del loader.exec_module  # the loader stays in the module: leave it as it was
            run(module)
            self._imported(name)

        loader.exec_module = exec_module
