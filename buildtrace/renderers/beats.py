"""The story of a build in beats: the moments at which it goes on, each with its sentence.

A build has thousands of calls and a few dozen things to tell: a model is asked to build itself, a
layer is called, is not built yet, makes its weights, has an output; the graph is mapped. Which
landmarks tell such a thing, their tables say (`beat`). What comes again is told once for all.

The sentences are about the call at hand, with its names and numbers. Terminal, page and notebooks
show the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from buildtrace.comparison.roles import beat_of, role_of
from buildtrace.renderers import reasons
from buildtrace.traces import failures, wording
from buildtrace.traces.gaps import Limits, gaps
from buildtrace.traces.lazy import cached_property
from buildtrace.traces.totals import totals, totals_of_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import (
        Call,
        Graph,
        Holder,
        LayerRef,
        LossPart,
        TensorSpec,
        Variable,
        Weight,
    )
    from buildtrace.traces.trace import Trace

PhraseKind = Literal["", "layer", "class", "function", "shape", "number", "weight", "error"]
"""What a few words of a sentence name; "" is plain text."""

LIMITS = Limits(few=8, many=16, most=24)
"""How many calls of layers are told one by one."""

MOST_WEIGHTS = 4
"""So many weights of a layer are told one by one."""

TRANSPARENT = ("", "model", "load")
"""As what a call is told if what is inside of it is told as well."""

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
"""Of a model's inputs, as far as anybody counts them."""


class Phrase(NamedTuple):
    """A few words of a sentence, safe to show."""

    text: str
    kind: PhraseKind = ""


Sentence = tuple[Phrase, ...]


class Beat(NamedTuple):
    """A moment at which the story goes on.

    Attributes:
        call: the call whose beginning or end it is.
        ended: whether it is the end.
        subject: the layer or model that it is about.
        sentence: what happens.
        part: which of the article's three steps it belongs to; 4 for training, 5 for a saved file.
        unit: what is told together has the same number: the beats of one call of a layer, say.
        first: the first call of those that are told here in few words; `None` if there are none.
        calls: how many calls of layers are told here, if they are told in few words.
    """

    call: Call
    ended: bool
    subject: LayerRef | None
    sentence: Sentence
    part: int
    unit: int
    first: Call | None = None
    calls: int = 0

    @property
    def text(self) -> str:
        """The whole sentence as plain text."""
        return "".join(phrase.text for phrase in self.sentence)


class _LayerCall(NamedTuple):
    """An outermost call on a layer that the model itself connects or builds.

    Attributes:
        call: the call.
        layer: which layer.
        build: the run of its own `build` in that call that made weights, or failed.
        weights: those made in it.
        again: whether the layer was called before.
        had_weights: whether it had weights before, of a call that makes none.
        fails: whether it ended in an exception.
    """

    call: Call
    layer: LayerRef
    build: Call | None
    weights: tuple[Weight, ...]
    again: bool
    had_weights: bool
    fails: bool

    @property
    def kind(self) -> tuple[object, ...]:
        """Equal for calls that a reader takes for the same thing once more."""
        weights = tuple((weight.name, len(weight.shape)) for weight in self.weights)
        is_used = (self.again or self.had_weights) and not self.weights
        return self.layer.class_name, weights, is_used, self.fails


def beats(trace: Trace, graph: Graph | None = None, *, full: bool = False) -> list[Beat]:
    """The beats of a build, in their order.

    Args:
        trace: the calls to tell of.
        graph: that of the model that they build, if they build one.
        full: whether each call of a layer is told, however many are alike.
    """
    return list(_BeatWriter(trace, graph, full).beats())


class _Event(NamedTuple):
    """Something to tell of: the beginning of a model's call or build, its end, or all of a call."""

    kind: str
    call: Call


