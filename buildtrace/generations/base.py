"""What a Keras generation is to buildtrace: its landmarks, and how to read its objects.

The tables are named tuples, not dataclasses: `buildtrace --help` wants the generations' names, and
dataclasses make their methods anew at each start, which takes longer than all else here.
"""

from __future__ import annotations

import re
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from buildtrace.generations.training_reader import Training, TrainingReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from buildtrace.generations.losses import LossSettings, MetricSettings
    from buildtrace.traces.schema import GenerationName, Step


Reads = Literal[
    "call",
    "trial",
    "state",
    "shapes",
    "weight",
    "variable",
    "initializer",
    "node",
    "graph",
    "input",
    "training",
    "container",
    "loss",
    "optimizer",
    "held",
    "file",
    "config",
    "values",
    "name",
]
"""What a landmark's arguments and result tell:

call         self is a layer; tensors go in, tensors come out
trial        a function, of a layer or not, is run on the tensors that follow it
state        self is a layer; what went in is known from the call around it
shapes       self is a layer; shapes go in, and shapes or nothing come out
weight       self is a layer; a variable comes out
variable     it runs inside of that, as Keras' own work
initializer  self names the initializer of the variable that is being made
node         the layer or operation, its inputs and its outputs are arguments
graph        inputs and outputs of a graph are arguments; self, if any, is the model
input        a symbolic tensor comes out
training     self is a model that is made ready to be trained; tensors may go in and come out
container    self is what holds a model's losses, or its metrics; tensors go in and may come out
loss         self is one loss: a target and what was predicted go in
optimizer    self is an optimizer that makes its variables
held         self is an optimizer or a metric: a variable comes out, maybe for a weight that goes in
file         a file's name goes in; self is a model that is loaded, or a model comes out
config       what a file says of a layer goes in, and the layer comes out
values       a part of a file goes in, for the weights of a layer: self, or an argument
name         nothing but that it ran
"""

BeatKind = Literal[
    "",
    "input",
    "call",
    "build",
    "constructor",
    "graph",
    "compile",
    "loss",
    "metrics",
    "optimizer",
    "load",
    "values",
]
"""What a landmark's calls are in the story of a build, or "" for most: a part of one of these."""

BEATS: dict[BeatKind, str] = {
    "input": "an input is made",
    "call": "a layer or a model is called",
    "build": "a layer or a model is built",
    "constructor": "a layer is made, and that fails",
    "graph": "the graph of a model is mapped",
    "compile": "a model is told how it is to be trained",
    "loss": "the losses of a model's outputs are computed for the first time",
    "metrics": "the metrics of a model are built",
    "optimizer": "an optimizer is built",
    "load": "a model, or its weights, are loaded from a file",
    "values": "a layer, or a model, gets the values of its weights",
}
"""The beats of the story of a build: each is told by the calls of landmarks of this kind."""


class Scope(NamedTuple):
    """How to see a method that Keras keeps for each layer: by the context that it runs it in.

    Other calls of the method, by `super()` or through its class, have a hook as usual.

    Attributes:
        maker: the function that looks the method up and keeps it, in the function `wrapper`, which
            is defined there. It finds no hook.
        wrapper: name of the function that runs the method. Its local variables `obj`, `args`,
            `kwargs` and the one named by `method` tell all about the call.
        method: name of that local variable.
        enter: the layer's method that gives the context manager around it.
        done: the layer's method that is called when it is over and the layer's state is set.
    """

    maker: str
    wrapper: str
    method: str
    enter: str
    done: str


