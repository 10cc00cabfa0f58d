"""Hears of imports: tracing may start before Keras is imported."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from buildtrace.capture import hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class ImportWatch:
    """Calls `imported` with the name of a package once its import is complete.

    A finder that finds nothing itself: asks the others, and has the loader tell when it is done.
    Making one and starting it are two steps: who is interrupted in between can stop it.
    """

    def __init__(self, packages: Collection[str], imported: Callable[[str], None]) -> None:
        self._packages = packages
        self._imported = imported

    def start(self) -> None:
        """Watch from now on."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no more; can be done twice."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the next finder in line gives, for the packages we wait for."""
        if name not in self._packages:
            return None
        finders = list(sys.meta_path)
        if self not in finders:  # one that the program has put there asks us, in our place
            return None
        for finder in finders[finders.index(self) + 1 :]:  # those before were asked, or ask us
            find = getattr(finder, "find_spec", None)
            if find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    self.tell_when_done(spec.loader, name)
                return spec
        return None

    def tell_when_done(self, loader: Any, name: str) -> None:
        """Tell of a package whose import begins, and whose loader was found by somebody else."""
        run = loader.exec_module

        def exec_module(module: Any) -> None:
            # The loader stays in the module: leave it as it was. Two may be watching.
            vars(loader).pop("exec_module", None)
            try:
                run(module)
            except BaseException as error:
                hooks.hide_frame(error)
                raise
            self._imported(name)

        with contextlib.suppress(AttributeError):  # one that takes no attributes: nothing is traced
            loader.exec_module = hooks.unlisted(exec_module)
