"""Modules, classes and functions that are gone, by their path below `keras`."""

from __future__ import annotations

from buildtrace.diagnosis.migration.changed import KERAS, KERAS_3, NAME, TF_KERAS, Changed

_PUBLIC = "the public names of tf_keras 2.21 that keras 3.15.1 has not"
_LEGACY = "keras/_tf_keras of keras 3.15.1, which tf.keras is"
_OLDER = "the modules of keras 2.2 to 2.15, by their releases"
_GUIDE = "keras.io/guides/migrating_to_keras_3, removed features"
_RELEASE = "the release notes of TensorFlow 2.13"


def _rows(
    module: str, names: dict[str, str], since: str = KERAS_3, source: str = _PUBLIC, under: str = ""
) -> tuple[Changed, ...]:
    prefix = f"{module}." if module else ""
    return tuple(
        Changed(NAME, f"{prefix}{name}", instead, since, source, under)
        for name, instead in names.items()
    )


def _same(package: str, names: str, arguments: str = "x") -> dict[str, str]:
    """Functions that another package has by the same name."""
    return {name: f"{package}.{name}({arguments})" for name in names.split()}


# -- keras.backend --------------------------------------------------------------------------------

_OPS = {
    **_same(
        "keras.ops",
        "abs all any argmax argmin cos cumprod cumsum elu exp expand_dims hard_sigmoid log max "
        "mean min prod relu round sigmoid sign sin softmax softplus softsign sqrt square squeeze "
        "std stop_gradient sum tanh transpose var ndim ones_like zeros_like shape",
    ),
    **_same(
        "keras.ops",
        "equal greater greater_equal less less_equal maximum minimum not_equal",
        "x, y",
    ),
    **_same("keras.ops", "ones zeros", "shape"),
    **_same("keras.ops", "concatenate stack", "tensors, axis=-1"),
    "arange": "keras.ops.arange(start, stop)",
    "batch_dot": "keras.ops.einsum('bij,bjk->bik', x, y)  # with the axes of yours",
    "batch_flatten": "keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))",
    "batch_get_value": "[keras.ops.convert_to_numpy(one) for one in variables]",
    "batch_normalization": "keras.ops.batch_normalization(x, mean, variance, axis=-1)",
    "batch_set_value": "variable.assign(value)  # for each of them",
    "bias_add": "x + bias",
    "binary_crossentropy": "keras.ops.binary_crossentropy(target, output)",
    "binary_focal_crossentropy": "keras.losses.binary_focal_crossentropy(target, output)",
    "cast": "keras.ops.cast(x, dtype)",
    "cast_to_floatx": "keras.ops.cast(x, keras.config.floatx())",
    "categorical_crossentropy": "keras.ops.categorical_crossentropy(target, output)",
    "categorical_focal_crossentropy": "keras.losses.categorical_focal_crossentropy(target, output)",
    "clip": "keras.ops.clip(x, x_min, x_max)",
    "constant": "keras.ops.convert_to_tensor(value, dtype)",
    "conv1d": "keras.ops.conv(x, kernel)",
    "conv2d": "keras.ops.conv(x, kernel)",
    "conv2d_transpose": "keras.ops.conv_transpose(x, kernel, strides)",
    "conv3d": "keras.ops.conv(x, kernel)",
    "count_params": "math.prod(x.shape)",
    "ctc_batch_cost": "keras.ops.ctc_loss(target, output, target_length, output_length)",
    "ctc_decode": "keras.ops.ctc_decode(inputs, sequence_lengths)",
    "ctc_label_dense_to_sparse": "tf.keras.backend.ctc_label_dense_to_sparse(labels, lengths)",
    "depthwise_conv2d": "keras.ops.depthwise_conv(x, kernel)",
    "dot": "keras.ops.matmul(x, y)  # of more than two axes keras.ops.dot(x, y)",
    "dropout": "keras.random.dropout(x, level)",
    "dtype": "keras.backend.standardize_dtype(x.dtype)",
    "eval": "keras.ops.convert_to_numpy(x)",
    "eye": "keras.ops.eye(size)",
    "flatten": "keras.ops.reshape(x, (-1,))",
    "foldl": "functools.reduce(function, elements, initializer)",
    "foldr": "functools.reduce(function, reversed(elements), initializer)",
    "gather": "keras.ops.take(reference, indices, axis=0)",
    "get_value": "keras.ops.convert_to_numpy(x)",
    "gradients": "with tf.GradientTape() as tape:\n"
    "    tape.watch(x)\n"
    "    y = model(x)\n"
    "gradients = tape.gradient(y, x)",
    "in_top_k": "keras.ops.in_top_k(targets, predictions, k)",
    "int_shape": "tuple(x.shape)",
    "is_sparse": "isinstance(x, tf.SparseTensor)",
    "l2_normalize": "keras.ops.normalize(x, axis=-1, order=2)",
    "map_fn": "keras.ops.map(function, elements)",
    "moving_average_update": "variable.assign(variable * momentum + value * (1 - momentum))",
    "name_scope": "keras.name_scope(name)",
    "one_hot": "keras.ops.one_hot(indices, num_classes)",
    "permute_dimensions": "keras.ops.transpose(x, pattern)",
    "pool2d": "keras.ops.max_pool(x, pool_size)  # or keras.ops.average_pool",
    "pool3d": "keras.ops.max_pool(x, pool_size)  # or keras.ops.average_pool",
    "pow": "keras.ops.power(x, a)",
    "random_bernoulli": "keras.random.binomial(shape, 1, p)",
    "random_normal": "keras.random.normal(shape, mean, stddev)",
    "random_normal_variable": "keras.Variable(keras.random.normal(shape, mean, scale))",
    "random_uniform": "keras.random.uniform(shape, minval, maxval)",
    "random_uniform_variable": "keras.Variable(keras.random.uniform(shape, low, high))",
    "repeat": "keras.ops.repeat(keras.ops.expand_dims(x, 1), n, axis=1)",
    "repeat_elements": "keras.ops.repeat(x, rep, axis)",
    "reshape": "keras.ops.reshape(x, shape)",
    "resize_images": "keras.ops.image.resize(x, (height, width))",
    "resize_volumes": "keras.layers.UpSampling3D(factors)(x)",
    "reverse": "keras.ops.flip(x, axes)",
    "rnn": "keras.layers.RNN(cell)(x)",
    "separable_conv2d": "keras.ops.separable_conv(x, depthwise_kernel, pointwise_kernel)",
    "set_value": "x.assign(value)",
    "sparse_categorical_crossentropy": "keras.ops.sparse_categorical_crossentropy(target, output)",
    "spatial_2d_padding": "keras.layers.ZeroPadding2D(padding)(x)",
    "spatial_3d_padding": "keras.layers.ZeroPadding3D(padding)(x)",
    "switch": "keras.ops.where(condition, then_value, else_value)",
    "temporal_padding": "keras.layers.ZeroPadding1D(padding)(x)",
    "tile": "keras.ops.tile(x, n)",
    "to_dense": "tf.sparse.to_dense(x)",
    "truncated_normal": "keras.random.truncated_normal(shape, mean, stddev)",
    "update": "x.assign(new_x)",
    "update_add": "x.assign_add(increment)",
    "update_sub": "x.assign_sub(decrement)",
    "variable": "keras.Variable(value)",
}

