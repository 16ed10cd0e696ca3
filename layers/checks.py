"""Refusals that several layers share: they say layer, expected and got."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def require_sequences(layer: keras.layers.Layer, shape: Sequence[int | None]) -> None:
    """Refuse inputs that are not (batch, steps, features), and later ones of other features."""
    if len(shape) != 3:
        expected = "expected inputs of shape (batch, steps, features)"
        raise ValueError(f"{layer.name}: {expected}, got {tuple(shape)}")
    layer.input_spec = keras.layers.InputSpec(shape=(None, None, shape[2]))


def valid_steps(layer: keras.layers.Layer, sequences: tf.Tensor, mask: Any) -> tf.Tensor | None:
    """Return the mask (batch, steps) as booleans, or None where there is none.

    Keras hands no mask over when a second tensor (an initial state) is given: it is read off `sequences`.
    """
    if mask is None:
        mask = getattr(sequences, "_keras_mask", None)
    if mask is None:
        return None
    mask = tf.cast(mask, tf.bool)
    if not mask.shape.is_compatible_with(sequences.shape[:2]):
        raise ValueError(
            f"{layer.name}: mask: expected shape {tuple(sequences.shape[:2])}, got {tuple(mask.shape)}"
        )
    return mask


def require_rate(layer: keras.layers.Layer, name: str, rate: float) -> None:
    """Refuse a fraction to drop that is not in [0, 1)."""
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"{type(layer).__name__}: {name}: expected 0 <= rate < 1, got {rate!r}")


def require_units(layer: keras.layers.Layer, units: Any, name: str = "units") -> None:
    """Refuse a size that is not a whole number above 0."""
    if isinstance(units, bool) or not isinstance(units, int) or units < 1:
        raise ValueError(f"{type(layer).__name__}: {name}: expected a whole number above 0, got {units!r}")
