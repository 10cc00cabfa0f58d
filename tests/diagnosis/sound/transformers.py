"""Transformers as libraries build them: blocks with caches, tied embeddings, backbones, tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnosis.sound.tools import fit, ones, ops, save_and_load, save_weights, sound, tokens

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras

WIDTH = 8


def position_embedding(k: Keras) -> type:
    class PositionEmbedding(k.layers.Layer):
        def __init__(self, length: int, **options: Any) -> None:
            super().__init__(**options)
            self.length = length
            self.supports_masking = True

        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(
                name="table", shape=(self.length, input_shape[-1]), initializer="uniform"
            )
            self.built = True

        def call(self, x: Any, start: int = 0) -> Any:
            size = ops(k).shape(x)[1]
            return x + self.table[None, start : start + size]

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "length": self.length}

    return PositionEmbedding


def encoder_block(k: Keras) -> type:
    """Children are made in `__init__` and built in `build`, as libraries do it."""

    class EncoderBlock(k.layers.Layer):
        def __init__(self, heads: int = 2, **options: Any) -> None:
            super().__init__(**options)
            self.heads = heads
            self.supports_masking = True
            self.attention = k.layers.MultiHeadAttention(heads, WIDTH // heads)
            self.attention_norm = k.layers.LayerNormalization()
            self.up = k.layers.Dense(2 * WIDTH, activation="relu")
            self.down = k.layers.Dense(WIDTH)
            self.norm = k.layers.LayerNormalization()
            self.drop = k.layers.Dropout(0.1)

        def build(self, input_shape: Any) -> None:
            shape = tuple(input_shape)
            if k.generation == 3:
                self.attention.build(shape, shape)
            else:
                self.attention._build_from_signature(k.Input(shape[1:]), k.Input(shape[1:]))
            self.attention_norm.build(shape)
            self.up.build(shape)
            self.down.build((*shape[:-1], 2 * WIDTH))
            self.norm.build(shape)
            self.built = True

        def call(self, x: Any, mask: Any = None, training: Any = None) -> Any:
            if mask is not None:
                mask = mask[:, None, :]
            y = self.attention(x, x, attention_mask=mask)
            x = self.attention_norm(x + self.drop(y, training=training))
            y = self.down(self.up(x))
            return self.norm(x + self.drop(y, training=training))

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "heads": self.heads}

    return EncoderBlock


def lazy_block(k: Keras) -> type:
    """Children are built by the first call, as most people do it."""

    class LazyBlock(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.attention = k.layers.MultiHeadAttention(2, WIDTH // 2)
            self.ffn = k.Sequential(
                [k.layers.Dense(2 * WIDTH, activation="relu"), k.layers.Dense(WIDTH)]
            )
            self.norms = [k.layers.LayerNormalization() for _ in range(2)]
            self.drops = [k.layers.Dropout(0.1) for _ in range(2)]

        def call(self, x: Any, training: Any = None) -> Any:
            y = self.drops[0](self.attention(x, x), training=training)
            x = self.norms[0](x + y)
            return self.norms[1](x + self.drops[1](self.ffn(x), training=training))

    return LazyBlock


def tied_embedding(k: Keras) -> type:
    """An embedding that also goes back from vectors to words."""

    class TiedEmbedding(k.layers.Embedding):
        def call(self, x: Any, reverse: bool = False) -> Any:
            if reverse:
                table = ops(k).transpose(ops(k).cast(self.embeddings, x.dtype))
                return ops(k).matmul(x, table)
            return super().call(x)

        def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:
            if reverse:
                return (*input_shape[:-1], self.input_dim)
            return (*input_shape, self.output_dim)

    return TiedEmbedding


@sound()
def encoder_of_keras_layers(k: Keras, folder: Path) -> None:
    position, block = position_embedding(k), encoder_block(k)
    x = k.Input((6,), dtype="int32")
    y = position(6)(k.layers.Embedding(20, WIDTH)(x))
    for _ in range(2):
        y = block()(y)
    model = k.Model(x, k.layers.Dense(2)(k.layers.GlobalAveragePooling1D()(y)))
    fit(model, tokens(4, 6), ones(4, 2))
    save_and_load(k, model, folder, PositionEmbedding=position, EncoderBlock=block)


@sound()
def encoder_of_lazy_blocks(k: Keras, folder: Path) -> None:
    block = lazy_block(k)

    class Encoder(k.keras.Model):
        def __init__(self, depth: int) -> None:
            super().__init__()
            self.embed = k.layers.Embedding(20, WIDTH)
            self.positions = k.layers.Embedding(6, WIDTH)
            self.blocks = [block(name=f"block{i}") for i in range(depth)]
            self.head = k.layers.Dense(2)

        def call(self, x: Any, training: Any = None) -> Any:
            y = self.embed(x) + self.positions(ops(k).arange(6))
            for each in self.blocks:
                y = each(y, training=training)
            return self.head(ops(k).mean(y, axis=1))

    model = Encoder(2)
    model(tokens(2, 6))
    fresh = Encoder(2)
    fresh(tokens(2, 6))
    save_weights(model, fresh, folder)
    fit(model, tokens(4, 6), ones(4, 2))
    fit(Encoder(1), tokens(4, 6), ones(4, 2))


@sound()
def encoder_with_a_mask(k: Keras, folder: Path) -> None:
    """The padding's mask goes from the embedding through positions and blocks into the pooling."""
    x = k.Input((6,), dtype="int32")
    y = k.layers.Embedding(20, WIDTH, mask_zero=True)(x)
    y = encoder_block(k)()(position_embedding(k)(6)(y))
    model = k.Model(x, k.layers.GlobalAveragePooling1D()(y))
    model(tokens(2, 6))


