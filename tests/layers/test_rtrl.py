"""Real-time recurrent learning gives the gradients of backpropagation through time."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.parity import random_like, randomize

from layers import GRUCell, LSTMCell, RealTimeRecurrentLearning, Recurrent, SimpleRNNCell, execution

BATCH, STEPS, FEATURES, UNITS = 2, 6, 3, 4


def _sequence() -> tuple[Any, Any]:
    """Random inputs, and random targets for every step."""
    x, targets = random_like([(BATCH, STEPS, FEATURES), (BATCH, STEPS, UNITS)], seed=4)
    return tf.constant(x), tf.constant(targets)


def _by_bptt(cell: Any, x: Any, targets: Any) -> list[Any]:
    layer = Recurrent(cell, return_sequences=True)
    with tf.GradientTape() as tape, execution("loop"):
        loss = tf.reduce_sum(tf.square(layer(x) - targets))
    return tape.gradient(loss, cell.trainable_variables)


def _by_rtrl(learner: Any, x: Any, targets: Any) -> list[Any]:
    total = [tf.zeros(weight.shape) for weight in learner.cell.trainable_variables]
    for t in range(STEPS):
        h = learner.step(x[:, t])
        total = [a + b for a, b in zip(total, learner.gradients(2.0 * (h - targets[:, t])), strict=True)]
    return total


@pytest.mark.parametrize("cell_class", [SimpleRNNCell, LSTMCell, GRUCell])
def test_sum_over_steps_is_bptt(cell_class: Any) -> None:
    cell = cell_class(UNITS)
    cell.build((BATCH, FEATURES))
    cell.built = True
    randomize(cell)
    x, targets = _sequence()
    learner = RealTimeRecurrentLearning(cell, BATCH)
    expected = _by_bptt(cell, x, targets)
    for _ in range(2):
        for part, wanted in zip(_by_rtrl(learner, x, targets), expected, strict=True):
            np.testing.assert_allclose(part, wanted, rtol=1e-4, atol=1e-4)
        learner.reset()


def test_learns_online() -> None:
    """Learning with an update after each step: the task is to repeat the previous input."""
    keras.utils.set_random_seed(1)
    cell = SimpleRNNCell(6)
    cell.build((1, 1))
    cell.built = True
    learner, head = RealTimeRecurrentLearning(cell), keras.layers.Dense(1)
    head.build((1, 6))
    optimizer = keras.optimizers.Adam(0.03)
    bits = np.random.default_rng(0).integers(0, 2, 300).astype(np.float32)
    losses = []
    for now, before in zip(bits[1:], bits, strict=False):
        h = learner.step([[now]])
        with tf.GradientTape() as tape:
            tape.watch(h)
            loss = tf.reduce_mean(tf.square(head(h) - before))
        d_h, *d_head = tape.gradient(loss, [h, *head.trainable_variables])
        gradients = [*learner.gradients(d_h), *d_head]
        optimizer.apply(gradients, [*cell.trainable_variables, *head.trainable_variables])
        losses.append(float(loss))
    assert np.mean(losses[:50]) > 0.2  # a guess of 1/2 costs 1/4
    assert np.mean(losses[-50:]) < 0.05


def test_refusals() -> None:
    with pytest.raises(ValueError, match="expected a built cell with weights to learn"):
        RealTimeRecurrentLearning(SimpleRNNCell(4))
    cell = SimpleRNNCell(4, name="mine")
    cell.build((2, 3))
    cell.built = True
    with pytest.raises(ValueError, match=r"mine: inputs: expected shape \(2, features\), got \(1, 3\)"):
        RealTimeRecurrentLearning(cell, 2).step(np.zeros((1, 3)))
