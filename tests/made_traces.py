"""Traces made by hand, shaped like those of the real Keras; no Keras is needed for them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import msgspec

from buildtrace.traces.schema import (
    Call,
    Edge,
    Environment,
    ErrorInfo,
    Expected,
    Graph,
    Holder,
    KerasInfo,
    LandmarkInfo,
    LayerRef,
    LayerState,
    Node,
    SavedFile,
    SavedLayer,
    SavedState,
    SourceLine,
    TensorSpec,
    Variable,
    Weight,
)
from buildtrace.traces.trace import Trace

STEPS = {
    "Input": "input",
    "InputLayer.__init__": "input",
    "Layer._maybe_build": "build",
    "Layer.add_weight": "weight",
    "Variable.__init__": "weight",
    "make_variable": "weight",
    "Functional.__init__": "graph",
    "Functional._init_graph_network": "graph",
    "Function.__init__": "graph",
    "map_graph": "graph",
    "_map_graph_network": "graph",
    "_build_map": "graph",
    "_build_map_helper": "graph",
}


def spec(*sizes, dtype="float32"):
    return TensorSpec(shape=sizes, dtype=dtype)


class Recording:
    """Builds a trace call by call: each `with recording.call(...)` is one call."""

    def __init__(self, generation="keras3", caller=("model.py", 7)):
        self.generation = generation
        self.caller = SourceLine(file=caller[0], line=caller[1]) if caller else None
        self.calls, self.weights, self.graphs, self.layers = [], [], [], {}
        self.open, self.clock = [], 0

    def layer(self, name, class_name):
        key = (name, class_name)
        return self.layers.setdefault(
            key, LayerRef(id=len(self.layers), name=name, class_name=class_name)
        )

    @contextmanager
    def call(self, name, layer=None, inputs=(), outputs=(), error=None, step=None, **more):
        landmark = name
        if name.endswith(".build"):
            step, landmark = step or "build", "Layer.build"
        elif name.endswith("__call__") and name != "Layer.__call__" and layer is None:
            step, landmark = "weight", "Initializer.__call__"
        place = len(self.calls)
        self.calls.append(None)
        parent = self.open[-1] if self.open else None
        start = self.clock
        self.clock += 1_000
        self.open.append(place)
        yield place
        self.open.pop()
        self.clock += 1_000
        more.setdefault("caller", self.caller)
        more.setdefault("file", f"/nowhere/keras/{name.split('.')[0].lower()}.py")
        self.calls[place] = Call(
            id=place,
            parent=parent,
            name=name,
            module=more.pop("module", "keras.src"),
            line=10,
            landmark=landmark,
            step=step or STEPS.get(name, "connect"),
            generation=self.generation,
            thread=0,
            layer=layer,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            start_ns=start,
            duration_ns=self.clock - start,
            error=error,
            **more,
        )

    def weight(self, call, layer, name, shape, trainable=True, initializer=None):
        self.weights.append(
            Weight(
                id=len(self.weights),
                call=call,
                layer=layer.id,
                name=name,
                path=f"{layer.name}/{name}",
                shape=shape,
                dtype="float32",
                trainable=trainable,
                initializer=initializer,
            )
        )

    def add_weight(self, layer, name, shape, initializer="GlorotUniform", **more):
        with self.call("Layer.add_weight", layer) as made:
            self.weight(made, layer, name, shape, initializer=initializer, **more)
            variable = "make_variable" if self.generation == "keras2" else "Variable.__init__"
            with self.call(variable), self.call(f"{initializer}.__call__"):
                pass

    def trace(self, error=None):
        name = "keras" if self.generation == "keras3" else "tf_keras"
        version = "3.15.1" if self.generation == "keras3" else "2.15.1"
        keras = KerasInfo(generation=self.generation, package=name, version=version)
        rows = {(c.landmark, c.step) for c in self.calls}
        return Trace(
            environment=Environment(
                buildtrace="0.1", python="3.11.9", tensorflow="2.21.0", keras=(keras,)
            ),
            calls=tuple(self.calls),
            weights=tuple(self.weights),
            graphs=tuple(self.graphs),
            landmarks=tuple(
                LandmarkInfo(
                    name=name,
                    generation=self.generation,
                    step=step,
                    summary=f"What {name} is there for.",
                    article=f"The article leaves {name} out." if step == "connect" else None,
                )
                for name, step in sorted(rows)
            ),
            error=error,
            sources=msgspec.UNSET,
        )


def chain(model, *layers, built=True, weights=(), nested=("Block", "Sequential")):
    """The graph of layers in a row, the first one being the input; some classes are models."""
    last = len(layers) - 1
    nodes = tuple(
        Node(
            id=place,
            layer=ref.id,
            name=ref.name,
            class_name=ref.class_name,
            depth=last - place,
            kind="model" if ref.class_name in nested else "layer" if place else "input",
            built=built,
            outputs=(out,),
        )
        for place, (ref, out) in enumerate(layers)
    )
    edges = tuple(
        Edge(source=place, target=place + 1, tensor=layers[place][1]) for place in range(last)
    )
    return Graph(
        model=model,
        built=built,
        nodes=nodes,
        edges=edges,
        inputs=(0,),
        outputs=(last,),
        weights=tuple(weights),
    )


def _dense3(r, layer, units, given, out):
    flows = ([given], [out])
    with r.call("Layer.__call__", layer, *flows):
        with (
            r.call("Layer._maybe_build", layer, [given], changes={"built": (False, True)}),
            r.call("Dense.build", layer, [spec(*given.shape, dtype=None)]),
        ):
            r.add_weight(layer, "kernel", (given.shape[-1], units))
            r.add_weight(layer, "bias", (units,), "Zeros")
        with (
            r.call("Operation.__call__", layer, *flows),
            r.call("Layer.symbolic_call", layer, *flows),
            r.call("Layer.compute_output_spec", layer, *flows),
            r.call("Dense.compute_output_shape", layer),
        ):
            pass
        with r.call("Node.__init__", layer):
            pass


def mapping(r, mapper, depth):
    with ExitStack() as stack:
        for name in [mapper, "_build_map", *["_build_map_helper"] * depth]:
            stack.enter_context(r.call(name))


def mlp3(units=(512, 10)):
    """The article's model on Keras 3; more `units` make it deeper."""
    r = Recording()
    model = r.layer("sequential", "Sequential")
    source = r.layer("input_layer", "InputLayer")
    given = spec(None, 784)
    rows = [(source, given)]
    with r.call(
        "Sequential.build", model, [spec(None, 784, dtype=None)], changes={"built": (False, True)}
    ):
        with r.call("InputLayer.__init__", source, [], [given]), r.call("Node.__init__", source):
            pass
        for number, size in enumerate(units):
            layer = r.layer(f"dense_{number}" if number else "dense", "Dense")
            out = spec(None, size)
            _dense3(r, layer, size, rows[-1][1], out)
            rows.append((layer, out))
        with (
            r.call("Functional.__init__", r.layer("functional", "Functional")),
            r.call("Function.__init__"),
        ):
            mapping(r, "map_graph", len(units) + 1)
    r.graphs.append(chain(model, *rows, weights=range(len(r.weights))))
    return r.trace()