_BACKEND_NOWHERE = {
    "experimental": "# leave it out: keras.random has the seeds, keras.random.SeedGenerator",
    "function": "keras.Model(inputs, outputs)  # and call it on data",
    "in_test_phase": "x if not training else alt  # `training` is an argument of `call`",
    "in_train_phase": "x if training else alt  # `training` is an argument of `call`",
    "learning_phase": "def call(self, inputs, training=False): ...  # given by whoever calls it",
    "learning_phase_scope": "model(x, training=True)  # or False",
    "local_conv1d": "# take the function over from tf_keras into your own code",
    "local_conv2d": "# take the function over from tf_keras into your own code",
    "manual_variable_initialization": "# leave it out: variables have their values at once",
    "normalize_batch_in_training": "keras.ops.batch_normalization(x, *keras.ops.moments(x, axes), "
    "axis=-1)",
    "placeholder": "keras.Input(shape)",
    "print_tensor": "tf.print(message, x)",
    "random_binomial": "keras.random.binomial(shape, 1, p)",
    "reset_uids": "keras.utils.clear_session()",
    "set_learning_phase": "model(x, training=False)  # for each call; or layer.trainable = False",
}

_BACKEND_OLD = {
    "get_session": "# leave it out: TensorFlow 2 has no sessions",
    "set_session": "# leave it out: TensorFlow 2 has no sessions; for memory: "
    "tf.config.experimental.set_memory_growth",
    "tf": "import tensorflow as tf",
}

_BACKEND_OLDER = {
    "common": "keras.backend.{rest}",
    "image_dim_ordering": "keras.backend.image_data_format()",
    "set_image_dim_ordering": 'keras.backend.set_image_data_format("channels_last")',
    "tensorflow_backend": "from keras import backend",
    "theano_backend": 'os.environ["KERAS_BACKEND"] = "jax"  # or "torch", "tensorflow"; no Theano',
}

