"""Max pooling over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_sequences, valid_steps
from .plain_layer import PlainLayer


@keras.saving.register_keras_serializable("unrolled")
class MaskedMaxPooling(PlainLayer):
    """The largest value of each feature over the valid steps.

        y = max over the valid t of x_t

    `keras.layers.GlobalMaxPooling1D` also reads padding; this layer ignores it.

    Call arguments: `sequences` (batch, steps, features); `mask` (batch, steps), False at padding.
    Returns: (batch, features); zeros where every step is padding.

    Raises:
        ValueError: the sequences or the mask have another shape.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Check the shape (batch, steps, features)."""
        require_sequences(self, sequences_shape)

    def call(self, sequences: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        mask = valid_steps(self, sequences, mask)
        if mask is None:
            return tf.reduce_max(sequences, axis=1)
        valid = mask[:, :, None]
        largest = tf.reduce_max(tf.where(valid, sequences, sequences.dtype.min), axis=1)
        return tf.where(tf.reduce_any(valid, axis=1), largest, tf.zeros_like(largest))

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, features)."""
        return (sequences_shape[0], sequences_shape[2])

    def compute_mask(self, _: Any, mask: Any = None) -> None:
        """Return no mask, because the output has no steps."""
