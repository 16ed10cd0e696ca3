"""The exponential gates of the sLSTM: any size of a sum is finite, and the first states mean what is said."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from reference.parity import random_like, randomize

from layers import SLSTM, SLSTMCell

BATCH, STEPS, FEATURES, UNITS = 2, 60, 3, 4


def _open(cell: SLSTMCell, log_i: float, f: float, g: float, state: list[Any]) -> tuple[Any, ...]:
    """Return the new states for these sums before the gates and an open output gate."""
    sums = np.float32([[log_i, f, g, 100.0]]).repeat(cell.units, axis=1)
    return cell.update(tf.constant(sums), tf.zeros_like(sums), state)


def _state(c: float, log_n: float) -> list[tf.Tensor]:
    return [tf.fill([1, UNITS], value) for value in (0.0, c, log_n)]


@pytest.mark.parametrize("f", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("log_i", [-200.0, 0.0, 200.0])
def test_gates_of_any_size_are_finite_and_have_a_gradient(log_i: float, f: float) -> None:
    x_proj = tf.repeat(tf.constant([[log_i, f, 0.5, 1.0]]), UNITS, axis=-1)
    state = _state(0.25, 1.0)
    with tf.GradientTape() as tape:
        tape.watch([x_proj, state])
        new = SLSTMCell(UNITS).update(x_proj, tf.zeros_like(x_proj), state)
        loss = tf.add_n([tf.reduce_sum(part) for part in new])
    gradients = tape.gradient(loss, [x_proj, *state], unconnected_gradients="zero")
    assert all(np.isfinite(part).all() for part in (*new, *gradients))


def test_a_large_input_outweighs_the_past_and_a_small_one_does_not() -> None:
    cell = SLSTMCell(UNITS)
    for log_i, content in ((30.0, np.tanh(2.0)), (-30.0, -0.5)):
        h, c, _ = _open(cell, log_i, 5.0, 2.0, _state(-0.5, 0.0))
        np.testing.assert_allclose(c, np.full((1, UNITS), content), rtol=1e-5)
        np.testing.assert_allclose(h, c)


def test_the_first_content_has_its_weight_against_one_or_all_of_it() -> None:
    cell = SLSTMCell(UNITS)
    for log_n, share in ((0.0, 3.0 / (3.0 + 1.0)), (-100.0, 1.0)):
        _, c, new_log_n = _open(cell, np.log(3.0), 100.0, 0.7, _state(0.0, log_n))
        np.testing.assert_allclose(c, np.full((1, UNITS), share * np.tanh(0.7)), rtol=1e-5)
        np.testing.assert_allclose(new_log_n, np.full((1, UNITS), np.log(3.0 + np.exp(log_n))), rtol=1e-5)


def test_the_content_is_a_mean_of_contents() -> None:
    layer = SLSTM(UNITS, return_sequences=True, return_state=True)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    outputs, _, c, _ = layer(100.0 * x)
    assert np.abs(outputs).max() <= 1.0
    assert np.abs(c).max() <= 1.0
