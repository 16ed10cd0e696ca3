"""A linear-chain conditional random field over the answers of each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_sequences
from .plain_layer import PlainLayer


@keras.saving.register_keras_serializable("unrolled")
class LinearChainCRF(PlainLayer):
    """The scores of a linear-chain conditional random field (Lafferty, McCallum and Pereira 2001).

    A sequence of tags y has the score

        s(y) = start[y_1] + sum over t of x_t[y_t] + sum over t > 1 of transitions[y_(t-1), y_t]

    and the probability exp(s(y)) / sum over all y' of exp(s(y')). The layer adds the learned scores to its
    input; `crf_loss` is the loss for its output, and a device finds the best tags by Viterbi's algorithm.

    Call arguments: `scores` (batch, steps, tags), the scores x of each step.
    Returns: (batch, steps + 1 + tags, tags): the scores, a row with `start`, and the rows of `transitions`
        (from the tag of the row to the tag of the column).

    Raises:
        ValueError: the scores have another shape.
    """

    def build(self, scores_shape: Sequence[int | None]) -> None:
        """Create the weights for scores (batch, steps, tags)."""
        require_sequences(self, scores_shape)
        tags = scores_shape[2]
        self.start = self.add_weight(name="start", shape=(tags,), initializer="zeros")
        self.transitions = self.add_weight(name="transitions", shape=(tags, tags), initializer="zeros")

    def call(self, scores: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        learned = tf.concat([self.start[None], self.transitions], axis=0)
        tags = scores.shape[2]
        of_each = tf.broadcast_to(learned[None], [tf.shape(scores)[0], tags + 1, tags])
        return tf.concat([scores, of_each], axis=1)

    def compute_output_shape(self, scores_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, steps + 1 + tags, tags)."""
        batch, steps, tags = scores_shape
        return (batch, None if steps is None or tags is None else steps + 1 + tags, tags)

    def compute_mask(self, _: Any, mask: Any = None) -> None:
        """Return no mask, because the output has other rows."""


@keras.saving.register_keras_serializable("unrolled")
class CRFLoss(keras.losses.Loss):
    """The negative log-likelihood of the tags, in nats a sequence, from the output of a `LinearChainCRF`.

        - log p(y) = log sum over all y' of exp(s(y')) - s(y), by the forward algorithm

    Call arguments: `y_true` (batch, steps) tag numbers, -1 at the padding behind the end of a sequence;
        `y_pred` (batch, steps + 1 + tags, tags).
    """

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return the loss of each sequence, (batch,)."""
        tags = y_pred.shape[2]
        y_true = tf.cast(y_true, tf.int32)
        scores, learned = y_pred[:, : -(tags + 1)], y_pred[0, -(tags + 1) :]
        start, transitions = learned[0], learned[1:]
        return _log_total(scores, y_true >= 0, start, transitions) - _score(
            scores, y_true, start, transitions
        )


def _log_total(scores: tf.Tensor, valid: tf.Tensor, start: tf.Tensor, transitions: tf.Tensor) -> tf.Tensor:
    """Return the logarithm of the sum over all sequences of tags, (batch,)."""

    def step(total: tf.Tensor, given: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        score, is_valid = given
        longer = tf.reduce_logsumexp(total[:, :, None] + transitions, axis=1) + score
        return tf.where(is_valid[:, None], longer, total)

    by_step = tf.transpose(scores, [1, 0, 2])[1:], tf.transpose(valid)[1:]
    first = start + scores[:, 0]
    totals = tf.scan(step, by_step, first)
    return tf.reduce_logsumexp(tf.concat([first[None], totals], axis=0)[-1], axis=1)


def _score(scores: tf.Tensor, y_true: tf.Tensor, start: tf.Tensor, transitions: tf.Tensor) -> tf.Tensor:
    """Return the score of the given tags, (batch,)."""
    valid = tf.cast(y_true >= 0, scores.dtype)
    tags = tf.maximum(y_true, 0)
    of_steps = tf.gather(scores, tags, batch_dims=2) * valid
    between = tf.gather_nd(transitions, tf.stack([tags[:, :-1], tags[:, 1:]], axis=-1)) * valid[:, 1:]
    return tf.gather(start, tags[:, 0]) + tf.reduce_sum(of_steps, axis=1) + tf.reduce_sum(between, axis=1)
