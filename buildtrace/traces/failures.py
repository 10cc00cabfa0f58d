"""What a trace knows of a failure: what the layer got, what it takes, and which build settled that.

And the exceptions that nobody saw, since somebody caught them. Queries on a trace, for whatever
shows them; nothing here is a guess: what the trace does not know is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import (
        Call,
        ErrorInfo,
        Expected,
        LayerRef,
        Shape,
        SourceLine,
        TensorSpec,
        Use,
        Weight,
    )
    from buildtrace.traces.trace import Trace


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


class Failure(NamedTuple):
    """A failed call, with all that explains it.

    Attributes:
        call: the innermost call that failed; `None` if the error came from outside of all calls.
        error: what was raised there.
        layer: the layer at work.
        given: what it was given.
        expects: what it wants of its inputs, if they are not like that.
        frozen: the build that settled it, if the layer was built for other shapes.
        raised: the error that the program got in the place of this one, if it was another.
        use: what was asked of a model, if that failed outside of all calls.
        lines: the user's lines that the error came through, the one that raised it first.
        went_on: whether the program caught it.
        building: whether something was being built, not only called.
    """

    call: Call | None
    error: ErrorInfo
    layer: LayerRef | None = None
    given: tuple[TensorSpec, ...] = ()
    expects: tuple[Expected, ...] = ()
    frozen: Frozen | None = None
    raised: ErrorInfo | None = None
    use: Use | None = None
    lines: tuple[SourceLine, ...] = ()
    went_on: bool = False
    building: bool = True


class Swallowed(NamedTuple):
    """An exception that somebody caught inside of a build.

    Attributes:
        call: the innermost call that it left.
        caught_in: the call that it did not leave.
        error: what was raised.
        by_keras: whether it was Keras that caught it, not the user's own code.
        lines: the user's lines that it came through, the one that raised it first.
        times: how often the same happened.
    """

    call: Call
    caught_in: Call
    error: ErrorInfo
    by_keras: bool
    lines: tuple[SourceLine, ...]
    times: int = 1


def failure(trace: Trace) -> Failure | None:
    """The failure that a trace is about; `None` if all went well.

    Of failures that the program caught, only that of a layer's build or call is one.
    """
    failed = trace.failed
    caught = went_on(trace)
    if failed is None or failed.error is None or (caught and not _is_of_a_layer(trace, failed)):
        return _outside(trace, trace.error) if trace.error else None
    chain = [failed, *trace.ancestors(failed)]
    told = chain[-1].error if caught else trace.error
    assert told is not None
    about = next((call.layer for call in chain if call.layer), None)
    given = _given(chain, about)
    expects = _unmet(trace, about, given)
    frozen = None if about is None else _frozen(trace, about, failed, {c.id for c in chain})
    if frozen and not expects and fits(frozen.build.inputs, given):
        frozen = None  # what it was built for is what it got: that is not the cause
    return Failure(
        call=failed,
        error=failed.error,
        layer=about,
        given=given,
        expects=expects,
        frozen=frozen,
        raised=None if failed.error.type == told.type else told,
        lines=_lines(failed.error.lines, chain),
        went_on=caught,
        building=frozen is None or any(call.landmark == "Layer.build" for call in chain),
    )


def went_on(trace: Trace) -> bool:
    """Whether a call failed, out of all calls, and that was not the end of the run.

    Keras itself does so, to see whether a layer can tell its output's shape.
    """
    if trace.failed is None:
        return False
    outer = [trace.failed, *trace.ancestors(trace.failed)][-1].error
    return trace.error is None or outer is None or not _same(trace.error, outer)


def _is_of_a_layer(trace: Trace, failed: Call) -> bool:
    """Whether a layer was being built or called."""
    chain = [failed, *trace.ancestors(failed)]
    return any(call.landmark in ("Layer.__call__", "Layer.build") for call in chain)


def _outside(trace: Trace, error: ErrorInfo) -> Failure:
    """The failure of a run that no call failed in: something else was asked of a model, perhaps."""
    uses = [use for use in trace.uses if use.error and _same(error, use.error)]
    use = uses[-1] if uses else None
    lines = error.lines or ((use.caller,) if use and use.caller else ())
    return Failure(None, error, use.model if use else None, use=use, lines=lines)


def _same(error: ErrorInfo, other: ErrorInfo) -> bool:
    """Whether these tell of one exception: Keras adds the arguments to its text on the way out."""
    return error.type == other.type and (other.message in error.message or not other.message)


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


# -- what a layer takes -----------------------------------------------------------------------


def _unmet(
    trace: Trace, layer: LayerRef | None, given: tuple[TensorSpec, ...]
) -> tuple[Expected, ...]:
    """What the layer wants of its inputs, if one of them is not like that."""
    states = [state for state in trace.states if state.layer == layer and state.expects]
    expects = states[-1].expects if states else ()
    unmet = any(not meets(wanted, got.shape) for wanted, got in zip(expects, given, strict=False))
    return expects if unmet else ()


def meets(wanted: Expected, shape: Shape | None) -> bool:
    """Whether a shape is what a layer wants; an unknown size may be any, as for Keras."""
    if shape is None:
        return True
    rank = len(shape)
    sizes = dict(wanted.axes)
    if wanted.shape is not None:
        if len(wanted.shape) != rank:
            return False
        sizes |= {axis: size for axis, size in enumerate(wanted.shape) if size is not None}
    if wanted.ndim not in (None, rank) or rank < (wanted.min_ndim or 0):
        return False
    if wanted.max_ndim is not None and rank > wanted.max_ndim:
        return False
    return all(
        not -rank <= axis < rank or shape[axis] in (None, size) for axis, size in sizes.items()
    )


def fits(built_for: tuple[TensorSpec, ...], given: tuple[TensorSpec, ...]) -> bool:
    """Whether these could be the shapes that a layer was built for; the batch may be any size."""
    pairs = zip(built_for, given, strict=False)
    return all(_fits(one.shape, other.shape) for one, other in pairs)


def _fits(one: Shape | None, other: Shape | None) -> bool:
    if one is None or other is None:
        return True
    if len(one) != len(other):
        return False
    return all(a == b or None in (a, b) for a, b in zip(one[1:], other[1:], strict=True))


def _frozen(trace: Trace, layer: LayerRef, failed: Call, path: set[int]) -> Frozen | None:
    """The layer's last build before the failure that made weights."""
    for call in reversed(trace.calls):
        if (
            call.landmark == "Layer.build"
            and call.layer == layer
            and call.id < failed.id
            and call.id not in path
            and call.error is None
        ):
            weights = [w for _, c in trace.walk(call) for w in trace.weights_made_by(c)]
            if weights:
                chain = [call, *trace.ancestors(call)]
                return Frozen(call, tuple(weights), _lines((), chain))
    return None


