"""Makes a trace of what a saved file holds: layers, weights and graphs, and no calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from buildtrace.errors import SavedFileError
from buildtrace.files import config_text
from buildtrace.files.configs import ConfiguredLayer, decoded, layers_of
from buildtrace.files.inbound import graph_of
from buildtrace.files.weight_owners import Owners
from buildtrace.traces.saved_parts import LISTS, VARIABLES
from buildtrace.traces.schema import (
    LARGEST,
    Environment,
    GenerationName,
    Graph,
    KerasInfo,
    LayerWeights,
    SavedFile,
    SavedLayer,
    SavedState,
    Weight,
)
from buildtrace.traces.soundness import fault_of
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    from buildtrace.files.configs import Config
    from buildtrace.files.contents import Contents, Store, StoredArray

LONGEST_DATE = 40


class _Said(NamedTuple):
    """What a file says of itself.

    Attributes:
        config: of the model; `None` of a file of weights.
        compiled: what it was compiled with, as Keras wrote it.
        version: of the Keras that wrote it.
        date: when.
    """

    config: Config | None
    compiled: Config
    version: str
    date: str = ""


def trace_of(contents: Contents, name: str, size: int) -> Trace:
    """The trace of a file.

    Args:
        contents: what is in it.
        name: its name.
        size: how many bytes it has.

    Raises:
        SavedFileError: its config is damaged, or there is too much in it.
        RecursionError: its config is nested too deeply.
    """
    store = contents.store
    file = _of_archive(contents) if contents.config is not None else _of_store(store)
    root = layers_of(file.config) if file.config is not None else None
    if root and "name" not in root.config and store:  # a model of the user's often leaves it out
        root.name = store.names.get(VARIABLES, root.name)
    weights = _StoredWeights(root, store) if store else None
    layers = _saved_layers(root) if root else weights.layers if weights else []
    notes = [*_code_notes(root), *contents.notes, *(store.notes if store else ())]
    if root and not root.is_model:
        notes.append("the file has the settings of the model's class, not how its layers connect")
    trace = Trace(
        environment=Environment(keras=_keras(file, root)),
        weights=tuple(weights.weights) if weights else (),
        graphs=tuple(_graphs(root, weights.weights if weights else [])),
        saved=SavedFile(
            name=name,
            format=contents.format,
            size=size,
            date=file.date[:LONGEST_DATE],
            has_config=root is not None,
            has_names=root is not None or _has_names(store),
            layers=tuple(layers),
            weight_size=min(weights.size if weights else 0, LARGEST),
            states=tuple(weights.states()) if weights else (),
            compiled=config_text.compiled(file.compiled),
            unread=contents.unread,
            notes=tuple(dict.fromkeys(notes)),
        ),
    )
    if fault := fault_of(trace):
        raise SavedFileError(f"damaged: {fault}")
    return trace


# -- what the file says of itself -------------------------------------------------------------


def _of_archive(contents: Contents) -> _Said:
    config = decoded(contents.config or b"", "config.json")
    metadata = decoded(contents.metadata, "metadata.json") if contents.metadata else {}
    return _Said(
        config,
        _object(config.get("compile_config")),
        _text(metadata.get("keras_version")),
        _text(metadata.get("date_saved")).replace("@", " "),
    )


def _of_store(store: Store | None) -> _Said:
    texts = store.texts if store else {}
    config = decoded(texts["model_config"], "model_config") if "model_config" in texts else None
    training = texts.get("training_config")
    compiled = decoded(training, "training_config") if training else {}
    return _Said(config, compiled, texts.get("keras_version", ""))


def _has_names(store: Store | None) -> bool:
    """Whether layers are called by their names in a store: by Keras 2 in the old layout only."""
    return store is None or store.is_legacy or bool(store.names) or not store.arrays


def _keras(file: _Said, root: ConfiguredLayer | None) -> tuple[KerasInfo, ...]:
    if not file.version:
        return ()
    is_old = file.version.partition(".")[0] in ("0", "1", "2")
    generation: GenerationName = "keras2" if is_old else "keras3"
    package = "tf_keras" if root and root.module.startswith("tf_keras") else "keras"
    return (KerasInfo(generation=generation, package=package, version=file.version[:40]),)


# -- layers and graphs ------------------------------------------------------------------------


def _saved_layers(root: ConfiguredLayer) -> list[SavedLayer]:
    return [
        SavedLayer(
            id=layer.id,
            within=around.id if around else None,
            name=layer.name,
            class_name=layer.class_name,
            module=layer.module,
            facts=config_text.facts(layer),
        )
        for around, layer in root.walk()
    ]


def _graphs(root: ConfiguredLayer | None, weights: list[Weight]) -> list[Graph]:
    """The graphs of all models in the file, outermost first, with the weights of their layers."""
    if root is None:
        return []
    within = _weights_within(root, weights)
    graphs = []
    for _, model in root.walk():
        if not model.is_model:
            continue
        graph = graph_of(model)
        told = [
            LayerWeights(layer=member.id, weights=tuple(within[member.id]))
            for member in model.members
            if within[member.id]
        ]
        own = tuple(within[model.id])
        graphs.append(replace(graph, weights=own, layer_weights=tuple(told)))
    return graphs


def _weights_within(root: ConfiguredLayer, weights: list[Weight]) -> dict[int, list[int]]:
    """Ids of the weights of each layer, those of the layers in it included."""
    around = {layer.id: outer.id if outer else None for outer, layer in root.walk()}
    within: dict[int, list[int]] = {layer: [] for layer in around}
    for weight in weights:
        layer = weight.layer
        while layer is not None:
            within[layer].append(weight.id)
            layer = around[layer]
    return within


def _code_notes(root: ConfiguredLayer | None) -> list[str]:
    if root is None:
        return []
    return [note for _, layer in root.walk() for note in config_text.code_notes(layer)]


# -- weights ----------------------------------------------------------------------------------


class _StoredWeights:
    """The arrays of a store, sorted into weights and what is none.

    Attributes:
        weights: in the order of the file.
        size: of these in bytes.
        layers: where the file has no config, the groups that the weights are in.
    """

    def __init__(self, root: ConfiguredLayer | None, store: Store) -> None:
        self.weights: list[Weight] = []
        self.size = 0
        self.layers: list[SavedLayer] = []
        self._states: dict[str, list[int]] = {}
        self._store = store
        self._groups: dict[tuple[str, ...], int] = {}
        owners = Owners(root, store)
        frozen = _frozen(root)
        # A layer that stands in the config first comes first, whatever its group is called.
        owned = [(owners.of(array), array) for array in store.arrays]
        owned.sort(key=lambda pair: pair[0].layer.id if pair[0].layer else 0)
        for owner, array in owned:
            if owner.state:
                self._states.setdefault(owner.state, []).append(array.size)
                continue
            layer = owner.layer.id if owner.layer else self._group(array.path[:-1])
            self._add(array, layer, layer not in frozen)

    def _add(self, array: StoredArray, layer: int | None, trainable: bool) -> None:
        self.size += array.size
        self.weights.append(
            Weight(
                id=len(self.weights),
                call=None,
                layer=layer,
                name=array.path[-1].removesuffix(":0"),
                path="/".join(array.path),
                shape=array.shape,
                dtype=array.dtype,
                trainable=trainable,
            )
        )

    def states(self) -> list[SavedState]:
        """What is stored that is no weight."""
        return [
            SavedState(owner=owner, arrays=len(sizes), size=min(sum(sizes), LARGEST))
            for owner, sizes in self._states.items()
        ]

    def _group(self, groups: tuple[str, ...]) -> int | None:
        """The number of the group that stands for a layer, of a file without a config."""
        ends = [1] if self._store.is_legacy else range(1, len(groups) + 1)
        around = None
        for part in (groups[:end] for end in ends):
            if part[-1] in (*LISTS, VARIABLES):
                continue
            if part not in self._groups:
                name = self._store.names.get("/".join((*part, VARIABLES)), part[-1])
                self._groups[part] = len(self.layers)
                self.layers.append(
                    SavedLayer(id=len(self.layers), within=around, name=name, class_name="")
                )
            around = self._groups[part]
        return around


def _frozen(root: ConfiguredLayer | None) -> set[int]:
    """The layers that are not trained, as the config has it, or are in one that is not."""
    frozen: set[int] = set()
    for around, layer in root.walk() if root else ():
        if not layer.is_trainable or (around and around.id in frozen):
            frozen.add(layer.id)
    return frozen


def _object(value: object) -> Config:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
