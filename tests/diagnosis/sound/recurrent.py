"""Recurrent layers, cells and wrappers, attention, and other layers that build in their own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnosis.sound.tools import fit, ones, ops, save_and_load, sound

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


@sound()
def every_recurrent_layer(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806 - as people write it
    for cls in (L.LSTM, L.GRU, L.SimpleRNN):
        x = k.Input((None, 3))
        y = cls(2, return_sequences=True)(x)
        k.Model(x, cls(2, unroll=False)(y))(ones(2, 4, 3))
    x = k.Input((4, 3))
    y, *state = L.LSTM(2, return_sequences=True, return_state=True)(x)
    k.Model(x, L.LSTM(2, unroll=True, go_backwards=True)(y, initial_state=state))(ones(2, 4, 3))


@sound()
def recurrent_cells(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    for cells in (L.LSTMCell(2), [L.GRUCell(3), L.SimpleRNNCell(2)]):
        x = k.Input((4, 3))
        k.Model(x, L.RNN(cells, return_sequences=True)(x))
    stacked = L.StackedRNNCells([L.LSTMCell(2), L.LSTMCell(3)])
    L.RNN(stacked)(ones(2, 4, 3))
    L.GRUCell(2)(ops(k).ones((2, 3)), [ops(k).ones((2, 2))])


def own_cell(k: Keras) -> type:
    class Cell(k.layers.Layer):
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.units = units
            self.state_size = units
            self.output_size = units
            self.norm = k.layers.LayerNormalization()

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(
                name="kernel", shape=(input_shape[-1], self.units), initializer="uniform"
            )
            self.norm.build((None, self.units))
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            y = self.norm(ops(k).matmul(inputs, self.kernel) + states[0])
            return y, [y]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return Cell


@sound()
def cells_of_the_users_own(k: Keras, folder: Path) -> None:
    cls = own_cell(k)
    k.Sequential([k.layers.RNN(cls(3))])(ones(2, 4, 3))
    k.Sequential([k.layers.RNN([cls(3), k.layers.GRUCell(2)])]).build((None, 4, 3))
    x = k.Input((4, 3))
    with k.keras.utils.custom_object_scope({"Cell": cls}):  # the wrapper copies the layer
        k.Model(x, k.layers.Bidirectional(k.layers.RNN(cls(2)))(x))


@sound()
def cell_built_by_its_calls(k: Keras, folder: Path) -> None:
    """A cell whose layers are built by the first step."""

    class Cell(k.layers.Layer):
        state_size = 3
        output_size = 3

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = k.layers.Dense(3)

        def call(self, inputs: Any, states: Any) -> Any:
            y = self.dense(inputs) + states[0]
            return y, [y]

    k.Sequential([k.layers.RNN(Cell(), unroll=True)])(ones(2, 4, 3))


@sound()
def bidirectionals(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((4, 3))
    y = L.Bidirectional(L.LSTM(2, return_sequences=True))(x)
    y = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum")(y)
    y = L.Bidirectional(L.LSTM(2), backward_layer=L.LSTM(2, go_backwards=True))(y)
    model = k.Model(x, y)
    fit(model, ones(4, 4, 3), ones(4, 4))
    save_and_load(k, model, folder)


@sound()
def time_distributed(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    inner = k.Sequential([k.Input((6, 6, 1)), L.Conv2D(2, 3), L.Flatten()])
    x = k.Input((4, 6, 6, 1))
    y = L.TimeDistributed(inner)(x)
    y = L.TimeDistributed(L.Dense(3))(y)
    y = L.TimeDistributed(L.Dropout(0.1))(y)
    model = k.Model(x, L.LSTM(2)(y))
    model(ones(2, 4, 6, 6, 1))
    k.Sequential([L.TimeDistributed(L.Dense(2)), L.Flatten()])(ones(2, 4, 3))


@sound()
def stateful(k: Keras, folder: Path) -> None:
    model = k.Sequential(
        [
            k.keras.Input(batch_shape=(2, 4, 3)),
            k.layers.LSTM(3, stateful=True, return_sequences=True),
            k.layers.GRU(2, stateful=True),
        ]
    )
    model(ones(2, 4, 3))
    model(ones(2, 4, 3))
    for layer in model.layers:
        if hasattr(layer, "reset_states"):
            layer.reset_states()
        elif hasattr(layer, "reset_state"):
            layer.reset_state()
    model(ones(2, 4, 3))


@sound()
def convolutional_recurrent(k: Keras, folder: Path) -> None:
    x = k.Input((3, 6, 6, 1))
    y = k.layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True)(x)
    y = k.layers.Bidirectional(k.layers.ConvLSTM2D(2, 3))(y)
    k.Model(x, y)(ones(1, 3, 6, 6, 1))
    k.layers.ConvLSTM1D(2, 3)(ones(1, 3, 6, 1))


@sound()
def encoder_and_decoder(k: Keras, folder: Path) -> None:
    """Trained as one model; the parts are models of their own for inference."""
    L = k.layers  # noqa: N806
    source, target = k.Input((None,), dtype="int32"), k.Input((None,), dtype="int32")
    encoder = L.LSTM(4, return_state=True)
    _, *state = encoder(L.Embedding(10, 3)(source))
    embed, decoder = L.Embedding(10, 3), L.LSTM(4, return_sequences=True, return_state=True)
    head = L.Dense(10)
    y, *_ = decoder(embed(target), initial_state=state)
    model = k.Model([source, target], head(y))
    model([ones(2, 5).astype("int32"), ones(2, 4).astype("int32")])
    k.Model(source, state)
    given = [k.Input((4,)), k.Input((4,))]
    z, *after = decoder(embed(target), initial_state=given)
    k.Model([target, *given], [head(z), *after])


@sound()
def attention_layers(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x, y = k.Input((4, 3)), k.Input((5, 3))
    a = L.Attention(use_scale=True)([x, y])
    b = L.AdditiveAttention()([x, y])
    c = L.MultiHeadAttention(2, 2)(x, y)
    d, scores = L.MultiHeadAttention(2, 2)(x, y, return_attention_scores=True)
    e = L.MultiHeadAttention(2, 2, value_dim=3, output_shape=3)(x, value=y, key=y)
    outs = [L.LayerNormalization()(L.Add()([a, b, c, d, e])), scores]
    if k.generation == 3:
        outs.append(L.GroupQueryAttention(2, 4, 2)(x, y))
    model = k.Model([x, y], outs)
    model([ones(2, 4, 3), ones(2, 5, 3)])
    L.MultiHeadAttention(2, 2)(ones(2, 4, 3), ones(2, 4, 3), use_causal_mask=True)
    L.MultiHeadAttention(2, 2, attention_axes=(1, 2))(ones(2, 4, 4, 3), ones(2, 4, 4, 3))


@sound()
def normalizing_wrappers(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((8, 8, 3))
    # That of Keras 2 takes its InputSpec from `tf.keras`, which is another Keras in this process.
    spectral = L.SpectralNormalization if k.generation == 3 else lambda layer: layer
    y = L.GroupNormalization(2)(spectral(L.Conv2D(4, 3))(x))
    y = spectral(L.Dense(3))(L.Flatten()(y))
    model = k.Model(x, L.UnitNormalization()(y))
    fit(model, ones(2, 8, 8, 3), ones(2, 3))
    save_and_load(k, model, folder)
    spectral(L.Dense(3))(ones(2, 3))


@sound()
def weight_normalization(k: Keras, folder: Path) -> None:
    """As libraries of additional layers write it: a wrapper that takes its layer's kernel."""

    class WeightNormalization(k.layers.Wrapper):
        def build(self, input_shape: Any) -> None:
            if not self.layer.built:
                self.layer.build(input_shape)
            self.g = self.add_weight(
                name="g", shape=(int(self.layer.kernel.shape[-1]),), initializer="ones"
            )
            self.built = True

        def call(self, x: Any) -> Any:
            norm = ops(k).sqrt(ops(k).sum(ops(k).square(self.layer.kernel), axis=0))
            return self.layer(x) * (self.g / norm)

    model = k.Sequential([WeightNormalization(k.layers.Dense(4)), k.layers.Dense(1)])
    model.build((None, 3))
    model(ones(2, 3))


