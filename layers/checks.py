"""Checks of arguments and shapes that several layers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

FEATURES = ("features",)
"""The axes of the inputs of one step of most layers."""


def require_sequences(
    layer: keras.layers.Layer, shape: Sequence[int | None], axes: Sequence[str] = FEATURES
) -> None:
    """Check that inputs have the shape (batch, steps, *axes), and fix the sizes of these axes.

    Args:
        layer: the layer.
        shape: the shape of its inputs.
        axes: names of the axes of one step.

    Raises:
        ValueError: the shape has more or fewer axes.
    """
    if len(shape) != 2 + len(axes):
        expected = f"expected inputs of shape (batch, steps, {', '.join(axes)})"
        raise ValueError(f"{layer.name}: {expected}, got {tuple(shape)}")
    layer.input_spec = keras.layers.InputSpec(shape=(None, None, *shape[2:]))


def valid_steps(layer: keras.layers.Layer, sequences: tf.Tensor, mask: Any) -> tf.Tensor | None:
    """Return the mask (batch, steps) as booleans, or None without a mask.

    Keras passes no mask if the call has a second tensor, such as an initial state. The mask is then taken
    from `sequences`.

    Raises:
        ValueError: the shape of the mask differs from the batch and steps of `sequences`.
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
    """Raise a ValueError with `name` unless a dropout rate is in [0, 1)."""
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"{type(layer).__name__}: {name}: expected 0 <= rate < 1, got {rate!r}")


def require_units(layer: keras.layers.Layer, units: Any, name: str = "units") -> None:
    """Raise a ValueError with `name` unless a size is a whole number above 0."""
    if isinstance(units, bool) or not isinstance(units, int) or units < 1:
        raise ValueError(f"{type(layer).__name__}: {name}: expected a whole number above 0, got {units!r}")
