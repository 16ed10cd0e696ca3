"""Checks of arguments and shapes that several layers share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

FEATURES = ("features",)
"""The axes of the inputs of one step of most layers."""
KERAS_OPTIONS = {
    "implementation": "",
    "unroll": "training compiles the loop; the execution 'unrolled' writes out the steps for an export",
    "use_cudnn": "training is compiled by XLA, also on a GPU",
}
"""Arguments of Keras's layers that say how to compute, and what holds here instead."""


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
    if isinstance(sequences, tf.RaggedTensor):
        raise ValueError(
            f"{layer.name}: expected a dense tensor, got a RaggedTensor: call the layer with "
            "sequences.to_tensor() and mask=tf.sequence_mask(sequences.row_lengths())"
        )
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


def require_sizes(layer: keras.layers.Layer, name: str, states: Sequence[Any], sizes: Sequence[int]) -> None:
    """Raise a ValueError with `name` unless the states of a step have these sizes of their last axis."""
    shapes = [tuple(state.shape) for state in states]
    if [shape[-1:] for shape in shapes] != [(size,) for size in sizes]:
        raise ValueError(
            f"{layer.name}: {name}: expected {len(sizes)} of sizes {tuple(sizes)}, got shapes {shapes}"
        )


def known_features(layer: keras.layers.Layer, shape: Sequence[int | None]) -> int:
    """Return the size of the last axis of the inputs of a cell.

    Raises:
        ValueError: the size is unknown, or 0.
    """
    if not shape[-1]:
        expected = "be known" if shape[-1] is None else "not be empty"
        raise ValueError(f"{layer.name}: the last axis of the inputs must {expected}, got {tuple(shape)}")
    return shape[-1]


def without_keras_options(layer_class: type, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer without `KERAS_OPTIONS`; warn where one asks for something."""
    name = layer_class.__name__
    for option in KERAS_OPTIONS.keys() & options.keys():
        if options[option] is True and KERAS_OPTIONS[option]:
            warnings.warn(f"{name}: {option}=True changes nothing: {KERAS_OPTIONS[option]}", stacklevel=4)
    return {option: value for option, value in options.items() if option not in KERAS_OPTIONS}
