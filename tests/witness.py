"""The witness: the tree of landmark frames that the interpreter itself saw.

It patches nothing and shares nothing with the capture: the table below is written by hand, and
the frames come from `sys.setprofile`. Wrappers of the tracer are frames like any other that is
not a landmark; the witness looks through them.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

# Flags: E = evidence of building; N = recorded only inside another recorded call, but not right
# inside of one that reads a file; F = reads a file;
# P = reads a part of one, recorded only inside of what reads it; C = and only if it makes a layer
# of a config, or is the class method of a class of layers; S = and only if the layer has weights,
# or the file something for it.
# Each row: where it is (relative to the generation's root package), its flags.
KERAS2 = {
    "engine.input_layer:Input": "E",
    "engine.input_layer:InputLayer.__init__": "E",
    "engine.node:Node.__init__": "E",
    "engine.sequential:Sequential._build_graph_network_for_inferred_shape": "",
    "engine.sequential:Sequential.call": "",
    "engine.functional:Functional.call": "",
    "engine.base_layer:Layer.__call__": "",
    "engine.base_layer:Layer._functional_construction_call": "E",
    "engine.base_layer:Layer._keras_tensor_symbolic_call": "E",
    "engine.base_layer:Layer._infer_output_signature": "E",
    "engine.base_layer:Layer._maybe_build": "",
    "engine.base_layer:Layer._set_connectivity_metadata": "E",
    "engine.base_layer:Layer.add_weight": "E",
    "engine.base_layer_utils:make_variable": "EN",
    "engine.functional:Functional.__init__": "E",
    "engine.functional:Functional._init_graph_network": "E",
    "engine.functional:_map_graph_network": "E",
    "engine.functional:_build_map": "E",
    "engine.functional:_build_map_helper": "E",
    "engine.training:Model.compile": "E",
    "engine.training:Model.compute_loss": "",
    "engine.compile_utils:LossesContainer.__call__": "",
    "engine.compile_utils:LossesContainer.build": "E",
    "engine.compile_utils:MetricsContainer.build": "E",
    "losses:Loss.__call__": "N",
    "metrics.base_metric:Metric.add_weight": "E",
    "optimizers.optimizer:_BaseOptimizer.add_variable": "E",
    "optimizers.optimizer:_BaseOptimizer.add_variable_from_reference": "E",
    "optimizers.legacy.optimizer_v2:OptimizerV2._create_all_weights": "",
    "optimizers.legacy.optimizer_v2:OptimizerV2.add_slot": "",
    "optimizers.legacy.optimizer_v2:OptimizerV2.add_weight": "E",
    "saving.saving_api:load_model": "EF",
    "saving.legacy.hdf5_format:load_model_from_hdf5": "FP",
    "saving.serialization_lib:deserialize_keras_object": "FPC",
    "saving.legacy.serialization:deserialize_keras_object": "FPC",
    "engine.training:Model.load_weights": "EF",
    "saving.legacy.hdf5_format:load_weights_from_hdf5_group": "FP",
    "saving.legacy.hdf5_format:load_weights_from_hdf5_group_by_name": "FP",
}
KERAS3 = {
    "layers.core.input_layer:Input": "E",
    "layers.core.input_layer:InputLayer.__init__": "E",
    "ops.node:Node.__init__": "E",
    "layers.layer:Layer.__call__": "",
    "layers.layer:Layer._maybe_build": "",
    "ops.operation:Operation.__call__": "",
    "ops.operation:Operation.symbolic_call": "E",
    "layers.layer:Layer.symbolic_call": "E",
    "backend:compute_output_spec": "N",
    "models.sequential:Sequential.call": "",
    "models.functional:Functional.call": "",
    "models.model:Model.build_from_config": "",
    "layers.layer:Layer.add_weight": "E",
    "backend.common.variables:Variable.__init__": "EN",
    "backend.common.variables:KerasVariable.__init__": "EN",
    "models.functional:Functional.__init__": "E",
    "ops.function:Function.__init__": "E",
    "ops.function:map_graph": "E",
    "ops.function:_build_map": "E",
    "ops.function:_build_map_helper": "E",
    "trainers.trainer:Trainer.compile": "E",
    "trainers.trainer:Trainer._symbolic_build": "",
    "trainers.trainer:Trainer.compute_loss": "",
    "trainers.compile_utils:CompileLoss.__call__": "",
    "trainers.compile_utils:CompileLoss.build": "E",
    "trainers.compile_utils:CompileMetrics.build": "E",
    "losses.loss:Loss.__call__": "N",
    "metrics.metric:Metric.add_weight": "E",
    "metrics.metric:Metric.add_variable": "E",
    "optimizers.base_optimizer:BaseOptimizer.add_variable": "E",
    "optimizers.base_optimizer:BaseOptimizer.add_variable_from_reference": "E",
    "saving.saving_api:load_model": "EF",
    "legacy.saving.legacy_h5_format:load_model_from_hdf5": "FP",
    "saving.serialization_lib:deserialize_keras_object": "FPC",
    "legacy.saving.serialization:deserialize_keras_object": "FPC",
    "models.model:Model.load_weights": "EF",
    "legacy.saving.legacy_h5_format:load_weights_from_hdf5_group": "FP",
    "legacy.saving.legacy_h5_format:load_weights_from_hdf5_group_by_name": "FP",
}
# Only some versions have these; all others must be there, or the witness has a blind spot.
OPTIONAL = {
    "layers.layer:Layer.symbolic_call",
    "backend.common.variables:Variable.__init__",
    "backend.common.variables:KerasVariable.__init__",
}
# What holds variables and is no layer.
HOLDERS2 = (
    "metrics.base_metric:Metric",
    "optimizers.optimizer:_BaseOptimizer",
    "optimizers.legacy.optimizer_v2:OptimizerV2",
)
HOLDERS3 = ("metrics.metric:Metric", "optimizers.base_optimizer:BaseOptimizer")
# Those that hold none themselves, only what others hold.
CONTAINERS3 = ("trainers.compile_utils:CompileMetrics",)
# Every class below the base that defines the function itself: {function: [(base, flags)]}.
FAMILIES2 = {
    "build": [("engine.base_layer:Layer", "E"), ("optimizers.optimizer:_BaseOptimizer", "")],
    "_create_slots": [("optimizers.legacy.optimizer_v2:OptimizerV2", "")],
    "__call__": [("initializers.initializers:Initializer", "N")],
    "build_from_config": [("engine.base_layer:Layer", "")],
    "load_own_variables": [("engine.base_layer:Layer", "FPS")],
    "from_config": [("engine.base_layer:Layer", "FPC")],
}
FAMILIES3 = {
    "build": [("layers.layer:Layer", "E"), ("optimizers.base_optimizer:BaseOptimizer", "E")],
    "compute_output_spec": [("ops.operation:Operation", "")],
    "compute_output_shape": [("layers.layer:Layer", "")],
    "_deferred_initialize": [
        ("backend.common.variables:Variable", "EN"),
        ("backend.common.variables:KerasVariable", "EN"),
    ],
    "__call__": [
        ("initializers.initializer:Initializer", "N"),
    ],
    "build_from_config": [("layers.layer:Layer", "")],
    "load_own_variables": [("layers.layer:Layer", "FPS")],
    "from_config": [("ops.operation:Operation", "FPC")],
}


@dataclass(eq=False)
class Seen:
    """One landmark frame: what ran, for which layer, and what ran inside it."""

    name: str
    layer: Any
    evidence: bool
    reads_file: bool = False
    children: list[Seen] = field(default_factory=list)

    @property
    def builds(self) -> bool:
        return self.evidence or any(child.builds for child in self.children)


@dataclass(frozen=True)
class Row:
    """A resolved landmark: its qualified name, its flags, its code without decorators.

    The code is known of methods in families.
    """

    name: str
    flags: str
    code: CodeType | None = None


class Table:
    """The landmarks of one generation, resolved against the Keras that is imported."""

    def __init__(self, generation: int, root: str) -> None:
        self.generation = generation
        self.root = root
        layer_home = "engine.base_layer" if generation == 2 else "layers.layer"
        self.layer = self._find(f"{layer_home}:Layer")
        assert self.layer is not None
        self.metric = self._find("metrics.base_metric:Metric") if generation == 2 else None
        holders, containers = (HOLDERS2, ()) if generation == 2 else (HOLDERS3, CONTAINERS3)
        self.holders = tuple(self._find(target) for target in holders)
        self.containers = tuple(self._find(target) for target in containers)
        self.rows: dict[CodeType, Row] = {}
        for target, flags in (KERAS2 if generation == 2 else KERAS3).items():
            found = self._find(target)
            if found is None:
                assert target in OPTIONAL, f"this Keras has no {target}"
                continue
            function = inspect.unwrap(found)
            self.rows[function.__code__] = Row(function.__qualname__, flags)
        self.families = {
            name: [(base, flags) for target, flags in bases if (base := self._find(target))]
            for name, bases in (FAMILIES2 if generation == 2 else FAMILIES3).items()
        }
        self.build_wrapper = None
        if generation == 3:
            constants = inspect.unwrap(self.layer.__new__).__code__.co_consts
            self.build_wrapper = next(
                c for c in constants if isinstance(c, CodeType) and c.co_name == "build_wrapper"
            )

    def _find(self, target: str) -> Any:
        module, _, path = target.partition(":")
        try:
            found: Any = importlib.import_module(f"{self.root}.{module}")
        except ImportError:
            return None
        for part in path.split("."):
            owner, found = found, vars(found).get(part)
            if found is None:
                # An alias such as initializers.Initializer is fine; an inherited method is not.
                return getattr(owner, part, None) if isinstance(owner, ModuleType) else None
        return found

    def row(self, frame: FrameType) -> Row | None:
        """The landmark that this frame runs, if it is one."""
        code = frame.f_code
        row = self.rows.get(code)
        if row is not None:
            return row
        caller = frame.f_back
        if self.build_wrapper and caller is not None and caller.f_code is self.build_wrapper:
            return self._keras3_build(frame)
        bases = self.families.get(code.co_name)
        return self._member(frame, bases) if bases else None

    def _member(self, frame: FrameType, bases: list[tuple[type, str]]) -> Row | None:
        first = first_argument(frame)
        name = frame.f_code.co_name
        cls = first if isinstance(first, type) else type(first)  # a class method has its class
        for base, flags in bases:
            if not issubclass(cls, base):
                continue
            for owner in cls.__mro__:
                if issubclass(owner, base) and name in vars(owner):
                    function = innermost(vars(owner)[name], name)
                    if getattr(function, "__code__", None) is frame.f_code:
                        return Row(short_name(function), flags, frame.f_code)
        return None

    def _keras3_build(self, frame: FrameType) -> Row | None:
        """The `build` that Keras 3's wrapper runs, decorators included; nothing else there."""
        first = first_argument(frame)
        if not isinstance(first, self.layer):
            return None
        function = inspect.getattr_static(type(first), "build")
        if getattr(function, "__code__", None) is not frame.f_code:
            return None
        function = innermost(function, "build")
        return Row(short_name(function), "E", getattr(function, "__code__", None))


