"""Masks that go where they should, and masks that end where they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnosis.sound.tools import fit, ones, ops, sound, tokens

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


@sound()
def mask_into_recurrent_layers(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((5,), dtype="int32")
    y = L.Embedding(10, 4, mask_zero=True)(x)
    y = L.Bidirectional(L.LSTM(3, return_sequences=True))(L.Dropout(0.1)(y))
    y = L.GRU(2)(L.LayerNormalization()(L.Dense(4)(y)))
    model = k.Model(x, L.Dense(1)(y))
    model(tokens(2, 5))
    k.Sequential([L.Masking(), L.LSTM(2)])(ones(2, 4, 3))
    k.Sequential([L.Embedding(10, 4, mask_zero=True), L.LSTM(2)])(tokens(2, 5))


@sound()
def mask_in_a_subclassed_model(k: Keras, folder: Path) -> None:
    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embed = k.layers.Embedding(10, 4, mask_zero=True)
            self.read = k.layers.Bidirectional(k.layers.LSTM(3))
            self.out = k.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.out(self.read(self.embed(x)))

    model = Net()
    model(tokens(2, 5))
    fit(Net(), tokens(4, 5), ones(4, 1))


@sound()
def mask_through_own_layers(k: Keras, folder: Path) -> None:
    class Scale(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Any) -> Any:
            return x * 2.0

    class Gate(k.layers.Layer):
        supports_masking = True

        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True
            self.dense = k.layers.Dense(4, activation="sigmoid")

        def call(self, x: Any, mask: Any = None) -> Any:
            y = self.dense(x) * x
            if mask is not None:
                y = y * ops(k).cast(ops(k).expand_dims(mask, -1), "float32")
            return y

    x = k.Input((5,), dtype="int32")
    y = Gate()(Scale()(k.layers.Embedding(10, 4, mask_zero=True)(x)))
    model = k.Model(x, k.layers.LSTM(2)(y))
    model(tokens(2, 5))


@sound()
def mask_used_up_by_a_pooling_of_its_own(k: Keras, folder: Path) -> None:
    """There is no time axis after it, and so no mask."""

    class Mean(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            if mask is None:
                return ops(k).mean(x, axis=1)
            mask = ops(k).cast(ops(k).expand_dims(mask, -1), "float32")
            return ops(k).sum(x * mask, axis=1) / ops(k).sum(mask, axis=1)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return None

    x = k.Input((5,), dtype="int32")
    y = Mean()(k.layers.Embedding(10, 4, mask_zero=True)(x))
    model = k.Model(x, k.layers.Dense(1)(y))
    model(tokens(2, 5))
    k.Sequential([k.layers.Embedding(10, 4, mask_zero=True), Mean()])(tokens(2, 5))


@sound()
def mask_taken_by_call_alone(k: Keras, folder: Path) -> None:
    """`call` has it as an argument and uses it; nothing after it would."""

    class Mean(k.layers.Layer):
        def call(self, x: Any, mask: Any = None) -> Any:
            if mask is None:
                return ops(k).mean(x, axis=1)
            mask = ops(k).cast(ops(k).expand_dims(mask, -1), "float32")
            return ops(k).sum(x * mask, axis=1) / ops(k).sum(mask, axis=1)

    x = k.Input((5,), dtype="int32")
    y = Mean()(k.layers.Embedding(10, 4, mask_zero=True)(x))
    k.Model(x, k.layers.Dense(1)(y))(tokens(2, 5))


@sound()
def mask_that_nobody_wants(k: Keras, folder: Path) -> None:
    """It ends in layers that take no mask, and none after them would."""
    L = k.layers  # noqa: N806
    x = k.Input((6,), dtype="int32")
    y = L.Embedding(10, 4, mask_zero=True)(x)
    z = L.Conv1D(3, 3)(y)
    z = L.GlobalMaxPooling1D()(z)
    flat = L.Flatten()(L.Lambda(lambda t: t * 1.0, output_shape=(6, 4))(y))
    k.Model(x, L.Dense(1)(L.Concatenate()([z, flat])))(tokens(2, 6))


@sound()
def mask_consumed_by_pooling_and_attention(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((5,), dtype="int32")
    y = L.Embedding(10, 4, mask_zero=True)(x)
    y = L.Add()([y, L.MultiHeadAttention(2, 2)(y, y)])
    pooled = L.GlobalAveragePooling1D()(y)
    read = L.Attention()([y, y])
    k.Model(x, [L.Dense(1)(pooled), L.GlobalAveragePooling1D()(read)])(tokens(2, 5))


@sound()
def mask_computed_by_the_users_layer(k: Keras, folder: Path) -> None:
    class Pad(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return ops(k).not_equal(ops(k).max(inputs, axis=-1), 0.0)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    class Every(k.layers.Layer):
        """Every second step, and of the mask as well."""

        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Any) -> Any:
            return x[:, ::2]

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return None if mask is None else mask[:, ::2]

    x = k.Input((4, 3))
    k.Model(x, k.layers.LSTM(2)(Every()(Pad()(x))))(ones(2, 4, 3))


@sound()
def mask_handed_on_by_hand(k: Keras, folder: Path) -> None:
    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embed = k.layers.Embedding(10, 4)
            self.read = k.layers.LSTM(3)
            self.attend = k.layers.MultiHeadAttention(2, 2)

        def call(self, x: Any) -> Any:
            mask = ops(k).not_equal(x, 0)
            y = self.embed(x)
            pairs = ops(k).logical_and(mask[:, None, :], mask[:, :, None])
            y = self.attend(y, y, attention_mask=pairs)
            return self.read(y, mask=mask)

    Net()(tokens(2, 5))


@sound()
def mask_in_time_distributed(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    x = k.Input((5,), dtype="int32")
    y = L.Embedding(10, 4, mask_zero=True)(x)
    y = L.TimeDistributed(L.Dense(3))(y)
    k.Model(x, L.LSTM(2)(L.Activation("relu")(y)))(tokens(2, 5))