def trained(number=4):
    """The article's model with an optimizer that keeps two variables for each of some weights."""
    trace = mlp3()
    own = [(name, weight) for weight in trace.weights[:number] for name in ("momentum", "velocity")]
    facts = [("iteration", (), None), *((name, weight.shape, weight.id) for name, weight in own)]
    trace.holders = (Holder(id=0, name="adam", class_name="Adam", kind="optimizer"),)
    trace.variables = tuple(
        Variable(
            id=id_,
            call=None,
            holder=0,
            name=name,
            path=f"adam/{name}",
            shape=shape,
            dtype="float32",
            weight=weight,
        )
        for id_, (name, shape, weight) in enumerate(facts)
    )
    return trace


def _dense2(r, layer, units, given, out):
    flows = ([given], [out])
    with (
        r.call("Layer.__call__", layer, *flows),
        r.call("Layer._functional_construction_call", layer, *flows),
    ):
        with (
            r.call("Layer._keras_tensor_symbolic_call", layer, *flows),
            r.call("Layer._infer_output_signature", layer, *flows),
            r.call("Layer._maybe_build", layer, [given]),
            r.call("Dense.build", layer, [given], changes={"built": (False, True)}),
        ):
            r.add_weight(layer, "kernel", (given.shape[-1], units))
            r.add_weight(layer, "bias", (units,), "Zeros")
        with r.call("Layer._set_connectivity_metadata", layer), r.call("Node.__init__", layer):
            pass


