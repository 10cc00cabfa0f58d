"""Models with a training step of their own: adversarial, variational, distilled, contrastive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnosis.sound.tools import fit, ones, ops, save_weights, sound, tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


def _noise(k: Keras, *shape: int) -> Any:
    return tensorflow().random.normal(shape)


@sound()
def gan(k: Keras, folder: Path) -> None:
    """A model that is never called itself: its step calls the two in it."""
    tf = tensorflow()

    class GAN(k.keras.Model):
        def __init__(self, generator: Any, critic: Any) -> None:
            super().__init__()
            self.generator, self.critic = generator, critic
            self.seen = k.keras.metrics.Mean(name="loss")

        def compile(self, g: Any, c: Any, loss: Any) -> None:
            super().compile()
            self.g, self.c, self.loss_of = g, c, loss

        @property
        def metrics(self) -> list[Any]:
            return [self.seen]

        def train_step(self, real: Any) -> Any:
            z = _noise(k, 2, 3)
            fake = self.generator(z)
            both = tf.concat([fake, real], axis=0)
            labels = tf.concat([tf.ones((2, 1)), tf.zeros((2, 1))], axis=0)
            with tf.GradientTape() as tape:
                loss = self.loss_of(labels, self.critic(both))
            self._apply(tape, loss, self.critic, self.c)
            with tf.GradientTape() as tape:
                loss = self.loss_of(tf.zeros((2, 1)), self.critic(self.generator(z)))
            self._apply(tape, loss, self.generator, self.g)
            self.seen.update_state(loss)
            return {"loss": self.seen.result()}

        def _apply(self, tape: Any, loss: Any, model: Any, optimizer: Any) -> None:
            variables = model.trainable_weights
            gradients = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))

    generator = k.Sequential([k.Input((3,)), k.layers.Dense(8), k.layers.Dense(4)])
    critic = k.Sequential([k.Input((4,)), k.layers.Dense(8), k.layers.Dense(1)])
    model = GAN(generator, critic)
    model.compile(
        k.keras.optimizers.Adam(),
        k.keras.optimizers.Adam(),
        k.keras.losses.BinaryCrossentropy(from_logits=True),
    )
    model.fit(tf.data.Dataset.from_tensor_slices(ones(4, 4)).batch(2), verbose=0)
    generator.save(str(folder / "generator.keras"))


@sound()
def gan_of_parts_without_shapes(k: Keras, folder: Path) -> None:
    """The parts get built by the first step, inside of a function of TensorFlow."""
    tf = tensorflow()

    class GAN(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.generator = k.Sequential([k.layers.Dense(8), k.layers.Dense(4)])
            self.critic = k.Sequential([k.layers.Dense(8), k.layers.Dense(1)])

        def call(self, z: Any) -> Any:
            return self.generator(z)

        def train_step(self, real: Any) -> Any:
            with tf.GradientTape(persistent=True) as tape:
                fake = self(_noise(k, 2, 3), training=True)
                loss = tf.reduce_mean(self.critic(fake)) - tf.reduce_mean(self.critic(real))
            variables = self.trainable_variables
            self.optimizer.apply_gradients(
                zip(tape.gradient(loss, variables), variables, strict=True)
            )
            return {"loss": loss}

    model = GAN()
    model.compile("adam")
    model(ones(2, 3))
    model.critic(ones(2, 4))
    model.fit(tf.data.Dataset.from_tensor_slices(ones(4, 4)).batch(2), verbose=0)


@sound()
def adversarial_with_a_shared_critic(k: Keras, folder: Path) -> None:
    """The old way: the critic is compiled alone, and frozen in the joint model."""
    generator = k.Sequential([k.Input((3,)), k.layers.Dense(4)])
    critic = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    critic.compile("sgd", "mse", run_eagerly=True)
    critic.trainable = False
    z = k.Input((3,))
    joint = k.Model(z, critic(generator(z)))
    joint.compile("sgd", "mse", run_eagerly=True)
    joint.train_on_batch(ones(2, 3), ones(2, 1))


def _sampling(k: Keras) -> type:
    class Sampling(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            mean, log = inputs
            noise = tensorflow().random.normal(tensorflow().shape(mean))
            return mean + ops(k).exp(0.5 * log) * noise

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape[0]

    return Sampling


@sound()
def vae(k: Keras, folder: Path) -> None:
    """Encoder and decoder as functional models in a model with steps of its own."""
    tf = tensorflow()
    x = k.Input((6,))
    hidden = k.layers.Dense(8, activation="relu")(x)
    mean, log = k.layers.Dense(2, name="mean")(hidden), k.layers.Dense(2, name="log")(hidden)
    encoder = k.Model(x, [mean, log, _sampling(k)()([mean, log])])
    z = k.Input((2,))
    decoder = k.Model(z, k.layers.Dense(6)(k.layers.Dense(8, activation="relu")(z)))

    class VAE(k.keras.Model):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.encoder, self.decoder = encoder, decoder
            self.tracker = k.keras.metrics.Mean(name="loss")

        @property
        def metrics(self) -> list[Any]:
            return [self.tracker]

        def _loss(self, data: Any) -> Any:
            mean, log, code = self.encoder(data)
            kl = -0.5 * tf.reduce_mean(1 + log - tf.square(mean) - tf.exp(log))
            return tf.reduce_mean(tf.square(data - self.decoder(code))) + kl

        def train_step(self, data: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = self._loss(data)
            weights = self.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

        def test_step(self, data: Any) -> Any:
            self.tracker.update_state(self._loss(data))
            return {"loss": self.tracker.result()}

    model = VAE()
    model.compile("adam", run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(ones(4, 6)).batch(2), verbose=0)
    model.evaluate(tf.data.Dataset.from_tensor_slices(ones(4, 6)).batch(2), verbose=0)


@sound()
def vae_with_a_call(k: Keras, folder: Path) -> None:
    """Subclassed in all of its parts; loss by `add_loss`."""

    class Encoder(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = k.layers.Dense(8, activation="relu")
            self.mean, self.log = k.layers.Dense(2), k.layers.Dense(2)
            self.sample = _sampling(k)()

        def call(self, x: Any) -> Any:
            y = self.hidden(x)
            mean, log = self.mean(y), self.log(y)
            return mean, log, self.sample([mean, log])

    class VAE(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = Encoder()
            self.decoder = k.Sequential([k.layers.Dense(8), k.layers.Dense(6)])

        def call(self, x: Any) -> Any:
            mean, log, code = self.encoder(x)
            self.add_loss(-0.5 * ops(k).mean(1 + log - ops(k).square(mean) - ops(k).exp(log)))
            return self.decoder(code)

        def generate(self, z: Any) -> Any:
            return self.decoder(z)

    model = VAE()
    fit(model, ones(4, 6), ones(4, 6))
    model.generate(ones(2, 2))


@sound()
def distillation(k: Keras, folder: Path) -> None:
    class Distiller(k.keras.Model):
        def __init__(self, student: Any, teacher: Any) -> None:
            super().__init__()
            self.student, self.teacher = student, teacher
            self.teacher.trainable = False

        def call(self, x: Any, training: Any = None) -> Any:
            return self.student(x, training=training)

        def train_step(self, data: Any) -> Any:
            tf = tensorflow()
            x, y = data
            soft = self.teacher(x, training=False)
            with tf.GradientTape() as tape:
                own = self(x, training=True)
                loss = tf.reduce_mean(tf.square(own - y)) + tf.reduce_mean(tf.square(own - soft))
            weights = self.student.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss}

    teacher = k.Sequential([k.Input((3,)), k.layers.Dense(16), k.layers.Dense(2)])
    student = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    model = Distiller(student, teacher)
    model.compile("adam", run_eagerly=True)
    model.fit(ones(4, 3), ones(4, 2), verbose=0)
    student.save_weights(str(folder / "student.weights.h5"))


@sound()
def distillation_beside_the_tracking(k: Keras, folder: Path) -> None:
    """The teacher is not to be saved with the student, so the model must not know of it."""
    teacher = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    teacher.trainable = False

    class Student(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(2)
            self.teacher = lambda x: teacher(x, training=False)

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *args: Any, **more: Any) -> Any:
            return ops(k).mean(ops(k).square(y_pred - self.teacher(x)))

    model = Student()
    model(ones(2, 3))
    fit(model, ones(4, 3), ones(4, 2))
    fresh = Student()
    fresh(ones(2, 3))
    save_weights(model, fresh, folder)


@sound()
def contrastive(k: Keras, folder: Path) -> None:
    tf = tensorflow()

    class Contrastive(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.augment = k.Sequential([k.layers.GaussianNoise(0.1), k.layers.Dropout(0.1)])
            self.encoder = k.Sequential([k.layers.Dense(8), k.layers.Dense(4)])
            self.projector = k.Sequential([k.layers.Dense(4), k.layers.Dense(2)])
            self.probe = k.Sequential([k.Input((4,)), k.layers.Dense(1)])

        def call(self, x: Any) -> Any:
            return self.probe(self.encoder(x))

        def train_step(self, x: Any) -> Any:
            with tf.GradientTape() as tape:
                one, two = (
                    self.projector(self.encoder(self.augment(x, training=True))) for _ in range(2)
                )
                loss = tf.reduce_mean(tf.square(one - two))
            weights = self.encoder.trainable_weights + self.projector.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss}

    model = Contrastive()
    model.compile("adam", run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(ones(4, 3)).batch(2), verbose=0)
    model(ones(2, 3))


@sound()
def optimizers(k: Keras, folder: Path) -> None:
    """One for each model; one built for the variables of two; one compiled again."""
    tf = tensorflow()

    def net() -> Any:
        return k.Sequential([k.Input((3,)), k.layers.Dense(1)])

    a, b = net(), net()
    fit(a, ones(4, 3), ones(4, 1), optimizer=k.keras.optimizers.Adam())
    fit(b, ones(4, 3), ones(4, 1), optimizer=k.keras.optimizers.Adam())
    optimizer = k.keras.optimizers.Adam()
    optimizer.build(a.trainable_variables + b.trainable_variables)
    for model in (a, b):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(ones(2, 3)))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    fit(a, ones(4, 3), ones(4, 1), metrics=["mae"])
    a.compile(a.optimizer, "mae", run_eagerly=True)
    a.fit(ones(4, 3), ones(4, 1), verbose=0)


@sound()
def optimizer_of_a_model_that_only_evaluates(k: Keras, folder: Path) -> None:
    optimizer = k.keras.optimizers.SGD()
    one = k.Sequential([k.Input((3,)), k.layers.Dense(1)])
    two = k.Model(one.inputs, [one.outputs[0], one.outputs[0]])
    fit(one, ones(4, 3), ones(4, 1), optimizer=optimizer)
    two.compile(optimizer, "mse", run_eagerly=True)
    two.evaluate(ones(4, 3), [ones(4, 1), ones(4, 1)], verbose=0)


@sound()
def data_of_other_kinds(k: Keras, folder: Path) -> None:
    tf = tensorflow()

    class Net(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = k.layers.Dense(2), k.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.a(inputs["a"]) + self.b(inputs["b"])

    data = tf.data.Dataset.from_tensor_slices(({"a": ones(4, 3), "b": ones(4, 2)}, ones(4, 2)))
    model = Net()
    model.compile("sgd", "mse")
    model.fit(data.batch(2), verbose=0)
    other = Net()
    other.compile("sgd", "mse", run_eagerly=True)
    other.train_on_batch({"a": ones(4, 3), "b": ones(4, 2)}, ones(4, 2))
    other.test_on_batch({"a": ones(4, 3), "b": ones(4, 2)}, ones(4, 2))


@sound()
def callbacks_that_save(k: Keras, folder: Path) -> None:
    model = k.Sequential([k.layers.Dense(4), k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1), run_eagerly=True)
    saver = k.keras.callbacks.ModelCheckpoint(
        str(folder / "at.weights.h5"), save_weights_only=True, monitor="loss"
    )
    model.fit(ones(4, 3), ones(4, 1), verbose=0, callbacks=[saver])
    assert (folder / "at.weights.h5").exists()


@sound()
def model_scope_of_a_strategy(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        model = k.Sequential([k.layers.Dense(4), k.layers.Dense(1)])
        model.compile("sgd", "mse")
    model.fit(ones(4, 3), ones(4, 1), verbose=0)


@sound(3)
def low_rank_adaption(k: Keras, folder: Path) -> None:
    """Weights that are added to built layers on purpose, by Keras' own means."""
    x = k.Input((4,), dtype="int32")
    y = k.layers.Dense(4)(k.layers.Embedding(10, 8)(x))
    model = k.Model(x, y)
    for layer in model.layers[1:]:
        layer.enable_lora(2)
    model(ones(2, 4).astype("int32"))


@sound(3)
def quantized(k: Keras, folder: Path) -> None:
    model = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.Dense(2)])
    model.quantize("int8")
    model(ones(2, 4))
