"""What went wrong in a trace: each exception with the calls that it came through."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.diagnosis.history import History
    from buildtrace.trace import Call, ErrorInfo, Finding


class Failure(NamedTuple):
    """An exception that ended the run, or that was caught on the way there.

    Attributes:
        calls: those that it came through, the one that raised it first.
        error: as it was raised; the calls around it may have another text.
    """

    calls: tuple[Call, ...]
    error: ErrorInfo

    @property
    def ids(self) -> list[int]:
        """Ids of the calls, the one that raised it first."""
        return [call.id for call in self.calls]

    def of(self, *landmarks: str) -> Call | None:
        """The innermost of its calls that belongs to one of these landmarks."""
        return next((call for call in self.calls if call.landmark in landmarks), None)


def failures(history: History) -> Iterator[Failure]:
    """Each exception of a run that did harm.

    That is the one that ended the run, and those that were caught in the same tree of calls. None
    of a run that went well: what was caught there, by the user or by Keras, was foreseen.
    """
    if history.trace.error is None or not history.failing:
        return
    yield _failure(history.failing[::-1])
    for call in history.swallowed:
        failure = _failure([call, *_up_to_the_catch(history, call)])
        is_near = history.root(call) is history.root(history.failing[0])
        if is_near and not _came_to_nothing(history, failure.calls[-1]):
            yield failure


def _failure(calls: list[Call]) -> Failure:
    error = calls[0].error
    assert error is not None
    return Failure(tuple(calls), error)


def _up_to_the_catch(history: History, innermost: Call) -> Iterator[Call]:
    """The calls around one that raised, the last being that whose exception was caught."""
    call = innermost
    for outer in history.around(innermost):
        if call.error is None or call.error.swallowed or outer.error is None:
            return
        yield outer
        call = outer


def _came_to_nothing(history: History, last: Call) -> bool:
    """Whether what failed on symbols, where it was caught, then went well on data.

    Keras 3 runs the `call` of a layer without a `build` on symbols first, to have what is in it
    built. Code that runs on data only is fine if nobody wants more of it.
    """
    for outer in history.around(last):
        if outer.landmark == "Layer.__call__" and outer.layer == last.layer:
            return outer.error is None
    return False


def is_users(call: Call) -> bool:
    """Whether the function that ran is one of the user's, not of Keras."""
    return call.module.split(".")[0] not in ("keras", "tf_keras", "tensorflow")


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repetitions: Keras may try a thing twice, and fail twice of it."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.message)
        same = found.get(key)
        calls = finding.calls if same is None else (*same.calls, *finding.calls)
        found[key] = msgspec.structs.replace(same or finding, calls=tuple(dict.fromkeys(calls)))
    return list(found.values())
