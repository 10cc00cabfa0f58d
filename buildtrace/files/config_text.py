"""What a config says, as text: of a layer what matters most, of a model how it was compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.files.configs import Config, ConfiguredLayer

USUAL: dict[str, tuple[Any, ...]] = {
    "activation": ("linear", None),
    "recurrent_activation": ("sigmoid", "hard_sigmoid"),
    "strides": (1, [1], [1, 1], [1, 1, 1]),
    "dilation_rate": (1, [1], [1, 1], [1, 1, 1]),
    "data_format": ("channels_last", None),
    "padding": ("valid",),
    "groups": (1,),
    "depth_multiplier": (1,),
    "trainable": (True,),
    "use_bias": (True,),
    "bias_initializer": ("Zeros", "zeros"),
    "kernel_initializer": ("GlorotUniform", "glorot_uniform"),
    "recurrent_initializer": ("Orthogonal", "OrthogonalInitializer", "orthogonal"),
    "embeddings_initializer": ("RandomUniform", "uniform"),
    "beta_initializer": ("Zeros", "zeros"),
    "gamma_initializer": ("Ones", "ones"),
    "moving_mean_initializer": ("Zeros", "zeros"),
    "moving_variance_initializer": ("Ones", "ones"),
    "momentum": (0.99,),
    "renorm_momentum": (0.99,),
    "axis": (-1,),
    "epsilon": (0.001,),
    "center": (True,),
    "scale": (True,),
    "optional": (False,),
    "implementation": (1, 2),
    "unit_forget_bias": (True,),
    "reset_after": (True,),
    "zero_output_for_mask": (True, False),
    "output_shape_type": ("raw",),
    "function_type": ("lambda", "function"),
    "dropout": (0.0, 0),
    "recurrent_dropout": (0.0, 0),
}
"""Settings whose usual values go without saying."""

FIRST = (
    *("units", "filters", "kernel_size", "pool_size", "size", "strides", "padding"),
    *("input_dim", "output_dim", "num_heads", "key_dim", "rate", "axis", "target_shape"),
    *("activation", "trainable"),
)
"""Settings that come first, as not all may fit on a line."""

UNSAID = frozenset(
    {
        *("name", "layers", "input_layers", "output_layers", "build_input_shape"),
        *("batch_shape", "batch_input_shape", "sparse", "ragged", "build_config"),
        *("module", "output_shape_module", "registered_name", "function", "arguments"),
    }
)
"""Settings that are said elsewhere, or matter to nobody who reads a model."""

USUAL_DTYPE = "float32"

MOST_FACTS = 12
LONGEST_VALUE = 60
MOST_ITEMS = 6

DEEPEST = 2
"""So deep lists in lists are written out."""

NO_CODE = "was not run"


def facts(layer: ConfiguredLayer) -> dict[str, str]:
    """The settings of a layer that say something, as text."""
    found: dict[str, str] = {}
    parts = {part.attribute for part in layer.parts}
    place = {key: number for number, key in enumerate(FIRST)}
    settings = sorted(layer.config.items(), key=lambda item: place.get(item[0], len(place)))
    for key, value in settings:
        if len(found) == MOST_FACTS:
            break
        if key in UNSAID or key in parts:
            continue
        if value in (None, False, [], {}) and not (key == "trainable" and value is False):
            continue
        text = said(value)
        if value in USUAL.get(key, ()) or text in USUAL.get(key, ()):
            continue
        if key == "dtype" and text == USUAL_DTYPE:
            continue
        found[key[:LONGEST_VALUE]] = text
    return found


def said(value: Any, deep: int = 0) -> str:
    """A value of a config in few words: an object is said by its class, or its settings' text."""
    if isinstance(value, dict):
        return _object(value, deep)
    if isinstance(value, list):
        if deep > DEEPEST:
            return "…"
        items = [said(item, deep + 1) for item in value[:MOST_ITEMS]]
        if len(value) > MOST_ITEMS:
            items.append(f"… {len(value) - MOST_ITEMS:,} more")
        return f"({', '.join(items)}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _object(value: Config, deep: int) -> str:
    class_name, config = value.get("class_name"), value.get("config")
    if is_code(value):
        return f"code, {code_size(value):,} bytes"
    if class_name == "DTypePolicy" and isinstance(config, dict):
        return said(config.get("name"))
    if class_name == "function":
        return said(value.get("registered_name") or config, deep + 1)
    if isinstance(class_name, str):
        return said(class_name)
    if deep > DEEPEST:
        return "…"
    items = [f"{said(k)}: {said(v, deep + 1)}" for k, v in list(value.items())[:MOST_ITEMS]]
    more = [f"… {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else []
    return f"{{{', '.join([*items, *more])}}}"


# -- code in it -------------------------------------------------------------------------------


def is_code(value: object) -> bool:
    """Whether this is a function as Python's own bytes, which loading the file would run."""
    return isinstance(value, dict) and value.get("class_name") == "__lambda__"


def code_size(value: Config) -> int:
    """How many bytes of code: it is written with four characters for three, and not decoded."""
    config = value.get("config")
    code = config.get("code") if isinstance(config, dict) else config
    return _packed_size(code[0] if isinstance(code, list) and code else code)


def _packed_size(text: object) -> int:
    return len("".join(text.split()).rstrip("=")) * 3 // 4 if isinstance(text, str) else 0


def code_notes(layer: ConfiguredLayer) -> Iterator[str]:
    """That a layer has code in its config, which is not run, or needs code from elsewhere."""
    about = wording.quoted(layer.name)
    own = layer.config.get("function")
    if layer.config.get("function_type") == "lambda" and isinstance(own, list) and own:
        yield _code_note(about, _packed_size(own[0]))
    for key, value in layer.config.items():
        if is_code(value):
            yield _code_note(about, code_size(value), "" if key == "function" else key)
    if layer.class_name == "Lambda" and isinstance(own, str | dict) and not is_code(own):
        function = wording.quoted(said(own))
        yield f"the Lambda layer {about} calls {function}, which is not in the file"


def _code_note(about: str, size: int, key: str = "") -> str:
    what = f"as its {wording.sanitize(key)} " if key else ""
    return f"the layer {about} has {what}{size:,} bytes of Python code in the file, which {NO_CODE}"


# -- how a model was compiled -----------------------------------------------------------------

COMPILED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")

OPTIMIZER_FACTS = ("learning_rate", "momentum", "weight_decay")


def compiled(config: Config) -> dict[str, str]:
    """What a model was compiled with, as text."""
    found: dict[str, str] = {}
    given = {**config}
    if isinstance(old := config.get("optimizer_config"), dict):  # of HDF5
        given["optimizer"] = old
    for key in COMPILED:
        value = given.get(key)
        if value in (None, [], {}):
            continue
        found[key] = _optimizer(value) if key == "optimizer" else _names(value)
    return found


def _names(value: Any, deep: int = 0) -> str:
    """Losses and metrics by their names, in the lists and dictionaries that they are in."""
    config = value.get("config") if isinstance(value, dict) else None
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        return said(config["name"])
    if isinstance(value, list) and deep < DEEPEST:
        if len(value) == 1:
            return _names(value[0], deep + 1)
        items = [_names(item, deep + 1) for item in value[:MOST_ITEMS]]
        more = [f"… {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else []
        text = ", ".join([*items, *more])
        return f"({text})" if deep else text
    return said(value)


def _optimizer(value: Any) -> str:
    config = value.get("config") if isinstance(value, dict) else None
    if not isinstance(config, dict):
        return said(value)
    settings = [f"{key}={said(config[key])}" for key in OPTIMIZER_FACTS if config.get(key)]
    return f"{said(value)}({', '.join(settings)})"
