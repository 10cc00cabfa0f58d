"""What one page shows of a trace, for all that is put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.facts import CallFacts
from buildtrace.renderers.page.moments import Moments
from buildtrace.traces import failures, folding

if TYPE_CHECKING:
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace


class PageContext:
    """What one page shows of a trace.

    Attributes:
        trace: all of it, as the options want it.
        options: what was asked for.
        shown: the trace, folded as the page starts out.
        call_numbers: where a call of an id stands among the page's calls.
        weight_numbers: where a weight of an id stands among its weights.
        variable_numbers: where a variable of an id stands among what optimizers and metrics hold.
        facts: what its calls have to say.
        moments: which calls bring which part of a picture to life.
        failure: what the run failed of.
        swallowed: the exceptions that were caught in the build.
    """

    def __init__(self, trace: Trace, options: Options) -> None:
        self.trace = trace
        self.options = options
        self.shown = trace if options.full else folding.fold(trace, options.depth)
        self.call_numbers = {call.id: number for number, call in enumerate(trace.calls)}
        self.weight_numbers = {weight.id: number for number, weight in enumerate(trace.weights)}
        self.variable_numbers = {one.id: number for number, one in enumerate(trace.variables)}
        self.facts = CallFacts(trace, self.shown)
        self.moments = Moments(trace)
        self.failure = failures.failure(trace)
        self.swallowed = failures.swallowed(trace)