# -- exceptions that were caught ------------------------------------------------------------------


def swallowed(trace: Trace) -> list[Swallowed]:
    """The exceptions that came out of the user's code and were caught in a call, in order.

    What Keras raises and catches within its own code is its own affair.
    """
    found: dict[object, Swallowed] = {}
    for call in trace.calls:
        error = call.error
        if error is None or not error.swallowed or not error.lines or call.parent is None:
            continue
        catcher = trace.call(call.parent)
        innermost = _innermost(trace, call)
        raised = innermost.error or error
        key = (raised.type, raised.message, error.lines[0])
        if key in found:
            found[key] = found[key]._replace(times=found[key].times + 1)
            continue
        by_keras = call.caller == catcher.caller  # else code of the user's stands between them
        chain = [innermost, *trace.ancestors(innermost)]
        lines = _lines(raised.lines or error.lines, chain)
        found[key] = Swallowed(innermost, catcher, raised, by_keras, lines)
    return list(found.values())


def _innermost(trace: Trace, call: Call) -> Call:
    """The innermost call that the error of this one came out of."""
    while inner := [c for c in trace.children(call) if c.error and not c.error.swallowed]:
        call = inner[-1]
    return call


def swallowed_path(trace: Trace) -> set[int]:
    """The ids of all calls that were ended by an exception which a call around them caught."""
    found: set[int] = set()
    for call in trace.calls:  # parents come before their children
        if call.error is not None and (call.error.swallowed or call.parent in found):
            found.add(call.id)
    return found
