"""What layers of the user's are like when a tree of calls is over: children, methods, wishes."""

from __future__ import annotations

import inspect
import re
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture import snapshot
from buildtrace.capture.makers import line_of_making, line_of_variable
from buildtrace.capture.reachable import reachable
from buildtrace.generations.base import flat
from buildtrace.traces.schema import (
    Expected,
    LayerRef,
    LayerState,
    Method,
    SourceLine,
    UntrackedVariable,
)
from buildtrace.traces.source_origins import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from buildtrace.capture.reachable import Reached
    from buildtrace.capture.record import Record
    from buildtrace.capture.snapshot import Layers
    from buildtrace.generations import Adapter

METHODS = (
    "__init__",
    "build",
    "call",
    "compute_output_shape",
    "compute_output_spec",
    "compute_mask",
    "get_build_config",
    "build_from_config",
    "save_own_variables",
    "load_own_variables",
    "get_config",
    "from_config",
)
"""The methods that Keras calls to build, save and load, and that a layer may define itself."""


LONGEST = 80
"""So many characters of an argument's value are kept, or nothing of it."""


class StateRecord(NamedTuple):
    """What was read of a layer; it and its children are named by the process's numbers."""

    root: Record
    number: int
    built: bool
    children: tuple[int, ...]
    unbuilt: tuple[int, ...]
    replaced: tuple[int, ...]
    supports_masking: bool
    methods: tuple[Method, ...]
    file: str
    line: int
    expects: tuple[Expected, ...]
    made: dict[int, SourceLine]
    kept: dict[str, str]
    attributes: dict[int, str]
    hidden: dict[int, str]
    untracked: tuple[UntrackedVariable, ...]
    overwritten: dict[str, SourceLine]
    ran: bool = False


class States:
    """What was read of layers, in order of reading."""

    def __init__(self, layers: Layers, is_weight: Callable[[Any], bool]) -> None:
        """Start with nothing read.

        Args:
            layers: numbers the layers.
            is_weight: whether a variable is known as a weight of some layer.
        """
        self.records: list[StateRecord] = []
        self._layers = layers
        self._is_weight = is_weight
        self._unfinished: dict[int, int] = {}
        self._classes: weakref.WeakKeyDictionary[type, tuple[tuple[Method, ...], int]] = (
            weakref.WeakKeyDictionary()
        )

    def read(self, root: Record, layer: Any, number: int, adapter: Adapter) -> None:
        """Read a layer; nothing if it is an operation.

        Args:
            root: of the tree of calls that is over.
            layer: the layer.
            number: the layer's.
            adapter: of its Keras.
        """
        if isinstance(layer, adapter.layer_class):
            record = self._record(root, layer, number, adapter)
            # An attribute may be set when a model is made already.
            if record.unbuilt or isinstance(layer, adapter.model_class):
                self._unfinished[number] = len(self.records)
            self.records.append(record)

    def _record(self, root: Record, layer: Any, number: int, adapter: Adapter) -> StateRecord:
        children = {self._layers.number(child): child for child in adapter.top_layers(layer)}
        for child_number, child in children.items():
            self._layers.read(child, child_number)
        held = {id(thing) for thing in flat(list(adapter.attributes(layer)))}
        methods, line = ((), 0) if adapter.is_own(layer) else self.of_class(type(layer), adapter)
        unbuilt = tuple(n for n, child in children.items() if is_left_unbuilt(child, adapter))
        lines = {n: line_of_making(children[n], layer, adapter) for n in unbuilt}
        reached = list(reachable(layer, adapter)) if methods else []
        return StateRecord(
            root=root,
            number=number,
            built=adapter.state(layer).get("built", False),
            children=tuple(children),
            unbuilt=unbuilt,
            replaced=tuple(n for n, child in children.items() if id(child) not in held),
            supports_masking=bool(getattr(layer, "supports_masking", False)),
            methods=methods,
            file=methods[0].file if methods else "",
            line=line,
            expects=_expected(layer),
            made={n: made for n, made in lines.items() if made is not None},
            kept=_kept(layer, methods),
            attributes=_attributes(layer, children) if methods else {},
            hidden=dict(self._hidden(layer, reached, adapter)),
            untracked=tuple(self._untracked(layer, reached, adapter)),
            overwritten=_overwritten(layer, adapter) if methods else {},
        )

    def _hidden(
        self, layer: Any, reached: Sequence[Reached], adapter: Adapter
    ) -> Iterator[tuple[int, str]]:
        """The layers that Keras does not find in a layer, and the ways that lead to them."""
        layers = [one for one in reached if not one.kind]
        inside = {id(part) for part in adapter.all_layers(layer)} if layers else set()
        for way, thing, _ in layers:
            number = None if id(thing) in inside else self._layers.known(thing)
            if number is not None:
                self._layers.read(thing, number)
                yield number, way

    def _untracked(
        self, layer: Any, reached: Sequence[Reached], adapter: Adapter
    ) -> Iterator[UntrackedVariable]:
        """The variables that Keras does not count among the weights of any layer."""
        found = [one for one in reached if one.kind]
        if not found or _tells_weights(layer, adapter):
            return
        weights = [*adapter.model_weights(layer), *adapter.own_weights(layer)]
        known = _identities(weights)
        found = [one for one in found if id(one.thing) not in known]
        if not found:
            return
        for _, other in self._layers.living():  # one layer may use a weight of another
            if isinstance(other, adapter.layer_class):
                known |= _identities(adapter.own_weights(other))
        for way, thing, kind in found:
            if id(thing) in known or self._is_weight(thing):
                continue
            line = line_of_variable(re.split(r"\W", way)[0], layer, adapter)
            if way.startswith("_") and line is None:
                continue  # Keras' own: it has counters
            facts = snapshot.spec(thing.shape, thing.dtype)
            yield UntrackedVariable(
                way=way,
                kind=kind,
                shape=facts.shape,
                dtype=facts.dtype or "",
                trainable=bool(getattr(thing, "trainable", getattr(thing, "requires_grad", False))),
                line=line,
            )

    def note_runs(self, records: Sequence[Record]) -> None:
        """Read those again that ran in a tree of calls that is over, and that built nothing."""
        if not self._unfinished:
            return
        for record in records:
            if record.hooked.calls_layer and record.error is None and record.number is not None:
                place = self._unfinished.pop(record.number, None)
                if place is not None:
                    root, adapter = self.records[place].root, record.hooked.adapter
                    again = self._record(root, record.layer, record.number, adapter)
                    self.records[place] = again._replace(ran=True)

    def of_class(self, cls: type, adapter: Adapter) -> tuple[tuple[Method, ...], int]:
        """The methods that the class defines, and its line: read once, as its file has to be."""
        if cls not in self._classes:
            bases = [base for base in cls.__mro__ if not adapter.is_own_class(base)]
            candidates = (_method(name, bases) for name in METHODS)
            methods = tuple(method for method in candidates if method is not None)
            self._classes[cls] = methods, _line_of_class(cls, methods)
        return self._classes[cls]


