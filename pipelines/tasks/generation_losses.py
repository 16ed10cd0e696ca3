"""Losses of networks that predict each token of a sequence from the true tokens before it."""

from __future__ import annotations

import keras
import tensorflow as tf

from ..ondevice.vocabulary import END
from .generation import FLOOR


@keras.saving.register_keras_serializable("unrolled")
class NextTokenLoss(keras.losses.Loss):
    """The cross-entropy of the next token in nats, the mean over all tokens of a batch, END included.

        loss = mean over t of - sum_k q_tk log p_tk,   q_t = (1 - s) onehot(target_t) + s / classes

    Call arguments: targets (batch, steps, sequences) and log-probabilities (batch, steps, sequences,
    classes). Targets after END, and targets outside the classes (unknown words), don't count.

    Args:
        label_smoothing: the smoothing s.
    """

    def __init__(self, label_smoothing: float = 0.0, **kwargs: object) -> None:
        super().__init__(name="next_token_loss")
        self.label_smoothing = label_smoothing

    def call(self, targets: tf.Tensor, log_probabilities: tf.Tensor) -> tf.Tensor:
        """Return the loss, a scalar."""
        targets = tf.cast(targets, tf.int32)  # Keras converts targets to float
        classes = log_probabilities.shape[-1]
        chosen = tf.gather(
            log_probabilities, tf.minimum(targets, classes - 1), batch_dims=len(targets.shape), axis=-1
        )
        smoothing = self.label_smoothing
        losses = -(1 - smoothing) * chosen - smoothing * tf.reduce_mean(log_probabilities, axis=-1)
        weights = self._weights(targets, classes)
        return tf.reduce_sum(losses * weights) / tf.maximum(1.0, tf.reduce_sum(weights))

    def count(self, targets: tf.Tensor, log_probabilities: tf.Tensor) -> tf.Tensor:
        """Return how many tokens of `targets` the loss is a mean over."""
        return tf.reduce_sum(self._weights(tf.cast(targets, tf.int32), log_probabilities.shape[-1]))

    @staticmethod
    def _weights(targets: tf.Tensor, classes: int) -> tf.Tensor:
        """Return 1 where a target counts, else 0."""
        first = tf.ones_like(targets[:, :1], tf.bool)
        counted = tf.concat([first, targets[:, :-1] != END], axis=1) & (targets < classes)
        return tf.cast(counted, tf.float32)

    def get_config(self) -> dict[str, object]:
        """Return the constructor's arguments."""
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("unrolled")
class NegativeLogLikelihood(keras.losses.Loss):
    """The negative log-likelihood in nats per step, the mean over the steps of a batch that are not padding.

    Call arguments: targets (batch, steps, ...), negative in the padding, and probabilities (batch, steps,
    ..., classes). The metric `generation.nll` computes the same value.
    """

    def call(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return the loss, a scalar."""
        valid = targets >= 0
        classes = tf.cast(tf.maximum(targets, 0), tf.int32)
        chosen = tf.gather(outputs, classes, batch_dims=len(targets.shape))
        total = tf.reduce_sum(tf.where(valid, -tf.math.log(tf.maximum(chosen, FLOOR)), 0.0))
        return total / tf.maximum(1.0, tf.cast(self.count(targets, outputs), outputs.dtype))

    def count(self, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Return how many steps of `targets` the loss is a mean over."""
        valid = targets >= 0
        steps = tf.reshape(valid, [tf.shape(valid)[0], tf.shape(valid)[1], -1])
        return tf.reduce_sum(tf.cast(tf.reduce_any(steps, axis=-1), tf.float32))
