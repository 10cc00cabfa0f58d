"""What a call and a weight have to say, worked out once for all views.

A call has facts, and a fact has terms, as data: texts that are safe to show, what to say instead
where there is less room or more, and whether a call around it says the same. The terminal, the
page, the notebook, two builds side by side and the golden outline only lower them: each picks the
kinds of facts and of terms that it shows, in its own order and style.

The columns of the table of weights are rows of one table, `WEIGHT_COLUMNS`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from buildtrace.comparison.roles import beat_of
from buildtrace.renderers.text import source_files
from buildtrace.traces import failures, wording
from buildtrace.traces.lazy import cached_property

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.traces.schema import (
        Call,
        ErrorInfo,
        Holder,
        LayerRef,
        Loaded,
        LossPart,
        SourceLine,
        TensorSpec,
        Variable,
        Weight,
    )
    from buildtrace.traces.trace import Trace

FactKind = Literal[
    "layer", "flow", "error", "change", "weight", "variable", "loss", "loaded", "caller", "thread"
]

TermKind = Literal[
    "layer",
    "class",
    "inputs",
    "outputs",
    "error",
    "exception",
    "raised",
    "change",
    "became",
    "weight",
    "shape",
    "parameters",
    "dtype",
    "initializer",
    "regularizer",
    "constraint",
    "frozen",
    "variable",
    "for",
    "loss",
    "logits",
    "source",
    "fed",
    "caller",
    "thread",
]


MOST_FED = 4
"""So many weights that get values from a file are named."""


class Term(NamedTuple):
    """A word or a few that a view shows, or leaves out, as one.

    Attributes:
        kind: what it tells.
        text: safe to show, in one line.
        lead: what stands right before it, such as an arrow.
        short: what to say instead where the text does not fit; "" if nothing.
        long: what to say instead where there is room for all of it; "" if that is the text.
        link: address of the line that it names.
    """

    kind: TermKind
    text: str
    lead: str = ""
    short: str = ""
    long: str = ""
    link: str = ""


class Fact(NamedTuple):
    """One thing to say of a call.

    Attributes:
        kind: what it is about.
        terms: its words, of which a view picks some.
        about: the attribute that changed, if it is a change.
        repeated: whether the call that is shown around this one (or the heading of an outermost
            one), or a call inside it, says it too.
        caught: whether it is an error that was caught.
    """

    kind: FactKind
    terms: tuple[Term, ...]
    about: str = ""
    repeated: bool = False
    caught: bool = False

    def said(self, *kinds: TermKind, whole: bool = False) -> str:
        """Its terms of these kinds, or all of them, as one text.

        Args:
            kinds: which to say, in their own order.
            whole: whether to say all of what is long.
        """
        terms = [term for term in self.terms if not kinds or term.kind in kinds]
        return " ".join(
            term.lead + (term.long if whole and term.long else term.text) for term in terms
        )

    def text(self, kind: TermKind) -> str:
        """The text of its term of that kind, without what stands before it; "" if it has none."""
        return next((term.text for term in self.terms if term.kind == kind), "")


def ordered(facts: Iterable[Fact], kinds: Iterable[FactKind]) -> list[Fact]:
    """The facts of these kinds, in the order of the kinds."""
    facts = list(facts)
    return [fact for kind in kinds for fact in facts if fact.kind == kind]


def text_of(facts: Iterable[Fact], kind: FactKind) -> str:
    """All that the fact of a kind says, of which a call has no more than one."""
    return "".join(fact.said() for fact in facts if fact.kind == kind)


class CallFacts:
    """The facts of a trace's calls."""

    def __init__(
        self,
        trace: Trace,
        shown: Trace | None = None,
        *,
        by_shapes: bool = False,
        going_on: bool = True,
    ) -> None:
        """Of a trace.

        Args:
            trace: all of it.
            shown: what is left of it where it is folded.
            by_shapes: whether equal shapes in a call and in the one around it are said once, even
                where the two calls are on different layers.
            going_on: whether an error after which the program went on counts as caught.
        """
        self._trace = trace
        self._shown = shown or trace
        self._by_shapes = by_shapes
        self._going_on = going_on

    @cached_property
    def _paths(self) -> tuple[AbstractSet[int], AbstractSet[int]]:
        failing = self._trace.index.failing_ids
        caught = failures.swallowed_path(self._trace)
        if self._going_on and failures.was_swallowed(self._trace):
            return set(), caught | failing
        return failing, caught

    @property
    def failing(self) -> AbstractSet[int]:
        """Ids of the call that failed and of those that it is inside of."""
        return self._paths[0]

    @property
    def caught(self) -> AbstractSet[int]:
        """Ids of the calls ended by what a call around them caught, or the program."""
        return self._paths[1]

    def of(self, call: Call, parent: Call | None, layer: LayerRef | None = None) -> Iterator[Fact]:
        """What there is to say of a call.

        Args:
            call: which.
            parent: the call that it is shown in.
            layer: what it is said to be about if it is on no layer itself.
        """
        holder = self.holder(call)
        if holder is not None:
            yield _layer(holder, parent is not None and self.holder(parent) == holder)
        elif layer := call.layer or layer:
            yield self._layer(layer, parent)
        if call.loss:
            yield _loss(call.loss)
        if call.loaded and (terms := tuple(self._loaded_terms(call.loaded))):
            yield Fact("loaded", terms)
        if call.inputs or call.outputs:
            yield self._flow(call, parent)
        if call.error:
            yield self._error(call, call.error)
        for attribute, (before, after) in call.changes.items():
            yield self._change(call, attribute, before, after)
        for weight in self._trace.weights_made_by(call):
            yield Fact("weight", tuple(weight_terms(weight)))
        for variable in self._trace.index.variables_by_call.get(call.id, ()):
            yield Fact("variable", tuple(self._variable_terms(variable)))
        if call.caller:
            yield _caller(call.caller, parent is None or parent.caller == call.caller)
        if call.thread:
            term = Term("thread", str(call.thread), lead="thread ")
            told = parent is not None and parent.thread == call.thread
            yield Fact("thread", (term,), repeated=told)

    def _layer(self, layer: LayerRef, parent: Call | None) -> Fact:
        return _layer(layer, parent is not None and parent.layer == layer)

    def holder(self, call: Call) -> Holder | None:
        """The optimizer or metric at work; of `compile`, the model is."""
        is_at_work = call.holder is not None and beat_of(self._trace, call) != "compile"
        return self._trace.holders[call.holder] if is_at_work and call.holder is not None else None

    def _variable_terms(self, variable: Variable) -> Iterator[Term]:
        yield Term("variable", wording.sanitize(variable.name))
        if weight := kept_for(self._trace, variable):
            yield Term("for", weight, lead="for ")
        yield Term("shape", wording.shape(variable.shape))
        yield Term("dtype", wording.sanitize(variable.dtype))
        if variable.initializer:
            yield Term("initializer", wording.sanitize(variable.initializer))

    def _loaded_terms(self, loaded: Loaded) -> Iterator[Term]:
        """Which part of a file goes where."""
        if loaded.source:
            yield Term("source", wording.sanitize(loaded.source))
        weights = self._trace.index.weight_by_id
        names = [wording.sanitize(weights[id_].name) for id_ in loaded.weights if id_ in weights]
        if names:
            yield Term("fed", wording.listed(names, MOST_FED), lead="→ ")

    def _flow(self, call: Call, parent: Call | None) -> Fact:
        repeated = (
            parent is not None
            and call.inputs == parent.inputs
            and call.outputs == parent.outputs
            and (self._by_shapes or call.layer == parent.layer)
        )
        return _flow(call.inputs, call.outputs, repeated)

    def _error(self, call: Call, error: ErrorInfo) -> Fact:
        type_ = wording.sanitize(error.type)
        whole = "\n".join(wording.essence(error))
        text, caught = wording.sanitize(whole), call.id in self.caught
        if caught:
            left = error.swallowed or call.parent is None
            text = f"caught: {text}" if left else text
        elif call.id in self.failing and self._trace.failed != call:
            text = type_  # the call inside that raised it says the rest
        first = (error.message.splitlines() or [""])[0]
        raised = Term(
            "raised",
            wording.sanitize(f"{error.type}: {first}"),
            lead=f"✗ {'swallowed: ' if error.swallowed else ''}",
        )
        terms = (
            Term("error", text, short=type_, long=wording.sanitize_long(whole)),
            Term("exception", type_, lead="✗ "),
            raised,
        )
        return Fact("error", terms, caught=caught)

    def _change(self, call: Call, attribute: str, before: bool, after: bool) -> Fact:
        inside = self._shown.children(call)
        nearer = any(attribute in c.changes and c.layer == call.layer for c in inside)
        return _change(attribute, before, after, nearer)


