"""Which stock layers of Keras see earlier steps only, and their counterparts, which can stream."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from .causal import CausalConv1D, CausalPadding1D
from .stepwise import steps_before


def as_causal(layer: Any) -> Any:
    """Return the layer that computes the same as a stock layer and can stream.

    Args:
        layer: a layer or operation of a built model, without a recurrent layer inside.

    Returns:
        The new layer, without weights; None if `layer` is another one. A causal Conv1D becomes a
        `CausalConv1D`, and zeros before the windows of convolutions or pooling become a `CausalPadding1D`.
        A reshape that names the number of steps, and keeps them, becomes one that leaves it open.
    """
    new: Any = None
    if type(layer) is keras.layers.Conv1D and _is_causal(layer):
        fixed = ("strides", "padding", "data_format")
        config = {name: value for name, value in layer.get_config().items() if name not in fixed}
        new = CausalConv1D.from_config(config)
    elif type(layer) is keras.layers.ZeroPadding1D and _pads_windows(layer):
        new = CausalPadding1D(layer.padding[0], name=layer.name, dtype=layer.dtype_policy)
    elif (features := _reshaped_features(layer)) is not None:
        return keras.layers.Reshape((-1, *features), name=layer.name)
    if new is not None:
        new.supports_masking = layer.supports_masking
    return new


def _reshaped_features(layer: Any) -> Sequence[int] | None:
    """Return the shape that a reshape gives the features of each step; None if it changes the steps."""
    operation = type(layer).__name__ == "Reshape" and type(layer).__module__.startswith("keras.src.ops.")
    if not operation and type(layer) is not keras.layers.Reshape:
        return None
    calls = [(node.input_tensors[0].shape, node.output_tensors[0].shape) for node in layer._inbound_nodes]
    keeps_steps = all(
        len(given) > 2
        and None not in (*given[1:], *made[1:])
        and given[1] == made[1]
        and math.prod(given[2:]) == math.prod(made[2:])
        for given, made in calls
    )
    return calls[0][1][2:] if calls and keeps_steps else None


def _is_causal(layer: Any) -> bool:
    return (layer.padding, layer.strides, layer.data_format) == ("causal", (1,), "channels_last")


def _pads_windows(layer: Any) -> bool:
    """Return whether a layer puts zeros before a sequence, as many as the windows behind it lack."""
    before, after = layer.padding
    readers = [node.operation for node in layer._outbound_nodes]
    fits = [steps_before(each) == before for each in readers]
    return before > 0 and after == 0 and layer.data_format == "channels_last" and bool(fits) and all(fits)