class Landmark(NamedTuple):
    """A function of Keras that matters to the build: a row of a generation's table.

    Attributes:
        name: what the landmark is called in traces and in help.
        target: where the function is, relative to the generation's root package:
            "engine.base_layer:Layer.__call__"; "{backend}" in it stands for the backend's name.
        step: which of the article's steps it belongs to.
        role: what it does for the build, in words that both generations share: landmarks of one
            role are each other's counterparts.
        reads: what its arguments and its result tell.
        summary: one sentence for the learner on what it does and why.
        article: what the article of 2023 says of it, where that is imprecise here.
        unpaired: why the other generation does without it, if it always or often does.
        beat: what its calls are in the story of a build.
        family: true if the landmark is each definition of this method, in the target's class
            and in all classes below it, the user's own included.
        means_build: true if it runs only while something is being built. A call at the top of a
            tree is kept only if such a call is in it: that is what tells a build from the
            daily use of a model that is built already.
        nested: true if it is recorded only inside another landmark's call; if it is of the step
            `load`, inside another one of that step, otherwise not right inside one of that.
        scope: how to see it, where a hook on the function itself would not do alone.
        only_failing: true if it has no hook at all: only those calls of it, and of the methods of
            the same name in the classes below, are known that an exception came out of.
        since: first version that has it; `None` for all.
        until: first version that does not have it any more; `None` for all.
    """

    name: str
    target: str
    step: Step
    reads: Reads
    summary: str
    role: str = ""
    article: str | None = None
    unpaired: str | None = None
    beat: BeatKind = ""
    family: bool = False
    means_build: bool = False
    nested: bool = False
    scope: Scope | None = None
    only_failing: bool = False
    since: str | None = None
    until: str | None = None

    def target_on(self, backend: str) -> str:
        """The target, for this backend."""
        return self.target.format(backend=backend)

    def exists_in(self, version: str) -> bool:
        """Whether this version of Keras should have the landmark."""
        number = version_number(version)
        return (self.since is None or version_number(self.since) <= number) and (
            self.until is None or number < version_number(self.until)
        )