class _BeatWriter:
    """Tells the beats of one story."""

    def __init__(self, trace: Trace, graph: Graph | None, full: bool) -> None:
        self.trace = trace
        self.graph = graph
        self.full = full
        self.caught = failures.swallowed_path(trace)
        own = [*trace.index.outermost_graphs, *([graph] if graph else [])]
        maps = [graph for graph in trace.graphs if graph.source == "keras"]
        self.models = {graph.model.id for graph in (*own, *maps)}
        """What else has layers inside is told as one layer."""
        self.unit = 0

    def beats(self) -> Iterator[Beat]:
        calls = self._layer_calls
        hidden = self._hidden(list(calls.values()))
        fed = self._fed_together
        told: set[str] = set()  # classes
        for kind, call in self._events:
            self.unit += 1
            if call.id in fed:
                yield from self._of_more_fed(call, fed[call.id])
            elif kind == "layer":
                at_work = calls[call.id]
                gap = hidden.get(call.id)
                if gap is None:
                    first = at_work.layer.class_name not in told
                    told.add(at_work.layer.class_name)
                    yield from self._of_layer(at_work, first)
                elif call is gap[-1].call:
                    yield self._of_more(gap)
            else:
                yield from getattr(self, f"_{kind}")(call)

    # -- what there is to tell ------------------------------------------------------------------

    @cached_property
    def _events(self) -> list[_Event]:
        """What is told, in the order in which it happens; what is inside of a layer is its own."""
        events: list[_Event] = []
        path: list[tuple[Call, str]] = []  # the open calls, and as what they are told

        def close(depth: int) -> None:
            while len(path) > depth:
                call, kind = path.pop()
                if kind == "model" or (kind == "load" and self._fails(call)):
                    events.append(_Event(f"{kind}_ends", call))

        for depth, call in self.trace.walk():
            close(depth)
            kind = self._kind(call, path)
            if kind not in ("", "inside"):
                events.append(_Event("model_begins" if kind == "model" else kind, call))
            inside = path and path[-1][1] not in TRANSPARENT
            path.append((call, "inside" if inside else kind))
        close(0)
        return self._with_last_graphs(self._with_last_builds(events))

    def _with_last_builds(self, events: list[_Event]) -> list[_Event]:
        """Without a build of a model that makes no weights, and runs anew in what it is a part of.

        A Sequential that Keras 3 makes of a config is built anew with each layer that is added.
        """
        kept: list[_Event] = []
        later: set[tuple[int, int | None]] = (
            set()
        )  # models that are built further down, and in what
        left_out: Call | None = None
        for event in reversed(events):
            kind, call = event
            if left_out is None and kind == "model_ends" and call.layer and self._is_build(call):
                key = call.layer.id, call.parent
                if key in later and not self._fails(call):
                    left_out = None if self.trace.index.weights_made_in(call) else call
                elif call.parent is not None:
                    later.add(key)
            if left_out is None:
                kept.append(event)
            elif kind == "model_begins" and call is left_out:
                left_out = None
        return kept[::-1]

    def _with_last_graphs(self, events: list[_Event]) -> list[_Event]:
        """Without the mapping of a graph that is mapped again before the model is done.

        A Sequential of Keras 2 maps its graph anew with each layer that is added, and a model that
        is made of inputs and outputs comes through its constructor twice.
        """
        kept: list[_Event] = []
        later: set[int | None] = set()  # models whose graph is mapped further down
        for event in reversed(events):
            if event.kind == "model_ends" and event.call.layer:
                later.discard(event.call.layer.id)
            elif event.kind == "graph" and not self._fails(event.call):
                model = self._model_of(event.call)
                key = model.id if model else None
                if key in later:
                    continue
                later.add(key)
            kept.append(event)
        return kept[::-1]

    def _kind(self, call: Call, path: list[tuple[Call, str]]) -> str:
        """As what a call is told; "inside" if what is around it tells of it, "" if nothing does."""
        if path and path[-1][1] not in TRANSPARENT:
            return "inside"
        kind = beat_of(self.trace, call)
        if kind in ("call", "build"):
            if call.layer is None:
                return ""
            if call.layer.id not in self.models:
                return "layer"
            if any(told == "model" and outer.layer == call.layer for outer, told in path):
                return ""  # a part of what is told already
            if self.trace.index.weights_made_in(call) or self._fails(call):
                return "model"
            is_inner = self.graph is not None and call.layer != self.graph.model
            is_used = is_inner and self._had_weights(call.layer, call)
            is_inside = any(outer.step != "load" for outer, _ in path)
            return "layer" if is_inside or is_used else "model"
        return "" if kind == "constructor" and not self._fails(call) else kind

    def _fails(self, call: Call) -> bool:
        """Whether a call is ended by an exception, one that ends the build or is caught inside."""
        return call.id in self.trace.index.failing_ids or call.id in self.caught

    @cached_property
    def _layer_calls(self) -> dict[int, _LayerCall]:
        """The calls on layers that are told, by the call's id."""
        seen: set[int] = set()
        calls: dict[int, _LayerCall] = {}
        for kind, call in self._events:
            if kind == "layer" and call.layer is not None:
                weights = tuple(self.trace.index.weights_made_in(call))
                calls[call.id] = _LayerCall(
                    call=call,
                    layer=call.layer,
                    build=self._build_in(call),
                    weights=weights,
                    again=call.layer.id in seen,
                    had_weights=not weights and self._had_weights(call.layer, call),
                    fails=self._fails(call),
                )
                if not self._is_build(call):
                    seen.add(call.layer.id)
        return calls

    def _had_weights(self, layer: LayerRef, call: Call) -> bool:
        """Whether a layer had weights before a call."""
        makers = {weight.call for weight in self.trace.index.weights_within(layer.id)}
        calls = self.trace.index.call_by_id
        return any(
            maker is None or maker not in calls or calls[maker].start_ns < call.start_ns
            for maker in makers
        )

    def _build_in(self, call: Call) -> Call | None:
        for _, inner in self.trace.walk(call):
            is_own = self._is_build(inner) and inner.layer == call.layer
            if is_own and (self._fails(inner) or self.trace.index.weights_made_in(inner)):
                return inner
        return None

    def _is_build(self, call: Call) -> bool:
        return beat_of(self.trace, call) == "build"

    def _hidden(self, calls: list[_LayerCall]) -> dict[int, list[_LayerCall]]:
        """The calls that are told in one sentence with others like them, each with all of these."""
        if self.full:
            return {}
        hidden: dict[int, list[_LayerCall]] = {}
        for gap in gaps([call.kind for call in calls], LIMITS):
            alike = calls[gap.start : gap.end]
            hidden |= {each.call.id: alike for each in alike}
        return hidden

    # -- the sentences --------------------------------------------------------------------------

    def _beat(
        self,
        call: Call,
        *phrases: Phrase | str,
        ended: bool = True,
        part: int = 2,
        subject: LayerRef | None = None,
        first: Call | None = None,
    ) -> Beat:
        sentence = tuple(
            Phrase(phrase) if isinstance(phrase, str) else phrase for phrase in phrases
        )
        return Beat(call, ended, subject or call.layer, sentence, part, self.unit, first)

    def _model_begins(self, call: Call) -> Iterator[Beat]:
        told: _Phrases = [_name(call.layer)]
        if self._is_build(call):
            told += [" is asked to build itself", *_shapes(" for ", call.inputs)]
        else:
            told += [" is called", *_shapes(" on ", call.inputs)]
            if self.trace.index.weights_made_in(call):
                told.append(", and that builds it")
        yield self._beat(call, *told, ".", ended=False, part=1)

    def _model_ends(self, call: Call) -> Iterator[Beat]:
        graph = self.trace.index.graph_by_model.get(call.layer.id) if call.layer else None
        if call.id in self.trace.index.failing_ids:
            if call.layer and self._had_weights(call.layer, call):
                told: _Phrases = [
                    " fails",
                    *_shapes(" on ", call.inputs),
                    ": this ends the build, in ",
                ]
            else:
                told = [" is not built: its build ends here, in "]
            yield self._beat(call, _name(call.layer), *told, _error_type(call), ".", part=3)
        elif graph is not None:
            yield self._beat(call, _name(call.layer), *self._built(graph, call), part=3)

    def _built(self, graph: Graph, call: Call) -> _Phrases:
        """What a model is at the end of a call."""
        total = totals_of_model(self.trace, graph)
        if not graph.built:
            return [" is still not built."]
        if self._grows_after(graph, call):
            return [" is built as far as it goes."]
        if not total.weights:
            return [" is marked as built, and has no weights."]
        parameters = Phrase(wording.count(total.parameters, "parameter"), "number")
        weights = Phrase(wording.count(total.weights, "weight"), "number")
        news = " is built, with " if self.trace.index.weights_made_in(call) else " has "
        frozen = f", {total.not_trainable:,} of them not trainable," if total.not_trainable else ""
        return [news, parameters, f"{frozen} in ", weights, "."]

    def _grows_after(self, graph: Graph, call: Call) -> bool:
        """Whether layers of a model get their first weights after a call of it, as they are added.

        A layer that was built may get other ones later, as when it is quantized.
        """
        index = self.trace.index
        end = call.start_ns + call.duration_ns
        makers = [
            (weight.layer, index.call_by_id[weight.call])
            for weight in index.weights_within(graph.model.id)
            if weight.layer is not None and weight.call in index.call_by_id
        ]
        return any(
            maker.start_ns > end and all(build.start_ns > end for build in index.builds_of(layer))
            for layer, maker in makers
        )

    def _input(self, call: Call) -> Iterator[Beat]:
        specs = next((inner.outputs for _, inner in self.trace.walk(call) if inner.outputs), ())
        told: _Phrases = [f" is {self._which_input(call)}: it stands for data"]
        told += [*_shapes(" of the shape ", specs), "."]
        yield self._beat(call, _name(call.layer), *told, part=1)

    def _which_input(self, call: Call) -> str:
        """Which of its model's inputs a call makes, in the order that the model has them in."""
        for graph in (*([self.graph] if self.graph else []), *self.trace.graphs):
            layers = [graph.nodes[node].layer for node in graph.inputs]
            if call.layer is None or call.layer.id not in layers or graph.unfinished:
                continue  # of what is not finished, nobody has said in which order it takes them
            if len(layers) == 1:
                return "the input"
            place = layers.index(call.layer.id)
            which = f"the {ORDINALS[place]}" if place < len(ORDINALS) else "one"
            return f"{which} of the model's {len(layers)} inputs"
        return "the input" if sum(kind == "input" for kind, _ in self._events) == 1 else "an input"

    def _graph(self, call: Call) -> Iterator[Beat]:
        model = self._model_of(call)
        if call.id in self.trace.index.failing_ids:
            told: _Phrases = [" cannot be mapped: that ends here, in ", _error_type(call), "."]
            yield self._beat(call, "The graph of ", _name(model), *told, part=3, subject=model)
            return
        graph = self.trace.index.graph_by_model.get(model.id) if model else None
        told = [" is mapped, from the outputs back to the inputs"]
        if graph is not None and self._grows_after(graph, call):
            told += [", as far as it goes"]
        elif graph is not None and graph.nodes and not graph.unfinished:
            nodes = Phrase(wording.count(len(graph.nodes), "node"), "number")
            edges = Phrase(wording.count(len(graph.edges), "connection"), "number")
            told += [": ", nodes, " and ", edges]
        told.append(".")
        alone = all(outer.step == "load" for outer in self.trace.index.ancestors(call))
        if graph is not None and alone and not graph.unfinished:
            # nothing around it tells how it ends
            told += [" The model", *self._built(graph, call)]
        yield self._beat(call, "The graph of ", _name(model), *told, part=3, subject=model)

    def _model_of(self, call: Call) -> LayerRef | None:
        """The model whose graph a call maps: that around it, if it is a part of one's build."""
        for outer in self.trace.index.ancestors(call):
            if outer.layer and outer.layer.id in self.models:
                return outer.layer
        return call.layer or (self.graph.model if self.graph else None)

    # -- what training needs ----------------------------------------------------------------------

    def _training_beat(self, call: Call, *phrases: Phrase | str) -> Beat:
        if self._fails(call):
            phrases = (*phrases, " It fails: ", _error(call))
        return self._beat(call, *phrases, part=4)

    def _compile(self, call: Call) -> Iterator[Beat]:
        told: _Phrases = [_name(call.layer), " is compiled"]
        is_loaded = any(outer.step == "load" for outer in self.trace.index.ancestors(call))
        if is_loaded:
            told.append(" as the file says")
        if (holder := self._holder(call)) is not None:
            told += [": ", Phrase(wording.sanitize(holder.class_name), "class"), " is to train it"]
            if not is_loaded:  # then it is built at once: the file may have its values
                told.append(". What that needs is built when the first batch comes")
        yield self._training_beat(call, *told, ".")

    def _loss(self, call: Call) -> Iterator[Beat]:
        parts = [inner.loss for _, inner in self.trace.walk(call) if inner.loss]
        told: _Phrases = ["The loss is computed for the first time"]
        for number, part in enumerate(parts[:MOST_WEIGHTS]):
            told += ["; " if number else ": ", *_compared(part)]
        if len(parts) > MOST_WEIGHTS:
            told.append(f"; and {len(parts) - MOST_WEIGHTS} more")
        yield self._training_beat(call, *told, ".")

    def _metrics(self, call: Call) -> Iterator[Beat]:
        made = self.trace.index.variables_made_in(call)
        told: _Phrases = ["The metrics are built"]
        for number, id_ in enumerate(dict.fromkeys(variable.holder for variable in made)):
            own = [variable.name for variable in made if variable.holder == id_]
            name = Phrase(wording.sanitize(self.trace.holders[id_].name), "weight")
            told += [", " if number else ": ", name, f" with {wording.listed(own, MOST_WEIGHTS)}"]
        yield self._training_beat(call, *told, ".")

    def _optimizer(self, call: Call) -> Iterator[Beat]:
        holder = self._holder(call)
        name = holder.class_name if holder is not None else call.name
        made = self.trace.index.variables_made_in(call)
        told: _Phrases = ["The optimizer ", Phrase(wording.sanitize(name), "function"), " is built"]
        yield self._training_beat(call, *told, *_remembered(made), ".")

    # -- what a file gives ------------------------------------------------------------------------

    def _load(self, call: Call) -> Iterator[Beat]:
        source = call.loaded.source if call.loaded else ""
        file = Phrase(wording.sanitize(source) or "a file", "weight")
        if self._is_of_model(call):
            told: _Phrases = [
                _name(call.layer) if call.layer else "A model",
                " is loaded from ",
                file,
            ]
            told.append(": its config says what to build.")
        else:
            told = ["The weights of ", _name(call.layer), " are loaded from ", file, "."]
        yield self._beat(call, *told, ended=False, part=5)

    def _load_ends(self, call: Call) -> Iterator[Beat]:
        what = "the model" if self._is_of_model(call) else "the weights"
        told: _Phrases = ["The loading of ", what, " ends here, in ", _error_type(call), "."]
        yield self._beat(call, *told, part=5)

    def _is_of_model(self, call: Call) -> bool:
        """Whether a whole model is loaded, not only the values of its weights."""
        return role_of(self.trace, call) == "loads a model"

    def _values(self, call: Call) -> Iterator[Beat]:
        if call.error:  # Keras 3 goes on with the other layers, and tries this one again
            told: _Phrases = [" does not get the values of its weights: ", _error(call)]
            yield self._beat(call, _name(call.layer), *told, part=5)
            return
        told = [_name(call.layer), " gets"]
        if call.loaded and call.loaded.weights:
            weights = wording.count(len(call.loaded.weights), "weight")
            told += [" the values of its ", Phrase(weights, "number")]
        else:
            told.append(" the values of its weights")
        if call.loaded and call.loaded.source:
            told += [" from ", Phrase(wording.sanitize(call.loaded.source), "weight")]
        yield self._beat(call, *told, " of the file.", part=5)

    @cached_property
    def _fed_together(self) -> dict[int, list[Call]]:
        """The calls that give values and are told together, as there are many, each with all."""
        if self.full:
            return {}
        fed = [call for kind, call in self._events if kind == "values" and not call.error]
        together = fed[LIMITS.few :]
        return {call.id: together for call in together}

    def _of_more_fed(self, call: Call, together: list[Call]) -> Iterator[Beat]:
        """One beat for calls that give values to layers as those before did."""
        if call is not together[-1]:
            return
        names = [fed.layer.name for fed in together if fed.layer]
        told: _Phrases = [Phrase(wording.count(len(together), "more layer"), "number")]
        told += [" get their values from the file: ", Phrase(wording.span(names), "layer"), "."]
        yield self._beat(call, *told, part=5, first=together[0])

    def _holder(self, call: Call) -> Holder | None:
        return None if call.holder is None else self.trace.holders[call.holder]

    def _constructor(self, call: Call) -> Iterator[Beat]:
        name = Phrase(wording.sanitize(call.name), "function")
        yield self._beat(call, name, " fails: ", _error(call))

    def _of_layer(self, at_work: _LayerCall, first: bool) -> Iterator[Beat]:
        """The beats of a layer's call: of the first of its class in four, of others in one."""
        call = at_work.call
        if (first and at_work.weights) or at_work.fails:
            yield from self._slowly(at_work)
            return
        told: _Phrases = [_name(at_work.layer)]
        if at_work.weights:
            told += _shapes(" gets ", call.inputs, " and")
            told += [" makes ", *_weights(at_work.weights), "."]
            told += _shapes(" It gives ", call.outputs, ".")
        elif at_work.again or at_work.had_weights:
            if self._is_build(call):
                told += [" is asked to build itself", *_shapes(" for ", call.inputs)]
            else:
                again = " again" if at_work.again else ""
                told += [f" is called{again}", *_shapes(" on ", call.inputs)]
            if at_work.had_weights:
                told.append(": it is built, so nothing is made")
            told += [".", *_shapes(" It gives ", call.outputs, ".")]
        else:
            told += [" has no weights.", *_change(call)]
        yield self._beat(call, *told)

    def _slowly(self, at_work: _LayerCall) -> Iterator[Beat]:
        call, layer, build = at_work.call, at_work.layer, at_work.build
        if call is not build:
            told: _Phrases = [" is called", *_shapes(" on ", call.inputs), "."]
            yield self._beat(call, _name(layer), *told, ended=False)
        if build is not None:
            told = [" is not built yet", *self._not_built(at_work, build)]
            yield self._beat(build, _name(layer), *told, ended=False)
        if at_work.fails:
            told = [" fails: ", _error(call)]
            if call.id in self.caught:
                told += [" That is caught, and the build goes on."]
            yield self._beat(call, _name(layer), *told)
            return
        made = [*_weights(at_work.weights, with_initializers=True), "."]
        if build is None:  # by what runs in it, or by nothing that is called build
            gives = _shapes(" It gives ", call.outputs, ".")
            yield self._beat(call, _name(layer), " has made ", *made, *gives)
            return
        function = Phrase(wording.sanitize(build.name), "function")
        yield self._beat(build, function, " has made ", *made)
        if call is not build:
            told = [" is built", *_shapes(", and its output is ", call.outputs), "."]
            yield self._beat(call, _name(layer), *told)

    def _not_built(self, at_work: _LayerCall, build: Call) -> _Phrases:
        """Why the weights of a layer that is built now get the shapes that they get."""
        given = build.inputs or at_work.call.inputs
        if because := reasons.of(at_work.layer, given, at_work.weights):
            return [". ", because]
        function = Phrase(wording.sanitize(build.name), "function")
        return [": ", function, " runs", *_shapes(" for ", given), "."]

    def _of_more(self, hidden: list[_LayerCall]) -> Beat:
        """One beat for calls that are like others."""
        layers = list(dict.fromkeys(call.layer.name for call in hidden))
        weights = {weight.id: weight for call in hidden for weight in call.weights}
        parameters = wording.count(totals(weights.values()).parameters, "parameter")
        follow = "follow" if len(hidden) > 1 else "follows"
        told: _Phrases = [
            Phrase(f"{len(hidden):,} more", "number"),
            f" like those before {follow}, on ",
        ]
        told += [Phrase(wording.span(layers), "layer")]
        told += [": ", Phrase(parameters, "number")] if weights else []
        beat = self._beat(hidden[-1].call, *told, ".", first=hidden[0].call)
        return beat._replace(calls=len(hidden))


