"""A layer that lets a decoder copy tokens of its source."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .._layers import layers
from .generation import FLOOR
from .generation_decoder import ContextLayer


@keras.saving.register_keras_serializable("unrolled")
class Copying(ContextLayer):
    """Chooses at each step between a token of the vocabulary and the token of a place of the source.

        g_t = sigmoid(u . x_t + b)
        p_t(k) = g_t softmax(z_t)_k + (1 - g_t) sum of a_tj over the places j whose token is k

    Everything is computed in float32 in files of every precision, since the logarithm of a rounded
    probability would be far off. Source: A. See, P. Liu and C. Manning, Get to the point: summarization with
    pointer-generator networks, ACL 2017, section 2.2.

    Call arguments: `logits` z (batch, steps, classes); `steps` x (batch, steps, size), what decides between
    the two; `attention` a (batch, steps, places), 0 at padding; `source` (batch, places) int32, the tokens.
    Returns: log p, (batch, steps, classes).
    Weights: kernel u (size, 1), bias b (1,).
    """

    def build(self, logits_shape: Any, steps_shape: Any, attention_shape: Any, source_shape: Any) -> None:
        """Create u and b. At first the vocabulary decides more often, since attention knows nothing yet."""
        self.kernel = self.add_weight(shape=(steps_shape[-1], 1), name="kernel")
        first = keras.initializers.Constant(1.0)
        self.bias = self.add_weight(shape=(1,), name="bias", initializer=first)

    def call(self, logits: tf.Tensor, steps: tf.Tensor, attention: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
        """Return the log-probabilities of the tokens."""
        with tf.name_scope(layers.IN_FLOAT):
            generated = tf.sigmoid(tf.matmul(steps, self.kernel) + self.bias)
            tokens = tf.one_hot(source, logits.shape[-1], dtype=attention.dtype)
            copied = tf.matmul(attention, tokens)
            p = generated * tf.nn.softmax(logits) + (1 - generated) * copied
            return tf.math.log(tf.maximum(p, FLOOR))

    def compute_output_shape(
        self, logits_shape: Any, steps_shape: Any, attention_shape: Any, source_shape: Any
    ) -> Any:
        """Return the shape of what `call` returns."""
        return logits_shape
