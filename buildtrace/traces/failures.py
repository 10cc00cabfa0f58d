"""The exceptions of a trace: what was raised, what the run failed of and why, what was swallowed.

An exception that the script itself caught is over: a script may try things. Nothing here is a
guess: what the trace does not know is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces.expectations import fits, meets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import (
        Call,
        ErrorInfo,
        Expected,
        Finding,
        LayerRef,
        Node,
        SourceLine,
        TensorSpec,
        Use,
        Weight,
    )
    from buildtrace.traces.trace import Trace


LONGEST_COMPARED = 80
"""So much of an exception's text is looked for in what it became further out."""


ENDED = "Ended"
"""The type of the error of a program that was ended from outside, or could not begin."""


class Raised(NamedTuple):
    """An exception that ended the program, or that was caught inside of a call.

    Attributes:
        error: what is known of it where it was seen first; calls around may have another text.
        calls: the calls that it came out of, outermost first; empty if none was recorded.
        use: the use of a model that it ended, if it did.
        reported: its text as the user got it in the end; Keras may have added words on the way.
    """

    error: ErrorInfo
    calls: tuple[Call, ...] = ()
    use: Use | None = None
    reported: str = ""

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
        return all(text in self.error.message or text in self.reported for text in texts)


class Frozen(NamedTuple):
    """The build that settled what a layer takes.

    Attributes:
        build: the run of the layer's `build`; its inputs are the shapes that it was built for.
        weights: what was made in it.
        lines: the user's lines that led to it, innermost first.
    """

    build: Call
    weights: tuple[Weight, ...]
    lines: tuple[SourceLine, ...]


class Way(NamedTuple):
    """How a tensor came to the layer that failed on it.

    Attributes:
        steps: the nodes that it came through, the first one first, and what each of them gave; it
            begins at an input, or behind a layer that takes several.
        met: the last step that gave what the layer expects, if one did.
        line: the user's line that called the layer of that step.
    """

    steps: tuple[tuple[Node, TensorSpec], ...]
    met: Node | None = None
    line: SourceLine | None = None


class Failure(NamedTuple):
    """A failed call, with all that explains it.

    Attributes:
        call: the innermost call that failed; `None` if the error came from outside of all calls.
        error: what was raised there.
        layer: the layer at work.
        given: what it was given.
        expects: what it wants of its inputs, if they are not like that.
        frozen: the build that settled it, if the layer was built for other shapes.
        ways: how each of its inputs came there, as far as the graph that was being made tells.
        reported: the error that the program got in the place of this one, if it was another.
        by_keras: whether it was Keras that raised that, not the user's own code.
        use: what was asked of a model, if that failed outside of all calls.
        lines: the user's lines that the error came through, the one that raised it first.
        swallowed: whether the program caught it.
        building: whether something was being built, not only called.
    """

    call: Call | None
    error: ErrorInfo
    layer: LayerRef | None = None
    given: tuple[TensorSpec, ...] = ()
    expects: tuple[Expected, ...] = ()
    frozen: Frozen | None = None
    ways: tuple[Way, ...] = ()
    reported: ErrorInfo | None = None
    by_keras: bool = True
    use: Use | None = None
    lines: tuple[SourceLine, ...] = ()
    swallowed: bool = False
    building: bool = True

    @property
    def place(self) -> SourceLine | None:
        """The user's line that raised it, or was the last on the way to Keras."""
        return self.lines[0] if self.lines else None


class Swallowed(NamedTuple):
    """An exception that somebody caught inside of a build.

    Attributes:
        call: the innermost call that it left.
        swallowed_in: the call that it did not leave.
        error: what was raised.
        by_keras: whether it was Keras that caught it, not the user's own code.
        lines: the user's lines that it came through, the one that raised it first.
        times: how often the same happened.
    """

    call: Call
    swallowed_in: Call
    error: ErrorInfo
    by_keras: bool
    lines: tuple[SourceLine, ...]
    times: int = 1


# -- what was raised --------------------------------------------------------------------------


def is_same(reported: ErrorInfo, error: ErrorInfo) -> bool:
    """Whether the one is the other, further out.

    On the way Keras adds words around its text, and gives it another type if its own cannot be
    made of a text. The user's code may have raised another one in its place.
    """
    if f"{error.type}: {error.message}" in reported.instead_of:
        return True
    text = error.message.strip()
    if not text or reported.message.strip() == text:
        return reported.type == error.type
    line = text.splitlines()[0]
    end = r"(?!\w)" if len(line) <= LONGEST_COMPARED else ""
    # As words of their own: "no" is not in "cannot".
    return bool(re.search(rf"(?<!\w){re.escape(line[:LONGEST_COMPARED])}{end}", reported.message))


