"""Arguments that are gone, or that stand in another place."""

from __future__ import annotations

from typing import Any

from buildtrace.diagnosis.migration.changed import ARGUMENT, ORDER, Changed

_LAYER = "Layer.__init__ in layers/layer.py of keras 3.15.1"
_TRAINER = "backend/tensorflow/trainer.py and trainers/trainer.py of keras 3.15.1"
_SAVING = "models/model.py and saving/saving_api.py of keras 3.15.1"
_OPTIMIZER = "optimizers/base_optimizer.py of keras 3.15.1"
_SIGNATURE = "the signatures of tf_keras 2.21 and keras 3.15.1"
_GUIDE = "keras.io/guides/migrating_to_keras_3, removed features"

_LAYERS = ("layers.*", "!layers.Input", "!layers.InputLayer")
_RNN = ("layers.RNN", "layers.LSTM", "layers.GRU", "layers.SimpleRNN", "layers.ConvLSTM2D")
_LEAVE_OUT = "# leave it out"

CALLED_LAYER = "layer()"
"""Stands for a call of a layer, where others have the path of a function."""


def _gone(
    name: str, instead: str, of: tuple[str, ...], source: str = _SIGNATURE, **more: Any
) -> Changed:
    return Changed(ARGUMENT, name, instead, source=source, of=of, **more)


_WORKERS = (
    "class Data(keras.utils.PyDataset):  # what reads the data takes it\n"
    "    def __init__(self, ...):\n"
    "        super().__init__({name}={value})"
)

_LAYER_ARGUMENTS = (
    _gone("batch_input_shape", "keras.Input(batch_shape={value})  # as the first layer", _LAYERS),
    _gone(
        "batch_input_shape",
        "keras.Input(batch_shape={value})",
        ("Input", "layers.Input"),
        renamed="batch_shape",
    ),
    _gone("batch_size", "keras.Input(shape, batch_size={value})  # as the first layer", _LAYERS),
    _gone(
        "weights",
        "layer.set_weights({value})  # after the layer was built",
        (*_LAYERS, "!layers.Embedding"),
        _LAYER,
    ),
    _gone(
        "dynamic",
        "model.compile(..., run_eagerly=True)  # and no `dynamic`",
        _LAYERS,
        _GUIDE,
    ),
    _gone("input_length", "keras.Input(({value}, features))  # as the first layer", _RNN),
    _gone(
        "time_major",
        "# no time_major: transpose what goes in and what comes out\n"
        "x = keras.ops.transpose(x, (1, 0, 2))",
        _RNN,
        _GUIDE,
    ),
    _gone(
        "constants",
        "# write the cell so that it holds them, or concatenate them with the inputs",
        (CALLED_LAYER,),
        _GUIDE,
    ),
    _gone("shape", "shape=({value},)", ("Input", "layers.Input"), when=("int",)),
    _gone("partitioner", "# leave it out: keras.distribution has layouts", (".add_weight",)),
    _gone("synchronization", _LEAVE_OUT, (".add_weight",), left_out=True),
    _gone("use_resource", _LEAVE_OUT, (".add_weight",), left_out=True),
    _gone("experimental_autocast", "autocast={value}", (".add_weight",), renamed="autocast"),
    _gone("fused", _LEAVE_OUT, ("layers.BatchNormalization",), left_out=True),
    _gone("virtual_batch_size", _LEAVE_OUT, ("layers.BatchNormalization",), left_out=True),
    _gone(
        "causal",
        "layer(inputs, use_causal_mask={value})  # where it is called",
        ("layers.Attention", "layers.AdditiveAttention"),
        since="2.10",
    ),
    _gone(
        "max_tokens",
        "num_tokens={value}",
        ("layers.CategoryEncoding",),
        renamed="num_tokens",
    ),
    _gone("softmax_robust_masking", _LEAVE_OUT, ("layers.MultiHeadAttention",), left_out=True),
    _gone("robust_masking", _LEAVE_OUT, ("layers.Softmax",), left_out=True),
    _gone("type_spec", "keras.Input(shape, dtype=dtype)", ("Input", "layers.Input")),
    _gone(
        "input_shape",
        "keras.Input({value})  # as the first layer; it goes on as it is, with a warning",
        ("layers.*",),
        severity="note",
    ),
    _gone(
        "input_dim",
        "keras.Input(({value},))  # as the first layer; it goes on as it is, with a warning",
        (*_LAYERS, "!layers.Embedding"),
        severity="note",
    ),
)

_MODEL_ARGUMENTS = (
    *(
        _gone(
            name,
            _WORKERS.replace("{name}", name),
            (".fit", ".evaluate", ".predict"),
            _TRAINER,
            left_out=True,
        )
        for name in ("workers", "use_multiprocessing", "max_queue_size")
    ),
    _gone(
        "reset_metrics",
        "model.reset_metrics()  # before it, where that was wanted",
        (".train_on_batch", ".test_on_batch"),
        _GUIDE,
    ),
    _gone("nb_epoch", "epochs={value}", (".fit",), since="2.6", renamed="epochs"),
    _gone("sample_weight_mode", _LEAVE_OUT, (".compile",), _TRAINER, left_out=True),
    _gone("target_tensors", "model.fit(x, targets)", (".compile",), _TRAINER),
    _gone("experimental_run_tf_function", _LEAVE_OUT, (".compile",), _TRAINER, left_out=True),
    _gone(
        "experimental_steps_per_execution",
        "steps_per_execution={value}",
        (".compile",),
        _TRAINER,
        renamed="steps_per_execution",
    ),
    _gone("pss_evaluation_shards", _LEAVE_OUT, (".compile",), _TRAINER, left_out=True),
    _gone(
        "save_format",
        'model.save("model.keras")  # the end of the name says it',
        (".save", "models.save_model"),
        _SAVING,
        unless=("'h5'", "'keras'"),
    ),
    _gone(
        "save_format",
        'model.save_weights("model.weights.h5")  # the end of the name says it',
        (".save_weights",),
        _SAVING,
    ),
    _gone("options", _LEAVE_OUT, (".save_weights",), _SAVING, left_out=True),
    _gone("losses", "self.add_loss({value})  # one, without its name", (".add_loss",), _LAYER),
    _gone("inputs", "self.add_loss(loss)  # in `call`", (".add_loss",), _LAYER, left_out=True),
    Changed(
        ARGUMENT,
        "input",
        "keras.Model(inputs={value}, outputs=...)",
        "2.6",
        "the modules of keras 2.2 to 2.15, by their releases",
        of=("Model", "models.Model"),
        renamed="inputs",
    ),
    Changed(
        ARGUMENT,
        "output",
        "keras.Model(inputs=..., outputs={value})",
        "2.6",
        "the modules of keras 2.2 to 2.15, by their releases",
        of=("Model", "models.Model"),
        renamed="outputs",
    ),
)

