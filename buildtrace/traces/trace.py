"""The trace: what one run recorded, and the queries on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from buildtrace.traces.index import TraceIndex
from buildtrace.traces.lazy import cached_property
from buildtrace.traces.schema import (
    Call,
    Distribution,
    Environment,
    ErrorInfo,
    Finding,
    Graph,
    Holder,
    LandmarkInfo,
    LayerRef,
    LayerState,
    SavedFile,
    SourceFile,
    Use,
    Variable,
    Weight,
)
from buildtrace.traces.totals import totals_of_trace

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison import Difference


class Weights(tuple[Weight, ...]):
    """The weights of a trace: a tuple that a notebook shows as a table.

    Attributes:
        trace: whose weights these are.
    """

    trace: Trace

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from buildtrace.renderers.notebook import mimebundles  # as in `Trace.save`

        return mimebundles.of_weights(self.trace)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        # IPython prints what is a tuple as a tuple, unless it is told otherwise in this way.
        printer.text(self._repr_mimebundle_()["text/plain"])


class Trace(msgspec.Struct, kw_only=True, dict=True, eq=False):
    """What one run recorded.

    A trace is filled once, when its recording stops; until then it is empty.

    Attributes:
        environment: versions and platform of the run.
        calls: in order of start; a call's `id` is its place here.
        weights: in order of making.
        holders: the optimizers and metrics that the calls and variables speak of.
        variables: what these hold, in order of making.
        graphs: one for each model that was built, in order of first building.
        landmarks: the table rows that the calls belong to.
        states: of layers of the user's, in order of reading.
        uses: of models, in order of start.
        distributions: what Keras was told of devices while something was built.
        findings: what the diagnosis says.
        error: the exception that ended the run, if one did.
        saved: the saved model's file that this was read from, where nothing was run.
        sources: the source code that it carries with it.
    """

    environment: Environment = Environment()
    calls: tuple[Call, ...] = ()
    weights: tuple[Weight, ...] = ()
    holders: tuple[Holder, ...] = ()
    variables: tuple[Variable, ...] = ()
    graphs: tuple[Graph, ...] = ()
    landmarks: tuple[LandmarkInfo, ...] = ()
    states: tuple[LayerState, ...] = ()
    uses: tuple[Use, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: ErrorInfo | None = None
    saved: SavedFile | None = None
    # `UNSET` is of a trace that this process has recorded, whose source is in the files of this
    # process. No file can say `UNSET`.
    sources: tuple[SourceFile, ...] | msgspec.UnsetType = ()

    def __post_init__(self) -> None:
        self.weights = self.weights

    def __setattr__(self, name: str, value: Any) -> None:
        """Weights know their trace, however they come into it; what was looked up is outdated."""
        vars(self).clear()
        if name == "weights":
            value = Weights(value)
            value.trace = self
        msgspec.Struct.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether the same was recorded, wherever the source code of it is."""
        if not isinstance(other, Trace):
            return NotImplemented
        names = (name for name in self.__struct_fields__ if name != "sources")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    @cached_property
    def index(self) -> TraceIndex:
        """What can be looked up in the trace."""
        return TraceIndex(self)

    # -- the tree of calls ------------------------------------------------------------------

    @property
    def roots(self) -> list[Call]:
        """The calls without a parent, in order of start."""
        return self.index.children_by_id.get(None, [])

    def call(self, id: int) -> Call:  # noqa: A002 - the word of the trace file
        """The call of this id; a KeyError if there is none."""
        return self.index.call_by_id[id]

    def children(self, call: Call) -> list[Call]:
        """The calls directly inside `call`, in order of start."""
        return self.index.children_by_id.get(call.id, [])

    def ancestors(self, call: Call) -> list[Call]:
        """The calls that `call` is inside of, nearest first."""
        return list(self.index.ancestors(call))

    def walk(self, call: Call | None = None) -> Iterator[tuple[int, Call]]:
        """Depth first, in order of start: (depth, call) of `call` and all inside it, or of all."""
        children = self.index.children_by_id
        stack = [(0, c) for c in reversed(self.roots if call is None else [call])]
        while stack:
            depth, current = stack.pop()
            yield depth, current
            if inside := children.get(current.id):
                stack += [(depth + 1, c) for c in reversed(inside)]

    def find(self, name: str) -> list[Call]:
        """The calls of a qualified name, such as "Dense.build", in order of start."""
        return list(self.index.calls_by_name.get(name, ()))

    @cached_property
    def failed(self) -> Call | None:
        """The innermost call that the run's error came out of; `None` if the run went well."""
        ended = None
        for call in self.roots:
            if call.error is not None and not call.error.swallowed:
                ended = self.raised_through(call)[-1]
        return ended

    def raised_through(self, call: Call) -> tuple[Call, ...]:
        """The calls that the exception which ended `call` came through: itself, innermost last."""
        chain = [call]
        while inner := [c for c in self.children(chain[-1]) if c.error and not c.error.swallowed]:
            chain.append(inner[-1])
        return tuple(chain)

    # -- weights, layers and models ---------------------------------------------------------

    @property
    def parameters(self) -> int:
        """Number of scalars in all weights but those that were put aside."""
        return totals_of_trace(self).parameters

    def weights_made_by(self, call: Call) -> list[Weight]:
        """The weights that `call` itself made, not those of calls inside it."""
        return self.index.weights_by_call.get(call.id, [])

    def weights_of(self, layer: int) -> list[Weight]:
        """The weights that the layer of this id owns itself."""
        return self.index.weights_by_owner.get(layer, [])

    @property
    def layers(self) -> dict[int, LayerRef]:
        """Every layer and model that the trace speaks of, by id."""
        return self.index.layer_by_id

    def graph(self, model: str) -> Graph:
        """The graph of the last model of this name; a KeyError if there is none."""
        for graph in reversed(self.graphs):
            if graph.model.name == model:
                return graph._of(self)
        raise KeyError(model)

    def graph_of(self, layer: int | None) -> Graph | None:
        """The graph of the model whose layer id this is, if there is one."""
        graph = None if layer is None else self.index.graph_by_model.get(layer)
        return None if graph is None else graph._of(self)

    def landmark(self, call: Call) -> LandmarkInfo | None:
        """The table row that `call` belongs to."""
        return self.index.landmark_by_name.get((call.generation, call.landmark))

    # -- output -----------------------------------------------------------------------------

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002 - the option's name
    ) -> None:
        """Write the trace to `path`, in the format that its suffix names.

        Args:
            path: where to write.
            format: name of a format that a suffix cannot tell, such as "chrome".

        Raises:
            UsageError: nobody writes that suffix, or there is no such format.
            RenderError: the output could not be made.
            OSError: the file could not be written.
        """
        from buildtrace import renderers  # the one look upwards: saving is a renderer's work

        renderers.save(self, path, format)

    def diff(
        self, other: Trace, *, only: Sequence[str] = (), times: bool = False, names: bool = True
    ) -> Difference:
        """How the build in `other` differs from this one.

        Args:
            other: the build after.
            only: what to compare and to decide by, such as "weights" and "graph"; by default all.
            times: whether to compare times as well.
            names: whether the names that users gave count.

        Raises:
            UsageError: there is nothing of that name to compare.
        """
        from buildtrace.comparison import compare  # as in `save`

        return compare(self, other, only=only, times=times, names=names)

    def __str__(self) -> str:
        from buildtrace import renderers  # as in `save`

        return renderers.to_text(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from buildtrace.renderers.notebook import mimebundles  # as in `save`

        return mimebundles.of_trace(self)