def decoder_block(k: Keras) -> type:
    class DecoderBlock(k.layers.Layer):
        """Causal attention with a cache of keys and values, and attention to a context."""

        def __init__(self, cross: bool = False, **options: Any) -> None:
            super().__init__(**options)
            self.query, self.key, self.value = (k.layers.Dense(WIDTH) for _ in range(3))
            self.out = k.layers.Dense(WIDTH)
            self.norm = k.layers.LayerNormalization()
            self.cross = k.layers.MultiHeadAttention(2, 4) if cross else None
            self.cross_norm = k.layers.LayerNormalization() if cross else None

        def call(self, x: Any, context: Any = None, cache: Any = None) -> Any:
            o = ops(k)
            q, key, value = self.query(x), self.key(x), self.value(x)
            if cache is not None:
                key = o.concatenate([cache[0], key], axis=1)
                value = o.concatenate([cache[1], value], axis=1)
            scores = o.matmul(q, o.transpose(key, (0, 2, 1)))
            x = self.norm(x + self.out(o.matmul(o.softmax(scores), value)))
            if self.cross is not None and context is not None:
                x = self.cross_norm(x + self.cross(x, context))
            return x if cache is None else (x, (key, value))

    return DecoderBlock


@sound()
def decoder_with_a_cache(k: Keras, folder: Path) -> None:
    block, tied = decoder_block(k), tied_embedding(k)

    class Decoder(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embed = tied(20, WIDTH)
            self.blocks = [block() for _ in range(2)]
            self.norm = k.layers.LayerNormalization()

        def call(self, x: Any) -> Any:
            y = self.embed(x)
            for each in self.blocks:
                y = each(y)
            return self.embed(self.norm(y), reverse=True)

        def step(self, x: Any, caches: Any) -> Any:
            y, after = self.embed(x), []
            for each, cache in zip(self.blocks, caches, strict=True):
                y, cache = each(y, cache=cache)
                after.append(cache)
            return self.embed(self.norm(y), reverse=True), after

    model = Decoder()
    model(tokens(2, 4))
    caches = [(ops(k).zeros((2, 1, WIDTH)), ops(k).zeros((2, 1, WIDTH))) for _ in range(2)]
    for _ in range(2):
        _, caches = model.step(tokens(2, 1), caches)
    # Generating comes first here, and training later.
    other = Decoder()
    caches = [(ops(k).zeros((2, 1, WIDTH)), ops(k).zeros((2, 1, WIDTH))) for _ in range(2)]
    other.step(tokens(2, 1), caches)
    other(tokens(2, 4))


@sound()
def encoder_decoder(k: Keras, folder: Path) -> None:
    block, lazy, tied = decoder_block(k), lazy_block(k), tied_embedding(k)

    class Translator(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embed = tied(20, WIDTH)
            self.encoder = [lazy() for _ in range(2)]
            self.decoder = [block(cross=True) for _ in range(2)]

        def encode(self, x: Any) -> Any:
            y = self.embed(x)
            for each in self.encoder:
                y = each(y)
            return y

        def call(self, inputs: Any) -> Any:
            context = self.encode(inputs["source"])
            y = self.embed(inputs["target"])
            for each in self.decoder:
                y = each(y, context=context)
            return self.embed(y, reverse=True)

    data = {"source": tokens(4, 5), "target": tokens(4, 4)}
    model = Translator()
    model(data)
    model.encode(tokens(2, 3))
    fit(model, data, ones(4, 4, 20))
    first = Translator()
    first.encode(tokens(2, 3))
    first(data)


@sound()
def masked_words_with_tied_weights(k: Keras, folder: Path) -> None:
    """The head is given the embedding, whose table it uses again."""

    class Head(k.layers.Layer):
        def __init__(self, embedding: Any, **options: Any) -> None:
            super().__init__(**options)
            self.embedding = embedding
            self.dense = k.layers.Dense(WIDTH, activation="relu")
            self.norm = k.layers.LayerNormalization()

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)
            self.norm.build(input_shape)
            self.bias = self.add_weight(name="bias", shape=(20,), initializer="zeros")
            self.built = True

        def call(self, x: Any) -> Any:
            y = self.norm(self.dense(x))
            return ops(k).matmul(y, ops(k).transpose(self.embedding.embeddings)) + self.bias

    embedding = k.layers.Embedding(20, WIDTH)
    x = k.Input((6,), dtype="int32")
    y = encoder_block(k)()(embedding(x))
    fit(k.Model(x, Head(embedding)(y)), tokens(4, 6), ones(4, 6, 20))


def backbone(k: Keras) -> type:
    """A model of Keras' graphs, subclassed: the layers are attributes as well."""
    block, tied, position = encoder_block(k), tied_embedding(k), position_embedding(k)

    class Backbone(k.keras.Model):
        def __init__(self, depth: int = 2, **options: Any) -> None:
            embedding = tied(20, WIDTH, name="token_embedding")
            positions = position(6, name="position_embedding")
            blocks = [block(name=f"layer_{i}") for i in range(depth)]
            words = k.Input((None,), dtype="int32", name="token_ids")
            padding = k.Input((None,), dtype="int32", name="padding_mask")
            x = positions(embedding(words))
            for each in blocks:
                x = each(x, mask=padding)
            outputs = {"sequence": x, "pooled": x[:, 0]}
            super().__init__({"token_ids": words, "padding_mask": padding}, outputs, **options)
            self.token_embedding, self.depth = embedding, depth
            self.transformer_layers = blocks

        def get_config(self) -> dict[str, Any]:
            return {"depth": self.depth, "name": self.name}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return cls(**config)

    return Backbone


@sound()
def task_with_backbone_and_preprocessor(k: Keras, folder: Path) -> None:
    cls = backbone(k)

    class Preprocessor(k.layers.Layer):
        """Packs words: no tensors of the model's, and nothing to build."""

        def call(self, words: Any) -> Any:
            return {"token_ids": words, "padding_mask": ops(k).cast(words != 0, "int32")}

    class Classifier(k.keras.Model):
        def __init__(self, body: Any, preprocessor: Any = None, **options: Any) -> None:
            pooled = k.layers.Dropout(0.1)(body(body.input)["pooled"])
            head = k.layers.Dense(2, name="logits")
            super().__init__(body.input, head(pooled), **options)
            self.backbone, self.preprocessor, self.head = body, preprocessor, head

        def predict_words(self, words: Any) -> Any:
            return self(self.preprocessor(words))

    model = Classifier(cls(), Preprocessor())
    model.predict_words(tokens(2, 6))
    data = {"token_ids": tokens(4, 6), "padding_mask": ones(4, 6).astype("int32")}
    fit(model, data, ones(4, 2))
    model.backbone.trainable = False
    again = Classifier(cls(), Preprocessor())
    save_weights(model, again, folder)
    model.summary(print_fn=lambda *a, **o: None)


@sound()
def backbone_in_a_subclassed_task(k: Keras, folder: Path) -> None:
    cls = backbone(k)

    class Generator(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = cls(1)
            self.norm = k.layers.LayerNormalization()

        def call(self, x: Any) -> Any:
            y = self.norm(self.backbone(x)["sequence"])
            return self.backbone.token_embedding(y, reverse=True)

    data = {"token_ids": tokens(2, 6), "padding_mask": ones(2, 6).astype("int32")}
    model, fresh = Generator(), Generator()
    model(data)
    fresh(data)
    save_weights(model, fresh, folder)


@sound()
def vision_transformer(k: Keras, folder: Path) -> None:
    class Patches(k.layers.Layer):
        def __init__(self, size: int, **options: Any) -> None:
            super().__init__(**options)
            self.size = size
            self.project = k.layers.Conv2D(WIDTH, size, strides=size)
            self.flat = k.layers.Reshape((-1, WIDTH))

        def build(self, input_shape: Any) -> None:
            self.project.build(input_shape)
            self.token = self.add_weight(name="token", shape=(1, 1, WIDTH), initializer="zeros")
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            y = self.flat(self.project(x))
            first = ops(k).broadcast_to(self.token, (ops(k).shape(x)[0], 1, WIDTH))
            return ops(k).concatenate([first, y], axis=1)

        def compute_output_shape(self, input_shape: Any) -> Any:
            sizes = [size // self.size for size in input_shape[1:3]]
            return input_shape[0], sizes[0] * sizes[1] + 1, WIDTH

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "size": self.size}

    x = k.Input((8, 8, 3))
    y = encoder_block(k)()(position_embedding(k)(5)(Patches(4)(x)))
    y = k.layers.Lambda(lambda t: t[:, 0], output_shape=(WIDTH,))(y)
    fit(k.Model(x, k.layers.Dense(2)(y)), ones(2, 8, 8, 3), ones(2, 2))


@sound()
def rotary_and_rms(k: Keras, folder: Path) -> None:
    """Layers whose state is computed, not made: sines of positions, and a scale."""

    class RMSNorm(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
            self.built = True

        def call(self, x: Any) -> Any:
            size = ops(k).mean(ops(k).square(x), axis=-1, keepdims=True)
            return x / ops(k).sqrt(size + 1e-6) * self.scale

    class Rotary(k.layers.Layer):
        def call(self, x: Any, start: int = 0) -> Any:
            place = ops(k).cast(ops(k).arange(x.shape[1]) + start, "float32")
            first, second = ops(k).split(x, 2, axis=-1)
            return ops(k).concatenate([first * place[:, None], second], axis=-1)

    class Block(k.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.norm, self.rotary = RMSNorm(), Rotary()
            self.gate = k.layers.Dense(2 * WIDTH, use_bias=False, activation="sigmoid")
            self.up = k.layers.Dense(2 * WIDTH, use_bias=False)
            self.down = k.layers.Dense(WIDTH, use_bias=False)

        def build(self, input_shape: Any) -> None:
            for layer in (self.norm, self.gate, self.up):
                layer.build(input_shape)
            self.down.build((*tuple(input_shape)[:-1], 2 * WIDTH))
            self.built = True

        def call(self, x: Any) -> Any:
            y = self.norm(self.rotary(x))
            return x + self.down(self.gate(y) * self.up(y))

    x = k.Input((4, WIDTH))
    model = k.Model(x, RMSNorm()(Block()(Block()(x))))
    fit(model, ones(2, 4, WIDTH), ones(2, 4, WIDTH))
    save_and_load(k, model, folder, Block=Block, RMSNorm=RMSNorm, Rotary=Rotary)
