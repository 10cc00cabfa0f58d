"""What a call in a script passes that Keras 3 does not take."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.migration import changed as codes
from buildtrace.diagnosis.migration import changed_texts as texts
from buildtrace.diagnosis.migration import known as kinds
from buildtrace.diagnosis.migration.gone_arguments import CALLED_LAYER, MOVED_ARGUMENTS
from buildtrace.diagnosis.migration.occurrence import Occurrence
from buildtrace.diagnosis.migration.symbol_functions import is_for_tensors, symbol_row
from buildtrace.diagnosis.migration.table import (
    arguments,
    gone_name,
    gone_under_keras,
    instead_of_name,
    keras_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.migration.changed import Changed
    from buildtrace.diagnosis.migration.known import KnownNames
    from buildtrace.diagnosis.migration.objects_read import Objects
    from buildtrace.diagnosis.migration.table import KerasPath

_OWNERS = {
    "add_loss": (kinds.LAYER, kinds.MODEL),
    "add_weight": (kinds.LAYER, kinds.MODEL, kinds.METRIC),
    "add_variable": (kinds.LAYER, kinds.MODEL, kinds.METRIC),
    "apply_gradients": (kinds.OPTIMIZER,),
}
"""Whose methods these are; all others are a model's."""

_COMMON_WORDS = ("inputs", "losses", "options", "synchronization")
"""Arguments whose names say nothing, if nobody knows what the method is of."""

_LONGEST = 60


class _CallRead(NamedTuple):
    """A call in a script.

    Attributes:
        function: the path below `keras` of what is called; "" if it is a method.
        method: the method's name; "" if it is none.
        kind: of the object that the method is of.
    """

    node: ast.Call
    objects: Objects
    names: KnownNames
    function: str
    method: str
    kind: str

    @property
    def shown(self) -> str:
        text = ast.unparse(self.node.func)
        return text if len(text) <= _LONGEST and "\n" not in text else f"...{self.method}"

    def argument(self, place: int, *names: str) -> ast.expr | None:
        """What is passed at a place, or by one of these names."""
        if len(self.node.args) > place:
            return self.node.args[place]
        return next((given.value for given in self.node.keywords if given.arg in names), None)

    def found(
        self,
        row: Changed,
        at: ast.expr | ast.keyword,
        shown: str,
        instead: str = "",
        *,
        sure: bool = True,
    ) -> Occurrence:
        last = self.node.end_lineno or at.lineno
        return Occurrence(row, at.lineno, last, shown, self.shown, instead or row.instead, sure)


def uses_in_call(
    node: ast.Call, objects: Objects, names: KnownNames, *, knows: bool
) -> Iterator[Occurrence]:
    """What a call passes that is not taken any more.

    Args:
        node: the call.
        objects: what is known of the script.
        names: those that stand for something there.
        knows: whether the script imports Keras, so that methods of unknown objects may be its.
    """
    whole, _ = objects.path(node.func, names)
    path = keras_path(whole) if whole else None
    yield from _on_symbols(node, objects, names, whole)
    if whole and path is None:
        return
    method = node.func.attr if path is None and isinstance(node.func, ast.Attribute) else ""
    kind = ""
    if method:
        kind = kinds.base_kind(objects.kind(node.func.value, names))  # type: ignore[attr-defined]
    function = "" if path is None else _today(path)
    if not whole and objects.kind(node.func, names) == kinds.LAYER:
        function, method = CALLED_LAYER, ""
    call = _CallRead(node, objects, names, function, method, kind)
    if not method or (kind in _OWNERS.get(method, (kinds.MODEL,))) or (not kind and knows):
        yield from _gone_arguments(call)
        yield from _moved_arguments(call)
        yield from _file_names(call)
    yield from _slashes(call)


def _today(path: KerasPath) -> str:
    """The path of a function as it is now, if its module was another one."""
    row = gone_name(path)
    moved = instead_of_name(row, path.path) if row and "{rest}" in row.instead else ""
    return moved.partition("  #")[0].removeprefix("keras.") if moved else path.path


# -- symbols --------------------------------------------------------------------------------------


def _on_symbols(
    node: ast.Call, objects: Objects, names: KnownNames, whole: str
) -> Iterator[Occurrence]:
    """A function of TensorFlow, or of its old backend, that is called on a symbol."""
    path = keras_path(whole)
    function = whole.removeprefix("tensorflow.")
    row = None
    if path is not None and path.under == codes.TF_KERAS:
        kept = gone_under_keras(path)
        if kept is not None and kept.name.startswith("backend."):
            row = kept._replace(code=codes.SYMBOL)
    elif path is None and function != whole and is_for_tensors(function):
        row = symbol_row(function)
    if row is None or not any(objects.kind(one, names) == kinds.SYMBOL for one in node.args):
        return
    shown = ast.unparse(node.func)
    instead = row.instead.partition("  # as it was")[0].partition("; as it was")[0]
    yield Occurrence(row, node.lineno, node.end_lineno or node.lineno, shown, "", instead)


# -- arguments ------------------------------------------------------------------------------------


