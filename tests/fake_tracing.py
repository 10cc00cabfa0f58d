"""Stands for the tracing of a script's run: the same build is recorded, whatever runs."""

from __future__ import annotations

from made_traces import mlp3
from msgspec.structs import replace

from buildtrace.capture.raised import error_info
from buildtrace.traces.trace import Trace


class FakeTracing:
    """What `buildtrace.cli.run` needs of a `WatchedTracing`, without any Keras."""

    recorded = staticmethod(mlp3)

    def __init__(self, journal: object = None) -> None:
        self.trace = Trace()

    def start(self) -> None:
        pass

    def stop(self) -> None:
        trace = self.recorded()
        self.trace = replace(trace, error=self.trace.error or trace.error)

    def ended_by(self, error: BaseException) -> None:
        self.trace.error = error_info(error)

    def progress(self) -> tuple[int, None]:
        return 0, None
