"""Data augmentation of spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_sequences
from .plain_layer import PlainLayer


@keras.saving.register_keras_serializable("unrolled")
class SpecAugment(PlainLayer):
    """Hide random spans of time and bands of frequency in training; the mean of the example replaces them.

    The network learns not to depend on a single frame or band. The width of each span is drawn from 0 to the
    largest width, both included, and its place is random. Spans may overlap.

    Args:
        time_masks, time_width: number of spans of frames, and their largest width.
        frequency_masks, frequency_width: number of bands, and their largest width in bins.
        seed: seed of the widths and places.

    Call arguments: `spectrogram` (batch, frames, bins); `training`.
    Returns: (batch, frames, bins); outside training the input itself.

    Raises:
        ValueError: a number is not a whole number of 0 or more, or the spectrogram has another shape.

    Reference: D. Park et al., SpecAugment: a simple data augmentation method for automatic speech
    recognition, Interspeech 2019.
    """

    def __init__(
        self,
        time_masks: int = 2,
        *,
        time_width: int = 10,
        frequency_masks: int = 2,
        frequency_width: int = 7,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.time_masks = time_masks
        self.time_width = time_width
        self.frequency_masks = frequency_masks
        self.frequency_width = frequency_width
        for name in _SIZES:
            if not (isinstance(getattr(self, name), int) and getattr(self, name) >= 0):
                raise ValueError(
                    f"SpecAugment: {name}: expected a whole number of 0 or more, got {getattr(self, name)!r}"
                )
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, spectrogram_shape: Sequence[int | None]) -> None:
        """Check the shape (batch, frames, bins)."""
        require_sequences(self, spectrogram_shape)

    def call(self, spectrogram: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        if not training:
            return spectrogram
        batch, frames, bins = tf.unstack(tf.shape(spectrogram))
        hidden = self._hidden(batch, frames, self.time_masks, self.time_width)[:, :, None]
        hidden |= self._hidden(batch, bins, self.frequency_masks, self.frequency_width)[:, None, :]
        return tf.where(hidden, tf.reduce_mean(spectrogram, [1, 2], keepdims=True), spectrogram)

    def _hidden(self, batch: tf.Tensor, size: tf.Tensor, masks: int, largest: int) -> tf.Tensor:
        """Draw random spans and return (batch, size) bool, True inside any of them."""
        widths, places = (keras.random.uniform([batch, masks, 1], seed=self.seed_generator) for _ in range(2))
        width = tf.minimum(tf.floor(widths * (largest + 1)), tf.cast(size, "float32"))
        start = tf.floor(places * (tf.cast(size, "float32") - width + 1))
        at = tf.range(tf.cast(size, "float32"))
        return tf.reduce_any((start <= at) & (at < start + width), axis=1)

    def compute_output_shape(self, spectrogram_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Return the shape of the spectrogram."""
        return spectrogram_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in (*_SIZES, "seed")}


_SIZES = ("time_masks", "time_width", "frequency_masks", "frequency_width")
