"""The last steps of a stream as one window, for layers that need several steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_units
from .plain_layer import PlainLayer
from .spectrogram import IN_FLOAT
from .states import after_the_past, carried_states, zero_past


@keras.saving.register_keras_serializable("unrolled")
class LastSteps(PlainLayer):
    """The last steps of a sequence, as one window that later layers read whole.

        window_i = x_(T - steps + i)      seen_i = 1 if T - steps + i >= 1, else 0      i = 1, ..., steps

    T is the last step; before the first step the window holds zeros, and `seen` says so. In a stream, every
    step gives the window that ends with it. Layers behind this one see a window in each step of a stream, so
    they may read it in any way, also backwards. The window stays in float32 in quantised files.

    Args:
        steps: the length of the window.

    Call arguments: `sequences` (batch, any number of steps, features).
    Returns: the window (batch, steps, features) and `seen` (batch, steps, 1).
    State in a stream: `past`, the last steps - 1 steps of the inputs, each with a 1 behind its features.
    """

    def __init__(self, steps: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        require_units(self, steps, "steps")
        self.steps = steps

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Note the number of features."""
        self._features: int = sequences_shape[-1]  # type: ignore[assignment]  # an Input gives the features
        self.built = True

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the state that a stream starts from: zeros, named `past`."""
        return zero_past((batch_size, self.steps - 1, self._features + 1), "float32")

    def call(self, sequences: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the window and which of its steps were seen."""
        length = sequences.shape[1]
        with tf.name_scope(IN_FLOAT):
            if carried_states(self) is None and length is not None and length >= self.steps:
                window = sequences[:, length - self.steps :]
                return window, tf.ones_like(window[..., :1])
            marked = tf.concat([sequences, tf.ones_like(sequences[..., :1])], -1)
            window = after_the_past(self, marked, self.steps - 1)[:, -self.steps :]
            window = tf.ensure_shape(window, [None, self.steps, self._features + 1])
            return window[..., :-1], window[..., -1:]

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> tuple[tuple, tuple]:
        """Return the shapes of the window and of `seen`."""
        batch = sequences_shape[0]
        return (batch, self.steps, sequences_shape[-1]), (batch, self.steps, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"steps": self.steps}
