"""Scripts that spread models over eight virtual devices on JAX."""

HEAD = """\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import numpy as np
import keras
from keras import distribution as dist
from keras import layers


def parallel(shape, **entries):
    mesh = dist.DeviceMesh(shape, ("batch", "model"), dist.list_devices())
    layout_map = dist.LayoutMap(mesh)
    for pattern, axes in entries.items():
        layout_map[pattern] = axes
    return dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch")


def block(number, size=8):
    inner = [layers.Dense(4 * size, name="up"), layers.Dense(size, name="down")]
    return keras.Sequential([keras.Input((size,)), *inner], name=f"block_{number}")


def stack(blocks):
    x = inputs = keras.Input((8,))
    for each in blocks:
        x = layers.LayerNormalization()(each(x) + x)
    return keras.Model(inputs, x)


"""

SPLIT = (
    '{".*up/kernel": (None, "model"), ".*up/bias": ("model",), ".*down/kernel": ("model", None)}'
)

SOUND = {
    "data parallel": """
dist.set_distribution(dist.DataParallel())
model = stack([block(0), block(1)])
model.compile("adam", "mse")
model.fit(np.ones((8, 8)), np.ones((8, 8)), verbose=0)
""",
    "a picture's model, data parallel": """
with dist.DataParallel(devices=dist.list_devices()).scope():
    inner = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.Flatten()]
    model = keras.Sequential([keras.Input((8, 8, 3)), *inner, layers.Dropout(0.5), layers.Dense(3)])
    model.compile("adam", "sparse_categorical_crossentropy")
""",
    "two by four": f"""
dist.set_distribution(parallel((2, 4), **{SPLIT}))
model = stack([block(number) for number in range(4)])
model.compile("adam", "mse")
model.fit(np.ones((8, 8)), np.ones((8, 8)), verbose=0)
""",
    "one by eight": f"""
dist.set_distribution(parallel((1, 8), **{SPLIT}))
model = stack([block(number) for number in range(12)])
""",
    "both axes": """
entries = {".*up/kernel": ("batch", "model"), ".*down/kernel": ("model", "batch")}
dist.set_distribution(parallel((2, 4), **entries))
model = stack([block(0), block(1)])
""",
    "without biases": """
entries = {".*up/kernel": (None, "model"), ".*down/kernel": ("model", None)}
dist.set_distribution(parallel((2, 4), **entries))
model = stack([block(0), block(1)])
""",
    "outputs": f"""
entries = {SPLIT} | {{".*up/output": ("batch", "model"), ".*block_./output": ("batch", None)}}
dist.set_distribution(parallel((2, 4), **entries))
model = stack([block(0), block(1)])
model(np.ones((8, 8)))
""",
    "outputs of a model that was not called": """
dist.set_distribution(parallel((2, 4), **{"up/kernel": (None, "model"), "up/output": ("batch",)}))
layer = layers.Dense(8, name="up")
layer.build((None, 16))
""",
    "attention": """
entries = {
    ".*(query|key|value)/kernel": (None, "model", None),
    ".*attention_output/kernel": ("model", None, None),
}
dist.set_distribution(parallel((2, 4), **entries))
x = inputs = keras.Input((6, 16))
for _ in range(3):
    attention = layers.MultiHeadAttention(4, 4)
    x = layers.LayerNormalization()(x + attention(x, x))
model = keras.Model(inputs, layers.Dense(16)(x))
""",
    "large and meant to be whole": """
entries = {"up/kernel": (None, "model"), "down/kernel": (None, None)}
dist.set_distribution(parallel((2, 4), **entries))
inputs = keras.Input((2048,))
x = layers.Dense(2048, name="up")(inputs)
model = keras.Model(inputs, layers.Dense(2048, name="down")(x))
""",
    "an embedding": """
dist.set_distribution(parallel((2, 4), **{".*embedding/embeddings": ("model", None)}))
inner = [layers.Embedding(1000, 16), layers.GlobalAveragePooling1D(), layers.Dense(2)]
model = keras.Sequential([keras.Input((5,), dtype="int32"), *inner])
""",
    "whole paths": """
entries = {"dense_a/kernel": (None, "model"), "dense_b/kernel": ("model", None)}
dist.set_distribution(parallel((2, 4), **entries))
inputs = keras.Input((16,))
x = layers.Dense(16, name="dense_a")(inputs)
x = layers.Dense(16, name="dense_b")(x)
model = keras.Model(inputs, layers.Dense(16, name="dense_c")(x))
""",
    "one part of a model": """
dist.set_distribution(parallel((2, 4), **{"decoder_.*/up/kernel": (None, "model")}))
encoder = [block(0), block(1)]
decoder = [
    keras.Sequential([keras.Input((8,)), layers.Dense(8, name="up")], name=f"decoder_{number}")
    for number in range(2)
]
model = stack([*encoder, *decoder])
""",
    "a second model that is not spread": f"""
with parallel((2, 4), **{SPLIT}).scope():
    model = stack([block(0), block(1)])
other = stack([block(2), block(3)])
""",
    "two meshes": f"""
with parallel((2, 4), **{SPLIT}).scope():
    model = stack([block(0), block(1)])
with parallel((1, 8), **{SPLIT}).scope():
    other = stack([block(2), block(3)])
""",
    "lora": f"""
dist.set_distribution(parallel((2, 4), **{SPLIT}))
blocks = [block(0), block(1)]
model = stack(blocks)
for each in blocks:
    each.get_layer("up").enable_lora(2)
""",
    "nothing is made": f"""
dist.set_distribution(parallel((2, 4), **{SPLIT}))
metric = keras.metrics.Mean()
""",
    "llama": """
import keras_hub

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = keras_hub.models.Llama3Backbone.get_layout_map(mesh)
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras_hub.models.Llama3Backbone(
    vocabulary_size=64, num_layers=2, num_query_heads=8, hidden_dim=32, intermediate_dim=64,
    num_key_value_heads=4,
)
""",
    "gemma": """
import keras_hub

mesh = dist.DeviceMesh((1, 8), ("batch", "model"), dist.list_devices())
layout_map = keras_hub.models.GemmaBackbone.get_layout_map(mesh)
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras_hub.models.GemmaBackbone(
    vocabulary_size=64, num_layers=2, num_query_heads=8, num_key_value_heads=8, hidden_dim=32,
    intermediate_dim=128, head_dim=8,
)
""",
}
"""Layouts of which nothing is said, by what is special in them."""

