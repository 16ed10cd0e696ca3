"""The output layer, loss and metric of networks that draw: a mixture of bivariate Gaussians and the pen."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from .._layers import layers
from ..evaluation.score import MeanOf
from ..ondevice.pen_mixture import LEAST_SIGMA, MOST_CORRELATION, mean_nll, step_counts


@keras.saving.register_keras_serializable("unrolled")
class StrokeMixture(keras.layers.Layer):
    """Turns numbers into a mixture of M bivariate Gaussians over the next offset, and the pen's logit.

        log w = log softmax(a)
        m     = b                                  means of x and y
        log s = log(floor + softplus(c))           sigma of x and y, never below the floor
        r     = .95 tanh(d)                        correlation
        e                                          logit that the pen is lifted

    Weights and sigmas stay logarithms, since small ones would round to 0 in an integer output. Computed in
    float32 in files of every precision. Can run step by step.

    Source: A. Graves, Generating sequences with recurrent neural networks, 2013, section 4.1; there the
    sigma is exp(c), which has no floor.

    Args:
        floor: the least sigma, in deviations of the training set.

    Call arguments: `numbers` (batch, steps, 6 M + 1): a (M), b of x (M), b of y (M), c of x (M), c of y (M),
    d (M), e (1).
    Returns: the same shape; `ondevice.pen_mixture` reads it.

    Raises:
        ValueError: the last axis has another size.
    """

    def __init__(self, floor: float = LEAST_SIGMA, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.floor = floor

    def build(self, numbers_shape: Any) -> None:
        """Check the number of columns."""
        size = numbers_shape[-1]
        if size is None or size < 7 or size % 6 != 1:
            raise ValueError(f"{self.name}: expected 6 M + 1 numbers a step, got {size}")

    def call(self, numbers: tf.Tensor) -> tf.Tensor:
        """Return the mixture."""
        size = (numbers.shape[-1] - 1) // 6
        with tf.name_scope(layers.IN_FLOAT):
            a, b, c, d, e = tf.split(numbers, [size, 2 * size, 2 * size, size, 1], axis=-1)
            # Not tf.nn.log_softmax, whose operation has a fixed scale in integer files
            log_weights = a - tf.reduce_logsumexp(a, axis=-1, keepdims=True)
            log_sigmas = tf.math.log(self.floor + tf.nn.softplus(c))
            return tf.concat([log_weights, b, log_sigmas, MOST_CORRELATION * tf.tanh(d), e], axis=-1)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return no states: nothing is carried from step to step."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"floor": self.floor}


@keras.saving.register_keras_serializable("unrolled")
class StrokeLoss(keras.losses.Loss):
    """The negative log-likelihood of offsets and pen, the mean over the steps of a batch, without padding.

        loss = mean over t of - log sum_k w_k N(dx_t, dy_t; m_k, s_k, r_k) - log p(pen_t)

    The unit is nats a step: the density of offsets in deviations of the training set, plus the pen's
    cross-entropy. The metric `stroke_nll` computes the same value.

    Call arguments: targets (batch, steps, 3): dx, dy in deviations of the training set, and the pen, which is
    `PADDING` behind the end of a drawing; outputs (batch, steps, 6 M + 1) of a `StrokeMixture`.
    """

    def __init__(self, name: str = "stroke_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the loss, a scalar."""
        targets = tf.cast(targets, outputs.dtype)
        counted = targets[..., 2:] >= 0
        targets = tf.where(counted, targets, 0.0)
        size = (outputs.shape[-1] - 1) // 6
        log_weights, mx, my, sx, sy, r, logit = tf.split(outputs, [size] * 6 + [1], axis=-1)
        dx, dy, pen = tf.split(targets, 3, axis=-1)
        u, v = (dx - mx) * tf.exp(-sx), (dy - my) * tf.exp(-sy)
        rest = 1 - tf.square(r)
        exponent = (tf.square(u) + tf.square(v) - 2 * r * u * v) / (2 * rest)
        each = -exponent - math.log(2 * math.pi) - sx - sy - tf.math.log(rest) / 2
        density = tf.reduce_logsumexp(log_weights + each, axis=-1)
        of_pen = tf.nn.sigmoid_cross_entropy_with_logits(pen, logit)[..., 0]
        losses = tf.where(counted[..., 0], of_pen - density, 0.0)
        return tf.reduce_sum(losses) / tf.maximum(1.0, tf.reduce_sum(tf.cast(counted, losses.dtype)))

    def count(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return how many steps of `targets` the loss is a mean over."""
        return tf.reduce_sum(tf.cast(targets[..., 2] >= 0, tf.float32))


def end_loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of where drawings end, a scalar; see `ondevice.pen_mixture.end_nll`.

    It is summed over the steps that lift the pen, and divided by the number of all steps: so the sum of
    `StrokeLoss` and this is the negative log-likelihood of drawings with their ends, in nats a step.

    Args:
        targets: (batch, steps, 4): those of `StrokeLoss`, and 1 for the last step of a drawing.
        logits: (batch, steps).
    """
    targets = tf.cast(targets, logits.dtype)
    pen, last = targets[..., 2], targets[..., 3]
    each = tf.where(pen > 0, tf.nn.sigmoid_cross_entropy_with_logits(last, logits), 0.0)
    return tf.reduce_sum(each) / tf.maximum(1.0, tf.reduce_sum(tf.cast(pen >= 0, each.dtype)))


stroke_nll = MeanOf(mean_nll, step_counts)
"""The negative log-likelihood in nats a step (see `StrokeLoss`), the mean over all steps of all drawings."""
