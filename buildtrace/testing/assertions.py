"""The assertions of `buildtrace.testing`.

Each hides its own frame from pytest's tracebacks: the last line shown is the test's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.diagnosis import settings, suppress
from buildtrace.renderers.terminal import listing
from buildtrace.testing import choose, golden
from buildtrace.testing.messages import failure
from buildtrace.traces import wording
from buildtrace.traces.totals import totals, trained_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from buildtrace.testing.choose import Named
    from buildtrace.traces.schema import Call, LayerRef, Shape, Weight
    from buildtrace.traces.trace import Trace

    ExpectedCall = str | tuple[str, str | Named]
    Sizes = Sequence[int | None]


def assert_called_in_order(trace: Trace, *calls: ExpectedCall) -> None:
    """These functions ran in this order; others may have run before, between and after.

    Args:
        trace: what was recorded.
        calls: qualified names, such as "Dense.build", each alone or with the layer that it was
            about: ("Dense.build", "hidden").
    """
    __tracebackhide__ = True
    in_order: list[Call] = []
    for number, wanted in enumerate(calls):
        after = in_order[-1].id if in_order else -1
        matching = _matching(trace, wanted)
        next_ = next((call for call in matching if call.id > after), None)
        if next_ is None:
            text = _missing(trace, calls, number, matching)
            raise failure(trace, text, [*in_order, *matching])
        in_order.append(next_)


def assert_built_once(trace: Trace, *layers: str | Named) -> None:
    """The `build` of these layers ran, and ran once.

    Args:
        trace: what was recorded.
        layers: names or classes of layers, or layers themselves; none means every layer that
            was built at all.
    """
    __tracebackhide__ = True
    refs = _chosen(trace, layers, "be built once")
    builds = {ref.id: trace.index.built_by(ref.id) for ref in refs}
    if not layers:
        refs = [ref for ref in refs if builds[ref.id]]
        if not refs:
            raise failure(trace, "expected layers to be built, but none was")
    for ref in refs:
        times = len(builds[ref.id])
        if times != 1:
            was = "was not built" if not times else f"was built {_times(times)}"
            about = builds[ref.id] or _about(trace, [ref])
            text = f"expected {wording.layer(ref)} to be built once, but it {was}"
            raise failure(trace, text, about)


def assert_weights(trace: Trace, layer: str | Named, weights: Mapping[str, Sizes]) -> None:
    """The layer made exactly these weights, with these shapes; those of layers in it are theirs.

    Args:
        trace: what was recorded.
        layer: name or class of the layer, or the layer itself; if there are several, each must
            have these weights.
        weights: shapes by name, such as {"kernel": (784, 512), "bias": (512,)}.
    """
    __tracebackhide__ = True
    expected = [(name, tuple(shape)) for name, shape in weights.items()]
    for ref in _chosen(trace, [layer], f"have the weights {_shapes(expected)}"):
        actual = trace.weights_of(ref.id)
        if sorted(((w.name, w.shape) for w in actual), key=str) != sorted(expected, key=str):
            text = (
                f"expected {wording.layer(ref)} to have the weights {_shapes(expected)}, "
                f"but it has {_shapes((w.name, w.shape) for w in actual)}"
            )
            raise failure(trace, text, _makers(trace, actual) or _about(trace, [ref]))


def assert_parameters(
    trace: Trace, count: int, *, model: str | None = None, trainable: bool | None = None
) -> None:
    """There are so many scalars in all weights.

    Args:
        trace: what was recorded.
        count: how many are expected.
        model: count only the weights of the last model of this name.
        trainable: count only the weights that are trainable, or only those that are not.
    """
    __tracebackhide__ = True
    kind = {None: "", True: "trainable ", False: "non-trainable "}[trainable]
    where = "" if model is None else f" in {model!r}"
    wanted = f"expected {count:,} {kind}{'parameter' if count == 1 else 'parameters'}{where}"
    counted = [(weight, weight.trainable) for weight in trace.weights if not weight.replaced]
    if model is not None:
        graphs = [graph for graph in trace.graphs if graph.model.name == model]
        if not graphs:
            names = (
                wording.listed((wording.quoted(g.model.name) for g in trace.graphs), 4) or "none"
            )
            raise failure(trace, f"{wanted}, but there is no such model; there are: {names}")
        counted = trained_weights(trace, graphs[-1])
    chosen = [weight for weight, trains in counted if trainable in (None, trains)]
    actual = totals(chosen).parameters
    if actual != count:
        text = f"{wanted}, but there are {actual:,} in {wording.count(len(chosen), 'weight')}"
        raise failure(trace, text, _makers(trace, chosen))


def assert_all_built(trace: Trace) -> None:
    """Each model of the trace is built, and no layer in one was left unbuilt."""
    __tracebackhide__ = True
    if not trace.graphs:
        raise failure(trace, "expected models with all layers built, but there is no model")
    left = [*trace.index.unbuilt()]
    if left:
        names = [
            wording.layer(ref) + (f" in {wording.quoted(model.name)}" if model else "")
            for ref, model in left
        ]
        text = f"expected all layers to be built, but {wording.listed(names, 4)} "
        text += "is not" if len(names) == 1 else "are not"
        raise failure(trace, text, _about(trace, [model or ref for ref, model in left]))


def assert_weights_made_in_build(trace: Trace, *layers: str | Named) -> None:
    """No weight was made outside of a `build`: by `__init__`, by `call`, or by somebody else.

    Args:
        trace: what was recorded.
        layers: look only at the weights of these layers.
    """
    __tracebackhide__ = True
    refs = {ref.id for ref in _chosen(trace, layers, "make weights in build")}
    if not trace.calls:
        raise failure(trace, "expected weights made in build, but there is none")
    outside = [
        weight
        for weight in trace.weights
        if (not layers or weight.layer in refs) and not trace.index.is_made_in_build(weight)
    ]
    if outside:
        names = wording.listed((_whose(trace, weight) for weight in outside), 4)
        verb = "was" if len(outside) == 1 else "were"
        text = f"expected every weight to be made in build, but {names} {verb} made outside"
        if all(weight.call is None for weight in outside):
            text += ", before the trace or without add_weight"
        owners = [trace.layers[w.layer] for w in outside if w.layer in trace.layers]
        raise failure(trace, text, _makers(trace, outside) or _about(trace, owners))


def assert_no_findings(trace: Trace, ignore: Iterable[str] = ()) -> None:
    """The diagnosis has nothing to say of the build that is more than a note.

    Findings that a comment `# buildtrace: ignore[CODE]` on their line ignores do not count.

    Args:
        trace: what was recorded.
        ignore: codes of rules that do not matter here, such as "BT105", or "BT1" for all that
            begin like this.
    """
    __tracebackhide__ = True
    if not trace.calls:
        raise failure(trace, "expected a build without findings, but there is none")
    ignored = settings.codes([ignore] if isinstance(ignore, str) else list(ignore), "ignore")
    wanted = settings.Settings(ignore=ignored)
    problems = suppress.keep(trace.findings, trace.index.source_code, wanted).problems
    if problems:
        lines = listing.text(listing.lines(problems, Path.cwd()))
        calls = [trace.call(call) for finding in problems for call in finding.calls]
        number = wording.count(len(problems), "finding")
        verb = "is" if len(problems) == 1 else "are"
        raise failure(
            trace, f"expected a build without findings, but there {verb} {number}\n\n{lines}", calls
        )


def assert_build_matches(trace: Trace, name: str) -> None:
    """The build is the one that is kept in a file beside the test.

    The file is `__builds__/<test module>/<name>.txt`, and `pytest --buildtrace-update` writes
    it. Times, addresses, paths and the numbers of layers that Keras named do not count. The
    test has to use the fixture `buildtrace`, which knows where it is.

    Args:
        trace: what was recorded.
        name: what to call the build; the functions of Keras differ between its generations, so
            a test that runs on both needs two names.
    """
    __tracebackhide__ = True
    message = golden.check(trace, name)
    if message is not None:
        raise AssertionError(message)


# -- the words of the messages ------------------------------------------------------------------


def _matching(trace: Trace, wanted: ExpectedCall) -> list[Call]:
    if isinstance(wanted, str):
        return trace.find(wanted)
    name, layer = wanted
    ids = {ref.id for ref in trace.index.layers_called(choose.name_of(layer))}
    return [call for call in trace.find(name) if call.layer and call.layer.id in ids]


def _missing(trace: Trace, calls: Sequence[ExpectedCall], number: int, matching: list[Call]) -> str:
    wanted = _expected(calls[number])
    if number and matching:
        return (
            f"expected {wanted} after {_expected(calls[number - 1])}, but it ran only before that"
        )
    after = f" after {_expected(calls[number - 1])}" if number else ""
    name = calls[number] if isinstance(calls[number], str) else calls[number][0]
    others = trace.find(str(name))
    if others and not isinstance(calls[number], str):
        names = dict.fromkeys(wording.quoted(c.layer.name) for c in others if c.layer)
        on = wording.listed(names, 4)
        return f"expected {wanted}{after}, but it ran on {on} only"
    return f"expected {wanted}{after}, but it did not run"


def _expected(wanted: ExpectedCall) -> str:
    if isinstance(wanted, str):
        return wanted
    return f"{wanted[0]} of {choose.name_of(wanted[1])!r}"


def _chosen(trace: Trace, layers: Sequence[str | Named], wanted: str) -> list[LayerRef]:
    """The layers that are meant; none given means all."""
    __tracebackhide__ = True
    if not layers:
        return list(trace.layers.values())
    chosen: list[LayerRef] = []
    for layer in layers:
        refs = trace.index.layers_called(choose.name_of(layer))
        if not refs:
            text = f"expected {choose.name_of(layer)!r} to {wanted}, but there is no such layer"
            raise failure(trace, f"{text}; there are: {choose.known(trace)}")
        chosen += refs
    return chosen


def _about(trace: Trace, refs: Iterable[LayerRef]) -> list[Call]:
    """The calls that say most of these layers: those that built them, or else the outermost.

    Of a layer that nobody called, they are those of the models that it is in.
    """
    telling: list[Call] = []
    for ref in {ref.id: ref for ref in refs}.values():
        calls = [call for call in trace.calls if call.layer == ref]
        ids = {call.id for call in calls}
        about = trace.index.built_by(ref.id) or [c for c in calls if c.parent not in ids]
        if not about:
            models = [g.model for g in trace.graphs if any(n.layer == ref.id for n in g.nodes)]
            about = [call for model in models for call in trace.index.built_by(model.id)]
        telling += about
    return telling


def _makers(trace: Trace, weights: Iterable[Weight]) -> list[Call]:
    """The calls that made these weights."""
    return [trace.call(weight.call) for weight in weights if weight.call is not None]


def _whose(trace: Trace, weight: Weight) -> str:
    name = wording.quoted(weight.name)
    ref = None if weight.layer is None else trace.layers.get(weight.layer)
    return name if ref is None else f"{name} of {wording.layer(ref)}"


def _shapes(weights: Iterable[tuple[str, Shape]]) -> str:
    return (
        ", ".join(f"{wording.sanitize(name)} {wording.shape(shape)}" for name, shape in weights)
        or "none"
    )


def _times(number: int) -> str:
    return "twice" if number == 2 else f"{number} times"