_Phrases = list[Phrase | str]


def _name(layer: LayerRef | None) -> Phrase:
    if layer is None:
        return Phrase("the model", "layer")
    is_visible = bool(layer.name.strip())  # Keras takes any text for a name
    name = wording.sanitize(layer.name) if is_visible else wording.quoted(layer.name)
    return Phrase(name, "layer")


def _shapes(lead: str, specs: tuple[TensorSpec, ...], end: str = "") -> _Phrases:
    """Tensors behind a word or two; nothing if there are none."""
    return [lead, Phrase(wording.tensors(specs), "shape"), end] if specs else []


def _compared(part: LossPart) -> _Phrases:
    """What meets what in a loss."""
    none: tuple[TensorSpec, ...] = ()
    output = Phrase(wording.sanitize(part.output), "layer") if part.output else "the output"
    told: _Phrases = [Phrase(wording.sanitize(part.name), "function"), " compares ", output]
    told += _shapes(" ", (part.predicted,) if part.predicted else none)
    told += [" with the target", *_shapes(" ", (part.target,) if part.target else none)]
    return told + _shapes(", weighed by ", (part.sample_weight,) if part.sample_weight else none)


def _remembered(made: list[Variable]) -> _Phrases:
    """What an optimizer has made for the weights, and what else."""
    kept = [variable for variable in made if variable.weight is not None]
    if not made:
        return [": it makes no variables"]
    weights = {variable.weight for variable in kept}
    names = [wording.sanitize(name) for name in dict.fromkeys(variable.name for variable in kept)]
    if not kept or len(names) * len(weights) != len(kept):
        numbers = wording.count(sum(variable.size for variable in made), "number")
        variables = Phrase(wording.count(len(made), "variable"), "number")
        return [": it makes ", variables, ", of ", Phrase(numbers, "number")]
    told: _Phrases = [": it makes ", Phrase(wording.count(len(names), "variable"), "number")]
    told += [" for each of the ", Phrase(f"{len(weights):,}", "number"), " trainable weights, "]
    told.append(Phrase(wording.listed(names, MOST_WEIGHTS), "weight"))
    numbers = wording.count(sum(variable.size for variable in kept), "number")
    others = len(made) - len(kept)
    more = f", and {others} more for itself" if others else ""
    return [*told, ": ", Phrase(numbers, "number"), more]


