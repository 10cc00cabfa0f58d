"""Exceptions in a trace: each once, with the calls that it came out of.

One that the script itself caught is over, and is none of them: a script may try things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, ErrorInfo, SourceLine, Use
    from buildtrace.traces.trace import Trace


class Raised(NamedTuple):
    """An exception that ended the program, or that was caught inside of a call.

    Attributes:
        error: what is known of it where it was seen first; calls around may have another text.
        calls: the calls that it came out of, outermost first; empty if none was recorded.
        use: the use of a model that it ended, if it did.
        told: its text as the user got it in the end; Keras may have added words on the way.
    """

    error: ErrorInfo
    calls: tuple[Call, ...] = ()
    use: Use | None = None
    told: str = ""

    @property
    def ids(self) -> list[int]:
        """The ids of its calls."""
        return [call.id for call in self.calls]

    @property
    def generation(self) -> str | None:
        """The generation of Keras that it came out of; `None` if no hook saw that."""
        if self.calls:
            return self.calls[-1].generation
        return None if self.use is None else self.use.generation

    @property
    def line(self) -> SourceLine | None:
        """The user's line that raised it, or called what did."""
        for error in (self.error, *(call.error for call in reversed(self.calls))):
            if error is not None and error.lines:
                return error.lines[0]
        if self.calls:
            return self.calls[-1].caller
        return None if self.use is None else self.use.caller

    def of(self, *landmarks: str) -> Call | None:
        """The innermost of its calls that belongs to one of these landmarks."""
        return next((call for call in reversed(self.calls) if call.landmark in landmarks), None)

    def says(self, *texts: str) -> bool:
        """Whether all of these are in its text."""
        return all(text in self.error.message or text in self.told for text in texts)


def all_raised(trace: Trace) -> Iterator[Raised]:
    """Each exception once: those that calls raised, then the one that nothing but uses saw."""
    told = False
    for call in trace.calls:
        if call.error is None or _goes_on(trace, call):
            continue
        chain = trace.raised_through(call)
        is_last = trace.error is not None and _is_one_of(trace.error, chain)
        error = chain[-1].error or call.error
        if is_last and trace.error is not None:
            told = True
            yield Raised(error, chain, _use_of(trace, trace.error), trace.error.message)
        elif call.error.swallowed:
            yield Raised(error, chain, told=call.error.message)
    if trace.error is not None and not told:
        yield Raised(trace.error, (), _use_of(trace, trace.error), trace.error.message)


def _goes_on(trace: Trace, call: Call) -> bool:
    """Whether the exception of this call went on through the call around it."""
    if call.parent is None or call.error is None or call.error.swallowed:
        return False
    return trace.call(call.parent).error is not None


def _use_of(trace: Trace, error: ErrorInfo) -> Use | None:
    """The use of a model that this exception ended; the last one, if it ended several."""
    ended = [use for use in trace.uses if use.error is not None]
    return next((use for use in reversed(ended) if use.error and _is_in(use.error, error)), None)


def _is_one_of(error: ErrorInfo, chain: tuple[Call, ...]) -> bool:
    """Whether an exception came out of these calls."""
    return any(call.error is not None and _is_in(call.error, error) for call in chain)


def _is_in(inner: ErrorInfo, error: ErrorInfo) -> bool:
    """Whether the one is the other, to which Keras may have added words on its way."""
    return bool(inner.message.strip()) and _core(inner) in error.message


def _core(error: ErrorInfo) -> str:
    """The part of a text that stays the same when it is told again with more words around it."""
    return error.message.strip().splitlines()[0][:80]