_WEIGHTS = ("weights", "variables", "trainable_weights", "trainable_variables")
"""The properties that say which weights a layer has."""


def _tells_weights(layer: Any, adapter: Adapter) -> bool:
    """Whether the user's class says itself which weights a layer has."""
    own = [cls for cls in type(layer).__mro__ if not adapter.is_own_class(cls)]
    return any(name in vars(cls) for cls in own for name in _WEIGHTS)


def _identities(weights: Sequence[Any]) -> set[int]:
    """The ids of variables, and of what those of Keras 3 have of the backend inside."""
    inner = [value for weight in weights if (value := getattr(weight, "_value", None)) is not None]
    return {id(variable) for variable in (*weights, *inner)}


def is_left_unbuilt(layer: Any, adapter: Adapter) -> bool:
    """Whether the layer is not built, though building it would make something."""
    if adapter.state(layer).get("built", False):
        return False
    return any(
        adapter.makes_state(inner) and not adapter.state(inner).get("built", False)
        for inner in adapter.all_layers(layer)
    )


def frozen(
    record: StateRecord,
    after: int,
    refs: dict[int, LayerRef],
    numbered: Callable[[LayerRef], LayerRef],
) -> LayerState | None:
    """The record as a part of a trace; `None` if nothing is known of the layer any more.

    Args:
        record: what was read.
        after: id of the root's call in the trace.
        refs: the layers' names, by the process's number.
        numbered: gives a layer's number in the trace.
    """
    if record.number not in refs:
        return None
    children = {number: numbered(refs[number]) for number in record.children if number in refs}
    return LayerState(
        layer=numbered(refs[record.number]),
        after=after,
        built=record.built,
        children=tuple(children.values()),
        unbuilt=tuple(children[number].id for number in record.unbuilt if number in children),
        replaced=tuple(children[number].id for number in record.replaced if number in children),
        supports_masking=record.supports_masking,
        file=record.file,
        line=record.line,
        methods=record.methods,
        expects=record.expects,
        ran=record.ran,
        made={children[n].id: line for n, line in record.made.items() if n in children},
        kept=record.kept,
        attributes={children[n].id: a for n, a in record.attributes.items() if n in children},
        hidden={numbered(refs[n]).id: way for n, way in record.hidden.items() if n in refs},
        untracked=record.untracked,
        overwritten=record.overwritten,
    )


