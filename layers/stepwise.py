"""Which Keras layers compute each step of a sequence from that step alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras


def is_stepwise(layer: keras.Layer) -> bool:
    """Return whether a layer computes each step of (batch, steps, ...) from that step alone.

    Inputs without a time axis, (batch, features), do not matter. The answer is False for a type
    that is not in the table, such as the user's own layer.

    Args:
        layer: a built layer of a model, or an operation of a functional graph.
    """
    name = type(layer).__name__
    return name in _STEPWISE or (name in _CHECKS and _CHECKS[name](layer))


def _shapes(layer: Any) -> list[Sequence[int | None]]:
    """Return the input shapes of every call of the layer in a functional model."""
    return [tensor.shape for node in layer._inbound_nodes for tensor in node.input_tensors]


def _axis_is_not_time(layer: Any) -> bool:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis or ())
    return axes == [-1] or all(
        len(shape) < 3 or 1 not in [axis % len(shape) for axis in axes] for shape in _shapes(layer)
    )


def _one_slope_for_all_steps(layer: Any) -> bool:
    return len(layer.alpha.shape) == 1 or layer.alpha.shape[0] == 1


def _keeps_time(layer: Any) -> bool:
    """Check that a Reshape keeps the steps as the first axis."""
    first, *rest = layer.target_shape
    shapes = _shapes(layer)
    return first == -1 and bool(shapes) and all(math.prod(rest) == _size(shape[2:]) for shape in shapes)


def _size(shape: Sequence[int | None]) -> int | None:
    return None if None in shape else math.prod(size for size in shape if size)


def _time_stays_first(layer: Any) -> bool:
    return layer.dims[0] == 1


def _one_step_of(window: str) -> Callable[[Any], bool]:
    """Return a check that a layer's window, the attribute of this name, covers one step at a time."""

    def check(layer: Any) -> bool:
        first_is_time = layer.data_format == "channels_last"
        return first_is_time and getattr(layer, window)[0] == 1 and layer.strides[0] == 1

    return check


_STEPWISE = frozenset(
    (
        *("Activation", "AlphaDropout", "Add", "Any", "Average", "Dense", "Dropout", "ELU", "Embedding"),
        *("GaussianDropout", "GaussianNoise", "Identity", "InputLayer", "LeakyReLU", "Masking", "MaskOf"),
        *("Maximum", "Minimum", "Multiply", "NotEqual", "ReLU", "Rescaling", "SpatialDropout1D"),
        *("SpatialDropout2D", "SpecAugment", "Subtract", "TimeDistributed", "TokenDropout"),
    )
)
"""Layers that always compute each step alone."""

_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        (
            *("BatchNormalization", "Concatenate", "LayerNormalization", "Normalization"),
            *("RMSNormalization", "Softmax"),
        ),
        _axis_is_not_time,
    ),
    "PReLU": _one_slope_for_all_steps,
    "Reshape": _keeps_time,
    "Permute": _time_stays_first,
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
        _one_step_of("kernel_size"),
    ),
    **dict.fromkeys(
        ("AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D"), _one_step_of("pool_size")
    ),
}