def all_raised(trace: Trace) -> Iterator[Raised]:
    """Each exception once: those that calls raised, then the one that nothing but uses saw."""
    reported = False
    for call in trace.calls:
        if call.error is None or _goes_on(trace, call):
            continue
        chain = trace.raised_through(call)
        is_last = trace.error is not None and any(
            call.error and is_same(trace.error, call.error) for call in chain
        )
        error = chain[-1].error or call.error
        if is_last and trace.error is not None:
            reported = True
            yield Raised(error, chain, _use_of(trace, trace.error), trace.error.message)
        elif call.error.swallowed:
            yield Raised(error, chain, reported=call.error.message)
    if trace.error is not None and not reported:
        yield Raised(trace.error, (), _use_of(trace, trace.error), trace.error.message)


def _goes_on(trace: Trace, call: Call) -> bool:
    """Whether the exception of this call went on through the call around it."""
    if call.parent is None or call.error is None or call.error.swallowed:
        return False
    return trace.call(call.parent).error is not None


def _use_of(trace: Trace, error: ErrorInfo) -> Use | None:
    """The use of a model that this exception ended; the last one, if it ended several."""
    ended = [use for use in trace.uses if use.error and is_same(error, use.error)]
    return ended[-1] if ended else None


# -- the failure that a trace is about ---------------------------------------------------------


def failure(trace: Trace) -> Failure | None:
    """The failure that a trace is about; `None` if all went well.

    Of failures that the program caught, only that of a layer's build or call is one, if nothing
    else ended the run.
    """
    failed = trace.failed
    is_swallowed = was_swallowed(trace)
    if failed is None or failed.error is None or (is_swallowed and trace.error is not None):
        return outside(trace, trace.error) if trace.error else None
    if is_swallowed and not _is_of_a_layer(trace, failed):
        return None
    chain = [failed, *trace.ancestors(failed)]
    reported = chain[-1].error if is_swallowed else trace.error
    assert reported is not None
    about = next((call.layer for call in chain if call.layer), None)
    given = _given(chain, about)
    at_work = None if failed.step == "compile" else about  # not of a model whose loss fails
    expects = _unmet(trace, at_work, given)
    frozen = None if at_work is None else _frozen(trace, at_work, failed, {c.id for c in chain})
    if frozen and not expects and fits(frozen.build.inputs, given):
        frozen = None  # what it was built for is what it got: that is not the cause
    return Failure(
        call=failed,
        error=failed.error,
        layer=about,
        given=given,
        expects=expects,
        frozen=frozen,
        ways=tuple(_ways(trace, at_work, expects)) if at_work else (),
        reported=None if failed.error.type == reported.type else reported,
        by_keras=is_by_keras(reported, chain),
        lines=_lines(failed.error.lines, chain),
        swallowed=is_swallowed,
        building=frozen is None or any(call.landmark == "Layer.build" for call in chain),
    )


def is_by_keras(reported: ErrorInfo, chain: Iterable[Call]) -> bool:
    """Whether Keras raised what the program got: it came out of a call first in Keras' own code.

    Args:
        reported: that.
        chain: the calls that an exception came out of, innermost first.
    """
    seen = [call.error for call in chain if call.error and call.error.type == reported.type]
    return bool(seen) and (seen[0].raised_at is not None or not seen[0].lines)


def was_swallowed(trace: Trace) -> bool:
    """Whether a call failed, out of all calls, and that was not the end of the run.

    Keras itself does so, to see whether a layer can tell its output's shape.
    """
    if trace.failed is None:
        return False
    outer = trace.index.root(trace.failed).error
    return trace.error is None or outer is None or not is_same(trace.error, outer)


def _is_of_a_layer(trace: Trace, failed: Call) -> bool:
    """Whether a layer was being built or called."""
    chain = [failed, *trace.ancestors(failed)]
    return any(call.landmark in ("Layer.__call__", "Layer.build") for call in chain)


def outside(trace: Trace, error: ErrorInfo) -> Failure:
    """The failure of a run that no call failed in: something else was asked of a model, perhaps."""
    use = _use_of(trace, error)
    lines = error.lines or ((use.caller,) if use and use.caller else ())
    return Failure(None, error, use.model if use else None, use=use, lines=lines)


def is_about(trace: Trace, finding: Finding, failure: Failure) -> bool:
    """Whether a finding is about a failure: it names a call or a line that this came through."""
    if finding.caller is not None and finding.caller in failure.lines:
        return True
    failed = [] if failure.call is None else [failure.call, *trace.ancestors(failure.call)]
    return any(call.id in finding.calls for call in failed)


