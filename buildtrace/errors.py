"""Everything that buildtrace raises on purpose.

BuildtraceError
├── UsageError            the request makes no sense: unknown suffix, no such file, bad path
├── TraceFileError        a trace file cannot be read: damaged, foreign, or newer than we know
├── SavedFileError        a saved model's file cannot be read: damaged, foreign, or too much
├── MissingPackageError   something that the request needs is not installed
├── AbstractWeightError   a weight that was made without memory was to have a value
├── AbstractBuildError    the installed Keras cannot be built without memory
└── RenderError           a picture could not be drawn
    └── NothingToDrawError     there is nothing that it could show

MissingLandmarkWarning    the installed Keras lacks a landmark: the trace has a gap, by name
"""

from __future__ import annotations


class BuildtraceError(Exception):
    """The base of all errors that buildtrace raises on purpose; its text is one clear line."""

    def __str__(self) -> str:
        """The text, safe to show: Python prints it as it is, with the names that users gave."""
        from buildtrace.traces import wording

        return wording.sanitize_long(super().__str__())


class UsageError(BuildtraceError):
    """The request itself makes no sense; nothing was run."""


class TraceFileError(BuildtraceError):
    """A trace file that cannot be read: damaged, foreign, or of a newer version."""


class SavedFileError(BuildtraceError):
    """A file of a saved model, or of weights, that cannot be read."""


class MissingPackageError(BuildtraceError):
    """A package that the request needs is not installed."""


class AbstractWeightError(BuildtraceError):
    """A weight that was made in `buildtrace.abstract()` was to be read, or to be given a value."""


class AbstractBuildError(BuildtraceError):
    """The installed Keras lacks what a build without memory needs, or runs on another backend."""


class RenderError(BuildtraceError):
    """A renderer could not make its output."""


class NothingToDrawError(RenderError):
    """No model was built, and a picture shows models."""


class MissingLandmarkWarning(UserWarning):
    """The installed Keras has no such landmark; the warning names it and the version."""