def _method(name: str, bases: list[type]) -> Method | None:
    for base in bases:
        function = inspect.unwrap(vars(base).get(name, object))
        if inspect.isfunction(function):
            code = function.__code__
            arguments = list(_arguments(function))[1:]
            return Method(
                name=name,
                file=code.co_filename,
                line=code.co_firstlineno,
                arguments=tuple(name for name, _ in arguments),
                required=sum(is_required for _, is_required in arguments),
            )
    return None


def _kept(layer: Any, methods: Sequence[Method]) -> dict[str, str]:
    """What a layer keeps of its constructor's arguments; no code of the user's runs for it."""
    constructor = next((method for method in methods if method.name == "__init__"), None)
    taken = () if constructor is None else constructor.arguments
    names = [name for name in taken if name not in ("name", "trainable", "dtype")]
    held = vars(layer)
    return {
        attribute: _plain(held[attribute])
        for name in names
        for attribute in (name, f"_{name}")
        if attribute in held
    }


def _attributes(layer: Any, children: dict[int, Any]) -> dict[int, str]:
    """How a layer's code names its children: by an attribute, or a place in a list that is one."""
    numbers = {id(child): number for number, child in children.items()}
    names: dict[int, str] = {}
    modules = vars(layer).get("_modules")  # where Torch puts those that are attributes
    held = {**vars(layer), **(modules if isinstance(modules, dict) else {})}
    for name, value in held.items():
        if id(value) in numbers:
            names[numbers[id(value)]] = name
        elif isinstance(value, (list, tuple)) and not name.startswith("_"):  # those are Keras' own
            for place, part in enumerate(value):
                if id(part) in numbers:
                    names.setdefault(numbers[id(part)], f"{name}[{place}]")
    return names


def _overwritten(layer: Any, adapter: Adapter) -> dict[str, SourceLine]:
    """The attributes that Keras' own lists were in, and the lines that put something else there."""
    lines = {name: line_of_variable(name, layer, adapter) for name in adapter.overwritten(layer)}
    return {name: line for name, line in lines.items() if line is not None}


def _plain(value: Any) -> str:
    """A value as text, if it is of a kind that has the same text wherever it is the same."""
    if isinstance(value, (list, tuple)):
        inner = [_plain(part) for part in value[:LONGEST]]
        text = f"[{', '.join(inner)}]" if all(inner) else ""
    else:
        text = repr(value) if type(value) in (bool, int, float, str, type(None)) else ""
    return text if len(text) <= LONGEST else ""


def _arguments(function: Any) -> Iterator[tuple[str, bool]]:
    """The name of each argument, and whether a call has to give it."""
    signature = inspect.Signature.from_callable(function, follow_wrapped=False)
    for argument in signature.parameters.values():
        if argument.kind is argument.VAR_POSITIONAL:
            yield f"*{argument.name}", False
        elif argument.kind is argument.VAR_KEYWORD:
            yield f"**{argument.name}", False
        else:
            yield argument.name, argument.default is argument.empty


def _line_of_class(cls: type, methods: tuple[Method, ...]) -> int:
    """Where the class is defined, if that is in the file of the first of these methods."""
    if not methods:
        return 0
    known = vars(cls).get("__firstlineno__")  # from Python 3.13
    if known is not None:
        return int(known)
    begin = re.compile(rf"\s*class\s+{re.escape(cls.__name__)}\b")
    lines = lines_of(methods[0].file)[: methods[0].line]
    return next((n for n in range(len(lines), 0, -1) if begin.match(lines[n - 1])), 0)


def _expected(layer: Any) -> tuple[Expected, ...]:
    specs = flat(getattr(layer, "input_spec", None))
    return tuple(
        Expected(
            shape=None if spec.shape is None else tuple(spec.shape),
            ndim=spec.ndim,
            min_ndim=spec.min_ndim,
            max_ndim=spec.max_ndim,
            axes={int(axis): int(n) for axis, n in (spec.axes or {}).items() if n is not None},
        )
        for spec in specs
        if hasattr(spec, "min_ndim")
    )
