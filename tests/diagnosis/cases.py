"""What the diagnosis has to say of the scripts in ../shared/cases, if that folder is there.

`BUILDTRACE_CASES` names another place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from diagnosis.scripts import ROOT

FOLDER = Path(os.environ.get("BUILDTRACE_CASES") or ROOT.parent / "shared" / "cases")


class Expected(NamedTuple):
    """What has to be found first in a case.

    Attributes:
        codes: the codes of all findings of warning level or above, in order.
        line: a text that the script's line has that the first finding is at.
        word: something that the first finding's message says: which layer it is.
        fix: something that its remedy says.
        note: the code of a note that has to be found, where there is nothing worse.
    """

    codes: tuple[str, ...] = ()
    line: str = ""
    word: str = ""
    fix: str = ""
    note: str = ""


WELL = Expected()

TABLE = {
    "01_summary_before_build": (
        Expected(("BT101",), "model.summary()", "'sequential'", "keras.Input("),
        Expected(("BT101",), "model.summary()", "'sequential'", "keras.Input("),
    ),
    "02_weights_not_created": (
        Expected(("BT101",), "model.save_weights(", "'sequential'", "keras.Input("),
        Expected(("BT101",), "model.save_weights(", "'sequential'", "keras.Input("),
    ),
    "03_expected_0_variables_on_load": (
        Expected(("BT103",), "# overridden, but never", "'dense' (Dense)", "self.dense.build("),
        Expected(("BT103",), "# overridden, but never", "'dense' (Dense)", "self.dense.build("),
    ),
    "04_build_not_implemented_warning": (
        Expected(("BT102",), "b.build((None, 3))", "'block' (Block)", "self.dense.build("),
        Expected(("BT102",), "b.build((None, 3))", "'block' (Block)", "self.dense.build("),
    ),
    "06_sublayer_created_in_call": (
        Expected(("BT201",), "return self.dense(x)", "'net' (Net)", "keras.layers.Dense("),
        Expected(("BT201",), "self.dense = keras", "'net' (Net)", "keras.layers.Dense("),
    ),
    "07_add_weight_in_call": (
        Expected(("BT202",), "self.add_weight(", "'scale' (Scale)", "add_weight(name='w'"),
        Expected(("BT202",), "self.add_weight(", "'scale' (Scale)", "add_weight(name='w'"),
    ),
    "08_super_init_missing": (
        Expected(("BT205",), "MyLayer(4)(", "MyLayer", "super().__init__("),
        Expected(("BT205",), "MyLayer(4)(", "MyLayer", "super().__init__("),
    ),
    "09_build_called_twice": (
        Expected(("BT105",), "l(tf.ones((1, 3)))", "'lin' (Lin)", "super().build(input_shape)"),
        WELL,
    ),
    "10_dense_last_dim_none": (
        Expected(("BT301",), "keras.layers.Dense(4)(i)", "'input_1' at", "keras.Input(shape="),
        Expected(("BT301",), "keras.layers.Dense(4)(i)", "'input_layer' at", "keras.Input(shape="),
    ),
    "11_incompatible_axis_minus_1": (
        Expected(("BT302",), "(2, 16, 16, 3)", "'dense' (Dense)", "GlobalAveragePooling2D()"),
        Expected(("BT302",), "(2, 16, 16, 3)", "'dense' (Dense)", "GlobalAveragePooling2D()"),
    ),
    "12_summary_multiple_or_question_mark": (
        Expected(note="BT404", line="m.summary()", word="'mlp' (MLP)", fix="mlp.call(i)"),
        Expected(("BT102",), "m.build((None, 3))", "'mlp' (MLP)", "mlp(keras.ops.zeros((1, 3)))"),
    ),
    "13_plot_model_one_box": (
        Expected(note="BT404", line="model_to_dot(m", word="'mlp' (MLP)", fix="mlp.call(i)"),
        Expected(note="BT404", line="model_to_dot(m", word="'mlp' (MLP)", fix="mlp.call(i)"),
    ),
    "14_duplicate_layer_names": (
        Expected(("BT401",), 'name="fc")(x)', "'fc'", 'name="fc_2"'),
        Expected(("BT401",), 'name="fc")(x)', "'fc'", 'name="fc_2"'),
    ),
    "16_lambda_output_shape": (
        Expected(("BT305",), "int(x.shape[1])", "'lambda' (Lambda)", "tf.shape(x)[1]"),
        Expected(("BT305",), "int(x.shape[1])", "'lambda' (Lambda)", "ops.shape(x)[1]"),
    ),
    "18_build_signature_many_inputs": (
        Expected(("BT104",), "def build(self, query", "'cross'", "query, context = inputs"),
        Expected(("BT104",), "def build(self, query", "'cross'", "query_shape, context_shape"),
    ),
    "21_mask_destroyed": (
        Expected(("BT307",), "x = Noop()(x)", "'lstm' (LSTM)", "self.supports_masking = True"),
        Expected(("BT307",), "x = Noop()(x)", "'lstm' (LSTM)", "self.supports_masking = True"),
    ),
    "22_shared_layer_multiple_inbound_nodes": (
        Expected(("BT403",), "print(shared.output_shape)", "'shared' (Conv1D)", "_shape_at(0)"),
        Expected(("BT403",), "print(shared.output_shape)", "'shared' (Conv1D)", "_inbound_nodes"),
    ),
    "24_graph_disconnected": (
        Expected(("BT402",), "keras.Model(a, o)", "the Input 'b'", "keras.Model([a, b]"),
        Expected(("BT402",), "keras.Model(a, o)", "the Input 'b'", "keras.Model([a, b]"),
    ),
    "26_load_weights_layer_never_built": (
        Expected(("BT101",), "fresh.load_weights(path)", "'net_1' (Net)", "net(tf.zeros((2, 3)))"),
        Expected(
            ("BT101",), "fresh.load_weights(path)", "'net_1' (Net)", "net(keras.ops.zeros((2, 3)))"
        ),
    ),
    "27_static_batch_dim_none_in_call": (
        Expected(("BT305",), "tf.zeros((x.shape[0]", "'pos' (Pos)", "tf.shape(x)[0]"),
        Expected(("BT305",), "tf.zeros((x.shape[0]", "'pos' (Pos)", "ops.shape(x)[0]"),
    ),
    "30_sublayer_built_from_parent_shape": (
        Expected(("BT303",), "self.inner.build(", "'inner' (Inner)", "and in Inner, so that"),
        Expected(
            ("BT303",), "self.inner.build(", "'inner' (Inner)", ".build((*input_shape[:-1], 2))"
        ),
    ),
    "33_optimizer_built_for_other_variables": (
        Expected(("BT207",), "m.compile(opt", "'sequential_1'", "sequential_1.compile("),
        Expected(("BT207",), "m.compile(opt", "'sequential_1'", "sequential_1.compile("),
    ),
    "34_model_build_two_call_args": (
        Expected(("BT106",), "m.build([", "'two' (Two)", "a, b = inputs"),
        Expected(("BT106",), "m.build([", "'two' (Two)", "two(keras.ops.zeros((1, 3)), keras"),
    ),
    "35_cross_engine_load": (
        Expected(("BT502",), "dst.models.load_model(", "Keras 3 saved", "keras.models.load_model("),
        WELL,
    ),
    "37_sequential_of_built_backbone": (
        Expected(("BT101",), "m.summary()", "'sequential'", "keras.Input((3,))"),
        WELL,
    ),
    "38_swallowed_exception_in_model_build": (
        WELL,  # Keras 2 raises the AttributeError itself, with its line
        Expected(("BT102",), "m.build((None, 3))", "'net' (Net)", "net(keras.ops.zeros((1, 3)))"),
    ),
    "40_layer_swapped_before_build_both_kept": (
        WELL,
        Expected(("BT204",), "keras.layers.Dense(10, name=", "'head_old'", "Net("),
    ),
    "51_get_config_kwargs_not_taken": (
        Expected(("BT801",), "def __init__(self, width)", "`name`", "self, width, **kwargs"),
        Expected(("BT801",), "def __init__(self, width)", "`name`", "self, width, **kwargs"),
    ),
    "52_dict_inputs_extra_key": (
        WELL,  # Keras 2 goes by the names, and leaves out the key
        Expected(("BT312",), "model(batch)", "'id' for its input 'signal'", "('signal',)"),
    ),
    "53_mixed_precision_constant": (
        Expected(("BT330",), "x + self.table", "'positions' (Positions)", "tf.cast(self.table, x."),
        Expected(("BT330",), "x + self.table", "'positions' (Positions)", ".cast(self.table, x."),
    ),
    "54_tf_variable_in_layer": (
        WELL,  # Keras 2 tracks it
        Expected(("BT213",), "tf.Variable(", "`self.gain`", "self.gain = self.add_weight("),
    ),
    "55_mha_called_with_query_only": (
        Expected(("BT407",), "keras.Sequential([", "`value`", "multi_head_attention(x, x)"),
        Expected(("BT407",), "keras.Sequential([", "`value`", "multi_head_attention(x, x)"),
    ),
    "56_normalization_never_adapted": (
        Expected(("BT209",), "model(data)", "'normalization'", "normalization.adapt("),
        Expected(("BT209",), "model(data)", "'normalization'", "normalization.adapt("),
    ),
    "57_keras_history_layer": (
        WELL,
        Expected(("BT507",), "_keras_history.layer.name", "Keras 3 does not", "history.operation"),
    ),
    "58_embedding_too_small": (
        Expected(("BT320",), "model(words)", "5 rows, for the indices 0 to 4", "Embedding(6, 4)"),
        Expected(("BT320",), "model(words)", "5 rows, for the indices 0 to 4", "Embedding(6, 4)"),
    ),
    "59_weights_file_name": (
        WELL,
        Expected(("BT508",), "model.save_weights(path)", "'weights.h5'", '"model.weights.h5"'),
    ),
    "60_weight_file_of_another_attribute_name": (
        WELL,
        Expected(("BT802",), "b.load_weights(path)", "`encoder/vars`", "self.encoder = "),
    ),
    "61_trainable_after_compile": (
        Expected(("BT210",), "model.fit(x, y, verbose=0)", "goes on training 'dense'", "compile("),
        Expected(("BT210",), "model.fit(x, y, verbose=0)", "goes on training 'dense'", "compile("),
    ),
    "62_metric_in_call_on_jax": (WELL, WELL),  # a fault on JAX, and there alone
    "63_dict_shape_in_build": (
        Expected(("BT107",), "input_shape[-1]", "'fuse' (Fuse)", 'input_shape["a"][-1]'),
        Expected(("BT107",), "input_shape[-1]", "'fuse' (Fuse)", 'input_shape["a"][-1]'),
    ),
    "64_reshape_total_size": (
        Expected(("BT321",), "Reshape((28, 28, 8))", "shrank: ", 'Conv2D(..., padding="same")'),
        Expected(("BT321",), "Reshape((28, 28, 8))", "shrank: ", 'Conv2D(..., padding="same")'),
    ),
    "65_layer_instead_of_its_output": (
        Expected(("BT406",), "keras.Model(i, head)", "A Dense itself", "dense(x)"),
        Expected(("BT406",), "keras.Model(i, head)", "'dense_1' (Dense) itself", "dense(x)"),
    ),
    "67_rnn_cell_of_keras2": (WELL, WELL),
    "70_channels_first_input": (
        Expected(("BT309",), "keras.Sequential(", "nothing of it", "Input(shape=(224, 224, 3))"),
        Expected(("BT309",), "keras.Sequential(", "nothing of it", "Input(shape=(224, 224, 3))"),
    ),
    "71_samples_in_input_shape": (
        Expected(("BT306",), "input_shape=X.shape", "'lstm' (LSTM)", "Input(shape=(10, 32))"),
        Expected(("BT306",), "input_shape=X.shape", "'lstm' (LSTM)", "Input(shape=(10, 32))"),
    ),
    "72_conv_of_wrong_rank": (
        Expected(("BT306",), "Conv1D(16, 2)", "takes 3 axes", "keras.layers.Conv2D("),
        Expected(("BT306",), "Conv1D(16, 2)", "takes 3 axes", "keras.layers.Conv2D("),
    ),
    "73_targets_are_class_numbers": (
        Expected(("BT701",), "m.fit(", "(None,) for the output", '="sparse_categorical_cros'),
        Expected(("BT701",), "m.fit(", "(None,) for the output", '="sparse_categorical_cros'),
    ),
    "74_loss_broadcasts_targets": (
        Expected(("BT702",), "m.fit(", "with targets of (None, 1)", "keras.layers.Dense(1)"),
        Expected(("BT702",), "m.fit(", "with targets of (None, 1)", "keras.layers.Dense(1)"),
    ),
    "75_layer_used_in_a_lambda": (  # it imports Keras 3, whatever tf.keras is
        Expected(("BT214",), "return d(x)", "'dense' (Dense)", "x = dense(x)"),
        Expected(("BT214",), "return d(x)", "'dense' (Dense)", "x = dense(x)"),
    ),
    "76_axis_added_silently": (
        Expected(("BT704",), "m.fit(x, y", "an input for (None, 7, 1)", "keras.Input((1,))"),
        Expected(("BT704",), "m.fit(x, y", "an input for (None, 7, 1)", "keras.Input((1,))"),
    ),
    "80_fit_workers": (
        WELL,
        Expected(("BT504", "BT504"), "workers=2", "`workers`", "keras.utils.PyDataset"),
    ),
    "81_checkpoint_suffix": (
        WELL,
        Expected(("BT508",), "ModelCheckpoint(", "'best'", '"best.weights.h5"'),
    ),
    "82_slash_in_layer_name": (
        WELL,
        Expected(("BT509",), 'name="a/b"', "'a/b'", "name='a_b'"),
    ),
    "83_add_metric_is_gone": (
        WELL,
        Expected(("BT507",), "self.add_metric(", "self.add_metric", "keras.metrics.Mean("),
    ),
    "84_predict_classes_is_gone": (
        Expected(("BT507",), "model.predict_classes(", "since 2.6", ".argmax(axis=-1)"),
        Expected(("BT507",), "model.predict_classes(", "since 2.6", ".argmax(axis=-1)"),
    ),
    "94_constant_tensor_as_padding": (
        WELL,  # there are no `keras.ops`
        Expected(("BT602",), "keras.ops.pad(x", "'mirror_1' (Mirror)", "Python's own numbers"),
    ),
    "96_child_forgotten_in_build": (
        Expected(("BT103",), "def build(self, shape)", "'b' (Dense) in 'block'", "self.b.build("),
        Expected(("BT103",), "def build(self, shape)", "'b' (Dense) in 'block'", "self.b.build("),
    ),
}
"""Case → what is to be found on Keras 2, and on Keras 3."""


def expected(case: str, generation: str) -> Expected:
    """What has to be found in a case."""
    on_2, on_3 = TABLE[case]
    return on_2 if generation == "keras2" else on_3
