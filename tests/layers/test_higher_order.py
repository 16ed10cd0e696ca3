"""In a graph, where training compiles the layers, tapes may be persistent, nested, mapped or around it."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.parity import randomize

from layers import GRU, LSTM, Bidirectional, MinGRU, execution

SAME = {"atol": 2e-5, "rtol": 1e-5}
X = np.random.default_rng(4).normal(size=(3, 4, 2)).astype("float32")


def persistent(layer: Any, x: tf.Tensor) -> Any:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = layer(x, training=True)
        first, second = tf.reduce_sum(y**2), tf.reduce_sum(y**3)
    sources = [x, *layer.trainable_variables]
    return tape.gradient(first, sources), tape.gradient(second, sources)


def penalty(layer: Any, x: tf.Tensor) -> Any:
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(layer(x, training=True) ** 2)
        size = tf.reduce_sum(inner.gradient(y, x) ** 2)
    return outer.gradient(size, [x, *layer.trainable_variables])


def third(layer: Any, x: tf.Tensor) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        size = tf.reduce_sum(penalty(layer, x)[0] ** 2)
    return tape.gradient(size, x)


def jacobian(layer: Any, x: tf.Tensor) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)[:, -1]
    return tape.jacobian(y, x)


def accumulated(layer: Any, x: tf.Tensor) -> Any:
    sums = [tf.zeros_like(variable) for variable in layer.trainable_variables]
    for part in tf.split(x, 3):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(part, training=True) ** 2)
        parts = tape.gradient(y, layer.trainable_variables)
        sums = [total + each for total, each in zip(sums, parts, strict=True)]
    return sums


def of_examples(layer: Any, x: tf.Tensor) -> Any:
    def gradient(example: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(example[None], training=True) ** 2)
        return tape.gradient(y, layer.trainable_variables)

    mapped = tf.vectorized_map if tf.inside_function() else tf.map_fn
    how = {} if tf.inside_function() else {"fn_output_signature": [tf.float32] * 3}
    return mapped(gradient, x, **how)


MAKERS = {
    "GRU": lambda: GRU(3, return_sequences=True),
    "LSTM in chunks": lambda: LSTM(3, return_sequences=True, checkpoint_every=3),
    "MinGRU": lambda: MinGRU(3, return_sequences=True),
    "both directions": lambda: Bidirectional(GRU(3, return_sequences=True)),
}
CASES = [
    *((what, "GRU") for what in (persistent, penalty, jacobian, of_examples)),
    (penalty, "LSTM in chunks"),
    *(
        pytest.param(what, name, marks=pytest.mark.long)
        for what, name in [
            *((what, "GRU") for what in (third, accumulated)),
            *((persistent, name) for name in ("LSTM in chunks", "MinGRU")),
            *((penalty, name) for name in ("MinGRU", "both directions")),
        ]
    ),
]


@pytest.mark.parametrize(("what", "name"), CASES)
def test_gradients_in_a_graph_are_those_of_the_plain_loop(what: Any, name: str) -> None:
    layer = MAKERS[name]()
    layer.build(X.shape)
    randomize(layer)
    # TensorFlow itself can't map the gradient of its loop over examples.
    plain = what if what is of_examples else tf.function(what)
    with execution("loop"):
        expected = plain(layer, tf.constant(X))
    found = tf.function(what)(layer, tf.constant(X))
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, **SAME)


def test_a_tape_around_the_graph_differentiates_the_gradient_in_it() -> None:
    layer = MAKERS["GRU"]()
    layer.build(X.shape)
    randomize(layer)

    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(layer(x, training=True) ** 2)
        return tape.gradient(y, x)

    def second(gradient: Any) -> Any:
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            size = tf.reduce_sum(gradient(x) ** 2)
        return tape.gradient(size, layer.trainable_variables)

    with execution("loop"):
        expected = second(gradient)
    for a, b in zip(second(tf.function(gradient)), expected, strict=True):
        np.testing.assert_allclose(a, b, **SAME)


class Penalised(keras.Model):
    """Trains with a penalty on the gradient of its output, as critics of GANs do."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.out = GRU(3), keras.layers.Dense(1)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.out(self.gru(x, training=training))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        x, targets = data
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = self(x, training=True)
            size = tf.reduce_mean(inner.gradient(y, x) ** 2)
            loss = tf.reduce_mean((y - targets) ** 2) + size
        self.optimizer.apply(outer.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_train_step_with_a_gradient_penalty_trains_in_fit_as_it_does_eagerly(jit_compile: bool) -> None:
    trained = []
    for how in ({"jit_compile": jit_compile}, {"run_eagerly": True}):
        keras.utils.set_random_seed(2)
        model = Penalised()
        model.compile(keras.optimizers.SGD(0.1), **how)
        model.fit(X, X[:, 0, :1], batch_size=3, epochs=2, verbose=0)
        trained.append(model.get_weights())
    for a, b in zip(*trained, strict=True):
        np.testing.assert_allclose(a, b, **SAME)