def mlp2():
    """The article's model on Keras 2."""
    r = Recording("keras2")
    model = r.layer("sequential", "Sequential")
    source = r.layer("dense_input", "InputLayer")
    given = spec(None, 784)
    rows = [(source, given)]
    with r.call("Sequential.build", model, [given], changes={"built": (False, True)}):
        with r.call("Sequential._build_graph_network_for_inferred_shape", model, [given]):
            with (
                r.call("Input", None, [], [given]),
                r.call("InputLayer.__init__", source, [], [given]),
                r.call("Node.__init__", source),
            ):
                pass
            for name, size in (("dense", 512), ("dense_1", 10)):
                layer = r.layer(name, "Dense")
                _dense2(r, layer, size, rows[-1][1], spec(None, size))
                rows.append((layer, spec(None, size)))
            changes = {"_graph_initialized": (False, True)}
            with r.call("Functional._init_graph_network", model, changes=changes):
                mapping(r, "_map_graph_network", 3)
        with r.call("Layer.build", model, [given]):
            pass
    r.graphs.append(chain(model, *rows, weights=range(4)))
    return r.trace()


def layers(classes, name="layer"):
    """A model put together by one call of each of these classes, in this order."""
    r = Recording()
    for number, class_name in enumerate(classes):
        layer = r.layer(f"{name}_{number}", class_name)
        _dense3(r, layer, 4, spec(None, 4), spec(None, 4))
    return r.trace()


def failing(before=0):
    """A build that ends in an error three calls deep, after `before` layers that went well."""
    error = ErrorInfo(type="ValueError", message="units must be positive,\ngot -1")
    r = Recording()
    for number in range(before):
        _dense3(r, r.layer(f"good_{number}", "Dense"), 8, spec(None, 8), spec(None, 8))
    layer = r.layer("bad", "Dense")
    with (
        r.call("Layer.__call__", layer, [spec(None, 8)], error=error),
        r.call("Layer._maybe_build", layer, [spec(None, 8)], error=error),
        r.call("Dense.build", layer, [spec(None, 8)], error=error),
    ):
        pass
    return r.trace(error)


def replaced(file="model.py", names=("linear",), class_name="Linear"):
    """On Keras 2, layers that a second build gave new weights: a finding for each, at line 12."""
    r = Recording("keras2")
    for name in names:
        layer = r.layer(name, class_name)
        for line in (11, 12):
            caller = SourceLine(file=file, line=line)
            with r.call(f"{class_name}.build", layer, [spec(None, 3)], caller=caller):
                r.add_weight(layer, "w", (3, 2))
    return r.trace()


def evil():
    """Names that must not be taken for markup, nor break lines, nor fill the screen."""
    r = Recording()
    names = ["[bold]x", '"<b>\n', "\x1b[31mred", "n" * 10_000]
    rows = [(r.layer("in", "InputLayer"), spec(None, 3))]
    for name in names:
        layer = r.layer(name, "[/]Class")
        _dense3(r, layer, 3, spec(None, 3), spec(None, 3))
        rows.append((layer, spec(None, 3)))
    r.graphs.append(chain(r.layer("[red]model", "M"), *rows, weights=range(8)))
    return r.trace()


