"""What was noted of distributions → plain data, for the trace that is being filled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.capture.snapshot import spec
from buildtrace.traces.schema import (
    Distribution,
    LayoutPattern,
    PartMatch,
    UnmadeVariable,
    VariableLayout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.capture.callers import Caller
    from buildtrace.capture.distributions import (
        DistributionRecord,
        Distributions,
        LayoutRecord,
        UnmadeRecord,
    )
    from buildtrace.traces.schema import SourceLine


class FrozenLayouts:
    """The distributions of a trace: their small numbers, in order of appearance."""

    def __init__(self, distributions: Distributions, first: int) -> None:
        """Of those that were seen, those that were on at this moment or later, to begin with."""
        self._distributions = distributions
        self._records = dict(distributions.records)
        self._ids = {number: place for place, number in enumerate(distributions.since(first))}

    def layout(self, layout: LayoutRecord | None) -> VariableLayout | None:
        """How a variable of the trace is spread."""
        if layout is None:
            return None
        return VariableLayout(
            distribution=self._ids.setdefault(layout.distribution, len(self._ids)),
            axes=layout.axes,
            pattern=_place(layout.pattern, self._records[layout.distribution]),
        )

    def frozen(
        self, ids: dict[int, int], line: Callable[[Caller | None], SourceLine | None]
    ) -> tuple[Distribution, ...]:
        """All that the trace has.

        Args:
            ids: of the calls, by the id of what was recorded of them.
            line: makes a user's line plain.
        """
        return tuple(
            _frozen(self._records[number], place, self._distributions.paths(number), ids, line)
            for number, place in self._ids.items()
        )


def _frozen(
    record: DistributionRecord,
    place: int,
    paths: list[str],
    ids: dict[int, int],
    line: Callable[[Caller | None], SourceLine | None],
) -> Distribution:
    patterns = tuple(
        LayoutPattern(
            pattern=pattern,
            axes=entry.axes,
            caller=line(entry.caller),
            variables=entry.variables,
            outputs=tuple(entry.outputs),
            partly=tuple(_partly(pattern, paths)),
        )
        for pattern, entry in list(record.patterns.items())
    )
    unmade = [_unmade(one, record, ids) for one in record.unmade if id(one.call) in ids]
    return Distribution(
        id=place,
        patterns=patterns,
        variables=record.variables,
        outputs=len(record.outputs),
        unmade=tuple(unmade),
        caller=line(record.caller),
        **record.facts._asdict(),
    )


def _partly(pattern: str, paths: list[str]) -> Iterator[PartMatch]:
    try:
        compiled = re.compile(pattern)
    except re.error:  # Keras says so itself when it comes to this
        return
    for path in paths:
        found = compiled.search(path)
        if found is not None and compiled.fullmatch(path) is None:
            yield PartMatch(path=path, start=found.start(), end=found.end())


def _unmade(
    unmade: UnmadeRecord, record: DistributionRecord, ids: dict[int, int]
) -> UnmadeVariable:
    tensor = spec(unmade.shape, unmade.dtype)
    return UnmadeVariable(
        call=ids[id(unmade.call)],
        path=unmade.path,
        shape=tensor.shape or (),
        dtype=tensor.dtype or "",
        axes=unmade.axes,
        pattern=_place(unmade.pattern, record),
    )


def _place(pattern: str | None, record: DistributionRecord) -> int | None:
    return None if pattern is None else list(record.patterns).index(pattern)