def kept_for(trace: Trace, variable: Variable) -> str:
    """The weight that a variable is kept for, with its layer: "dense/kernel"; "" if for none."""
    if variable.weight is None or variable.weight not in trace.index.weight_by_id:
        return ""
    weight = trace.index.weight_by_id[variable.weight]
    owner = None if weight.layer is None else trace.layers.get(weight.layer)
    return wording.sanitize(f"{owner.name}/{weight.name}" if owner else weight.path)


# Many calls say the same: what they pass on, and where in the user's code they come from. They
# share the facts.


@lru_cache(maxsize=4_096)
def _loss(part: LossPart) -> Fact:
    terms = [Term("loss", wording.sanitize(part.name))]
    if part.output:
        terms.append(Term("for", wording.sanitize(part.output), lead="for "))
    if part.from_logits:
        terms.append(Term("logits", "from logits"))
    return Fact("loss", tuple(terms))


@lru_cache(maxsize=4_096)
def _layer(layer: LayerRef | Holder, repeated: bool) -> Fact:
    terms = (
        Term("layer", wording.sanitize(layer.name)),
        Term("class", wording.layer_class(layer)),
    )
    return Fact("layer", terms, repeated=repeated)


@lru_cache(maxsize=4_096)
def _caller(line: SourceLine, repeated: bool) -> Fact:
    link = source_files.link(line.file, line.line)
    term = Term("caller", wording.line(line), lead="from ", link=link)
    return Fact("caller", (term,), repeated=repeated)