def version_number(version: str) -> tuple[int, ...]:
    """The release numbers of a version, for comparing: "3.15.1rc0" gives (3, 15, 1)."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in release.group().split(".")) if release else ()


class WeightFacts(NamedTuple):
    """What a generation can tell of a variable without evaluating it."""

    name: str
    path: str
    shape: Any
    dtype: Any
    trainable: bool
    initializer: str | None
    regularizer: str | None
    constraint: str | None
    placement: str | None


class NodeFacts(NamedTuple):
    """A node of a graph that Keras keeps: the layer or operation, which call of it, its tensors."""

    operation: Any
    call_index: int
    depth: int
    key: int
    inputs: list[tuple[int, Any]]
    outputs: list[Any]
    is_input: bool


BUILT: Mapping[str, bool] = {"built": True}
NOT_BUILT: Mapping[str, bool] = {"built": False}
"""The state of most layers, so that one need not be made for each call."""


_ACTIVATING = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
"""Layers and operations that are an activation → its name."""


_VARIABLES = {"tensorflow": ("Variable",), "torch": ("nn", "Parameter")}
"""Package → where in it its class of variables is."""


class Adapter(TrainingReader):
    """Reads the objects of one imported Keras package. Never changes one, never evaluates one."""

    def __init__(self, package: str, root: str, version: str) -> None:
        """`package` is imported; its sources are in the package `root`."""
        self.package = package
        self.root = root
        self.version = version
        self._own = f"{root}."

    fills: tuple[int, int] | None = None
    """Sizes that stand for an unknown one, if `call` is run once with each to tell them apart."""

    generation: GenerationName
    backend = "tensorflow"
    layer_class: type
    model_class: type
    sequential_class: type
    tensor_class: type
    metric_class: type
    preprocessing: tuple[type, ...] = ()
    """Layers that learn from data in `adapt`, and that nothing tells if they have not."""
    uncounted: type | tuple[()] = ()
    """What is a layer by inheritance only: Keras 2's metrics."""
    makes_nothing: ClassVar[dict[str, str]] = {}
    """Keras' own classes with a `build` that makes no weight, as it only looks at the shapes. Each
    with the attribute that has it make some after all; empty if none does."""

    def is_own(self, layer: Any) -> bool:
        """Whether the layer's class is one of Keras' own, not the user's."""
        return type(layer).__module__.startswith(self._own)

    def is_own_class(self, cls: type) -> bool:
        """Whether a class, or a base of one, is Keras' own, or one that Keras itself is made of."""
        return cls.__module__.startswith((self._own, "tensorflow.", "torch.", "flax.", "builtins"))

    def makes_state(self, layer: Any) -> bool:
        """Whether the layer's `build` may make a weight, or build what it holds."""
        if getattr(layer.build, "_is_default", False):
            return False
        owner = next(cls for cls in type(layer).__mro__ if "build" in vars(cls))
        if not self.is_own_class(owner) or owner.__name__ not in self.makes_nothing:
            return True
        option = self.makes_nothing[owner.__name__]
        return bool(option and getattr(layer, option, False))

    def wants_adapt(self, layer: Any) -> str:
        """The class of Keras that a layer of `preprocessing` is of, if it was given no values.

        "" if it was given some. Whether values were loaded is not to be seen in the layer.
        """
        cls = next(cls for cls in self.preprocessing if isinstance(layer, cls))
        if cls.__name__ == "Normalization":
            return cls.__name__ if layer.input_mean is None else ""
        return "" if layer.bin_boundaries else cls.__name__  # a list

    def kind_of_variable(self, thing: Any) -> str:
        """What code calls the class of a variable, be it Keras' or not; "" if it is none."""
        for package, path in _VARIABLES.items():
            cls: Any = sys.modules.get(package)
            for name in path:
                cls = getattr(cls, name, None)
            if isinstance(cls, type) and isinstance(thing, cls):
                return ".".join(({"tensorflow": "tf"}.get(package, package), *path))
        return ""

    @abstractmethod
    def is_operation(self, thing: Any) -> bool:
        """Whether this node of a graph is an operation such as `x + y`, not a layer."""

    @abstractmethod
    def state(self, layer: Any) -> Mapping[str, bool]:
        """The flags of the layer that a build changes, by attribute."""

    @abstractmethod
    def own_weights(self, layer: Any) -> list[Any]:
        """The variables that the layer itself holds, trainable ones first."""

    @abstractmethod
    def is_trainable(self, variable: Any, layer: Any) -> bool:
        """Whether a variable is trained that this layer owns, or none (`None`), as things stand."""

    def parts(self, variable: Any) -> Sequence[Any]:
        """The weights that a layer holds for what `add_weight` returned: mostly just that."""
        return (variable,)

    @abstractmethod
    def placement(self, variable: Any) -> str | None:
        """Which devices a variable lies on, or how it is split over them, if that is unusual."""

    def distribution(self) -> Any:
        """What is to spread variables over devices that are made now in this thread, or `None`."""
        return None

    def weights_inside(self, layer: Any) -> list[Any]:
        """`layer.weights`: its own and those of the layers in it."""
        try:
            return list(layer.weights) if self.top_layers(layer) else self.own_weights(layer)
        except Exception:  # it cannot tell yet, or is the user's own
            return self.own_weights(layer)

    def trained_by(self, model: Any) -> list[Any] | None:
        """`model.trainable_weights`; `None` if they are the trainable ones of `model.weights`.

        Keras asks each model and layer first whether it is frozen itself.
        """
        if all(layer.trainable for layer in self.all_layers(model)):
            return None
        return list(model.trainable_weights)

    @abstractmethod
    def model_weights(self, model: Any) -> list[Any]:
        """`model.weights`, or nothing if the model cannot tell yet."""

    @abstractmethod
    def all_layers(self, model: Any) -> Iterable[Any]:
        """The model and all layers in it, at any depth."""

    @abstractmethod
    def top_layers(self, model: Any) -> list[Any]:
        """The layers that the model itself holds."""

    def attributes(self, layer: Any) -> Iterator[Any]:
        """What the layer has as attributes, without what only lists all sub-layers that it had."""
        yield from vars(layer).values()

    def overwritten(self, layer: Any) -> list[str]:  # noqa: ARG002
        """The attributes in which something else is than the lists that Keras keeps there."""
        return []

    @abstractmethod
    def weight_facts(self, variable: Any, layer: Any) -> WeightFacts:
        """What can be said of a variable that this layer owns, or none (`None`)."""

    def part_of_file(self, part: Any) -> str:
        """Where in its file a part is that a layer is loaded from: "layers/dense/vars".

        "" if there is no such part, or if it is not said.
        """
        for name in ("_h5_entry_group", "group"):  # Keras 3 has its own classes around
            part = getattr(part, name, part)
        place = getattr(part, "name", None)
        return place.strip("/") if isinstance(place, str) else ""

    @abstractmethod
    def training_parts(self, model: Any) -> list[Any]:
        """What a model was compiled with: its optimizer, and what holds its losses and metrics."""

    @abstractmethod
    def loss_outputs(self, container: Any, outputs: Any, targets: Any) -> list[str]:
        """The name of the output that each loss is for which is computed; "" if it has none.

        Args:
            container: what holds the losses.
            outputs: what the model gave.
            targets: what that is compared with.
        """

    @abstractmethod
    def loss_settings(self, container: Any, outputs: Any) -> LossSettings:
        """What a model's losses were made from: the arguments of its `compile`.

        Args:
            container: what holds the losses.
            outputs: what the model gave.
        """

    @abstractmethod
    def metric_settings(self, container: Any, outputs: Any) -> MetricSettings:
        """What a model's metrics are made from: the arguments of its `compile`.

        Args:
            container: what holds the metrics.
            outputs: what the model gave.
        """

    @abstractmethod
    def metrics_of_outputs(self, container: Any) -> list[tuple[str, Any]]:
        """The metrics that a container has built, each with the name of its output, or ""."""

    def held_variables(self, holder: Any) -> list[Any]:
        """The variables of an optimizer or a metric."""
        held = holder.variables
        return list(held() if callable(held) else held)

    @abstractmethod
    def output_tensors(self, model: Any) -> list[Any]:
        """The symbolic outputs of a model's graph; empty if it has none."""

    @abstractmethod
    def inputs_of(self, model: Any) -> list[tuple[str, str]]:
        """Name and dtype of each input of a model's graph, in order; empty if it has none."""

    consumer = "operation"
    """The attribute of a node that holds its layer or operation."""

    def tables_behind(self, model: Any, place: int) -> list[Any]:
        """The Embeddings of Keras' own that take an input of a model's graph as it is.

        Args:
            model: the model.
            place: the input's, among those of `inputs_of`.
        """
        nodes = self.input_tensors(model)[place]._keras_history[0]._outbound_nodes
        layers = [getattr(node, self.consumer) for node in nodes]
        found = [x for x in layers if type(x).__name__ == "Embedding" and self.is_own(x)]
        return [x for x in found if any(x is one for one in model.layers)]

    @abstractmethod
    def input_tensors(self, model: Any) -> list[Any]:
        """The symbolic inputs of a model's graph; empty if it has none."""

    def taken_inputs(self, model: Any, given: dict[Any, Any]) -> dict[str, str]:  # noqa: ARG002
        """Which key of a dict a model takes for each input, if not the one of its name."""
        return {}

    def output_activations(self, model: Any) -> list[str]:
        """The name of the activation that each output ends with; "" where that is not known."""
        return [self._activation_behind(tensor) for tensor in self.output_tensors(model)]

    def _activation_behind(self, tensor: Any) -> str:
        layer, _, index = getattr(tensor, "_keras_history", (None, 0, 0))
        if isinstance(layer, self.model_class):
            inside = self.output_activations(layer)
            return inside[index] if index < len(inside) else ""
        if not self.is_own(layer):
            return ""  # what a layer of the user's does with its activation is up to its `call`
        if getattr(layer, "axis", -1) != -1:
            return ""  # a Softmax over another axis than the last
        function = getattr(layer, "activation", None)
        name = _ACTIVATING.get(type(layer).__name__, getattr(function, "__name__", ""))
        return name if isinstance(name, str) else ""

    @abstractmethod
    def graph_nodes(self, model: Any) -> Iterator[NodeFacts] | None:
        """The nodes of the graph that Keras keeps of the model, deepest first; `None` if none."""

    @abstractmethod
    def nodes_behind(self, outputs: list[Any]) -> Iterator[NodeFacts]:
        """The nodes that these symbolic tensors come from, deepest first, of no model."""

    def inner_model(self, model: Any) -> Any:  # noqa: ARG002
        """The model that this one keeps inside to run its graph, if it does so."""
        return None

    @abstractmethod
    def graph_ends(self, model: Any) -> tuple[list[int], list[int]]:
        """Keys of the nodes that the model's inputs and outputs come from, in order."""


