"""Attention over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .cells.base import affine
from .checks import require_sequences, require_units, valid_steps

_FAR_BELOW = -1e4  # exp(-1e4) is 0 in every precision; finite, so padding alone still has a softmax


@keras.saving.register_keras_serializable("unrolled")
class AdditiveAttentionPooling(keras.layers.Layer):
    """A weighted mean over time, the weights learned.

        e_t = v . tanh(W x_t + b)
        a = softmax(e) over the valid steps
        y = sum_t a_t x_t

    References: D. Bahdanau, K. Cho and Y. Bengio, Neural machine translation by jointly learning to align
    and translate, ICLR 2015 (the score); Z. Yang et al., Hierarchical attention networks for document
    classification, NAACL 2016 (without a query, as pooling).

    Args:
        units: size of the hidden layer of the score.
        return_weights: return the weights a, too.
        kernel_initializer: of W and v.

    Call arguments: `sequences` (batch, steps, features), `mask` (batch, steps), False at padding, whose
    weight is 0; where every step is padding, all weigh the same.
    Returns: (batch, features); with `return_weights` a list of that and (batch, steps).
    Weights: kernel W (features, units), bias b (units,), score v (units, 1).
    """

    def __init__(
        self,
        units: int,
        return_weights: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_units(self, units)
        self.units = units
        self.return_weights = return_weights
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Make the weights for sequences of shape (batch, steps, features)."""
        require_sequences(self, sequences_shape)
        shape = (sequences_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel", initializer=self.kernel_initializer)
        self.bias = self.add_weight(shape=(self.units,), name="bias", initializer="zeros")
        self.score = self.add_weight(shape=(self.units, 1), name="score", initializer=self.kernel_initializer)

    def call(self, sequences: tf.Tensor, mask: tf.Tensor | None = None) -> Any:
        """See the class."""
        scores = affine(tf.tanh(affine(sequences, self.kernel, self.bias)), self.score)
        mask = valid_steps(self, sequences, mask)
        if mask is not None:
            scores = tf.where(mask[:, :, None], scores, tf.cast(_FAR_BELOW, scores.dtype))
        weights = tf.nn.softmax(scores, axis=1)
        pooled = tf.reduce_sum(weights * sequences, axis=1)
        return [pooled, weights[:, :, 0]] if self.return_weights else pooled

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> Any:
        """Return the shape(s) of what `call` returns."""
        batch, steps, features = sequences_shape
        return [(batch, features), (batch, steps)] if self.return_weights else (batch, features)

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Time is gone, and the mask with it."""
        return [None, None] if self.return_weights else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        config["kernel_initializer"] = keras.initializers.serialize(self.kernel_initializer)
        return config | {"units": self.units, "return_weights": self.return_weights}
