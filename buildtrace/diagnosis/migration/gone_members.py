"""Methods and attributes of models, layers, optimizers, metrics and symbols that are gone."""

from __future__ import annotations

from typing import Any

from buildtrace.diagnosis.migration.changed import MEMBER, Changed

_PUBLIC = "the public members of tf_keras 2.21 and keras 3.15.1"
_ISSUE = "keras-team/keras#18467, and the members of keras 3.15.1"
_MODEL, _LAYER, _ANY_LAYER = ("model",), ("layer",), ("layer", "model")
_OPTIMIZER, _METRIC, _SYMBOL = ("optimizer",), ("metric",), ("symbol",)

_OUTPUTS = "BT403"


def _gone(name: str, instead: str, of: tuple[str, ...], **more: Any) -> Changed:
    return Changed(MEMBER, name, instead, of=of, **{"source": _PUBLIC, **more})


_OF_MODELS = (
    _gone("fit_generator", "model.fit(generator)", _MODEL, alone="same"),
    _gone("evaluate_generator", "model.evaluate(generator)", _MODEL, alone="same"),
    _gone("predict_generator", "model.predict(generator)", _MODEL, alone="same"),
    _gone(
        "predict_classes",
        "model.predict(x).argmax(axis=-1)  # of one sigmoid: (model.predict(x) > 0.5).astype(int)",
        _MODEL,
        since="2.6",
        alone="same",
    ),
    _gone("predict_proba", "model.predict(x)", _MODEL, since="2.6", alone="note"),
    _gone(
        "reset_states",
        "for layer in model.layers:\n"
        '    if hasattr(layer, "reset_states"):\n'
        "        layer.reset_states()",
        _MODEL,
        alone="note",
        source=_ISSUE,
    ),
    _gone("to_yaml", "model.to_json()", _MODEL, alone="note", since="2.6"),
    _gone("state_updates", "# leave it out: variables are assigned at once", _MODEL, alone="same"),
    _gone("get_weight_paths", "[weight.path for weight in model.weights]", _MODEL, alone="note"),
    _gone("input_names", "[tensor.name for tensor in model.inputs]", _MODEL),
    _gone("output_names", "[tensor.name for tensor in model.outputs]", _MODEL),
    _gone("total_loss", "model.compute_loss(x, y, y_pred)", _MODEL, since="2.6"),
    _gone("save_spec", "model.inputs", _MODEL),
    _gone(
        "_make_predict_function",
        "# leave it out",
        _MODEL,
        since="2.6",
        alone="same",
    ),
    _gone("_make_train_function", "# leave it out", _MODEL, since="2.6", alone="same"),
    _gone(
        "add_loss",
        "class WithLoss(keras.layers.Layer):  # a functional model takes no loss\n"
        "    def call(self, x):\n"
        "        self.add_loss(...)\n"
        "        return x",
        ("made model",),
        source="keras.io/guides/migrating_to_keras_3, removed features",
    ),
)