FAULTS = {
    "a word is wrong": (
        "BT901",
        """
mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*densse/kernel"] = (None, "model")  # here
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras.Sequential([keras.Input((16,)), layers.Dense(8, name="dense")])
""",
    ),
    "an end is missing": (
        "BT901",
        """
mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*dense"] = (None, "model")  # here
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras.Sequential([keras.Input((16,)), layers.Dense(8, use_bias=False)])
""",
    ),
    "several that the mesh does not divide": (
        "BT904",
        """
mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*query/kernel"] = (None, "model", None)  # here
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
x = inputs = keras.Input((6, 16))
x = layers.MultiHeadAttention(6, 4)(x, x)
""",
    ),
    "two axes of the mesh along one of the variable": (
        "BT904",
        """
import jax

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
spec = jax.sharding.PartitionSpec(("batch", "model"), None)


class Mine(dist.ModelParallel):
    def get_variable_layout(self, variable):
        if variable.path.endswith("kernel"):
            return jax.sharding.NamedSharding(mesh.backend_mesh, spec)
        return super().get_variable_layout(variable)


spread = Mine(layout_map=dist.LayoutMap(mesh), batch_dim_name="batch")
dist.set_distribution(spread)  # here
model = keras.Sequential([keras.Input((12,)), layers.Dense(8)])
""",
    ),
    "fewer axes than the variable has": (
        "BT905",
        """
mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*dense.*"] = ("model",)  # here
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras.Sequential([keras.Input((16,)), layers.Dense(8)])
""",
    ),
    "one of several heads": (
        "BT907",
        """
mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*(query|key)/kernel"] = (None, "model", None)  # here
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
x = inputs = keras.Input((6, 16))
model = keras.Model(inputs, layers.MultiHeadAttention(4, 4)(x, x))
""",
    ),
    "llama's own map leaves out the last kernel": (
        "BT903",
        """
import keras_hub

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = keras_hub.models.Llama3Backbone.get_layout_map(mesh)
spread = dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch")
dist.set_distribution(spread)  # here
model = keras_hub.models.Llama3Backbone(
    vocabulary_size=65536, num_layers=1, num_query_heads=8, hidden_dim=64, intermediate_dim=64,
    num_key_value_heads=4,
)
""",
    ),
}
"""Faults, by what they are: the codes that are found, and the line that is to be looked at."""