@lru_cache(maxsize=4_096)
def _change(attribute: str, before: bool, after: bool, repeated: bool) -> Fact:
    name = wording.sanitize(attribute)
    short = f"→ {'' if after else 'not '}{name}"
    terms = (
        Term("change", f"{before} → {after}", lead=f"{name}: ", short=short),
        Term("became", name, lead="✓ " if after else "✗ "),
    )
    return Fact("change", terms, about=name, repeated=repeated)


@lru_cache(maxsize=4_096)
def _flow(inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...], repeated: bool) -> Fact:
    terms = []
    if inputs:
        terms.append(_tensors("inputs", inputs))
    if outputs:
        terms.append(_tensors("outputs", outputs, lead="→ "))
    return Fact("flow", tuple(terms), repeated=repeated)


def _tensors(kind: TermKind, specs: tuple[TensorSpec, ...], lead: str = "") -> Term:
    more = len(specs) > wording.MOST_TENSORS
    long = ", ".join(map(wording.tensor, specs)) if more else ""
    return Term(kind, wording.tensors(specs), lead=lead, long=long)


def weight_terms(weight: Weight) -> Iterator[Term]:
    """What there is to say of a weight."""
    yield Term("weight", wording.sanitize(weight.name))
    yield Term("shape", wording.shape(weight.shape))
    yield Term("parameters", f"{weight.parameters:,}")
    yield Term("dtype", wording.sanitize(weight.dtype))
    if weight.initializer:
        yield Term("initializer", wording.sanitize(weight.initializer))
    if weight.regularizer:
        yield Term("regularizer", wording.sanitize(weight.regularizer))
    if weight.constraint:
        yield Term("constraint", wording.sanitize(weight.constraint))
    if not weight.trainable:
        yield Term("frozen", "not trainable")