class Generation(NamedTuple):
    """A generation of Keras: everything that hooks and readers of it need to know.

    Attributes:
        name: "keras2" or "keras3".
        title: "Keras 2".
        packages: top-level packages that can be of this generation.
        landmarks: the table.
        training: where it trains.
        adapter: module below `buildtrace.generations` that reads this generation's objects.
        uses: name and target of the functions that use models, of which it is noted that they ran.
        making: the constructor that every model runs.
        learning: what layers run when they have learned from data, or were given it by a file.
        stateless: the class that holds variables' values where state is passed on, as on JAX.
        conversion: what turns a layer's inputs into the tensors that its `call` gets, if that
            is a function of its own.
        table: a dict by which Keras finds functions of its own by name, filled at its first use; ""
            if there is none.
        distributions: the module of what spreads variables over devices.
    """

    name: GenerationName
    title: str
    packages: tuple[str, ...]
    landmarks: tuple[Landmark, ...]
    training: Training
    adapter: str
    uses: tuple[tuple[str, str], ...] = ()
    making: str = ""
    learning: str = "layers.preprocessing.normalization:Normalization.finalize_state"
    stateless: str = ""
    conversion: str | None = None
    distributions: str | None = None
    table: str = ""

    def landmarks_of(self, version: str) -> list[Landmark]:
        """The landmarks that a version of this generation should have."""
        return [landmark for landmark in self.landmarks if landmark.exists_in(version)]