# -- layers -------------------------------------------------------------------------------------

_LAYERS = {
    "AbstractRNNCell": "class Cell(keras.layers.Layer): ...  # with `state_size` and `call(x, "
    "states)`; add `output_size` if it is another",
    "DenseFeatures": "keras.utils.FeatureSpace(features)",
    "LocallyConnected1D": "# take the class over from tf_keras into your own code",
    "LocallyConnected2D": "# take the class over from tf_keras into your own code",
    "experimental.DynamicEmbedding": "keras.layers.Embedding(input_dim, output_dim)",
    "experimental.DynamicLookup": "keras.layers.StringLookup(max_tokens=...)",
    "experimental.RandomFourierFeatures": "# take the class over from tf_keras into your own code",
    "experimental.SyncBatchNormalization": "keras.layers.BatchNormalization(synchronized=True)",
    "experimental.preprocessing.PreprocessingLayer": "keras.layers.Layer",
    "experimental.preprocessing.RandomHeight": "keras.layers.RandomZoom(height_factor)",
    "experimental.preprocessing.RandomWidth": "keras.layers.RandomZoom(0.0, width_factor)",
    "experimental.preprocessing": "keras.layers.{rest}",
    "experimental": "keras.layers.{rest}",
}

_LAYERS_OF_TF_KERAS = {
    "RandomHeight": "keras.layers.RandomZoom(height_factor)  # or tf.keras.layers.RandomHeight",
    "RandomWidth": "keras.layers.RandomZoom(0.0, width_factor)  # or tf.keras.layers.RandomWidth",
    "ThresholdedReLU": "keras.layers.ReLU(threshold=theta)",
}

_LAYER_MODULES = (
    "advanced_activations convolutional_recurrent cudnn_recurrent dense_attention embeddings local "
    "merge recurrent recurrent_v2 wrappers"
)
_LATER_LAYER_MODULES = "convolutional core noise normalization pooling preprocessing rnn"

# -- losses, metrics ----------------------------------------------------------------------------