def short_name(function: Any) -> str:
    """The qualified name, from the innermost function on that a user's class is defined in."""
    return str(function.__qualname__).rpartition("<locals>.")[2]


def first_argument(frame: FrameType) -> Any:
    """The first argument of the function that this frame runs (`self` in a method)."""
    code = frame.f_code
    if code.co_argcount:
        return frame.f_locals.get(code.co_varnames[0])
    if code.co_flags & inspect.CO_VARARGS:  # def wrapper(*args, **kwargs)
        arguments = frame.f_locals.get(code.co_varnames[code.co_kwonlyargcount])
        return arguments[0] if arguments else None
    return None


def innermost(function: Any, name: str) -> Any:
    """Look through decorators, those too that set no `__wrapped__` (Keras 2 has some)."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    while getattr(function, "__name__", name) != name:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        inner = [c for c in cells if isinstance(c, FunctionType)]
        if len(inner) != 1:
            break
        function = inspect.unwrap(inner[0])
    return function


@dataclass(eq=False)
class _Open:
    frame: FrameType
    seen: Seen | None  # None: this call itself is not recorded
    code: CodeType | None = None  # without decorators
    ignored: bool = False  # nothing inside is recorded either
    parent: _Open | None = None
    row: Row | None = None
    table: Table | None = None

    def recorded(self) -> Seen | None:
        """The nearest recorded call, this one included."""
        entry: _Open | None = self
        while entry is not None and entry.seen is None:
            entry = entry.parent
        return entry.seen if entry else None


class Witness:
    """Sees the landmark frames of the current thread between `with` and its end.

    Attributes:
        lost: events that the profile hook did not deliver, as far as the frames betray it.
    """

    def __init__(self, *tables: Table) -> None:
        self.tables = tables
        self.lost: list[str] = []
        self._all_roots: list[Seen] = []
        self._stack: list[_Open] = []
        self._failure: BaseException | None = None

    @property
    def roots(self) -> list[Seen]:
        """The root calls with evidence of building in them."""
        return [root for root in self._all_roots if root.builds]

    def __enter__(self) -> Witness:
        self._base = sys._getframe(1)
        self._before = sys.getprofile()
        sys.setprofile(self._hook)
        return self

    def __exit__(self, *exc: object) -> None:
        if sys.getprofile() != self._hook:
            self.lost.append("another profile hook took over")
        sys.setprofile(self._before)
        del self._base
        self._stack.clear()
        if self._failure is not None:
            raise RuntimeError("the witness itself failed") from self._failure

    def _hook(self, frame: FrameType, event: str, argument: object) -> None:
        try:
            if event == "call":
                self._called(frame)
            elif event == "return" and self._stack and self._stack[-1].frame is frame:
                self._returned(self._stack.pop(), argument)
        except BaseException as failure:  # an exception here would end up in the user's code
            self._failure = failure
            sys.setprofile(None)

    def _row(self, frame: FrameType) -> tuple[Table, Row] | None:
        for table in self.tables:
            row = table.row(frame)
            if row is not None:
                return table, row
        return None

    def _called(self, frame: FrameType) -> None:
        if frame.f_code.co_name.startswith("tf__"):
            self._converted(frame)
        found = self._row(frame)
        if found is None:
            return
        table, row = found
        parent = self._settle(frame)
        first = first_argument(frame)
        entry = _Open(frame, None, row.code, parent=parent, row=row, table=table)
        self._stack.append(entry)
        if parent is not None and parent.ignored:
            entry.ignored = True
            return
        if row.name == "Layer.add_weight" and table.metric and isinstance(first, table.metric):
            entry.ignored = True
            return
        if parent is not None and self._is_decorated(parent, frame, row):
            return
        above = parent.recorded() if parent else None
        if "N" in row.flags and (above is None or above.reads_file):
            return
        if "P" in row.flags and not self._is_part(entry, table, row, frame):
            return
        subject = self._subject(table, first)
        entry.seen = Seen(row.name, subject, "E" in row.flags, "F" in row.flags)
        (above.children if above else self._all_roots).append(entry.seen)

    @staticmethod
    def _is_part(entry: _Open, table: Table, row: Row, frame: FrameType) -> bool:
        """Whether a part of a file is read, inside of what reads it, that may be a layer's."""
        around = entry.parent
        while around is not None and not (around.seen and "F" in around.row.flags):
            around = around.parent
        if around is None:
            return False
        first = first_argument(frame)
        if "C" in row.flags:
            if isinstance(first, type):
                is_metric = table.metric is not None and issubclass(first, table.metric)
                return issubclass(first, table.layer) and not is_metric
            return isinstance(first, dict) and "class_name" in first
        if "S" in row.flags:
            if table.metric and isinstance(first, table.metric):
                return False
            names = ("_trainable_variables", "_non_trainable_variables")
            if table.generation == 2:
                names = ("_trainable_weights", "_non_trainable_weights")
            store = frame.f_locals[frame.f_code.co_varnames[1]]
            return any(getattr(first, name) for name in names) or len(store.keys()) > 0
        return True

    @staticmethod
    def _returned(entry: _Open, result: object) -> None:
        """What came out is the subject of what loads; a config that made no layer is not seen.

        Of an exception, the interpreter says that the result is `None`.
        """
        row, table, seen = entry.row, entry.table, entry.seen
        if seen is None or "F" not in row.flags or result is None:
            return
        if isinstance(result, table.layer) and not (
            table.metric and isinstance(result, table.metric)
        ):
            seen.layer = result
        elif "C" in row.flags:
            around = entry.parent.recorded()
            place = around.children.index(seen)
            around.children[place : place + 1] = seen.children

    @staticmethod
    def _subject(table: Table, first: Any) -> Any:
        """The layer, the optimizer or the metric that the call is about."""
        is_known = isinstance(first, (table.layer, *table.holders))
        return first if is_known and not isinstance(first, table.containers) else None

    @staticmethod
    def _is_decorated(around: _Open, frame: FrameType, row: Row) -> bool:
        """Whether the call around is this one already: the frame of a decorator of it."""
        return (
            row.code is not None
            and around.code is row.code
            and around.frame.f_code is not row.code
            and first_argument(around.frame) is first_argument(frame)
        )

    def _converted(self, frame: FrameType) -> None:
        """Notice when autograph runs a converted copy of Keras: its frames are no landmarks."""
        name = frame.f_code.co_name.removeprefix("tf__")
        first = first_argument(frame)
        for table in self.tables:
            if isinstance(first, table.layer):
                # A user's own `call` is always converted; it is no landmark.
                function = inspect.unwrap(inspect.getattr_static(type(first), name, None))
                if getattr(function, "__code__", None) in table.rows:
                    self.lost.append(f"autograph's copy of {name}")

    def _settle(self, frame: FrameType) -> _Open | None:
        """The open entry that the frame really is inside of, by its own chain of callers."""
        opened = {id(entry.frame): i for i, entry in enumerate(self._stack)}
        caller = frame.f_back
        while caller is not None and caller is not self._base:
            index = opened.get(id(caller))
            if index is not None:
                break
            if self._row(caller) is not None:
                self.lost.append(f"call of {caller.f_code.co_name}")
            caller = caller.f_back
        else:
            index = -1
        for entry in self._stack[index + 1 :]:
            self.lost.append(f"return of {entry.frame.f_code.co_name}")
        del self._stack[index + 1 :]
        return self._stack[-1] if self._stack else None


