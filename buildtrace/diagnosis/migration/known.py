"""What is known of the names in a script, without running it: modules, and kinds of objects."""

from __future__ import annotations

import ast
from typing import NamedTuple

from buildtrace.diagnosis.migration.table import KerasPath, keras_path

OTHER = "other"
"""The kind of an object that is none of Keras'."""

MODEL, MADE_MODEL, LAYER, LAYERS = "model", "made model", "layer", "layers"
OPTIMIZER, METRIC, CALLBACK, SYMBOL, NODE = "optimizer", "metric", "callback", "symbol", "node"
SHAPE, DTYPE = "shape", "dtype"

_FOREIGN = frozenset(
    [
        "argparse",
        "catboost",
        "collections",
        "copy",
        "csv",
        "cv2",
        "datetime",
        "functools",
        "gensim",
        "glob",
        "itertools",
        "json",
        "lightgbm",
        "logging",
        "math",
        "matplotlib",
        "nltk",
        "numpy",
        "os",
        "pandas",
        "pathlib",
        "pickle",
        "PIL",
        "plotly",
        "random",
        "re",
        "scipy",
        "seaborn",
        "shutil",
        "skimage",
        "sklearn",
        "statsmodels",
        "string",
        "subprocess",
        "sys",
        "time",
        "torch",
        "tqdm",
        "typing",
        "xgboost",
    ]
)
"""Packages that give nothing of Keras."""


AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


class Known(NamedTuple):
    """What is known of a name.

    Attributes:
        path: the whole name of what was imported: "tensorflow.keras.layers"; "" if it is an object.
        kind: of an object; "" if that is not known.
        makes: the kind of what comes out if it is called: of a class, or of a function.
        text: its value, if it is a constant text.
        told: the name of the row that was told already where it was imported.
    """

    path: str = ""
    kind: str = ""
    makes: str = ""
    text: str | None = None
    told: str = ""


UNKNOWN = Known()


class KnownNames:
    """The names of a module, or of a function."""

    def __init__(self, outer: KnownNames | None = None, of: ClassNames | None = None) -> None:
        """None yet.

        Args:
            outer: those around it.
            of: the class that a method is of.
        """
        self.outer = outer
        self.of: ClassNames | None = of if of or outer is None else outer.of
        self._names: dict[str, Known] = {}
        self.stars: list[str] = []
        self.returns: list[str] = []

    def bind(self, name: str, known: Known) -> None:
        """A name stands for something from now on."""
        self._names[name] = known

    def find(self, name: str) -> Known | None:
        """What a name stands for; `None` if nothing says so."""
        names: KnownNames | None = self
        while names is not None:
            if name in names._names:
                return names._names[name]
            names = names.outer
        return None

    def all_stars(self) -> list[str]:
        """The modules that all names were imported of."""
        return [*self.stars, *(self.outer.all_stars() if self.outer else [])]


class ClassNames(NamedTuple):
    """A class of the script's.

    Attributes:
        kind: of its objects.
        attributes: what is known of the attributes of `self`.
    """

    kind: str
    attributes: dict[str, Known]


def kind_of_path(path: KerasPath) -> str:
    """The kind of what comes out if something of Keras is called."""
    module, _, name = path.path.rpartition(".")
    is_class = name[:1].isupper()
    if name in ("Model", "Sequential") and module in ("", "models"):
        return MADE_MODEL
    if name in ("load_model", "model_from_json", "clone_model", "model_from_yaml"):
        return MODEL
    if module.startswith("applications") and is_class:
        return MADE_MODEL
    if name == "Input" and module in ("", "layers"):
        return SYMBOL
    kinds = {"layers": LAYER, "optimizers": OPTIMIZER, "metrics": METRIC, "callbacks": CALLBACK}
    first = module.partition(".")[0]
    if first in kinds and is_class and "schedules" not in module:
        return kinds[first]
    return OPTIMIZER if path.path == "optimizers.get" else ""


def is_foreign(path: str) -> bool:
    """Whether what a whole name gives is known to be none of Keras'."""
    package = path.partition(".")[0]
    return package in _FOREIGN or (package == "tensorflow" and keras_path(path) is None)


KINDS_OF_ATTRIBUTES = {
    (MODEL, "optimizer"): OPTIMIZER,
    (MODEL, "output"): SYMBOL,
    (MODEL, "outputs"): SYMBOL,
    (MODEL, "input"): SYMBOL,
    (MODEL, "inputs"): SYMBOL,
    (MODEL, "layers"): LAYERS,
    (LAYER, "output"): SYMBOL,
    (LAYER, "input"): SYMBOL,
    (LAYER, "_inbound_nodes"): "nodes",
    (SYMBOL, "shape"): SHAPE,
    (SYMBOL, "dtype"): DTYPE,
    (CALLBACK, "model"): MODEL,
}

KINDS_OF_METHODS = {
    (MODEL, "get_layer"): LAYER,
    (MODEL, "fit"): OTHER,
    (MODEL, "predict"): OTHER,
    (MODEL, "evaluate"): OTHER,
}

KINDS_OF_ITEMS = {LAYERS: LAYER, SYMBOL: SYMBOL, "nodes": NODE}

VALUES = (
    ast.Constant,
    ast.JoinedStr,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Compare,
)
"""Expressions that give nothing of Keras."""


def base_kind(kind: str) -> str:
    """A kind without what only some questions want to know."""
    return MODEL if kind == MADE_MODEL else kind