def _gone_arguments(call: _CallRead) -> Iterator[Occurrence]:
    given = {keyword.arg: keyword for keyword in call.node.keywords if keyword.arg}
    if not given:
        return
    for row in arguments(f".{call.method}" if call.method else call.function):
        if row.name in given and (call.kind or not call.method or row.name not in _COMMON_WORDS):
            keyword = given[row.name]
            if not _is_meant(row, keyword.value):
                continue
            instead = row.instead.replace("{value}", _code(keyword.value))
            yield call.found(row, keyword, row.name, instead)


def _is_meant(row: Changed, value: ast.expr) -> bool:
    """Whether a row is about an argument that has this value."""
    code = _code(value)
    is_number = isinstance(value, ast.Constant) and type(value.value) is int
    if row.when:
        return code in row.when or ("int" in row.when and is_number)
    return code not in row.unless


def _code(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST and "\n" not in text else "..."


_MOVED = {row.name: row for row in MOVED_ARGUMENTS}


def _moved_arguments(call: _CallRead) -> Iterator[Occurrence]:
    name, args = call.method or call.function.rpartition(".")[2], call.node.args
    if any(isinstance(one, ast.Starred) for one in args):
        return
    place = {"add_weight": 0, "add_variable": 0, "compile": 2, "Sequential": 1}.get(name, 99)
    if len(args) <= place or (name.startswith("add_") and not call.kind):
        return
    value, row = args[place], _MOVED[name]
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    if is_text if name != "compile" else isinstance(value, ast.List):
        shown = f"{_code(value)} stands where the {_WANTED[name]} is expected"
        yield call.found(row, value, shown, row.instead.replace("{value}", _code(value)))


_WANTED = {
    "add_weight": "shape",
    "add_variable": "shape",
    "compile": "argument `loss_weights`",
    "Sequential": "argument `trainable`",
}

# -- names of files and of layers -----------------------------------------------------------------

_MODELS = (".keras", ".h5", ".hdf5")
_WEIGHTS = (".weights.h5", ".weights.json")
_TENSORFLOWS = (".ckpt", ".tf", ".index", ".pb")


def _file_names(call: _CallRead) -> Iterator[Occurrence]:
    name = call.method or call.function.rpartition(".")[2]
    at = call.argument(1 if name == "save_model" else 0, "filepath", "path")
    path = None if at is None else call.objects.text(at, call.names)
    if at is None or path is None or "://" in path or not path.strip("/. "):
        return
    row = _row_of_file(call, name, path.rstrip("/"))
    if row is None:
        return
    sure = bool(call.kind or call.function or name == "save_weights")
    sure = sure and (name != "load_weights" or path.endswith(_TENSORFLOWS))
    stem = path.rstrip("/").rpartition("/")[2].partition(".")[0]
    stem = "model" if stem in ("", "weights") else stem
    yield call.found(row, at, repr(path), row.instead.replace("{stem}", stem), sure=sure)


def _row_of_file(call: _CallRead, name: str, path: str) -> Changed | None:
    if name == "save_weights":
        return None if path.endswith(_WEIGHTS) else texts.SAVED_WEIGHTS
    if name == "load_weights":
        return None if path.endswith((*_WEIGHTS, *_MODELS)) else texts.LOADED_WEIGHTS
    if name == "load_model" and call.function:
        return None if path.endswith(_MODELS) else texts.LOADED_MODEL
    if name == "save_model" and call.function:
        return None if path.endswith(_MODELS) else texts.SAVED_MODEL
    if name == "save" and (call.kind or "model" in call.shown.lower()):
        return None if path.endswith(_MODELS) else texts.SAVED_MODEL
    if name == "ModelCheckpoint" and call.function:
        return _row_of_checkpoint(call, path)
    return None


def _row_of_checkpoint(call: _CallRead, path: str) -> Changed | None:
    weights = call.argument(4, "save_weights_only")
    if weights is not None and not isinstance(weights, ast.Constant):
        return None
    if isinstance(weights, ast.Constant) and weights.value:
        return None if path.endswith(".weights.h5") else texts.CHECKPOINT_OF_WEIGHTS
    return None if path.endswith((".keras", ".h5")) else texts.CHECKPOINT


def _slashes(call: _CallRead) -> Iterator[Occurrence]:
    name = next((given for given in call.node.keywords if given.arg == "name"), None)
    if name is None or not _has_slash(name.value):
        return
    called = call.objects.kind(call.node, call.names)
    is_init = call.method == "__init__" and call.kind in (kinds.LAYER, kinds.MODEL)
    is_weight = call.method == "add_weight" and bool(call.kind)
    is_made = called in (kinds.LAYER, kinds.MODEL, kinds.MADE_MODEL)
    is_input = call.function in ("Input", "layers.Input")
    if is_init or is_weight or is_input or (is_made and not call.method):
        code = _code(name.value)
        instead = texts.NAME_WITH_SLASH.instead.replace("{value}", code.replace("/", "_"))
        yield call.found(texts.NAME_WITH_SLASH, name, code, instead)


def _has_slash(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and "/" in node.value
    if isinstance(node, ast.JoinedStr):
        return any(_has_slash(one) for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _has_slash(node.left) or _has_slash(node.right)
    return False