# -- comparison -------------------------------------------------------------------------------

Line = tuple[int, str, Any]
"""Depth, qualified name, and the layer, optimizer or metric: an object here, a `LayerRef` or
`Holder` there, or None."""


def seen_lines(roots: list[Seen]) -> list[Line]:
    """The witness's tree, depth first."""
    lines: list[Line] = []
    stack = [(0, root) for root in reversed(roots)]
    while stack:
        depth, seen = stack.pop()
        lines.append((depth, seen.name, seen.layer))
        stack.extend((depth + 1, child) for child in reversed(seen.children))
    return lines


def trace_lines(trace: Any, thread: int | None = None) -> list[Line]:
    """The trace's tree, from `Trace.calls` alone."""
    depths: dict[int, int] = {}
    children: dict[int | None, list[Any]] = {}
    for call in trace.calls:
        children.setdefault(call.parent, []).append(call)
    lines: list[Line] = []
    stack = [(0, call) for call in reversed(children.get(None, []))]
    while stack:
        depth, call = stack.pop()
        depths[call.id] = depth
        if thread is None or call.thread == thread:
            lines.append((depth, call.name, _subject(trace, call)))
        stack.extend((depth + 1, child) for child in reversed(children.get(call.id, [])))
    return lines


def _subject(trace: Any, call: Any) -> Any:
    """What the call runs on; `compile` runs on a model, and tells of its optimizer."""
    is_model = call.holder is None or call.landmark.endswith(".compile")
    return call.layer if is_model else trace.holders[call.holder]


