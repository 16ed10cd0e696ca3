"""A convolution over the keys of a piano-roll frame."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("unrolled")
class KeyConvolution(keras.layers.Layer):
    """Applies the same weights at every key of a frame, to the keys above and below it.

        default: y_k = b + sum_(|j| <= reach) W_j x_(k+j)
        below:   y_k = b + sum_(1 <= j <= reach) W_j x_(k-j)

    With `below` each key depends on lower keys only. A distribution over frames that factorises from the
    lowest key upwards needs this (H. Larochelle and I. Murray, The neural autoregressive distribution
    estimator, AISTATS 2011). Here all keys share the weights.

    Args:
        filters: size of y_k.
        reach: number of keys on each side.
        below: use lower keys only.

    Call arguments: `frames` (batch, steps, keys). Returns: (batch, steps, keys, filters).
    """

    def __init__(self, filters: int, reach: int, below: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.reach = reach
        self.below = below

    def build(self, frames_shape: tuple[int | None, ...]) -> None:
        """Create the weights (1, offsets, 1, filters), lowest offset first, and the bias (filters,)."""
        offsets = self.reach if self.below else 2 * self.reach + 1
        self.kernel = self.add_weight(
            shape=(1, offsets, 1, self.filters),
            name="kernel",
            initializer=keras.initializers.RandomNormal(stddev=0.05),
        )
        self.bias = self.add_weight(shape=(self.filters,), name="bias", initializer="zeros")

    def call(self, frames: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        if self.below:  # no key depends on the highest one
            padded = tf.pad(frames[:, :, :-1], [[0, 0], [0, 0], [self.reach, 0]])
        else:
            padded = tf.pad(frames, [[0, 0], [0, 0], [self.reach, self.reach]])
        kernel, bias = (tf.cast(weight, frames.dtype) for weight in (self.kernel, self.bias))
        return tf.nn.conv2d(tf.expand_dims(padded, -1), kernel, 1, "VALID") + bias

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return no states, because the layer carries nothing from step to step."""
        return {}

    def compute_output_shape(self, frames_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return (*frames_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"filters": self.filters, "reach": self.reach, "below": self.below}
        return super().get_config() | own