_OPTIMIZERS = ("optimizers.*", "!optimizers.schedules.*", "!optimizers.get")

_OTHER_ARGUMENTS = (
    _gone(
        "reduction",
        'reduction="sum_over_batch_size"',
        ("losses.*",),
        "losses/loss.py of keras 3.15.1",
        when=("'auto'",),
    ),
    _gone("lr", "learning_rate={value}", _OPTIMIZERS, _OPTIMIZER, renamed="learning_rate"),
    _gone(
        "decay",
        "learning_rate=keras.optimizers.schedules.InverseTimeDecay(rate, 1, {value})",
        _OPTIMIZERS,
        _OPTIMIZER,
        severity="warning",
    ),
    _gone(
        "schedule_decay",
        "learning_rate=keras.optimizers.schedules.InverseTimeDecay(rate, 1, {value})",
        ("optimizers.Nadam",),
        _OPTIMIZER,
        since="2.4",
    ),
    _gone(
        "jit_compile",
        "model.compile(..., jit_compile={value})  # of the model, not of the optimizer",
        _OPTIMIZERS,
        _OPTIMIZER,
        left_out=True,
    ),
    _gone("adaptive_epsilon", _LEAVE_OUT, ("optimizers.Adam",), _OPTIMIZER, left_out=True),
    _gone(
        "experimental_aggregate_gradients",
        _LEAVE_OUT,
        (".apply_gradients",),
        _OPTIMIZER,
        left_out=True,
    ),
    _gone("skip_gradients_aggregation", _LEAVE_OUT, (".apply_gradients",), left_out=True),
    _gone(
        "period",
        'save_freq="epoch"  # or a number of batches',
        ("callbacks.ModelCheckpoint",),
        "callbacks/model_checkpoint.py of keras 3.15.1",
    ),
    *(
        _gone(name, _LEAVE_OUT, ("callbacks.TensorBoard",), left_out=True)
        for name in ("write_grads", "batch_size")
    ),
    _gone("count_mode", _LEAVE_OUT, ("callbacks.ProgbarLogger",), left_out=True),
    _gone("stateful_metrics", _LEAVE_OUT, ("callbacks.ProgbarLogger",), left_out=True),
    _gone("y", "x={value}", ("utils.to_categorical",), renamed="x"),
    _gone("alpha", "negative_slope={value}", ("activations.relu",), renamed="negative_slope"),
    _gone("l", "l2={value}", ("regularizers.l2",), renamed="l2"),
    _gone("l", "l1={value}", ("regularizers.l1",), renamed="l1"),
    _gone("grayscale", 'color_mode="grayscale"', ("preprocessing.image.load_img",)),
    _gone("layer_range", _LEAVE_OUT, ("utils.plot_model", "utils.model_to_dot"), left_out=True),
    _gone("cache_dir", _LEAVE_OUT, ("datasets.boston_housing.load_data",), left_out=True),
)

_OLD_NAMES = {
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "U_regularizer": "recurrent_regularizer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "output_dim": "units",
    "subsample": "strides",
    "nb_filter": "filters",
    "pool_length": "pool_size",
    "bias": "use_bias",
}
"""Of Keras 1: argument of a layer → its name since."""

_OF_KERAS_1 = tuple(
    _gone(
        old,
        f"{new}={{value}}",
        (*_LAYERS, *(["!layers.Embedding"] if old == "output_dim" else [])),
        "the release notes of Keras 2.0",
        since="2.4",
        renamed=new,
    )
    for old, new in _OLD_NAMES.items()
)

GONE_ARGUMENTS = (*_LAYER_ARGUMENTS, *_MODEL_ARGUMENTS, *_OTHER_ARGUMENTS, *_OF_KERAS_1)

_BY_NAME = "  # by name, it is right in both"

MOVED_ARGUMENTS = (
    Changed(
        ORDER,
        "add_weight",
        f"self.add_weight(name={{value}}, shape=(...)){_BY_NAME}",
        source="Layer.add_weight in layers/layer.py of keras 3.15.1",
    ),
    Changed(
        ORDER,
        "add_variable",
        f"self.add_weight(name={{value}}, shape=(...)){_BY_NAME}",
        source="Metric.add_variable in metrics/metric.py of keras 3.15.1",
    ),
    Changed(
        ORDER,
        "compile",
        f"model.compile(optimizer, loss, metrics={{value}}){_BY_NAME}",
        source="trainers/trainer.py of keras 3.15.1",
    ),
    Changed(
        ORDER,
        "Sequential",
        f"keras.Sequential([...], name={{value}}){_BY_NAME}",
        source="models/sequential.py of keras 3.15.1",
    ),
)