def class_name(thing: Any) -> str | None:
    """The class of an initializer and the like.

    Keras takes the name in small letters, a config, or a plain function as well.
    """
    if thing is None:
        return None
    if isinstance(thing, str):
        return "".join(part[:1].upper() + part[1:] for part in thing.split("_"))
    if isinstance(thing, dict):
        return str(thing.get("class_name"))
    name: str = getattr(thing, "__name__", None) or type(thing).__name__
    return name


def flat(structure: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts, in order."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if not isinstance(structure, (list, tuple)):
        return [structure]
    return [leaf for part in structure for leaf in flat(part)]


def node_facts(by_depth: dict[int, list[Any]], operation: str, inputs: str) -> Iterator[NodeFacts]:
    """The nodes of a graph, deepest first.

    Args:
        by_depth: Keras' `_nodes_by_depth`.
        operation: the attribute of a node that holds its layer or operation.
        inputs: the attribute that holds the symbolic tensors it was called on.
    """
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            thing = getattr(node, operation)
            siblings = [id(other) for other in thing._inbound_nodes]
            yield NodeFacts(
                operation=thing,
                call_index=siblings.index(id(node)) if id(node) in siblings else 0,
                depth=depth,
                key=id(node),
                inputs=[(origin(tensor), tensor) for tensor in getattr(node, inputs)],
                outputs=flat(node.outputs),
                is_input=node.is_input,
            )


def nodes_behind(outputs: list[Any], inputs: str) -> dict[int, list[Any]]:
    """The nodes that symbolic tensors come from, by depth: 0 at the outputs, as Keras counts.

    Args:
        outputs: the tensors.
        inputs: the attribute of a node that holds the symbolic tensors it was called on.
    """
    by_depth: dict[int, list[Any]] = {}
    depths: dict[int, int] = {}
    for node in reversed(_inputs_first([_node_of(tensor) for tensor in outputs], inputs)):
        depth = depths.setdefault(id(node), 0)
        by_depth.setdefault(depth, []).append(node)
        for tensor in getattr(node, inputs):
            key = id(_node_of(tensor))
            depths[key] = max(depths.get(key, 0), depth + 1)
    return by_depth


def _inputs_first(ends: list[Any], inputs: str) -> list[Any]:
    """These nodes and all behind them, each after those that its inputs come from."""
    order: dict[int, Any] = {}
    waiting = [(node, False) for node in ends]
    seen: set[int] = set()
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order[id(node)] = node
        elif node is not None and id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(_node_of(tensor), False) for tensor in getattr(node, inputs)]
    return list(order.values())


def _node_of(tensor: Any) -> Any:
    # A KerasTensor that a program made itself has no history before its first call.
    operation, node_index, _ = getattr(tensor, "_keras_history", (None, 0, 0))
    return None if operation is None else operation._inbound_nodes[node_index]


def origin(tensor: Any) -> int:
    """The key of the node that a symbolic tensor comes from; 0 if it comes from none."""
    node = _node_of(tensor)
    return 0 if node is None else id(node)


def output_index(tensor: Any) -> int:
    """Which output of the node that it comes from a symbolic tensor is."""
    index: int = tensor._keras_history[2]
    return index