_OF_LAYERS = (
    _gone(
        "add_metric",
        "self.mean = keras.metrics.Mean(name=...)  # in __init__\n"
        "self.mean.update_state(value)  # in call",
        _ANY_LAYER,
        alone="same",
        source="Layer.add_metric in layers/layer.py of keras 3.15.1",
    ),
    _gone("add_update", "variable.assign(value)  # in call", _ANY_LAYER, alone="note"),
    _gone(
        "get_input_at",
        "layer._inbound_nodes[0].input_tensors",
        _ANY_LAYER,
        alone="same",
        told_by=_OUTPUTS,
    ),
    _gone(
        "get_output_at",
        "layer._inbound_nodes[0].outputs",
        _ANY_LAYER,
        alone="same",
        told_by=_OUTPUTS,
    ),
    _gone("get_input_shape_at", "layer.input.shape", _ANY_LAYER, alone="same", told_by=_OUTPUTS),
    _gone("get_output_shape_at", "layer.output.shape", _ANY_LAYER, alone="same", told_by=_OUTPUTS),
    _gone("get_input_mask_at", "layer.compute_mask(x, mask)", _ANY_LAYER, alone="same"),
    _gone("get_output_mask_at", "layer.compute_mask(x, mask)", _ANY_LAYER, alone="same"),
    _gone("inbound_nodes", "layer._inbound_nodes", _ANY_LAYER, alone="note", told_by=_OUTPUTS),
    _gone("outbound_nodes", "layer._outbound_nodes", _ANY_LAYER, alone="note", told_by=_OUTPUTS),
    _gone("output_shape", "layer.output.shape", _LAYER, alone="nothing", told_by=_OUTPUTS),
    _gone("input_shape", "layer.input.shape", _LAYER, alone="nothing", told_by=_OUTPUTS),
    _gone("updates", "# leave it out: variables are assigned at once", _ANY_LAYER),
    _gone("stateful", "getattr(layer, 'stateful', False)", _MODEL),
    _gone("submodules", "model._flatten_layers()", _ANY_LAYER),
    _gone("name_scope", "keras.name_scope(layer.name)", _ANY_LAYER),
    _gone("with_name_scope", "# leave it out", _ANY_LAYER),
    _gone("dynamic", "# leave it out", _ANY_LAYER),
    _gone("compute_output_signature", "layer.compute_output_spec(x)", _ANY_LAYER, alone="same"),
    _gone("inbound_layers", "node.parent_nodes  # each with its `operation`", ("node",)),
    _gone(
        "_keras_history.layer",
        "x._keras_history.operation",
        _SYMBOL,
        alone="same",
        source="src/backend/common/keras_tensor.py and src/ops/node.py of keras 3.15.1",
    ),
)

_OF_OTHERS = (
    _gone("lr", "optimizer.learning_rate", _OPTIMIZER, alone="nothing"),
    _gone(
        "minimize",
        "with tf.GradientTape() as tape:\n"
        "    loss = ...\n"
        "optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))",
        _OPTIMIZER,
    ),
    _gone(
        "compute_gradients", "tape.gradient(loss, variables)  # of a tf.GradientTape", _OPTIMIZER
    ),
    _gone("aggregate_gradients", "optimizer.apply_gradients(...)", _OPTIMIZER),
    _gone("get_updates", "optimizer.apply_gradients(...)", _OPTIMIZER, since="2.11"),
    _gone(
        "get_gradients",
        "tape.gradient(loss, variables)  # of a tf.GradientTape",
        _OPTIMIZER,
        since="2.11",
    ),
    _gone(
        "get_weights",
        "[keras.ops.convert_to_numpy(one) for one in optimizer.variables]",
        _OPTIMIZER,
        since="2.11",
    ),
    _gone("weights", "optimizer.variables", _OPTIMIZER, since="2.11"),
    _gone(
        "_create_all_weights",
        "optimizer.build(model.trainable_variables)",
        _OPTIMIZER,
        since="2.11",
        alone="same",
    ),
    _gone(
        "get_scaled_loss",
        "# leave it out: optimizer.scale_loss(loss)",
        _OPTIMIZER,
        alone="same",
    ),
    _gone(
        "get_unscaled_gradients",
        "# leave it out: apply_gradients does it",
        _OPTIMIZER,
        alone="same",
    ),
    _gone(
        "variables()",
        "optimizer.variables  # no call",
        _OPTIMIZER,
        source="optimizers/base_optimizer.py of keras 3.15.1",
    ),
    _gone("reset_states", "metric.reset_state()", _METRIC, alone="note", source=_ISSUE),
    _gone("weights", "metric.variables", _METRIC),
    _gone(
        "get_shape",
        "x.shape",
        _SYMBOL,
        source="src/backend/common/keras_tensor.py of keras 3.15.1",
    ),
    _gone(
        "as_list",
        "list(x.shape)",
        ("shape",),
        source="src/backend/common/keras_tensor.py of keras 3.15.1",
    ),
    _gone(
        "name",
        "str(x.dtype)  # it is a string already",
        ("dtype",),
        source="src/backend/common/keras_tensor.py of keras 3.15.1",
    ),
)

GONE_MEMBERS = (*_OF_MODELS, *_OF_LAYERS, *_OF_OTHERS)