def _change(call: Call) -> _Phrases:
    """What a layer without weights makes of its input."""
    if not (call.inputs and call.outputs):
        return _shapes(" It gives ", call.outputs, ".")
    if call.inputs == call.outputs:
        return _shapes(" Its output has the shape of its input, ", call.outputs, ".")
    return [*_shapes(" It turns ", call.inputs), *_shapes(" into ", call.outputs), "."]


def _error_type(call: Call) -> Phrase:
    return Phrase(wording.sanitize(call.error.type if call.error else "an error"), "error")


def _error(call: Call) -> Phrase:
    """What ended a call, in all its words."""
    lines = wording.essence(call.error) if call.error else ["an error"]
    return Phrase(wording.sanitize_long(" ".join(lines), 600), "error")


def _weights(weights: Iterable[Weight], *, with_initializers: bool = False) -> _Phrases:
    """Weights by name and shape, who gave them their values, and how many parameters they have."""
    weights = list(weights)
    phrases: _Phrases = []
    for number, weight in enumerate(weights[:MOST_WEIGHTS]):
        if number:
            phrases.append(" and " if number == len(weights) - 1 else ", ")
        name = Phrase(wording.sanitize(weight.name), "weight")
        phrases += [name, " ", Phrase(wording.sizes(weight.shape), "shape")]
        if with_initializers and weight.initializer:
            phrases += [" by ", Phrase(wording.sanitize(weight.initializer), "function")]
    if len(weights) > MOST_WEIGHTS:
        phrases.append(f" and {len(weights) - MOST_WEIGHTS} more")
    parameters = wording.count(totals(weights).parameters, "parameter")
    return [*phrases, ": ", Phrase(parameters, "number")]