def weight_title(weight: Weight) -> str:
    """A weight by what sets it apart from others of its layer."""
    return Fact("weight", tuple(weight_terms(weight))).said("weight", "shape")


WHOLE_WEIGHT: tuple[TermKind, ...] = (
    "weight",
    "shape",
    "dtype",
    "initializer",
    "regularizer",
    "constraint",
    "frozen",
)
"""The terms of a weight where it is described in full; the parameters follow from the shape."""


def weight_line(weight: Weight) -> str:
    """A weight in full, in one line."""
    return Fact("weight", tuple(weight_terms(weight))).said(*WHOLE_WEIGHT)


# -- the table of weights ---------------------------------------------------------------------

TableView = Literal["terminal", "notebook", "page", "static"]
"""Who shows the table; "static" is the page without scripts."""

TERMINAL = frozenset[TableView]({"terminal"})
PAGE = frozenset[TableView]({"page"})
STATIC = frozenset[TableView]({"static"})
WIDE_VIEWS = frozenset[TableView]({"terminal", "notebook", "page"})
ALL_VIEWS = WIDE_VIEWS | STATIC


class WeightRow:
    """A weight's row, for the columns to say something of.

    Attributes:
        weight: the weight itself.
        path: its name there, without what all names have in common.
        maker: the call that made it, if that is known.
        build: the layer's own `build` that it was made in, if it was.
        saved_in: the layer of a saved file that it is of, if it was read from one.
    """

    def __init__(self, trace: Trace, weight: Weight, path: str | None = None) -> None:
        """Of a weight of a trace; `path` is its name in this table, by default all of it."""
        self.weight = weight
        self.path = weight.path if path is None else path
        self.saved_in = (
            trace.layers.get(-1 if weight.layer is None else weight.layer) if trace.saved else None
        )
        try:
            self.maker = None if weight.call is None else trace.call(weight.call)
        except KeyError:  # not in this part of the trace
            self.maker = None
        self.build = trace.index.build_around(self.maker) if self.maker else None

    @property
    def by(self) -> Call | None:
        """The call that is said to have made it."""
        return self.build or self.maker

    @property
    def caller(self) -> SourceLine | None:
        """The user's line that led there."""
        return self.by.caller if self.by else None


class Cell(NamedTuple):
    """A cell of the table.

    Attributes:
        text: safe to show.
        owner: what stands right before it and matters less, such as the layer's name.
        style: "name", "quiet", "warning", or the step whose color it has.
        link: address of the line that it names.
        call: the call that it leads to.
        ended: whether it leads to the end of that.
        hint: what going there does.
    """

    text: str
    owner: str = ""
    style: str = ""
    link: str = ""
    call: Call | None = None
    ended: bool = False
    hint: str = ""


class WeightColumn(NamedTuple):
    """A column of the table.

    Attributes:
        title: its heading.
        cell: what it says of a weight; `None` for nothing.
        views: who shows it.
        label: the heading for those who hear the page, if there is none to see.
        look: "shape" or "quiet" on the page, if it is not plain.
        right: whether its text stands at the right.
        least: to how many characters a terminal may cut it; 0 if it is never cut.
        tail: whether the end of its text is kept then.
        rank: a terminal leaves out columns of the highest rank first.
    """

    title: str
    cell: Callable[[WeightRow], Cell | None]
    views: frozenset[TableView] = ALL_VIEWS
    label: str = ""
    look: str = ""
    right: bool = False
    least: int = 0
    tail: bool = False
    rank: int = 0