_LOSS_FUNCTIONS = {
    "KLD": "kl_divergence",
    "MAE": "mean_absolute_error",
    "MAPE": "mean_absolute_percentage_error",
    "MSE": "mean_squared_error",
    "MSLE": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
"""Short names → the one name that `keras` has. `tf.keras` has all the short ones."""

_LONG_LOSSES = {
    "kl_divergence": "KLD",
    "log_cosh": "logcosh",
    "mean_absolute_error": "MAE",
    "mean_absolute_percentage_error": "MAPE",
    "mean_squared_error": "MSE",
    "mean_squared_logarithmic_error": "MSLE",
}
"""Names that `keras` has and `tf.keras` has not → the name that this has."""

_REFUSED = {"Reduction.AUTO": '"sum_over_batch_size"'}
"""What `tf.keras` has, but no loss takes."""


def _losses(module: str) -> tuple[Changed, ...]:
    short = {name: f"keras.{module}.{long}" for name, long in _LOSS_FUNCTIONS.items()}
    long = {
        name: f"keras.{module}.{name}  # or tf.keras.{module}.{other}"
        for name, other in _LONG_LOSSES.items()
    }
    return _rows(module, short, source=_LEGACY, under=KERAS) + _rows(
        module, long, source=_LEGACY, under=TF_KERAS
    )


# -- data ---------------------------------------------------------------------------------------


def _tf_alone(module: str, names: str) -> dict[str, str]:
    return {name: f"tf.keras.{module}.{name}" for name in names.split()}


_IMAGE = _tf_alone(
    "preprocessing.image",
    "DirectoryIterator ImageDataGenerator Iterator NumpyArrayIterator apply_affine_transform "
    "apply_brightness_shift apply_channel_shift random_brightness random_channel_shift "
    "random_rotation random_shear random_shift random_zoom",
)
_IMAGE["ImageDataGenerator"] += (
    "  # or keras.utils.image_dataset_from_directory, with layers such as keras.layers.RandomFlip"
)
_SEQUENCE = _tf_alone("preprocessing.sequence", "TimeseriesGenerator make_sampling_table skipgrams")
_SEQUENCE["TimeseriesGenerator"] += "  # or keras.utils.timeseries_dataset_from_array"
_TEXT = _tf_alone(
    "preprocessing.text",
    "Tokenizer hashing_trick one_hot text_to_word_sequence tokenizer_from_json",
)
_TEXT["Tokenizer"] += "  # or keras.layers.TextVectorization"

# -- the rest -----------------------------------------------------------------------------------

_SIZES = ["002", "004", "006", "008", "016", "032", "040", "064", "080", "120", "160", "320"]
_APPLICATIONS = {f"RegNet{kind}{size}" for kind in "XY" for size in _SIZES}
_APPLICATIONS |= {f"ResNetRS{depth}" for depth in (50, 101, 152, 200, 270, 350, 420)}
_APPLICATIONS |= {"regnet", "resnet_rs"}
_NO_WEIGHTS = "# take the model over from tf_keras, or one of keras_hub"

_OTHERS = {
    "callbacks.BaseLogger": "# leave it out: averages are made by the metrics",
    "callbacks.SidecarEvaluatorModelExport": "keras.callbacks.ModelCheckpoint(path)",
    "callbacks.experimental.BackupAndRestore": "keras.callbacks.BackupAndRestore(folder)",
    "callbacks.experimental.UpdateEmbeddingCallback": "# leave it out: no layer needs it",
    "callbacks.experimental": "keras.callbacks.{rest}",
    "constraints.RadialConstraint": "# take the class over from tf_keras into your own code",
    "constraints.radial_constraint": "# take the class over from tf_keras into your own code",
    "dtensor": "keras.distribution.ModelParallel(...)",
    "estimator": "model.fit(...)  # there are no estimators any more",
    "experimental.CosineDecay": "keras.optimizers.schedules.CosineDecay",
    "experimental.CosineDecayRestarts": "keras.optimizers.schedules.CosineDecayRestarts",
    "experimental.LinearModel": "keras.Sequential([keras.layers.Dense(1)])",
    "experimental.SequenceFeatures": "keras.utils.FeatureSpace(features)",
    "experimental.SidecarEvaluator": "model.evaluate(...)",
    "experimental.WideDeepModel": "keras.layers.add([wide, deep])  # a model of these two",
    "experimental": "keras.{rest}",
    "metrics.MeanRelativeError": "# take the class over from tf_keras into your own code",
    "metrics.MeanTensor": "# take the class over from tf_keras into your own code",
    "metrics.experimental": "keras.metrics.Metric",
    "models.experimental": "# take the class over from tf_keras into your own code",
    "models.model_from_config": "keras.Model.from_config(config)",
    "models.model_from_yaml": "keras.models.model_from_json(text)",
    "optimizers.experimental": "keras.optimizers.{rest}",
    "optimizers.legacy": "keras.optimizers.{rest}",
    "protobuf": "# leave it out: it is of Keras' own files",
    "utils.GeneratorEnqueuer": "keras.utils.PyDataset",
    "utils.OrderedEnqueuer": "keras.utils.PyDataset",
    "utils.SequenceEnqueuer": "keras.utils.PyDataset",
    "utils.SidecarEvaluator": "model.evaluate(...)",
    "utils.StepsPerExecutionTuner": 'model.compile(..., steps_per_execution="auto")',
    "utils.TimedThread": "threading.Timer(interval, function)",
    "utils.experimental": "tf.data.Dataset  # made by the code of your function",
    "utils.to_ordinal": "# take the function over from tf_keras into your own code",
    "utils.warmstart_embedding_matrix": "# take the function over from tf_keras into your own code",
}

_SAVING = {"saving": "keras.saving.{rest}  # `import keras`; or tf.keras.utils or tf.keras.models"}

_UNTIL_2_12 = {
    "constraints.maxnorm": "keras.constraints.MaxNorm",
    "constraints.nonneg": "keras.constraints.NonNeg",
    "constraints.unitnorm": "keras.constraints.UnitNorm",
    "engine": "from keras import layers, models  # what is public is there",
    "feature_column": "keras.utils.FeatureSpace(features)",
    "layers.CuDNNGRU": "keras.layers.GRU  # it uses cuDNN by itself",
    "layers.CuDNNLSTM": "keras.layers.LSTM  # it uses cuDNN by itself",
    "layers.serialization": "keras.layers.{rest}",
    "metrics.cosine_proximity": "keras.losses.cosine_similarity",
    "optimizers.TFOptimizer": "keras.optimizers.Adam  # one of its own",
    "optimizers.adam": "keras.optimizers.{rest}",
    "premade": "keras.Sequential([keras.layers.Dense(1)])",
    "utils.conv_utils": "# private: take the function over into your own code",
    "utils.data_utils": "keras.utils.{rest}",
    "utils.generic_utils": "keras.utils.{rest}",
    "utils.io_utils": "keras.utils.{rest}",
    "utils.layer_utils": "keras.utils.{rest}",
    "utils.np_utils": "keras.utils.{rest}",
    "utils.tf_utils": "# private: take the function over into your own code",
    "utils.vis_utils": "keras.utils.{rest}",
    **{f"layers.{module}": "keras.layers.{rest}" for module in _LATER_LAYER_MODULES.split()},
}

_SCIKIT = {
    "wrappers.scikit_learn": "keras.wrappers.SKLearnClassifier(model=build)  # or SKLearnRegressor"
}

_UNTIL_2_8 = {
    "mixed_precision.experimental.set_policy": "keras.mixed_precision.set_global_policy(name)",
    "mixed_precision.experimental": "keras.mixed_precision.{rest}",
    "optimizer_v2": "keras.optimizers.{rest}",
    "utils.multi_gpu_utils": "with tf.distribute.MirroredStrategy().scope():  # make the model "
    "and compile it",
    **{f"layers.{module}": "keras.layers.{rest}" for module in _LAYER_MODULES.split()},
}

_UNTIL_2_3 = {
    "applications.keras_modules_injection": "# leave it out",
    "callbacks.callbacks": "keras.callbacks.{rest}",
    "initializers.normal": "keras.initializers.RandomNormal",
    "initializers.uniform": "keras.initializers.RandomUniform",
    "layers.AtrousConvolution2D": "keras.layers.Conv2D(filters, size, dilation_rate=rate)",
    "layers.Deconvolution2D": "keras.layers.Conv2DTranspose",
    "layers.Highway": "# take the class over into your own code",
    "layers.MaxoutDense": "# take the class over into your own code",
    "legacy.interfaces": "# leave it out: it is of Keras 1",
    "legacy.layers": "# leave it out: it is of Keras 1",
    "losses.cosine": "keras.losses.cosine_similarity",
    "losses.cosine_proximity": "keras.losses.cosine_similarity",
    "objectives": "keras.losses.{rest}",
    "utils.HDF5Matrix": "h5py.File(path)[name]",
    "utils.multi_gpu_model": "with tf.distribute.MirroredStrategy().scope():  # make the model "
    "and compile it",
    "utils.print_summary": "model.summary()",
    "utils.training_utils": "with tf.distribute.MirroredStrategy().scope():  # make the model "
    "and compile it",
}


def _as_ever(name: str, instead: str) -> str:
    """The remedy, and the name under which TensorFlow keeps the function as it was."""
    kept = f"tf.keras.backend.{name}"
    if "\n" in instead or kept in instead:
        return instead
    return f"{instead}{'; ' if '#' in instead else '  # '}as it was: {kept}"


GONE_NAMES = (
    *_rows(
        "backend",
        {name: _as_ever(name, instead) for name, instead in _OPS.items()},
        source=_LEGACY,
        under=KERAS,
    ),
    *_rows("backend", _BACKEND_NOWHERE),
    *_rows("backend", _BACKEND_OLD, "2.13", _OLDER),
    *_rows("backend", _BACKEND_OLDER, "2.6", _OLDER),
    *_rows("layers", _LAYERS),
    *_rows("layers", _LAYERS_OF_TF_KERAS, source=_GUIDE, under=KERAS),
    *_losses("losses"),
    *_losses("metrics"),
    *_rows(
        "losses",
        {"Reduction": '"sum_over_batch_size"  # or "sum", "mean", "none"'},
        source=_LEGACY,
        under=KERAS,
    ),
    *_rows("losses", _REFUSED, source="losses/loss.py of keras 3.15.1", under=TF_KERAS),
    *_rows("preprocessing.image", _IMAGE, source=_LEGACY, under=KERAS),
    *_rows("preprocessing.sequence", _SEQUENCE, source=_LEGACY, under=KERAS),
    *_rows("preprocessing.text", _TEXT, source=_LEGACY, under=KERAS),
    *_rows("preprocessing", {"text": "tf.keras.preprocessing.text"}, source=_LEGACY, under=KERAS),
    *_rows("applications", dict.fromkeys(sorted(_APPLICATIONS), _NO_WEIGHTS)),
    *_rows("", _OTHERS),
    *_rows("", _SAVING, source=_LEGACY, under=TF_KERAS),
    *_rows("", _SCIKIT, "2.13", _RELEASE),
    *_rows("", _UNTIL_2_12, "2.13", _OLDER),
    *_rows("", _UNTIL_2_8, "2.9", _OLDER),
    *_rows("", _UNTIL_2_3, "2.6", _OLDER),
)
