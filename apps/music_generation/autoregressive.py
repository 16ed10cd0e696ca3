"""Layers of the network that know what a key is: those over keys, and the ones that pick columns."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("unrolled")
class Columns(keras.layers.Layer):
    """Features `start` to `stop` of each step: (batch, steps, features) -> (batch, steps, stop - start).

    With `squeeze` the one feature is taken out of its axis: (batch, steps).
    """

    def __init__(self, start: int, stop: int, squeeze: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.stop = stop
        self.squeeze = squeeze

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """See the class."""
        return sequences[:, :, self.start] if self.squeeze else sequences[:, :, self.start : self.stop]

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Carry nothing from step to step."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"start": self.start, "stop": self.stop, "squeeze": self.squeeze}


@keras.saving.register_keras_serializable("unrolled")
class KeyConvolution(keras.layers.Layer):
    """The same weights at every key of a frame: what lies so many keys above and below.

        plain:   y_k = b + sum_(|j| <= reach) W_j x_(k+j)
        below:   y_k = b + sum_(1 <= j <= reach) W_j x_(k-j)

    `below` looks at lower keys only: the part of a distribution over frames that takes the keys from the
    lowest up, each given those before (H. Larochelle and I. Murray, The neural autoregressive distribution
    estimator, AISTATS 2011), here with weights tied over keys.

    Args:
        filters: size of y_k.
        reach: number of keys on a side.
        below: see above.

    Call arguments: `frames` (batch, steps, keys). Returns: (batch, steps, keys, filters).
    """

    def __init__(self, filters: int, reach: int, below: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.reach = reach
        self.below = below

    def build(self, frames_shape: tuple[int | None, ...]) -> None:
        """Make the weights (1, offsets, 1, filters), the lowest offset first, and the bias (filters,)."""
        offsets = self.reach if self.below else 2 * self.reach + 1
        self.kernel = self.add_weight(
            shape=(1, offsets, 1, self.filters),
            name="kernel",
            initializer=keras.initializers.RandomNormal(stddev=0.05),
        )
        self.bias = self.add_weight(shape=(self.filters,), name="bias", initializer="zeros")

    def call(self, frames: tf.Tensor) -> tf.Tensor:
        """See the class."""
        if self.below:  # the highest key is below no other
            padded = tf.pad(frames[:, :, :-1], [[0, 0], [0, 0], [self.reach, 0]])
        else:
            padded = tf.pad(frames, [[0, 0], [0, 0], [self.reach, self.reach]])
        kernel, bias = (tf.cast(weight, frames.dtype) for weight in (self.kernel, self.bias))
        return tf.nn.conv2d(tf.expand_dims(padded, -1), kernel, 1, "VALID") + bias

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Carry nothing from step to step."""
        return {}

    def compute_output_shape(self, frames_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of what `call` returns."""
        return (*frames_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"filters": self.filters, "reach": self.reach, "below": self.below}
        return super().get_config() | own