def _given(chain: list[Call], layer: LayerRef | None) -> tuple[TensorSpec, ...]:
    """What the layer got in the innermost call of a chain that says so."""
    for call in chain:
        if call.layer not in (None, layer):
            break
        if call.inputs:
            return call.inputs
    return ()


def _lines(raised: Iterable[SourceLine], chain: Iterable[Call]) -> tuple[SourceLine, ...]:
    """The user's lines from where something was raised up to the outermost call."""
    callers = (call.caller for call in chain if call.caller)
    return tuple(dict.fromkeys([*raised, *callers]))


def _unmet(
    trace: Trace, layer: LayerRef | None, given: tuple[TensorSpec, ...]
) -> tuple[Expected, ...]:
    """What the layer wants of its inputs, if one of them is not like that."""
    states = [state for state in trace.states if state.layer == layer and state.expects]
    expects = states[-1].expects if states else ()
    unmet = any(not meets(wanted, got.shape) for wanted, got in zip(expects, given, strict=False))
    return expects if unmet else ()


def _ways(trace: Trace, layer: LayerRef, expects: tuple[Expected, ...]) -> Iterator[Way]:
    """How the inputs came to a layer that failed: by the graph, which says it for sure."""
    places = [(g, n) for g in trace.graphs for n in g.nodes if n.failed and n.layer == layer.id]
    if len(places) != 1:
        return
    graph, failed = places[0]
    for number, edge in enumerate(edge for edge in graph.edges if edge.target == failed.id):
        steps: list[tuple[Node, TensorSpec]] = []
        before = [edge]
        while len(before) == 1 and len(steps) < len(graph.nodes):
            source = graph.nodes[before[0].source]
            steps.append((source, before[0].tensor))
            before = [edge for edge in graph.edges if edge.target == source.id]
        wanted = expects[number] if number < len(expects) else None
        met = next((n for n, given in steps if wanted and meets(wanted, given.shape)), None)
        yield Way(tuple(steps[::-1]), met, _called_at(trace, met))


def _called_at(trace: Trace, node: Node | None) -> SourceLine | None:
    """The user's line that called the layer of a node, the last time that it was called."""
    calls = () if node is None or node.layer is None else trace.index.calls_of(node.layer)
    lines = [call.caller for call in calls if call.landmark == "Layer.__call__" and call.caller]
    return lines[-1] if lines else None


def _frozen(trace: Trace, layer: LayerRef, failed: Call, path: set[int]) -> Frozen | None:
    """The layer's last build before the failure that made weights."""
    for call in reversed(trace.index.builds_of(layer.id)):
        if call.id < failed.id and call.id not in path and call.error is None:
            weights = [w for _, c in trace.walk(call) for w in trace.weights_made_by(c)]
            if weights:
                chain = [call, *trace.ancestors(call)]
                return Frozen(call, tuple(weights), _lines((), chain))
    return None


# -- exceptions that were swallowed ---------------------------------------------------------------


def swallowed(trace: Trace) -> list[Swallowed]:
    """The exceptions that came out of the user's code and were caught in a call, in order.

    What Keras raises and catches within its own code is its own affair. Not among them is what the
    run then failed of all the same: Keras 3 runs a `call` on symbols first, and catches that.
    """
    failed = failure(trace)
    by_kind: dict[object, Swallowed] = {}
    for call in trace.calls:
        error = call.error
        if error is None or not error.swallowed or not error.lines or call.parent is None:
            continue
        catcher = trace.call(call.parent)
        innermost = trace.raised_through(call)[-1]
        raised = innermost.error or error
        key = (raised.type, raised.message, error.lines[0])
        if key in by_kind:
            by_kind[key] = by_kind[key]._replace(times=by_kind[key].times + 1)
            continue
        by_keras = call.caller == catcher.caller  # else code of the user's stands between them
        chain = [innermost, *trace.ancestors(innermost)]
        lines = _lines(raised.lines or error.lines, chain)
        by_kind[key] = Swallowed(innermost, catcher, raised, by_keras, lines)
    return [one for one in by_kind.values() if failed is None or not _repeats(failed, one)]


def _repeats(failure: Failure, swallowed: Swallowed) -> bool:
    """Whether the failure is what was caught before: of the same kind, at the same line."""
    same_line = failure.lines[:1] == swallowed.lines[:1]
    return same_line and failure.error.type == swallowed.error.type


def swallowed_path(trace: Trace) -> set[int]:
    """The ids of all calls that were ended by an exception which a call around them caught."""
    ids: set[int] = set()
    for call in trace.calls:  # parents come before their children
        if call.error is not None and (call.error.swallowed or call.parent in ids):
            ids.add(call.id)
    return ids