def layer_name(layer: Any) -> str:
    return str(getattr(layer, "name", None) or getattr(layer, "_name", ""))


def differences(seen: list[Line], traced: list[Line]) -> str:
    """A readable account of how two trees differ; empty if they are equal.

    Layers are compared where the witness knows one: in methods of layers. Their numbers in the
    trace must follow their identity.
    """
    left = [(depth, name) for depth, name, _ in seen]
    right = [(depth, name) for depth, name, _ in traced]
    problems = []
    if left != right:
        diff = difflib.unified_diff(
            ["  " * d + n for d, n in left],
            ["  " * d + n for d, n in right],
            "witness",
            "trace",
            n=4,
            lineterm="",
        )
        return "\n".join(list(diff)[:200])
    numbers: dict[int, Any] = {}
    objects: dict[Any, int] = {}
    for i, ((depth, name, layer), (_, _, ref)) in enumerate(zip(seen, traced, strict=True)):
        if layer is None:
            continue
        where = f"line {i}: {'  ' * depth}{name}"
        if ref is None or ref.name != layer_name(layer):
            problems.append(f"{where}: layer {layer_name(layer)!r}, in the trace {ref}")
        elif ref.class_name != type(layer).__name__:
            problems.append(f"{where}: class {type(layer).__name__}, in the trace {ref}")
        number = type(ref), getattr(ref, "id", None)
        if numbers.setdefault(id(layer), number) != number:
            problems.append(f"{where}: {ref} is not the number this layer had before")
        if objects.setdefault(number, id(layer)) != id(layer):
            problems.append(f"{where}: {ref} is the number of another layer")
    return "\n".join(problems)


def render(lines: list[Line]) -> str:
    """The tree as text, for a person to look at."""
    return "\n".join(
        "  " * depth + name + (f"  [{layer_name(layer)}]" if layer is not None else "")
        for depth, name, layer in lines
    )
