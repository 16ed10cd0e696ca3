"""Attention over the recent past, for networks that stream."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from layers.states import after_the_past, zero_past


@keras.saving.register_keras_serializable("unrolled")
class RecentAttention(keras.layers.Layer):
    """What the last steps say to the present one, by scaled dot products.

        q_t = x_t W_q,   k_t = x_t W_k,   v_t = x_t W_v
        a_tj = softmax over the window t - window < j <= t of q_t k_j / sqrt(units)
        y_t = sum_j a_tj v_j

    Reference: A. Vaswani et al., Attention is all you need, NeurIPS 2017, here within a window and with one
    head; steps before the start have no weight.

    Args:
        window: how many steps are looked at, the present one included.
        units: size of queries, keys and values.

    Call arguments: `sequences` (batch, steps, features). Returns: (batch, steps, units).
    """

    def __init__(self, window: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.window = window
        self.units = units

    def build(self, sequences_shape: tuple[int | None, ...]) -> None:
        """Make the weights (features, units) of queries, keys and values."""
        shape = (sequences_shape[-1], self.units)
        self.query_kernel, self.key_kernel, self.value_kernel = (
            self.add_weight(shape=shape, name=f"{role}_kernel") for role in ("query", "key", "value")
        )

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """See the class."""
        steps = tf.shape(sequences)[1]
        # A column of ones tells real steps from the zeros before the start.
        marked = tf.concat([sequences, tf.ones_like(sequences[:, :, :1])], axis=2)
        memory = after_the_past(self, marked, self.window - 1)
        features, real = memory[:, :, :-1], memory[:, None, :, -1]
        scores = tf.matmul(sequences @ self.query_kernel, features @ self.key_kernel, transpose_b=True)
        behind = tf.range(steps)[:, None] + self.window - 1 - tf.range(tf.shape(memory)[1])[None]
        seen = tf.cast((behind >= 0) & (behind < self.window), scores.dtype) * real
        weights = tf.nn.softmax(scores * self.units**-0.5 - 1e4 * (1 - seen))
        return weights @ (features @ self.value_kernel)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the steps before, none yet."""
        features = self.query_kernel.shape[0] + 1
        return zero_past((batch_size, self.window - 1, features), self.compute_dtype)

    def compute_output_shape(self, sequences_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of what `call` returns."""
        return (*sequences_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"window": self.window, "units": self.units}
