"""Names that are the same in every run: what Keras numbers itself is numbered anew, per trace.

Keras counts the layers of a process: the same model has a "dense" in one test and a "dense_7" in
the next. Here such a layer is "dense#1" if it is the first of its kind in the trace. Names that
users gave are left alone; "#" is in none that Keras makes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from buildtrace.traces.schema import Structure

if TYPE_CHECKING:
    from buildtrace.traces.schema import (
        Call,
        ErrorInfo,
        Graph,
        Holder,
        LayerRef,
        LossPart,
        LossStructures,
        ModelMetrics,
        Node,
        Variable,
        Weight,
    )
    from buildtrace.traces.trace import Trace

NUMBER = re.compile(r"(?<=[\w.])#\d+")
"""The number of a layer that Keras named, in a text."""

NUMBERED = re.compile(r"[\w.]+#\d+")
"""The name of such a layer."""

STEMS = {"InputLayer": ("input", "inputlayer"), "Functional": ("model", "functional")}
"""What Keras calls layers that are not named after their class."""

VARIABLE = re.compile(r"[Vv]ariable(_\d+)?$")
"""The name of a weight that was given none."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.\- ]+)+[\\/](?=[\w.\-]+)")


def steady(trace: Trace) -> Trace:
    """The trace with steady names, and errors without addresses and folders."""
    names = _Names(trace)
    return replace(
        trace,
        calls=tuple(names.in_call(call) for call in trace.calls),
        weights=tuple(names.in_weight(weight) for weight in trace.weights),
        holders=tuple(names.in_holder(holder) for holder in trace.holders),
        variables=tuple(names.in_variable(variable) for variable in trace.variables),
        graphs=tuple(names.in_graph(graph) for graph in trace.graphs),
        error=names.in_error(trace.error),
    )


def automatic(name: str, class_name: str) -> str | None:
    """The name without its number if Keras may have made it for this class, else `None`."""
    stem = re.sub(r"_\d+$", "", name)
    if class_name in ("TFOpLambda", "SlicingOpLambda"):  # Keras 2: "tf.math.add_1"
        return stem if stem.startswith("tf.") else None
    # "LSTMCell" is "lstm_cell", a leading underscore "private_", and Bidirectional's two layers
    # keep the number of the one that they were made of.
    short = re.sub(r"^(private|forward|backward)_", "", stem).replace("_", "")
    plain = re.sub(r"\W|_", "", class_name).lower()
    known = STEMS.get(class_name, ())
    return stem if name == name.lower() and short in (plain, *known) else None