TO_MAKER = "Go to the call that made it"
"""What it does to go where a weight or a variable leads."""


def _name(row: WeightRow) -> Cell:
    owner, slash, name = wording.sanitize(row.path).rpartition("/")
    return Cell(name, owner + slash, style="name", call=row.maker, ended=True, hint=TO_MAKER)


def _made_by(row: WeightRow) -> Cell | None:
    if row.by is None:
        return None
    link = source_files.link(row.by.file, row.by.line)
    return Cell(wording.sanitize(row.by.name), style=row.by.step, link=link, call=row.by)


def _users_line(row: WeightRow) -> Cell | None:
    line = row.caller
    return Cell(wording.line(line), link=source_files.link(line.file, line.line)) if line else None


def _keras_line(row: WeightRow) -> Cell | None:
    if row.by is None:
        return None
    file, line = row.by.file, row.by.line
    return Cell(wording.location(file, line), style="quiet", link=source_files.link(file, line))


def _text(text: str | None, style: str = "") -> Cell:
    return Cell(wording.sanitize(text or ""), style=style)


def _standing(weight: Weight) -> str:
    """What is not to be expected of a weight: it is not trained, or not there any more."""
    return "replaced" if weight.replaced else "" if weight.trainable else "frozen"


_TRAINED = {"": "yes", "frozen": "no", "replaced": "replaced"}


def _dtype_and_more(weight: Weight) -> Cell:
    more = ", ".join(filter(None, (weight.regularizer, weight.constraint, weight.placement)))
    return Cell(", ".join(filter(None, (wording.sanitize(weight.dtype), wording.sanitize(more)))))


def _saved_in(row: WeightRow) -> Cell | None:
    return Cell(wording.sanitize(row.saved_in.name)) if row.saved_in else None


WEIGHT_COLUMNS = (
    WeightColumn("weight", _name, least=20, tail=True),
    WeightColumn("layer", _saved_in, TERMINAL, least=12),
    WeightColumn(
        "shape", lambda row: Cell(wording.shape(row.weight.shape)), look="shape", least=12
    ),
    WeightColumn("parameters", lambda row: Cell(f"{row.weight.parameters:,}"), right=True),
    WeightColumn(
        "",
        lambda row: Cell(_standing(row.weight), style="warning"),
        WIDE_VIEWS,
        label="trainable",
        rank=1,
    ),
    WeightColumn("initializer", lambda row: _text(row.weight.initializer), least=13, rank=2),
    WeightColumn("trainable", lambda row: Cell(_TRAINED[_standing(row.weight)]), STATIC),
    WeightColumn(
        "from input",
        lambda row: Cell(wording.tensors(row.build.inputs)) if row.build else None,
        WIDE_VIEWS,
        look="shape",
        least=14,
        rank=3,
    ),
    WeightColumn("made by", _made_by, WIDE_VIEWS, least=16, rank=4),
    WeightColumn("your line", _users_line, WIDE_VIEWS, least=14, rank=5),
    WeightColumn("Keras' line", _keras_line, TERMINAL, least=16, rank=7),
    WeightColumn("dtype", lambda row: _text(row.weight.dtype, "quiet"), TERMINAL, rank=8),
    WeightColumn("dtype", lambda row: _dtype_and_more(row.weight), PAGE, look="quiet"),
    WeightColumn(
        "regularizer", lambda row: _text(row.weight.regularizer), TERMINAL, least=8, rank=6
    ),
    WeightColumn("constraint", lambda row: _text(row.weight.constraint), TERMINAL, least=8, rank=6),
    WeightColumn(
        "placement", lambda row: _text(row.weight.placement, "quiet"), TERMINAL, least=8, rank=9
    ),
)
"""The columns of the table of weights, in their order, for every view that has one."""


def weight_columns(view: TableView) -> list[WeightColumn]:
    """Those that a view shows."""
    return [column for column in WEIGHT_COLUMNS if view in column.views]