def towers():
    """Two inputs through a shared layer, an addition, a model inside, and one unbuilt layer."""
    r = Recording()
    left, right = r.layer("left", "InputLayer"), r.layer("right", "InputLayer")
    shared, head = r.layer("shared", "Dense"), r.layer("head", "Sequential")
    inner, late = r.layer("inner", "Dense"), r.layer("late", "Dense")
    eight, four = spec(None, 8), spec(None, 4)
    for source in (left, right):
        with (
            r.call("Input"),
            r.call("InputLayer.__init__", source),
            r.call("Node.__init__", source, outputs=[eight]),
        ):
            pass
    _dense3(r, shared, 4, eight, four)
    with r.call("Layer.__call__", shared, [eight], [four]):
        pass
    with r.call("Operation.symbolic_call", r.layer("add", "Add"), [four, four], [four]):
        pass
    with (
        r.call("Layer.__call__", head, [four], [four]),
        r.call("Sequential.build", head, [four]),
    ):
        with r.call("InputLayer.__init__", r.layer("head_input", "InputLayer")):
            pass
        _dense3(r, inner, 4, four, four)
    model = r.layer("two_towers", "Functional")
    with r.call("Functional.__init__", model, changes={"built": (False, True)}):
        mapping(r, "map_graph", 6)
        with r.call("Functional.build", r.layer("mapper", "Functional")):
            pass
    rows = [
        (left, "input", 3, 0, eight),
        (right, "input", 3, 0, eight),
        (shared, "layer", 2, 0, four),
        (shared, "layer", 2, 1, four),
        (None, "operation", 1, 0, four),
        (head, "model", 0, 0, four),
        (late, "layer", 0, 0, four),
    ]
    nodes = tuple(
        Node(
            id=place,
            layer=ref.id if ref else None,
            name=ref.name if ref else "add",
            class_name=ref.class_name if ref else "Add",
            depth=depth,
            index=index,
            built=ref is not late,
            kind=kind,
            outputs=(out,),
        )
        for place, (ref, kind, depth, index, out) in enumerate(rows)
    )
    pairs = [(0, 2), (1, 3), (2, 4), (3, 4), (4, 5), (4, 6)]
    edges = tuple(Edge(source=a, target=b, tensor=four) for a, b in pairs)
    rows = (r.layer("head_input", "InputLayer"), four), (inner, four)
    r.graphs.append(chain(head, *rows, weights=(2, 3)))
    r.graphs.append(
        Graph(
            model=model,
            built=True,
            nodes=nodes,
            edges=edges,
            inputs=(0, 1),
            outputs=(5, 6),
            weights=(0, 1, 2, 3),
        )
    )
    return r.trace()


def coarse(trace, tick):
    """The trace as a clock would have made it that knows multiples of `tick` alone."""
    calls = []
    for call in trace.calls:
        start = call.start_ns // tick * tick
        end = (call.start_ns + call.duration_ns) // tick * tick
        calls.append(msgspec.structs.replace(call, start_ns=start, duration_ns=end - start))
    return msgspec.structs.replace(trace, calls=tuple(calls))


def in_threads(trace, number):
    """The trace several times over, each time in a thread of its own, all at the same time."""
    size = len(trace.calls)
    calls = [
        msgspec.structs.replace(
            call,
            id=call.id + thread * size,
            parent=None if call.parent is None else call.parent + thread * size,
            thread=thread,
        )
        for thread in range(number)
        for call in trace.calls
    ]
    return msgspec.structs.replace(trace, calls=tuple(calls), weights=())


SCRIPT = """\
import keras


class Net(keras.Model):
    def build(self, input_shape):
        self.hidden.build(input_shape)

    def call(self, x):
        y = self.hidden(x)
        return self.pick(y)

    def pick(self, y):
        return y * float(y[0, 0])


net = Net()
net(first)
net(second)
"""
"""What the user wrote of the model that `frozen` and `caught` are about."""


def frozen(file="net.py", expects=(), given=(2, 5), own="Dense", raised_at=None, compared=None):
    """A layer in a model takes (2, 3) at line 17, which builds it, and something else at line 18.

    The layer may say what it `expects`. Its class is its `own`, or Dense. Keras may have raised the
    error at a line that is known.
    """
    r = Recording(caller=(file, 9))
    net, hidden = r.layer("net", "Net"), r.layer("hidden", own)
    lines = [SourceLine(file=file, line=number) for number in (17, 18)]
    with (
        r.call("Layer.__call__", net, [spec(2, 3)], [spec(2, 4)], caller=lines[0]),
        r.call("Layer.__call__", hidden, [spec(2, 3)], [spec(2, 4)]),
        r.call("Layer._maybe_build", hidden, [spec(2, 3)]),
    ):
        with ExitStack() as builds:
            if own != "Dense":
                builds.enter_context(r.call(f"{own}.build", hidden, [spec(2, 3, dtype=None)]))
            inherited = SourceLine(file=file, line=4) if own != "Dense" else r.caller
            with r.call("Dense.build", hidden, [spec(2, 3, dtype=None)], caller=inherited):
                r.add_weight(hidden, "kernel", (3, 4))
                r.add_weight(hidden, "bias", (4,), "Zeros")
        with r.call("Layer.build", hidden, [spec(2, 3, dtype=None)]):
            pass  # as Keras 2 does: it makes no weights
    error = ErrorInfo(
        type="ValueError", message="Input 0 is not compatible.", lines=(r.caller, lines[1])
    )
    inner = msgspec.structs.replace(error, lines=(), raised_at=raised_at, compared=compared)
    with (
        r.call("Layer.__call__", net, [spec(*given)], error=error, caller=lines[1]),
        r.call("Layer.__call__", hidden, [spec(*given)], error=inner),
    ):
        pass
    state = LayerState(layer=hidden, after=0, built=True, expects=tuple(expects))
    told = msgspec.structs.replace(
        error, message=f"Exception encountered when calling Net.call().\n\n{error.message}"
    )
    return msgspec.structs.replace(r.trace(told), states=(state,))