@sound()
def convolutions(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((12, 12, 4))
    y = L.SeparableConv2D(4, 3)(x)
    y = L.DepthwiseConv2D(3, depth_multiplier=2)(y)
    y = L.Conv2D(8, 3, groups=2, dilation_rate=2)(y)
    y = L.Conv2DTranspose(4, 3)(y)
    y = L.PReLU(shared_axes=[1, 2])(y)
    y = L.EinsumDense("abcd,de->abce", output_shape=(None, None, 6))(y)
    model = k.Model(x, L.GlobalMaxPooling2D(keepdims=True)(y))
    model(ones(1, 12, 12, 4))
    k.Sequential([L.Conv1D(2, 3), L.Conv1DTranspose(2, 3), L.SeparableConv1D(2, 3)])(ones(1, 9, 2))
    k.Sequential([L.Conv3D(2, 2), L.MaxPooling3D(), L.UpSampling3D()])(ones(1, 4, 4, 4, 1))


@sound()
def shapes_and_merges(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((4, 6))
    parts = [L.Reshape((6, 4))(x), L.Permute((2, 1))(x)]
    y = L.Concatenate(axis=-1)([*parts, L.Multiply()(parts), L.Average()(parts)])
    y = L.Cropping1D((1, 1))(L.ZeroPadding1D(1)(y))
    y = L.RepeatVector(3)(L.Flatten()(y))
    y = L.AveragePooling1D(3)(y)
    k.Model(x, L.Dot(axes=1)([L.Flatten()(y), L.Flatten()(y)]))(ones(2, 4, 6))