class _Names:
    """The steady names of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.numbers: dict[str, int] = {}
        self.layers: dict[int, str] = {}
        self.renamed: dict[str, str] = {}
        own: list[LayerRef] = []
        for ref in _in_order(trace):
            stem = automatic(ref.name, ref.class_name)
            if stem is None:
                own.append(ref)
            else:
                self.layers[ref.id] = self._next(stem)
                self.renamed[ref.name] = self.layers[ref.id]
        self.holders: dict[int, str] = {}
        for holder in trace.holders:
            stem = automatic(holder.name, holder.class_name)
            if stem is not None:
                self.renamed[holder.name] = self.holders[holder.id] = self._next(stem)
        # A name without a number in it is the same in every run.
        self._inside = _words([name for name in self.renamed if name[-1].isdecimal()])
        for ref in own:  # such as "dense_4_input", made of a name that Keras made
            self.layers[ref.id] = self.in_text(ref.name)

    def _next(self, stem: str) -> str:
        number = self.numbers[stem] = self.numbers.get(stem, 0) + 1
        return f"{stem}#{number}"

    def in_text(self, text: str) -> str:
        """`text` with the names in it renamed."""
        if self._inside is None:
            return text
        return self._inside.sub(lambda match: self.renamed[match.group()], text)

    def in_layer(self, ref: LayerRef) -> LayerRef:
        """The layer under its steady name."""
        return replace(ref, name=self.layers.get(ref.id, ref.name))

    def in_call(self, call: Call) -> Call:
        """The call with its layer, its loss, its error and the names of its outputs."""
        if (call.layer or call.error or call.loss or call.structures or call.metrics) is None:
            return call
        layer = None if call.layer is None else self.in_layer(call.layer)
        loss = None if call.loss is None else self.in_loss(call.loss)
        structures = None if call.structures is None else self.in_structures(call.structures)
        metrics = None if call.metrics is None else self.in_metrics(call.metrics)
        error = self.in_error(call.error)
        return replace(
            call, layer=layer, loss=loss, structures=structures, metrics=metrics, error=error
        )

    def in_loss(self, part: LossPart) -> LossPart:
        """The loss; one that Keras named is not told apart by its number."""
        name = automatic(part.name, part.class_name) or part.name
        return replace(part, name=name, output=self._output(part.output))

    def in_structures(self, given: LossStructures) -> LossStructures:
        """What losses are computed of, with the outputs under their steady names."""
        return replace(given, **self._named(given))

    def in_metrics(self, metrics: ModelMetrics) -> ModelMetrics:
        """The metrics, with the outputs under their steady names."""
        parts = tuple(
            [
                replace(part, output=self._output(part.output), name=self._output(part.name))
                for part in metrics.parts
            ]
        )
        return replace(metrics, parts=parts, **self._named(metrics))

    def _named(self, given: LossStructures | ModelMetrics) -> dict[str, Any]:
        parts: dict[str, Any] = {
            part: replace(value, names=tuple([self._output(name) for name in value.names]))
            for part in given.__struct_fields__
            if isinstance(value := getattr(given, part), Structure)
        }
        return {"names": tuple([self._output(name) for name in given.names]), **parts}

    def _output(self, name: str) -> str:
        return self.renamed.get(name) or self.in_text(name)

    def in_weight(self, weight: Weight) -> Weight:
        """The weight; one that was given no name is not told apart by its number."""
        name = "variable" if VARIABLE.match(weight.name) else weight.name
        return replace(weight, name=name, path=self.in_text(weight.path))

    def in_holder(self, holder: Holder) -> Holder:
        """The optimizer or metric under its steady name."""
        return replace(holder, name=self.holders.get(holder.id, holder.name))

    def in_variable(self, variable: Variable) -> Variable:
        """The variable with the names in its path renamed."""
        return replace(variable, path=self.in_text(variable.path))

    def in_graph(self, graph: Graph) -> Graph:
        """The graph with its model and nodes."""
        nodes = tuple(self._in_node(node) for node in graph.nodes)
        return replace(graph, model=self.in_layer(graph.model), nodes=nodes)

    def _in_node(self, node: Node) -> Node:
        if node.layer is not None:
            return replace(node, name=self.layers.get(node.layer, node.name))
        stem = automatic(node.name, node.class_name)
        if stem is None:
            return node
        name = self.renamed.get(node.name) or self._next(stem)
        self.renamed[node.name] = name
        return replace(node, name=name)

    def in_error(self, error: ErrorInfo | None) -> ErrorInfo | None:
        """The error with what differs from run to run taken out of its message."""
        if error is None:
            return None
        message = _ADDRESS.sub("0x…", _FOLDERS.sub("…/", error.message))
        return replace(error, message=self.in_text(message))


def _in_order(trace: Trace) -> list[LayerRef]:
    """The layers in the order in which calls, and then graphs, speak of them."""
    layers: dict[int, LayerRef] = {}
    for call in trace.calls:
        if call.layer is not None:
            layers.setdefault(call.layer.id, call.layer)
    return list(
        (layers | {id_: ref for id_, ref in trace.layers.items() if id_ not in layers}).values()
    )


def _words(names: list[str]) -> re.Pattern[str] | None:
    """Finds these names as whole words, or before and behind an underscore."""
    if not names:
        return None
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(longest_first)})(?![^\W_]|_\d)")
