"""What a new Python runs of buildtrace if `BUILDTRACE` is set: it waits for Keras to be imported.

The line that `buildtrace enable` puts into an environment calls `begin`, before the first line of
whatever is started there: the user's program, but pip, a linter or a helper process as well. So
nothing is imported or said here until a program imports Keras, and what fails ends no program.
"""

from __future__ import annotations

import atexit
import os
import sys
import time

from buildtrace.integrations.launch_variable import OFF, VARIABLE

TYPE_CHECKING = False  # not from typing, which takes longer to import than all of this

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

    from buildtrace.integrations.launched import LaunchedRun

RUN = "BUILDTRACE_RUN"
"""Says in the environment when the first process of a run started, to those that it starts: what is
as new as that is a file of this run, and stays."""

KERAS_PACKAGES = ("keras", "tf_keras")

TENSORFLOW = "tensorflow"

CHOICE = "--keras"
"""The option that has to be heeded before TensorFlow is imported."""


class Launch:
    """A Python that was started with `BUILDTRACE` set: waits, as a finder that finds nothing.

    Attributes:
        value: of the variable.
        folder: where the program was started: a path of a file is relative to it.
        since: when the run began that this process is a part of, in nanoseconds of the clock.
        run: the run that is traced, once Keras is imported.
    """

    def __init__(self, value: str) -> None:
        self.value = value
        self.folder = _folder()
        self.since = _since()
        self.run: LaunchedRun | None = None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec that the next finder gives, for the packages that we wait for.

        To be asked for one is not to import: many look this way whether there is a Keras.
        """
        if name not in KERAS_PACKAGES and not (name == TENSORFLOW and CHOICE in self.value):
            return None
        finders = list(sys.meta_path)
        if self not in finders:  # one that the program has put there asks us, in our place
            return None
        for finder in finders[finders.index(self) + 1 :]:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find and find(name, path, target)
            if spec is not None:
                self._hear(spec)
                return spec
        return None

    def _hear(self, spec: ModuleSpec) -> None:
        """Be called when the module is about to be made."""
        loader: Any = spec.loader
        make = getattr(loader, "create_module", None)
        if make is None:
            return

        def create_module(given: ModuleSpec) -> Any:
            vars(loader).pop("create_module", None)  # the loader stays in the module
            self._imports(spec.name, loader)
            return make(given)

        try:
            loader.create_module = create_module
        except AttributeError:  # one that takes no attributes
            self._imports(spec.name, loader)

    def _imports(self, name: str, loader: Any) -> None:
        """The program imports this package."""
        if self not in sys.meta_path:
            return
        try:
            if name == TENSORFLOW:
                from buildtrace.integrations import launch_options

                launch_options.choose_keras(self.value, self.folder)
                return
            self.leave()
            from buildtrace.integrations import launched

            self.run = launched.start(self, name, loader)
        except Exception as error:
            self.leave()
            _complain(error)

    def leave(self) -> None:
        """Wait no more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def end(self) -> None:
        """The program is over: after all that it has registered for its end itself."""
        self.leave()
        if self.run is not None:
            try:
                self.run.end()
            except Exception as error:  # it must not change the program's exit code
                _complain(error)


_launches: list[Launch] = []


def begin() -> None:
    """Wait for Keras, if the variable asks for it. To be called once, at the start of Python."""
    value = os.environ.get(VARIABLE, "").strip()
    if value.lower() in OFF or _launches:
        return
    launch = Launch(value)
    _launches.append(launch)
    os.environ.setdefault(RUN, str(launch.since))
    sys.meta_path.insert(0, launch)
    atexit.register(launch.end)  # what is registered first is called last


def stand_down() -> None:
    """Leave the tracing to the command or the pytest plugin: nothing is traced twice."""
    for launch in _launches:
        launch.leave()
        if launch.run is not None:
            launch.run.drop()
            launch.run = None


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib takes long to import
    except OSError:  # it is gone
        return os.sep


def _since() -> int:
    given = os.environ.get(RUN, "")
    return int(given) if given.isdecimal() and len(given) < 30 else time.time_ns()


def _complain(error: Exception) -> None:
    """Say in one line why the program runs untraced."""
    if isinstance(error, ModuleNotFoundError):
        _write(f"{error.name} is not installed here, which buildtrace needs")
        return
    try:
        from buildtrace.cli.attempts import reason
        from buildtrace.cli.streams import say

        say(f"this program is not traced: {reason(error)}")
    except Exception:  # not even that works here
        _write(str(error))


def _write(reason: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"buildtrace: this program is not traced: {reason}\n")