def misfit():
    """The same, of a layer that says which size it takes."""
    return frozen(expects=[Expected(min_ndim=2, axes={-1: 3})])


def caught(file="net.py", times=1, by_user=False):
    """Keras runs a model's `call` on symbols to build it, catches what it raises, and goes on."""
    r = Recording(caller=(file, 17))
    net, hidden = r.layer("net", "Net"), r.layer("hidden", "Dense")
    lines = tuple(SourceLine(file=file, line=number) for number in (13, 10))
    error = ErrorInfo(type="TypeError", message="no number", swallowed=True, lines=lines)
    caller = SourceLine(file=file, line=9) if by_user else r.caller
    for _ in range(times):
        with (
            r.call("Layer.__call__", net, [spec(2, 3)], [spec(2, 4)]),
            r.call("Layer._maybe_build", net, [spec(2, 3)]),
            r.call("compute_output_spec", net, [spec(2, 3)], error=error, caller=caller),
        ):
            _dense3(r, hidden, 4, spec(2, 3), spec(2, 4))
    return r.trace()


TOO_DEEP = ErrorInfo(type="RecursionError", message="maximum recursion depth exceeded")


def too_deep_graph(steps, layers=40):
    """A graph of so many steps that its mapper runs into Python's limit."""
    r = Recording()
    for n in range(layers):
        with r.call("Layer.__call__", r.layer(f"dense_{n}", "Dense"), [spec(None, 8)]):
            pass
    names = ["Function.__init__", "map_graph", "_build_map", *["_build_map_helper"] * steps]
    with ExitStack() as stack:
        model = r.layer("functional", "Functional")
        stack.enter_context(r.call("Functional.__init__", model, error=TOO_DEEP))
        for name in names:
            stack.enter_context(r.call(name, error=TOO_DEEP))
    return r.trace(TOO_DEEP)


def endless_build(rounds):
    """A layer of the user's that makes and calls another one of its kind in `build`."""
    r = Recording()
    with ExitStack() as stack:
        for n in range(rounds):
            nest = r.layer(f"nest_{n}", "Nest")
            stack.enter_context(r.call("Layer.__call__", nest, [spec(2, 8)], error=TOO_DEEP))
            stack.enter_context(r.call("Nest.build", nest, [spec(2, 8)], error=TOO_DEEP))
            r.add_weight(nest, "w", (8,))
    return r.trace(TOO_DEEP)


def saved_model():
    """What was read from a saved model's file: the layers and weights of a model, and no calls."""
    run = towers()
    layers = [
        SavedLayer(
            id=number,
            within=0 if number else None,
            name=run.layers[number].name if number in run.layers else "other",
            class_name="Dense",
            facts={"units": "3"},
        )
        for number in range(max(run.layers) + 1)
    ]
    saved = SavedFile(
        name="model.keras",
        format="keras",
        size=1_000,
        date="2026-01-02 03:04:05",
        layers=tuple(layers),
        weight_size=400,
        states=(SavedState(owner="optimizer", arrays=2, size=12),),
        compiled={"optimizer": "Adam(learning_rate=0.001)", "loss": "mse"},
        notes=("the layer 'x' has 12 bytes of Python code in the file, which was not run",),
    )
    weights = tuple(msgspec.structs.replace(weight, call=None) for weight in run.weights)
    return Trace(environment=run.environment, weights=weights, graphs=run.graphs, saved=saved)


def nested_models(number: int, times: int) -> Trace:
    """Models of which each calls the next one so often, and the last one a Dense of 4 to 4."""
    recording = Recording()
    models = [recording.layer(f"model_{place}", "Functional") for place in range(number)]
    dense = recording.layer("dense", "Dense")
    recording.add_weight(dense, "kernel", (4, 4))
    given = (recording.layer("given", "InputLayer"), spec(None, 4))
    for model, inner in zip(models, [*models[1:], dense], strict=True):
        recording.graphs.append(chain(model, given, *[(inner, spec(None, 4))] * times))
    return recording.trace()
